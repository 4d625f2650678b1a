"""The search for the best point: spread over the space first, then step by step around the best point.

It tries the given points, then a Sobol sequence (quasi-random, seeded), then steps along one coordinate at a
time, which are halved when none of them improves. Last, each coordinate of the best point is set to its
neutral value, which shows what the coordinate contributes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from torch.quasirandom import SobolEngine

from signkit.commands.tune.space import Parameter

EVEN = 0.6
"""Share of the trials that are spread over the space."""
FIRST_STEP, LAST_STEP = 0.25, 0.01
"""The largest and the smallest step, as shares of a parameter's range."""

Values = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """A point and its value of what is tuned; ``number`` counts trials from 1 in the order of search."""

    number: int
    values: Values
    value: float


@dataclass(slots=True)
class Search:
    """A search and its trials so far; every point is tried once.

    Args:
        space: the parameters.
        judge: returns the value of a point, such as its error rate.
        trials: the number of trials to spend.
        on_trial: called after each trial.
        higher_is_better: whether high values are good, as of BLEU.
    """

    space: tuple[Parameter, ...]
    judge: Callable[[Values], float]
    trials: int
    on_trial: Callable[[Trial], None] = lambda trial: None
    higher_is_better: bool = False
    done: dict[Values, Trial] = field(default_factory=dict)

    def run(self, given: Sequence[Values], seed: int) -> None:
        """Spend the trials, and at least one more for each coordinate at the end.

        Args:
            given: points to try first.
            seed: of the Sobol sequence.
        """
        for values in given:
            self.value(values)
        engine = SobolEngine(len(self.space), scramble=True, seed=seed)
        drawn = 0
        while len(self.done) < EVEN * self.trials and drawn < 4 * self.trials:
            point = engine.draw(1)[0].tolist()
            drawn += 1
            self.value(tuple(p.at(share) for p, share in zip(self.space, point, strict=True)))
        self._step()
        while True:
            best = self.best
            for number in range(len(self.space)):
                self.value(self.without(best.values, number))
            if self.best == best:
                return

    def value(self, values: Values) -> float:
        """The value of a point, from an earlier trial or a new one."""
        if values not in self.done:
            self.done[values] = Trial(len(self.done) + 1, values, self.judge(values))
            self.on_trial(self.done[values])
        return self.done[values].value

    @property
    def best(self) -> Trial:
        """The trial with the best value within the space; of equal ones, the one nearest to neutral,
        then the earliest."""
        inside = [trial for trial in self.done.values() if self._holds(trial.values)]
        return min(inside or self.done.values(), key=self.order)

    def order(self, trial: Trial) -> tuple[float, float, int]:
        """The sort key of trials, best first."""
        pairs = zip(self.space, trial.values, strict=True)
        changed = sum(abs(value - p.neutral) / (p.high - p.low) for p, value in pairs)
        value = -trial.value if self.higher_is_better else trial.value
        return value, round(changed, 9), trial.number

    def without(self, values: Values, number: int) -> Values:
        """The point with one coordinate set to its neutral value."""
        return (*values[:number], self.space[number].neutral, *values[number + 1 :])

    def _step(self) -> None:
        """Take steps along the coordinates from the best point until the trials are spent."""
        size = FIRST_STEP
        while size >= LAST_STEP:
            before = self.best
            for number, parameter in enumerate(self.space):
                for sign in (1, -1):
                    if len(self.done) >= self.trials:
                        return
                    here = self.best.values
                    share = min(max(parameter.share(here[number]) + sign * size, 0.0), 1.0)
                    self.value((*here[:number], parameter.at(share), *here[number + 1 :]))
            if self.best == before:
                size /= 2

    def _holds(self, values: Values) -> bool:
        return all(p.holds(value) for p, value in zip(self.space, values, strict=True))
