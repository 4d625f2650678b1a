"""A causal language model: a context and an output layer.

It is the language side of a contextual transducer alone, its logits exactly `SplitLogits.context`: those of
the histories of 0 to all tokens, in which index 0, the blank elsewhere, stands for the sentence's end.
"""

from typing import Any

from jaxtyping import Float, Int
from torch import Tensor, nn

from signkit.data.batch import TextBatch, length_mask, next_tokens
from signkit.errors import UserError
from signkit.models.configs import LanguageModelConfig
from signkit.models.context.adaptor import AdaptedContext
from signkit.models.output_layer import OutputLayer


class LanguageModel(nn.Module):
    """A `signkit.models.protocol.Language` that says what comes next.

    Args:
        context: gives b_0..b_U from the tokens so far.
        output: of that width.
    """

    predicts_end = True

    def __init__(self, *, context: AdaptedContext, output: OutputLayer) -> None:
        super().__init__()
        self.context, self.output = context, output

    def forward(self, batch: TextBatch) -> Float[Tensor, "batch histories vocab"]:
        """The logits of the next token after 0, 1, … all tokens; index 0 is the end."""
        return self.context_logits(batch.tokens, batch.lengths)

    def context_logits(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch histories vocab"]:
        """Logits of the next token after 0, 1, … all tokens; index 0 is the end."""
        rows: Tensor = self.output(self.context(history, lengths)) + self.output.bias
        return rows

    def last_context_logits(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch vocab"]:
        """The same after the whole of each history, without the bias."""
        rows: Tensor = self.output(self.context.last(history, lengths))
        return rows

    def log_next(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch vocab"]:
        """log P of every next token, at index 0 of the end, after the whole of each history."""
        return self._log(self.context.last(history, lengths))

    def log_step(
        self,
        symbols: Int[Tensor, " batch"],
        past: Float[Tensor, "batch before kept"],
        lengths: Int[Tensor, " batch"],
    ) -> tuple[Float[Tensor, "batch vocab"], Float[Tensor, "batch kept"]]:
        """The same after one symbol more, and what its reader keeps of that; for readers that step
        (`signkit.models.context.protocol.Stepping`)."""
        reader: Any = self.context.reader
        states, kept = reader.step(symbols, past, lengths)
        return self._log(self.context.adaptor(states)), kept

    def log_scores(
        self, tokens: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch places"]:
        """log P of each token and of the end after them; zero where padded."""
        log = self.context_logits(tokens, lengths).float().log_softmax(2)
        targets = next_tokens(tokens, lengths)
        inside = length_mask(lengths + 1, targets.shape[1])
        picked: Tensor = log.gather(2, targets.clamp(min=0)[..., None])[..., 0]
        return picked.masked_fill(~inside, 0.0)

    def _log(self, vectors: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch vocab"]:
        logits: Tensor = self.output(vectors) + self.output.bias
        return logits.float().log_softmax(1)


def build(config: LanguageModelConfig, *, context: nn.Module, vocabulary: int) -> LanguageModel:
    """Put the parts together.

    Raises:
        UserError: the context has nothing to learn.
    """
    if not isinstance(context, AdaptedContext):
        raise UserError("context.name", "this context has nothing to learn", "take lstm or bert")
    output = OutputLayer(dim=context.dim, vocabulary=vocabulary, normalised=False)
    return LanguageModel(context=context, output=output)
