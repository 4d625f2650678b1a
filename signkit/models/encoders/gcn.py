"""Spatial-temporal graph network over the parts of a signer.

As in ST-GCN (Yan et al. 2018) and CoSign (Jiao et al. 2023). Each part (body, hands, face …) is centred on
itself and has a graph network of its own; the parts are fused frame by frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from signkit.data.batch import Batch, length_mask
from signkit.data.landmarks import Layout
from signkit.errors import UserError
from signkit.models.encoders.configs import GcnConfig
from signkit.models.encoders.masked_norm import MaskedBatchNorm
from signkit.models.encoders.packing import Packing, packing
from signkit.models.encoders.streaming import Reach, shared_lookahead
from signkit.models.encoders.temporal import TemporalEncoder, build_temporal

READOUTS = 4  # learned weighted sums over the points of a part, concatenated to its vector
SMALL = 64  # up to so many points bmm is faster than einsum; its gradient needs frames * points ** 2 numbers


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the signer: its points, as indices of the layout, and its edges, as indices of `points`."""

    points: tuple[int, ...]
    edges: tuple[tuple[int, int], ...]


def parts_of(layout: Layout) -> tuple[Part, ...]:
    """The parts of a layout, each with the edges that lie within it."""
    parts = []
    for points in layout.parts.values():
        place = {point: i for i, point in enumerate(points)}
        edges = tuple((place[a], place[b]) for a, b in layout.edges if a in place and b in place)
        parts.append(Part(tuple(points), edges))
    return tuple(parts)


def adjacency(points: int, edges: Sequence[tuple[int, int]]) -> Float[Tensor, "kinds points points"]:
    """Normalised adjacency matrices of three kinds: itself, neighbours inward, neighbours outward.

    An edge points outward, from its first point to its second. Each row sums to one, or to zero where a point
    has no such neighbour. Without edges there is only the first kind. This is the spatial configuration
    partitioning of Yan et al. 2018.
    """
    inward = torch.zeros(points, points)
    for start, end in edges:
        inward[end, start] = 1.0
    kinds = torch.stack([torch.eye(points), inward, inward.T][: 3 if edges else 1])
    return kinds / kinds.sum(-1, keepdim=True).clamp(min=1)


class GraphConv(nn.Module):
    """Spatial graph convolution: weighted sums over neighbouring points, then a linear map over channels.

    The weights are the normalised adjacency plus a learned correction, initialised to zero.
    """

    fixed: Float[Tensor, "kinds points points"]

    def __init__(self, inputs: int, outputs: int, graph: Float[Tensor, "kinds points points"]) -> None:
        super().__init__()
        self.register_buffer("fixed", graph, persistent=False)
        self.learned = nn.Parameter(torch.zeros_like(graph))
        self.mix = nn.Linear(len(graph) * inputs, outputs, bias=False)
        nn.init.kaiming_normal_(self.mix.weight, nonlinearity="relu")

    def forward(self, x: Float[Tensor, "frames points inputs"]) -> Float[Tensor, "frames points outputs"]:
        frames, points, _ = x.shape
        # [kinds, points, points] to rows in the order (point, kind): one product then gives the neighbours of
        # all kinds as [frames, points * kinds, inputs], which is [frames, points, kinds * inputs] by a view
        weights = (self.fixed + self.learned).transpose(0, 1).reshape(-1, points)
        if points <= SMALL:
            gathered = torch.bmm(weights.expand(frames, -1, -1), x)
        else:
            gathered = torch.einsum("pq,fqc->fpc", weights, x)
        mixed: Tensor = self.mix(gathered.reshape(frames, points, -1))
        return mixed


