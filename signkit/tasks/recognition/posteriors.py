"""The encoder's distribution at every chunk, without context, external models or search."""

from collections.abc import Iterable, Iterator, Sequence
from typing import cast

import numpy as np
import torch

from signkit.data.batch import Batch
from signkit.decode.configs import LatticeConfig
from signkit.decode.lattice import acoustic_logits, chunk_seconds, logits_of
from signkit.models.export import TrainedModel
from signkit.tasks.recognition.ensemble import joined
from signkit.types import Posteriors


def posteriors(models: Sequence[TrainedModel], batches: Iterable[Batch]) -> Iterator[Posteriors]:
    """The softmax of the acoustic logits at the level that is decoded (`decode.level`).

    Yields:
        For each sample the probabilities [chunks, vocab] and the times [chunks] in seconds.

    Raises:
        UserError: the models cannot be joined.
        OperationalError: the logits of a sample are not finite.
    """
    model, decode = joined(models), cast(LatticeConfig, models[0].recipe.decode)
    device = next(model.parameters()).device
    model.eval()
    with torch.no_grad():
        for batch in batches:
            logits = logits_of(model, batch.to(device))
            each = acoustic_logits(logits, decode.level).softmax(2).cpu().numpy()
            for place, name in enumerate(batch.ids):
                seconds = chunk_seconds(logits, batch, place)
                yield Posteriors(name, each[place, : len(seconds)].copy(), np.array(seconds))
