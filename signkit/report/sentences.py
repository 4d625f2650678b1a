"""Sentences with what was recognised, step by step, as a page and a terminal show them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from signkit.eval.alignment import align
from signkit.report.numbers import THIN, counted, number, whole

Kind = Literal["C", "S", "D", "I"]
KINDS: tuple[Kind, ...] = ("C", "S", "D", "I")
Step = tuple[Kind, str, str]
"""Correct, substituted, deleted or inserted; the reference's token and the hypothesis', "" for none."""


@dataclass(frozen=True, slots=True)
class Line:
    """A hypothesis aligned with its reference. `name`: of the system, where there are several."""

    steps: tuple[Step, ...]
    name: str = ""

    @property
    def errors(self) -> int:
        """Substitutions, deletions and insertions."""
        return sum(kind != "C" for kind, _, _ in self.steps)

    @property
    def length(self) -> int:
        """Tokens of the reference."""
        return sum(kind != "I" for kind, _, _ in self.steps)

    def tally(self, unit: str) -> str:
        """The errors in words: "S 1 I 1 · 66.67 % of 3 words"."""
        tokens = counted(self.length, unit)
        if not self.errors:
            return f"correct, {tokens}"
        counts = Counter(kind for kind, _, _ in self.steps)
        kinds = " ".join(f"{kind}{THIN}{whole(counts[kind])}" for kind in KINDS[1:] if counts[kind])
        share = f"{number(self.errors / self.length)} of " if self.length else ""
        return f"{kinds} · {share}{tokens}"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A reference and what one or several systems recognised. `about`: its signer, for instance."""

    id: str
    lines: tuple[Line, ...]
    about: str = ""

    @property
    def errors(self) -> int:
        """Of all systems."""
        return sum(line.errors for line in self.lines)

    @property
    def rate(self) -> float:
        """Errors of all systems a token of the reference; 1 for errors against an empty one."""
        length = self.lines[0].length
        return self.errors / length if length else float(self.errors > 0)

    @property
    def apart(self) -> int:
        """Errors of the worst system less those of the best one."""
        errors = [line.errors for line in self.lines]
        return max(errors) - min(errors)


def aligned(reference: Sequence[str], hypothesis: Sequence[str]) -> tuple[Step, ...]:
    """The steps from a reference to a hypothesis, at the least edit distance."""
    steps: list[Step] = []
    for left, right in align(reference, hypothesis).pairs:
        before = "" if left is None else reference[left]
        after = "" if right is None else hypothesis[right]
        if left is None or right is None:
            steps.append(("I" if left is None else "D", before, after))
        else:
            steps.append(("C" if before == after else "S", before, after))
    return tuple(steps)
