"""Sequences by attention: an encoder, and a decoder that writes a text token by token."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from signkit.config.recipe import Recipe, SourceConfig
from signkit.config.registry import component_name
from signkit.data.batch import Batch, TextBatch
from signkit.data.loader import Dataset
from signkit.decode.attention import find_texts
from signkit.decode.chosen import doubtful_tokens
from signkit.decode.configs import SECTIONS, AttentionSearchConfig
from signkit.decode.external.build import ExternalModels, build_external
from signkit.decode.external.configs import InternalConfig
from signkit.errors import UserError
from signkit.models.assemble import assemble
from signkit.models.attention import AttentionLogits, reversed_tokens
from signkit.models.clip_confidence import confidence_loss, scores_of
from signkit.models.configs import AttentionConfig
from signkit.models.export import TrainedModel
from signkit.models.losses.functions import LossFunction, loss_functions
from signkit.models.losses.topology import chunks_needed
from signkit.models.seq2seq.configs import Seq2seqConfig
from signkit.models.spec import Spec
from signkit.report.sections import Section
from signkit.tasks.configs import SequenceConfig
from signkit.tasks.sequence.attention_maps import attention_maps
from signkit.tasks.sequence.dataset import evaluated, spec_of_sources, trained_on
from signkit.tasks.sequence.floor import floor_scores
from signkit.tasks.sequence.held_out import held_out_scores
from signkit.tasks.sequence.joint import gloss_scores, with_glosses, with_recognised
from signkit.tasks.sequence.searched import SearchedSplit, searched_split
from signkit.tasks.transcripts.base import Transcription
from signkit.tasks.transcripts.calibration import as_predictions
from signkit.tasks.transcripts.differing import differing
from signkit.tasks.transcripts.external import train_text
from signkit.tasks.transcripts.scorers import Scorers
from signkit.train.sharing import of_all, own_batches
from signkit.train.task import Calibration, Evaluation, Outcome, Say, Term, silent
from signkit.types import WRITTEN, Corpus, Prediction, Sample, Score

NEXT, CTC, ENCODER, CONFIDENCE = "next_token", "ctc", "encoder", "confidence"
"""The terms of the loss: of the decoder, of the CTC head, the encoder's own, and of the confidence."""


