"""A causal neural language model in the search: a run of `signkit lm train`."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from signkit.decode.context_logits import Floats
from signkit.decode.external.build import TrainText
from signkit.decode.external.configs import NeuralConfig
from signkit.decode.external.trained import TrainedLanguageModel, load_run
from signkit.decode.history import NO_ENTRY, ROOT, Ints, PrefixTree
from signkit.decode.lattice import MAX_STATES
from signkit.decode.scorer import Singles
from signkit.errors import UserError
from signkit.models.context.protocol import START, Stepping
from signkit.text.vocabulary import Vocabulary

MAX_CACHED_NUMBERS = 50_000_000
"""Capacity of the cache, in numbers. When it is full, it is emptied, and what is needed again is computed
again."""
BATCH = 1024
"""Histories that are read in one pass; fewer if their past takes more than `MAX_PAST_NUMBERS`."""
MAX_PAST_NUMBERS = 32_000_000


class NeuralScorer:
    """A `Scorer` of a causal model. A state is a history, a node of a prefix tree.

    All states of a call that are not cached are computed together. If the model's reader is incremental
    (`signkit.models.context.protocol.Stepping`), a history is computed from the cached past of its prefix and
    its last symbol; otherwise from its start. Tokens that the model lacks are mapped to its unknown token, so
    histories that differ in such tokens only are one state.

    Args:
        trained: the language model.
        vocabulary: the recogniser's.
        device: where the language model is moved to.
    """

    start = ROOT

    def __init__(
        self, trained: TrainedLanguageModel, vocabulary: Vocabulary, device: torch.device | str = "cpu"
    ) -> None:
        self._number = trained.token_numbers(vocabulary)
        self._model = trained.model.to(device).eval()
        self._device = device
        self._vocab = len(trained.vocabulary)
        reader = self._model.context.reader
        self._reader: Stepping | None = reader if isinstance(reader, Stepping) else None
        self._rows: Singles = np.empty((0, len(self._number)), dtype=np.float32)
        weight: Tensor = next(self._model.parameters())
        self._cache = weight.new_zeros(
            1, self._reader.cache_width if self._reader else 0
        )  # first the past of nothing, zeros
        self._begin()

    def _begin(self) -> None:
        """Reset to the empty history."""
        self._tree, self._used = PrefixTree(self._vocab), 0
        self._slot: Ints = np.full(1024, -1, dtype=np.int64)

    def forget(self) -> None:
        """Drop all states if there are many; see `signkit.decode.lattice.ForgetsStates`."""
        if self._tree.links.size > MAX_STATES:
            self._begin()

    def advance(self, states: Ints, tokens: Ints) -> Ints:
        """The states [n] of the histories ``states`` [n] followed by ``tokens`` [n]."""
        return self._tree.children(states, self._number[tokens])

    def rows(self, states: Ints) -> Singles:
        """log P [n, vocab] of every next token; the blank's column holds that of the sentence's end."""
        slots = self._slots(states)
        return self._rows[slots]

    def ends(self, states: Ints) -> Floats:
        """log P [n] that the sentence ends."""
        slots = self._slots(states)
        log: Floats = self._rows[slots, 0].astype(np.float64)
        return log

    def _slots(self, states: Ints) -> Ints:
        """The cache slots [n] of states, after the missing ones have been computed."""
        if len(self._slot) < self._tree.links.size:
            more = np.full(2 * self._tree.links.size - len(self._slot), -1, dtype=np.int64)
            self._slot = np.concatenate([self._slot, more])
        if waves := self._waves(states):
            each = len(self._number) + self._cache.shape[1]
            if (self._used + sum(map(len, waves))) * each > MAX_CACHED_NUMBERS and self._used:
                # Without any cached prefix the histories need more waves, so these are found again.
                self._slot[:] = -1
                self._used = 0
                waves = self._waves(states)
            for wave in waves:
                self._compute(wave[self._slot[wave] < 0])
        return self._slot[states]

    def _waves(self, states: Ints) -> list[Ints]:
        """The histories to compute, in groups: with an incremental reader, prefixes come before the histories
        that continue them."""
        waves: list[Ints] = []
        new = np.unique(states[self._slot[states] < 0])
        while len(new):
            waves.append(new)
            if self._reader is None:
                break
            before = np.maximum(self._tree.links.before[new], NO_ENTRY)
            new = np.unique(before[(before != NO_ENTRY) & (self._slot[before] < 0)])
        return waves[::-1]

    def _compute(self, new: Ints) -> None:
        """Compute and cache the rows of histories whose prefixes are cached already."""
        end = self._used + len(new)
        if end > len(self._rows):
            size = max(end, 2 * len(self._rows))
            larger = np.empty((size, len(self._number)), dtype=np.float32)
            larger[: self._used] = self._rows[: self._used]
            self._rows = larger
            larger_cache = self._cache.new_zeros(size + 1, self._cache.shape[1])
            larger_cache[: self._used + 1] = self._cache[: self._used + 1]
            self._cache = larger_cache
        depth = self._tree.links.depth[new]
        by_length = new[np.argsort(depth, kind="stable")]  # so that there is little padding
        looked_at = self._cache.shape[1] * (int(depth.max(initial=0)) if self._looks_back else 1)
        at_once = min(BATCH, max(1, MAX_PAST_NUMBERS // max(1, looked_at)))
        for start in range(0, len(new), at_once):
            some = by_length[start : start + at_once]
            at = self._used + start
            self._rows[at : at + len(some)] = self._read(some, at)
        self._slot[by_length] = np.arange(self._used, end)
        self._used = end

    @property
    def _looks_back(self) -> bool:
        return self._reader is not None and self._reader.looks_back

    def _read(self, states: Ints, at: int) -> Singles:
        """The rows of histories; the reader's past of each is cached from slot ``at`` on."""
        links = self._tree.links
        with torch.inference_mode():
            if self._reader is None:
                log = self._model.log_next(*self._here(*links.sequences(states)))
            else:
                last = np.maximum(links.value[states], START)
                symbols, lengths = self._here(last, links.depth[states])
                log, cached = self._model.log_step(symbols, self._past(states), lengths)
                self._cache[at + 1 : at + 1 + len(cached)] = cached
            rows: Singles = log.cpu().numpy()
        return rows[:, self._number]

    def _past(self, states: Ints) -> Float[Tensor, "histories before cached"]:
        """The cached past of each history: of all symbols but its last, the newest last.

        The prefix tree links each history to the one that is a symbol shorter, so the past is gathered by
        following these links. Cache row 0 is all zeros: it pads shorter histories on the left.
        """
        links = self._tree.links
        before, places = states, []
        for _ in range(int(links.depth[states].max()) if self._looks_back else 1):
            before = np.maximum(links.before[before], NO_ENTRY)
            places.append(self._slot[before] + 1)  # `NO_ENTRY` has slot -1, hence row 0
        stacked = np.stack(places[::-1], axis=1) if places else np.zeros((len(states), 0), dtype=np.int64)
        (index,) = self._here(stacked)
        return self._cache[index]

    def _here(self, *arrays: Ints) -> list[Tensor]:
        return [torch.from_numpy(array).to(self._device) for array in arrays]


def build(config: NeuralConfig, *, vocabulary: Vocabulary, model: Any, text: TrainText) -> NeuralScorer:
    """A scorer with the model of a run, on the recogniser's device.

    Raises:
        UserError: the run has no causal language model, it is of another unit, or it shares almost nothing
            with the vocabulary.
    """
    trained = load_run(config.run)
    if not trained.predicts_end:
        what = "is a masked language model, which does not predict the next token"
        raise UserError(config.run, what, "put it under decode.rescore as `name: masked`")
    return NeuralScorer(trained, vocabulary, device_of(model))


def device_of(model: Any) -> torch.device | str:
    """The device of a model's weights; the CPU if it has none."""
    weights: Iterable[Tensor] = model.parameters() if isinstance(model, nn.Module) else ()
    return next((weight.device for weight in weights), "cpu")
