"""The encoder of one hand: what its features do not depend on, and what they tell."""

import pytest
import torch

from signkit.config.registry import build
from signkit.data.batch import Batch
from signkit.data.layouts import layout
from signkit.errors import UserError
from signkit.models.encoders import hand
from signkit.models.encoders.configs import HandConfig

POINTS = torch.rand(2, 5, 21, 3, generator=torch.Generator().manual_seed(1)).double()
ALL = torch.ones(2, 5, dtype=torch.bool)


def shape_of(points: torch.Tensor) -> torch.Tensor:
    return hand.shape(points, hand.hand_size(points))


def test_shape_depends_on_neither_place_nor_size() -> None:
    moved = 7.0 * POINTS + torch.tensor([30.0, -2.0, 0.5])
    torch.testing.assert_close(shape_of(moved), shape_of(POINTS))


def test_directions_and_distances() -> None:
    places, directions, distances = shape_of(POINTS)[0, 0].split([63, 3 * len(hand.BONES), len(hand.PAIRS)])
    torch.testing.assert_close(places.view(21, 3).mean(0), torch.zeros(3).double())
    torch.testing.assert_close(directions.view(-1, 3).norm(dim=1), torch.ones(len(hand.BONES)).double())
    assert len(hand.BONES) == 20
    first, second = hand.PAIRS[3]
    size = hand.hand_size(POINTS)[0, 0]
    torch.testing.assert_close(distances[3], (POINTS[0, 0, first] - POINTS[0, 0, second]).norm() / size)


def test_a_hand_that_moves_evenly() -> None:
    """The displacement over a lag is the lag times the step, from the frame on that is so far in."""
    step = torch.tensor([0.1, -0.2, 0.0]).double()
    points = POINTS[:, :1] + torch.arange(5)[None, :, None, None] * step
    moved = hand.motion(points, ALL).unflatten(2, (1 + len(hand.LAGS), len(hand.MOVERS), 2))
    for place, lag in enumerate(hand.LAGS, 1):
        torch.testing.assert_close(moved[:, lag:, place], (lag * step[:2]).expand(2, 5 - lag, 3, 2))
        assert not moved[:, :lag, place].any()
    torch.testing.assert_close(moved[:, :, 0].sum(1), torch.zeros(2, 3, 2).double())


def test_a_tremor_is_no_movement() -> None:
    """Of a displacement of `TREMOR` half is left, of a tenth of it a hundredth, of ten times as much all."""
    directions = torch.tensor([[0.6, 0.8]]).double().expand(2, 5, 3, 2)
    for size, share in ((1.0, 1 / 2), (0.1, 1 / 101), (10.0, 100 / 101)):
        moves = (size * hand.TREMOR * directions).flatten(2)
        torch.testing.assert_close(hand.clear(moves), share * moves)


def batch(seen: torch.Tensor) -> Batch:
    inputs = POINTS.float().masked_fill(~seen[..., None, None], 0)
    every = seen[..., None].expand(2, 5, 21)
    return Batch(
        ids=("a", "b"),
        inputs=inputs,
        seen=every,
        lengths=torch.tensor([5, 5]),
        targets=torch.ones(2, 1, dtype=torch.long),
        target_lengths=torch.ones(2, dtype=torch.long),
        frame_labels=torch.zeros(2, 5, dtype=torch.long),
        fps=torch.full((2,), 25.0),
    )


def test_a_frame_without_a_hand_has_no_vector() -> None:
    torch.manual_seed(0)
    encoder = build(HandConfig(width=8), layout("hand"), 3).eval()
    seen = ALL.clone()
    seen[0, 2] = False
    features = encoder(batch(seen)).levels["video"]
    assert features.shape == (2, 5, 8)
    assert not features[0, 2].any()
    assert features[0, 1].any()


READS = "encoder.name: 'hand' reads landmarks of the layout 'hand', and the corpus has "


@pytest.mark.parametrize(
    ("name", "width", "message"),
    [
        ("hands", 3, f"{READS}the layout 'hands'"),
        ("", 6, f"{READS}no landmarks"),
        ("hand", 2, "encoder.coordinates: is 3, and the corpus has 2"),
    ],
)
def test_another_corpus(name: str, width: int, message: str) -> None:
    with pytest.raises(UserError) as error:
        build(HandConfig(), layout(name) if name else None, width)
    assert str(error.value) == message
