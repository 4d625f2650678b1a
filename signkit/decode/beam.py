"""Beam search over histories, for CTC and for contextual transducers alike.

CTC is the special case in which the context logits are the same after every history
(`constant_context_logits`). The search advances chunk by chunk over a whole batch. Paths with equal histories
are merged (Hannun et al. 2014; Graves 2012). Context logits are computed once per history, for all new
histories of a step in one call.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch

from signkit.decode.checks import Lengths, Logits, as_tensors, check_inputs, searchable
from signkit.decode.confidence import confident
from signkit.decode.context_logits import ChunkScores, ConstantContextLogits, ContextLogits, Distributions
from signkit.decode.contextual import ContextDistributions
from signkit.decode.fusion import Fusion
from signkit.decode.history import Ints, Links, PrefixTree
from signkit.decode.label_step import label_step
from signkit.decode.rnnt_step import rnnt_step
from signkit.decode.scorer import Fused
from signkit.decode.shared import SharedDistributions
from signkit.decode.state import Beam, Candidate, Search, candidates, first_beam, join_beams, with_ends


def beam_search(
    acoustic: Logits,
    lengths: Lengths,
    context: ContextLogits | None = None,
    *,
    topology: str = "ctc",
    beam: int = 8,
    nbest: int = 1,
    top_k: int = 32,
    length_reward: float = 0.0,
    context_scale: float = 1.0,
    fusion: Sequence[Fused] = (),
    beam_threshold: float = 0.0,
    temperature: float | None = None,
    blank: int = 0,
    max_symbols: int = 4,
) -> list[list[Candidate]]:
    """Beam search: the best sequences of each utterance, with P(. | s, history) = softmax(A_s + C_history).

    Paths with the same labels are merged (CTC: Hannun et al. 2014; transducer: Graves 2012). Of equal scores,
    a history already in the beam goes first, then the extension of the better history, then the lower token.
    Logits after an utterance's length are never read.

    Args:
        acoustic: logits A of each chunk, as a tensor or an array; log probabilities are logits too.
        lengths: chunks of each utterance; for 0 the result is the empty sequence.
        context: gives the context logits C of histories: a function of ``labels`` [histories, labels], padded
            with zeros, and ``lengths`` [histories] to [histories, vocab], see
            `signkit.decode.context_logits.ContextLogits`; None for a model without context, whose bias is in
            ``acoustic``.
        topology: ``ctc``, ``monotonic`` or ``rnnt``, as in the loss.
        beam: number of histories retained for each utterance after every chunk.
        nbest: number of sequences to return for each utterance, at most ``beam``; fewer are returned if
            fewer are possible.
        top_k: number of glosses that can extend a history in a chunk, ranked by their score after the
            history where they score best. Without fusion, values above three times the beam change nothing.
        length_reward: added to the score for each gloss.
        context_scale: factor of C.
        fusion: scorers (language models, constraints) whose weighted scores are added for each new gloss and
            at the end. They do not influence which glosses are among the ``top_k``.
        beam_threshold: after each chunk, drop histories whose score is more than this below the best one's;
            0 drops none.
        temperature: temperature of the confidences of each first sequence, on which the whole last beam
            votes whatever ``nbest`` is (`signkit.decode.confidence`); None computes none, which is faster.
            To try several temperatures later, return the whole beam: ``nbest=beam``.
        blank: index of the blank.
        max_symbols: for ``rnnt``, the most labels in a chunk.

    Returns:
        For each utterance its candidates, best first. If no sequence is possible, a single empty candidate
        with the score -inf.

    Raises:
        TypeError: an argument of another type, such as nested lists.
        ValueError: an option out of range, other shapes, a length beyond the chunks, NaN or +inf in the
            logits (the message names the row of the batch) or from a scorer (the message names it).

    Example:
        Two chunks of CTC logits that favour the symbols 1 and 2:

        >>> import torch
        >>> logits = torch.tensor([[[0.0, 4.0, 0.0], [0.0, 0.0, 4.0]]])
        >>> ((best,),) = beam_search(logits, torch.tensor([2]))
        >>> best.tokens, best.chunks, round(best.score, 2)
        ((1, 2), (0, 1), -0.07)
    """
    acoustic, lengths, context = as_tensors(acoustic, lengths, context)
    check_inputs(
        acoustic, lengths, topology=topology, blank=blank, max_symbols=max_symbols, scale=context_scale
    )
    if not 1 <= nbest <= beam or top_k < 1:
        raise ValueError(
            f"need 1 <= nbest <= beam and top_k >= 1, not nbest {nbest}, beam {beam}, top_k {top_k}"
        )
    if not beam_threshold >= 0:
        raise ValueError(f"need beam_threshold >= 0, not {beam_threshold}")
    batch, _, vocab = acoustic.shape
    with torch.no_grad():
        acoustic, chunks = searchable(acoustic), lengths.cpu().numpy()
        tree = PrefixTree(vocab)
        distributions: Distributions
        if isinstance(context, ConstantContextLogits):
            distributions = SharedDistributions(
                acoustic, chunks, context, scale=context_scale, top_k=top_k, blank=blank
            )
        else:
            distributions = ContextDistributions(
                acoustic, context, tree, scale=context_scale, room=4 * batch * beam
            )
        search = Search(
            tree=tree,
            emissions=Links(),
            fusion=Fusion(fusion, tree, vocab=vocab, blank=blank),
            top_k=top_k,
            threshold=beam_threshold,
            length_reward=length_reward,
            blank=blank,
            max_symbols=max_symbols,
        )
        order = np.argsort(-chunks, kind="stable")  # longest first: those still running are a prefix
        last = _run(search, distributions, chunks[order], order, first_beam(batch, beam), topology)
        voters = nbest if temperature is None else beam
        nbest_lists = candidates(tree, search.emissions, with_ends(search, last), voters)
        if temperature is not None:
            nbest_lists = [candidate_list[:nbest] for candidate_list in confident(nbest_lists, temperature)]
    return [nbest_lists[place] for place in np.argsort(order).tolist()]


def _run(
    search: Search, distributions: Distributions, chunks: Ints, order: Ints, beam: Beam, topology: str
) -> Beam:
    """The last beam of each utterance, in ``order``: sorted by their ``chunks``, longest first."""
    ended: list[Beam] = []  # beams of utterances that are done, the shortest first
    for chunk in range(int(chunks.max(initial=0))):
        running = int(np.count_nonzero(chunks > chunk))
        if running < len(beam.node):
            ended.append(beam.utterances(running, len(beam.node)))
            beam = beam.utterances(0, running)
        scores = partial(distributions.scores, order[:running], chunk)
        beam = advanced(search, beam, scores, chunk, topology)
    return join_beams([beam, *reversed(ended)]) if ended else beam


def advanced(
    search: Search, beam: Beam, scores_of: Callable[[Ints], ChunkScores], chunk: int, topology: str
) -> Beam:
    """The beam after one more chunk, whose distributions after histories ``scores_of`` gives."""
    if topology == "rnnt":
        return rnnt_step(search, beam, scores_of, chunk)
    return label_step(search, beam, scores_of(beam.node), chunk, stays=topology == "ctc")
