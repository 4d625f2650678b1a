"""CST against enumeration of all paths, CTC and a public transducer loss, in value and gradient."""

import itertools

import pytest
import torch
from torch import Tensor

from signkit.models.losses.cst import cst_loss, node_posteriors

TOPOLOGIES = ("ctc", "monotonic", "rnnt")
# chunks, reference: repeats, empty references, one chunk, references that just fit
CASES = [(1, []), (5, []), (1, [1]), (4, [1, 2]), (5, [2, 2, 1]), (4, [1, 1]), (3, [1, 1]), (5, [1, 1, 1])]


def all_paths(chunks: int, reference: list[int], vocab: int, topology: str, blank: int = 0):
    """Every path of a lattice, as the (chunk, history, symbol) triples it draws."""
    if topology == "rnnt":
        for emitted_at in itertools.combinations_with_replacement(range(chunks), len(reference)):
            path, history = [], 0
            for chunk in range(chunks):
                while history < len(reference) and emitted_at[history] == chunk:
                    path.append((chunk, history, reference[history]))
                    history += 1
                path.append((chunk, history, blank))
            yield path
        return
    for symbols in itertools.product(range(vocab), repeat=chunks):
        path, spelt, last = [], [], blank
        for chunk, symbol in enumerate(symbols):
            path.append((chunk, len(spelt), symbol))
            stays = topology == "ctc" and symbol == last
            if symbol != blank and not stays:
                spelt.append(symbol)
            last = symbol
        if spelt == reference:
            yield path


def enumerated(acoustic: Tensor, context: Tensor, reference: list[int], topology: str, blank=0) -> Tensor:
    """The loss of one sample by the sum over all paths."""
    log_p = (acoustic[:, None] + context[None]).log_softmax(2)
    paths = list(all_paths(len(acoustic), reference, acoustic.shape[1], topology, blank))
    if not paths:
        return (acoustic.sum() + context.sum()) * 0 + torch.inf
    return -torch.stack([sum(log_p[draw] for draw in path) for path in paths]).logsumexp(0)


