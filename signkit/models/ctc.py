"""A recogniser without context: an encoder and output layers, trained with CTC."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from signkit.data.batch import Batch
from signkit.data.on_host import moved
from signkit.models.configs import CtcModelConfig
from signkit.models.encoders.protocol import Encoder
from signkit.models.losses.logits import SplitLogits
from signkit.models.output_layer import USED, OutputLayer, level_logits, training_levels


class Ctc(nn.Module):
    """Encoder and output layer: a `signkit.models.protocol.Recogniser`.

    Chunk and video features share the output layer if their widths are equal.

    Args:
        encoder: computes chunk and video features.
        output: the output layer of the video features.
        heads: output layers of the chunk features, if they differ in width, and of the encoder's other
            levels.
        dropout: probability, on the features before the output layer.
    """

    topology = "ctc"
    context_free = True

    def __init__(self, *, encoder: Any, output: OutputLayer, heads: nn.ModuleDict, dropout: float) -> None:
        super().__init__()
        self.encoder, self.output, self.heads = encoder, output, heads
        self.dropout = nn.Dropout(dropout)

    def forward(self, batch: Batch) -> SplitLogits:
        """The logits of a batch; its context logits are the bias alone."""
        encoded = self.encoder(batch)
        names = (*reversed(USED), *(training_levels(self.heads) if self.training else ()))
        levels = level_logits(encoded, self.output, self.heads, self.dropout, names)
        video = levels["video"]
        return SplitLogits(
            levels=levels,
            context=self.context_logits(batch.targets, batch.target_lengths),
            bias=self.output.bias,
            lengths=encoded.lengths,
            centres=moved(self.encoder.chunk_centres(video.shape[1]), video.device),
            auxiliary=encoded.auxiliary,
        )

    def context_logits(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch histories vocab"]:
        """The bias for every history."""
        batch, labels = history.shape
        return self.output.bias.expand(batch, labels + 1, -1)

    def last_context_logits(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch vocab"]:
        """Zeros: there is no context."""
        return torch.zeros_like(self.output.bias).expand(len(history), -1)


def build(
    config: CtcModelConfig, *, encoder: Encoder, vocabulary: int, context: nn.Module | None = None
) -> Ctc:
    """Build the model from its options and its parts; a context, as in recipes made from C2ST's, is not
    used."""
    dims = encoder.dims

    def layer(dim: int) -> OutputLayer:
        return OutputLayer(dim=dim, vocabulary=vocabulary, normalised=config.normalised)

    output = layer(dims["video"])
    shared = USED if dims["chunk"] == dims["video"] else ("video",)
    heads = nn.ModuleDict({name: layer(dim) for name, dim in dims.items() if name not in shared})
    return Ctc(encoder=encoder, output=output, heads=heads, dropout=config.dropout)
