"""The temporal modules that every encoder shares: from frames to chunks, from chunks to video features.

As in Zhang et al. 2023, a local module (1-D convolutions with pooling) computes the chunk features, a global
one (there a bidirectional LSTM) the video features. Here convolutions keep the length ("same" padding with
zeros) and every layer sets the padding back to zero. So a clip of N frames has ceil(N / stride) chunks, at
least one, and padding never changes an output (this project, docs/c2st.md).
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from signkit.data.batch import Batch, length_mask
from signkit.data.on_host import moved, on_both, on_host
from signkit.errors import UserError
from signkit.models.encoders.attending import Attending, build_attending
from signkit.models.encoders.configs import GlobalTemporalConfig, LocalTemporalConfig
from signkit.models.encoders.lift_pooling import LiftPool, MaxPool, TimeConv
from signkit.models.encoders.masked_norm import MaskedBatchNorm, at_least_float32, mask_out
from signkit.models.encoders.protocol import EncoderOutput
from signkit.models.encoders.streaming import (
    Reach,
    Recurrent,
    Stage,
    Windowed,
    one_clip,
    shared_lookahead,
)

Chunks = tuple[
    Float[Tensor, "batch chunks width"], Float[Tensor, " batch"]
]  # chunk features, and the auxiliary loss of each sample


class PooledTcn(nn.Module):
    """K5-P2-K5-P2: twice a convolution, BatchNorm, ReLU and pooling by two. Four frames a chunk.

    Args:
        inputs: width of a frame's vector.
        width: width of the chunk features (1024 in the paper).
        kernel: frames of each convolution, odd.
        lift: temporal lift pooling (Hu et al. 2022) instead of max pooling.
        dropout: before each pooling.
        lookahead: frames after a chunk that it depends on, at most; None: convolutions are centred.
    """

    stride = 4

    def __init__(
        self,
        inputs: int,
        width: int,
        *,
        kernel: int = 5,
        lift: bool = True,
        dropout: float = 0.0,
        lookahead: int | None = None,
    ) -> None:
        super().__init__()
        self.width, self.dropout = width, dropout
        after = shared_lookahead([(kernel // 2, 1), (kernel // 2, 2)], lookahead)
        # no bias: the normalisation would remove it
        self.convs = nn.ModuleList(
            TimeConv(size, width, kernel, bias=False, after=each)
            for size, each in zip((inputs, width), after, strict=True)
        )
        ahead = after[0] + 2 * after[1]
        self.reach = Reach(3 * (kernel - 1) - ahead, ahead, stride=4, unit=4)
        self.norms = nn.ModuleList(MaskedBatchNorm(width) for _ in self.convs)
        self.pools = nn.ModuleList(LiftPool(width) if lift else MaxPool() for _ in self.convs)

    def forward(
        self, frames: Float[Tensor, "batch frames inputs"], mask: Bool[Tensor, "batch frames"]
    ) -> Chunks:
        """Frames must be zero where the mask is False."""
        x, auxiliary = frames, torch.zeros(len(frames), device=frames.device)
        for conv, norm, pool in zip(self.convs, self.norms, self.pools, strict=True):
            x = F.dropout(F.relu(norm(conv(x), mask)), self.dropout, self.training)
            x, mask, loss = pool(x, mask)
            auxiliary = auxiliary + loss
        return x, auxiliary

    def check_streamable(self) -> None:
        """Refuse lift pooling.

        Raises:
            UserError: it has that.
        """
        if any(isinstance(pool, LiftPool) for pool in self.pools):
            what = "`lift` normalises by the whole clip and cannot be streamed"
            raise UserError("encoder.local_temporal.pooling", what, "`max`")


class DilatedTcn(nn.Module):
    """A convolution, a strided one, then residual dilated ones of kernel 3, all with LayerNorm and SiLU.

    Args:
        inputs: width of a frame's vector.
        width: width of the chunk features.
        kernel: frames of the first two convolutions, odd.
        stride: frames a chunk.
        dilations: dilation of each residual convolution.
        dropout: after each convolution.
        lookahead: frames after a chunk that it depends on, at most; None: convolutions are centred.
    """

    def __init__(
        self,
        inputs: int,
        width: int,
        *,
        kernel: int = 5,
        stride: int = 2,
        dilations: Sequence[int] = (1, 2, 4, 8, 1, 2, 4, 8),
        dropout: float = 0.0,
        lookahead: int | None = None,
    ) -> None:
        super().__init__()
        self.width, self.stride, self.dropout = width, stride, dropout
        # zeros before the first frame, so that the window of chunk s is centred on the chunk's centre
        before = kernel // 2 - (stride - 1) // 2
        edges = (before, kernel - stride - before)
        natural = [(kernel // 2, 1), (max(0, edges[1]), 1), *((d, stride) for d in dilations)]
        after = shared_lookahead(natural, lookahead)
        edges = (edges[0] + max(0, edges[1]) - after[1], min(edges[1], after[1]))
        self.edges = edges
        ahead = after[0] + after[1] + stride * sum(after[2:])
        behind = (
            2 * (kernel // 2) - after[0] + max(0, edges[0]) + stride * (2 * sum(dilations) - sum(after[2:]))
        )
        self.reach = Reach(behind, ahead, stride=stride, unit=stride)
        self.stem = TimeConv(inputs, width, kernel, after=after[0])
        self.stem_norm = nn.LayerNorm(width)
        self.strided = nn.Conv1d(width, width, kernel, stride=stride)
        self.strided_norm = nn.LayerNorm(width)
        self.blocks = nn.ModuleList(
            TimeConv(width, width, 3, dilation=d, after=each)
            for d, each in zip(dilations, after[2:], strict=True)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in dilations)
        self.last_norm = nn.LayerNorm(width)

    def forward(
        self, frames: Float[Tensor, "batch frames inputs"], mask: Bool[Tensor, "batch frames"]
    ) -> Chunks:
        """Frames must be zero where the mask is False."""
        x = mask_out(self._drop(F.silu(self.stem_norm(self.stem(frames)))), mask)
        ragged = -x.shape[1] % self.stride  # frames that the last chunk lacks
        # The end is padded first: where the kernel is smaller than the stride, padding before the first frame
        # is negative (it cuts frames off), and a short clip could have fewer frames than that.
        x = F.pad(F.pad(x.transpose(1, 2), (0, self.edges[1] + ragged)), (self.edges[0], 0))
        mask = on_both(lambda places: places[:, :: self.stride], mask)
        x = mask_out(self._drop(F.silu(self.strided_norm(self.strided(x).transpose(1, 2)))), mask)
        for norm, conv in zip(self.norms, self.blocks, strict=True):
            x = x + mask_out(self._drop(F.silu(conv(mask_out(norm(x), mask)))), mask)
        return mask_out(self.last_norm(x), mask), torch.zeros(len(frames), device=frames.device)

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training)


class NoLocal(nn.Module):
    """Frames as chunks, unchanged."""

    stride = 1
    reach = Reach()

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(
        self, frames: Float[Tensor, "batch frames width"], mask: Bool[Tensor, "batch frames"]
    ) -> Chunks:
        return frames, torch.zeros(len(frames), device=frames.device)


class Lstm(nn.Module):
    """LSTM over the real chunks, in at least float32.

    In both directions the output is twice ``width`` wide. In one direction the output of a chunk is the state
    ``lookahead`` chunks later, zeros following the last one.

    Args:
        inputs: width of a chunk's vector.
        width: width of each direction.
        layers: number of layers.
        dropout: on the input of each layer.
        lookahead: of one direction; None: both directions.
    """

    def __init__(
        self, inputs: int, width: int, layers: int, *, dropout: float = 0.0, lookahead: int | None = None
    ) -> None:
        super().__init__()
        self.lookahead, self.dropout = lookahead, dropout
        self.width = 2 * width if lookahead is None else width
        self.lstm = nn.LSTM(inputs, width, layers, **_directions(lookahead, layers, dropout))
        for name, parameter in self.lstm.named_parameters():
            if name.startswith("bias"):
                nn.init.zeros_(parameter)
            if name.startswith(
                "bias_ih"
            ):  # forget gate 1: remember at first; order: input, forget, cell, output
                nn.init.ones_(parameter.data[width : 2 * width])

    def forward(
        self, chunks: Float[Tensor, "batch chunks inputs"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch chunks outputs"]:
        return _recurrent(self.lstm, chunks, lengths, self.dropout if self.training else 0.0, self.lookahead)

    def stages(self) -> list[Stage]:
        """Of a stream; see `signkit.models.encoders.streaming`."""
        return _recurrent_stages(self.lstm, self.lookahead)


class Gru(nn.Module):
    """GRU over the real chunks, as `Lstm`."""

    def __init__(
        self, inputs: int, width: int, layers: int, *, dropout: float = 0.0, lookahead: int | None = None
    ) -> None:
        super().__init__()
        self.lookahead, self.dropout = lookahead, dropout
        self.width = 2 * width if lookahead is None else width
        self.gru = nn.GRU(inputs, width, layers, **_directions(lookahead, layers, dropout))

    def forward(
        self, chunks: Float[Tensor, "batch chunks inputs"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch chunks outputs"]:
        return _recurrent(self.gru, chunks, lengths, self.dropout if self.training else 0.0, self.lookahead)

    def stages(self) -> list[Stage]:
        """Of a stream; see `signkit.models.encoders.streaming`."""
        return _recurrent_stages(self.gru, self.lookahead)


def _directions(lookahead: int | None, layers: int, dropout: float) -> dict[str, Any]:
    """Options of torch's recurrent networks."""
    between = dropout if layers > 1 else 0.0
    return {"batch_first": True, "bidirectional": lookahead is None, "dropout": between}


