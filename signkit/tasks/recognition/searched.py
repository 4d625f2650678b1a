"""A split whose encoder outputs are cached, to be searched many times with different settings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor

from signkit.data.loader import Dataset
from signkit.decode.configs import LatticeConfig
from signkit.decode.lattice import acoustic_logits, logits_of, search_acoustic
from signkit.decode.state import Candidate
from signkit.models.export import TrainedModel
from signkit.models.spec import Spec
from signkit.tasks.recognition.ensemble import joined
from signkit.tasks.transcripts.external import train_text
from signkit.tasks.transcripts.scorers import Scorers
from signkit.train.sharing import own_batches
from signkit.types import Corpus


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
        batches: the acoustic logits of the split.
        bias: of the output layer; it determines the width of context logits.
        references: tokens by sample id.
        scorers: external models of the search.
    """

    spec: Spec
    model: Any
    batches: tuple[Encoded, ...]
    bias: Float[Tensor, " vocab"]
    references: dict[str, tuple[str, ...]]
    scorers: Scorers

    def search(self, decode: LatticeConfig, nbest: int | None = 1) -> dict[str, list[Candidate]]:
        """Search the split; returns the `nbest` candidates of every sample by id, or the whole beam if
        None."""
        parts = self.scorers.parts(decode)
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
    scorers = Scorers.of(model, spec.vocabulary, text, decode, tuned)
    model.to(device)
    batches: list[Encoded] = []
    with torch.no_grad():
        for batch in own_batches(dataset, recipe, shared=False):
            logits = logits_of(model, batch.to(device))
            acoustic = acoustic_logits(logits, decode.level).cpu()
            batches.append(Encoded(batch.ids, acoustic, logits.lengths.cpu()))
            bias = logits.bias.cpu()
            on_progress(sum(len(each.ids) for each in batches))
    model.cpu()
    references = {sample.id: sample.reference for sample in dataset.samples}
    return SearchedSplit(spec, model, tuple(batches), bias, references, scorers)
