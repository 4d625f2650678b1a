"""A causal language model: a context and an output layer.

It is a contextual transducer without its encoder. Its logits are exactly `SplitLogits.context`, those after
0, 1, … all tokens of a sentence, but index 0, the blank of a recogniser, stands for the sentence's end.
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
    """A `signkit.models.protocol.Language` that predicts the next token.

    Args:
        context: computes vectors b_0..b_U from the tokens so far.
        output: the output layer, of the vectors' width.
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
        logits: Tensor = self.output(self.context(history, lengths)) + self.output.bias
        return logits

    def last_context_logits(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch vocab"]:
        """Logits of the next token after the whole of each history, without the bias."""
        logits: Tensor = self.output(self.context.last(history, lengths))
        return logits

    def log_next(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch vocab"]:
        """log P of every next token after the whole of each history; index 0 is the end."""
        return self._log(self.context.last(history, lengths))

    def log_step(
        self,
        symbols: Int[Tensor, " batch"],
        past: Float[Tensor, "batch before cached"],
        lengths: Int[Tensor, " batch"],
    ) -> tuple[Float[Tensor, "batch vocab"], Float[Tensor, "batch cached"]]:
        """`log_next` after one more symbol, and the reader's past of that symbol, to be passed in ``past``
        later.

        The context's reader has to be incremental; see `signkit.models.context.protocol.Stepping` for the
        arguments.
        """
        reader: Any = self.context.reader
        states, cached = reader.step(symbols, past, lengths)
        return self._log(self.context.adaptor(states)), cached

    def log_scores(
        self, tokens: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch places"]:
        """log P of each token and of the end, in labels + 1 columns; 0 where padded."""
        log = self.context_logits(tokens, lengths).float().log_softmax(2)
        targets = next_tokens(tokens, lengths)
        inside = length_mask(lengths + 1, targets.shape[1])
        picked: Tensor = log.gather(2, targets.clamp(min=0)[..., None])[..., 0]
        return picked.masked_fill(~inside, 0.0)

    def _log(self, vectors: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch vocab"]:
        logits: Tensor = self.output(vectors) + self.output.bias
        return logits.float().log_softmax(1)


def build(config: LanguageModelConfig, *, context: nn.Module, vocabulary: int) -> LanguageModel:
    """Build the model from its options and its context.

    Raises:
        UserError: the context has no weights.
    """
    if not isinstance(context, AdaptedContext):
        raise UserError("context.name", "this context has nothing to learn", "take lstm or bert")
    output = OutputLayer(dim=context.dim, vocabulary=vocabulary, normalised=False)
    return LanguageModel(context=context, output=output)
