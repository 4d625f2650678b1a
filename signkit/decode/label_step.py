"""One chunk of the lattices that emit at most one label a chunk: CTC's with context, and the monotonic one.

With a_blank(h) and a_label(h) the scores of the paths of history h that end in a blank and in its last label,
y, and P(. | h) the chunk's distribution after h (this project, docs/c2st.md):

    a_blank(h)  = (a_blank(h) + a_label(h)) P(blank | h)
    a_label(h)  = a_label(h) P(y | h) + (a_blank(g) + a_label(g) [y != last of g]) P(y | g),    h = g y

In the monotonic lattice a label cannot stay: the term a_label(h) P(y | h) is missing, and equal labels need
no blank between them.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signkit.decode.context_logits import ChunkScores, Floats
from signkit.decode.history import NO_ENTRY, Ints
from signkit.decode.select import pick, where
from signkit.decode.state import Beam, Search, best, with_bonus, within_threshold


@dataclass(frozen=True, slots=True)
class _Retained:
    """The histories already in the beam, one chunk later; arrays [batch, beam]."""

    blank: Floats
    label: Floats
    joined: npt.NDArray[np.bool_]  # the better paths come from the parent, which emitted the last label now
    parent_times: Ints  # emission times of those paths, without the last label


@dataclass(frozen=True, slots=True)
class _Family:
    """Which histories of a beam have their parent in the same beam; arrays [batch, beam]."""

    last: Ints  # last label; -1 of the empty history
    has_parent: npt.NDArray[np.bool_]
    parent: Ints  # slot of the parent; 0 where it is not in the beam


def label_step(search: Search, beam: Beam, scores: ChunkScores, chunk: int, *, stays: bool) -> Beam:
    """The beam after one more chunk; ``stays``: whether a label may go on in the next chunk, as in CTC."""
    total, times = beam.total, beam.times
    tokens = scores.likely(total, search.top_k, search.blank)
    family = _family(search, beam)
    retained = _retain(search, beam, scores, family, total, times, stays)
    new = _extend(search, beam, scores, family, total, tokens, stays)
    width, fan = beam.node.shape[1], tokens.shape[1]
    # All that compete for the next beam, in one row an utterance:
    #
    #     0 .. width-1                     the histories of the beam themselves
    #     width + slot * fan + place       the history in `slot`, extended by its token number `place`
    value = np.concatenate([np.logaddexp(retained.blank, retained.label), new.reshape(len(new), -1)], axis=1)
    chosen = best(value, width)
    is_new = chosen >= width
    slot = np.where(is_new, (chosen - width) // fan, chosen)
    token = pick(tokens, np.where(is_new, (chosen - width) % fan, 0))
    score = within_threshold(search, pick(value, chosen))

    # Only histories that survive become nodes of the tree.
    dropped = score == -np.inf
    before = pick(beam.node, slot)
    gone = is_new | dropped
    node = np.where(gone, NO_ENTRY, before)
    born = is_new & ~dropped
    node[born] = search.tree.children(before[born], token[born])
    # Emission times follow the best path. A label was emitted now if the history is new, or if the paths that
    # its parent brought are better than those that stayed.
    emitted = born | (~gone & pick(retained.joined, slot))
    own_times = pick(times, slot)
    from_times = np.where(
        is_new, _times(beam, family, slot, token, own_times, stays), pick(retained.parent_times, slot)
    )
    label_times = pick(beam.label_times, slot)
    label_times[emitted] = search.emissions.append(from_times[emitted], chunk)
    return Beam(
        node=node,
        blank=np.where(gone, -np.inf, pick(retained.blank, slot)),
        label=np.where(gone, score, pick(retained.label, slot)),
        blank_times=own_times,
        label_times=label_times,
    )


def _family(search: Search, beam: Beam) -> _Family:
    """Compare the parent of every history with every history: [batch, child, parent].

    Empty slots and the empty history have the parent -1, which equals no node.
    """
    links = search.tree.links
    match = links.before.take(beam.node)[:, :, None] == beam.node[:, None, :]
    return _Family(links.value.take(beam.node), match.any(axis=2), match.argmax(axis=2))


def _retain(
    search: Search,
    beam: Beam,
    scores: ChunkScores,
    family: _Family,
    total: Floats,
    times: Ints,
    stays: bool,
) -> _Retained:
    """The histories of the beam after a blank, after staying, and after their parent's extension."""
    batch, width = beam.node.shape
    last = np.maximum(family.last, 0)  # the empty history has no last label, and no paths that end in it
    # one look-up for all three kinds of arcs: columns [blank | stay | join], each as wide as the beam
    slots, symbols = np.empty((2, batch, 3 * width), dtype=np.int64)
    slots[:, :width] = slots[:, width : 2 * width] = np.arange(width)
    slots[:, 2 * width :] = family.parent
    symbols[:, :width] = search.blank
    symbols[:, width : 2 * width] = symbols[:, 2 * width :] = last
    log_p = scores.at(slots, symbols)
    p_blank, p_stay, p_join = log_p[:, :width], log_p[:, width : 2 * width], log_p[:, 2 * width :]
    source = pick(total, family.parent)
    if stays:  # a label that repeats the parent's last one extends only paths that end in a blank
        repeats = family.last == pick(family.last, family.parent)
        source = np.where(repeats, pick(beam.blank, family.parent), source)
    join = with_bonus(search, source + p_join, pick(beam.node, family.parent), last)
    join[~family.has_parent] = -np.inf
    stay = beam.label + p_stay if stays else np.full_like(join, -np.inf)
    return _Retained(
        blank=total + p_blank,
        label=np.logaddexp(stay, join),
        joined=join > stay,
        parent_times=_times(beam, family, family.parent, family.last, pick(times, family.parent), stays),
    )


def _extend(
    search: Search, beam: Beam, scores: ChunkScores, family: _Family, total: Floats, tokens: Ints, stays: bool
) -> Floats:
    """Scores [batch, beam, glosses] of histories one gloss longer; -inf for those already in the beam."""
    log_p = with_bonus(search, scores.of(tokens), beam.node[:, :, None], tokens[:, None])
    blank = tokens == search.blank
    if blank.any():
        log_p[np.broadcast_to(blank[:, None], log_p.shape)] = -np.inf
    new: Floats = total[:, :, None] + log_p
    if stays:  # as in _retain: a repeated label needs a blank before it
        batch, slot, place = where(tokens[:, None] == family.last[:, :, None])
        repeat = log_p[batch, slot if log_p.shape[1] > 1 else 0, place]
        new[batch, slot, place] = beam.blank[batch, slot] + repeat
    batch, child = where(family.has_parent)  # already in the beam; `_retain` has added these scores to them
    pair, place = where(tokens[batch] == family.last[batch, child][:, None])
    new[batch[pair], family.parent[batch, child][pair], place] = -np.inf
    return new


def _times(beam: Beam, family: _Family, slot: Ints, token: Ints, times: Ints, stays: bool) -> Ints:
    """Emission times of the best path that ``token`` can follow, of the histories in ``slot``.

    ``times`` are those of the best paths overall. In CTC a token that repeats the last label can only follow
    paths that end in a blank.
    """
    if not stays:
        return times
    return np.where(token == pick(family.last, slot), pick(beam.blank_times, slot), times)
