"""A whole signer, frame by frame: the shapes of both hands, and where and how every part moves."""

from collections.abc import Sequence
from itertools import chain

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from signkit.data.batch import Batch, length_mask
from signkit.data.landmarks import Layout
from signkit.errors import UserError
from signkit.models.encoders.configs import HandsConfig
from signkit.models.encoders.hand import BONES, LAGS, PAIRS, filled, hand_size, residual_layers, shape
from signkit.models.encoders.kinematic import velocity
from signkit.models.encoders.masked_norm import MaskedBatchNorm, mask_out
from signkit.models.encoders.streaming import Reach
from signkit.models.encoders.temporal import TemporalEncoder, build_temporal

Known = tuple[Float[Tensor, "batch frames values"], Bool[Tensor, "batch frames"]]
"""Values of each frame, and in which frames they are known."""


class HandsFrames(nn.Module):
    """The features of each part (`part_values`), z-scored, through layers with residuals.

    What is not known is 0 afterwards, that is the mean. A point that was not seen is taken to be at the mean
    of the others of its part.

    Args:
        parts: the points of each part of the layout, and whether it is a hand.
        used: coordinates of a point that are read.
        width: of the layers, of which there are ``layers`` after the first.
    """

    reads = "landmarks"
    reach = Reach(before=max(LAGS))

    def __init__(
        self,
        parts: Sequence[tuple[tuple[int, ...], bool]],
        used: int,
        width: int,
        layers: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.parts, self.used = tuple(parts), used
        own = sum(
            (21 + len(BONES)) * used + len(PAIRS) if hand else len(points) * used for points, hand in parts
        )
        inputs = own + len(parts) * (used * (1 + len(LAGS)) + 1)
        self.norm = MaskedBatchNorm(inputs, affine=False)
        self.first = nn.Linear(inputs, width)
        self.layers = residual_layers(width, layers, dropout)

    def forward(self, batch: Batch) -> Float[Tensor, "batch frames width"]:
        real = length_mask(batch.lengths, batch.inputs.shape[1])
        seen = batch.seen & real[..., None]
        inputs = batch.inputs[..., : self.used]
        parts = [
            part_values(inputs[:, :, points], seen[:, :, points], hand=hand) for points, hand in self.parts
        ]
        there = [(seen[:, :, points].any(-1, keepdim=True).float(), real) for points, _ in self.parts]
        both = [*chain(*parts), *there]
        known = [mask[..., None].expand(values.shape) for values, mask in both]
        values = self.norm(torch.cat([each for each, _ in both], -1), torch.cat(known, -1))
        # No dropout here: where a hand is depends on a few of the values.
        x = F.gelu(self.first(values.clamp(-6, 6)))
        for layer in self.layers:
            x = x + layer(x)
        return mask_out(x, real)


def part_values(
    points: Float[Tensor, "batch frames points coords"],
    seen: Bool[Tensor, "batch frames points"],
    *,
    hand: bool,
) -> list[Known]:
    """Of a hand its shape as in `signkit.models.encoders.hand`, of another part its points around their mean;
    then the place of that mean, and its displacements over `LAGS`."""
    there = seen.any(-1)
    whole = filled(points, seen)
    centre = whole.mean(2)
    own = shape(whole, hand_size(whole)) if hand else (whole - centre[:, :, None]).flatten(2)
    moved = [velocity(centre[:, :, None], there[..., None], lag) for lag in LAGS]
    return [(own, there), (centre, there), *((way[:, :, 0], known[..., 0]) for way, known in moved)]


def build(config: HandsConfig, layout: Layout | None, width: int) -> TemporalEncoder:
    """The encoder for a corpus of landmarks with ``width`` coordinates a point.

    Raises:
        UserError: the corpus has no landmarks, none with hands of 21 points, or fewer coordinates.
    """
    if layout is None:
        what = "'hands' reads landmarks, and the corpus has feature vectors"
        raise UserError("encoder.name", what, "take 'features'")
    hands = [name for name in layout.hands if len(layout.parts[name]) == 21]
    if not hands:
        what = f"'hands' reads hands of 21 points, and the layout {layout.name!r} has none"
        raise UserError("encoder.name", what, "take 'kinematic'")
    if config.coordinates > width:
        raise UserError("encoder.coordinates", f"is {config.coordinates}, and the corpus has {width}")
    parts = [(tuple(points), name in hands) for name, points in layout.parts.items()]
    frames = HandsFrames(parts, config.coordinates, config.width, config.layers, config.dropout)
    return TemporalEncoder(
        frames, build_temporal(config.width, config.local_temporal, config.global_temporal)
    )
