"""The recogniser's own language model, to be subtracted: what it would say if it saw nothing.

With the joint logits A + C_u + bias (docs/c2st.md) the zero-encoder estimate is the softmax of C_u + bias
over all tokens but the blank (Variani et al. 2020; Meng et al. 2021). It never says that a sequence ends.
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
from signkit.decode.lattice import MANY
from signkit.decode.scorer import Singles
from signkit.errors import UserError
from signkit.models.protocol import Recogniser
from signkit.text.vocabulary import Vocabulary

BLANK = 0
AT_ONCE = 1024
"""Histories that the model is asked for in one call."""


class InternalScorer:
    """A `Scorer` of a recogniser's context; a state is a node of a prefix tree of histories.

    Args:
        model: in eval mode when it is asked, on whatever device.
        vocab: its number of symbols, blank included.
        scale: factor on the context's logits.
    """

    def __init__(self, model: Recogniser, vocab: int, scale: float = 1.0) -> None:
        self.start = ROOT
        self._model, self._vocab, self._scale, self._tree = model, vocab, scale, PrefixTree(vocab)

    def forget(self) -> None:
        """Forget all states if there are many; see `Growing`."""
        if self._tree.links.size > MANY:
            self._tree = PrefixTree(self._vocab)

    def advance(self, states: Ints, tokens: Ints) -> Ints:
        """The nodes of the histories that are one token longer."""
        return self._tree.children(states, tokens)

    def rows(self, states: Ints) -> Singles:
        """log P of every token after the histories, by the context alone; the blank's column is 0."""
        device = next(self._model.parameters()).device  # type: ignore[attr-defined] # it is a Module
        labels, lengths = (torch.from_numpy(a).to(device) for a in self._tree.links.sequences(states))
        with torch.no_grad():
            bias = self._bias(labels.new_zeros(1, 0), lengths.new_zeros(1))
            parts = zip(labels.split(AT_ONCE), lengths.split(AT_ONCE), strict=True)
            context = torch.cat([self._model.last_context_logits(*part) for part in parts])
            logits = self._scale * context.float() + bias
            logits[:, BLANK] = -torch.inf
            found = logits.log_softmax(1)
            found[:, BLANK] = 0.0
        rows: Singles = found.cpu().numpy()
        return rows

    def ends(self, states: Ints) -> Floats:
        """Zeros: the context says nothing of where a sequence ends."""
        return np.zeros(len(states))

    def _bias(self, nothing: Int[Tensor, "1 labels"], length: Int[Tensor, "1"]) -> Float[Tensor, "1 vocab"]:
        """The classifier's: by it the two ways to ask for the empty history's row differ."""
        with_bias = self._model.context_logits(nothing, length)[:, 0]
        return with_bias.float() - self._model.last_context_logits(nothing, length).float()


def build(config: InternalConfig, *, vocabulary: Vocabulary, model: Any, text: TrainText) -> InternalScorer:
    """The internal language model of the recogniser that is decoded.

    Raises:
        UserError: it is a model without context.
    """
    if model.context_free:
        what = "`internal` is the language model in a recogniser's context, and this recogniser has none"
        raise UserError("decode.fusion", what, "leave it out")
    return InternalScorer(model, len(vocabulary), 1.0 if config.scale is None else config.scale)
