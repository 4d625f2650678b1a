"""Options of the built-in encoders. The defaults are the published sizes."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from signkit.config.strict_yaml import NewPath, Range
from signkit.errors import UserError

Auto = Literal["auto"]
"""In place of a value: it is found when the model is used."""


def _check_odd(key: str, frames: int) -> None:
    if frames % 2 == 0:
        raise UserError(key, f"{frames} is even", "take an odd number of frames, which has a middle")


@dataclass(frozen=True, kw_only=True)
class LocalTemporalConfig:
    """From frames to chunks.

    ``tcn`` is K5-P2-K5-P2: two convolutions with BatchNorm and ReLU, each followed by pooling over two
    frames. ``dilated`` is a convolution, a strided convolution, and residual dilated convolutions with
    LayerNorm. ``none`` leaves the frames as they are, a chunk each, as for single pictures; its other options
    have no effect.
    """

    kind: Literal["tcn", "dilated", "none"] = "tcn"
    width: Annotated[int, Range(1)] = 1024
    kernel: Annotated[int, Range(1, 31)] = 5
    pooling: Literal["lift", "max"] = "lift"
    """Of ``tcn``: temporal lift pooling (Hu et al. 2022) or max pooling."""
    dilations: tuple[Annotated[int, Range(1)], ...] = (1, 2, 4, 8, 1, 2, 4, 8)
    """Of ``dilated``: the dilation of each residual convolution."""
    stride: Annotated[int, Range(1, 8)] = 2
    """Of ``dilated``: frames per chunk."""
    dropout: Annotated[float, Range(0, 1)] = 0.0
    lookahead: Annotated[int, Range(0)] | None = None
    """Frames after a chunk that it depends on, at most: the first convolutions look ahead, the others read
    the past instead. None: all are centred."""

    def __post_init__(self) -> None:
        _check_odd("kernel", self.kernel)
        if self.lookahead is not None and self.kind == "tcn" and self.pooling == "lift":
            what = "`pooling: lift` normalises by the whole clip, however far the convolutions look"
            raise UserError("lookahead", what, "`pooling: max`")


@dataclass(frozen=True, kw_only=True)
class GlobalTemporalConfig:
    """From chunk features to video features. ``layers: 0`` leaves it out.

    ``lstm`` and ``gru`` are recurrent networks in both directions or in one, ``transformer`` has attention,
    ``conv_transformer`` a depthwise convolution before each of a Transformer's layers, ``hubert`` is HuBERT's
    encoder with fresh weights.
    """

    kind: Literal["lstm", "gru", "transformer", "conv_transformer", "hubert"] = "lstm"
    layers: Annotated[int, Range(0, 24)] = 2
    width: Annotated[int, Range(1)] = 512
    """Width of each direction of a recurrent network; otherwise of the features, a multiple of `heads`."""
    dropout: Annotated[float, Range(0, 1)] = 0.0
    heads: Annotated[int, Range(1)] = 4
    """Of attention."""
    feed_forward: Annotated[int, Range(1)] = 1024
    """Width of the layers between those of attention."""
    kernel: Annotated[int, Range(1, 255)] = 5
    """Chunks of a convolution: of each one of ``conv_transformer``, or of that for HuBERT's positions."""
    bidirectional: bool = True
    """Of ``lstm`` and ``gru``: whether they read the chunks from the last one on too."""
    lookahead: Annotated[int, Range(0)] = 0
    """Of one direction: chunks that are read before a chunk is answered."""
    block: Annotated[int, Range(0)] = 0
    """Of ``transformer`` and ``conv_transformer``: attention sees the chunks of the same block of so many,
    and `past` chunks before the block; 0: the whole clip."""
    past: Annotated[int, Range(0)] = 32
    """Of blocks: chunks before the block that each layer sees."""

    def __post_init__(self) -> None:
        _check_odd("kernel", self.kernel)
        recurrent = self.kind in ("lstm", "gru")
        if not self.bidirectional and not recurrent:
            raise UserError("bidirectional", f"is for `lstm` and `gru`, and has no effect on `{self.kind}`")
        if self.lookahead and self.bidirectional:
            what = "is for a recurrent network in one direction"
            raise UserError("lookahead", what, "`bidirectional: false`" if recurrent else "`block`")
        if self.block and self.kind not in ("transformer", "conv_transformer"):
            what = f"is for `transformer` and `conv_transformer`, and has no effect on `{self.kind}`"
            raise UserError("block", what, "`bidirectional: false`" if recurrent else "")
        if self.kind not in ("lstm", "gru") and self.width % self.heads:
            what = (
                f"`{self.kind}` needs a width that is a multiple of its {self.heads} heads, not {self.width}"
            )
            raise UserError("kind", what, f"such as {self.heads * max(1, self.width // self.heads)}")


