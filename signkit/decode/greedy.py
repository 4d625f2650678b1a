"""Greedy search: the best symbol of each chunk, given the history so far."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from signkit.decode.checks import check_inputs, chunk_logits, searchable
from signkit.decode.history import EMPTY, NOTHING, Ints, Links, PrefixTree
from signkit.decode.rows import ContextRows, Floats, Rows
from signkit.decode.state import Beam, Candidate, candidates


@dataclass(frozen=True, slots=True)
class _Paths:
    """One path an utterance, all arrays [batch]; written in place.

    ``standing`` is the label that the path's last symbol was, -1 after a blank.
    """

    node: Ints
    times: Ints
    standing: Ints
    score: Floats


def greedy_search(
    acoustic: Float[Tensor, "batch chunks vocab"],
    lengths: Int[Tensor, " batch"],
    rows: Rows,
    *,
    topology: str = "ctc",
    context_scale: float = 1.0,
    blank: int = 0,
    max_symbols: int = 4,
) -> list[list[Candidate]]:
    """The path of the best symbol of each chunk: one candidate an utterance, its score that one path's.

    Of equal symbols the lowest is taken. In ``ctc`` a symbol that repeats the last chunk's is a stay; in
    ``rnnt`` a chunk goes on until its blank, which is forced after ``max_symbols`` labels.

    Args and Raises: as in `beam_search`.
    """
    check_inputs(
        acoustic, lengths, topology=topology, blank=blank, max_symbols=max_symbols, scale=context_scale
    )
    batch, _, vocab = acoustic.shape
    left = lengths.cpu().numpy()
    with torch.no_grad():
        acoustic = searchable(acoustic)
        tree, emissions = PrefixTree(vocab), Links()
        context = ContextRows(rows, tree, acoustic, scale=context_scale, room=4 * batch)
        empty = np.full(batch, EMPTY, dtype=np.int64)
        paths = _Paths(empty, empty.copy(), np.full_like(empty, -1), np.zeros(batch))
        for chunk in range(int(left.max(initial=0))):
            going = np.flatnonzero(left > chunk)
            if topology == "rnnt":
                for symbols in range(max_symbols + 1):
                    if not len(going):
                        break
                    symbol = _best(
                        context, acoustic, paths, going, chunk, blank if symbols == max_symbols else None
                    )
                    going = going[symbol != blank]
                    _emit(tree, emissions, paths, going, symbol[symbol != blank], chunk)
            else:
                symbol = _best(context, acoustic, paths, going, chunk, None)
                new = (symbol != blank) & (symbol != paths.standing[going])
                _emit(tree, emissions, paths, going[new], symbol[new], chunk)
                if topology == "ctc":
                    paths.standing[going] = np.where(symbol == blank, -1, symbol)
        paths.node[paths.score == -np.inf] = NOTHING
        score, times = paths.score[:, None], paths.times[:, None]
        beam = Beam(paths.node[:, None], score, np.full_like(score, -np.inf), times, times)
        return candidates(tree, emissions, beam, 1)


def _best(
    context: ContextRows, acoustic: Tensor, paths: _Paths, going: Ints, chunk: int, forced: int | None
) -> Ints:
    """The best (or the forced) symbol [n] of the utterances ``going`` [n]; their scores take its log P."""
    scores = context.scores(chunk_logits(acoustic, going, chunk), paths.node[going][:, None])
    symbol: Ints = scores.logits[:, 0].cpu().numpy().argmax(axis=1)
    if forced is not None:
        symbol = np.full_like(symbol, forced)
    paths.score[going] += scores.at(np.zeros_like(symbol)[:, None], symbol[:, None])[:, 0]
    return symbol


def _emit(tree: PrefixTree, emissions: Links, paths: _Paths, which: Ints, tokens: Ints, chunk: int) -> None:
    paths.node[which] = tree.children(paths.node[which], tokens)
    paths.times[which] = emissions.append(paths.times[which], chunk)
