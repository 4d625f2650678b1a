"""Beam search over histories, for CTC and for the contextual transducers alike.

CTC is the special case in which the context logits are the same after every history
(`constant_context_logits`). The search advances chunk by chunk over a whole batch. Paths with equal histories
are merged (Hannun et al. 2014; Graves 2012). Context logits are computed once per history, for all new
histories of a step in one call.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from signkit.decode.checks import check_inputs, searchable
from signkit.decode.confidence import confident
from signkit.decode.context_logits import ConstantContextLogits, ContextLogits, Distributions
from signkit.decode.contextual import ContextDistributions
from signkit.decode.fusion import Fusion
from signkit.decode.history import Ints, Links, PrefixTree
from signkit.decode.label_step import label_step
from signkit.decode.rnnt_step import rnnt_step
from signkit.decode.scorer import Fused
from signkit.decode.shared import SharedDistributions
from signkit.decode.state import Beam, Candidate, Search, candidates, first_beam, join_beams, with_ends


def beam_search(
    acoustic: Float[Tensor, "batch chunks vocab"],
    lengths: Int[Tensor, " batch"],
    rows: ContextLogits,
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
    """The best gloss sequences of each utterance, where P(. | s, history) = softmax(A_s + C_history).

    Equal scores are decided for the kept history, then for the lower token. Nothing after an utterance's
    length is looked at.

    Args:
        acoustic: logits A of each chunk, without bias.
        lengths: chunks of each utterance; 0 gives the empty sequence.
        rows: gives the context logits C of histories, see `ContextLogits`; `constant_context_logits` for a
            model without context.
        topology: ``ctc``, ``monotonic`` or ``rnnt``, as in the loss.
        beam: histories kept of each utterance.
        nbest: sequences returned of each utterance, at most; fewer where fewer are possible.
        top_k: glosses of a chunk that can be new in it, the best after their best history. From three
            times the beam on, a larger value changes nothing where there is no fusion.
        length_reward: added to the score for each gloss.
        context_scale: factor of C.
        fusion: scorers whose weighted scores are added for each new gloss and for the end. Which glosses of
            a chunk can be new is decided without them.
        beam_threshold: histories whose score is more than this below the best one's are dropped after a
            chunk; 0 keeps all.
        temperature: of the first ones' confidences, which the whole last beam votes on whatever ``nbest`` is
            (`signkit.decode.confidence`); None leaves them out, which is faster. For other temperatures
            later, ask for all of the beam: ``nbest=beam``.
        blank: index of the blank.
        max_symbols: labels a chunk, for ``rnnt``.

    Raises:
        ValueError: an option out of range, a length beyond the chunks, NaN or +inf in the logits (the row of
            the batch is named) or from a scorer (which is named).
    """
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
        if isinstance(rows, ConstantContextLogits):
            distributions = SharedDistributions(
                acoustic, chunks, rows, scale=context_scale, top_k=top_k, blank=blank
            )
        else:
            distributions = ContextDistributions(
                acoustic, rows, tree, scale=context_scale, room=4 * batch * beam
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
        order = np.argsort(-chunks, kind="stable")
        last = _run(search, distributions, chunks[order], order, first_beam(batch, beam), topology)
        voters = nbest if temperature is None else beam
        found = candidates(tree, search.emissions, with_ends(search, last), voters)
        if temperature is not None:
            found = [nbest_of[:nbest] for nbest_of in confident(found, temperature)]
    return [found[place] for place in np.argsort(order).tolist()]


def _run(
    search: Search, distributions: Distributions, chunks: Ints, order: Ints, beam: Beam, topology: str
) -> Beam:
    """The last beam of each utterance, in ``order``: by their ``chunks``, the longest first."""
    ended: list[Beam] = []
    for chunk in range(int(chunks.max(initial=0))):
        running = int(np.count_nonzero(chunks > chunk))
        if running < len(beam.node):
            ended.append(beam.utterances(running, len(beam.node)))
            beam = beam.utterances(0, running)
        scores = partial(distributions.scores, order[:running], chunk)
        if topology == "rnnt":
            beam = rnnt_step(search, beam, scores, chunk)
        else:
            beam = label_step(search, beam, scores(beam.node), chunk, stays=topology == "ctc")
    return join_beams([beam, *reversed(ended)]) if ended else beam
