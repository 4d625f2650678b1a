"""An encoder with a classifier for each level and CTC: the same context for every history."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from signkit.data.batch import Batch
from signkit.models.configs import CtcModelConfig
from signkit.models.encoders.protocol import Encoder
from signkit.models.losses.logits import SplitLogits
from signkit.models.output_layer import Classifier


class Ctc(nn.Module):
    """Encoder and classifier, shared by both levels where their widths are equal.

    Args:
        encoder: gives chunk and video features.
        classifier: of the video features.
        chunk_classifier: of the chunk features, None when the first serves both.
        dropout: of the features before the classifier.
    """

    topology = "ctc"
    context_free = True

    def __init__(
        self, *, encoder: Any, classifier: Classifier, chunk_classifier: Classifier | None, dropout: float
    ) -> None:
        super().__init__()
        self.encoder, self.classifier, self.chunk_classifier = encoder, classifier, chunk_classifier
        self.dropout = nn.Dropout(dropout)

    def forward(self, batch: Batch) -> SplitLogits:
        """The logits of a batch, their context the bias alone."""
        encoded = self.encoder(batch)
        video = self.classifier(self.dropout(encoded.video))
        own = self.chunk_classifier
        if own is not None:
            chunk = own(self.dropout(encoded.chunk)) + (own.bias - self.classifier.bias)
        else:
            one_level = encoded.video is encoded.chunk
            chunk = video if one_level else self.classifier(self.dropout(encoded.chunk))
        return SplitLogits(
            chunk=chunk,
            video=video,
            context=self.history_rows(batch.targets, batch.target_lengths),
            bias=self.classifier.bias,
            lengths=encoded.lengths,
            centres=self.encoder.chunk_centres(video.shape[1]).to(video.device),
            auxiliary=encoded.auxiliary,
        )

    def history_rows(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch histories vocab"]:
        """The bias for every history."""
        batch, labels = history.shape
        return self.classifier.bias.expand(batch, labels + 1, -1)

    def rows(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch vocab"]:
        """Zeros: there is no context."""
        return torch.zeros_like(self.classifier.bias).expand(len(history), -1)


def build(config: CtcModelConfig, *, encoder: Encoder, context: nn.Module, vocabulary: int) -> Ctc:
    """Put the parts together; the context is not used."""

    def classifier(dim: int) -> Classifier:
        return Classifier(dim=dim, vocabulary=vocabulary, normalised=config.normalised)

    shared = encoder.chunk_dim == encoder.video_dim
    return Ctc(
        encoder=encoder,
        classifier=classifier(encoder.video_dim),
        chunk_classifier=None if shared else classifier(encoder.chunk_dim),
        dropout=config.dropout,
    )
