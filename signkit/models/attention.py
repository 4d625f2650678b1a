"""An encoder with an attention decoder, and optionally a CTC head on the same features.

The joint model is that of Watanabe et al. 2017 ("Hybrid CTC/attention architecture"): both heads are trained
together, and the search adds their log probabilities.
"""

from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from signkit.data.batch import Batch, length_mask
from signkit.data.on_host import moved
from signkit.errors import UserError
from signkit.models.clip_confidence import ClipConfidence
from signkit.models.configs import AttentionConfig
from signkit.models.encoders.protocol import Encoder
from signkit.models.gru_decoder import GruDecoder
from signkit.models.losses.logits import SplitLogits
from signkit.models.output_layer import OutputLayer
from signkit.models.text_decoder import TextDecoder
from signkit.text.vocabulary import UNKNOWN_AT


@dataclass(frozen=True, slots=True)
class Encoded:
    """What the decoder reads of a batch.

    Attributes:
        features: of every chunk, zero where padded.
        lengths: chunks of each sample.
        centres: the frame at each chunk's centre.
        auxiliary: the encoder's own loss of each sample.
        ctc: the logits of the CTC head, bias included; None without one.
        confidence: of each clip's text, before the sigmoid; None without a head for it.
    """

    features: Float[Tensor, "batch chunks width"]
    lengths: Int[Tensor, " batch"]
    centres: Int[Tensor, " chunks"]
    auxiliary: Float[Tensor, " batch"]
    ctc: Float[Tensor, "batch chunks vocab"] | None
    confidence: Float[Tensor, " batch"] | None = None

    def to(self, device: torch.device | str) -> "Encoded":
        """The same on a device."""
        moved = {
            each.name: value.to(device)
            for each in fields(self)
            if (value := getattr(self, each.name)) is not None
        }
        return replace(self, **moved)


@dataclass(frozen=True, slots=True)
class AttentionLogits:
    """The logits of a batch and its targets.

    Attributes:
        next: of the token after 0, 1, … all tokens of each target; index 0 is the end.
        backwards: the same of the reversed targets, by a decoder of its own; None without one.
        ctc: of the CTC head, as losses read them; None without one.
        auxiliary: the encoder's own loss of each sample.
        confidence: as `Encoded`.
    """

    next: Float[Tensor, "batch histories vocab"]
    backwards: Float[Tensor, "batch histories vocab"] | None
    ctc: SplitLogits | None
    auxiliary: Float[Tensor, " batch"]
    confidence: Float[Tensor, " batch"] | None = None


