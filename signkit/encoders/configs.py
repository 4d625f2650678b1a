"""Options of the built-in encoders. The defaults are the published sizes."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from signkit.errors import UserError
from signkit.strict_yaml import Range


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

    factory: ClassVar[str] = "signkit.encoders.gcn:build"
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

    factory: ClassVar[str] = "signkit.encoders.kinematic:build"
    lags: tuple[Annotated[int, Range(1, 32)], ...] = (1, 2)
    """Frames over which velocities are taken."""
    local_temporal: LocalTemporalConfig = LocalTemporalConfig()
    global_temporal: GlobalTemporalConfig = GlobalTemporalConfig()


@dataclass(frozen=True, kw_only=True)
class FeaturesConfig:
    """Feature vectors made elsewhere, one a frame."""

    factory: ClassVar[str] = "signkit.encoders.features:build"
    dropout: Annotated[float, Range(0, 1)] = 0.0
    local_temporal: LocalTemporalConfig = LocalTemporalConfig()
    global_temporal: GlobalTemporalConfig = GlobalTemporalConfig()


@dataclass(frozen=True, kw_only=True)
class NothingConfig:
    """Nothing is seen: for language models, which read text alone."""

    factory: ClassVar[str] = "signkit.encoders.nothing:build"
    width: Annotated[int, Range(1)] = 256
    """Of the vectors that the context gives."""
