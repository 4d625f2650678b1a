"""A causal neural language model beside a recogniser: a run of `signkit lm train`."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from signkit.decode.context_logits import Floats
from signkit.decode.external.build import TrainText
from signkit.decode.external.configs import NeuralConfig
from signkit.decode.external.trained import Trained, load_run
from signkit.decode.history import NO_ENTRY, ROOT, Ints, PrefixTree
from signkit.decode.lattice import MANY
from signkit.decode.scorer import Singles
from signkit.errors import UserError
from signkit.models.context.protocol import START, Stepping
from signkit.text.vocabulary import Vocabulary

ROOM = 50_000_000
"""Numbers kept; beyond them, those of earlier calls are forgotten, and computed anew when asked for."""
AT_ONCE = 1024
"""Histories that are read in one pass, fewer where more than `PAST` numbers are looked back at."""
PAST = 32_000_000


class NeuralScorer:
    """A `Scorer` of a causal model. A state is a history in a prefix tree of its own.

    All states of a call whose rows are not there yet are read together. Where the model's reader can step,
    a history is its parent and one symbol: what the reader kept of each is carried on. Else it is read from
    its start. Tokens that the model lacks are its unknown token, so histories that differ in these alone are
    one.

    Args:
        trained: the model.
        vocabulary: the recogniser's.
        device: where the model computes.
    """

    start = ROOT

    def __init__(self, trained: Trained, vocabulary: Vocabulary, device: torch.device | str = "cpu") -> None:
        self._number = trained.numbers_of(vocabulary)
        self._model = trained.model.to(device).eval()
        self._device = device
        self._vocab = len(trained.vocabulary)
        reader = self._model.context.reader
        self._reader: Stepping | None = reader if isinstance(reader, Stepping) else None
        self._rows: Singles = np.empty((0, len(self._number)), dtype=np.float32)
        weight: Tensor = next(self._model.parameters())
        self._kept = weight.new_zeros(1, self._reader.kept if self._reader else 0)  # of nothing, then a slot
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
        if waves := self._waves(states):
            each = len(self._number) + self._kept.shape[1]
            if (self._used + sum(map(len, waves))) * each > ROOM and self._used:
                self._slot[:] = -1
                self._used = 0
                waves = self._waves(states)
            for wave in waves:
                self._keep(wave[self._slot[wave] < 0])
        return self._slot[states]

    def _waves(self, states: Ints) -> list[Ints]:
        """The histories that have no row yet; where they are stepped to, what they begin with comes first."""
        waves: list[Ints] = []
        new = np.unique(states[self._slot[states] < 0])
        while len(new):
            waves.append(new)
            if self._reader is None:
                break
            before = np.maximum(self._tree.links.before[new], NO_ENTRY)
            new = np.unique(before[(before != NO_ENTRY) & (self._slot[before] < 0)])
        return waves[::-1]

    def _keep(self, new: Ints) -> None:
        """Compute the rows of histories; those they begin with are there already."""
        end = self._used + len(new)
        if end > len(self._rows):
            size = max(end, 2 * len(self._rows))
            larger = np.empty((size, len(self._number)), dtype=np.float32)
            larger[: self._used] = self._rows[: self._used]
            self._rows = larger
            kept = self._kept.new_zeros(size + 1, self._kept.shape[1])
            kept[: self._used + 1] = self._kept[: self._used + 1]
            self._kept = kept
        depth = self._tree.links.depth[new]
        by_length = new[np.argsort(depth, kind="stable")]  # so that little is padding
        looked_at = self._kept.shape[1] * (int(depth.max(initial=0)) if self._looks_back else 1)
        at_once = min(AT_ONCE, max(1, PAST // max(1, looked_at)))
        for start in range(0, len(new), at_once):
            some = by_length[start : start + at_once]
            at = self._used + start
            self._rows[at : at + len(some)] = self._computed(some, at)
        self._slot[by_length] = np.arange(self._used, end)
        self._used = end

    @property
    def _looks_back(self) -> bool:
        return self._reader is not None and self._reader.looks_back

    def _computed(self, states: Ints, at: int) -> Singles:
        """The rows of histories; what the reader keeps of them is put from the place ``at`` on."""
        links = self._tree.links
        with torch.inference_mode():
            if self._reader is None:
                log = self._model.log_next(*self._here(*links.sequences(states)))
            else:
                last = np.maximum(links.value[states], START)
                symbols, lengths = self._here(last, links.depth[states])
                log, kept = self._model.log_step(symbols, self._past(states), lengths)
                self._kept[at + 1 : at + 1 + len(kept)] = kept
            found: Singles = log.cpu().numpy()
        return found[:, self._number]

    def _past(self, states: Ints) -> Float[Tensor, "histories before kept"]:
        """What the reader kept of the symbols before the last of each history, the newest last."""
        links = self._tree.links
        before, places = states, []
        for _ in range(int(links.depth[states].max()) if self._looks_back else 1):
            before = np.maximum(links.before[before], NO_ENTRY)
            places.append(self._slot[before] + 1)  # `NO_ENTRY` has no slot, and of it zeros are kept
        stacked = np.stack(places[::-1], axis=1) if places else np.zeros((len(states), 0), dtype=np.int64)
        (index,) = self._here(stacked)
        return self._kept[index]

    def _here(self, *arrays: Ints) -> list[Tensor]:
        return [torch.from_numpy(array).to(self._device) for array in arrays]


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
