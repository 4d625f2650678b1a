"""A masked language model: a bidirectional BERT that predicts masked tokens.

The vocabulary is the recogniser's; the mask and the mark of the sentence's end are two extra embeddings. The
score of a sentence is its pseudo-likelihood, the product of P of each token given all others (Salazar et al.
2020). It does not include the sentence's end and is not a probability.
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
"""Rows of the extra embeddings: the mask, and the end of a sentence."""
SYMBOLS_AT_ONCE = 16384
"""Symbols of masked copies of a sentence in one pass."""


class MaskedLm(nn.Module):
    """A `signkit.models.protocol.Language` that scores sentences by pseudo-likelihood.

    Args:
        context: its reader is a BERT, which is used with bidirectional attention.
        output: the output layer, of the context's width.
        share: of the tokens that are masked in training.
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
        """The logits at every token, and which tokens were masked: some in training, none in evaluation."""
        inside = length_mask(batch.lengths, batch.tokens.shape[1])
        masked = drawn(inside, self.share) if self.training else torch.zeros_like(inside)
        return self.token_logits(batch.tokens, batch.lengths, masked), masked

    def token_logits(
        self,
        tokens: Int[Tensor, "batch labels"],
        lengths: Int[Tensor, " batch"],
        masked: Bool[Tensor, "batch labels"],
    ) -> Float[Tensor, "batch labels vocab"]:
        """Logits at every token, those of ``masked`` replaced by the mask; index 0 has no meaning."""
        vectors = self.context.adaptor(self._states(tokens, lengths, masked)[:, 1:-1])
        logits: Tensor = self.output(vectors) + self.output.bias
        return logits

    def log_scores(
        self, tokens: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch labels"]:
        """log P of each token given all others; 0 where padded.

        For each token a copy of its sentence is made in which this token is masked. Many copies, of several
        sentences, are computed in one pass.
        """
        rows, places = length_mask(lengths, tokens.shape[1]).nonzero(as_tuple=True)
        scores = tokens.new_zeros(tokens.shape, dtype=torch.float32)
        if not len(rows):
            return scores
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
            scores[row, place] = log.gather(1, tokens[row, place][:, None] - 1)[:, 0]
        return scores

    def _states(
        self,
        tokens: Int[Tensor, "batch labels"],
        lengths: Int[Tensor, " batch"],
        masked: Bool[Tensor, "batch labels"],
    ) -> Float[Tensor, "batch symbols width"]:
        """The states of the start symbol, the tokens, and the end mark after each sentence's last token."""
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
    """The tokens to mask, drawn from torch's global generator.

    Each is masked with probability ``share``, and the one with the smallest random number in any case, so
    that every sentence has at least one.
    """
    random = torch.rand(inside.shape, device=inside.device).masked_fill(~inside, 2.0)
    least = random == random.amin(1, keepdim=True)
    return ((random < share) | least) & inside


def build(config: MaskedLmConfig, *, context: nn.Module, vocabulary: int) -> MaskedLm:
    """Build the model from its options and its context.

    Raises:
        UserError: the context is no BERT.
    """
    if not (isinstance(context, AdaptedContext) and isinstance(context.reader, BertReader)):
        raise UserError("context.name", "a masked language model is a BERT", "take `context: {name: bert}`")
    output = OutputLayer(dim=context.dim, vocabulary=vocabulary, normalised=False)
    return MaskedLm(context=context, output=output, share=config.share)
