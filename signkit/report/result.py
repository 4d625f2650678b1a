"""What a finished run has to show."""

from dataclasses import dataclass, field
from pathlib import Path

from signkit.decode.confidence import Reliability
from signkit.eval.alignment import align
from signkit.types import Hypothesis, Score


@dataclass(frozen=True, slots=True)
class Result:
    """A run's figures and hypotheses.

    Attributes:
        recipe: its name.
        step: the step whose weights were used.
        scores: of every split.
        hypotheses: of every split by id, the best first.
        references: tokens by id.
        raw: what the confidences of each split are worth at a temperature of 1.
        used: the same at the temperature used.
        picture: of curves and sentences; None before it is drawn.
    """

    recipe: str
    step: int
    scores: tuple[Score, ...]
    hypotheses: dict[str, dict[str, tuple[Hypothesis, ...]]]
    references: dict[str, tuple[str, ...]]
    raw: dict[str, Reliability] = field(default_factory=dict)
    used: dict[str, Reliability] = field(default_factory=dict)
    picture: Path | None = None

    def value(self, split: str, name: str) -> Score | None:
        """One figure of a split, if there is such a one."""
        return next((s for s in self.scores if (s.split, s.name) == (split, name)), None)


def marked(reference: tuple[str, ...], hypothesis: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """Reference and hypothesis side by side: (``correct``, ``substitution``, ``deletion`` or
    ``insertion``, reference token, hypothesis token), "" where there is none."""
    rows = []
    for left, right in align(reference, hypothesis).pairs:
        before = "" if left is None else reference[left]
        after = "" if right is None else hypothesis[right]
        if left is None or right is None:
            kind = "insertion" if left is None else "deletion"
        else:
            kind = "correct" if before == after else "substitution"
        rows.append((kind, before, after))
    return rows


def examples(result: Result, split: str, count: int) -> list[str]:
    """Ids to show: spread over the split from its best to its worst sentence."""

    def errors(name: str) -> tuple[int, str]:
        found = result.hypotheses[split][name][0].tokens
        return align(result.references[name], found).errors, name

    order = sorted(result.hypotheses[split], key=errors)
    if len(order) <= count:
        return order
    return [order[round(i * (len(order) - 1) / (count - 1))] for i in range(count)]


def shown_splits(result: Result) -> tuple[str, ...]:
    """The splits that were decoded, dev first."""
    return tuple(sorted(result.hypotheses, key=("dev", "test", "train").index))
