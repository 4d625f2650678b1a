"""The encoder of tutorials on fingerspelling: its sizes, what it z-scores, how far its convolutions see."""

import math

import pytest
import torch
from landmark_batch import batch

from signkit.data.layouts import layout, subset
from signkit.errors import UserError
from signkit.models.encoders.configs import LandmarkTransformerConfig
from signkit.models.encoders.landmark_transformer import LandmarkTransformer, build, places

SMALL = {"width": 8, "layers": 1, "heads": 2, "feed_forward": 6, "kernel": 3, "dropout": 0.0}


def small(of: str = "hand", **options: object) -> LandmarkTransformer:
    torch.manual_seed(0)
    config = LandmarkTransformerConfig(**(SMALL | options))  # type: ignore[arg-type]
    return build(config, layout(of), 3).eval()


@pytest.mark.parametrize(
    ("options", "count"),
    [({}, 2_660_200), ({"width": 64, "layers": 4, "heads": 2, "feed_forward": 128}, 345_408)],
    ids=["notebook", "blog"],
)
def test_numbers_of_the_sources(options: dict[str, int], count: int) -> None:
    """As Keras counts the layers of their encoders, for the 26 points of one hand and arm."""
    points = subset(layout("holistic"), "hand_and_arm", "signing")[0]
    encoder = build(LandmarkTransformerConfig(**options), points, 3)  # type: ignore[arg-type]
    assert sum(each.numel() for each in encoder.parameters()) == count


def test_positions_are_sines_then_cosines() -> None:
    found = places(5, 6)
    assert found.shape == (5, 6)
    assert found[0].tolist() == [0, 0, 0, 1, 1, 1]
    for place in range(5):
        for i in range(3):
            angle = place / 10_000 ** (i / 3)
            assert float(found[place, i]) == pytest.approx(math.sin(angle), abs=1e-6)
            assert float(found[place, 3 + i]) == pytest.approx(math.cos(angle), abs=1e-6)


def test_a_hand_is_z_scored_in_each_frame_and_the_body_is_not() -> None:
    torch.manual_seed(1)
    points = torch.randn(1, 6, 543, 3)
    encoder, whole = small("holistic"), layout("holistic")
    before = encoder(batch(points)).levels["video"]
    hand, body = (list(whole.parts[name]) for name in ("left_hand", "body"))
    larger, moved = points.clone(), points.clone()
    factor = 1 + torch.arange(6)[None, :, None, None]
    larger[:, :, hand] = larger[:, :, hand] * factor + factor
    moved[:, :, body] += 1
    assert torch.allclose(encoder(batch(larger)).levels["video"], before, atol=1e-4)
    assert not torch.allclose(encoder(batch(moved)).levels["video"], before, atol=1e-2)


def test_convolutions_see_as_far_before_as_after() -> None:
    inputs = torch.randn(1, 21, 21, 3)
    changed = inputs.clone()
    changed[0, 10] = torch.randn(21, 3)
    encoder = small(layers=0, width=64)
    moved = encoder(batch(changed)).levels["video"] != encoder(batch(inputs)).levels["video"]
    assert moved[0].any(1).tolist() == [False] * 7 + [True] * 7 + [False] * 7


@pytest.mark.parametrize(
    ("of", "width", "message"),
    [
        (None, 8, "encoder.name: 'landmark_transformer' reads landmarks, and the corpus has feature vectors"),
        ("hand", 2, "encoder.coordinates: is 3, and the corpus has 2"),
    ],
)
def test_a_corpus_that_does_not_fit(of: str | None, width: int, message: str) -> None:
    with pytest.raises(UserError) as caught:
        build(LandmarkTransformerConfig(**SMALL), layout(of) if of else None, width)  # type: ignore[arg-type]
    assert str(caught.value).startswith(message)


def test_sizes_that_do_not_fit() -> None:
    with pytest.raises(UserError, match="width: 9 is odd; positions have as many sines as cosines"):
        LandmarkTransformerConfig(width=9)
