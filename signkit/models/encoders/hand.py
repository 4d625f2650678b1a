"""One hand, frame by frame: its shape whatever its place and size, and how it moves over the clip."""

from itertools import combinations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from signkit.data.batch import Batch, length_mask
from signkit.data.landmarks import Layout
from signkit.errors import UserError
from signkit.models.encoders.configs import HandConfig
from signkit.models.encoders.kinematic import velocity
from signkit.models.encoders.masked_norm import MaskedBatchNorm, mask_out
from signkit.models.encoders.temporal import TemporalEncoder, build_temporal

LAYOUT = "hand"
BONES = tuple(
    (a, b) for root in range(1, 21, 4) for a, b in ((0, root), *((root + i, root + i + 1) for i in range(3)))
)
KEYS = (0, 2, 3, 4, 5, 6, 8, 9, 10, 12, 14, 16, 17, 18, 20)
"""Points whose distances from each other are features: the wrist, the tips, and joints between."""
PAIRS = tuple((a, b) for a, b in combinations(KEYS, 2) if (a, b) not in BONES)
MOVERS = (0, 8, 20)
"""Points whose ways are features: the wrist, and the tips that draw J and Z."""
LAGS = (1, 2, 4)
TREMOR = 0.25
"""A displacement, in sizes of the hand, of which half is taken for movement."""


class HandFrames(nn.Module):
    """The features of each frame (`shape`, `motion`), z-scored, through layers with residuals.

    The vector of a frame without a hand is 0. A point that was not seen is taken to be at the mean of
    the others.

    Args:
        coordinates: of a point in a corpus, of which the first ``used`` are read.
        width: of the layers, of which there are ``layers`` after the first.
    """

    reads = "landmarks"

    def __init__(self, used: int, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.used, self.dropout = used, dropout
        inputs = 21 * used + len(BONES) * used + len(PAIRS) + 2 * len(MOVERS) * (1 + len(LAGS))
        self.norm = MaskedBatchNorm(inputs, affine=False)
        self.first = nn.Linear(inputs, width)
        self.layers = residual_layers(width, layers, dropout)

    def forward(self, batch: Batch) -> Float[Tensor, "batch frames width"]:
        real = length_mask(batch.lengths, batch.inputs.shape[1])
        points, seen = (
            filled(batch.inputs[..., : self.used], batch.seen & real[..., None]),
            batch.seen.any(-1),
        )
        seen = seen & real
        size = hand_size(points)
        clip_size = (size * seen).sum(1, keepdim=True) / seen.sum(1, keepdim=True).clamp(min=1)
        moves = clear(motion(points, seen) / at_least(clip_size)[..., None])
        values = self.norm(torch.cat([shape(points, size), moves], -1), seen)
        x = F.gelu(self.first(F.dropout(values.clamp(-6, 6), self.dropout, self.training)))
        for layer in self.layers:
            x = x + layer(x)
        return mask_out(x, seen)


def residual_layers(width: int, layers: int, dropout: float) -> nn.ModuleList:
    """Layers whose outputs are added to their inputs."""
    return nn.ModuleList(
        nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Dropout(dropout))
        for _ in range(layers)
    )


def filled(
    points: Float[Tensor, "batch frames points coords"], seen: Bool[Tensor, "batch frames points"]
) -> Float[Tensor, "batch frames points coords"]:
    """The points, those that were not seen at the mean of the others of their frame, or at 0."""
    points = points.masked_fill(~seen[..., None], 0)
    mean = points.sum(2, keepdim=True) / seen.sum(2)[..., None, None].clamp(min=1)
    return torch.where(seen[..., None], points, mean)


def shape(
    points: Float[Tensor, "batch frames 21 coords"], size: Float[Tensor, "batch frames"]
) -> Float[Tensor, "batch frames values"]:
    """The places of the points around their mean, the directions of the bones, and distances of `PAIRS`; the
    lengths in sizes of the hand."""
    unit = at_least(size)[..., None, None]
    places = (points - points.mean(2, keepdim=True)) / unit
    bones = places[:, :, [b for _, b in BONES]] - places[:, :, [a for a, _ in BONES]]
    directions = bones / at_least(torch.linalg.vector_norm(bones, dim=-1, keepdim=True))
    apart = places[:, :, [a for a, _ in PAIRS]] - places[:, :, [b for _, b in PAIRS]]
    distances = torch.linalg.vector_norm(apart, dim=-1)
    return torch.cat([places.flatten(2), directions.flatten(2), distances], -1)


def motion(
    points: Float[Tensor, "batch frames 21 coords"], seen: Bool[Tensor, "batch frames"]
) -> Float[Tensor, "batch frames values"]:
    """x and y of each of `MOVERS` from its mean place in the clip, and its displacements over `LAGS`."""
    movers = points[:, :, list(MOVERS), :2]
    known = seen[..., None].expand(movers.shape[:3])
    mean = movers.sum(1, keepdim=True) / seen.sum(1).clamp(min=1)[:, None, None, None]
    moved = [velocity(movers, known, lag)[0] for lag in LAGS]
    return torch.cat([each.flatten(2) for each in (movers - mean, *moved)], -1)


def clear(
    moves: Float[Tensor, "batch frames values"], tremor: float = TREMOR
) -> Float[Tensor, "batch frames values"]:
    """Displacements with those shrunk that are hardly larger than a tracker's tremor, so that a photo is as a
    clip of a hand held still."""
    vectors = moves.unflatten(2, (-1, 2))
    square = vectors.square().sum(-1, keepdim=True)
    shrunk: Tensor = (vectors * square / (square + tremor * tremor)).flatten(2)
    return shrunk


def hand_size(points: Float[Tensor, "batch frames 21 coords"]) -> Float[Tensor, "batch frames"]:
    """Root mean square distance of the points from their mean, in x and y."""
    spread: Tensor = points[..., :2].var(2, unbiased=False)
    return spread.sum(-1).sqrt()


def at_least(values: Tensor, least: float = 1e-6) -> Tensor:
    """The values, none so small that it cannot divide."""
    return values.clamp(min=least)


def build(config: HandConfig, layout: Layout | None, width: int) -> TemporalEncoder:
    """The encoder for a corpus of single hands with ``width`` coordinates a point.

    Raises:
        UserError: the corpus has no landmarks of the layout ``hand``, or fewer coordinates.
    """
    if layout is None or layout.name != LAYOUT:
        what = f"the corpus has the layout {layout.name!r}" if layout else "the corpus has no landmarks"
        raise UserError("encoder.name", f"'hand' reads landmarks of the layout 'hand', and {what}")
    if config.coordinates > width:
        raise UserError("encoder.coordinates", f"is {config.coordinates}, and the corpus has {width}")
    frames = HandFrames(config.coordinates, config.width, config.layers, config.dropout)
    temporal = build_temporal(config.width, config.local_temporal, config.global_temporal)
    return TemporalEncoder(frames, temporal)
