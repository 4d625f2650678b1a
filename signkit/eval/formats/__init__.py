"""Reading transcript files, in the formats of the field, into `Transcripts`."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path

from signkit.errors import UserError
from signkit.eval.formats.ctm import by_recording, cut, read_words
from signkit.eval.formats.detect import FORMATS, WITH_COLUMNS, check, detect
from signkit.eval.formats.jsonl import read_jsonl
from signkit.eval.formats.plain import read_id, read_kaldi, read_plain
from signkit.eval.formats.stm import ignored, read_stm
from signkit.eval.formats.table import looks_like_header, read_table
from signkit.eval.formats.textlines import read_lines, uncollected
from signkit.eval.formats.trn import read_trn
from signkit.eval.transcripts import Transcripts

__all__ = ["FORMATS", "read", "read_pair"]


def read(path: Path, format: str = "", column: str = "") -> Transcripts:
    """Read the utterances of one file.

    Each recording of a CTM is one utterance. Segments of an STM that sclite ignores are left out.

    Args:
        path: the file.
        format: one of `FORMATS`; if empty, it is detected by the file's ending and first line.
        column: column or key of the text, for formats that have them.

    Raises:
        UserError: the file has a fault; file and line are named.
        OperationalError: the file cannot be read.
    """
    check(format, "--format")
    transcripts = _read(path, format, column)
    if column and transcripts.format not in WITH_COLUMNS:
        raise _no_columns("--column", [transcripts])
    return _without(transcripts, ignored(transcripts))


def read_pair(
    reference: Path,
    hypotheses: Sequence[Path],
    *,
    format: str = "",
    reference_format: str = "",
    column: str = "",
    reference_column: str = "",
) -> tuple[Transcripts, tuple[Transcripts, ...]]:
    """Read a reference and hypotheses; the words of a CTM hypothesis are assigned to reference segments.

    Segments of an STM reference that sclite ignores are left out, on both sides.

    Args:
        reference: the file of the reference.
        hypotheses: the file of each hypothesis.
        format: format of the hypotheses and, if `reference_format` is empty, of the reference; but ``ctm``
            applies to the hypotheses only.
        reference_format: format of the reference.
        column: column of the text in all files that have columns.
        reference_column: column of the text in the reference, if it differs.

    Raises:
        UserError: as for `read`, or a hypothesis has a recording that the reference does not have.
        OperationalError: a file cannot be read.
    """
    check(format, "--format")
    check(reference_format, "--reference-format")
    known = _read(
        reference, reference_format or ("" if format == "ctm" else format), reference_column or column
    )
    if reference_column and known.format not in WITH_COLUMNS:
        raise _no_columns("--reference-column", [known])
    systems = [_hypothesis(path, format, column, known) for path in hypotheses]
    if column and not any(side.format in WITH_COLUMNS for side in (known, *systems)):
        raise _no_columns("--column", [known, *systems])
    if "lines" not in (format, reference_format):
        _check_ids([known, *systems])
    left_out = ignored(known)
    return _without(known, left_out), tuple(_without(side, left_out) for side in systems)


def _check_ids(sides: Sequence[Transcripts]) -> None:
    """Refuse files read as plain lines whose lines begin with ids, which would count as words.

    Raises:
        UserError: the first words of the lines are distinct, and the same in all files.
    """
    if any(side.format != "lines" or len(side) < 2 for side in sides):
        return
    first = [{text.split(None, 1)[0] for text in side.texts if text} for side in sides]
    if all(len(names) == len(sides[0]) and names == first[0] for names in first):
        example = sides[1].texts[0].split(None, 1)[0]
        what = f"its lines begin with ids ({example!r}), as those of the reference"
        raise UserError(
            sides[1].source, what, "`--format kaldi` reads `id words`; `--format lines` takes them as words"
        )


def _read(path: Path, format: str, column: str) -> Transcripts:
    lines = read_lines(path)
    return _parse(path, _format(path, format, lines), lines, column)


def _format(path: Path, format: str, lines: list[str]) -> str:
    name = format or detect(path, lines)
    header = name == "id" and looks_like_header(next((line for line in lines if line.strip()), ""))
    return "csv" if header else name


def _parse(path: Path, format: str, lines: list[str], column: str) -> Transcripts:
    source = str(path)
    with uncollected():
        if format in ("csv", "corpus"):
            return read_table(source, lines, column, format)
        if format == "jsonl":
            return read_jsonl(source, lines, column)
        if format == "ctm":
            return by_recording(read_words(source, lines))
        readers = {
            "stm": read_stm,
            "trn": read_trn,
            "id": read_id,
            "kaldi": read_kaldi,
            "lines": read_plain,
        }
        return readers[format](source, lines)


def _hypothesis(path: Path, format: str, column: str, reference: Transcripts) -> Transcripts:
    lines = read_lines(path)
    detected = _format(path, format, lines)
    if detected == "ctm":
        with uncollected():
            words = read_words(str(path), lines)
            return cut(words, reference) if reference.segments else by_recording(words)
    parsed = _parse(path, detected, lines, column)
    return _named_as(parsed, reference) if parsed.segments and reference.segments else parsed


def _named_as(hypothesis: Transcripts, reference: Transcripts) -> Transcripts:
    """The hypothesis with the reference's ids for segments of the same time, however the time is written."""
    if hypothesis.index.keys() <= reference.index.keys():
        return hypothesis
    name = dict(zip(reference.segments, reference.ids, strict=True))
    pairs = zip(hypothesis.segments, hypothesis.ids, strict=True)
    return replace(hypothesis, ids=tuple(name.get(segment, old) for segment, old in pairs))


def _without(transcripts: Transcripts, left_out: AbstractSet[str]) -> Transcripts:
    """The utterances without those in ``left_out``.

    Raises:
        UserError: none would be left.
    """
    if left_out.isdisjoint(transcripts.index):
        return transcripts
    places = [place for place, name in enumerate(transcripts.ids) if name not in left_out]
    if not places:
        raise UserError(
            transcripts.source,
            "every segment is one that is not scored",
            "see IGNORE_TIME_SEGMENT_IN_SCORING",
        )
    return replace(
        transcripts,
        ids=tuple(transcripts.ids[place] for place in places),
        texts=tuple(transcripts.texts[place] for place in places),
        lines=[transcripts.lines[place] for place in places],
        signers=tuple(transcripts.signers[place] for place in places) if transcripts.signers else (),
        segments=tuple(transcripts.segments[place] for place in places) if transcripts.segments else (),
    )


def _no_columns(option: str, sides: Sequence[Transcripts]) -> UserError:
    formats = ", ".join(dict.fromkeys(side.format for side in sides))
    return UserError(option, f"a file of the format {formats} has no columns", "leave the option out")
