"""C2ST: an encoder and a context, fused at chunk level and at video level (Zhang et al. 2023).

The features are summed and the output layer is linear, so the joint logits of all chunks and histories need
never be computed: those of chunks and those of histories stay apart (docs/c2st.md).
"""

from typing import Any

from jaxtyping import Float, Int
from torch import Tensor, nn

from signkit.data.batch import Batch
from signkit.data.on_host import moved
from signkit.errors import UserError
from signkit.models.configs import C2stConfig
from signkit.models.encoders.protocol import Encoder
from signkit.models.losses.logits import SplitLogits
from signkit.models.output_layer import USED, OutputLayer, level_logits, training_levels


class C2st(nn.Module):
    """Encoder, context and a shared output layer: a `signkit.models.protocol.Recogniser`.

    Args:
        encoder: computes chunk and video features of equal width.
        context: computes vectors b_0..b_U of that width from the glosses so far.
        output: the output layer, of that width.
        heads: output layers of the encoder's other levels, for losses in training.
        topology: the paths of a gloss sequence: ``ctc``, ``monotonic`` or ``rnnt``.
        dropout: probability, on the features before the output layer.
    """

    context_free = False

    def __init__(
        self,
        *,
        encoder: Any,
        context: Any,
        output: OutputLayer,
        heads: nn.ModuleDict,
        topology: str,
        dropout: float,
    ) -> None:
        super().__init__()
        self.encoder, self.context, self.output, self.heads = encoder, context, output, heads
        self.topology = topology
        self.dropout = nn.Dropout(dropout)

    def forward(self, batch: Batch) -> SplitLogits:
        """The split logits of a batch and its targets."""
        encoded = self.encoder(batch)
        names = (*USED, *(training_levels(self.heads) if self.training else ()))
        levels = level_logits(encoded, self.output, self.heads, self.dropout, names)
        chunk = levels["chunk"]
        return SplitLogits(
            levels=levels,
            context=self.context_logits(batch.targets, batch.target_lengths),
            bias=self.output.bias,
            lengths=encoded.lengths,
            centres=moved(self.encoder.chunk_centres(chunk.shape[1]), chunk.device),
            auxiliary=encoded.auxiliary,
        )

    def context_logits(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch histories vocab"]:
        """C_u = W b_u + bias after the first u labels, for u = 0..U."""
        logits: Tensor = self.output(self.context(history, lengths)) + self.output.bias
        return logits

    def last_context_logits(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch vocab"]:
        """W b after the whole of each history, without the bias."""
        logits: Tensor = self.output(self.context.last(history, lengths))
        return logits


def build(config: C2stConfig, *, encoder: Encoder, context: nn.Module, vocabulary: int) -> C2st:
    """Build the model from its options and its parts; ``vocabulary`` is the number of symbols with the blank.

    Raises:
        UserError: chunk and video features differ in width, so they cannot share the context.
    """
    chunk, video = encoder.dims["chunk"], encoder.dims["video"]
    if chunk != video:
        raise UserError(
            "encoder",
            f"chunk features are {chunk} wide and video features {video}; both are added to the same context",
            "make global_temporal.width half of local_temporal.width, or equal to it in one direction",
        )

    def layer(dim: int) -> OutputLayer:
        return OutputLayer(dim=dim, vocabulary=vocabulary, normalised=config.normalised)

    return C2st(
        encoder=encoder,
        context=context,
        output=layer(video),
        heads=nn.ModuleDict({name: layer(dim) for name, dim in encoder.dims.items() if name not in USED}),
        topology=config.topology,
        dropout=config.dropout,
    )
