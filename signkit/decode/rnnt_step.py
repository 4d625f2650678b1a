"""One chunk of the transducer's lattice: some labels, then a blank (Graves 2012, section 2.4).

With alpha(h) the score of history h before the chunk, alpha'(h) after it, and f_m(h) that of the paths that
have emitted m labels on this chunk and arrived at h:

    f_0(h) = alpha(h),    f_{m+1}(h y) = f_m(h) P(y | h),    alpha'(h) = sum_m f_m(h) P(blank | h)
"""

from collections.abc import Callable

import numpy as np

from signkit.decode.context_logits import ChunkScores, Floats
from signkit.decode.history import NO_ENTRY, Ints
from signkit.decode.state import Beam, Search, best, with_bonus, within_threshold


def rnnt_step(search: Search, beam: Beam, scores_of: Callable[[Ints], ChunkScores], chunk: int) -> Beam:
    """The beam after one more chunk of at most ``search.max_symbols`` labels and a blank.

    ``scores_of`` gives the chunk's distributions after the histories of a beam.
    """
    width = beam.node.shape[1]
    blanks = np.full((len(beam.node), width), search.blank)
    slots = np.tile(np.arange(width), (len(beam.node), 1))
    ended: Beam | None = None  # histories that have emitted their blank, with any number of labels before it
    for symbols in range(search.max_symbols + 1):
        scores = scores_of(beam.node)
        closed = _beam(beam.node, beam.blank + scores.at(slots, blanks), beam.blank_times)
        ended = closed if ended is None else _merge(ended, closed)
        if symbols < search.max_symbols:
            beam = _emit(search, beam, scores, chunk)
    assert ended is not None
    chosen = best(ended.blank, width)
    rows = np.arange(len(chosen))[:, None]
    score = within_threshold(search, ended.blank[rows, chosen])
    node = np.where(score > -np.inf, ended.node[rows, chosen], NO_ENTRY)
    return _beam(node, score, ended.blank_times[rows, chosen])


def _beam(node: Ints, score: Floats, times: Ints) -> Beam:
    return Beam(node, score, np.full_like(score, -np.inf), times, times)


def _emit(search: Search, beam: Beam, scores: ChunkScores, chunk: int) -> Beam:
    """The best histories one gloss longer. Each has a single parent, so none occurs twice."""
    width = beam.node.shape[1]
    tokens = scores.likely(beam.blank, search.top_k, search.blank)
    log_p = with_bonus(search, scores.of(tokens), beam.node[:, :, None], tokens[:, None])
    log_p[np.broadcast_to((tokens == search.blank)[:, None], log_p.shape)] = -np.inf
    value = (beam.blank[:, :, None] + log_p).reshape(len(tokens), -1)
    chosen = best(value, width)
    rows = np.arange(len(chosen))[:, None]
    slot, place = chosen // tokens.shape[1], chosen % tokens.shape[1]
    score = within_threshold(search, value[rows, chosen])
    alive = score > -np.inf
    node = np.full_like(beam.node, NO_ENTRY)
    node[alive] = search.tree.children(beam.node[rows, slot][alive], tokens[rows, place][alive])
    times = np.zeros_like(node)
    times[alive] = search.emissions.append(beam.blank_times[rows, slot][alive], chunk)
    return _beam(node, score, times)


def _merge(ended: Beam, more: Beam) -> Beam:
    """Both beams side by side; scores of histories that are in both are added up in the first."""
    # [batch, slot of `more`, slot of `ended`]; empty slots are all the same node and must not match
    match = (more.node[:, :, None] == ended.node[:, None, :]) & (more.node != NO_ENTRY)[:, :, None]
    batch, slot = np.nonzero(match.any(axis=2))
    place = match.argmax(axis=2)[batch, slot]
    score, times = ended.blank.copy(), ended.blank_times.copy()
    better = more.blank[batch, slot] > score[batch, place]
    times[batch[better], place[better]] = more.blank_times[batch[better], slot[better]]
    score[batch, place] = np.logaddexp(score[batch, place], more.blank[batch, slot])
    node_left, score_left = more.node.copy(), more.blank.copy()
    node_left[batch, slot], score_left[batch, slot] = NO_ENTRY, -np.inf
    return _beam(
        np.concatenate([ended.node, node_left], axis=1),
        np.concatenate([score, score_left], axis=1),
        np.concatenate([times, more.blank_times], axis=1),
    )
