"""Options of the built-in encoders. The defaults are the published sizes."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from signkit.config.strict_yaml import Range
from signkit.errors import UserError


def _check_odd(key: str, frames: int) -> None:
    if frames % 2 == 0:
        raise UserError(key, f"{frames} is even", "take an odd number of frames, which has a middle")


@dataclass(frozen=True, kw_only=True)
class LocalTemporalConfig:
    """From frames to chunks.

    ``tcn`` is K5-P2-K5-P2: two convolutions with BatchNorm and ReLU, each followed by a pooling by
    two. ``dilated`` is a convolution, a strided one, and residual dilated ones with LayerNorm.
    """

    kind: Literal["tcn", "dilated"] = "tcn"
    width: Annotated[int, Range(1)] = 1024
    kernel: Annotated[int, Range(1, 31)] = 5
    pooling: Literal["lift", "max"] = "lift"
    """Of ``tcn``: temporal lift pooling (Hu et al. 2022) or max pooling."""
    dilations: tuple[Annotated[int, Range(1)], ...] = (1, 2, 4, 8, 1, 2, 4, 8)
    """Of ``dilated``: one residual convolution each."""
    stride: Annotated[int, Range(1, 8)] = 2
    """Of ``dilated``: frames a chunk."""
    dropout: Annotated[float, Range(0, 1)] = 0.0

    def __post_init__(self) -> None:
        _check_odd("kernel", self.kernel)


@dataclass(frozen=True, kw_only=True)
class GlobalTemporalConfig:
    """From chunk features to video features: a bidirectional LSTM. ``layers: 0`` leaves it out."""

    layers: Annotated[int, Range(0, 8)] = 2
    width: Annotated[int, Range(1)] = 512
    """Of each direction."""
    dropout: Annotated[float, Range(0, 1)] = 0.0


@dataclass(frozen=True, kw_only=True)
class GcnConfig:
    """Spatial-temporal graph network over the parts of a landmark layout."""

    factory: ClassVar[str] = "signkit.models.encoders.gcn:build"
    reads: ClassVar[str] = "landmarks"
    channels: tuple[Annotated[int, Range(1)], ...] = (64, 64, 128, 256)
    """Width of each graph block, one after another."""
    temporal_kernel: Annotated[int, Range(1, 31)] = 5
    motion: bool = True
    """Velocities as further channels of the input."""
    fusion_width: Annotated[int, Range(1)] = 768
    """Width of a frame's vector after the parts are fused."""
    dropout: Annotated[float, Range(0, 1)] = 0.0
    part_dropout: Annotated[float, Range(0, 1)] = 0.0
    """Probability to leave out a part of a sample while training."""
    local_temporal: LocalTemporalConfig = LocalTemporalConfig()
    global_temporal: GlobalTemporalConfig = GlobalTemporalConfig()

    def __post_init__(self) -> None:
        if not self.channels:
            raise UserError("channels", "a graph network needs at least one block")
        _check_odd("temporal_kernel", self.temporal_kernel)


@dataclass(frozen=True, kw_only=True)
class KinematicConfig:
    """Positions, velocities and distances of a few points, normalised: for hand tracks."""

    factory: ClassVar[str] = "signkit.models.encoders.kinematic:build"
    reads: ClassVar[str] = "landmarks"
    lags: tuple[Annotated[int, Range(1, 32)], ...] = (1, 2)
    """Frames over which velocities are taken."""
    local_temporal: LocalTemporalConfig = LocalTemporalConfig()
    global_temporal: GlobalTemporalConfig = GlobalTemporalConfig()


@dataclass(frozen=True, kw_only=True)
class FeaturesConfig:
    """Feature vectors made elsewhere, one a frame."""

    factory: ClassVar[str] = "signkit.models.encoders.features:build"
    reads: ClassVar[str] = "features"
    dropout: Annotated[float, Range(0, 1)] = 0.0
    local_temporal: LocalTemporalConfig = LocalTemporalConfig()
    global_temporal: GlobalTemporalConfig = GlobalTemporalConfig()


@dataclass(frozen=True, kw_only=True)
class ImageBackboneConfig:
    """Frames of video through an image backbone of timm: a Swin Transformer, or any other."""

    factory: ClassVar[str] = "signkit.models.encoders.image_backbone:build"
    aliases: ClassVar[tuple[str, ...]] = ("swin",)
    reads: ClassVar[str] = "video"
    backbone: str = "swin_tiny_patch4_window7_224"
    """A model of timm by its name, with a tag where it has weights of several (`resnet18.a1_in1k`)."""
    weights: str = "imagenet"
    """`imagenet`: those timm has under the name; `none`; or a file, .safetensors or .pth."""
    freeze: str = "none"
    """What is not trained: `none`, `all`, or the stem and so many of the first stages."""
    drop_path: Annotated[float, Range(0, 1)] = 0.0
    """Stochastic depth: probability to leave out a block of the last stage, less before."""
    frames_per_pass: Annotated[int, Range(1)] = 32
    """Frames that go through the backbone at a time."""
    checkpoint: bool = True
    """Keep no activations of a pass: they are computed again when its gradient is."""
    kept_frames: Annotated[int, Range(0)] = 0
    """Frames of a batch, the first ones, whose activations are kept nevertheless."""
    dropout: Annotated[float, Range(0, 1)] = 0.0
    """Of each frame's vector."""
    local_temporal: LocalTemporalConfig = LocalTemporalConfig()
    global_temporal: GlobalTemporalConfig = GlobalTemporalConfig()

    def __post_init__(self) -> None:
        if not (self.freeze in ("none", "all") or self.freeze.isdecimal()):
            what = f"cannot be `{self.freeze}`"
            raise UserError("freeze", what, "`none`, `all`, or a number of stages, such as 2")


@dataclass(frozen=True, kw_only=True)
class NothingConfig:
    """Of language models in recipes of version 0.1: as if there were no encoder."""

    factory: ClassVar[str] = ""
    placeholder: ClassVar[bool] = True
    width: Annotated[int, Range(1)] = 256
    """Of the vectors that the context gives: `model.width`."""
