"""A small convolutional network for pictures, trained from scratch."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from signkit.data.batch import Batch, length_mask
from signkit.data.landmarks import Layout
from signkit.errors import UserError
from signkit.models.encoders.configs import CnnConfig
from signkit.models.encoders.packing import packing
from signkit.models.encoders.streaming import Reach
from signkit.models.encoders.temporal import TemporalEncoder, build_temporal

BRIGHTNESS = (0.299, 0.587, 0.114)
"""Of each colour (ITU-R BT.601)."""


class CnnFrames(nn.Module):
    """Convolutions of 3x3 with ReLU, each followed by pooling over 2x2; then a fully connected layer.

    Args:
        channels: width of each convolution.
        width: of a frame's vector.
        size: the last map is averaged to ``size`` x ``size``, so frames of any size have one vector.
        grey: read the brightness alone.
        dropout: probability, on each frame's vector.
    """

    reads = "video"
    reach = Reach()
    brightness: Float[Tensor, " 3"]

    def __init__(self, channels: Sequence[int], width: int, *, size: int, grey: bool, dropout: float) -> None:
        super().__init__()
        self.dropout, self.size, self.grey = dropout, size, grey
        colours = 1 if grey else 3
        self.convs = nn.ModuleList(
            nn.Conv2d(inputs, outputs, 3, padding=1)
            for inputs, outputs in zip((colours, *channels), channels, strict=False)
        )
        self.full = nn.Linear(channels[-1] * size * size, width)
        self.register_buffer("brightness", torch.tensor(BRIGHTNESS), persistent=False)

    def forward(self, batch: Batch) -> Float[Tensor, "batch frames width"]:
        real = packing(length_mask(batch.lengths, batch.inputs.shape[1]))
        x = real.pack(batch.inputs).to(self.full.weight.dtype) / 127.5 - 1  # from -1 to 1
        x = (x @ self.brightness)[:, None] if self.grey else x.permute(0, 3, 1, 2)
        for conv in self.convs:
            # A map of one row cannot be pooled any further.
            x = F.relu(conv(x))
            x = F.max_pool2d(x, 2) if min(x.shape[2:]) > 1 else x
        x = averaged(x, self.size).flatten(1)
        vectors = F.dropout(F.relu(self.full(x)), self.dropout, self.training)
        return real.unpack(vectors)


def averaged(
    maps: Float[Tensor, "real channels height width"], size: int
) -> Float[Tensor, "real channels {size} {size}"]:
    """Maps averaged to ``size`` x ``size``."""
    if not torch.onnx.is_in_onnx_export():
        return F.adaptive_avg_pool2d(maps, size)
    down, across = (_averages(int(side), size).to(maps.dtype) for side in maps.shape[2:])
    return down @ maps @ across.T  # for which ONNX has an operation where the sizes divide only


def _averages(side: int, size: int) -> Float[Tensor, "size side"]:
    """The weight of each row of a map in each of those it is averaged to."""
    places, rows = torch.arange(size)[:, None], torch.arange(side)
    first, end = places * side // size, -(-(places + 1) * side // size)
    return ((rows >= first) & (rows < end)) / (end - first)


def build(config: CnnConfig, layout: Layout | None, width: int) -> TemporalEncoder:
    """The encoder for a corpus of video.

    Raises:
        UserError: the corpus has no video.
    """
    if layout is not None or width != 3:
        raise UserError("encoder.name", "'cnn' reads video, and the corpus has none")
    temporal = build_temporal(config.width, config.local_temporal, config.global_temporal)
    frames = CnnFrames(
        config.channels, config.width, size=config.size, grey=config.grey, dropout=config.dropout
    )
    return TemporalEncoder(frames, temporal)