@dataclass(frozen=True, kw_only=True)
class GcnConfig:
    """Spatial-temporal graph network over the parts of a landmark layout."""

    factory: ClassVar[str] = "signkit.models.encoders.gcn:build"
    reads: ClassVar[str] = "landmarks"
    channels: tuple[Annotated[int, Range(1)], ...] = (64, 64, 128, 256)
    """Width of each graph block, in order."""
    temporal_kernel: Annotated[int, Range(1, 31)] = 5
    motion: bool = True
    """Add velocities as channels of the input."""
    fusion_width: Annotated[int, Range(1)] = 768
    """Width of a frame's vector after the parts are fused."""
    dropout: Annotated[float, Range(0, 1)] = 0.0
    part_dropout: Annotated[float, Range(0, 1)] = 0.0
    """Probability of leaving out a part of a sample in training."""
    lookahead: Annotated[int, Range(0)] | None = None
    """Frames after a frame that its vector depends on, at most; those of the temporal modules are added.
    None: convolutions over time are centred."""
    local_temporal: LocalTemporalConfig = LocalTemporalConfig()
    global_temporal: GlobalTemporalConfig = GlobalTemporalConfig()

    def __post_init__(self) -> None:
        if not self.channels:
            raise UserError("channels", "a graph network needs at least one block")
        _check_odd("temporal_kernel", self.temporal_kernel)


@dataclass(frozen=True, kw_only=True)
class KinematicConfig:
    """Normalised positions, velocities and distances of a few points: for hand tracks."""

    factory: ClassVar[str] = "signkit.models.encoders.kinematic:build"
    reads: ClassVar[str] = "landmarks"
    lags: tuple[Annotated[int, Range(1, 32)], ...] = (1, 2)
    """Frames over which velocities are taken."""
    local_temporal: LocalTemporalConfig = LocalTemporalConfig()
    global_temporal: GlobalTemporalConfig = GlobalTemporalConfig()


@dataclass(frozen=True, kw_only=True)
class PointsConfig:
    """All points of a frame through one linear map, as recurrent translators of key points read them."""

    factory: ClassVar[str] = "signkit.models.encoders.points:build"
    reads: ClassVar[str] = "landmarks"
    width: Annotated[int, Range(1)] = 256
    coordinates: Annotated[int, Range(2, 3)] = 2
    """Of each point: 3 uses the depth where there is one."""
    dropout: Annotated[float, Range(0, 1)] = 0.0
    local_temporal: LocalTemporalConfig = LocalTemporalConfig(kind="none")
    global_temporal: GlobalTemporalConfig = GlobalTemporalConfig(kind="gru", layers=2, width=256)


