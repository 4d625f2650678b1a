"""The encoder of isolated signs: its size, what it reads, and that convolutions see no later frame."""

import pytest
import torch
from landmark_batch import batch
from torch import nn

from signkit.errors import UserError
from signkit.models.encoders.configs import ConvTransformerConfig
from signkit.models.encoders.conv_transformer import ConvBlock, ConvTransformer, drop_samples

POINTS_OF_SOURCE, CLASSES_OF_SOURCE = 118, 250


def made(points: int = 5, **options: object) -> ConvTransformer:
    torch.manual_seed(0)
    config = ConvTransformerConfig(**options)  # type: ignore[arg-type]
    return ConvTransformer(
        points,
        config.coordinates,
        width=config.width,
        stages=config.stages,
        convs=config.convs,
        kernel=config.kernel,
        heads=config.heads,
        drop=config.drop,
    ).eval()


class Ungated(nn.Module):
    def forward(self, x: torch.Tensor, mask: torch.Tensor, sees: None) -> torch.Tensor:
        return x


def test_numbers_of_the_source() -> None:
    """1,836,568 with its classes and the statistics of its normalisations, as Keras counts them.

    It counts one more there: the step from which dropout begins."""
    model = made(POINTS_OF_SOURCE)
    weights = sum(each.numel() for each in model.parameters())
    statistics = sum(b.numel() for name, b in model.named_buffers() if "num_batches" not in name)
    head = CLASSES_OF_SOURCE * (model.dims["video"] + 1)
    assert (weights, statistics, head) == (1_733_790, 6_528, 96_250)
    assert weights + statistics + head == 1_836_568


def test_a_convolution_sees_the_frames_so_far() -> None:
    """Its gate aside, which is of the whole clip."""
    torch.manual_seed(0)
    block = ConvBlock(4, 5, 0.0).eval()
    block.gate = Ungated()  # type: ignore[assignment]
    x, mask = torch.randn(1, 12, 4), torch.ones(1, 12, dtype=torch.bool)
    changed = x.clone()
    changed[0, 7] += 1
    moved = (block(changed, mask) != block(x, mask)).any(2)[0]
    assert moved.tolist() == [False] * 7 + [True] * 5


def test_only_the_first_coordinates_are_read() -> None:
    inputs = torch.randn(2, 9, 5, 3)
    deeper = inputs.clone()
    deeper[..., 2] += 1
    flat, deep = made(width=8, heads=2, stages=1), made(width=8, heads=2, stages=1, coordinates=3)
    assert torch.equal(flat(batch(inputs)).levels["video"], flat(batch(deeper)).levels["video"])
    assert not torch.equal(deep(batch(inputs)).levels["video"], deep(batch(deeper)).levels["video"])


def test_branches_are_left_out_for_whole_samples() -> None:
    torch.manual_seed(0)
    dropped = drop_samples(torch.ones(4000, 2, 3), 0.25, training=True)
    of_sample = dropped.flatten(1)
    assert torch.equal(of_sample.amin(1), of_sample.amax(1))
    assert dropped.unique().tolist() == [0.0, pytest.approx(4 / 3)]
    assert float(dropped.mean()) == pytest.approx(1, abs=0.05)
    assert torch.equal(drop_samples(torch.ones(4, 2, 3), 0.25, training=False), torch.ones(4, 2, 3))


def test_a_width_that_the_heads_do_not_divide() -> None:
    with pytest.raises(UserError, match="width: 10 is no multiple of the 4 heads"):
        ConvTransformerConfig(width=10)
