"""The encoder of the winner of Kaggle's fingerspelling contest: its sizes, its z-scores, its positions."""

import pytest
import torch
from landmark_batch import batch

from signkit.data.layouts import layout
from signkit.errors import UserError
from signkit.models.encoders.configs import SqueezeformerConfig
from signkit.models.encoders.masked_attention import z_scored
from signkit.models.encoders.squeezeformer import (
    Squeezeformer,
    angles,
    build,
    shortened,
    stem_parts,
    turned,
)

SMALL = {"width": 8, "blocks": 1, "heads": 2, "kernel": 3, "dropout": 0.0}


def small(**options: object) -> Squeezeformer:
    torch.manual_seed(0)
    config = SqueezeformerConfig(**(SMALL | options))  # type: ignore[arg-type]
    return build(config, layout("hand"), 3)


def weights(module: torch.nn.Module) -> int:
    return sum(each.numel() for each in module.parameters())


@pytest.mark.parametrize(
    ("width", "blocks", "of_blocks", "of_stems"),
    [(208, 14, 6_883_968, 547_936), (144, 6, 1_434_240, 380_768)],
    ids=["second round", "first round"],
)
def test_numbers_of_the_source(width: int, blocks: int, of_blocks: int, of_stems: int) -> None:
    """Counted of the modules of its published code, at its sizes of both rounds."""
    encoder = build(SqueezeformerConfig(width=width, blocks=blocks), layout("fingerspelling"), 3)
    assert weights(encoder.blocks) == of_blocks
    assert weights(encoder.stem) + weights(encoder.part_stems) == of_stems
    assert weights(encoder) == of_blocks + of_stems


def test_hands_and_the_body_have_stems_of_their_own_and_the_face_has_one() -> None:
    sizes = [len(part) for part in stem_parts(layout("fingerspelling"))]
    assert sizes == [21, 21, 12, 76]
    assert stem_parts(layout("hand")) == [tuple(range(21))]
    assert stem_parts(layout("boston104")) == []


def test_the_widths_of_the_stems_add_up() -> None:
    encoder = build(SqueezeformerConfig(**(SMALL | {"width": 12})), layout("hands"), 3)  # type: ignore[arg-type]
    assert [stem.norm.running_mean.numel() for stem in encoder.part_stems] == [6, 6]
    five = Squeezeformer(5, ((0, 1), (2, 3), (3, 4)), SqueezeformerConfig(**SMALL))  # type: ignore[arg-type]
    assert [stem.norm.running_mean.numel() for stem in five.part_stems] == [3, 3, 2]


def test_z_scores_are_of_the_seen_points() -> None:
    torch.manual_seed(0)
    points, seen = torch.randn(2, 6, 4, 3), torch.rand(2, 6, 4) < 0.7
    points[~seen] = 0
    scored = z_scored(points, seen, (1, 2))
    for clip in range(2):
        known = points[clip][seen[clip]]
        expected = (known - known.mean(0)) / known.std(0, unbiased=False)
        assert torch.allclose(scored[clip][seen[clip]], expected, atol=1e-5)
    assert not scored[~seen].any()


def test_points_at_one_place_are_zero() -> None:
    points = torch.full((1, 3, 4, 3), 0.3)
    assert not z_scored(points, torch.ones(1, 3, 4, dtype=torch.bool), (1, 2)).any()
    assert not z_scored(0 * points, torch.zeros(1, 3, 4, dtype=torch.bool), (2,)).any()


def test_place_and_size_of_a_clip_do_not_matter() -> None:
    torch.manual_seed(1)
    inputs = torch.randn(2, 9, 21, 3)
    encoder = small().eval()
    moved = inputs * torch.tensor([3.0, 0.5, 2.0]) + torch.tensor([5.0, -1.0, 0.2])
    there, here = encoder(batch(moved)).levels["video"], encoder(batch(inputs)).levels["video"]
    assert torch.allclose(there, here, atol=1e-4)