@dataclass(frozen=True, kw_only=True)
class ConvTransformerConfig:
    """Landmarks through causal depthwise convolutions and attention: the winner of Kaggle's GISLR in kind."""

    factory: ClassVar[str] = "signkit.models.encoders.conv_transformer:build"
    reads: ClassVar[str] = "landmarks"
    width: Annotated[int, Range(1)] = 192
    """Width of the blocks; a multiple of `heads`."""
    stages: Annotated[int, Range(1)] = 2
    """Each has `convs` convolution blocks and a Transformer block."""
    convs: Annotated[int, Range(0)] = 3
    kernel: Annotated[int, Range(1)] = 17
    """Frames of each convolution: the frame itself and those before it."""
    heads: Annotated[int, Range(1)] = 4
    coordinates: Annotated[int, Range(2, 3)] = 2
    """Coordinates of a point that are read: x and y, or z too."""
    drop: Annotated[float, Range(0, 0.9)] = 0.2
    """Dropout of attention, and probability of leaving out a block's branch for a sample."""
    block: Annotated[int, Range(0)] = 0
    """Attention, and the means that gate the channels, see the frames of the same block of so many, and
    `past` frames before the block; 0: the whole clip."""
    past: Annotated[int, Range(0)] = 64
    """Of blocks: frames before the block that they see."""

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise UserError("width", f"{self.width} is no multiple of the {self.heads} heads")


@dataclass(frozen=True, kw_only=True)
class SqueezeformerConfig:
    """Landmarks through blocks of attention and convolution: winner of Kaggle's fingerspelling contest."""

    factory: ClassVar[str] = "signkit.models.encoders.squeezeformer:build"
    reads: ClassVar[str] = "landmarks"
    width: Annotated[int, Range(2)] = 208
    """Width of the blocks: `heads` times an even number."""
    blocks: Annotated[int, Range(1)] = 14
    heads: Annotated[int, Range(1)] = 4
    kernel: Annotated[int, Range(1, 255)] = 51
    """Frames of each block's convolution."""
    expansion: Annotated[int, Range(1, 8)] = 1
    """Width inside a block's feed-forward layers, as a multiple of its own."""
    stride: Annotated[int, Range(1, 8)] = 1
    """Frames a chunk: their mean after the stems."""
    coordinates: Annotated[int, Range(2, 3)] = 3
    """Coordinates of a point that are read: x and y, or z too."""
    dropout: Annotated[float, Range(0, 0.9)] = 0.1
    """After convolutions, and in and after feed-forward layers."""
    resize: Annotated[float, Range(0, 0.9)] = 0.0
    """In training: largest share by which the z-scored points of a clip get larger or smaller, all alike;
    z-scores undo `augment.scale`."""
    move: Annotated[float, Range(0)] = 0.0
    """In training: largest shift of the z-scored points of a clip, in standard deviations; z-scores undo
    `augment.shift`."""

    def __post_init__(self) -> None:
        _check_odd("kernel", self.kernel)
        if self.width % (2 * self.heads):
            what = f"{self.width} is no multiple of twice the {self.heads} heads"
            raise UserError(
                "width", what, f"such as {2 * self.heads * max(1, self.width // (2 * self.heads))}"
            )


@dataclass(frozen=True, kw_only=True)
class LandmarkTransformerConfig:
    """Landmarks through convolutions and a Transformer, as in tutorials on Kaggle's fingerspelling contest.

    The defaults are a notebook's; a blog has `width: 64`, `layers: 4`, `heads: 2`, `feed_forward: 128`.
    """

    factory: ClassVar[str] = "signkit.models.encoders.landmark_transformer:build"
    reads: ClassVar[str] = "landmarks"
    width: Annotated[int, Range(1)] = 200
    """Width of the convolutions and of the Transformer."""
    layers: Annotated[int, Range(0, 24)] = 2
    """Layers of the Transformer."""
    heads: Annotated[int, Range(1)] = 4
    """Heads of attention, each as wide as `width`."""
    feed_forward: Annotated[int, Range(1)] = 400
    """Width of the layers between those of attention."""
    convs: Annotated[int, Range(1, 8)] = 3
    """Convolutions before the Transformer."""
    kernel: Annotated[int, Range(1, 255)] = 11
    """Frames of each convolution."""
    coordinates: Annotated[int, Range(2, 3)] = 3
    """Coordinates of a point that are read: x and y, or z too."""
    dropout: Annotated[float, Range(0, 0.9)] = 0.1
    """After attention and after feed-forward layers."""

    def __post_init__(self) -> None:
        _check_odd("kernel", self.kernel)
        if self.width % 2:
            raise UserError("width", f"{self.width} is odd", "positions have as many sines as cosines")


