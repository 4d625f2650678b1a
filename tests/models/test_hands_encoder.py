"""The encoder of whole signers: what its values of a part do and do not depend on."""

import pytest
import torch

from signkit.config.registry import build
from signkit.data.layouts import layout
from signkit.errors import UserError
from signkit.models.encoders.configs import HandsConfig
from signkit.models.encoders.hand import LAGS
from signkit.models.encoders.hands import part_values

POINTS = torch.rand(1, 6, 21, 3, generator=torch.Generator().manual_seed(1)).double()
ALL = torch.ones(1, 6, 21, dtype=torch.bool)
MOVE = torch.tensor([3.0, -2.0, 0.5]).double()


def test_a_hand_has_its_shape_wherever_it_is_and_its_place_and_way() -> None:
    (shape, _), (place, _), *ways = part_values(POINTS, ALL, hand=True)
    (moved_shape, _), (moved_place, _), *moved_ways = part_values(2 * POINTS + MOVE, ALL, hand=True)
    torch.testing.assert_close(moved_shape, shape)
    torch.testing.assert_close(moved_place, 2 * place + MOVE)
    assert len(ways) == len(LAGS)
    for lag, (way, known), (moved_way, _) in zip(LAGS, ways, moved_ways, strict=True):
        torch.testing.assert_close(way[:, lag:], place[:, lag:] - place[:, :-lag])
        torch.testing.assert_close(moved_way, 2 * way)
        assert known[0].tolist() == [frame >= lag for frame in range(6)]


def test_another_part_has_its_points_around_their_mean() -> None:
    (own, _), (place, _), *_ = part_values(POINTS[:, :, :4], ALL[:, :, :4], hand=False)
    torch.testing.assert_close(own.view(1, 6, 4, 3) + place[:, :, None], POINTS[:, :, :4])


def test_what_is_not_seen_is_not_known() -> None:
    seen = ALL.clone()
    seen[0, 2] = False  # no point of the part
    seen[0, 4, 7] = False
    values = part_values(POINTS, seen, hand=True)
    assert [known[0].tolist() for _, known in values[:2]] == [[True, True, False, True, True, True]] * 2
    assert values[2][1][0].tolist() == [False, True, False, False, True, True]  # over one frame
    others = [point for point in range(21) if point != 7]
    torch.testing.assert_close(values[1][0][0, 4], POINTS[0, 4, others].mean(0))


@pytest.mark.parametrize(
    ("name", "width", "config", "message"),
    [
        (
            "boston104",
            2,
            HandsConfig(),
            "encoder.name: 'hands' reads hands of 21 points, and the layout 'boston104' has none; "
            "take 'kinematic'",
        ),
        ("hands", 2, HandsConfig(), "encoder.coordinates: is 3, and the corpus has 2"),
        ("", 6, HandsConfig(), "encoder.name: 'hands' reads landmarks, and the corpus has feature vectors; "
                               "take 'features'"),
    ],
)  # fmt: skip
def test_corpora_that_it_cannot_read(name: str, width: int, config: HandsConfig, message: str) -> None:
    with pytest.raises(UserError) as caught:
        build(config, layout(name) if name else None, width)
    assert str(caught.value) == message
