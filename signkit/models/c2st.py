"""C2ST: an encoder and a context, fused at chunk and at video level (Zhang et al. 2023).

The fusion is a sum and the classifier is linear, so the joint logits are kept split (docs/c2st.md).
"""

from typing import Any

from jaxtyping import Float, Int
from torch import Tensor, nn

from signkit.data.batch import Batch
from signkit.errors import UserError
from signkit.models.configs import C2stConfig
from signkit.models.encoders.protocol import Encoder
from signkit.models.losses.logits import SplitLogits
from signkit.models.output_layer import Classifier


class C2st(nn.Module):
    """Encoder, context and one classifier.

    Args:
        encoder: gives chunk and video features of one width.
        context: gives b_0..b_U of that width from the glosses so far.
        classifier: of that width.
        topology: which paths a gloss sequence has: ``ctc``, ``monotonic`` or ``rnnt``.
        dropout: of the features before the classifier.
    """

    context_free = False

    def __init__(
        self, *, encoder: Any, context: Any, classifier: Classifier, topology: str, dropout: float
    ) -> None:
        super().__init__()
        self.encoder, self.context, self.classifier = encoder, context, classifier
        self.topology = topology
        self.dropout = nn.Dropout(dropout)

    def forward(self, batch: Batch) -> SplitLogits:
        """The split logits of a batch and its targets."""
        encoded = self.encoder(batch)
        chunk = self.classifier(self.dropout(encoded.chunk))
        one_level = encoded.video is encoded.chunk
        return SplitLogits(
            chunk=chunk,
            video=chunk if one_level else self.classifier(self.dropout(encoded.video)),
            context=self.history_rows(batch.targets, batch.target_lengths),
            bias=self.classifier.bias,
            lengths=encoded.lengths,
            centres=self.encoder.chunk_centres(chunk.shape[1]).to(chunk.device),
            auxiliary=encoded.auxiliary,
        )

    def history_rows(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch histories vocab"]:
        """C_u = W b_u + bias for u = 0..U."""
        rows: Tensor = self.classifier(self.context(history, lengths)) + self.classifier.bias
        return rows

    def rows(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch vocab"]:
        """W b of each whole history."""
        rows: Tensor = self.classifier(self.context.last(history, lengths))
        return rows


def build(config: C2stConfig, *, encoder: Encoder, context: nn.Module, vocabulary: int) -> C2st:
    """Put the parts together.

    Raises:
        UserError: chunk and video features differ in width, so they cannot share the context.
    """
    if encoder.chunk_dim != encoder.video_dim:
        raise UserError(
            "encoder",
            f"chunk features are {encoder.chunk_dim} wide and video features {encoder.video_dim}; "
            "both are added to the same context",
            "make global_temporal.width half of local_temporal.width",
        )
    classifier = Classifier(dim=encoder.video_dim, vocabulary=vocabulary, normalised=config.normalised)
    return C2st(
        encoder=encoder,
        context=context,
        classifier=classifier,
        topology=config.topology,
        dropout=config.dropout,
    )
