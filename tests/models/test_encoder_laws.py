"""The built-in encoders hold to the laws of `signkit.testing`, and what breaks one is found."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from signkit.config.registry import build
from signkit.data.batch import Batch
from signkit.data.layouts import layout
from signkit.models.encoders.configs import (
    CnnConfig,
    ConvTransformerConfig,
    FeaturesConfig,
    GcnConfig,
    GlobalTemporalConfig,
    HandConfig,
    HandsConfig,
    ImageBackboneConfig,
    KinematicConfig,
    LandmarkTransformerConfig,
    LocalTemporalConfig,
    MictRanetConfig,
    PointsConfig,
    SqueezeformerConfig,
    TextEncoderConfig,
)
from signkit.models.encoders.protocol import EncoderOutput
from signkit.models.encoders.temporal import build_temporal
from signkit.testing import check_encoder

LIFT = LocalTemporalConfig(kind="tcn", width=8, pooling="lift", dropout=0.2)
MAX = LocalTemporalConfig(kind="tcn", width=8, pooling="max")
DILATED = LocalTemporalConfig(kind="dilated", width=8, dilations=(1, 2))
DILATED3 = LocalTemporalConfig(kind="dilated", width=8, dilations=(1,), stride=3, kernel=3)
LSTM = GlobalTemporalConfig(layers=2, width=5, dropout=0.2)
NONE = GlobalTemporalConfig(layers=0)
ATTENDING = {
    kind: GlobalTemporalConfig(kind=kind, layers=2, width=8, heads=2, feed_forward=6, dropout=0.2, kernel=3)
    for kind in ("transformer", "conv_transformer", "hubert")
}
FRAMES = LocalTemporalConfig(kind="none")
GCN = GcnConfig(channels=(4,), fusion_width=7, local_temporal=LIFT, global_temporal=LSTM)
TIMM = ImageBackboneConfig(
    backbone="test_convnext", weights="none", frames_per_pass=50, local_temporal=LIFT, global_temporal=LSTM
)
CASES: dict[str, tuple[Any, str, int]] = {
    "gcn": (GCN, "holistic", 3),
    "gcn-hands": (replace(GCN, channels=(4, 6), local_temporal=DILATED, global_temporal=NONE), "hands", 2),
    "kinematic": (KinematicConfig(local_temporal=MAX, global_temporal=LSTM), "boston104", 2),
    "points": (PointsConfig(width=8, global_temporal=replace(LSTM, kind="gru")), "hands", 3),
    "points-depth": (PointsConfig(width=8, coordinates=3, global_temporal=NONE), "boston104", 2),
    "hand": (HandConfig(width=8, dropout=0.2), "hand", 3),
    "hand-flat": (HandConfig(width=8, layers=0, coordinates=2, local_temporal=LIFT), "hand", 3),
    "conv_transformer": (ConvTransformerConfig(width=8, stages=1, kernel=5, heads=2), "holistic", 3),
    "conv_transformer-z": (
        ConvTransformerConfig(width=6, stages=2, convs=1, kernel=3, heads=3, coordinates=3, drop=0.0),
        "hand",
        3,
    ),
    "squeezeformer": (SqueezeformerConfig(width=8, blocks=2, heads=2, kernel=5), "holistic", 3),
    "squeezeformer-stride": (
        SqueezeformerConfig(width=12, blocks=1, heads=3, kernel=3, stride=3, coordinates=2, expansion=2),
        "hands",
        3,
    ),
    "squeezeformer-points": (SqueezeformerConfig(width=4, blocks=1, heads=1, kernel=3), "boston104", 3),
    "landmark_transformer": (
        LandmarkTransformerConfig(width=8, layers=2, heads=2, feed_forward=6, kernel=5),
        "holistic",
        3,
    ),
    "landmark_transformer-points": (
        LandmarkTransformerConfig(width=6, layers=1, heads=1, feed_forward=6, kernel=3, coordinates=2),
        "boston104",
        3,
    ),
    "hands": (HandsConfig(width=8, dropout=0.2, global_temporal=ATTENDING["transformer"]), "holistic", 3),
    "hands-flat": (HandsConfig(width=8, layers=0, coordinates=2, local_temporal=LIFT), "hands", 3),
    "frames-lstm": (FeaturesConfig(local_temporal=FRAMES, global_temporal=LSTM), "", 6),
    **{
        f"frames-{kind}": (FeaturesConfig(local_temporal=FRAMES, global_temporal=over), "", 6)
        for kind, over in ATTENDING.items()
    },
    "frames-blocks": (
        FeaturesConfig(
            local_temporal=FRAMES,
            global_temporal=replace(ATTENDING["conv_transformer"], block=2, past=3),
        ),
        "",
        6,
    ),
    "conv_transformer-blocks": (
        ConvTransformerConfig(width=8, stages=1, convs=1, kernel=5, heads=2, block=4, past=3),
        "hands",
        3,
    ),
    "gcn-ahead": (
        replace(
            GCN,
            lookahead=1,
            local_temporal=replace(DILATED, lookahead=3),
            global_temporal=replace(LSTM, bidirectional=False, lookahead=1),
        ),
        "hands",
        2,
    ),
    "frames-gru": (FeaturesConfig(local_temporal=FRAMES, global_temporal=replace(LSTM, kind="gru")), "", 6),
    "text": (TextEncoderConfig(width=8, global_temporal=ATTENDING["transformer"]), "text", 9),
    "text-gru": (TextEncoderConfig(width=8, global_temporal=replace(LSTM, kind="gru")), "text", 9),
    "features": (FeaturesConfig(dropout=0.3, local_temporal=DILATED3, global_temporal=NONE), "", 6),
    "timm": (TIMM, "video", 3),
    "mict_ranet": (
        MictRanetConfig(backbone="resnet18", channels=(4, 4, 6, 6), attention=5, hidden=7, weights="none"),
        "video",
        3,
    ),
    "mict_ranet-forward": (
        MictRanetConfig(
            channels=(4, 4, 4, 4),
            kernel=3,
            padding="forward",
            hidden=5,
            weights="none",
            checkpoint=False,
        ),
        "video",
        3,
    ),
    "cnn": (CnnConfig(channels=(4, 6), width=8, size=2), "video", 3),
    "cnn-grey": (CnnConfig(channels=(4,), width=8, size=1, grey=True, local_temporal=MAX), "video", 3),
}
SINGLE = {"dtype": torch.float32, "tolerance": 1e-4, "noise": 0.02}
"""Of an image backbone, which takes long in double precision."""


def made(config: Any, name: str, width: int) -> nn.Module:
    return build(config, None if name in ("", "video", "text") else layout(name), width)  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", CASES)
def test_the_built_in_ones(name: str) -> None:
    config, of, width = CASES[name]
    check_encoder(
        lambda: made(config, of, width), layout=of, width=width, noise=0.02 if of == "video" else 0.2
    )


class Broken(nn.Module):
    """An encoder of features with one fault."""

    reads = "features"

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault, self.frame = fault, nn.Linear(6, 8)
        self.temporal = build_temporal(8, DILATED3, NONE)
        self.dims = {"chunk": 8, "video": 9 if fault == "width" else 8}
        self.unused = nn.Parameter(torch.ones(1)) if fault == "unused" else None

    def forward(self, batch: Batch) -> EncoderOutput:
        if self.fault == "whole":  # the padding is read
            return self.temporal(
                self.frame(batch.inputs), torch.full_like(batch.lengths, batch.inputs.shape[1])
            )
        inputs = torch.nan_to_num(batch.inputs)
        if self.fault == "mean":  # over the batch
            inputs = inputs - inputs.mean((0, 1))
        if self.fault == "place":
            inputs = inputs + torch.arange(len(inputs))[:, None, None]
        output = self.temporal(self.frame(inputs), batch.lengths)
        if self.fault == "bias":
            return replace(output, levels={name: level + 1 for name, level in output.levels.items()})
        return output

    def output_lengths(self, lengths: Tensor) -> Tensor:
        return self.temporal.output_lengths(lengths) if self.fault != "floor" else lengths // 3

    def chunk_centres(self, chunks: int) -> Tensor:
        return self.temporal.chunk_centres(chunks) if self.fault != "centres" else torch.zeros(chunks)


def test_it_holds_without_the_fault() -> None:
    check_encoder(lambda: Broken(""), width=6)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("whole", "1 more frames of padding change the level `chunk`, by"),
        ("width", "`dims['video']` is 9, and the level 8 wide"),
        ("unused", "no gradient reaches unused in a batch of 4"),
        ("mean", "1 more frames of padding change the level `chunk`, by"),
        ("place", "another order of the batch changes the level `chunk`, by"),
        ("bias", "the level `chunk` is not zero after the end of a clip"),
        ("floor", "`output_lengths` says 0 for 1 frames, and the output has [1] chunks"),
        ("centres", "the centres of chunks do not rise: [0.0, 0.0]"),
    ],
)
def test_a_fault_is_found(fault: str, message: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_encoder(lambda: Broken(fault), width=6)
    assert str(caught.value).startswith(message)


class BrokenMotion(nn.Module):
    """An encoder of video that adds how much moves to the mean colour, with one fault."""

    reads = "video"
    dims = {"chunk": 8, "video": 8}

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault, self.frame = fault, nn.Linear(4, 8)

    def forward(self, batch: Batch) -> EncoderOutput:
        assert batch.motion is not None
        inside = torch.arange(batch.inputs.shape[1]) < batch.lengths[:, None]
        moving = batch.motion.to(self.frame.weight).mean((2, 3)) / 255
        if self.fault == "padding":
            moving = moving - moving.mean(1, keepdim=True)
        if self.fault == "first":
            moving = moving + moving[:1, :1]
        colour = batch.inputs.to(self.frame.weight).mean((2, 3)) / 255
        level = self.frame(torch.cat([colour, moving[..., None]], -1)) * inside[..., None]
        nothing = torch.zeros(len(level))
        return EncoderOutput({"chunk": level, "video": level}, batch.lengths, nothing)

    def output_lengths(self, lengths: Tensor) -> Tensor:
        return lengths

    def chunk_centres(self, chunks: int) -> Tensor:
        return torch.arange(chunks)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("padding", "1 more frames of padding change the level `chunk`, by"),
        ("first", "another order of the batch changes the level `chunk`, by"),
    ],
)
def test_a_fault_of_motion_is_found(fault: str, message: str) -> None:
    check_encoder(lambda: BrokenMotion(""), layout="video")
    with pytest.raises(AssertionError) as caught:
        check_encoder(lambda: BrokenMotion(fault), layout="video")
    assert str(caught.value).startswith(message)


def test_padding_may_be_multiplied_by_zero() -> None:
    """It is never NaN: a mask may be a factor."""

    class Masked(Broken):
        def forward(self, batch: Batch) -> EncoderOutput:
            inside = torch.arange(batch.inputs.shape[1]) < batch.lengths[:, None]
            return super().forward(replace(batch, inputs=batch.inputs * inside[..., None]))

    check_encoder(lambda: Masked(""), width=6)
