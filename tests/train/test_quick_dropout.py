"""Dropout on a CPU: as torch's own, but for the random numbers."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from signkit.train.quick_dropout import QuickDropout


@pytest.mark.parametrize("p", [0.1, 0.3, 0.5])
def test_drops_the_share_that_was_asked_for_and_scales_the_rest(p: float) -> None:
    torch.manual_seed(1)
    with QuickDropout():
        out = F.dropout(torch.ones(401, 999), p, True)
    dropped = out == 0
    # Five standard deviations of a share of 400,599 elements.
    assert dropped.double().mean().item() == pytest.approx(p, abs=5 * (p * (1 - p) / out.numel()) ** 0.5)
    torch.testing.assert_close(out[~dropped], torch.full_like(out[~dropped], 1 / (1 - p)), rtol=2e-5, atol=0)


def test_neighbours_are_independent() -> None:
    torch.manual_seed(2)
    with QuickDropout():
        kept = (F.dropout(torch.ones(400_000), 0.5, True) > 0).double() * 2 - 1
    for distance in range(1, 9):  # four elements share a random number
        assert abs((kept[distance:] * kept[:-distance]).mean().item()) < 5 / 400_000**0.5


def test_the_same_seed_gives_the_same_mask_and_its_gradient_is_the_mask() -> None:
    x = torch.ones(7, 13, requires_grad=True)
    outputs = []
    for _ in range(2):
        torch.manual_seed(3)
        with QuickDropout():
            outputs.append(nn.Dropout(0.4)(x))
    assert torch.equal(*outputs)
    (gradient,) = torch.autograd.grad(outputs[0].sum(), x)
    assert torch.equal(gradient, outputs[0])


@pytest.mark.parametrize(("p", "training"), [(0.4, False), (0.0, True), (1.0, True)])
def test_leaves_to_torch_what_draws_nothing(p: float, training: bool) -> None:
    x = torch.randn(5, 3)
    with QuickDropout():
        assert torch.equal(F.dropout(x, p, training), torch.zeros_like(x) if p == 1 else x)


def test_keeps_half_precision() -> None:
    with QuickDropout():
        assert F.dropout(torch.ones(8, dtype=torch.bfloat16), 0.5, True).dtype == torch.bfloat16
