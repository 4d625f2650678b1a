"""Hypotheses for the sequence-level term, searched during training."""

import torch
from jaxtyping import Float
from torch import Tensor

from signkit.decode.beam import beam_search
from signkit.decode.lattice import decoder_context
from signkit.models.losses.logits import Proposals, Propose, SplitLogits
from signkit.models.protocol import Recogniser


def proposer(model: Recogniser, logits: SplitLogits) -> Propose:
    """A function that searches the N best hypotheses of a batch with these logits.

    The search has no gradient; the context logits of the hypotheses, which are computed afterwards, have.
    """

    def propose(acoustic: Float[Tensor, "batch chunks vocab"], nbest: int) -> Proposals:
        with torch.no_grad():
            beams = beam_search(
                acoustic.detach() + logits.bias,
                logits.lengths,
                decoder_context(model, logits.bias),
                topology=model.topology,
                beam=2 * nbest,
                nbest=nbest,
            )
        longest = max((len(c.tokens) for row in beams for c in row), default=0)
        tokens = torch.zeros(len(beams), nbest, max(longest, 1), dtype=torch.long)
        sizes = torch.zeros(len(beams), nbest, dtype=torch.long)
        valid = torch.zeros(len(beams), nbest, dtype=torch.bool)
        for sample, row in enumerate(beams):
            for rank, candidate in enumerate(row):
                tokens[sample, rank, : len(candidate.tokens)] = torch.tensor(
                    candidate.tokens, dtype=torch.long
                )
                sizes[sample, rank] = len(candidate.tokens)
                valid[sample, rank] = True
        tokens, sizes, valid = (t.to(acoustic.device) for t in (tokens, sizes, valid))
        contexts = model.context_logits(tokens.flatten(0, 1), sizes.flatten())
        return Proposals(tokens, sizes, valid, contexts.unflatten(0, valid.shape))

    return propose