def test_attention_knows_distances_alone() -> None:
    torch.manual_seed(2)
    query, key = torch.randn(1, 1, 1, 6), torch.randn(1, 1, 1, 6)
    rotary = angles(12, 6, query)
    queries, keys = (turned(each.expand(1, 1, 12, 6), rotary) for each in (query, key))
    products = (queries @ keys.transpose(2, 3))[0, 0]
    for apart in range(-11, 12):
        along = products.diagonal(apart)
        assert torch.allclose(along, along[:1].expand_as(along), atol=1e-5)
    assert products[0, 1] != products[1, 0]
    assert float(products[0, 0]) == pytest.approx(float((query * key).sum()), abs=1e-6)


def test_a_stride_takes_means_of_real_frames() -> None:
    x = torch.tensor([[[1.0], [3.0], [5.0], [7.0], [9.0]], [[2.0], [4.0], [6.0], [0.0], [0.0]]])
    mask = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    assert shortened(x, mask, 2)[..., 0].tolist() == [[2, 6, 9], [3, 6, 0]]
    assert shortened(x, mask, 1) is x
    encoder = small(stride=3)
    assert encoder.output_lengths(torch.tensor([1, 3, 4])).tolist() == [1, 1, 2]
    assert encoder.chunk_centres(3).tolist() == [1, 4, 7]


def test_clips_get_another_size_and_place_in_training_only() -> None:
    encoder = small(resize=0.3, move=0.15)
    seen = torch.ones(50, 4, 21, dtype=torch.bool)
    seen[:, 0, 0] = False
    points = torch.randn(1, 4, 21, 3).expand(50, -1, -1, -1).masked_fill(~seen[..., None], 0)
    moved = encoder._moved(points, seen)
    assert not moved[:, 0, 0].any()
    size = (moved[:, 1, 0] - moved[:, 2, 0]) / (points[:, 1, 0] - points[:, 2, 0])
    place = moved[:, 1, 0] - points[:, 1, 0] * size
    assert torch.allclose(size, size[:, :1].expand_as(size), atol=1e-3)
    assert 0.7 <= size.min() < 0.8 and 1.2 < size.max() <= 1.3
    assert torch.allclose(place[:, 0], place[:, 1], atol=1e-3)
    assert torch.allclose(place[:, 2], torch.zeros(50), atol=1e-3)
    assert -0.151 < place[:, 0].min() < -0.1 and 0.1 < place[:, 0].max() < 0.151
    assert encoder.eval()._moved(points, seen) is points


def test_only_the_first_coordinates_are_read() -> None:
    inputs = torch.randn(2, 9, 21, 3)
    deeper = inputs.clone()
    deeper[..., 2] = torch.randn(2, 9, 21)
    flat, deep = small(coordinates=2).eval(), small().eval()
    assert torch.equal(flat(batch(inputs)).levels["video"], flat(batch(deeper)).levels["video"])
    assert not torch.equal(deep(batch(inputs)).levels["video"], deep(batch(deeper)).levels["video"])


@pytest.mark.parametrize(
    ("of", "width", "message"),
    [
        (None, 8, "encoder.name: 'squeezeformer' reads landmarks, and the corpus has feature vectors"),
        ("hand", 2, "encoder.coordinates: is 3, and the corpus has 2"),
    ],
)
def test_a_corpus_that_does_not_fit(of: str | None, width: int, message: str) -> None:
    with pytest.raises(UserError) as caught:
        build(SqueezeformerConfig(**SMALL), layout(of) if of else None, width)  # type: ignore[arg-type]
    assert str(caught.value).startswith(message)


def test_sizes_that_do_not_fit() -> None:
    with pytest.raises(UserError, match="width: 100 is no multiple of twice the 4 heads; such as 96"):
        SqueezeformerConfig(width=100)
    with pytest.raises(UserError, match="kernel: 10 is even"):
        SqueezeformerConfig(kernel=10)
