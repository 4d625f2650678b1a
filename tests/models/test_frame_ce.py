"""Cross-entropy on labelled chunks."""

import pytest
import torch

from signkit.models.losses.frame_ce import frame_cross_entropy


@pytest.mark.parametrize("smoothing", [0.0, 0.05])
def test_equals_torchs_cross_entropy_of_each_sample(smoothing):
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(3, 6, 5, generator=generator, dtype=torch.float64).requires_grad_()
    labels = torch.tensor([[1, -100, 2, 0, -100, 4], [-100, -100, -100, 3, -100, -100], [-100] * 6])
    found = frame_cross_entropy(logits, labels, smoothing)
    expected = torch.stack(
        [
            torch.nn.functional.cross_entropy(logits[0], labels[0], label_smoothing=smoothing),
            torch.nn.functional.cross_entropy(logits[1], labels[1], label_smoothing=smoothing),
            logits[2].sum() * 0,
        ]
    )
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(
        torch.autograd.grad(found.sum(), logits), torch.autograd.grad(expected.sum(), logits)
    )


def test_unlabelled_chunks_are_never_read():
    logits = torch.full((2, 3, 4), torch.nan)
    logits[0, 1] = 0.0
    logits.requires_grad_()
    loss = frame_cross_entropy(logits, torch.tensor([[-100, 2, -100], [-100] * 3]), 0.1)
    torch.testing.assert_close(loss, torch.tensor([torch.tensor(4.0).log(), 0.0]))
    loss.sum().backward()
    assert logits.grad.isfinite().all() and not logits.grad[1].any()


def test_nothing_labelled_is_zero_with_a_gradient_of_zero():
    logits = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(2)).requires_grad_()
    loss = frame_cross_entropy(logits, torch.full((2, 3), -100))
    assert loss.tolist() == [0.0, 0.0]
    loss.sum().backward()
    assert not logits.grad.any()
