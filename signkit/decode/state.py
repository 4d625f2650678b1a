"""The state of a beam search between chunks, and how candidates are read from it."""

from dataclasses import dataclass, field, fields, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from signkit.decode.context_logits import Floats
from signkit.decode.fusion import Fusion
from signkit.decode.history import NO_ENTRY, ROOT, Ints, Links, PrefixTree
from signkit.decode.select import largest, pick


@dataclass(frozen=True, slots=True)
class Candidate:
    """One decoded sequence.

    Attributes:
        tokens: glosses, without blanks.
        score: log probability of all its paths that stayed in the beam, plus the length reward and the
            weighted scores of the scorers, including those of the end.
        chunks: the chunk at which each token was first emitted on the best path.
        confidences: confidence of each token, from 0 to 1 (`signkit.decode.confidence`); empty if they were
            not computed, and of all but the first candidate of an n-best list.
        reading: of a source with several readings, the one that makes this sequence most probable.
        attention: of an attention decoder's first candidate: the share of each chunk in each token, [tokens,
            chunks].
    """

    tokens: tuple[int, ...]
    score: float
    chunks: tuple[int, ...]
    confidences: tuple[float, ...] = ()
    reading: int = 0
    attention: npt.NDArray[np.float16] | None = field(default=None, compare=False, repr=False)


NO_CANDIDATE = Candidate((), -float("inf"), ())
"""The result for an utterance of which no sequence is possible."""


@dataclass(frozen=True, slots=True)
class Beam:
    """The best histories of some utterances; arrays [batch, beam], best first, no history twice.

    In CTC the paths of a history are kept in two groups, by whether they end in a blank, because only after a
    blank can the last label be emitted again.

    Attributes:
        node: the history in the prefix tree; `NO_ENTRY` in an empty slot.
        blank: log score of the paths that end in a blank; of all paths in ``rnnt``.
        label: log score of the paths that end in the history's last label.
        blank_times: entry of `Search.emissions` with the emission times of the best path of `blank`.
        label_times: the same for the best path of `label`.
    """

    node: Ints
    blank: Floats
    label: Floats
    blank_times: Ints
    label_times: Ints

    def utterances(self, start: int, end: int) -> "Beam":
        """The beams of the utterances from ``start`` to ``end``."""
        return Beam(*(getattr(self, f.name)[start:end] for f in fields(self)))

    @property
    def total(self) -> Floats:
        """Log score of each history."""
        return np.logaddexp(self.blank, self.label)

    @property
    def times(self) -> Ints:
        """Emission times of the better of the two groups of paths."""
        return np.where(self.label > self.blank, self.label_times, self.blank_times)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What all chunks of one search share: histories, emission times, scorers and options.

    `tree` merges equal histories. `emissions` is the same structure without merging: its entries are the
    chunks at which the tokens of a path were emitted.
    """

    tree: PrefixTree
    emissions: Links
    fusion: Fusion
    top_k: int
    threshold: float
    length_reward: float
    blank: int
    max_symbols: int


def first_beam(batch: int, beam: int) -> Beam:
    """The beam before the first chunk: the empty history with probability one."""
    node = np.full((batch, beam), NO_ENTRY, dtype=np.int64)
    score = np.full((batch, beam), -np.inf)
    node[:, 0], score[:, 0] = ROOT, 0.0
    times = np.full((batch, beam), ROOT, dtype=np.int64)
    return Beam(node, score, np.full_like(score, -np.inf), times, times)


def with_bonus(search: Search, log_p: Floats, nodes: Ints, tokens: Ints) -> Floats:
    """log P of new glosses plus the length reward and the scores of the scorers.

    ``nodes`` and ``tokens`` are the histories and the glosses that follow them; they broadcast.
    """
    earned = log_p + search.length_reward
    return earned + search.fusion.after(nodes, tokens) if search.fusion else earned


def within_threshold(search: Search, scores: Floats) -> Floats:
    """The scores [batch, beam]; -inf for those further than the threshold below their utterance's best."""
    if not search.threshold:
        return scores
    return np.where(scores >= scores.max(axis=1, keepdims=True) - search.threshold, scores, -np.inf)


def with_ends(search: Search, beam: Beam) -> Beam:
    """The last beam with the scorers' scores for ending added, sorted again."""
    if not search.fusion:
        return beam
    ends = search.fusion.ends(beam.node)
    ended = replace(beam, blank=beam.blank + ends, label=beam.label + ends)
    order = np.argsort(-ended.total, axis=1, kind="stable")
    ended = Beam(*(np.take_along_axis(getattr(ended, f.name), order, axis=1) for f in fields(Beam)))
    return replace(ended, node=np.where(ended.total > -np.inf, ended.node, NO_ENTRY))


def join_beams(beams: list[Beam]) -> Beam:
    """Concatenate the beams of several groups of utterances."""
    return Beam(*(np.concatenate([getattr(beam, f.name) for beam in beams]) for f in fields(Beam)))


def best(scores: Floats, count: int) -> Ints:
    """Indices of the ``count`` largest entries of each row of ``scores`` [rows, n], best first.

    Of equal entries the first is taken, and comes first.
    """
    chosen = largest(scores, count)
    return pick(chosen, np.argsort(-pick(scores, chosen), axis=1, kind="stable"))


def candidates(tree: PrefixTree, emissions: Links, beam: Beam, nbest: int) -> list[list[Candidate]]:
    """The ``nbest`` best candidates of each utterance; `NO_CANDIDATE` alone if none is possible."""
    alive = beam.node[:, :nbest] != NO_ENTRY
    nodes, times = beam.node[:, :nbest][alive], beam.times[:, :nbest][alive]
    scores = beam.total[:, :nbest][alive].tolist()
    labels, lengths = (a.tolist() for a in tree.links.sequences(nodes))
    chunks = emissions.sequences(times)[0].tolist()
    read = [
        Candidate(tuple(label[:length]), score, tuple(chunk[:length]))
        for label, length, score, chunk in zip(labels, lengths, scores, chunks, strict=True)
    ]
    ends = [0, *np.cumsum(alive.sum(axis=1)).tolist()]
    return [read[start:end] or [NO_CANDIDATE] for start, end in pairwise(ends)]
