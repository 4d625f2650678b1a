"""A causal language model: a context and a classifier, without a video.

It is the language side of a contextual transducer alone, its logits exactly `SplitLogits.context`: rows for
the histories of 0 to all tokens, in which index 0, the blank elsewhere, stands for the sentence's end.
"""

from typing import Any

from jaxtyping import Float, Int
from torch import Tensor, nn

from signkit.data.batch import Batch, length_mask, next_tokens
from signkit.errors import UserError
from signkit.models.configs import LanguageModelConfig
from signkit.models.context.adaptor import AdaptedContext
from signkit.models.encoders.nothing import NothingEncoder
from signkit.models.losses.logits import SplitLogits
from signkit.models.output_layer import Classifier


class LanguageModel(nn.Module):
    """A `Recogniser` of nothing, and a `signkit.models.protocol.Language`.

    Args:
        encoder: gives one empty chunk.
        context: gives b_0..b_U from the tokens so far.
        classifier: of that width.
    """

    topology = "rnnt"
    """Any sentence fits one chunk."""
    context_free = False
    predicts_end = True

    def __init__(self, *, encoder: NothingEncoder, context: AdaptedContext, classifier: Classifier) -> None:
        super().__init__()
        self.encoder, self.context, self.classifier = encoder, context, classifier

    def forward(self, batch: Batch) -> SplitLogits:
        """The logits of all histories of a batch's targets; those of its one chunk are zero."""
        return without_video(batch, self.encoder, self.classifier, self._logits(batch))

    def history_rows(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch histories vocab"]:
        """Logits of the next token after 0, 1, … all tokens; index 0 is the end."""
        rows: Tensor = self.classifier(self.context(history, lengths)) + self.classifier.bias
        return rows

    def rows(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch vocab"]:
        """The same after the whole of each history, without the bias."""
        rows: Tensor = self.classifier(self.context.last(history, lengths))
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
        log = self.history_rows(tokens, lengths).float().log_softmax(2)
        targets = next_tokens(tokens, lengths)
        inside = length_mask(lengths + 1, targets.shape[1])
        picked: Tensor = log.gather(2, targets.clamp(min=0)[..., None])[..., 0]
        return picked.masked_fill(~inside, 0.0)

    def _log(self, vectors: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch vocab"]:
        logits: Tensor = self.classifier(vectors) + self.classifier.bias
        return logits.float().log_softmax(1)

    def _logits(self, batch: Batch) -> Float[Tensor, "batch histories vocab"]:
        return self.history_rows(batch.targets, batch.target_lengths)


def without_video(
    batch: Batch, encoder: NothingEncoder, classifier: Classifier, context: Float[Tensor, "batch rows vocab"]
) -> SplitLogits:
    """Split logits whose acoustic side is one chunk of zeros."""
    encoded = encoder(batch)
    zeros = context.new_zeros(len(batch.ids), 1, context.shape[2])
    return SplitLogits(
        chunk=zeros,
        video=zeros,
        context=context,
        bias=classifier.bias,
        lengths=encoded.lengths,
        centres=encoder.chunk_centres(1).to(zeros.device),
        auxiliary=encoded.auxiliary,
    )


def check_sees_nothing(encoder: Any) -> None:
    """Refuse a video for a model of text.

    Raises:
        UserError: the encoder is another one than `nothing`.
    """
    if not isinstance(encoder, NothingEncoder):
        raise UserError("encoder.name", "a language model sees no video", "take `encoder: {name: nothing}`")


def build(config: LanguageModelConfig, *, encoder: Any, context: nn.Module, vocabulary: int) -> LanguageModel:
    """Put the parts together.

    Raises:
        UserError: the encoder sees a video, or the context has nothing to learn.
    """
    check_sees_nothing(encoder)
    if not isinstance(context, AdaptedContext):
        raise UserError("context.name", "this context has nothing to learn", "take lstm or bert")
    classifier = Classifier(dim=context.dim, vocabulary=vocabulary, normalised=False)
    return LanguageModel(encoder=encoder, context=context, classifier=classifier)
