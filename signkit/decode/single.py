"""Search for exactly one token, for clips of one sign each: exact over the lattice, for every token at once.

With A_s the acoustic logits of chunk s and C_h the context logits of history h, P(. | s, h) =
softmax(A_s + C_h), and the history is 0, empty, before the token y is emitted (this project, docs/c2st.md):

    P(y) = sum_t  prod_{s<t} P(blank | s, 0)  P(y | t, 0)  R_t(y)

R_t(y) is the probability of everything after the emission in chunk t. In ``ctc`` the token may go on, then
only blanks follow; in ``monotonic`` only blanks; in ``rnnt`` the chunk ends with a blank of its own.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from signkit.decode.checks import Lengths, Logits, as_tensors, check_inputs
from signkit.decode.context_logits import ConstantContextLogits, ContextLogits, Floats, checked_context_logits
from signkit.decode.fusion import Fusion
from signkit.decode.history import ROOT, PrefixTree
from signkit.decode.scorer import Fused
from signkit.decode.state import NO_CANDIDATE, Candidate


def single_search(
    acoustic: Logits,
    lengths: Lengths,
    context: ContextLogits | None = None,
    *,
    topology: str = "ctc",
    nbest: int = 1,
    length_reward: float = 0.0,
    context_scale: float = 1.0,
    fusion: Sequence[Fused] = (),
    blank: int = 0,
    never: Sequence[int] = (),
) -> list[list[Candidate]]:
    """The best sequences of one token, with P(. | s, history) = softmax(A_s + C_history).

    Nothing is pruned: the scores are those of all paths. Of equal scores the lower token comes first. With a
    context, memory and time grow with the square of the vocabulary.

    Args and errors are those of `signkit.decode.beam_search`, and:
        never: tokens that are no answer, such as the one for unknown glosses; paths are not changed by it.

    Returns:
        For each utterance `nbest` candidates of one token, best first; fewer if fewer are possible. The chunk
        of a token is the one in which it is emitted with the highest probability. If none is possible, as
        without chunks, a single empty candidate with the score -inf.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[[0.0, 4.0, 0.0], [0.0, 0.0, 4.0]]])
        >>> [[(c.tokens, round(c.score, 2)) for c in each] for each in single_search(logits, [2], nbest=2)]
        [[((1,), -3.37), ((2,), -3.37)]]
    """
    acoustic, lengths, context = as_tensors(acoustic, lengths, context)
    check_inputs(acoustic, lengths, topology=topology, blank=blank, max_symbols=1, scale=context_scale)
    if nbest < 1:
        raise ValueError(f"need nbest >= 1, not {nbest}")
    vocab = acoustic.shape[2]
    with torch.no_grad():
        before, after = _context(context, vocab, context_scale, acoustic)
        bonus = _bonus(fusion, vocab, blank) + length_reward
        bonus[[*never]] = -np.inf
        return [
            _candidates(_paths(row[:length].cpu().double(), before, after, topology, blank), bonus, nbest)
            for row, length in zip(acoustic, lengths.tolist(), strict=True)
        ]


def _context(
    context: ContextLogits, vocab: int, scale: float, like: Tensor
) -> tuple[Float[Tensor, " vocab"], Float[Tensor, "vocab vocab"] | None]:
    """The context logits of the empty history, and of each history of one token; None if those are the
    same."""
    device = like.device
    if isinstance(context, ConstantContextLogits):
        return checked_context_logits(context.row[None], (1, vocab), scale)[0].cpu().double(), None
    lengths = torch.arange(2, device=device)
    none, each = torch.zeros((1, 0), dtype=torch.long, device=device), torch.arange(vocab, device=device)
    before = checked_context_logits(context(none, lengths[:1]), (1, vocab), scale)[0]
    after = checked_context_logits(context(each[:, None], lengths[1:].expand(vocab)), (vocab, vocab), scale)
    return before.cpu().double(), after.cpu().double()


def _bonus(fusion: Sequence[Fused], vocab: int, blank: int) -> Floats:
    """Weighted log scores [vocab] of each token and of the end after it; -inf for the blank."""
    bonus = np.zeros(vocab)
    bonus[blank] = -np.inf
    tokens = np.delete(np.arange(vocab), blank)
    if fusion:
        tree = PrefixTree(vocab)
        scorers = Fusion(fusion, tree, vocab=vocab, blank=blank)
        start = np.full_like(tokens, ROOT)
        bonus[tokens] = scorers.after(start, tokens)
        bonus[tokens] += scorers.ends(tree.children(start, tokens))
    return bonus


def _paths(
    acoustic: Float[Tensor, "chunks vocab"],
    before: Float[Tensor, " vocab"],
    after: Float[Tensor, "vocab vocab"] | None,
    topology: str,
    blank: int,
) -> Floats:
    """log P [chunks, vocab] of all paths that emit only this token, and begin to in this chunk."""
    first = (acoustic + before - _normaliser(acoustic + before)[:, None]).numpy()
    blanks, stays = np.repeat(first[:, [blank]], first.shape[1], axis=1), first
    if after is not None:
        # One chunk at a time, because [chunks, vocab, vocab] may be large.
        each = [_normaliser(row + after) for row in acoustic]
        normaliser = torch.stack(each) if each else acoustic
        blanks = (acoustic[:, [blank]] + after[:, blank] - normaliser).numpy()
        stays = (acoustic + after.diagonal() - normaliser).numpy()
    paths = first.copy()
    paths[1:] += np.cumsum(first[:-1, blank])[:, None]
    rest = np.zeros(first.shape[1])  # of the chunks after this one, with blanks alone
    going = np.zeros(first.shape[1])  # and with the token going on too
    for chunk in reversed(range(len(first))):
        if topology == "rnnt":
            rest = rest + blanks[chunk]
            paths[chunk] += rest
            continue
        paths[chunk] += going
        rest = rest + blanks[chunk]
        going = np.logaddexp(stays[chunk] + going, rest) if topology == "ctc" else rest
    return paths


def _candidates(paths: Floats, bonus: Floats, nbest: int) -> list[Candidate]:
    if not len(paths):
        return [NO_CANDIDATE]
    scores = np.logaddexp.reduce(paths, axis=0) + bonus
    order = np.argsort(-scores, kind="stable")[:nbest]
    chunks = paths.argmax(axis=0)
    found = [
        Candidate((token,), float(scores[token]), (int(chunks[token]),))
        for token in order.tolist()
        if scores[token] > -np.inf
    ]
    return found or [NO_CANDIDATE]


def _normaliser(logits: Float[Tensor, "n vocab"]) -> Float[Tensor, " n"]:
    """log of the sum over the vocabulary; +inf where every symbol is impossible."""
    total = logits.logsumexp(1)
    return total.masked_fill(total == -torch.inf, torch.inf)
