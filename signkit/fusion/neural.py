"""A causal neural language model beside a recogniser: a run of `signkit lm train`."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from signkit.decode.history import EMPTY, Ints, PrefixTree
from signkit.decode.rows import Floats
from signkit.decode.scorer import Singles
from signkit.errors import UserError
from signkit.fusion.build import TrainText
from signkit.fusion.configs import NeuralConfig
from signkit.fusion.trained import Trained, load_run
from signkit.recognise import MANY
from signkit.text import Vocabulary

ROOM = 50_000_000
"""Numbers kept; beyond them, those of earlier calls are forgotten, and computed anew when asked for."""
AT_ONCE = 1024
"""Histories that are read in one pass."""


class NeuralScorer:
    """A `Scorer` of a causal model. A state is a history in a prefix tree of its own.

    All states of a call whose rows are not there yet are read together. Tokens that the model lacks are its
    unknown token, so histories that differ in these alone are one.

    Args:
        trained: the model.
        vocabulary: the recogniser's.
        device: where the model computes.
    """

    start = EMPTY

    def __init__(self, trained: Trained, vocabulary: Vocabulary, device: torch.device | str = "cpu") -> None:
        self._number = trained.numbers_of(vocabulary)
        self._model = trained.model.to(device).eval()
        self._device = device
        self._vocab = len(trained.vocabulary)
        self._rows: Singles = np.empty((0, len(self._number)), dtype=np.float32)
        self._begin()

    def _begin(self) -> None:
        """With the empty history alone."""
        self._tree, self._used = PrefixTree(self._vocab), 0
        self._slot: Ints = np.full(1024, -1, dtype=np.int64)

    def forget(self) -> None:
        """Forget all states if there are many; see `Growing`."""
        if self._tree.links.size > MANY:
            self._begin()

    def advance(self, states: Ints, tokens: Ints) -> Ints:
        """The histories ``states`` followed by ``tokens``."""
        return self._tree.children(states, self._number[tokens])

    def rows(self, states: Ints) -> Singles:
        """log P of every next token; the blank's column holds that of the end."""
        slots = self._slots(states)
        return self._rows[slots]

    def ends(self, states: Ints) -> Floats:
        """log P that the sentence ends."""
        slots = self._slots(states)
        found: Floats = self._rows[slots, 0].astype(np.float64)
        return found

    def _slots(self, states: Ints) -> Ints:
        """Where the rows of states lie, after those that were not there are computed."""
        if len(self._slot) < self._tree.links.size:
            more = np.full(2 * self._tree.links.size - len(self._slot), -1, dtype=np.int64)
            self._slot = np.concatenate([self._slot, more])
        new = np.unique(states[self._slot[states] < 0])
        if len(new):
            if (self._used + len(new)) * len(self._number) > ROOM and self._used:
                self._slot[:] = -1
                self._used = 0
                new = np.unique(states)
            self._keep(new)
        return self._slot[states]

    def _keep(self, new: Ints) -> None:
        end = self._used + len(new)
        if end > len(self._rows):
            larger = np.empty((max(end, 2 * len(self._rows)), len(self._number)), dtype=np.float32)
            larger[: self._used] = self._rows[: self._used]
            self._rows = larger
        by_length = new[np.argsort(self._tree.links.depth[new], kind="stable")]  # so that little is padding
        for start in range(0, len(new), AT_ONCE):
            some = by_length[start : start + AT_ONCE]
            at = self._used + start
            self._rows[at : at + len(some)] = self._computed(some)
        self._slot[by_length] = np.arange(self._used, end)
        self._used = end

    def _computed(self, states: Ints) -> Singles:
        tokens, lengths = (torch.from_numpy(a).to(self._device) for a in self._tree.links.sequences(states))
        with torch.inference_mode():
            log: Singles = self._model.log_next(tokens, lengths).cpu().numpy()
        return log[:, self._number]


def build(config: NeuralConfig, *, vocabulary: Vocabulary, model: Any, text: TrainText) -> NeuralScorer:
    """The model of the run, where the recogniser computes.

    Raises:
        UserError: the run is of no causal language model, of another unit, or shares next to nothing with
            the vocabulary.
    """
    trained = load_run(config.run)
    if not trained.predicts_end:
        what = "is a masked language model, which says nothing of what comes next"
        raise UserError(config.run, what, "put it under decode.rescore as `name: masked`")
    return NeuralScorer(trained, vocabulary, device_of(model))


def device_of(model: Any) -> torch.device | str:
    """Where a model's weights lie; the CPU where it has none."""
    weights: Iterable[Tensor] = model.parameters() if isinstance(model, nn.Module) else ()
    return next((weight.device for weight in weights), "cpu")