def _recurrent(
    rnn: nn.Module, chunks: Tensor, lengths: Tensor, dropout: float, lookahead: int | None
) -> Tensor:
    """A recurrent network over the real chunks."""
    later = lookahead or 0
    with torch.autocast(chunks.device.type, enabled=False):
        x = F.dropout(at_least_float32(chunks), dropout)
        if later:
            x, lengths = F.pad(x, (0, 0, 0, later)), on_host(lengths) + later
        if torch.onnx.is_in_onnx_export():  # a graph has one clip, without padding
            return torch.as_tensor(rnn(x)[0][:, later:])
        # Sorted here: torch would read the order from the device again, to sort the lengths back.
        known, order = on_host(lengths).sort(descending=True, stable=True)
        there = moved(order, x.device)
        packed = pack_padded_sequence(x.index_select(0, there), known, batch_first=True)
        out, _ = pad_packed_sequence(rnn(packed)[0], batch_first=True, total_length=x.shape[1])
        back = moved(order.argsort(), x.device)
    return out.index_select(0, back)[:, later:]


def _recurrent_stages(rnn: nn.LSTM | nn.GRU, lookahead: int | None) -> list[Stage]:
    if lookahead is None:
        what = "a network in both directions reads a clip from its end and cannot be streamed"
        raise UserError("encoder.global_temporal.bidirectional", what, "`false`, of twice the width")
    return [Recurrent(rnn, lookahead)]


