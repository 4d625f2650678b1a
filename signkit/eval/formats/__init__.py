"""Files of transcripts, in the formats of the field, read into `Transcripts`."""

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
    """The utterances of one file.

    A CTM gives one utterance a recording; segments of an STM that sclite ignores are left out.

    Args:
        format: one of `FORMATS`; found by the file's ending and first line, if empty.
        column: of the text, for formats with columns or keys.

    Raises:
        UserError: the file cannot be used; file and line are named.
        OperationalError: it cannot be read.
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
    """A reference and hypotheses of it; the words of a CTM hypothesis are given to its utterances.

    Segments of an STM reference that sclite ignores are left out, and on the other side what is said in
    them.

    Args:
        format: of the hypotheses and, unless `reference_format` names another, of the reference; but
            ``ctm`` is of the hypotheses alone.
        column: of the text on both sides, where there are columns; `reference_column` goes before it.

    Raises:
        UserError, OperationalError: as `read`; a word of a recording that the reference does not have.
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
    """Refuse lines without ids that all begin with one: they would count as words."""
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
    """Segments of the same time have the id of the reference, however the files write their times."""
    if hypothesis.index.keys() <= reference.index.keys():
        return hypothesis
    name = dict(zip(reference.segments, reference.ids, strict=True))
    pairs = zip(hypothesis.segments, hypothesis.ids, strict=True)
    return replace(hypothesis, ids=tuple(name.get(segment, old) for segment, old in pairs))


def _without(transcripts: Transcripts, left_out: AbstractSet[str]) -> Transcripts:
    """All utterances but some."""
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
