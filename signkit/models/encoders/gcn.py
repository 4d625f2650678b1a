"""Spatial-temporal graph network over the parts of the signer, as in ST-GCN (Yan et al. 2018) and CoSign
(Jiao et al. 2023): each part is centred on itself, has a graph network of its own, and is fused with
the others frame by frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from signkit.data.batch import Batch, length_mask
from signkit.data.landmarks import Layout
from signkit.errors import UserError
from signkit.models.encoders.configs import GcnConfig
from signkit.models.encoders.masked_norm import MaskedBatchNorm
from signkit.models.encoders.packing import Packing, packing
from signkit.models.encoders.protocol import EncoderOutput
from signkit.models.encoders.temporal import Temporal, build_temporal

READOUTS = 4  # weighted sums over the points that make a part's vector
SMALL = 64  # points up to which a product a frame is the faster one; its gradient takes frames * points ** 2


@dataclass(frozen=True, slots=True)
class Part:
    """Indices of a part's points in the layout, and its edges in indices of its own."""

    points: tuple[int, ...]
    edges: tuple[tuple[int, int], ...]


def parts_of(layout: Layout) -> tuple[Part, ...]:
    """The parts of a layout, each with the edges that stay inside it."""
    parts = []
    for points in layout.parts.values():
        place = {point: i for i, point in enumerate(points)}
        edges = tuple((place[a], place[b]) for a, b in layout.edges if a in place and b in place)
        parts.append(Part(tuple(points), edges))
    return tuple(parts)


def adjacency(points: int, edges: Sequence[tuple[int, int]]) -> Float[Tensor, "kinds points points"]:
    """What each point reads: itself, its neighbours inward, its neighbours outward.

    Each row sums to one, or to zero where there is no such neighbour. Without edges there is only the
    first kind. Source: the spatial partitioning of Yan et al. 2018.
    """
    inward = torch.zeros(points, points)
    for start, end in edges:
        inward[end, start] = 1.0
    kinds = torch.stack([torch.eye(points), inward, inward.T][: 3 if edges else 1])
    return kinds / kinds.sum(-1, keepdim=True).clamp(min=1)


class GraphConv(nn.Module):
    """Spatial graph convolution: points summed by fixed and learned weights, then mixed over channels."""

    fixed: Float[Tensor, "kinds points points"]

    def __init__(self, inputs: int, outputs: int, graph: Float[Tensor, "kinds points points"]) -> None:
        super().__init__()
        self.register_buffer("fixed", graph, persistent=False)
        self.learned = nn.Parameter(torch.zeros_like(graph))
        self.mix = nn.Linear(len(graph) * inputs, outputs, bias=False)
        nn.init.kaiming_normal_(self.mix.weight, nonlinearity="relu")

    def forward(self, x: Float[Tensor, "frames points inputs"]) -> Float[Tensor, "frames points outputs"]:
        frames, points, _ = x.shape
        # rows in the order (point, kind), so that one product gives [frame, point, kind * inputs]
        weights = (self.fixed + self.learned).transpose(0, 1).reshape(-1, points)
        if points <= SMALL:
            gathered = torch.bmm(weights.expand(frames, -1, -1), x)
        else:
            gathered = torch.einsum("pq,fqc->fpc", weights, x)
        mixed: Tensor = self.mix(gathered.reshape(frames, points, -1))
        return mixed


