"""The search for the best point: evenly over the space, then step by step around the best.

First come the points given, then a Sobol sequence (quasi-random, seeded), then steps along one coordinate
at a time, halved where none of them helps. Last, each coordinate of the best is set back to where it changes
nothing, which shows what it is worth.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from torch.quasirandom import SobolEngine

from signkit.commands.tune.space import Parameter

EVEN = 0.6
"""Share of the trials that are spread over the space."""
FIRST_STEP, LAST_STEP = 0.25, 0.01
"""Shares of a range."""

Values = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """A point and its error rate; ``number`` from 1 in the order in which they were tried."""

    number: int
    values: Values
    rate: float


@dataclass(slots=True)
class Search:
    """The trials so far; a point is tried once.

    Args:
        judge: the error rate of a point.
        on_trial: called after each trial.
    """

    space: tuple[Parameter, ...]
    judge: Callable[[Values], float]
    trials: int
    on_trial: Callable[[Trial], None] = lambda trial: None
    done: dict[Values, Trial] = field(default_factory=dict)

    def run(self, given: Sequence[Values], seed: int) -> None:
        """Spend the trials, and one or more for each coordinate at the end."""
        for values in given:
            self.rate(values)
        engine = SobolEngine(len(self.space), scramble=True, seed=seed)
        drawn = 0
        while len(self.done) < EVEN * self.trials and drawn < 4 * self.trials:
            point = engine.draw(1)[0].tolist()
            drawn += 1
            self.rate(tuple(p.at(share) for p, share in zip(self.space, point, strict=True)))
        self._step()
        while True:
            best = self.best
            for number in range(len(self.space)):
                self.rate(self.without(best.values, number))
            if self.best == best:
                return

    def rate(self, values: Values) -> float:
        """The error rate of a point, tried if it was not."""
        if values not in self.done:
            self.done[values] = Trial(len(self.done) + 1, values, self.judge(values))
            self.on_trial(self.done[values])
        return self.done[values].rate

    @property
    def best(self) -> Trial:
        """The trial with the fewest errors within the space; of equal ones the one that changes least, then
        the earliest."""
        inside = [trial for trial in self.done.values() if self._holds(trial.values)]
        return min(inside or self.done.values(), key=self.order)

    def order(self, trial: Trial) -> tuple[float, float, int]:
        """What trials are sorted by, best first."""
        pairs = zip(self.space, trial.values, strict=True)
        changed = sum(abs(value - p.neutral) / (p.high - p.low) for p, value in pairs)
        return trial.rate, round(changed, 9), trial.number

    def without(self, values: Values, number: int) -> Values:
        """The point with one coordinate where it changes nothing."""
        return (*values[:number], self.space[number].neutral, *values[number + 1 :])

    def _step(self) -> None:
        """Go along the coordinates from the best point as long as trials are left."""
        size = FIRST_STEP
        while size >= LAST_STEP:
            before = self.best
            for number, parameter in enumerate(self.space):
                for sign in (1, -1):
                    if len(self.done) >= self.trials:
                        return
                    here = self.best.values
                    share = min(max(parameter.share(here[number]) + sign * size, 0.0), 1.0)
                    self.rate((*here[:number], parameter.at(share), *here[number + 1 :]))
            if self.best == before:
                size /= 2

    def _holds(self, values: Values) -> bool:
        return all(p.holds(value) for p, value in zip(self.space, values, strict=True))
