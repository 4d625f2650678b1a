"""What CST must not see: padding, neighbours in the batch, references that do not fit."""

import pytest
import torch

from signkit.models.losses.cst import cst_loss

TOPOLOGIES = ("ctc", "monotonic", "rnnt")
CHUNKS = torch.tensor([6, 9, 4, 7])
LABELS = torch.tensor([2, 4, 0, 3])


def batch(dtype=torch.float64):
    generator = torch.Generator().manual_seed(1)
    acoustic = torch.randn(4, 9, 5, generator=generator, dtype=dtype)
    context = torch.randn(4, 5, 5, generator=generator, dtype=dtype)
    return acoustic, context, torch.tensor([[1, 1, 0, 0], [2, 3, 3, 1], [0, 0, 0, 0], [4, 1, 4, 0]])


def value_and_gradients(acoustic, context, targets, chunks, labels, topology):
    acoustic, context = acoustic.clone().requires_grad_(), context.clone().requires_grad_()
    loss = cst_loss(acoustic, context, targets, chunks, labels, topology=topology)
    return loss.detach(), *torch.autograd.grad(loss[loss.isfinite()].sum(), (acoustic, context))


@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize("garbage", [float("nan"), float("inf"), -float("inf"), 1e30])
def test_padding_changes_neither_value_nor_gradient(topology, garbage):
    acoustic, context, targets = batch()
    clean = value_and_gradients(acoustic, context, targets, CHUNKS, LABELS, topology)
    acoustic[torch.arange(9) >= CHUNKS[:, None]] = garbage
    context[torch.arange(5) > LABELS[:, None]] = garbage
    targets[torch.arange(4) >= LABELS[:, None]] = 987654321
    padded = value_and_gradients(acoustic, context, targets, CHUNKS, LABELS, topology)
    torch.testing.assert_close(padded, clean, rtol=0, atol=0)
    assert not padded[1][torch.arange(9) >= CHUNKS[:, None]].any()
    assert not padded[2][torch.arange(5) > LABELS[:, None]].any()


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_more_padding_changes_nothing(topology):
    acoustic, context, targets = batch()
    short = value_and_gradients(acoustic, context, targets, CHUNKS, LABELS, topology)
    longer = (
        torch.nn.functional.pad(acoustic, (0, 0, 0, 40)),
        torch.nn.functional.pad(context, (0, 0, 0, 3)),
        torch.nn.functional.pad(targets, (0, 3)),
    )
    loss, by_chunk, by_history = value_and_gradients(*longer, CHUNKS, LABELS, topology)
    torch.testing.assert_close((loss, by_chunk[:, :9], by_history[:, :5]), short, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_a_permuted_batch_permutes_the_losses(topology):
    acoustic, context, targets = batch()
    order = torch.tensor([2, 0, 3, 1])
    plain = value_and_gradients(acoustic, context, targets, CHUNKS, LABELS, topology)
    permuted = value_and_gradients(
        acoustic[order], context[order], targets[order], CHUNKS[order], LABELS[order], topology
    )
    torch.testing.assert_close(permuted, tuple(part[order] for part in plain), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("topology", ["ctc", "monotonic"])
def test_a_reference_that_does_not_fit_is_infinite_without_gradient(topology):
    acoustic, context, targets = batch()
    fitting = value_and_gradients(acoustic, context, targets, CHUNKS, LABELS, topology)
    chunks = CHUNKS.clone()
    chunks[1] = 3  # four labels
    acoustic, context = acoustic.requires_grad_(), context.requires_grad_()
    loss = cst_loss(acoustic, context, targets, chunks, LABELS, topology=topology)
    assert loss[1] == torch.inf
    loss.sum().backward()
    assert not acoustic.grad[1].any() and not context.grad[1].any()
    others = [0, 2, 3]
    torch.testing.assert_close(
        (loss[others].detach(), acoustic.grad[others], context.grad[others]),
        tuple(part[others] for part in fitting),
        rtol=1e-12,
        atol=1e-12,
    )


def test_ctc_needs_a_chunk_more_for_a_repeat():
    acoustic, context, _ = batch()
    targets = torch.tensor([[3, 3]] * 4)
    loss = cst_loss(acoustic, context[:, :3], targets, torch.tensor([2, 3, 2, 3]), torch.tensor([2, 2, 2, 2]))
    assert loss.isfinite().tolist() == [False, True, False, True]


def test_a_forbidden_label_is_infinite_without_gradient():
    acoustic, context, targets = batch()
    acoustic[0, :, 1] = -torch.inf
    loss, by_chunk, by_history = value_and_gradients(acoustic, context, targets, CHUNKS, LABELS, "ctc")
    assert loss.isfinite().tolist() == [False, True, True, True]
    assert not by_chunk[0].any() and not by_history[0].any()
    assert by_chunk.isfinite().all() and by_history.isfinite().all()


def test_a_sample_without_chunks_and_labels_costs_nothing():
    loss = cst_loss(
        torch.zeros(2, 3, 4), torch.zeros(2, 1, 4), torch.zeros(2, 0, dtype=torch.long), torch.tensor([0, 3]),
        torch.tensor([0, 0]),
    )  # fmt: skip
    torch.testing.assert_close(loss, torch.tensor([0.0, 3 * torch.tensor(4.0).log()]))