class GraphBlock(nn.Module):
    """Graph convolution, then convolution over time, each with BatchNorm; residual; ReLU."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        graph: Float[Tensor, "kinds points points"],
        kernel: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.spatial = GraphConv(inputs, outputs, graph)
        self.spatial_norm = MaskedBatchNorm(outputs)
        self.temporal = nn.Conv2d(outputs, outputs, (kernel, 1), padding=(kernel // 2, 0), bias=False)
        nn.init.kaiming_normal_(self.temporal.weight, nonlinearity="relu")
        self.temporal_norm = MaskedBatchNorm(outputs)
        self.residual = nn.Linear(inputs, outputs, bias=False) if inputs != outputs else nn.Identity()

    def forward(
        self, x: Float[Tensor, "real points inputs"], real: Packing
    ) -> Float[Tensor, "real points outputs"]:
        y = F.relu_(self.spatial_norm(self.spatial(x)))
        # [batch, channels, frames, points], channels last in memory: no copy
        y = self.temporal(real.unpack(y).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        y = F.dropout(self.temporal_norm(real.pack(y)), self.dropout, self.training)
        return F.relu_(y + self.residual(x))


class PartNetwork(nn.Module):
    """From one part's points to one vector a frame.

    Args:
        inputs: channels of a point, its seen flag not counted.
        channels: width of each block; the first is also the width of the projection of the input.
    """

    def __init__(self, part: Part, inputs: int, channels: Sequence[int], kernel: int, dropout: float) -> None:
        super().__init__()
        points = len(part.points)
        graph = adjacency(points, part.edges)
        self.norm = MaskedBatchNorm(points * inputs, affine=False)
        self.project = nn.Linear(inputs + 1, channels[0])
        self.embedding = nn.Parameter(0.1 * torch.randn(points, channels[0]))
        sizes = zip((channels[0], *channels), channels, strict=False)
        self.blocks = nn.ModuleList(GraphBlock(a, b, graph, kernel, dropout) for a, b in sizes)
        self.readout = nn.Parameter(torch.randn(READOUTS, points) / points**0.5)
        self.width = READOUTS * channels[-1]

    def forward(
        self,
        points: Float[Tensor, "real points inputs"],
        known: Bool[Tensor, "real points inputs"],
        seen: Bool[Tensor, "real points"],
        real: Packing,
    ) -> Float[Tensor, "real width"]:
        x = self.norm(points.flatten(1), known.flatten(1)).view(points.shape)
        x = torch.cat([x, seen.unsqueeze(-1).to(x.dtype)], -1)
        x = self.project(x) + self.embedding
        for block in self.blocks:
            x = block(x, real)
        return torch.bmm(self.readout.expand(len(x), -1, -1), x).flatten(1)


class GcnEncoder(nn.Module):
    """A graph network a part, fused by a perceptron to one vector a frame, then the temporal modules.

    Args:
        parts: of the layout.
        coordinates: of a point, 2 or 3.
        channels: width of each graph block.
        temporal: for frames of ``fusion_width`` numbers.
        motion: velocities as further channels of the input.
        part_dropout: probability that a part of a sample counts as not seen while training; at least one
            part is kept.
    """

    reads = "landmarks"

    def __init__(
        self,
        parts: Sequence[Part],
        coordinates: int,
        channels: Sequence[int],
        fusion_width: int,
        temporal: Temporal,
        *,
        kernel: int = 5,
        motion: bool = True,
        dropout: float = 0.0,
        part_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.parts = tuple(parts)
        self.motion, self.dropout, self.part_dropout = motion, dropout, part_dropout
        inputs = coordinates * (3 if motion else 2)
        self.networks = nn.ModuleList(PartNetwork(part, inputs, channels, kernel, dropout) for part in parts)
        self.fuse = nn.Linear(len(parts) * READOUTS * channels[-1], fusion_width, bias=False)
        nn.init.kaiming_normal_(self.fuse.weight, nonlinearity="relu")
        self.fuse_norm = MaskedBatchNorm(fusion_width)
        self.temporal = temporal
        self.dims = temporal.dims

    def forward(self, batch: Batch) -> EncoderOutput:
        mask = length_mask(batch.lengths, batch.inputs.shape[1])
        real = packing(mask)
        retained = self._kept_parts(batch.seen)
        vectors = []
        for i, (part, network) in enumerate(zip(self.parts, self.networks, strict=True)):
            seen = batch.seen[:, :, part.points] & mask.unsqueeze(-1) & retained[:, i, None, None]
            points, known = part_channels(batch.inputs[:, :, part.points], seen, self.motion)
            vectors.append(network(real.pack(points), real.pack(known), real.pack(seen), real))
        fused = F.relu(self.fuse_norm(self.fuse(torch.cat(vectors, -1))))
        frames = F.dropout(fused, self.dropout, self.training)
        output: EncoderOutput = self.temporal(real.unpack(frames), batch.lengths)
        return output

    def _kept_parts(self, seen: Bool[Tensor, "batch frames points"]) -> Bool[Tensor, "batch parts"]:
        size = (len(seen), len(self.parts))
        if not (self.training and self.part_dropout):
            return seen.new_ones(size)
        retained = torch.rand(size, device=seen.device) >= self.part_dropout
        return retained | ~retained.any(1, keepdim=True)

    def output_lengths(self, lengths: Int[Tensor, " batch"]) -> Int[Tensor, " batch"]:
        """Chunks for a number of frames."""
        return self.temporal.output_lengths(lengths)

    def chunk_centres(self, chunks: int) -> Int[Tensor, " chunks"]:
        """The frame at the middle of each chunk."""
        return self.temporal.chunk_centres(chunks)


def part_channels(
    points: Float[Tensor, "batch frames points coords"],
    seen: Bool[Tensor, "batch frames points"],
    motion: bool,
) -> tuple[Float[Tensor, "batch frames points channels"], Bool[Tensor, "batch frames points channels"]]:
    """Channels of each point and which are known; the unknown ones are zero.

    The point relative to its part's centre, the centre (the mean of what was seen in the frame: without it
    the place of a hand would be lost), and with ``motion`` the point's way since the frame before.
    """
    flags = seen.unsqueeze(-1)
    points = points.masked_fill(~flags, 0)
    centre = points.sum(2, keepdim=True) / flags.sum(2, keepdim=True).clamp(min=1)
    channels = [points - centre, centre.expand_as(points)]
    known = [flags.expand_as(points)] * 2
    if motion:
        moved = torch.zeros_like(flags)
        moved[:, 1:] = flags[:, 1:] & flags[:, :-1]
        channels.append(points - F.pad(points, (0, 0, 0, 0, 1, 0))[:, :-1])
        known.append(moved.expand_as(points))
    where = torch.cat(known, -1)
    return torch.cat(channels, -1).masked_fill(~where, 0), where


def build(config: GcnConfig, layout: Layout | None, width: int) -> GcnEncoder:
    """The encoder of a corpus of landmarks of ``width`` coordinates.

    Raises:
        UserError: the corpus has no landmarks.
    """
    if layout is None:
        what = "'gcn' reads landmarks, and the corpus has feature vectors"
        raise UserError("encoder.name", what, "take 'features'")
    return GcnEncoder(
        parts_of(layout),
        width,
        config.channels,
        config.fusion_width,
        build_temporal(config.fusion_width, config.local_temporal, config.global_temporal),
        kernel=config.temporal_kernel,
        motion=config.motion,
        dropout=config.dropout,
        part_dropout=config.part_dropout,
    )
