"""Segmentation: the segments of a clip are found, each is classified, and their glosses are the sentence."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from signkit.config.recipe import Recipe
from signkit.config.registry import build as build_component
from signkit.data.batch import Batch
from signkit.data.loader import Dataset, eval_batches
from signkit.data.video.times import bounds
from signkit.decode.configs import SegmentsConfig
from signkit.decode.segments import found_segments
from signkit.errors import OperationalError, UserError
from signkit.eval.figures import Metric, metric
from signkit.eval.metrics import main_figure
from signkit.eval.protocols import Protocol
from signkit.models.assemble import assemble
from signkit.models.configs import SegmentClassifyConfig
from signkit.models.export import TrainedModel
from signkit.models.losses.configs import LossTerm
from signkit.models.segment_classify import BEGIN, SIGN, Pieces, SegmentClassify, SegmentLogits, pieces_of
from signkit.models.spec import TEXT, Spec, signal_to_text
from signkit.report.sections import Section
from signkit.tasks.configs import SegmentationConfig
from signkit.tasks.segmentation.dataset import dataset
from signkit.tasks.segmentation.forest import fitted_forest
from signkit.tasks.segmentation.scoring import GOLD_ACCURACY, OWN, Evidence, segment_scores
from signkit.tasks.transcripts import report
from signkit.tasks.transcripts.example import example
from signkit.tasks.transcripts.scoring import scoring_protocol, text_scores
from signkit.text.targets import vocabulary_of
from signkit.text.vocabulary import Vocabulary
from signkit.train.task import Evaluation, Outcome, Say, Shapes, Term, silent
from signkit.types import VIDEO, Corpus, Hypothesis, Prediction, Sample, Score

FIRST = 2
"""The index of the first gloss of a vocabulary: the blank and the unknown gloss are no classes."""
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
        right, count = 0, 0
        with torch.no_grad():
            for batch in eval_batches(dataset, self.decode.batch_size):
                moved = batch.to(device)
                pieces = pieces_of(moved.frame_labels)
                if len(pieces):
                    best = cast(SegmentClassify, model).classified(moved, pieces).logits.argmax(1) + 1
                    right += int((best == _classes(moved, pieces)).sum())
                    count += len(pieces)
        model.train(mode)
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
                found = self._predicted(model, batch.to(device), vocabulary)
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
        return report.brief_sections(outcome) if brief else report.sections(outcome, self.protocol)

    def example(self, shapes: Shapes) -> tuple[Spec, Batch]:
        """A synthetic batch, its frames divided evenly into segments."""
        spec, batch = example(self.recipe, shapes)
        numbers = torch.arange(shapes.frames) // FRAMES_A_SEGMENT
        numbers = numbers.clamp(max=batch.targets.shape[1] - 1)
        return spec, replace(batch, frame_labels=numbers.expand_as(batch.frame_labels).contiguous())

    def _predicted(self, model: SegmentClassify, batch: Batch, vocabulary: Vocabulary) -> list[Prediction]:
        """Of each clip the found segments with their glosses, and as evidence those of the true ones."""
        spans = [self._found(each.cpu().numpy()) for each in model.frame_classes(batch)]
        temperature = self.decode.temperature or 1.0
        found = _classified(model, batch, _as_pieces(spans, batch.lengths), temperature)
        true = _classified(model, batch, pieces_of(batch.frame_labels))
        predictions = []
        for row, name in enumerate(batch.ids):
            best, log, _ = found[row]
            if not np.isfinite(log).all():
                raise OperationalError(f"the output of the model is not a number for {name}")
            tokens = vocabulary.decode((best + FIRST).tolist())
            times = None if batch.times is None else batch.times[row, : int(batch.lengths[row])].numpy()
            edges = bounds(int(batch.lengths[row]), float(batch.fps[row]), times)
            hypothesis = Hypothesis(
                name,
                tokens,
                vocabulary.join(tokens),
                float(log.sum()),
                times=tuple(edges[spans[row][:, 0]].tolist()),
                confidences=tuple(np.exp(log).tolist()),
                ends=tuple(edges[spans[row][:, 1]].tolist()),
            )
            of_true = dict(zip(true[row][2].tolist(), vocabulary.decode(true[row][0] + FIRST), strict=True))
            predictions.append(Prediction(name, {TEXT: hypothesis}, Evidence(spans[row], tokens, of_true)))
        return predictions

    def _found(self, classes: Any) -> Any:
        return found_segments(classes[:, SIGN] + classes[:, BEGIN], classes[:, BEGIN], self.decode)

    def _terms(self) -> list[tuple[LossTerm, Any]]:
        """The options and the functions of the loss's terms, built once."""
        if self._built is None:
            self._built = [(cast(LossTerm, each), build_component(each)) for each in self.recipe.train.losses]
        return self._built


def _classes(batch: Batch, pieces: Pieces) -> Tensor:
    """The class of each segment, as `cross_entropy` takes it: from 1 on, 0 where its gloss is unknown."""
    return (batch.targets[pieces.row, pieces.number] - FIRST + 1).clamp(min=0)


def _as_pieces(spans: Sequence[Any], lengths: Tensor) -> Pieces:
    """The segments of the clips of a batch."""
    counts = torch.tensor([len(each) for each in spans])
    row = torch.arange(len(spans)).repeat_interleave(counts)
    number = torch.cat([torch.arange(len(each)) for each in spans])
    edges = torch.from_numpy(np.concatenate(spans))
    return Pieces(*(each.to(lengths.device) for each in (row, number, edges[:, 0], edges[:, 1])))


def _classified(
    model: SegmentClassify, batch: Batch, pieces: Pieces, temperature: float = 1.0
) -> list[tuple[Any, Any, Any]]:
    """Of each clip the most probable class of each of its segments, the logarithm of its probability, and the
    number of the segment."""
    rows, numbers = pieces.row.cpu().numpy(), pieces.number.cpu().numpy()
    best, log = np.zeros(0, dtype=np.int64), np.zeros(0)
    if len(pieces):
        values = (model.classified(batch, pieces).logits.double() / temperature).log_softmax(1).max(1)
        best, log = values.indices.cpu().numpy(), values.values.cpu().numpy()
    of_clips = (rows == row for row in range(len(batch.ids)))
    return [(best[own], log[own], numbers[own]) for own in of_clips]


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
