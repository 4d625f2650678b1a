"""From the times at which glosses were emitted to the spans in which they are shown."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby

from signkit.types import Hypothesis

LONGEST = 1000
"""Milliseconds that a gloss is shown at most. Where its sign ends is not known: a transducer and CTC say when
a gloss is emitted, not how long it was signed."""


@dataclass(frozen=True, slots=True)
class Cue:
    """A gloss with the milliseconds in which it is shown, from ``start`` up to, but not with, ``end``.

    Attributes:
        confidence: from 0 to 1; None where it is not known.
    """

    start: int
    end: int
    gloss: str
    confidence: float | None


def cues(hypothesis: Hypothesis, seconds: float) -> tuple[Cue, ...]:
    """A cue a token: from its time to its end where that is known; otherwise to the time of the next one, to
    `LONGEST` or to the end of the clip.

    Tokens of one time share the span up to the next other time, in their order. No two cues overlap, and
    each lasts a millisecond at least.

    Args:
        seconds: how long the clip is.
    """
    if hypothesis.ends:
        return _between(hypothesis)
    groups = [(time, len([*same])) for time, same in groupby(round(1000 * t) for t in hypothesis.times)]
    ends = [*(time for time, _ in groups[1:]), round(1000 * seconds)][: len(groups)]
    bounds: list[tuple[int, int]] = []
    free = 0
    for (time, count), end in zip(groups, ends, strict=True):
        start = max(time, free)
        span = max(count, min(end - start, count * LONGEST))
        steps = [start + span * place // count for place in range(count + 1)]
        bounds += zip(steps, steps[1:], strict=False)
        free = steps[-1]
    sure = hypothesis.confidences or (None,) * len(bounds)
    return tuple(
        Cue(start, end, token, confidence)
        for (start, end), token, confidence in zip(bounds, hypothesis.tokens, sure, strict=True)
    )


def _between(hypothesis: Hypothesis) -> tuple[Cue, ...]:
    """A cue a token, of which begin and end are known; each lasts a millisecond at least."""
    starts, ends = ([round(1000 * time) for time in each] for each in (hypothesis.times, hypothesis.ends))
    sure = hypothesis.confidences or (None,) * len(starts)
    rows = zip(starts, ends, hypothesis.tokens, sure, strict=True)
    return tuple(Cue(start, max(end, start + 1), token, each) for start, end, token, each in rows)


def moved(cues: Iterable[Cue], seconds: float) -> list[Cue]:
    """Cues later by some seconds."""
    by = round(1000 * seconds)
    return [replace(cue, start=cue.start + by, end=cue.end + by) for cue in cues]


def in_one_line(segments: Iterable[Iterable[Cue]]) -> list[Cue]:
    """The cues of several segments in order of time. Where segments overlap, a cue ends where the next one
    begins, and lasts a millisecond at least, since a tier and a player of captions show one at a time."""
    ordered = sorted((cue for cues in segments for cue in cues), key=lambda cue: (cue.start, cue.end))
    found: list[Cue] = []
    free = 0
    for place, cue in enumerate(ordered):
        start = max(cue.start, free)
        until = ordered[place + 1].start if place + 1 < len(ordered) else cue.end
        free = max(start + 1, min(cue.end, until))
        found.append(replace(cue, start=start, end=free))
    return found
