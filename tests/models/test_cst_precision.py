"""CST in float32: peaked rows, long sequences, what it allocates, mixed precision."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from signkit.models.losses.cst import cst_loss
from signkit.models.losses.topology import build_chain, chunks_needed

TOPOLOGIES = ("ctc", "monotonic", "rnnt")


def batch(size, chunks, labels, vocab, scale):
    generator = torch.Generator().manual_seed(chunks)
    acoustic = scale * torch.randn(size, chunks, vocab, generator=generator)
    context = scale * torch.randn(size, labels + 1, vocab, generator=generator)
    targets = torch.randint(1, vocab, (size, labels), generator=generator)
    return acoustic, context, targets, torch.full((size,), chunks), torch.full((size,), labels)


def value_and_gradients(acoustic, context, *rest, topology):
    acoustic, context = acoustic.detach().requires_grad_(), context.detach().requires_grad_()
    loss = cst_loss(acoustic, context, *rest, topology=topology)
    return loss.detach(), *torch.autograd.grad(loss.sum(), (acoustic, context))


def full_joint(acoustic, context, targets, input_lengths, target_lengths):
    """Loss and gradients of CTC's lattice with the joint tensor laid out, by autograd in float64."""
    acoustic, context = acoustic.double().requires_grad_(), context.double().requires_grad_()
    log_p = (acoustic[:, :, None] + context[:, None]).log_softmax(3)
    losses = []
    for row, labels in enumerate(targets.tolist()):
        blanks, stays = [acoustic.new_tensor(0.0)], [acoustic.new_tensor(-1e30)]
        blanks += [acoustic.new_tensor(-1e30)] * len(labels)
        stays += [acoustic.new_tensor(-1e30)] * len(labels)
        for p in log_p[row]:
            totals = [torch.logaddexp(*pair) for pair in zip(blanks, stays, strict=True)]
            sources = [
                blanks[u] if u and labels[u] == labels[u - 1] else totals[u] for u in range(len(labels))
            ]
            blanks = [total + p[u, 0] for u, total in enumerate(totals)]
            stays = stays[:1] + [
                torch.logaddexp(stays[u + 1] + p[u + 1, y], sources[u] + p[u, y])
                for u, y in enumerate(labels)
            ]
        losses.append(-torch.logaddexp(blanks[-1], stays[-1]))
    loss = torch.stack(losses)
    return loss.detach(), *torch.autograd.grad(loss.sum(), (acoustic, context))


def test_peaked_rows_whose_product_underflows_equal_the_exact_sum():
    arguments = batch(2, 7, 3, 20, scale=200.0)
    acoustic, context = arguments[:2]
    product = torch.bmm(
        (acoustic - acoustic.amax(2, keepdim=True)).exp(), (context - context.amax(2, keepdim=True)).exp().mT
    )
    assert (product < 1e-35).any()
    found, exact = value_and_gradients(*arguments, topology="ctc"), full_joint(*arguments)
    torch.testing.assert_close(found[0].double(), exact[0], rtol=1e-6, atol=0)
    torch.testing.assert_close(found[1].double(), exact[1], rtol=0, atol=2e-4)
    torch.testing.assert_close(found[2].double(), exact[2], rtol=0, atol=2e-4)


@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize("scale", [0.1, 2.0, 30.0])
def test_long_sequences_in_single_precision(topology, scale):
    arguments = batch(2, 1000, 40, 60, scale)
    single = value_and_gradients(*arguments, topology=topology)
    doubled = [part.double() for part in arguments[:2]]
    double = value_and_gradients(*doubled, *arguments[2:], topology=topology)
    torch.testing.assert_close(single[0].double(), double[0], rtol=1.2e-7, atol=6e-4)  # rtol: of the result
    torch.testing.assert_close(single[1].double(), double[1], rtol=0, atol=1e-4)
    torch.testing.assert_close(single[2].double(), double[2], rtol=0, atol=1e-3)


class Largest(TorchDispatchMode):
    """Remembers the most elements any tensor has storage for."""

    elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor):
                size = leaf.untyped_storage().nbytes() // leaf.element_size()
                self.elements = max(self.elements, size)
        return result


@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize("scale", [1.0, 200.0], ids=["product", "exact"])
def test_no_tensor_of_chunks_times_histories_times_vocabulary(topology, scale):
    size, chunks, labels, vocab = 2, 40, 12, 90
    arguments = batch(size, chunks, labels, vocab, scale)
    with Largest() as largest:
        value_and_gradients(*arguments, topology=topology)
    assert 0 < largest.elements < size * chunks * labels * vocab / 4


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_logits_are_computed_in_single(dtype):
    acoustic, context, *rest = batch(2, 12, 3, 10, 2.0)
    acoustic, context = acoustic.to(dtype), context.to(dtype)
    loss, by_chunk, by_history = value_and_gradients(acoustic, context, *rest, topology="ctc")
    wanted = value_and_gradients(acoustic.float(), context.float(), *rest, topology="ctc")
    assert loss.dtype == torch.float32 and by_chunk.dtype == dtype
    torch.testing.assert_close((loss, by_chunk.float(), by_history.float()), wanted, rtol=1e-2, atol=1e-2)


def test_autocast_leaves_the_loss_in_single_precision():
    arguments = batch(2, 12, 3, 10, 2.0)
    wanted = value_and_gradients(*arguments, topology="ctc")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = value_and_gradients(*arguments, topology="ctc")
    torch.testing.assert_close(found, wanted, rtol=0, atol=0)


def test_chunks_needed_is_where_the_loss_becomes_finite():
    targets = torch.tensor([[1, 1, 1, 2], [1, 2, 2, 9], [3, 9, 9, 9], [9, 9, 9, 9]])
    lengths = torch.tensor([4, 3, 1, 0])
    assert chunks_needed(targets, lengths).tolist() == [6, 4, 1, 0]
    assert chunks_needed(targets, lengths, "monotonic").tolist() == [4, 3, 1, 0]
    assert chunks_needed(targets, lengths, "rnnt").tolist() == [1, 1, 1, 0]
    context = torch.zeros(4, 5, 10)
    for topology in TOPOLOGIES:
        needed = chunks_needed(targets, lengths, topology)
        for chunks in range(7):
            loss = cst_loss(
                torch.zeros(4, 7, 10), context, targets, torch.full((4,), chunks), lengths, topology=topology
            )
            assert loss.isfinite().tolist() == (needed <= chunks).tolist()


def test_a_repeat_makes_its_blank_a_position():
    chain = build_chain(torch.tensor([[5, 5, 7], [6, 0, 0]]), torch.tensor([3, 1]), "ctc", 0)
    assert chain.symbols.tolist() == [[0, 5, 0, 5, 7], [0, 6, 0, 0, 0]]
    assert chain.ends.tolist() == [4, 1]
    assert chain.histories is not None and chain.closed is not None
    assert chain.histories.tolist() == [[0, 1, 1, 2, 3], [0, 1, 1, 1, 1]]
    assert chain.closed.tolist() == [[False, True, True, False, False], [False] * 5]
