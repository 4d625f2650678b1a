"""The search of one clip whose chunks come one after another: what `search_acoustic` finds of the whole."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from signkit.decode.beam import advanced
from signkit.decode.checks import searchable
from signkit.decode.configs import LatticeConfig
from signkit.decode.context_logits import ConstantContextLogits, ContextLogits, Distributions
from signkit.decode.contextual import ContextDistributions
from signkit.decode.fusion import Fusion
from signkit.decode.greedy import Greedy, first_paths
from signkit.decode.history import NO_ENTRY, Ints, Links, PrefixTree
from signkit.decode.lattice import Weighted, decoder_context, external_faults, forget_states
from signkit.decode.rescore import rescore
from signkit.decode.scorer import Fused
from signkit.decode.shared import SharedDistributions
from signkit.decode.state import Candidate, Search, candidates, first_beam, with_ends
from signkit.errors import UserError

BLANK, MAX_SYMBOLS = 0, 4
ONLY = np.zeros(1, dtype=np.int64)
"""The one utterance."""
ROOM = 4096
"""Histories that are remembered before those that have left the beam are dropped."""


class LiveSearch:
    """Greedy or beam search that is given a clip's acoustic logits as they come.

    Args:
        model: a `Recogniser`.
        bias: of its output layer.
        fusion, rescorers: external models, of this search alone as long as it runs.
        stable_after: tokens that the best hypothesis emitted so many chunks ago or earlier no longer change:
            hypotheses without them are dropped. None: none is dropped, and the result is that of the clip.

    Attributes:
        settled: how many tokens of the best hypothesis can no longer change; in greedy search none can.

    Raises:
        UserError: `decode.only` is `one`, which is of whole clips.
    """

    def __init__(
        self,
        model: Any,
        bias: Float[Tensor, " vocab"],
        config: LatticeConfig,
        *,
        fusion: Sequence[Fused] = (),
        rescorers: Sequence[Weighted] = (),
        stable_after: int | None = None,
    ) -> None:
        if config.is_single:
            raise UserError("decode.only", "`one` is the sign of a whole clip, and has no stream", "`any`")
        self._config, self._rescorers, self._stable_after = config, rescorers, stable_after
        self._has_external = bool(fusion or rescorers)
        forget_states(fusion)
        self._context: ContextLogits = decoder_context(model, bias)
        self._chunks = self.settled = 0
        self._room = ROOM
        tree, emissions, width = PrefixTree(len(bias)), Links(), config.beam
        self._tree = tree
        self._contextual: ContextDistributions | None = None
        if not isinstance(self._context, ConstantContextLogits):
            nothing = searchable(bias.detach().new_empty(1, 0, len(bias)))
            self._contextual = ContextDistributions(
                nothing, self._context, tree, scale=config.context_scale, room=4 * width
            )
        self._greedy = Greedy(tree, emissions, first_paths(1), model.topology, BLANK, MAX_SYMBOLS)
        self._beam = first_beam(1, width)
        self._topology = model.topology
        self._search = Search(
            tree=tree,
            emissions=emissions,
            fusion=Fusion(fusion, tree, vocab=len(bias), blank=BLANK),
            top_k=config.top_k,
            threshold=config.beam_threshold,
            length_reward=config.length_reward,
            blank=BLANK,
            max_symbols=MAX_SYMBOLS,
        )

    def push(self, acoustic: Float[Tensor, "chunks vocab"]) -> None:
        """Go on by some chunks.

        Args:
            acoustic: their logits, with the output layer's bias, before `decode.acoustic_scale`.
        """
        with torch.no_grad(), external_faults(self._has_external):
            distributions = self._distributions(acoustic[None])
            for place in range(len(acoustic)):
                if self._config.beam == 1:
                    self._greedy.advance(distributions, ONLY, place, self._chunks)
                    self.settled = int(self._tree.links.depth[self._greedy.paths.node[0]])
                else:
                    scores = partial(distributions.scores, ONLY, place)
                    self._beam = advanced(self._search, self._beam, scores, self._chunks, self._topology)
                    self._settle()
                self._chunks += 1
            if self._config.beam > 1 and self._tree.links.size > self._room:
                self._forget()

    def best(self) -> Candidate:
        """The best hypothesis so far, without scores for its end."""
        if self._config.beam == 1:
            return self._greedy.candidates()[0][0]
        return candidates(self._tree, self._search.emissions, self._beam, 1)[0][0]

    def finish(self) -> list[Candidate]:
        """The beam at the end of the clip, best first; a single path of greedy search."""
        if self._config.beam == 1:
            return self._greedy.candidates()[0]
        with torch.no_grad(), external_faults(self._has_external):
            last = with_ends(self._search, self._beam)
            found = candidates(self._tree, self._search.emissions, last, self._config.beam)
            return rescore(found, self._rescorers)[0]

    def _distributions(self, acoustic: Float[Tensor, "1 chunks vocab"]) -> Distributions:
        config = self._config
        if config.acoustic_scale != 1:
            acoustic = acoustic * config.acoustic_scale
        acoustic = searchable(acoustic)
        if self._contextual is not None:
            self._contextual.show(acoustic)
            return self._contextual
        assert isinstance(self._context, ConstantContextLogits)
        return SharedDistributions(
            acoustic,
            np.array([acoustic.shape[1]]),
            self._context,
            scale=config.context_scale,
            top_k=0 if config.beam == 1 else config.top_k,
            blank=BLANK,
        )

    def _forget(self) -> None:
        """Drop the histories that have left the beam; those in it stay, with their beginnings."""
        beam = self._beam
        new = self._search.fusion.keep(beam.node[0])
        if self._contextual is not None:
            self._contextual.renumber(new)
        times = self._search.emissions.keep(np.concatenate([beam.blank_times[0], beam.label_times[0]]))
        self._beam = replace(
            beam,
            node=new[beam.node],
            blank_times=times[beam.blank_times],
            label_times=times[beam.label_times],
        )
        self._room = max(ROOM, 2 * self._tree.links.size)

    def _settle(self) -> None:
        """Settle what the best hypothesis emitted long ago, and drop the hypotheses without it."""
        if self._stable_after is None or self._beam.node[0, 0] == NO_ENTRY:
            return
        emitted = self._search.emissions.sequences(self._beam.times[:, 0])[0][0]
        old = int((emitted <= self._chunks - self._stable_after).sum())
        if old <= self.settled:
            return
        self.settled = old
        nodes: Ints = self._beam.node[0]
        tokens, lengths = self._tree.links.sequences(nodes)
        agrees = (lengths >= old) & (tokens[:, :old] == tokens[0, :old]).all(1)
        self._beam = replace(
            self._beam,
            node=np.where(agrees, nodes, NO_ENTRY)[None],
            blank=np.where(agrees, self._beam.blank, -np.inf),
            label=np.where(agrees, self._beam.label, -np.inf),
        )
