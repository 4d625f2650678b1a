"""Encoders on frames as they come: the features of whole clips, bounded memory, and what cannot stream."""

import random
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from signkit.config.registry import build
from signkit.data.layouts import layout
from signkit.errors import UserError
from signkit.models.encoders.attending import in_sight
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
    PointsConfig,
)
from signkit.models.encoders.streaming import EncoderStream, one_clip, shared_lookahead
from signkit.models.encoders.temporal import DilatedTcn, Gru, Lstm, PooledTcn, build_temporal

TCN = LocalTemporalConfig(width=8, pooling="max", lookahead=2)
DILATED = LocalTemporalConfig(kind="dilated", width=8, dilations=(1, 2), lookahead=7)
FRAMES = LocalTemporalConfig(kind="none")
LSTM = GlobalTemporalConfig(layers=2, width=8, bidirectional=False, lookahead=3)
GRU = replace(LSTM, kind="gru", lookahead=0)
NONE = GlobalTemporalConfig(layers=0)
BLOCKS = GlobalTemporalConfig(
    kind="transformer", layers=2, width=8, heads=2, feed_forward=6, kernel=3, block=3, past=5
)
GCN = GcnConfig(channels=(4, 6), fusion_width=7, local_temporal=TCN, global_temporal=LSTM)
TIMM = ImageBackboneConfig(
    backbone="test_convnext", weights="none", local_temporal=TCN, global_temporal=replace(LSTM, lookahead=0)
)
CASES: dict[str, tuple[Any, str, int, int]] = {  # the options, what it reads, numbers of a frame, the delay
    "gcn-at-once": (
        replace(
            GCN,
            lookahead=0,
            local_temporal=replace(TCN, lookahead=0),
            global_temporal=replace(LSTM, lookahead=0),
        ),
        "hands",
        42 * 2,
        3,
    ),
    "gcn": (replace(GCN, lookahead=3), "hands", 42 * 2, 3 + 2 + 3 * 4 + 3),
    "gcn-centred": (
        replace(GCN, local_temporal=replace(TCN, lookahead=None), global_temporal=NONE),
        "hands",
        42 * 2,
        4 + 6 + 3,
    ),
    "kinematic": (KinematicConfig(local_temporal=DILATED, global_temporal=GRU), "boston104", 6, 7 + 1),
    "points": (PointsConfig(width=8, global_temporal=LSTM), "hands", 42 * 2, 3),
    "hands": (HandsConfig(width=8, local_temporal=TCN, global_temporal=GRU), "hands", 42 * 3, 2 + 3),
    "features": (
        FeaturesConfig(local_temporal=replace(DILATED, kernel=1, stride=4), global_temporal=LSTM),
        "",
        6,
        4 + 3 * 4 + 3,
    ),
    "blocks": (FeaturesConfig(local_temporal=FRAMES, global_temporal=BLOCKS), "", 6, 2),
    "conv-blocks": (
        FeaturesConfig(local_temporal=TCN, global_temporal=replace(BLOCKS, kind="conv_transformer")),
        "",
        6,
        2 + 3 * 4 - 1,
    ),
    "conv_transformer": (
        ConvTransformerConfig(width=8, stages=2, convs=2, kernel=5, heads=2, block=4, past=7),
        "hands",
        42 * 3,
        3,
    ),
    "cnn": (CnnConfig(channels=(4,), width=8, size=1, global_temporal=LSTM), "video", 8 * 8 * 3, 3),
    "timm": (TIMM, "video", 32 * 32 * 3, 2 + 3),
}


