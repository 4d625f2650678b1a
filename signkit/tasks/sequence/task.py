"""Sequences by attention: an encoder, and a decoder that writes a text token by token."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from signkit.config.recipe import Recipe
from signkit.config.registry import component_name
from signkit.data.batch import Batch, TextBatch
from signkit.data.examples import Examples
from signkit.data.loader import Dataset, eval_batches
from signkit.decode.attention import find_texts
from signkit.decode.configs import SECTIONS, AttentionSearchConfig
from signkit.decode.external.build import ExternalModels, build_external
from signkit.decode.external.configs import InternalConfig
from signkit.decode.lattice import BeamResult
from signkit.errors import UserError
from signkit.eval.figures import Metric, metric
from signkit.eval.metrics import main_figure
from signkit.eval.protocols import Protocol
from signkit.models.assemble import assemble
from signkit.models.attention import AttentionLogits, reversed_tokens
from signkit.models.configs import AttentionConfig
from signkit.models.export import TrainedModel
from signkit.models.losses.functions import LossFunction, loss_functions
from signkit.models.losses.topology import chunks_needed
from signkit.models.spec import Spec, signal_to_text
from signkit.report.sections import Section
from signkit.tasks.configs import SequenceConfig
from signkit.tasks.recognition.example import example
from signkit.tasks.transcripts import report
from signkit.tasks.transcripts.calibration import as_predictions, calibrate
from signkit.tasks.transcripts.external import train_text
from signkit.tasks.transcripts.pack import pack
from signkit.tasks.transcripts.scoring import scoring_protocol, selection_value, split_scores
from signkit.text.targets import fewer_pieces, in_unit, vocabulary_of
from signkit.train.task import Calibration, Evaluation, Outcome, Say, Shapes, Term, silent
from signkit.types import Corpus, Prediction, Sample, Score

NEXT, CTC, ENCODER = "next_token", "ctc", "encoder"
"""The terms of the loss: of the decoder, of the CTC head, and the encoder's own."""
BARRED = "all that is in the beam is forbidden by decode.fusion or decode.rescore"


