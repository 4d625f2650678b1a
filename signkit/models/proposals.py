"""Hypotheses beside the reference, searched while training, for the sequence-level term."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from signkit.decode.beam import beam_search
from signkit.decode.rows import Rows, constant_rows
from signkit.losses.logits import Proposals, Propose
from signkit.models.protocol import Recogniser


def search_rows(model: Recogniser, scale: float = 1.0) -> Rows:
    """A model's context rows as the decoder asks for them; marked constant where there is no context."""
    if model.context_free:
        nothing = torch.zeros(1, 0, dtype=torch.long)
        return constant_rows(model.rows(nothing, torch.zeros(1, dtype=torch.long))[0])

    def rows(history: Int[Tensor, "histories labels"], lengths: Int[Tensor, " histories"]) -> Tensor:
        return model.rows(history, lengths, scale)

    return rows


def proposer(model: Recogniser, lengths: Int[Tensor, " batch"]) -> Propose:
    """A search of N hypotheses for the batch whose chunks are `lengths`; the search has no gradient, the
    context of what it finds has."""

    def propose(acoustic: Float[Tensor, "batch chunks vocab"], nbest: int) -> Proposals:
        with torch.no_grad():
            found = beam_search(
                acoustic.detach(),
                lengths,
                search_rows(model),
                topology=model.topology,
                beam=2 * nbest,
                nbest=nbest,
            )
        longest = max((len(c.tokens) for row in found for c in row), default=0)
        tokens = torch.zeros(len(found), nbest, max(longest, 1), dtype=torch.long)
        sizes = torch.zeros(len(found), nbest, dtype=torch.long)
        valid = torch.zeros(len(found), nbest, dtype=torch.bool)
        for sample, row in enumerate(found):
            for rank, candidate in enumerate(row):
                tokens[sample, rank, : len(candidate.tokens)] = torch.tensor(candidate.tokens, dtype=torch.long)
                sizes[sample, rank] = len(candidate.tokens)
                valid[sample, rank] = True
        tokens, sizes, valid = (t.to(acoustic.device) for t in (tokens, sizes, valid))
        contexts = model.history_rows(tokens.flatten(0, 1), sizes.flatten())
        return Proposals(tokens, sizes, valid, contexts.unflatten(0, valid.shape))

    return propose