def logits(seed: int, *shape: int, dtype=torch.float64, scale: float = 1.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (scale * torch.randn(*shape, generator=generator, dtype=dtype)).requires_grad_()


@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_equals_enumeration_of_all_paths(topology, case):
    chunks, reference = case
    acoustic, context = logits(1, 1, chunks, 3), logits(2, 1, len(reference) + 1, 3)
    targets = torch.tensor([reference], dtype=torch.long).reshape(1, -1)
    lengths = torch.tensor([chunks]), torch.tensor([len(reference)])
    loss = cst_loss(acoustic, context, targets, *lengths, topology=topology)
    expected = enumerated(acoustic[0], context[0], reference, topology)
    torch.testing.assert_close(loss[0], expected, rtol=1e-12, atol=1e-12)
    with torch.no_grad():
        unrecorded = cst_loss(acoustic, context, targets, *lengths, topology=topology)
    torch.testing.assert_close(unrecorded, loss.detach(), rtol=0, atol=0)
    if expected.isfinite():
        gradients = torch.autograd.grad(loss.sum(), (acoustic, context))
        wanted = torch.autograd.grad(expected, (acoustic, context))
        torch.testing.assert_close(gradients, wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_batch_of_varied_lengths_equals_enumeration_of_each(topology):
    references = [[2, 1], [3, 3], [], [1]]
    chunks = [5, 4, 3, 1]
    acoustic, context = logits(3, 4, 5, 4), logits(4, 4, 3, 4)
    targets = torch.tensor([reference + [0] * (2 - len(reference)) for reference in references])
    lengths = torch.tensor(chunks), torch.tensor([len(reference) for reference in references])
    loss = cst_loss(acoustic, context, targets, *lengths, topology=topology)
    weights = torch.tensor([0.5, -2.0, 3.0, 1.0], dtype=torch.float64)
    expected = torch.stack(
        [
            enumerated(acoustic[row, : chunks[row]], context[row, : len(reference) + 1], reference, topology)
            for row, reference in enumerate(references)
        ]
    )
    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=1e-12)
    gradients = torch.autograd.grad((loss * weights).sum(), (acoustic, context))
    wanted = torch.autograd.grad((expected * weights).sum(), (acoustic, context))
    torch.testing.assert_close(gradients, wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_blank_may_be_any_index(topology):
    acoustic, context = logits(5, 1, 4, 3), logits(6, 1, 3, 3)
    reference, lengths = torch.tensor([[0, 0]]), (torch.tensor([4]), torch.tensor([2]))
    loss = cst_loss(acoustic, context, reference, *lengths, topology=topology, blank=2)
    torch.testing.assert_close(loss[0], enumerated(acoustic[0], context[0], [0, 0], topology, blank=2))


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_gradcheck(topology):
    targets, lengths = torch.tensor([[1, 1, 2], [2, 1, 0]]), (torch.tensor([6, 4]), torch.tensor([3, 2]))
    assert torch.autograd.gradcheck(
        lambda acoustic, context: cst_loss(acoustic, context, targets, *lengths, topology=topology),
        (logits(7, 2, 6, 4), logits(8, 2, 4, 4)),
    )


def test_constant_context_is_torch_ctc():
    acoustic, bias = logits(9, 4, 30, 7), logits(10, 4, 1, 7)
    generator = torch.Generator().manual_seed(11)
    targets = torch.randint(1, 4, (4, 8), generator=generator)  # few labels: many repeats
    lengths = torch.tensor([30, 25, 19, 28]), torch.tensor([8, 5, 0, 7])
    loss = cst_loss(acoustic, bias.expand(-1, 9, -1), targets, *lengths)
    expected = torch.nn.functional.ctc_loss(
        (acoustic + bias).log_softmax(2).transpose(0, 1), targets, *lengths, reduction="none"
    )
    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=1e-12)
    weights = torch.arange(1.0, 5.0, dtype=torch.float64)
    gradients = torch.autograd.grad((loss * weights).sum(), (acoustic, bias))
    wanted = torch.autograd.grad((expected * weights).sum(), (acoustic, bias))
    torch.testing.assert_close(gradients, wanted, rtol=1e-9, atol=1e-12)


def test_context_shared_by_the_whole_batch():
    acoustic, bias = logits(12, 3, 9, 5), logits(13, 5)
    targets = torch.tensor([[1, 2, 2], [4, 4, 4], [3, 1, 2]])
    lengths = torch.tensor([9, 9, 9]), torch.tensor([3, 3, 3])
    gradient = torch.autograd.grad(cst_loss(acoustic, bias.expand(3, 4, 5), targets, *lengths).sum(), bias)[0]
    dense = bias.detach().expand(3, 4, 5).clone().requires_grad_()
    wanted = torch.autograd.grad(cst_loss(acoustic, dense, targets, *lengths).sum(), dense)[0].sum((0, 1))
    torch.testing.assert_close(gradient, wanted)


def test_rnnt_equals_a_public_transducer_loss():
    warprnnt = pytest.importorskip("warprnnt_numba", reason="warprnnt_numba is not installed")
    acoustic, context = logits(14, 3, 9, 6, dtype=torch.float32), logits(15, 3, 5, 6, dtype=torch.float32)
    targets = torch.tensor([[1, 2, 2, 5], [3, 3, 3, 0], [4, 1, 0, 0]])
    lengths = torch.tensor([9, 7, 8]), torch.tensor([4, 3, 2])
    loss = cst_loss(acoustic, context, targets, *lengths, topology="rnnt")
    joint = acoustic[:, :, None] + context[:, None]
    public = warprnnt.RNNTLossNumba(blank=0, reduction="none")
    expected = public(joint, targets.int(), lengths[0].int(), lengths[1].int()).flatten()
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=1e-5)
    gradients = torch.autograd.grad(loss.sum(), (acoustic, context))
    wanted = torch.autograd.grad(expected.sum(), (acoustic, context))
    torch.testing.assert_close(gradients, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_node_posteriors_count_the_draws_of_the_paths(topology):
    acoustic, context = logits(16, 1, 4, 3), logits(17, 1, 3, 3)
    reference = [1, 1]
    visits = node_posteriors(
        acoustic, context, torch.tensor([reference]), torch.tensor([4]), torch.tensor([2]), topology=topology
    )
    log_p = (acoustic[0, :, None] + context[0, None]).log_softmax(2).detach()
    expected, total = torch.zeros(4, 3, dtype=torch.float64), 0.0
    for path in all_paths(4, reference, 3, topology):
        weight = sum(log_p[draw] for draw in path).exp()
        total += weight
        for chunk, history, _ in path:
            expected[chunk, history] += weight
    torch.testing.assert_close(visits[0], expected / total)


def test_an_unknown_topology_and_a_wrong_context_are_refused():
    acoustic, context = torch.zeros(1, 3, 4), torch.zeros(1, 3, 4)
    lengths = torch.tensor([3]), torch.tensor([2])
    with pytest.raises(ValueError, match=r"^unknown topology 'hmm'; known: ctc, monotonic, rnnt$"):
        cst_loss(acoustic, context, torch.tensor([[1, 2]]), *lengths, topology="hmm")
    with pytest.raises(ValueError, match=r"^context has 3 rows a sample; 3 labels need 4$"):
        cst_loss(acoustic, context, torch.tensor([[1, 2, 3]]), *lengths)


def test_double_backward_is_refused():
    acoustic, context = logits(18, 1, 3, 4), logits(19, 1, 2, 4)
    loss = cst_loss(acoustic, context, torch.tensor([[1]]), torch.tensor([3]), torch.tensor([1]))
    with pytest.raises(RuntimeError, match=r"^cst_loss has no second derivative \(create_graph=True\)$"):
        torch.autograd.grad(loss.sum(), acoustic, create_graph=True)
