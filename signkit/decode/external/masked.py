"""Rescoring by a masked language model: the pseudo-likelihood of whole sequences (Salazar et al. 2020)."""

from typing import Any

import numpy as np
import torch

from signkit.decode.context_logits import Floats
from signkit.decode.external.build import TrainText
from signkit.decode.external.configs import MaskedConfig
from signkit.decode.external.neural import device_of
from signkit.decode.external.trained import TrainedLanguageModel, load_run
from signkit.errors import UserError
from signkit.models.sentence_scores import sentence_scores
from signkit.text.vocabulary import Vocabulary


class MaskedRescorer:
    """A `Rescorer`: the sum of log P of each token given all others; 0 for the empty sequence.

    Args:
        trained: the language model.
        vocabulary: the recogniser's.
        device: where the language model is moved to.
    """

    def __init__(
        self, trained: TrainedLanguageModel, vocabulary: Vocabulary, device: torch.device | str = "cpu"
    ) -> None:
        self._number = trained.token_numbers(vocabulary)
        self._model = trained.model.to(device).eval()

    def totals(self, sequences: list[tuple[int, ...]]) -> Floats:
        """Pseudo-log-likelihoods [n] of sequences of the recogniser's tokens; equal ones are computed
        once."""
        mapped = [tuple(self._number[list(sequence)].tolist()) for sequence in sequences]
        distinct = [*dict.fromkeys(mapped)]
        totals = {
            s: float(log.sum())
            for s, log in zip(distinct, sentence_scores(self._model, distinct), strict=True)
        }
        return np.array([totals[sequence] for sequence in mapped])


def build(config: MaskedConfig, *, vocabulary: Vocabulary, model: Any, text: TrainText) -> MaskedRescorer:
    """A rescorer with the model of a run, on the recogniser's device.

    Raises:
        UserError: the run has no masked language model, it is of another unit, or it shares almost nothing
            with the vocabulary.
    """
    trained = load_run(config.run)
    if trained.predicts_end:
        raise UserError(config.run, "is no masked language model", "it is one for `name: neural`")
    return MaskedRescorer(trained, vocabulary, device_of(model))
