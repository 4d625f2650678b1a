"""A split whose encoder outputs are cached, to be searched many times with different settings."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from signkit.data.loader import Batch, Dataset
from signkit.decode.attention import attention_search, encode
from signkit.decode.chosen import chosen_texts
from signkit.decode.configs import AttentionSearchConfig
from signkit.decode.state import Candidate
from signkit.models.attention import Encoded
from signkit.models.spec import Spec
from signkit.tasks.transcripts.scorers import Scorers


@dataclass(frozen=True, slots=True)
class SearchedSplit:
    """A split that can be searched without running the encoders: a `signkit.train.task.Searched`.

    Attributes:
        spec: of the models.
        models: that are decoded together.
        batches: for each batch its ids, what each model read of it, and the log scores of readings.
        references: tokens by sample id.
        scorers: external models of the search.
    """

    spec: Spec
    models: Sequence[Any]
    batches: tuple[tuple[tuple[str, ...], tuple[Encoded, ...], Tensor | None], ...]
    references: dict[str, tuple[str, ...]]
    scorers: Scorers

    def search(self, decode: AttentionSearchConfig, nbest: int | None = 1) -> dict[str, list[Candidate]]:
        """Search the split; returns the `nbest` candidates of every sample by id, or the whole beam if
        None."""
        parts = self.scorers.parts(decode)
        found: dict[str, list[Candidate]] = {}
        with torch.no_grad():
            devices = [next(model.parameters()).device for model in self.models]
            for ids, cached, logs in self.batches:
                encoded = [each.to(device) for each, device in zip(cached, devices, strict=True)]
                lists = attention_search(
                    self.models,
                    encoded,
                    decode,
                    fusion=parts.fusion,
                    rescorers=parts.rescorers,
                )
                for each in chosen_texts(ids, lists, encoded, logs, decode, self.spec.vocabulary):
                    found[each.id] = each.candidates[:nbest]
        return {name: found[name] for name in self.references}


def searched_split(
    models: Sequence[Any],
    spec: Spec,
    dataset: Dataset,
    decode: AttentionSearchConfig,
    scorers: Scorers,
    *,
    batches: Iterable[Batch],
    on_progress: Callable[[int], None],
) -> SearchedSplit:
    """Run the encoders over a split, given in batches.

    Raises:
        OperationalError: what a model gives for a sample is not finite.
    """
    found: list[tuple[tuple[str, ...], tuple[Encoded, ...], Tensor | None]] = []
    done = set[str]()
    with torch.no_grad():
        for batch in batches:
            encoded = tuple(encode(model.eval(), batch).to("cpu") for model in models)
            found.append((batch.ids, encoded, batch.logs))
            done |= set(batch.ids)  # several rows may be readings of one sample
            on_progress(len(done))
    references = {sample.id: sample.reference for sample in dataset.samples}
    return SearchedSplit(spec, models, tuple(found), references, scorers)
