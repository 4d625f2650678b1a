"""CTC by torch's kernel, with this project's treatment of padding and of what does not fit."""

import pytest
import torch

from signkit.models.losses.cst import cst_loss
from signkit.models.losses.ctc import ctc_loss

TARGETS = torch.tensor([[1, 1, 2], [3, 2, 0], [0, 0, 0]])
CHUNKS, LABELS = torch.tensor([7, 5, 6]), torch.tensor([3, 2, 0])


def logits():
    generator = torch.Generator().manual_seed(1)
    acoustic = torch.randn(3, 7, 5, generator=generator, dtype=torch.float64)
    row = torch.randn(3, 1, 5, generator=generator, dtype=torch.float64)
    return acoustic.requires_grad_(), row.requires_grad_()


def test_equals_cst_with_one_context_for_all_histories():
    acoustic, row = logits()
    loss = ctc_loss(acoustic, row, TARGETS, CHUNKS, LABELS)
    same = cst_loss(acoustic, row.expand(-1, 4, -1), TARGETS, CHUNKS, LABELS)
    torch.testing.assert_close(loss, same)
    gradients = torch.autograd.grad(loss.sum(), (acoustic, row))
    torch.testing.assert_close(gradients, torch.autograd.grad(same.sum(), (acoustic, row)))


@pytest.mark.parametrize("garbage", [float("nan"), float("inf"), 1e30])
def test_padding_is_never_read(garbage):
    def run(acoustic, row, targets):
        acoustic = acoustic.detach().clone().requires_grad_()
        loss = ctc_loss(acoustic, row, targets, CHUNKS, LABELS)
        return loss.detach(), torch.autograd.grad(loss.sum(), acoustic)[0]

    acoustic, row = logits()
    clean = run(acoustic, row.detach(), TARGETS)
    acoustic, targets = acoustic.detach().clone(), TARGETS.clone()
    acoustic[torch.arange(7) >= CHUNKS[:, None]] = garbage
    targets[torch.arange(3) >= LABELS[:, None]] = 10**9
    torch.testing.assert_close(run(acoustic, row.detach(), targets), clean, rtol=0, atol=0)


def test_a_reference_that_does_not_fit_is_infinite_without_gradient():
    acoustic, row = logits()
    loss = ctc_loss(acoustic, row, TARGETS, torch.tensor([3, 5, 6]), LABELS)  # 1 1 needs a blank between
    assert loss.isinf().tolist() == [True, False, False]
    loss.sum().backward()
    assert not acoustic.grad[0].any() and acoustic.grad[1].any() and acoustic.grad.isfinite().all()


def test_only_empty_references():
    acoustic, row = logits()
    none = torch.zeros(3, 0, dtype=torch.long)
    loss = ctc_loss(acoustic, row, none, CHUNKS, torch.zeros(3, dtype=torch.long))
    log_p = (acoustic + row).log_softmax(2)[:, :, 0]
    expected = torch.stack([-log_p[i, :n].sum() for i, n in enumerate(CHUNKS.tolist())])
    torch.testing.assert_close(loss, expected)