class SequenceTask:
    """The `signkit.train.task.Task` of attention models."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self._built: tuple[LossFunction, ...] | None = None
        self._search: tuple[list[Any], ExternalModels] | None = None

    @cached_property
    def protocol(self) -> Protocol:
        """The protocol that hypotheses are scored by."""
        return scoring_protocol(self.recipe)

    @property
    def config(self) -> AttentionConfig:
        """The options of the model."""
        return cast(AttentionConfig, self.recipe.model)

    @property
    def decode(self) -> AttentionSearchConfig:
        """The options of the recipe's search."""
        return cast(AttentionSearchConfig, self.recipe.decode)

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

    def targets(self, samples: Sequence[Sample], spec: Spec) -> tuple[Sample, ...]:
        return in_unit(samples, spec.vocabulary)

    def model(self, spec: Spec) -> nn.Module:
        return assemble(self.recipe, spec)

    def dataset(
        self, samples: Sequence[Sample], spec: Spec, *, model: nn.Module | None = None, say: Say = silent
    ) -> Dataset:
        """Clips with their token sequences; for training without those that are longer than `decode.longest`,
        which could never be written."""
        recipe, encode = self.recipe, spec.vocabulary.encode
        if model is not None:
            samples = self._writable(samples, spec, say)
        return Examples(
            samples,
            layout=spec.signal.layout,
            width=spec.signal.width,
            encode=encode,
            landmarks=recipe.landmarks,
            video=recipe.video,
            sampling=recipe.sampling,
            augment=recipe.augment if model is not None else None,
            seed=recipe.train.seed,
        )

    def check(self, models: Sequence[TrainedModel], corpus: Callable[[], Corpus]) -> None:
        first, *others = models
        for folder, other in zip(self.decode.ensemble, others, strict=True):
            if other.spec.vocabulary != first.spec.vocabulary:
                raise UserError("decode.ensemble", f"{folder} has another vocabulary")
        self._external_of(models, corpus)

    def weights(self, model: Any, batch: Batch) -> Mapping[str, Float[Tensor, " batch"]]:
        """The number of tokens and the end, by which losses are means of a token; of CTC 0 for a sample whose
        target has no path through its chunks."""
        tokens = (batch.target_lengths + 1).float()
        found = {NEXT: tokens, ENCODER: torch.ones_like(tokens)}
        if self.config.head == "both":
            needed = chunks_needed(batch.targets, batch.target_lengths, "ctc")
            found[CTC] = tokens * (needed <= model.encoder.output_lengths(batch.lengths))
        return found

    def loss(
        self, model: nn.Module, forward: Callable[[Batch], Any], batch: Batch, share: float
    ) -> Mapping[str, Term]:
        """A term for each head: the weighted sum of the recipe's losses at this point of the training."""
        output: AttentionLogits = forward(batch)
        weights = self.weights(model, batch)
        text = TextBatch(batch.ids, batch.targets, batch.target_lengths)
        turned = TextBatch(batch.ids, reversed_tokens(text.tokens, text.lengths), text.lengths)
        # Every parameter has to take part in every step, also of a head that no loss trains at the moment.
        total = {NEXT: 0.0 * output.next.sum((1, 2))}
        if output.backwards is not None:
            total[NEXT] = total[NEXT] + 0.0 * output.backwards.sum((1, 2))
        if output.ctc is not None:
            total[CTC] = 0.0 * output.ctc.anchor()
        for term in self._terms():
            if not term.options.start <= share < term.options.end:
                continue
            if term.name == CTC:
                values = term(len(batch.ids), cast(Any, output.ctc).float(), batch)
            else:
                values = term(len(batch.ids), output.next, text)
                if output.backwards is not None:
                    other = term(len(batch.ids), output.backwards, turned)
                    values = values + self.config.backwards * other
            total[term.name] = total[term.name] + term.options.weight * values
        terms = {
            name: Term(
                torch.where(weights[name] > 0, each, 0.0), {name: each.detach()} if len(total) > 1 else {}
            )
            for name, each in total.items()
        }
        return terms | {ENCODER: Term(output.auxiliary)}

    def evaluate(self, model: nn.Module, dataset: Dataset, spec: Spec, step: int, say: Say) -> Evaluation:
        """Score greedy search without CTC and without external models."""
        decode = self.decode.greedy()
        beams = find_texts([model], eval_batches(dataset, decode.batch_size), decode)
        predictions = as_predictions(beams, spec.vocabulary, decode, 1.0)
        selected = selection_value(
            predictions,
            dataset.samples,
            self.selection.name,
            protocol=self.protocol,
            vocabulary=spec.vocabulary,
        )
        return Evaluation(selected)

    def predict(
        self,
        models: Sequence[TrainedModel],
        batches: Iterable[Batch],
        *,
        corpus: Callable[[], Corpus],
        on_progress: Callable[[int], None],
        scored: bool = False,
    ) -> Iterator[Prediction]:
        external = self._external_of(models, corpus)
        beams = find_texts(
            [each.model for each in models],
            batches,
            self.decode,
            on_progress,
            fusion=external.fusion,
            rescorers=external.rescorers,
            with_greedy=scored and self.decode.beam > 1,
        )
        yield from as_predictions(
            beams, models[0].spec.vocabulary, self.decode, self.decode.temperature or 1.0
        )

    def calibrate(
        self,
        predictions: Mapping[str, list[Prediction]],
        samples: Mapping[str, Sequence[Sample]],
        spec: Spec,
    ) -> Calibration:
        """Fit the temperature of the confidences on dev, unless the recipe has one or dev is in train."""
        fit = not self.recipe.dev_in_train
        return calibrate(predictions, samples, spec.vocabulary, self.decode, fit=fit)

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
        vocabulary = spec.vocabulary
        return split_scores(
            predictions, samples, split, protocol=self.protocol, vocabulary=vocabulary, corpus=corpus
        )

    def sections(self, outcome: Outcome, *, brief: bool) -> Sequence[Section]:
        return report.brief_sections(outcome) if brief else report.sections(outcome, self.protocol)

    def pack(
        self, model: TrainedModel, corpus: Callable[[], Corpus], temperature: float, folder: Path
    ) -> AttentionSearchConfig:
        """Copy external models and the other runs of an ensemble into the export."""
        return cast(AttentionSearchConfig, pack(model, corpus, temperature, folder))

    def example(self, shapes: Shapes) -> tuple[Spec, Batch]:
        """A synthetic batch for the recipe's encoder."""
        return example(self.recipe, shapes)

    def _writable(self, samples: Sequence[Sample], spec: Spec, say: Say) -> Sequence[Sample]:
        """The samples whose targets are no longer than `decode.longest`.

        Raises:
            UserError: there are others and `train.too_long` is not ``skip``, or none is left.
        """
        longest = self.decode.longest
        fitting = [each for each in samples if len(spec.vocabulary.encode(each.reference)) <= longest]
        if len(fitting) < len(samples):
            what = f"{len(samples) - len(fitting)} targets of train are longer than decode.longest, {longest}"
            if self.recipe.train.too_long == "refuse" or not fitting:
                raise UserError("data", what, "raise it, or leave them out by train.too_long: skip")
            say(f"left out of train: {what}")
        return fitting

    def _terms(self) -> tuple[LossFunction, ...]:
        """The terms of the loss, built once."""
        if self._built is None:
            found: list[LossFunction] = []
            for config in self.recipe.train.losses:
                given = {"topology": "ctc"} if component_name("losses", config) == CTC else {}
                found += loss_functions([config], **given)
            self._built = tuple(found)
        return self._built

    def _external_of(self, models: Sequence[TrainedModel], corpus: Callable[[], Corpus]) -> ExternalModels:
        """The external models of the search, built once for all splits."""
        nets = [each.model for each in models]
        if self._search is None or self._search[0] != nets:
            vocabulary = models[0].spec.vocabulary
            text = train_text(corpus, vocabulary)
            built = build_external(self.decode, vocabulary=vocabulary, model=nets[0], text=text)
            self._search = nets, built
        return self._search[1]


def build(config: SequenceConfig, recipe: Recipe) -> SequenceTask:
    """Create the task for a recipe.

    Raises:
        UserError: the CTC head and the losses do not fit together, or the search has the internal language
            model of a recogniser.
    """
    task = SequenceTask(recipe)
    names = [component_name("losses", each) for each in recipe.train.losses]
    if CTC in names and task.config.head != "both":
        raise UserError("train.losses", "has `ctc`, and the model has no CTC head", "model.head: both")
    if CTC not in names and task.config.head == "both":
        raise UserError(
            "model.head", "is `both`, and no loss trains the CTC head", "add `{name: ctc, weight: 0.3}`"
        )
    if NEXT not in names:
        raise UserError(
            "train.losses", "has no `next_token`, which trains the decoder", "add `{name: next_token}`"
        )
    for section in SECTIONS:
        for place, part in enumerate(getattr(task.decode, section)):
            if isinstance(part, InternalConfig):
                what = "`internal` is for recognisers with a context"
                raise UserError(f"decode.{section}.{place}", what, "leave it out")
    return task
