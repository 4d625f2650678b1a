"""Runs that are compared, and what came of it."""

from dataclasses import dataclass
from pathlib import Path

from signkit.config.recipe import Recipe
from signkit.eval.comparison import Comparison
from signkit.eval.results import Results, in_brief
from signkit.report.scoring.scoring import Scoring
from signkit.runtime.progress import read_metrics
from signkit.types import Score


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """One of the runs.

    Attributes:
        name: as short as it may be without being another one's.
        folder: of the results: the run's own, or those of `signkit decode`.
        run: the folder of the run.
        recipe: with the settings of the results.
        results: all scores.
    """

    name: str
    folder: Path
    run: Path
    recipe: Recipe
    results: Results


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Runs on the same references.

    Attributes:
        split: that they are compared on.
        runs: in the given order.
        settings: the settings that are not the same in all runs: the value in each, by the dotted key.
        scoring: the scores by one protocol, tests of every two runs and analyses; None if the runs have no
            hypotheses, as those of language models.
        notes: on the comparison.
    """

    split: str
    runs: tuple[ComparedRun, ...]
    settings: dict[str, tuple[str, ...]]
    scoring: Scoring | None
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        names = ", ".join(f"{each.name} ({in_brief(self.scores[each.name])})" for each in self.runs)
        return f"<comparison on {self.split}: {names}>"

    @property
    def scores(self) -> dict[str, tuple[Score, ...]]:
        """The scores of the split by the name of the run, by one protocol; where the runs have no hypotheses,
        those that they recorded."""
        if self.scoring is not None:
            return {name: each.scores for name, each in self.scoring.systems.items()}
        return {
            each.name: tuple(score for score in each.results.scores if score.split == self.split)
            for each in self.runs
        }

    @property
    def tests(self) -> tuple[Comparison, ...]:
        """The paired tests of every two runs; none where the runs have no hypotheses."""
        return self.scoring.comparisons if self.scoring is not None else ()

    @property
    def curves(self) -> dict[str, list[dict[str, int | float]]]:
        """The lines of each run's ``metrics.jsonl``, by name."""
        return {each.name: read_metrics(each.run / "metrics.jsonl") for each in self.runs}
