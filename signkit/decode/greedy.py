"""Greedy search: the best symbol of each chunk, given the history so far."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from signkit.decode.checks import Lengths, Logits, as_tensors, check_inputs, searchable
from signkit.decode.context_logits import ConstantContextLogits, ContextLogits, Distributions, Floats
from signkit.decode.contextual import ContextDistributions
from signkit.decode.history import NO_ENTRY, ROOT, Ints, Links, PrefixTree
from signkit.decode.shared import SharedDistributions
from signkit.decode.state import Beam, Candidate, candidates


@dataclass(frozen=True, slots=True)
class Paths:
    """One path an utterance, all arrays [batch]; updated in place.

    Attributes:
        node: the history in the prefix tree.
        times: entry of the chunks at which its labels were emitted.
        standing: the last symbol if it was a label, which repeats without a new token; -1 after a blank.
        score: log probability of the path.
        sure: for each step in which labels were emitted, the utterances and the probabilities of the labels.
    """

    node: Ints
    times: Ints
    standing: Ints
    score: Floats
    sure: list[tuple[Ints, Floats]]


def first_paths(batch: int) -> Paths:
    """The paths before the first chunk."""
    empty = np.full(batch, ROOT, dtype=np.int64)
    return Paths(empty, empty.copy(), np.full_like(empty, -1), np.zeros(batch), [])


def greedy_search(
    acoustic: Logits,
    lengths: Lengths,
    context: ContextLogits | None = None,
    *,
    topology: str = "ctc",
    context_scale: float = 1.0,
    blank: int = 0,
    max_symbols: int = 4,
) -> list[list[Candidate]]:
    """Greedy search: follow the best symbol of each chunk.

    Of equal symbols the lowest is taken. In ``ctc`` a label that equals the symbol of the chunk before is a
    repetition, not a new token. In ``rnnt`` a chunk emits labels until its blank, which is forced after
    ``max_symbols`` of them. Arguments and errors as for `beam_search`.

    Returns:
        For each utterance a list of one candidate. Its score is the log probability of that single path, and
        the confidence of a token its probability where it was emitted.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[0.0, 4.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 4.0]]])
        >>> ((best,),) = greedy_search(logits, torch.tensor([3]))
        >>> best.tokens, best.chunks, [round(p, 2) for p in best.confidences]
        ((1, 2), (0, 2), [0.96, 0.96])
    """
    acoustic, lengths, context = as_tensors(acoustic, lengths, context)
    check_inputs(
        acoustic, lengths, topology=topology, blank=blank, max_symbols=max_symbols, scale=context_scale
    )
    batch, _, vocab = acoustic.shape
    left = lengths.cpu().numpy()
    with torch.no_grad():
        acoustic = searchable(acoustic)
        tree, emissions = PrefixTree(vocab), Links()
        distributions: Distributions
        if isinstance(context, ConstantContextLogits):
            distributions = SharedDistributions(
                acoustic, left, context, scale=context_scale, top_k=0, blank=blank
            )
        else:
            distributions = ContextDistributions(acoustic, context, tree, scale=context_scale, room=4 * batch)
        paths = first_paths(batch)
        search = Greedy(tree, emissions, paths, topology, blank, max_symbols)
        for chunk in range(int(left.max(initial=0))):
            search.advance(distributions, np.flatnonzero(left > chunk), chunk, chunk)
        return search.candidates()


@dataclass(frozen=True, slots=True)
class Greedy:
    """Greedy search between chunks."""

    tree: PrefixTree
    emissions: Links
    paths: Paths
    topology: str
    blank: int
    max_symbols: int

    def advance(self, distributions: Distributions, going: Ints, place: int, chunk: int) -> None:
        """Go on by the chunk at ``place`` of the distributions, of the utterances ``going``.

        Args:
            chunk: its number in the clip.
        """
        paths = self.paths
        if self.topology == "rnnt":
            for symbols in range(self.max_symbols + 1):
                if not len(going):
                    break
                forced = self.blank if symbols == self.max_symbols else None
                symbol, log_p = _best(distributions, paths, going, place, forced)
                new = symbol != self.blank
                going = going[new]
                self._emit(going, symbol[new], log_p[new], chunk)
            return
        symbol, log_p = _best(distributions, paths, going, place, None)
        new = (symbol != self.blank) & (symbol != paths.standing[going])
        self._emit(going[new], symbol[new], log_p[new], chunk)
        if self.topology == "ctc":
            paths.standing[going] = np.where(symbol == self.blank, -1, symbol)

    def candidates(self) -> list[list[Candidate]]:
        """One for each utterance, with the probabilities of its tokens."""
        paths = self.paths
        node = np.where(paths.score == -np.inf, NO_ENTRY, paths.node)[:, None]
        score, times = paths.score[:, None], paths.times[:, None]
        beam = Beam(node, score, np.full_like(score, -np.inf), times, times)
        return _with_confidences(candidates(self.tree, self.emissions, beam, 1), paths)

    def _emit(self, which: Ints, tokens: Ints, log_p: Floats, chunk: int) -> None:
        paths = self.paths
        paths.node[which] = self.tree.children(paths.node[which], tokens)
        paths.times[which] = self.emissions.append(paths.times[which], chunk)
        paths.sure.append((which, np.exp(log_p)))


def _best(
    distributions: Distributions, paths: Paths, going: Ints, chunk: int, forced: int | None
) -> tuple[Ints, Floats]:
    """The best symbol [n] of the utterances ``going`` [n], or the forced one, and its log P, which is added
    to their scores."""
    scores = distributions.scores(going, chunk, paths.node[going][:, None])
    symbol = scores.best() if forced is None else np.full_like(going, forced)
    log_p = scores.at(np.zeros_like(symbol)[:, None], symbol[:, None])[:, 0]
    paths.score[going] += log_p
    return symbol, log_p


def _with_confidences(candidate_lists: list[list[Candidate]], paths: Paths) -> list[list[Candidate]]:
    """The candidates with the probabilities of their tokens; an impossible path has no tokens any more."""
    # ``sure`` lists emissions step by step; a stable sort by utterance makes one run of each, in time order.
    which = np.concatenate([np.zeros(0, dtype=np.int64), *(utterances for utterances, _ in paths.sure)])
    sure = np.concatenate([np.zeros(0), *(step for _, step in paths.sure)])
    ends = np.cumsum(np.bincount(which, minlength=len(candidate_lists)))
    each = np.split(sure[np.argsort(which, kind="stable")], ends)[: len(candidate_lists)]
    return [
        [replace(c, confidences=tuple(own.tolist()[: len(c.tokens)]))]
        for [c], own in zip(candidate_lists, each, strict=True)
    ]