class SequenceTask(Transcription):
    """The `signkit.train.task.Task` of attention models."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        self._search: tuple[list[Any], ExternalModels] | None = None

    @property
    def config(self) -> AttentionConfig | Seq2seqConfig:
        """The options of the model."""
        return cast(AttentionConfig | Seq2seqConfig, self.recipe.model)

    @property
    def decode(self) -> AttentionSearchConfig:
        """The options of the recipe's search; a CTC head that writes glosses has no part in it."""
        decode = cast(AttentionSearchConfig, self.recipe.decode)
        return replace(decode, ctc_weight=0.0) if self.config.ctc == "gloss" else decode

    @cached_property
    def held_out(self) -> dict[str, float]:
        """The scores that teach the confidence, by clip."""
        return held_out_scores(self.config.confidence_from)

    def model(self, spec: Spec) -> nn.Module:
        if isinstance(self.recipe.model, Seq2seqConfig):
            return self._from_checkpoint(spec)
        sizes = {"glosses": len(spec.glosses)} if spec.glosses else {}
        model: Any = assemble(self.recipe, spec, vocabulary=len(spec.vocabulary), **sizes)
        self.check_levels(("video", "chunk"))  # of the CTC head, which has one
        return cast(nn.Module, model)

    def _from_checkpoint(self, spec: Spec) -> nn.Module:
        """A translator that begins with a checkpoint."""
        from signkit.models.seq2seq.model import check_lengths  # imports transformers

        source = spec.source or spec.vocabulary
        model: Any = assemble(self.recipe, spec, text=spec.vocabulary, source=source)
        check_lengths(model, self.recipe.source.longest, self.decode.longest)
        return cast(nn.Module, model)

    def spec(self, corpus: Corpus, say: Say) -> Spec:
        recipe = self.recipe
        if corpus.layout != WRITTEN:
            if isinstance(recipe.model, Seq2seqConfig):
                raise UserError("model", "`seq2seq` reads written sources, and the corpus has recordings")
            if recipe.source != SourceConfig():
                raise UserError(
                    "source", "is of written sources, and the corpus has recordings", "leave it out"
                )
            return with_glosses(super().spec(corpus, say), cast(AttentionConfig, self.config), corpus)
        if self.config.ctc == "gloss":
            what = "writes the glosses of recordings, and the corpus has them as sources"
            raise UserError("model.ctc", what, "model.ctc: text")
        return spec_of_sources(recipe, corpus, say)

    def dataset(
        self, samples: Sequence[Sample], spec: Spec, *, model: nn.Module | None = None, say: Say = silent
    ) -> Dataset:
        """Clips or sources with their token sequences; for training changed, without those that could never
        be written or read."""
        if model is None:
            return evaluated(self.recipe, samples, spec)
        found = trained_on(self.recipe, samples, spec, model, say, longest=self.decode.longest)
        if self.config.confidence:
            self._say_taught(found.samples, say)
        return found

    def check(self, models: Sequence[TrainedModel], corpus: Callable[[], Corpus]) -> None:
        first, *others = models
        doubtful_tokens(self.decode, first.spec.vocabulary)
        with_ctc = self.decode.ctc_weight > 0
        for folder, other in zip(self.decode.ensemble, others, strict=True):
            heads = [each.model.output is not None for each in (first, other)]
            if with_ctc and heads[0] != heads[1]:
                what = f"one of this run and {folder} has a CTC head and the other has none"
                raise UserError("decode.ensemble", what, "decode.ctc_weight: 0 leaves it out")
            if found := differing(first, other, chunks=with_ctc and heads[0]):
                raise UserError("decode.ensemble", f"{folder} cannot be averaged with this run: {found}")
        self._external_of(models, corpus)

    def weights(self, model: Any, batch: Batch) -> Mapping[str, Float[Tensor, " batch"]]:
        """The number of tokens and the end, by which losses are means of a token; of CTC 0 for a sample whose
        target has no path through its chunks."""
        tokens = (batch.target_lengths + 1).float()
        found = {NEXT: tokens, ENCODER: torch.ones_like(tokens)}
        if self.config.head == "both":
            of_ctc = batch.of_glosses
            needed = chunks_needed(of_ctc.targets, of_ctc.target_lengths, "ctc")
            found[CTC] = tokens * (needed <= model.encoder.output_lengths(batch.lengths))
        if self.config.confidence:
            found[CONFIDENCE] = scores_of(batch.ids, self.held_out)[1].float().to(tokens.device)
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
                values = term(len(batch.ids), cast(Any, output.ctc).float(), batch.of_glosses)
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
        if output.confidence is not None:
            values = self.config.confidence * confidence_loss(output.confidence, batch.ids, self.held_out)
            terms[CONFIDENCE] = Term(values, {CONFIDENCE: values.detach()})
        return terms | {ENCODER: Term(output.auxiliary)}

    def evaluate(self, model: nn.Module, dataset: Dataset, spec: Spec, step: int, say: Say) -> Evaluation:
        """Score greedy search without CTC and without external models."""
        decode = self.decode.greedy()
        beams = of_all(find_texts([model], own_batches(dataset, self.recipe), decode), dataset)
        predictions = as_predictions(beams, spec.vocabulary, decode, 1.0)
        return Evaluation(self.selected(predictions, dataset.samples, spec.vocabulary))

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
            vocabulary=models[0].spec.vocabulary,
            with_glosses=models[0].spec.glosses is not None,
        )
        found = as_predictions(beams, models[0].spec.vocabulary, self.decode, self.decode.temperature or 1.0)
        yield from (with_recognised(each, models[0].spec) for each in found)

    def calibrate(
        self,
        predictions: Mapping[str, list[Prediction]],
        samples: Mapping[str, Sequence[Sample]],
        spec: Spec,
    ) -> Calibration:
        """Fit the temperature of the confidences of the text; glosses have none."""
        found = super().calibrate(predictions, samples, spec)
        again = {
            split: [with_recognised(each, spec) for each in of] for split, of in found.predictions.items()
        }
        return replace(found, predictions=again)

    def idle(self, nets: Sequence[nn.Module]) -> Collection[str]:
        """The weight of CTC where a model has no such head."""
        return self.decode.idle(ctc=all(net.output is not None for net in nets))

    def searched(
        self,
        models: Sequence[TrainedModel],
        dataset: Dataset,
        tuned: Sequence[str],
        *,
        corpus: Callable[[], Corpus],
        on_progress: Callable[[int], None],
    ) -> SearchedSplit:
        """The split with its features computed, for repeated searches."""
        nets, spec = [each.model for each in models], models[0].spec
        text = train_text(corpus, spec.vocabulary)
        scorers = Scorers.of(nets[0], spec.vocabulary, text, self.decode, tuned)
        batches = own_batches(dataset, self.recipe, shared=False)
        return searched_split(
            nets, spec, dataset, self.decode, scorers, batches=batches, on_progress=on_progress
        )

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
        """Those of every task that writes texts; of written sources also those of looking one up in train."""
        found = super().score(predictions, samples, split, spec=spec, corpus=corpus, say=say)
        if spec.source is None:
            return found + gloss_scores(predictions, samples, split)
        vocabulary = spec.vocabulary
        return found + floor_scores(
            samples, split, protocol=self.protocol, vocabulary=vocabulary, corpus=corpus
        )

    def sections(self, outcome: Outcome, *, brief: bool) -> Sequence[Section]:
        """Those of every task that writes texts, and where the decoder looked in written sources."""
        found = super().sections(outcome, brief=brief)
        maps = attention_maps(outcome) if outcome.spec.source and not brief else None
        return [*found[:1], maps, *found[1:]] if maps else found

    def _say_taught(self, samples: Sequence[Sample], say: Say) -> None:
        """Say how many clips of train teach the confidence.

        Raises:
            UserError: none.
        """
        taught = sum(each.id in self.held_out for each in samples)
        if not taught:
            what = "the runs have none of the clips of train in their dev"
            raise UserError("model.confidence_from", what, "name a run of each fold of train")
        say(f"{taught:,} of {len(samples):,} clips of train teach the confidence")

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
        UserError: the search has the internal language model of a recogniser.
    """
    task = SequenceTask(recipe)
    for section in SECTIONS:
        for place, part in enumerate(getattr(task.decode, section)):
            if isinstance(part, InternalConfig):
                what = "`internal` is for recognisers with a context"
                raise UserError(f"decode.{section}.{place}", what, "leave it out")
    return task
