"""The recogniser's internal language model: its predictions when the encoder contributes nothing.

With the joint logits A + C_u + bias (docs/c2st.md) the zero-encoder estimate is the softmax of C_u + bias
over all tokens but the blank (Variani et al. 2020; Meng et al. 2021). It has no probability of the end of a
sequence.
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from signkit.decode.context_logits import Floats
from signkit.decode.external.build import TrainText
from signkit.decode.external.configs import InternalConfig
from signkit.decode.history import ROOT, Ints, PrefixTree
from signkit.decode.lattice import MAX_STATES
from signkit.decode.scorer import Singles
from signkit.errors import UserError
from signkit.models.protocol import Recogniser
from signkit.text.vocabulary import Vocabulary

BLANK = 0
BATCH = 1024
"""Histories whose context logits are computed in one call."""


class InternalScorer:
    """A `Scorer` that uses a recogniser's context alone; a state is a node of a prefix tree of histories.

    Args:
        model: the recogniser, on any device; it has to be in eval mode while it is used.
        vocab: number of symbols, blank included.
        scale: factor on the context logits.
    """

    def __init__(self, model: Recogniser, vocab: int, scale: float = 1.0) -> None:
        self.start = ROOT
        self._model, self._vocab, self._scale, self._tree = model, vocab, scale, PrefixTree(vocab)

    def forget(self) -> None:
        """Drop all states if there are many; see `signkit.decode.lattice.ForgetsStates`."""
        if self._tree.links.size > MAX_STATES:
            self._tree = PrefixTree(self._vocab)

    def advance(self, states: Ints, tokens: Ints) -> Ints:
        """The states [n] of the histories ``states`` [n] followed by ``tokens`` [n]."""
        return self._tree.children(states, tokens)

    def rows(self, states: Ints) -> Singles:
        """log P [n, vocab] of every token after the histories; the blank's column is 0."""
        device = next(self._model.parameters()).device  # type: ignore[attr-defined] # it is a Module
        labels, lengths = (torch.from_numpy(a).to(device) for a in self._tree.links.sequences(states))
        with torch.no_grad():
            bias = self._bias(labels.new_zeros(1, 0), lengths.new_zeros(1))
            parts = zip(labels.split(BATCH), lengths.split(BATCH), strict=True)
            context = torch.cat([self._model.last_context_logits(*part) for part in parts])
            logits = self._scale * context.float() + bias
            logits[:, BLANK] = -torch.inf
            log_probs = logits.log_softmax(1)
            log_probs[:, BLANK] = 0.0
        rows: Singles = log_probs.cpu().numpy()
        return rows

    def ends(self, states: Ints) -> Floats:
        """Zeros [n]: the context does not predict where a sequence ends."""
        return np.zeros(len(states))

    def _bias(self, empty: Int[Tensor, "1 labels"], length: Int[Tensor, "1"]) -> Float[Tensor, "1 vocab"]:
        """The output layer's bias.

        A `Recogniser` does not expose it, but its two methods for context logits differ by exactly this bias.
        """
        with_bias = self._model.context_logits(empty, length)[:, 0]
        return with_bias.float() - self._model.last_context_logits(empty, length).float()


def build(config: InternalConfig, *, vocabulary: Vocabulary, model: Any, text: TrainText) -> InternalScorer:
    """The internal language model of the recogniser that is decoded.

    Raises:
        UserError: the recogniser has no context.
    """
    if model.context_free:
        what = "`internal` is the language model in a recogniser's context, and this recogniser has none"
        raise UserError("decode.fusion", what, "leave it out")
    return InternalScorer(model, len(vocabulary), 1.0 if config.scale is None else config.scale)
