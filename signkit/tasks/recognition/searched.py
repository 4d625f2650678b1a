"""A split whose encoder outputs are cached, to be searched many times with different settings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from signkit.data.loader import Dataset, eval_batches
from signkit.decode.configs import SECTIONS, LatticeConfig, value_of, with_weight
from signkit.decode.context_logits import Floats
from signkit.decode.external.build import ExternalModels, TrainText, build_external, leaves_scale_open
from signkit.decode.lattice import acoustic_logits, logits_of, search_acoustic
from signkit.decode.scorer import Fused, Rescorer
from signkit.decode.state import Candidate
from signkit.models.export import TrainedModel
from signkit.models.spec import Spec
from signkit.tasks.recognition.ensemble import joined
from signkit.tasks.transcripts.external import train_text
from signkit.types import Corpus

MAX_CACHED_SEQUENCES = 1_000_000
"""Sequences whose scores a `CachedRescorer` retains."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """The acoustic logits of a batch, on the CPU."""

    ids: tuple[str, ...]
    acoustic: Float[Tensor, "batch chunks vocab"]
    lengths: Int[Tensor, " batch"]


@dataclass(frozen=True, slots=True)
class SearchedSplit:
    """A split that can be searched without running the encoder: a `signkit.train.task.Searched`.

    Attributes:
        spec: of the model.
        model: the recogniser, for its context.
        text: for external models that are estimated from the train references.
        batches: the acoustic logits of the split.
        bias: of the output layer; it determines the width of context logits.
        references: tokens by sample id.
        scorers: external models by key (``fusion.0``), without those whose weight stays 0 and those that
            depend on `decode.context_scale`, which are built again for each search.
    """

    spec: Spec
    model: Any
    text: TrainText
    batches: tuple[Encoded, ...]
    bias: Float[Tensor, " vocab"]
    references: dict[str, tuple[str, ...]]
    scorers: dict[str, Any]

    def parts(self, decode: LatticeConfig) -> ExternalModels:
        """The external models with the weights of these options, without those of weight 0."""
        parts: dict[str, list[Any]] = {section: [] for section in SECTIONS}
        for section, place in _places(decode):
            key = f"{section}.{place}"
            if weight := value_of(decode, f"decode.{key}.weight"):
                cached = self.scorers.get(key)
                scorer = self.build(decode, section, place) if cached is None else cached
                parts[section].append(Fused(scorer, weight) if section == "fusion" else (scorer, weight))
        return ExternalModels(tuple(parts["fusion"]), tuple(parts["rescore"]))

    def search(self, decode: LatticeConfig, nbest: int | None = 1) -> dict[str, list[Candidate]]:
        """Search the split; returns the `nbest` candidates of every sample by id, or the whole beam if
        None."""
        parts = self.parts(decode)
        candidates: dict[str, list[Candidate]] = {}
        with torch.no_grad():
            for batch in self.batches:
                beams = search_acoustic(
                    self.model,
                    batch.acoustic,
                    batch.lengths,
                    self.bias,
                    decode,
                    fusion=parts.fusion,
                    rescorers=parts.rescorers,
                    nbest=nbest,
                )
                candidates |= dict(zip(batch.ids, beams, strict=True))
        return {name: candidates[name] for name in self.references}

    def build(self, decode: LatticeConfig, section: str, place: int) -> Any:
        """Build one external model."""
        return _scorer(self.model, self.spec, self.text, decode, section, place)


class CachedRescorer:
    """A `Rescorer` that caches the scores of sequences."""

    def __init__(self, rescorer: Rescorer) -> None:
        self._rescorer = rescorer
        self._known: dict[tuple[int, ...], float] = {}

    def totals(self, sequences: list[tuple[int, ...]]) -> Floats:
        """log scores [n] of sequences; those that are not cached are computed in one call."""
        new = list(dict.fromkeys(each for each in sequences if each not in self._known))
        if len(self._known) + len(new) > MAX_CACHED_SEQUENCES:
            self._known, new = {}, list(dict.fromkeys(sequences))
        if new:
            self._known |= dict(zip(new, self._rescorer.totals(new).tolist(), strict=True))
        return np.array([self._known[each] for each in sequences], dtype=np.float64)


def searched_split(
    models: Sequence[TrainedModel],
    dataset: Dataset,
    tuned: Sequence[str],
    *,
    corpus: Callable[[], Corpus],
    on_progress: Callable[[int], None],
) -> SearchedSplit:
    """Run the encoder over a split and build the external models, each once.

    Args:
        tuned: the keys of `decode` whose values will change.
        on_progress: called with the number of samples done so far.

    Raises:
        UserError: the input of an external model cannot be used.
        OperationalError: the logits of a sample are not finite.
    """
    recipe, spec = models[0].recipe, models[0].spec
    decode = cast(LatticeConfig, recipe.decode)
    model = joined(models).eval()
    device = next(model.parameters()).device
    model.cpu()  # the searches run on the CPU, and neural scorers are built on the model's device
    text = train_text(corpus, spec.vocabulary)
    scorers = {
        f"{section}.{place}": _scorer(model, spec, text, decode, section, place)
        for section, place in _places(decode)
        if _is_cached(decode, section, place, tuned)
    }
    model.to(device)
    batches: list[Encoded] = []
    with torch.no_grad():
        for batch in eval_batches(dataset, decode.batch_size, workers=recipe.train.workers):
            logits = logits_of(model, batch.to(device))
            acoustic = acoustic_logits(logits, decode.level).cpu()
            batches.append(Encoded(batch.ids, acoustic, logits.lengths.cpu()))
            bias = logits.bias.cpu()
            on_progress(sum(len(each.ids) for each in batches))
    model.cpu()
    references = {sample.id: sample.reference for sample in dataset.samples}
    return SearchedSplit(spec, model, text, tuple(batches), bias, references, scorers)


def _places(decode: LatticeConfig) -> list[tuple[str, int]]:
    """The external models of both sections, by the section's name and the position in it."""
    return [(section, place) for section in SECTIONS for place in range(len(getattr(decode, section)))]


def _is_cached(decode: LatticeConfig, section: str, place: int, tuned: Sequence[str]) -> bool:
    """Whether an external model is used in the trials and is the same in all of them."""
    key = f"decode.{section}.{place}.weight"
    used = value_of(decode, key) != 0 or key in tuned
    return used and not leaves_scale_open(getattr(decode, section)[place])


def _scorer(model: Any, spec: Spec, text: TrainText, decode: LatticeConfig, section: str, place: int) -> Any:
    """Build one external model alone, with weight 1 so that it is not left out."""
    weighted = with_weight(decode, section, place, 1.0)
    alone: dict[str, Any] = dict.fromkeys(SECTIONS, ()) | {section: (getattr(weighted, section)[place],)}
    built = build_external(replace(decode, **alone), vocabulary=spec.vocabulary, model=model, text=text)
    return built.fusion[0].scorer if section == "fusion" else CachedRescorer(built.rescorers[0][0])
