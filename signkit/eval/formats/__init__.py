"""Reading transcript files, in the formats of the field, into `Transcripts`."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path

from signkit.errors import UserError
from signkit.eval.formats import annotations
from signkit.eval.formats.ctm import Words, by_recording, cut
from signkit.eval.formats.detect import FORMATS, WITH_COLUMNS, WITH_ID_COLUMNS, check
from signkit.eval.formats.mistaken import check_plain, check_words
from signkit.eval.formats.parse import Reading, parse
from signkit.eval.formats.stm import ignored, ignored_note
from signkit.eval.formats.textlines import STDIN, uncollected
from signkit.eval.tokens import folding
from signkit.eval.transcripts import Segment, Transcripts

__all__ = ["FORMATS", "read", "read_pair"]

EMPTY = {
    "": "is empty",
    "ctm": "has no words",
    "stm": "has no segments",
    "csv": "has no rows below its header",
    "corpus": "has no rows below its header",
}
"""The message on a file without utterances, for formats in which that means something else than none."""


def read(
    path: str | Path, format: str = "", column: str = "", id_column: str = "", separator: str = ""
) -> Transcripts:
    """Read the utterances of one file.

    Each recording of a CTM, and each annotation of a file of annotations, is one utterance. Segments of an
    STM that sclite ignores are left out.

    Args:
        path: the file; ``-`` is the standard input.
        format: one of `FORMATS`; if empty, it is detected by the file's ending and first line.
        column: column, key or tier of the text, for formats that have them.
        id_column: column or key of the id.
        separator: marks that are between words, in addition to blanks.

    Raises:
        UserError: the file has a fault, or is no transcript; file and line are named.
        OperationalError: the file cannot be read.
    """
    check(format, "--format")
    parsed = parse(
        Path(path), Reading(format=format, column=column, id_column=id_column, separator=separator)
    )
    transcripts = by_recording(parsed) if isinstance(parsed, Words) else parsed
    if transcripts.format in annotations.FORMATS:
        transcripts = annotations.with_words(transcripts)
    _check_columns([transcripts], "--column", column, WITH_COLUMNS)
    _check_columns([transcripts], "--id-column", id_column, WITH_ID_COLUMNS)
    _check_any(transcripts)
    return _without(transcripts, ignored(transcripts))


def read_pair(
    reference: Path,
    hypotheses: Sequence[Path],
    *,
    format: str = "",
    reference_format: str = "",
    hyp_format: str = "",
    column: str = "",
    reference_column: str = "",
    hyp_column: str = "",
    id_column: str = "",
    reference_id_column: str = "",
    hyp_id_column: str = "",
    separator: str = "",
) -> tuple[Transcripts, tuple[Transcripts, ...]]:
    """Read a reference and hypotheses; the words of a CTM hypothesis are assigned to reference segments.

    Segments of an STM reference that sclite ignores are left out, on both sides. A hypothesis may have no
    utterances. For how files of annotations match see `annotations.matched`.

    Args:
        reference: the file of the reference; ``-`` is the standard input.
        hypotheses: the file of each hypothesis.
        format: format of all files that have none of their own; but ``ctm`` applies to the hypotheses only.
        reference_format: format of the reference.
        hyp_format: format of the hypotheses.
        column: column, key or tier of the text in all files that have such.
        reference_column: that of the reference, if it differs.
        hyp_column: that of the hypotheses, if it differs.
        id_column: column or key of the id in all files that have such.
        reference_id_column: that of the reference, if it differs.
        hyp_id_column: that of the hypotheses, if it differs.
        separator: marks that are between words, in addition to blanks; a blank means that there are none.

    Raises:
        UserError: as for `read`, or a hypothesis has a recording that the reference does not have, or the
            words of a file are no words by their look.
        OperationalError: a file cannot be read.
    """
    for name, option in (
        (format, "--format"), (reference_format, "--reference-format"), (hyp_format, "--hyp-format"),
    ):  # fmt: skip
        check(name, option)
    if [reference, *hypotheses].count(STDIN) > 1:
        raise UserError(
            "-", "stands for the standard input, which can be read once", "give a file for the other"
        )
    of_reference = Reading(
        format=reference_format or ("" if format == "ctm" else format),
        column=reference_column or column,
        id_column=reference_id_column or id_column,
        separator=separator,
    )
    of_hypotheses = Reading(
        format=hyp_format or format,
        column=hyp_column or column,
        id_column=hyp_id_column or id_column,
        separator=separator,
        role="hypothesis",
    )
    parsed = parse(reference, of_reference)
    known = by_recording(parsed) if isinstance(parsed, Words) else parsed
    _check_any(known)
    systems = tuple(_hypothesis(path, of_hypotheses, known) for path in hypotheses)
    for option, name, sides, formats in (
        ("--column", column, (known, *systems), WITH_COLUMNS),
        ("--reference-column", reference_column, (known,), WITH_COLUMNS),
        ("--hyp-column", hyp_column, systems, WITH_COLUMNS),
        ("--id-column", id_column, (known, *systems), WITH_ID_COLUMNS),
        ("--reference-id-column", reference_id_column, (known,), WITH_ID_COLUMNS),
        ("--hyp-id-column", hyp_id_column, systems, WITH_ID_COLUMNS),
    ):
        _check_columns(sides, option, name, formats)
    known, systems = _without_last_blanks(known, systems)
    if "lines" not in (of_reference.format, of_hypotheses.format):
        check_plain((known, *systems))
    known, systems = annotations.matched(known, systems)
    notes = check_words(known, systems, separated=bool(separator))
    left_out = ignored(known)
    known = replace(known, notes=(*known.notes, *notes, *ignored_note(known, left_out)))
    return _without(known, left_out), tuple(_without(side, left_out) for side in systems)


def _hypothesis(path: Path, reading: Reading, reference: Transcripts) -> Transcripts:
    parsed = parse(path, reading)
    if isinstance(parsed, Words):
        with uncollected():
            return cut(parsed, reference) if reference.segments else by_recording(parsed)
    if parsed.format == "lines" and reference.format != "lines" and not any(parsed.texts):
        return replace(parsed, ids=(), texts=(), lines=())  # blank lines beside sentences with ids
    return _named_as(parsed, reference) if parsed.segments and reference.segments else parsed


def _without_last_blanks(
    reference: Transcripts, systems: tuple[Transcripts, ...]
) -> tuple[Transcripts, tuple[Transcripts, ...]]:
    """Plain lines without the blank ones at the end that are no sentence in any of the files."""
    sides = (reference, *systems)
    if any(side.format != "lines" for side in sides):
        return reference, systems
    most = max(
        len("\0".join(side.texts).rstrip("\0").split("\0")) if any(side.texts) else 0 for side in sides
    )
    if not most:
        return reference, systems
    cut_off = [
        replace(side, ids=side.ids[:most], texts=side.texts[:most], lines=side.lines[:most]) for side in sides
    ]
    return cut_off[0], tuple(cut_off[1:])


def _named_as(hypothesis: Transcripts, reference: Transcripts) -> Transcripts:
    """The hypothesis with the reference's ids for segments of the same time, however the time is written.

    Recordings and channels are compared without the case of A to Z, as by sclite.
    """
    if hypothesis.index.keys() <= reference.index.keys():
        return hypothesis
    fold = folding("ascii")

    def key(segment: Segment) -> Segment:
        return segment._replace(recording=fold(segment.recording), channel=fold(segment.channel))

    name = dict(zip(map(key, reference.segments), reference.ids, strict=True))
    pairs = zip(map(key, hypothesis.segments), hypothesis.ids, strict=True)
    return replace(hypothesis, ids=tuple(name.get(segment, old) for segment, old in pairs))


def _check_any(transcripts: Transcripts) -> None:
    """Refuse a file without utterances.

    Raises:
        UserError: there are none.
    """
    if not len(transcripts):
        raise UserError(transcripts.source, EMPTY.get(transcripts.format, "has no utterances"))


def _check_columns(sides: Sequence[Transcripts], option: str, name: str, formats: Sequence[str]) -> None:
    """Refuse the name of a column where no file has columns.

    Raises:
        UserError: none of the sides has one of the formats.
    """
    if name and sides and not any(side.format in formats or not len(side) for side in sides):
        there = ", ".join(dict.fromkeys(side.format for side in sides))
        raise UserError(option, f"a file of the format {there} has no columns", "leave the option out")


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