class AttentionModel(nn.Module):
    """Encoder and decoder.

    Args:
        encoder: its video features are decoded.
        decoder: of the text, with the interface of `TextDecoder`.
        backwards: of the reversed text, for training only; None for none.
        output: the output layer of CTC; None for none.
        noise: share of the tokens so far that are hidden in training.
        confidence: of a clip's text; None for none.
    """

    training_only = ("backwards",)
    """Parts that an export does not have."""

    def __init__(
        self,
        *,
        encoder: Any,
        decoder: Any,
        backwards: Any,
        output: OutputLayer | None,
        noise: float,
        confidence: ClipConfidence | None = None,
    ) -> None:
        super().__init__()
        self.confidence = confidence
        self.encoder, self.decoder, self.noise = encoder, decoder, noise
        self.backwards, self.output = backwards, output

    def encode(self, batch: Batch) -> Encoded:
        """The features of a batch, without looking at its targets."""
        encoded = self.encoder(batch)
        features = encoded.levels["video"]
        centres = moved(self.encoder.chunk_centres(features.shape[1]), features.device)
        ctc = None if self.output is None else self.output(features) + self.output.bias
        sure = None if self.confidence is None else self.confidence(features)
        return Encoded(features, encoded.lengths, centres, encoded.auxiliary, ctc, sure)

    def forward(self, batch: Batch) -> AttentionLogits:
        """The logits of a batch and its targets."""
        encoded = self.encode(batch)
        tokens, lengths = batch.targets, batch.target_lengths
        mask = length_mask(encoded.lengths, encoded.features.shape[1])
        logits = self.decoder(self._hidden(tokens), self.decoder.memory(encoded.features, mask), lengths)
        backwards = None
        if self.backwards is not None and self.training:
            turned = self._hidden(reversed_tokens(tokens, lengths))
            backwards = self.backwards(turned, self.backwards.memory(encoded.features, mask), lengths)
        return AttentionLogits(logits, backwards, self._ctc(encoded), encoded.auxiliary, encoded.confidence)

    def _ctc(self, encoded: Encoded) -> SplitLogits | None:
        """The CTC head's logits as the losses of recognisers read them: a single level, no context."""
        if encoded.ctc is None:
            return None
        nothing = encoded.ctc.new_zeros(encoded.ctc.shape[2])
        return SplitLogits(
            levels={"video": encoded.ctc, "chunk": encoded.ctc},
            context=nothing.expand(len(encoded.ctc), 1, -1),
            bias=nothing,
            lengths=encoded.lengths,
            centres=encoded.centres,
            auxiliary=encoded.auxiliary,
        )

    def _hidden(self, tokens: Int[Tensor, "batch labels"]) -> Int[Tensor, "batch labels"]:
        """The tokens so far, in training some of them hidden: then the decoder has to look at the signer."""
        if not self.training or not self.noise:
            return tokens
        hidden = torch.rand(tokens.shape, device=tokens.device) < self.noise
        return tokens.masked_fill(hidden, UNKNOWN_AT)


def reversed_tokens(
    tokens: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
) -> Int[Tensor, "batch labels"]:
    """Each text from its last token to its first, padding behind it as before."""
    places = torch.arange(tokens.shape[1], device=tokens.device)
    turned = lengths[:, None] - 1 - places
    return torch.where(turned >= 0, tokens.gather(1, turned.clamp(min=0)), 0)


def build(config: AttentionConfig, *, encoder: Encoder, vocabulary: int, glosses: int = 0) -> AttentionModel:
    """Build the model from its options and its encoder.

    Args:
        glosses: their number, if the CTC head writes glosses.
    """
    width = encoder.dims["video"]

    def decoder() -> TextDecoder | GruDecoder:
        shared: Any = {
            "width": config.width,
            "layers": config.layers,
            "dropout": config.dropout,
            "attention_dropout": config.attention_dropout,
            "tied": config.tied,
        }
        if config.network == "gru":
            return GruDecoder(vocabulary, width, **shared)
        return TextDecoder(vocabulary, width, heads=config.heads, feed_forward=config.feed_forward, **shared)

    first = decoder()
    if config.tied_source:
        _tie_source(encoder, first, vocabulary, config.width)
    both = config.head == "both"
    output = OutputLayer(dim=width, vocabulary=glosses or vocabulary, normalised=False) if both else None
    return AttentionModel(
        encoder=encoder,
        decoder=first,
        backwards=decoder() if config.backwards else None,
        output=output,
        noise=config.noise,
        confidence=ClipConfidence(width) if config.confidence else None,
    )


def _tie_source(encoder: Any, decoder: TextDecoder | GruDecoder, vocabulary: int, width: int) -> None:
    """Use the decoder's table of vectors in the encoder too.

    Raises:
        UserError: the encoder has no table of these tokens and this width.
    """
    table = getattr(getattr(encoder, "frames", None), "embedding", None)
    if not isinstance(table, nn.Embedding):
        raise UserError("model.tied_source", "the encoder has no table of tokens", "take the encoder `text`")
    if table.num_embeddings != vocabulary:
        what = f"the sources have {table.num_embeddings} tokens and the texts {vocabulary}"
        raise UserError("model.tied_source", what, "source.unit: shared gives both the same")
    if table.embedding_dim != width:
        what = f"encoder.width is {table.embedding_dim}, and model.width {width}"
        raise UserError("model.tied_source", what, "make them equal")
    table.weight = decoder.embedding.weight