class GraphBlock(nn.Module):
    """Graph convolution and convolution over time, each with BatchNorm, with a residual connection.

    Everything but the convolution over time runs on packed frames.

    Args:
        after: frames after its own that an output of the convolution over time reads; None: as many as
            before it.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        graph: Float[Tensor, "kinds points points"],
        kernel: int,
        dropout: float,
        after: int | None = None,
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.spatial = GraphConv(inputs, outputs, graph)
        self.spatial_norm = MaskedBatchNorm(outputs)
        reach = kernel // 2
        self.edges = None if after is None or after == reach else (0, 0, 2 * reach - after, after)
        padding = reach if self.edges is None else 0
        self.temporal = nn.Conv2d(outputs, outputs, (kernel, 1), padding=(padding, 0), bias=False)
        nn.init.kaiming_normal_(self.temporal.weight, nonlinearity="relu")
        self.temporal_norm = MaskedBatchNorm(outputs)
        self.residual = nn.Linear(inputs, outputs, bias=False) if inputs != outputs else nn.Identity()

    def forward(
        self, x: Float[Tensor, "real points inputs"], real: Packing
    ) -> Float[Tensor, "real points outputs"]:
        y = F.relu_(self.spatial_norm(self.spatial(x)))
        # permuted to [batch, channels, frames, points]: channels-last in memory, so nothing is copied
        y = real.unpack(y).permute(0, 3, 1, 2)
        y = self.temporal(y if self.edges is None else F.pad(y, self.edges)).permute(0, 2, 3, 1)
        y = F.dropout(self.temporal_norm(real.pack(y)), self.dropout, self.training)
        return F.relu_(y + self.residual(x))


class PartNetwork(nn.Module):
    """The graph network of one part: from its points to one vector a frame.

    Args:
        part: points and edges.
        inputs: channels of a point, without the flag that says whether it was seen.
        channels: width of each block; the first is also the width of the input projection.
        kernel: frames of each convolution over time, odd.
        dropout: after each block's convolution over time.
        after: frames after its own that each of these reads.
    """

    def __init__(
        self,
        part: Part,
        inputs: int,
        channels: Sequence[int],
        kernel: int,
        dropout: float,
        after: Sequence[int],
    ) -> None:
        super().__init__()
        points = len(part.points)
        graph = adjacency(points, part.edges)
        self.norm = MaskedBatchNorm(points * inputs, affine=False)
        self.project = nn.Linear(inputs + 1, channels[0])
        self.embedding = nn.Parameter(0.1 * torch.randn(points, channels[0]))
        sizes = zip((channels[0], *channels), channels, strict=False)
        self.blocks = nn.ModuleList(
            GraphBlock(a, b, graph, kernel, dropout, ahead)
            for (a, b), ahead in zip(sizes, after, strict=True)
        )
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
        return torch.bmm(self.readout.expand(x.shape[0], -1, -1), x).flatten(1)


class GcnFrames(nn.Module):
    """A graph network for each part, and a linear fusion to one vector a frame.

    Args:
        parts: parts of the layout.
        coordinates: coordinates of a point, 2 or 3.
        channels: width of each graph block.
        fusion_width: width of the fused vector of a frame.
        kernel: frames of each convolution over time in the graph blocks, odd.
        motion: whether velocities are further input channels.
        dropout: in the graph blocks and after the fusion.
        part_dropout: probability, in training, that all points of a part of a sample count as not seen. If
            that would drop every part, none is dropped.
        lookahead: frames after a frame that its vector depends on, at most; None: convolutions over time are
            centred.
    """

    reads = "landmarks"

    def __init__(
        self,
        parts: Sequence[Part],
        coordinates: int,
        channels: Sequence[int],
        fusion_width: int,
        *,
        kernel: int = 5,
        motion: bool = True,
        dropout: float = 0.0,
        part_dropout: float = 0.0,
        lookahead: int | None = None,
    ) -> None:
        super().__init__()
        self.parts = tuple(parts)
        after = shared_lookahead([(kernel // 2, 1)] * len(channels), lookahead)
        # one frame more for velocities
        self.reach = Reach(len(channels) * (kernel - 1) - sum(after) + 1, sum(after))
        self.motion, self.dropout, self.part_dropout = motion, dropout, part_dropout
        inputs = coordinates * (3 if motion else 2)
        self.networks = nn.ModuleList(
            PartNetwork(part, inputs, channels, kernel, dropout, after) for part in parts
        )
        self.fuse = nn.Linear(len(parts) * READOUTS * channels[-1], fusion_width, bias=False)
        nn.init.kaiming_normal_(self.fuse.weight, nonlinearity="relu")
        self.fuse_norm = MaskedBatchNorm(fusion_width)
        # No part of the weights; buffers, so that they lie where the model is.
        for i, part in enumerate(parts):
            self.register_buffer(f"points_{i}", torch.tensor(part.points), persistent=False)

    def forward(self, batch: Batch) -> Float[Tensor, "batch frames fusion_width"]:
        mask = length_mask(batch.lengths, batch.inputs.shape[1])
        real = packing(mask)
        retained = self._kept_parts(batch.seen)
        vectors = []
        for i, network in enumerate(self.networks):
            of_part = self.get_buffer(f"points_{i}")
            seen = batch.seen.index_select(2, of_part) & mask.unsqueeze(-1) & retained[:, i, None, None]
            points, known = part_channels(batch.inputs.index_select(2, of_part), seen, self.motion)
            vectors.append(network(real.pack(points), real.pack(known), real.pack(seen), real))
        fused = F.relu(self.fuse_norm(self.fuse(torch.cat(vectors, -1))))
        frames = F.dropout(fused, self.dropout, self.training)
        return real.unpack(frames)

    def _kept_parts(self, seen: Bool[Tensor, "batch frames points"]) -> Bool[Tensor, "batch parts"]:
        size = (len(seen), len(self.parts))
        if not (self.training and self.part_dropout):
            return seen.new_ones(size)
        retained = torch.rand(size, device=seen.device) >= self.part_dropout
        return retained | ~retained.any(1, keepdim=True)


def part_channels(
    points: Float[Tensor, "batch frames points coords"],
    seen: Bool[Tensor, "batch frames points"],
    motion: bool,
) -> tuple[Float[Tensor, "batch frames points channels"], Bool[Tensor, "batch frames points channels"]]:
    """Input channels of each point, and which are known; unknown ones are zero.

    In this order: the point relative to the centre of its part; that centre, the mean of the points seen in
    the frame (without it the position of a hand would be lost); with ``motion`` the point's displacement
    since the frame before, known if it was seen in both.
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


def build(config: GcnConfig, layout: Layout | None, width: int) -> TemporalEncoder:
    """The encoder for a corpus of landmarks with ``width`` coordinates each.

    Raises:
        UserError: the corpus has no landmarks.
    """
    if layout is None:
        what = "'gcn' reads landmarks, and the corpus has feature vectors"
        raise UserError("encoder.name", what, "take 'features'")
    temporal = build_temporal(config.fusion_width, config.local_temporal, config.global_temporal)
    frames = GcnFrames(
        parts_of(layout),
        width,
        config.channels,
        config.fusion_width,
        kernel=config.temporal_kernel,
        motion=config.motion,
        dropout=config.dropout,
        part_dropout=config.part_dropout,
        lookahead=config.lookahead,
    )
    return TemporalEncoder(frames, temporal)