class Temporal(nn.Module):
    """A local module, then a global module or none.

    Attributes:
        stride: frames from one chunk to the next.
        dims: width of the ``chunk`` and of the ``video`` features; without a global module the video
            features are the chunk features.
    """

    def __init__(self, local: PooledTcn | DilatedTcn | NoLocal, over: Lstm | Gru | Attending | None) -> None:
        super().__init__()
        # Called `recurrent` in every checkpoint, whatever it is.
        self.local, self.recurrent = local, over
        self.stride = local.stride
        self.dims = {"chunk": local.width, "video": over.width if over else local.width}

    def forward(
        self, frames: Float[Tensor, "batch frames inputs"], lengths: Int[Tensor, " batch"]
    ) -> EncoderOutput:
        mask = length_mask(lengths, frames.shape[1])
        chunk, auxiliary = self.local(mask_out(frames, mask), mask)
        chunks = on_both(self.output_lengths, lengths)
        video = chunk if self.recurrent is None else self.recurrent(chunk, chunks)
        return EncoderOutput({"chunk": chunk, "video": video}, lengths=chunks, auxiliary=auxiliary)

    def output_lengths(self, lengths: Int[Tensor, " batch"]) -> Int[Tensor, " batch"]:
        """ceil(frames / stride); the last chunk may cover fewer frames."""
        return (lengths + self.stride - 1) // self.stride

    def chunk_centres(self, chunks: int) -> Int[Tensor, " chunks"]:
        """Frame s * stride + (stride - 1) // 2 for chunk s; may lie past the end for a partial last chunk."""
        return torch.arange(chunks) * self.stride + (self.stride - 1) // 2