def made(config: Any, of: str, numbers: int) -> Any:
    """The encoder in eval mode, none of whose weights is at its first value."""
    torch.manual_seed(0)
    width = {"video": 3, "": 6}.get(of, numbers // max(1, len(points(of))))
    encoder = build(config, layout(of) if points(of) else None, width).eval()
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return encoder


def points(of: str) -> tuple[str, ...]:
    return layout(of).points if of not in ("", "video") else ()


def clip(of: str, numbers: int, frames: int) -> Tensor:
    generator = torch.Generator().manual_seed(frames)
    if of == "video":
        side = 8 if numbers == 192 else 32
        return torch.randint(0, 255, (frames, side, side, 3), dtype=torch.uint8, generator=generator)
    if not points(of):
        return torch.randn(frames, numbers, generator=generator)
    x = torch.randn(frames, len(points(of)), numbers // len(points(of)), generator=generator)
    return x.masked_fill(torch.rand(x.shape[:2], generator=generator)[..., None] < 0.2, torch.nan)


@pytest.mark.parametrize("name", CASES)
def test_frames_as_they_come_have_the_features_of_the_clip(name: str) -> None:
    """However they are divided; and a chunk is answered when its delay is over, not before it need be."""
    config, of, numbers, delay = CASES[name]
    encoder, cuts = made(config, of, numbers), random.Random(0)
    stream = EncoderStream(encoder)
    assert stream.delay == delay
    for frames in (1, 2, 7, 61):
        whole = clip(of, numbers, frames)
        with torch.no_grad():
            expected = encoder(one_clip(whole)).levels
        stride = -(-frames // expected["video"].shape[1]) if frames == 61 else 1
        found: list[dict[str, Tensor]] = []
        pushed = answered = 0
        while pushed < frames:
            some = min(frames - pushed, cuts.choice([1, 1, 2, 3, 11]))
            found.append(stream.push(whole[pushed : pushed + some]))
            pushed += some
            answered += len(found[-1].get("video", ()))
            if frames == 61:
                assert answered * stride >= pushed - delay
        found.append(stream.finish())
        for level in ("chunk", "video"):
            parts = torch.cat([each[level] for each in found if each])
            torch.testing.assert_close(parts, expected[level][0], rtol=1e-5, atol=1e-5)
    assert stream.held() == 0
    assert stream.finish() == {} == stream.push(whole[:0])


@pytest.mark.parametrize("name", ["gcn", "conv-blocks", "conv_transformer"])
def test_the_memory_does_not_grow(name: str) -> None:
    config, of, numbers, _ = CASES[name]
    stream = EncoderStream(made(config, of, numbers))
    held = []
    for _ in range(3):
        sizes = []
        for frame in clip(of, numbers, 48).split(2):
            stream.push(frame)
            sizes.append(stream.held())
        held.append(max(sizes))
    assert held[1] == held[2]


def test_a_look_ahead_is_shared_out_to_the_first_convolutions() -> None:
    natural = [(2, 1), (2, 2), (3, 2)]
    found = [shared_lookahead(natural, n) for n in (0, 1, 3, 4, 9, 99, None)]
    assert found == [(0, 0, 0), (1, 0, 0), (2, 0, 0), (2, 1, 0), (2, 2, 1), (2, 2, 3), (2, 2, 3)]


@pytest.mark.parametrize("module", [PooledTcn, DilatedTcn])
def test_as_far_as_it_would_look_is_what_it_does_without_a_limit(module: Any) -> None:
    options = {"lift": False} if module is PooledTcn else {"dilations": (1, 2)}
    torch.manual_seed(0)
    centred, far = module(3, 4, **options).eval(), module(3, 4, lookahead=99, **options).eval()
    far.load_state_dict(centred.state_dict())
    x, mask = torch.randn(2, 9, 3), torch.ones(2, 9, dtype=torch.bool)
    assert torch.equal(centred(x, mask)[0], far(x, mask)[0])
    assert centred.reach == far.reach
    near = module(3, 4, lookahead=1, **options)
    assert (near.reach.after, near.reach.before + 1) == (1, far.reach.before + far.reach.after)


@pytest.mark.parametrize("module", [Lstm, Gru])
def test_one_direction_answers_with_the_state_of_later_chunks(module: Any) -> None:
    torch.manual_seed(0)
    later = module(3, 5, 2, lookahead=2).eval()
    rnn = later.lstm if module is Lstm else later.gru
    x = torch.randn(2, 6, 3)
    found = later(x * torch.tensor([[[1.0]] * 6, [[1.0]] * 4 + [[0.0]] * 2]), torch.tensor([6, 4]))
    for row, length in enumerate((6, 4)):
        states = rnn(torch.cat([x[row : row + 1, :length], torch.zeros(1, 2, 3)], 1))[0]
        torch.testing.assert_close(found[row, :length], states[0, 2:])
    assert not found[1, 4:].any()
    assert later.width == 5


def test_blocks_and_what_is_before_them_are_in_sight() -> None:
    mask = torch.tensor([[True] * 5 + [False]])
    sees = in_sight(torch.zeros(1, 6, 1), mask, block=2, past=1)
    assert [row.nonzero().flatten().tolist() for row in sees[0]] == [
        [0, 1], [0, 1], [1, 2, 3], [1, 2, 3], [3, 4], [3, 4, 5]
    ]  # fmt: skip


def test_attention_in_blocks_is_its_formula() -> None:
    """softmax(q k / sqrt(width) - slope distance) v over what is in sight."""
    torch.manual_seed(0)
    of = GlobalTemporalConfig(kind="transformer", layers=1, width=4, heads=1, feed_forward=3, block=2, past=1)
    attending: Any = build_temporal(3, FRAMES, of).recurrent
    x, layer = torch.randn(1, 5, 3), attending.layers.layers[0]
    given = attending.project(x)
    q, k, v = nn.functional.linear(
        layer.norm1(given), layer.self_attn.in_proj_weight, layer.self_attn.in_proj_bias
    ).chunk(3, 2)
    place = torch.arange(5)
    scores = q[0] @ k[0].T / 2 - 2.0**-8 * (place[:, None] - place).abs()
    scores = scores.masked_fill(~in_sight(x, torch.ones(1, 5, dtype=torch.bool), 2, 1)[0], -torch.inf)
    mixed = given + layer.self_attn.out_proj(scores.softmax(1) @ v[0])
    fed = mixed + layer.linear2(nn.functional.gelu(layer.linear1(layer.norm2(mixed))))
    expected = attending.layers.norm(fed)
    for training in (True, False):
        with torch.no_grad():  # without gradients torch takes another way
            found = attending.train(training)(x, torch.tensor([5]))
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    ("config", "of", "message"),
    [
        (
            GcnConfig(channels=(4,), fusion_width=4, global_temporal=NONE),
            "hands",
            "encoder.local_temporal.pooling: `lift` normalises by the whole clip and cannot be streamed; "
            "`max`",
        ),
        (
            FeaturesConfig(local_temporal=FRAMES),
            "",
            "encoder.global_temporal.bidirectional: a network in both directions reads a clip from its end "
            "and cannot be streamed; `false`, of twice the width",
        ),
        (
            FeaturesConfig(local_temporal=FRAMES, global_temporal=replace(BLOCKS, block=0)),
            "",
            "encoder.global_temporal.block: attention to the whole clip cannot be streamed; such as 4, with "
            "`past: 32`",
        ),
        (
            FeaturesConfig(
                local_temporal=FRAMES,
                global_temporal=GlobalTemporalConfig(kind="hubert", layers=1, width=8, heads=2),
            ),
            "",
            "encoder.global_temporal.kind: HuBERT's encoder attends to the whole clip and cannot be "
            "streamed; `transformer`, with a `block`",
        ),
        (
            ConvTransformerConfig(width=8, heads=2),
            "hands",
            "encoder.block: attention to the whole clip cannot be streamed; such as 8, with `past: 64`",
        ),
        (
            HandConfig(width=8),
            "hand",
            "encoder.name: HandFrames reads whole clips and cannot be streamed; `gcn`, `kinematic` and "
            "`points` can be, for one",
        ),
        (
            LandmarkTransformerConfig(width=8, layers=1, heads=2, feed_forward=6, kernel=3),
            "hands",
            "encoder.name: LandmarkTransformer reads whole clips and cannot be streamed; `gcn`, `kinematic`, "
            "`points`, `features` and `timm` can",
        ),
    ],
)
def test_what_cannot_stream(config: Any, of: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        EncoderStream(made(config, of, 42 * 3 if of == "hands" else 63 if of else 6))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: LocalTemporalConfig(lookahead=2),
            "lookahead: `pooling: lift` normalises by the whole clip, however far the convolutions look; "
            "`pooling: max`",
        ),
        (
            lambda: GlobalTemporalConfig(lookahead=2),
            "lookahead: is for a recurrent network in one direction; `bidirectional: false`",
        ),
        (
            lambda: GlobalTemporalConfig(kind="transformer", lookahead=2),
            "lookahead: is for a recurrent network in one direction; `block`",
        ),
        (
            lambda: GlobalTemporalConfig(kind="transformer", bidirectional=False),
            "bidirectional: is for `lstm` and `gru`, and has no effect on `transformer`",
        ),
        (
            lambda: GlobalTemporalConfig(block=2),
            "block: is for `transformer` and `conv_transformer`, and has no effect on `lstm`; "
            "`bidirectional: false`",
        ),
    ],
)
def test_options_that_contradict_each_other(make: Any, message: str) -> None:
    with pytest.raises(UserError) as caught:
        make()
    assert str(caught.value) == message
