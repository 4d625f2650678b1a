"""Beam search over histories, for CTC and for the contextual transducers alike.

CTC is the case in which the context row is the same after every history (`constant_rows`). The search goes
chunk by chunk over a batch; equal histories are merged (Hannun et al. 2014; Graves 2012), context rows are
asked for once a history and all new ones of a step in one call.
"""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from signkit.decode.checks import check_inputs, chunk_logits, searchable
from signkit.decode.history import Ints, Links, PrefixTree
from signkit.decode.label_step import label_step
from signkit.decode.rnnt_step import rnnt_step
from signkit.decode.rows import ContextRows, Rows
from signkit.decode.state import Beam, Candidate, Search, candidates, first_beam, join_beams


def beam_search(
    acoustic: Float[Tensor, "batch chunks vocab"],
    lengths: Int[Tensor, " batch"],
    rows: Rows,
    *,
    topology: str = "ctc",
    beam: int = 8,
    nbest: int = 1,
    top_k: int = 32,
    length_reward: float = 0.0,
    context_scale: float = 1.0,
    blank: int = 0,
    max_symbols: int = 4,
) -> list[list[Candidate]]:
    """The best gloss sequences of each utterance, where P(. | s, history) = softmax(A_s + C_history).

    Equal scores are decided for the kept history, then for the lower token. Nothing after an utterance's
    length is looked at.

    Args:
        acoustic: logits A of each chunk, without bias.
        lengths: chunks of each utterance; 0 gives the empty sequence.
        rows: logits C of histories, see `Rows`; `constant_rows` for a model without context.
        topology: ``ctc``, ``monotonic`` or ``rnnt``, as in the loss.
        beam: histories kept of each utterance.
        nbest: sequences returned of each utterance, at most; fewer where fewer are possible.
        top_k: glosses of a chunk that can be new in it, the best after their best history. From three
            times the beam on, a larger value changes nothing.
        length_reward: added to the score for each gloss.
        context_scale: factor of C.
        blank: index of the blank.
        max_symbols: labels a chunk, for ``rnnt``.

    Raises:
        ValueError: an option out of range, a length beyond the chunks, NaN or +inf in the logits (the row of
            the batch is named).
    """
    check_inputs(
        acoustic, lengths, topology=topology, blank=blank, max_symbols=max_symbols, scale=context_scale
    )
    if not 1 <= nbest <= beam or top_k < 1:
        raise ValueError(
            f"need 1 <= nbest <= beam and top_k >= 1, not nbest {nbest}, beam {beam}, top_k {top_k}"
        )
    batch, _, vocab = acoustic.shape
    with torch.no_grad():
        acoustic = searchable(acoustic)
        tree = PrefixTree(vocab)
        context = ContextRows(rows, tree, acoustic, scale=context_scale, room=4 * batch * beam)
        search = Search(
            tree=tree,
            emissions=Links(),
            context=context,
            top_k=top_k,
            length_reward=length_reward,
            blank=blank,
            max_symbols=max_symbols,
        )
        order = np.argsort(-lengths.cpu().numpy(), kind="stable")
        last = _run(search, acoustic, lengths, order, first_beam(batch, beam), topology)
        found = candidates(tree, search.emissions, last, nbest)
    return [found[place] for place in np.argsort(order).tolist()]


def _run(search: Search, acoustic: Tensor, lengths: Tensor, order: Ints, beam: Beam, topology: str) -> Beam:
    """The last beam of each utterance, the longest utterance first as in ``order``."""
    left = lengths.cpu().numpy()[order]
    ended: list[Beam] = []
    for chunk in range(int(left.max(initial=0))):
        running = int(np.count_nonzero(left > chunk))
        ended.append(beam.utterances(running, len(beam.node)))
        beam = beam.utterances(0, running)
        logits = chunk_logits(acoustic, order[:running], chunk)
        if topology == "rnnt":
            beam = rnnt_step(search, beam, logits, chunk)
        else:
            beam = label_step(search, beam, logits, chunk, stays=topology == "ctc")
    return join_beams([beam, *reversed(ended)])