@dataclass(frozen=True, kw_only=True)
class HandConfig:
    """One hand, for letters and hand shapes: points, directions of bones and distances, and how it moves."""

    factory: ClassVar[str] = "signkit.models.encoders.hand:build"
    reads: ClassVar[str] = "landmarks"
    width: Annotated[int, Range(1)] = 192
    """Width of the layers, a frame's vector."""
    layers: Annotated[int, Range(0, 16)] = 2
    """Layers after the first, each with a residual."""
    coordinates: Annotated[int, Range(2, 3)] = 3
    """Coordinates of a point that are read: x and y, or z too."""
    dropout: Annotated[float, Range(0, 0.9)] = 0.1
    local_temporal: LocalTemporalConfig = LocalTemporalConfig(kind="none")
    global_temporal: GlobalTemporalConfig = GlobalTemporalConfig(layers=0)


@dataclass(frozen=True, kw_only=True)
class HandsConfig(HandConfig):
    """A signer, for single signs: the shapes of both hands as in ``hand``, and how each part moves."""

    factory: ClassVar[str] = "signkit.models.encoders.hands:build"


@dataclass(frozen=True, kw_only=True)
class FeaturesConfig:
    """Feature vectors that were computed elsewhere, one per frame."""

    factory: ClassVar[str] = "signkit.models.encoders.features:build"
    reads: ClassVar[str] = "features"
    dropout: Annotated[float, Range(0, 1)] = 0.0
    local_temporal: LocalTemporalConfig = LocalTemporalConfig()
    global_temporal: GlobalTemporalConfig = GlobalTemporalConfig()


@dataclass(frozen=True, kw_only=True)
class TextEncoderConfig:
    """Written sources, such as glosses: vectors of tokens through attention or a recurrent network."""

    factory: ClassVar[str] = "signkit.models.encoders.text:build"
    reads: ClassVar[str] = "text"
    width: Annotated[int, Range(1)] = 256
    """Width of the tokens' vectors."""
    dropout: Annotated[float, Range(0, 1)] = 0.1
    """Dropout on the tokens' vectors."""
    global_temporal: GlobalTemporalConfig = GlobalTemporalConfig(kind="transformer", layers=3, width=256)


@dataclass(frozen=True, kw_only=True)
class ImageBackboneConfig:
    """Frames of video through an image backbone of timm: a Swin Transformer, or any other."""

    factory: ClassVar[str] = "signkit.models.encoders.image_backbone:build"
    aliases: ClassVar[tuple[str, ...]] = ("swin",)
    reads: ClassVar[str] = "video"
    backbone: str = "swin_tiny_patch4_window7_224"
    """The name of a timm model, with a tag if there are several sets of weights (`resnet18.a1_in1k`)."""
    weights: Annotated[str, NewPath()] = "imagenet"
    """`imagenet`: timm's weights of that name; `none`; or a file, .safetensors or .pth."""
    freeze: str = "none"
    """What is not trained: `none`, `all`, or a number: the stem and so many of the first stages."""
    drop_path: Annotated[float, Range(0, 1)] = 0.0
    """Stochastic depth: probability of leaving out a block of the last stage, lower in earlier stages."""
    frames_per_pass: Annotated[int, Range(1)] | Auto = 32
    """Frames that go through the backbone at a time; auto: by the free memory of the GPU, 32 on a CPU."""
    checkpoint: bool | Auto = True
    """Gradient checkpointing: activations of a pass are not retained but computed again for its gradient.
    auto: of the frames that do not fit into the free memory of the GPU; of all on a CPU."""
    kept_frames: Annotated[int, Range(0)] = 0
    """The first so many frames of a batch retain their activations all the same."""
    compile: bool = False
    """Compile the backbone by torch.compile, which needs a C++ compiler, and Triton on a GPU. The first step
    takes a minute longer."""
    dropout: Annotated[float, Range(0, 1)] = 0.0
    """Dropout on each frame's vector."""
    local_temporal: LocalTemporalConfig = LocalTemporalConfig()
    global_temporal: GlobalTemporalConfig = GlobalTemporalConfig()

    def __post_init__(self) -> None:
        if not (self.freeze in ("none", "all") or self.freeze.isdecimal()):
            what = f"cannot be `{self.freeze}`"
            raise UserError("freeze", what, "`none`, `all`, or a number of stages, such as 2")


