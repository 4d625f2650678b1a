"""Recognition: signs to glosses or letters over a lattice of chunks."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from signkit.config.own_code import described
from signkit.config.recipe import Recipe, SourceConfig
from signkit.data.batch import Batch
from signkit.data.loader import Dataset
from signkit.decode.configs import LatticeConfig
from signkit.decode.external.build import ExternalModels, build_external
from signkit.decode.lattice import find, recognise
from signkit.errors import UserError
from signkit.models.assemble import assemble
from signkit.models.export import TrainedModel
from signkit.models.losses.configs import CstConfig
from signkit.models.losses.functions import LossFunction, check_per_sample, loss_functions
from signkit.models.losses.topology import chunks_needed
from signkit.models.spec import TEXT, Spec
from signkit.tasks.configs import RecognitionConfig
from signkit.tasks.recognition.blanks import NON_BLANK, CollapseWatch, blank_figures
from signkit.tasks.recognition.dataset import dataset, training_dataset
from signkit.tasks.recognition.ensemble import joined
from signkit.tasks.recognition.posteriors import posteriors
from signkit.tasks.recognition.pretraining import pretrain_context
from signkit.tasks.recognition.proposals import proposer
from signkit.tasks.recognition.searched import SearchedSplit, searched_split
from signkit.tasks.recognition.stream import ClipStream
from signkit.tasks.transcripts.base import Transcription
from signkit.tasks.transcripts.calibration import as_predictions
from signkit.tasks.transcripts.external import train_text
from signkit.train.sharing import of_all, own_batches
from signkit.train.streams import Stream, StreamOptions
from signkit.train.task import Evaluation, Say, Term, silent
from signkit.types import Corpus, Posteriors, Prediction, Sample

EMPTY_SHARE = 0.9
"""A warning is given if more than this share of the dev hypotheses are empty: the model predicts only
blanks."""
WITHOUT_CONTEXT = "dev is judged without the context until a loss with it begins"


class Recognition(Transcription):
    """The `signkit.train.task.Task` of C2ST, CTC, and any other model that returns `SplitLogits`."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        self._search: tuple[list[Any], Any, ExternalModels] | None = None
        self._said: set[str] = set()
        self._collapse = CollapseWatch(recipe.train)

    @property
    def decode(self) -> LatticeConfig:
        """The options of the recipe's search."""
        return cast(LatticeConfig, self.recipe.decode)

    def model(self, spec: Spec) -> nn.Module:
        model: Any = assemble(self.recipe, spec)
        self.check_levels(model.encoder.dims)
        return cast(nn.Module, model)

    def dataset(
        self, samples: Sequence[Sample], spec: Spec, *, model: nn.Module | None = None, say: Say = silent
    ) -> Dataset:
        if model is None:
            return dataset(self.recipe, samples, spec)
        several = sum(len(sample.reference) != 1 for sample in samples)
        if self.decode.is_single and several:
            what = f"{several:,} of {len(samples):,} references of train are not one {spec.vocabulary.unit}"
            say(f"decode.only is one, but {what}")
        return training_dataset(self.recipe, samples, spec, model, say)

    def check(self, models: Sequence[TrainedModel], corpus: Callable[[], Corpus]) -> None:
        self._search_of(models, corpus)

    def begin(self, model: nn.Module, spec: Spec, corpus: Corpus, watch: Any) -> None:
        """Pre-train the context as a language model, if the recipe has `context.pretrain_steps`."""
        pretrain_context(self.recipe, model, spec, corpus, watch)

    def weights(self, model: Any, batch: Batch) -> Mapping[str, Float[Tensor, " batch"]]:
        """1 for a sample whose target has a path through its chunks, 0 for the others."""
        needed = chunks_needed(batch.targets, batch.target_lengths, model.topology)
        fits = needed <= model.encoder.output_lengths(batch.lengths)
        return {"loss": fits.float()}

    def loss(
        self, model: Any, forward: Callable[[Batch], Any], batch: Batch, share: float
    ) -> Mapping[str, Term]:
        """The weighted sum of the recipe's terms that count at this point of the training."""
        logits = forward(batch).float()
        fits = self.weights(model, batch)["loss"] > 0
        propose = proposer(model, logits)
        samples = len(batch.ids)
        if self.recipe.encoder is not None:
            where = described(self.recipe.encoder)
            check_per_sample(logits.auxiliary, samples, where, "its `auxiliary` is")
        # Every parameter has to take part in every step, see `SplitLogits.anchor`.
        total = logits.auxiliary + 0.0 * logits.anchor()
        figures: dict[str, Tensor] = {}
        for term in self._terms(model.topology):
            name = term.name
            if term.options.start <= share < term.options.end:
                values = term(samples, logits, batch, propose)
                total = total + term.options.weight * values
                shown = torch.where(fits, values.detach(), 0.0)
                figures[name] = figures[name] + shown if name in figures else shown
        if model.topology == "ctc":
            blanks = blank_figures(logits, batch.target_lengths)
            figures |= {name: torch.where(fits, values, 0.0) for name, values in blanks.items()}
        return {"loss": Term(torch.where(fits, total, 0.0), figures)}

    def remark(self, step: int, figures: Mapping[str, float]) -> str:
        """A warning, once, if the training has collapsed to blanks."""
        return self._collapse.see(step, figures) if NON_BLANK in figures else ""

    def evaluate(self, model: nn.Module, dataset: Dataset, spec: Spec, step: int, say: Say) -> Evaluation:
        """Score greedy search without external models, and without the context until a loss trains it.

        Warns if nearly all hypotheses are empty.
        """
        decode, counts = self.decode.greedy(), self._knows_context(step)
        if not counts:
            decode = replace(decode, context_scale=0.0)
            self._say_once(say, WITHOUT_CONTEXT)
        vocabulary = spec.vocabulary
        batches = own_batches(dataset, self.recipe)
        hypotheses = of_all(recognise(model, batches, vocabulary, decode), dataset)
        empty = sum(not each.tokens for each in hypotheses.values())
        if empty > EMPTY_SHARE * len(hypotheses):
            how = f"step {step}: greedy search, with which dev is judged during training, recognises nothing"
            clips = f"in {empty:,} of {len(hypotheses):,} clips of dev (blanks only)"
            self._say_once(say, f"warning: {how} {clips}", "empty")
        predictions = [Prediction(name, {TEXT: each}) for name, each in hypotheses.items()]
        return Evaluation(self.selected(predictions, dataset.samples, vocabulary), counts)

    def predict(
        self,
        models: Sequence[TrainedModel],
        batches: Iterable[Batch],
        *,
        corpus: Callable[[], Corpus],
        on_progress: Callable[[int], None],
        scored: bool = False,
    ) -> Iterator[Prediction]:
        model, external = self._search_of(models, corpus)
        vocabulary = models[0].spec.vocabulary
        beams = find(
            model,
            batches,
            self.decode,
            on_progress,
            fusion=external.fusion,
            rescorers=external.rescorers,
            with_greedy=scored and self.decode.beam > 1 and not self.decode.is_single,
        )
        # The confidences of all hypotheses are computed at once.
        yield from as_predictions(beams, vocabulary, self.decode, self.decode.temperature or 1.0)

    def posteriors(self, models: Sequence[TrainedModel], batches: Iterable[Batch]) -> Iterator[Posteriors]:
        """The encoder's distribution at every chunk."""
        return posteriors(models, batches)

    def stream(
        self, models: Sequence[TrainedModel], options: StreamOptions, *, corpus: Callable[[], Corpus]
    ) -> Stream:
        """The text of frames that come one after another; see `signkit.train.streams.GivesStream`."""
        if len(models) > 1:
            raise UserError("decode.ensemble", "an ensemble has no stream", "leave it out")
        (trained,) = models
        return ClipStream(trained, self._external(trained.model, trained.spec, corpus), options)

    def idle(self, nets: Sequence[nn.Module]) -> Collection[str]:
        """The scale of the context where there is none, and most keys of greedy search."""
        return self.decode.idle(context=any(not net.context_free for net in nets))

    def searched(
        self,
        models: Sequence[TrainedModel],
        dataset: Dataset,
        tuned: Sequence[str],
        *,
        corpus: Callable[[], Corpus],
        on_progress: Callable[[int], None],
    ) -> SearchedSplit:
        """The split with its acoustic logits computed, for repeated searches."""
        return searched_split(models, dataset, tuned, corpus=corpus, on_progress=on_progress)

    def _terms(self, topology: str) -> tuple[LossFunction, ...]:
        """The terms of the loss, built once."""
        if self._built is None:
            self._built = loss_functions(self.recipe.train.losses, topology=topology)
        return self._built

    def _knows_context(self, step: int) -> bool:
        """Whether a term with context counts at this step, or the recipe has no such term.

        Until then the context is not trained, and hypotheses that depend on it say nothing about the model.
        """
        train = self.recipe.train
        starts = [term.start for term in train.losses if isinstance(term, CstConfig)]
        return not starts or min(starts) <= (step - 1) / train.max_steps

    def _search_of(
        self, models: Sequence[TrainedModel], corpus: Callable[[], Corpus]
    ) -> tuple[Any, ExternalModels]:
        """The models joined to one, and the external models of their search.

        They are built once for all splits, so that a neural language model keeps its cache from one to the
        next.
        """
        nets = [each.model for each in models]
        if self._search is None or self._search[0] != nets:
            model = joined(models)
            self._search = nets, model, self._external(model, models[0].spec, corpus)
        return self._search[1:]

    def _external(self, model: Any, spec: Spec, corpus: Callable[[], Corpus]) -> ExternalModels:
        text = train_text(corpus, spec.vocabulary)
        return build_external(self.decode, vocabulary=spec.vocabulary, model=model, text=text)

    def _say_once(self, say: Say, message: str, key: str = "") -> None:
        if (key or message) not in self._said:
            self._said.add(key or message)
            say(message)


def build(config: RecognitionConfig, recipe: Recipe) -> Recognition:
    """Create the task for a recipe.

    Raises:
        UserError: it asks for hypotheses of one subword, or sets what only attention models listen to.
    """
    task = Recognition(recipe)
    for key, is_set in (("text.sampling", recipe.text.sampling), ("source", recipe.source != SourceConfig())):
        if is_set:
            raise UserError(key, "has no effect: it is for attention models", "leave it out")
    if task.decode.is_single and recipe.text.unit == "subword":
        what = "is `one`, and a subword is only a part of a gloss"
        raise UserError("decode.only", what, "`text.unit: gloss`, or `decode.only: any`")
    return task
