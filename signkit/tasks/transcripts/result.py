"""A recogniser's outcome in the form that page, terminal and figures need."""

from dataclasses import dataclass, field

from signkit.decode.confidence import Reliability
from signkit.report.sentences import Line, Sentence, aligned
from signkit.tasks.transcripts.calibration import Tables
from signkit.tasks.transcripts.scoring import text_of
from signkit.train.task import Outcome
from signkit.types import Hypothesis, Sample, Score


@dataclass(frozen=True, slots=True)
class Result:
    """The scores and hypotheses of a run.

    Attributes:
        recipe: the recipe's name.
        scores: of every split.
        hypotheses: of every split, by sample id.
        samples: by id.
        raw: reliability table of each split's confidences at a temperature of 1.
        used: the same at the temperature that is used.
        selected: the name of the dev metric that selected the weights; "" if there was none.
    """

    recipe: str
    scores: tuple[Score, ...]
    hypotheses: dict[str, dict[str, Hypothesis]]
    samples: dict[str, Sample]
    raw: dict[str, Reliability] = field(default_factory=dict)
    used: dict[str, Reliability] = field(default_factory=dict)
    selected: str = ""

    @classmethod
    def of(cls, outcome: Outcome) -> "Result":
        """The result of an outcome of the recognition task."""
        tables = outcome.calibration.evidence if outcome.calibration else Tables({}, {})
        return cls(
            outcome.recipe.name,
            outcome.scores,
            {
                split: {p.id: text_of(p) for p in predictions}
                for split, predictions in outcome.predictions.items()
            },
            {sample.id: sample for samples in outcome.samples.values() for sample in samples},
            {split: tables.raw[split] for split in outcome.predictions if split in tables.raw},
            {split: tables.used[split] for split in outcome.predictions if split in tables.used},
            outcome.selected,
        )

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that were decoded, dev first."""
        return tuple(sorted(self.hypotheses, key=("dev", "test", "train").index))

    @property
    def main(self) -> str:
        """The name of the protocol's main metric, which comes first."""
        return self.scores[0].name if self.scores else ""

    def value(self, split: str, name: str) -> Score | None:
        """The score of this name of a split; None if there is none."""
        return next((s for s in self.scores if (s.split, s.name) == (split, name)), None)

    def sentence(self, split: str, name: str) -> Sentence:
        """The best hypothesis of a sample, aligned with its reference."""
        best = self.hypotheses[split][name]
        return Sentence(name, (Line(aligned(self.samples[name].reference, best.tokens)),))

    def sentences(self, split: str) -> tuple[Sentence, ...]:
        """All sentences of a split."""
        return tuple(self.sentence(split, name) for name in self.hypotheses[split])

    def examples(self, split: str, count: int) -> tuple[Sentence, ...]:
        """``count`` sentences spread evenly over the split, from the fewest errors to the most."""
        order = sorted(self.sentences(split), key=lambda sentence: (sentence.errors, sentence.id))
        if len(order) <= count:
            return tuple(order)
        return tuple(order[round(i * (len(order) - 1) / (count - 1))] for i in range(count))
