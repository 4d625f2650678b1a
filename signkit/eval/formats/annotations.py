"""Annotations with times (captions, tiers of ELAN and Praat) as utterances, and how files of them match."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from signkit.config.suggest import listed, nearest
from signkit.errors import UserError
from signkit.eval.transcripts import Transcripts

FORMATS = ("eaf", "textgrid", "vtt", "srt")
WITH_TIERS = ("eaf", "textgrid")


@dataclass(frozen=True, slots=True)
class Annotation:
    """A text with its times.

    Attributes:
        begin: in seconds.
        end: in seconds.
        text: may be empty.
        line: of the file, or its number among the annotations if the file is XML.
    """

    begin: float
    end: float
    text: str
    line: int


def utterances(source: str, format: str, annotations: Sequence[Annotation]) -> Transcripts:
    """One utterance for each annotation, in order of time; its id is its times, ``0.040-0.360``.

    Annotations of the same times, such as the glosses of one sentence, are one utterance.
    """
    found: dict[str, list[Annotation]] = {}
    for each in sorted(annotations, key=lambda each: each.begin):
        found.setdefault(f"{each.begin:.3f}-{each.end:.3f}", []).append(each)
    texts = tuple(" ".join(" ".join(each.text for each in those).split()) for those in found.values())
    return Transcripts(source, format, tuple(found), texts, [those[0].line for those in found.values()])


def with_words(transcripts: Transcripts) -> Transcripts:
    """The utterances that have words."""
    return _only(transcripts, [place for place, text in enumerate(transcripts.texts) if text])


def matched(
    reference: Transcripts, hypotheses: Sequence[Transcripts]
) -> tuple[Transcripts, tuple[Transcripts, ...]]:
    """Files of annotations as utterances with common ids.

    If all have the same times, each annotation is an utterance. If not, such as where a recogniser found the
    times of its glosses itself, all of a file is one utterance, its words in order of time, and a note says
    so. Beside a file without times it is one as well; its id is the name of the file without its ending.

    Args:
        reference: the reference, of any format.
        hypotheses: the hypotheses, of any format.
    """
    sides = (reference, *hypotheses)
    timed = [side for side in sides if side.format in FORMATS]
    if not timed:
        return reference, tuple(hypotheses)
    if len(timed) == len(sides):
        spoken = {name for side in sides for name in with_words(side).ids}
        if all(spoken <= side.index.keys() for side in sides if any(side.texts)):
            found = [
                _only(side, [place for place, name in enumerate(side.ids) if name in spoken])
                for side in sides
            ]
            return found[0], tuple(found[1:])
    name = PurePath(reference.source).stem if reference.format in FORMATS else ""
    joined = [_joined(side, name) if side.format in FORMATS else side for side in sides]
    if len(timed) == len(sides):
        others = ", ".join(side.source for side in hypotheses)
        what = f"the times in {reference.source} and {others} differ: all of a file is one utterance"
        joined[0] = replace(joined[0], notes=(*joined[0].notes, what))
    return joined[0], tuple(joined[1:])


def chosen_tier(source: str, tiers: Sequence[str], wanted: str) -> str:
    """The tier that is read: the one asked for, or the only one.

    Args:
        source: name of the file, for messages.
        tiers: names of the tiers with annotations.
        wanted: name of the tier asked for; may be empty.

    Raises:
        UserError: there is no such tier, or several and none is asked for.
    """
    if wanted:
        if wanted in tiers:
            return wanted
        near = nearest(wanted, list(tiers))
        hint = f"did you mean `{near}`?" if near else ""
        there = f"there are {listed(tiers)}" if tiers else "it has none with annotations"
        raise UserError(source, f"there is no tier `{wanted}` with annotations; {there}", hint)
    distinct = list(dict.fromkeys(tiers))
    if len(distinct) > 1:
        raise UserError(source, f"has several tiers: {listed(distinct)}", "`--tier NAME` chooses one")
    return distinct[0] if distinct else ""


def _joined(side: Transcripts, name: str) -> Transcripts:
    """All words of a file as one utterance; none if it has no words."""
    text = " ".join(filter(None, side.texts))
    ids = (name or PurePath(re.sub(r"\.gz$", "", side.source)).stem,) * bool(text)
    return replace(side, ids=ids, texts=(text,) * bool(text), lines=[1] * bool(text))


def _only(transcripts: Transcripts, places: Sequence[int]) -> Transcripts:
    return replace(
        transcripts,
        ids=tuple(transcripts.ids[place] for place in places),
        texts=tuple(transcripts.texts[place] for place in places),
        lines=[transcripts.lines[place] for place in places],
    )