@dataclass(frozen=True, kw_only=True)
class CnnConfig:
    """Frames of video through a small convolutional network from scratch: 3x3 convolutions, pooled by two."""

    factory: ClassVar[str] = "signkit.models.encoders.cnn:build"
    reads: ClassVar[str] = "video"
    channels: tuple[Annotated[int, Range(1)], ...] = (16, 32, 64, 128)
    """Width of each convolution, in order."""
    width: Annotated[int, Range(1)] = 512
    """Width of the fully connected layer, a frame's vector."""
    size: Annotated[int, Range(1)] = 4
    """Height and width of the map that the fully connected layer reads, whatever the size of frames."""
    grey: bool = False
    """Read the brightness alone."""
    dropout: Annotated[float, Range(0, 1)] = 0.5
    """Dropout on each frame's vector."""
    local_temporal: LocalTemporalConfig = LocalTemporalConfig(kind="none")
    global_temporal: GlobalTemporalConfig = GlobalTemporalConfig(layers=0)

    def __post_init__(self) -> None:
        if not self.channels:
            raise UserError("channels", "a network needs at least one convolution")


@dataclass(frozen=True, kw_only=True)
class MictRanetConfig:
    """Fingerspelling in video (MiCT-RANet): a ResNet with 3-D convolutions, and recurrent attention."""

    factory: ClassVar[str] = "signkit.models.encoders.mict_ranet:build"
    reads: ClassVar[str] = "video"
    backbone: Literal["resnet18", "resnet34"] = "resnet34"
    """The ResNet whose blocks it has."""
    channels: tuple[Annotated[int, Range(1)], ...] = (64, 128, 256, 512)
    """Width of each of its four stages; the stem is as wide as the first."""
    kernel: Annotated[int, Range(1, 31)] = 5
    """Frames of each of the five 3-D convolutions."""
    padding: Literal["center", "forward"] = "center"
    """Which frames they read: those around the frame, or those that follow it."""
    attention: Annotated[int, Range(1)] = 512
    """Width of the layer in which maps and the recurrent state are compared."""
    hidden: Annotated[int, Range(1)] = 512
    """Width of the LSTM, a frame's vector."""
    weights: Annotated[str, NewPath()] = "imagenet"
    """Of the ResNet's 2-D layers: `imagenet`, `none`, or a file of them,
    .safetensors or .pth."""
    checkpoint: bool = True
    """Gradient checkpointing: only what goes from one block to the next is retained for the gradient."""
    dropout: Annotated[float, Range(0, 1)] = 0.0
    """Dropout on each frame's vector."""

    def __post_init__(self) -> None:
        _check_odd("kernel", self.kernel)
        if len(self.channels) != 4:
            raise UserError("channels", f"has {len(self.channels)} numbers, and a ResNet has 4 stages")


@dataclass(frozen=True, kw_only=True)
class NothingConfig:
    """A placeholder in language models' recipes of version 0.1, treated as no encoder."""

    factory: ClassVar[str] = ""
    placeholder: ClassVar[bool] = True
    width: Annotated[int, Range(1)] = 256
    """Width of the context's vectors; today `model.width`."""
