"""Segmentation: the segments of a clip are found, each is classified, and their glosses are the sentence."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from signkit.config.recipe import Recipe
from signkit.config.registry import build as build_component
from signkit.data.batch import Batch
from signkit.data.loader import Dataset
from signkit.decode.configs import SegmentsConfig
from signkit.errors import UserError
from signkit.eval.figures import Metric, metric
from signkit.eval.metrics import main_figure
from signkit.eval.protocols import Protocol
from signkit.models.assemble import assemble
from signkit.models.configs import SegmentClassifyConfig
from signkit.models.export import TrainedModel
from signkit.models.losses.configs import LossTerm
from signkit.models.segment_classify import Pieces, SegmentClassify, SegmentLogits, pieces_of
from signkit.models.spec import Spec, signal_to_text
from signkit.report.sections import Section
from signkit.tasks.configs import SegmentationConfig
from signkit.tasks.segmentation.dataset import dataset
from signkit.tasks.segmentation.forest import fitted_forest
from signkit.tasks.segmentation.predicted import FIRST, predicted
from signkit.tasks.segmentation.scoring import GOLD_ACCURACY, OWN, segment_scores
from signkit.tasks.transcripts import report
from signkit.tasks.transcripts.example import example
from signkit.tasks.transcripts.scoring import scoring_protocol, text_scores
from signkit.text.targets import vocabulary_of
from signkit.train.sharing import of_all, own_batches
from signkit.train.task import Evaluation, Outcome, Say, Shapes, Term, silent
from signkit.types import VIDEO, Corpus, Prediction, Sample, Score

FRAMES_A_SEGMENT = 14
TERM, AUXILIARY = "loss", "auxiliary"


class Segmentation:
    """The `signkit.train.task.Task` of models that find and classify segments.

    The classifier is trained on the segments that the corpus has; the forest that finds segments is fitted
    once the training is over.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.config = cast(SegmentClassifyConfig, recipe.model)
        self._built: list[tuple[LossTerm, Any]] | None = None

    @property
    def decode(self) -> SegmentsConfig:
        """How segments are found."""
        return cast(SegmentsConfig, self.recipe.decode)

    @cached_property
    def protocol(self) -> Protocol:
        """The protocol that sentences are scored by."""
        return scoring_protocol(self.recipe)

    @property
    def selection(self) -> Metric:
        return GOLD_ACCURACY

    @property
    def metrics(self) -> Sequence[Metric]:
        return (metric(main_figure(self.protocol)), *OWN)

    def spec(self, corpus: Corpus, say: Say) -> Spec:
        if corpus.layout == VIDEO:
            what = "segments are found in landmarks or features, and the corpus has video"
            raise UserError("data", what, "track it with `signkit landmarks`")
        return signal_to_text(corpus.layout, corpus.width, vocabulary_of(self.recipe.text, corpus))

    def targets(self, samples: Sequence[Sample], spec: Spec) -> tuple[Sample, ...]:
        return tuple(samples)

    def model(self, spec: Spec) -> nn.Module:
        return assemble(self.recipe, spec, classes=len(spec.vocabulary) - FIRST)

    def dataset(
        self, samples: Sequence[Sample], spec: Spec, *, model: nn.Module | None = None, say: Say = silent
    ) -> Dataset:
        return dataset(self.recipe, samples, spec, training=model is not None, say=say)

    def check(self, models: Sequence[TrainedModel], corpus: Callable[[], Corpus]) -> None:
        if len(models) > 1:
            raise UserError("decode.ensemble", "forests of several runs are not joined", "leave it out")

    def weights(self, model: nn.Module, batch: Batch) -> Mapping[str, Float[Tensor, " batch"]]:
        """The number of segments of each clip whose gloss is known; the encoder's own loss counts for all."""
        pieces = pieces_of(batch.frame_labels)
        known = (_classes(batch, pieces) > 0).float()
        segments = torch.zeros(len(batch.ids)).index_add(0, pieces.row, known)
        return {TERM: segments, AUXILIARY: torch.ones(len(batch.ids))}

    def loss(
        self, model: nn.Module, forward: Callable[[Batch], Any], batch: Batch, share: float
    ) -> Mapping[str, Term]:
        """The sum over a clip's segments of the recipe's losses at this point of the training."""
        output: SegmentLogits = forward(batch)
        classes = _classes(batch, output.pieces)
        total = 0.0 * output.logits.sum(1)
        for config, compute in self._terms():
            if config.start <= share < config.end:
                total = total + config.weight * compute(output.logits, classes)
        total = torch.where(classes > 0, total, 0.0 * total)
        clips = torch.zeros(len(batch.ids), dtype=total.dtype, device=total.device)
        return {TERM: Term(clips.index_add(0, output.pieces.row, total)), AUXILIARY: Term(output.auxiliary)}

    def evaluate(self, model: nn.Module, dataset: Dataset, spec: Spec, step: int, say: Say) -> Evaluation:
        """The accuracy within the corpus's own boundaries; the forest is not fitted yet."""
        mode, device = model.training, next(model.parameters()).device
        model.eval()
        by_batch = dict[str, tuple[int, int]]()
        with torch.no_grad():
            for batch in own_batches(dataset, self.recipe):
                moved = batch.to(device)
                output: SegmentLogits = model(moved)
                classes = _classes(moved, output.pieces)
                right = int((output.logits.argmax(1) + 1 == classes).sum())
                by_batch[batch.ids[0]] = right, len(classes)
        model.train(mode)
        right, count = map(sum, zip(*of_all(by_batch, dataset).values(), strict=True))
        return Evaluation(right / count if count else float("nan"))

    def fit(self, model: nn.Module, spec: Spec, corpus: Corpus, folder: Path, watch: Any) -> None:
        """Fit the forest to the frames of train."""
        samples = [sample for sample in corpus.split("train") if sample.segments]
        frames = sum(sample.frames for sample in samples)
        watch.say(f"fitting a forest of {self.config.trees} trees to {frames:,} frames")
        seed, size = self.recipe.train.seed, self.decode.batch_size
        _, arrays, _ = fitted_forest(self.dataset(samples, spec), self.config, size, seed)
        cast(SegmentClassify, model).forest.fill(arrays)

    def predict(
        self,
        models: Sequence[TrainedModel],
        batches: Iterable[Batch],
        *,
        corpus: Callable[[], Corpus],
        on_progress: Callable[[int], None],
        scored: bool = False,
    ) -> Iterator[Prediction]:
        model, vocabulary = models[0].model, models[0].spec.vocabulary
        device, done = next(model.parameters()).device, 0
        model.eval()
        for batch in batches:
            with torch.no_grad():
                found = predicted(model, batch.to(device), vocabulary, self.decode)
            yield from found
            done += len(found)
            on_progress(done)

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
        sentences = text_scores(
            predictions, samples, split, protocol=self.protocol, vocabulary=spec.vocabulary, corpus=corpus
        )
        return [*sentences, *segment_scores(predictions, samples, split)]

    def sections(self, outcome: Outcome, *, brief: bool) -> Sequence[Section]:
        return (
            report.brief_sections(outcome)
            if brief
            else report.sections(outcome, self.protocol, self.selection)
        )

    def example(self, shapes: Shapes) -> tuple[Spec, Batch]:
        """A synthetic batch, its frames divided evenly into segments."""
        spec, batch = example(self.recipe, shapes)
        numbers = torch.arange(shapes.frames) // FRAMES_A_SEGMENT
        numbers = numbers.clamp(max=batch.targets.shape[1] - 1)
        return spec, replace(batch, frame_labels=numbers.expand_as(batch.frame_labels).contiguous())

    def _terms(self) -> list[tuple[LossTerm, Any]]:
        """The options and the functions of the loss's terms, built once."""
        if self._built is None:
            self._built = [(cast(LossTerm, each), build_component(each)) for each in self.recipe.train.losses]
        return self._built


def _classes(batch: Batch, pieces: Pieces) -> Tensor:
    """The class of each segment, as `cross_entropy` takes it: from 1 on, 0 where its gloss is unknown."""
    return (batch.targets[pieces.row, pieces.number] - FIRST + 1).clamp(min=0)


def build(config: SegmentationConfig, recipe: Recipe) -> Segmentation:
    """Create the task for a recipe.

    Raises:
        UserError: it asks for what cannot be done with segments.
    """
    if recipe.text.unit != "gloss":
        raise UserError(
            "text.unit", f"is `{recipe.text.unit}`, and a segment has a gloss", "text.unit: gloss"
        )
    if recipe.sampling.frames or recipe.sampling.seconds:
        raise UserError("sampling", "segments are found among all frames of a clip", "leave it out")
    for number, loss in enumerate(recipe.train.losses):
        for key in ("mixup", "cutmix"):
            if getattr(loss, key, 0):
                raise UserError(
                    f"train.losses.{number}.{key}", "mixes pictures, not segments", "leave it out"
                )
    return Segmentation(recipe)
