"""A masked language model: a BERT that sees both sides of a sentence predicts the tokens that are masked.

The vocabulary stays the recogniser's: the mask and the mark of the sentence's end are two embeddings beside
it. A sentence's score is its pseudo-likelihood, the product of P of each token given all others (Salazar et
al. 2020), which has no end and is no probability.
"""

from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from signkit.data.batch import TextBatch, length_mask
from signkit.errors import UserError
from signkit.models.configs import MaskedLmConfig
from signkit.models.context.adaptor import AdaptedContext
from signkit.models.context.bert import BertReader
from signkit.models.context.protocol import START
from signkit.models.output_layer import OutputLayer

MASK, CLOSE = 0, 1
"""Rows of the model's own marks."""
SYMBOLS_AT_ONCE = 16384
"""Of masked copies in one pass."""


class MaskedLm(nn.Module):
    """A `signkit.models.protocol.Language` of pseudo-likelihoods.

    Args:
        context: whose reader is a BERT; it is read with attention to both sides.
        output: of its vectors.
        share: of the tokens that are masked while training.
    """

    predicts_end = False

    def __init__(self, *, context: AdaptedContext, output: OutputLayer, share: float) -> None:
        super().__init__()
        self.context, self.output, self.share = context, output, share
        width = context.adaptor.project.in_features
        self.marks = nn.Parameter(torch.randn(2, width) * 0.02)

    def forward(
        self, batch: TextBatch
    ) -> tuple[Float[Tensor, "batch labels vocab"], Bool[Tensor, "batch labels"]]:
        """The logits of every token given all others, and which tokens were masked: some while training."""
        inside = length_mask(batch.lengths, batch.tokens.shape[1])
        masked = drawn(inside, self.share) if self.training else torch.zeros_like(inside)
        return self.token_logits(batch.tokens, batch.lengths, masked), masked

    def token_logits(
        self,
        tokens: Int[Tensor, "batch labels"],
        lengths: Int[Tensor, " batch"],
        masked: Bool[Tensor, "batch labels"],
    ) -> Float[Tensor, "batch labels vocab"]:
        """Logits at every token; index 0 means nothing."""
        vectors = self.context.adaptor(self._states(tokens, lengths, masked)[:, 1:-1])
        logits: Tensor = self.output(vectors) + self.output.bias
        return logits

    def log_scores(
        self, tokens: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch labels"]:
        """log P of each token given all the others; zero where padded.

        A copy of the sentence for each of its tokens, that one masked, many copies in one pass.
        """
        rows, places = length_mask(lengths, tokens.shape[1]).nonzero(as_tuple=True)
        found = tokens.new_zeros(tokens.shape, dtype=torch.float32)
        if not len(rows):
            return found
        for some in torch.arange(len(rows), device=rows.device).split(
            max(1, SYMBOLS_AT_ONCE // (tokens.shape[1] + 2))
        ):
            row, place = rows[some], places[some]
            masked = torch.zeros(len(some), tokens.shape[1], dtype=torch.bool, device=tokens.device)
            masked[torch.arange(len(some), device=row.device), place] = True
            states = self._states(tokens[row], lengths[row], masked)
            at = states[torch.arange(len(some), device=row.device), place + 1]
            logits = self.output(self.context.adaptor(at)) + self.output.bias
            log = logits[:, 1:].float().log_softmax(1)
            found[row, place] = log.gather(1, tokens[row, place][:, None] - 1)[:, 0]
        return found

    def _states(
        self,
        tokens: Int[Tensor, "batch labels"],
        lengths: Int[Tensor, " batch"],
        masked: Bool[Tensor, "batch labels"],
    ) -> Float[Tensor, "batch symbols width"]:
        """The states of the start symbol, the tokens, and the end mark, which is after each sentence's last
        token."""
        reader: Any = self.context.reader
        symbols = torch.nn.functional.pad(tokens, (1, 1), value=START)
        places = torch.arange(symbols.shape[1], device=tokens.device)
        inside = places <= lengths[:, None]  # start and tokens
        embedded = reader.embedding(symbols.masked_fill(~inside, START))
        masked = torch.nn.functional.pad(masked, (1, 1))
        embedded = torch.where(masked[..., None], self.marks[MASK], embedded)
        closes = places == lengths[:, None] + 1
        embedded = torch.where(closes[..., None], self.marks[CLOSE], embedded)
        return reader.both_sides(embedded, lengths + 2)  # type: ignore[no-any-return]


def drawn(inside: Bool[Tensor, "batch labels"], share: float) -> Bool[Tensor, "batch labels"]:
    """Places to be masked, by torch's global generator: each with this probability, and the first of a
    random order in any case, so that no sentence is without one."""
    chance = torch.rand(inside.shape, device=inside.device).masked_fill(~inside, 2.0)
    least = chance == chance.amin(1, keepdim=True)
    return ((chance < share) | least) & inside


def build(config: MaskedLmConfig, *, context: nn.Module, vocabulary: int) -> MaskedLm:
    """Put the parts together.

    Raises:
        UserError: the context is no BERT.
    """
    if not (isinstance(context, AdaptedContext) and isinstance(context.reader, BertReader)):
        raise UserError("context.name", "a masked language model is a BERT", "take `context: {name: bert}`")
    output = OutputLayer(dim=context.dim, vocabulary=vocabulary, normalised=False)
    return MaskedLm(context=context, output=output, share=config.share)
