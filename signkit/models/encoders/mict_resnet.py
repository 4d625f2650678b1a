"""MiCT-ResNet: a ResNet for pictures with a 3-D convolution parallel to the first block of each stage.

Zhou et al. 2018, "MiCT: Mixed 3D/2D Convolutional Tube"; the sizes are those of MiCT-RANet (Mahoudeau 2020).

All tensors between layers are packed frames [real, channels, height, width] of all clips, one after another.
So 2-D layers and BatchNorms see no padding. For a 3-D convolution the frames are unpacked, with zeros in the
padding, as there are zeros before the first frame and after the last one of a clip without padding.

    frames 3 ── conv 7x7 /2 ── BN ── ReLU ── maxpool /2 ──┬─ + ── stage 1 ── 2 /2 ── 3 /2 ── 4 ── maps
            └── conv 5x7x7 /2 ─ BN ─ ReLU ─ maxpool3d /2 ─┘

    a stage:   x ──┬── block ──────────────────────┬─ + ── further blocks
                   └── conv 5x3x3 ─── BN ─── ReLU ─┘
"""

from collections.abc import Callable, Sequence

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from signkit.models.encoders.packing import Packing

BLOCKS = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3)}
"""Blocks of each stage."""
STRIDES = (1, 2, 2, 1)
"""Of each stage. A ResNet's last one is 2; here it is 1, which leaves a map of 14 x 14 for frames of 224."""
Frames = Float[Tensor, "real _channels _height _width"]


class Convolution3d(nn.Module):
    """A 3-D convolution over the frames of each clip, BatchNorm and ReLU. Its temporal stride is 1.

    Args:
        inputs, outputs: channels.
        frames, size: of the kernel, in time and in space.
        stride: in space.
        padding: ``center``, so that it reads as many frames before as after its own, or ``forward``: those
            that follow.
    """

    def __init__(
        self, inputs: int, outputs: int, *, frames: int, size: int, stride: int, padding: str
    ) -> None:
        super().__init__()
        around = size // 2
        self.before = (frames - 1) // 2 if padding == "center" else 0
        self.after = frames - 1 - self.before
        self.conv = nn.Conv3d(
            inputs, outputs, (frames, size, size), (1, stride, stride), (0, around, around), bias=False
        )
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out")
        self.bn = nn.BatchNorm2d(outputs)  # of packed frames, which is BatchNorm3d of clips without padding

    def forward(self, x: Frames, real: Packing) -> Frames:
        clips = F.pad(_clips(x, real), (0, 0, 0, 0, self.before, self.after))
        return F.relu(self.bn(_packed(self.conv(clips), real)))


class BasicBlock(nn.Module):
    """Two convolutions of 3x3 with a residual (He et al. 2016); attributes are named as torchvision's."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module | None = None
        self.stride = stride
        if stride != 1 or inputs != outputs:
            shortcut = nn.Conv2d(inputs, outputs, 1, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(outputs))

    def forward(self, x: Frames) -> Frames:
        # Every second place is taken first, not by the stride of a 1x1 convolution, whose gradient torch 2.13
        # writes past the end of its memory on a CPU without AVX-512, for fewer than 8 channels.
        taken = x[..., :: self.stride, :: self.stride]
        residual = x if self.downsample is None else self.downsample(taken)
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + residual)


class Stem(nn.Module):
    """From pictures to maps of a quarter of their height and width."""

    def __init__(self, outputs: int, *, frames: int, padding: str) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, outputs, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv3d = Convolution3d(3, outputs, frames=frames, size=7, stride=2, padding=padding)

    def forward(self, x: Frames, real: Packing) -> Frames:
        flat = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        # Pooled over three frames, too. No value is below zero: the zeros of padding are never the largest.
        clips = F.max_pool3d(_clips(self.conv3d(x, real), real), 3, (1, 2, 2), 1)
        return flat + _packed(clips, real)


class Stage(nn.Module):
    """Blocks of one width; the first has a 3-D convolution in parallel, whose output is added."""

    def __init__(
        self, inputs: int, outputs: int, blocks: int, stride: int, *, frames: int, padding: str
    ) -> None:
        super().__init__()
        first = BasicBlock(inputs, outputs, stride)
        self.blocks = nn.ModuleList([first, *(BasicBlock(outputs, outputs) for _ in range(blocks - 1))])
        self.conv3d = Convolution3d(inputs, outputs, frames=frames, size=3, stride=stride, padding=padding)

    def first(self, x: Frames, real: Packing) -> Frames:
        """The first block and the 3-D convolution."""
        added: Tensor = self.conv3d(x, real) + self.blocks[0](x)
        return added


class MictResnet(nn.Module):
    """The whole network, from pictures to maps of a sixteenth of their height and width.

    Args:
        backbone: ``resnet18`` or ``resnet34``.
        channels: of the four stages.
        frames: of the 3-D kernels.
        padding: of time, ``center`` or ``forward``.

    Attributes:
        before, after: how many frames before and after its own a map depends on.
    """

    def __init__(self, backbone: str, channels: Sequence[int], *, frames: int, padding: str) -> None:
        super().__init__()
        time = {"frames": frames, "padding": padding}
        self.stem = Stem(channels[0], frames=frames, padding=padding)
        widths = zip((channels[0], *channels), channels, BLOCKS[backbone], STRIDES, strict=False)
        self.stages = nn.ModuleList(Stage(*each, **time) for each in widths)  # type: ignore[arg-type]
        convolutions = [m for m in self.modules() if isinstance(m, Convolution3d)]
        # And one frame to each side for the stem's pooling.
        self.before = 1 + sum(each.before for each in convolutions)
        self.after = 1 + sum(each.after for each in convolutions)

    def forward(
        self, x: Frames, real: Packing, call: Callable[..., Tensor] = lambda _, function, *of: function(*of)
    ) -> Frames:
        """The maps of all frames.

        Args:
            x: pictures, normalised.
            real: where the frames are in their batch.
            call: calls a part of the network, given the module, what is called, and its arguments.
        """
        x = call(self.stem, self.stem, x, real)
        for stage in self.stages:
            assert isinstance(stage, Stage)
            x = call(stage, stage.first, x, real)
            for block in stage.blocks[1:]:
                x = call(block, block, x)
        return x


def _clips(x: Frames, real: Packing) -> Float[Tensor, "batch _channels frames _height _width"]:
    """Packed frames as clips, zero in the padding."""
    return real.unpack(x).transpose(1, 2)


def _packed(clips: Float[Tensor, "batch _channels frames _height _width"], real: Packing) -> Frames:
    """The real frames of clips."""
    return real.pack(clips.transpose(1, 2))


def map_size(side: int) -> int:
    """Height and width of the maps of pictures of this size."""
    for _ in range(4):  # stem, pooling and two stages
        side = (side + 1) // 2
    return side
