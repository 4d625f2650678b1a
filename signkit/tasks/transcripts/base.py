"""What tasks that write texts share: a vocabulary of the train text, scores by a protocol, a report."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import cast

from signkit.config.recipe import Recipe
from signkit.config.suggest import suggestion
from signkit.data.batch import Batch
from signkit.decode.configs import SearchConfig
from signkit.decode.lattice import BeamResult
from signkit.errors import UserError
from signkit.eval.figures import Metric, metric
from signkit.eval.metrics import main_figure
from signkit.eval.protocols import Protocol
from signkit.models.export import TrainedModel
from signkit.models.losses.functions import LossFunction
from signkit.models.spec import Spec, signal_to_text
from signkit.report.sections import Section
from signkit.tasks.transcripts import report
from signkit.tasks.transcripts.calibration import calibrate
from signkit.tasks.transcripts.example import example
from signkit.tasks.transcripts.pack import pack
from signkit.tasks.transcripts.scoring import scoring_protocol, selection_value, split_scores
from signkit.text.targets import fewer_pieces, in_unit, vocabulary_of
from signkit.text.vocabulary import Vocabulary
from signkit.train.task import Calibration, Outcome, Say, Shapes
from signkit.types import Corpus, Prediction, Sample, Score

BARRED = "all that is in the beam is forbidden by decode.fusion or decode.rescore"


class Transcription:
    """The part of a `signkit.train.task.Task` that does not depend on how a text is searched."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self._built: tuple[LossFunction, ...] | None = None

    @cached_property
    def protocol(self) -> Protocol:
        """The protocol that hypotheses are scored by."""
        return scoring_protocol(self.recipe)

    @property
    def selection(self) -> Metric:
        return metric(main_figure(self.protocol))

    @property
    def metrics(self) -> Sequence[Metric]:
        return ()

    def spec(self, corpus: Corpus, say: Say) -> Spec:
        vocabulary = vocabulary_of(self.recipe.text, corpus)
        if note := fewer_pieces(vocabulary, self.recipe.text):
            say(note)
        return signal_to_text(corpus.layout, corpus.width, vocabulary)

    def check_levels(self, levels: Collection[str]) -> None:
        """Refuse losses at levels that a model has not.

        Raises:
            UserError: the first such loss.
        """
        known = ("both", *levels)
        for number, term in enumerate(self.recipe.train.losses):
            level = getattr(term, "level", "both")
            if level not in known:
                what = f"the encoder has no level {level!r}"
                raise UserError(f"train.losses.{number}.level", what, suggestion(level, known))

    def targets(self, samples: Sequence[Sample], spec: Spec) -> tuple[Sample, ...]:
        return in_unit(samples, spec.vocabulary)

    def selected(
        self, predictions: Sequence[Prediction], samples: Sequence[Sample], vocabulary: Vocabulary
    ) -> float:
        """The value of `selection` for hypotheses of dev."""
        name = self.selection.name
        return selection_value(predictions, samples, name, protocol=self.protocol, vocabulary=vocabulary)

    def calibrate(
        self,
        predictions: Mapping[str, list[Prediction]],
        samples: Mapping[str, Sequence[Sample]],
        spec: Spec,
    ) -> Calibration:
        """Fit the temperature of the confidences on dev, unless the recipe has one or dev is in train."""
        decode, fit = cast(SearchConfig, self.recipe.decode), not self.recipe.dev_in_train
        return calibrate(predictions, samples, spec.vocabulary, decode, fit=fit)

    def pack(
        self, model: TrainedModel, corpus: Callable[[], Corpus], temperature: float, folder: Path
    ) -> SearchConfig:
        """Copy external models and the other runs of an ensemble into the export."""
        return pack(model, corpus, temperature, folder)

    def score(
        self,
        predictions: Sequence[Prediction],
        samples: Sequence[Sample],
        split: str,
        *,
        spec: Spec,
        corpus: Corpus,
        say: Say,
    ) -> list[Score]:
        lost = sum(cast(BeamResult, each.evidence).candidates[0].score == -math.inf for each in predictions)
        if lost:
            say(f"warning: nothing is possible for {lost} of {len(predictions)} samples of {split}: {BARRED}")
        return split_scores(
            predictions,
            samples,
            split,
            protocol=self.protocol,
            vocabulary=spec.vocabulary,
            corpus=corpus,
            single=bool(getattr(self.recipe.decode, "is_single", False)),
        )

    def sections(self, outcome: Outcome, *, brief: bool) -> Sequence[Section]:
        return report.brief_sections(outcome) if brief else report.sections(outcome, self.protocol)

    def example(self, shapes: Shapes) -> tuple[Spec, Batch]:
        """A synthetic batch for the recipe's encoder."""
        return example(self.recipe, shapes)