class TemporalEncoder(nn.Module):
    """A frame encoder, then the temporal modules: an `Encoder`.

    Args:
        frames: from a batch to a vector for each of its frames, [batch, frames, width]; it sees the frames
            in their order, so it may look at neighbours. Its ``reads`` says what it reads.
        temporal: for vectors of that width.
    """

    def __init__(self, frames: nn.Module, temporal: Temporal) -> None:
        super().__init__()
        self.frames, self.temporal = frames, temporal
        self.reads, self.dims = str(frames.reads), temporal.dims

    def forward(self, batch: Batch) -> EncoderOutput:
        """The features of a batch, chunk by chunk."""
        output: EncoderOutput = self.temporal(self.frames(batch), batch.lengths)
        return output

    def stages(self) -> tuple[list[Stage], list[Stage]]:
        """Of a stream; see `signkit.models.encoders.streaming`.

        Raises:
            UserError: an option needs the whole clip.
        """
        local, over, frames = self.temporal.local, self.temporal.recurrent, self.frames
        if not isinstance(reach := getattr(frames, "reach", None), Reach):
            what = f"{type(frames).__name__} reads whole clips and cannot be streamed"
            raise UserError("encoder.name", what, "`gcn`, `kinematic` and `points` can be, for one")
        if isinstance(local, PooledTcn):
            local.check_streamable()

        def chunks(x: Tensor) -> Tensor:
            features: Tensor = local(x[None], torch.ones(1, len(x), dtype=torch.bool, device=x.device))[0]
            return features[0]

        of_frames = Windowed(lambda inputs: frames(one_clip(inputs))[0], reach)
        return [of_frames, Windowed(chunks, local.reach)], [] if over is None else over.stages()

    def output_lengths(self, lengths: Int[Tensor, " batch"]) -> Int[Tensor, " batch"]:
        """Chunks for a number of frames."""
        return self.temporal.output_lengths(lengths)

    def chunk_centres(self, chunks: int) -> Int[Tensor, " chunks"]:
        """The frame at the middle of each chunk."""
        return self.temporal.chunk_centres(chunks)


def build_temporal(inputs: int, local: LocalTemporalConfig, over: GlobalTemporalConfig) -> Temporal:
    """The temporal modules that an encoder's options describe, for frames of width ``inputs``."""
    module: PooledTcn | DilatedTcn | NoLocal
    if local.kind == "none":
        module = NoLocal(inputs)
    elif local.kind == "tcn":
        lift = local.pooling == "lift"
        module = PooledTcn(
            inputs,
            local.width,
            kernel=local.kernel,
            lift=lift,
            dropout=local.dropout,
            lookahead=local.lookahead,
        )
    else:
        module = DilatedTcn(
            inputs,
            local.width,
            kernel=local.kernel,
            stride=local.stride,
            dilations=local.dilations,
            dropout=local.dropout,
            lookahead=local.lookahead,
        )
    if not over.layers:
        return Temporal(module, None)
    if over.kind not in ("lstm", "gru"):
        return Temporal(module, build_attending(module.width, over))
    recurrent = Gru if over.kind == "gru" else Lstm
    lookahead = None if over.bidirectional else over.lookahead
    return Temporal(
        module, recurrent(module.width, over.width, over.layers, dropout=over.dropout, lookahead=lookahead)
    )
