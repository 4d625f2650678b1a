"""KL over a lattice against the joint laid out, in value and gradient."""

import pytest
import torch

from signkit.models.losses.cst import node_posteriors
from signkit.models.losses.kl import kl_loss

TOPOLOGIES = ("ctc", "monotonic", "rnnt")
TARGETS = torch.tensor([[1, 1, 2], [3, 2, 0], [0, 0, 0]])
CHUNKS, LABELS = torch.tensor([7, 5, 6]), torch.tensor([3, 2, 0])


def levels(seed=1, scale=1.0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    shapes = (3, 7, 5), (3, 4, 5), (3, 7, 5), (3, 4, 5)
    made = [scale * torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in shapes]
    return [part.to(dtype) for part in made]


def explicit(student_a, student_c, teacher_a, teacher_c, temperature, topology):
    """The same with every distribution of every node laid out."""
    weights = node_posteriors(teacher_a, teacher_c, TARGETS, CHUNKS, LABELS, topology=topology)
    student = ((student_a[:, :, None] + student_c[:, None]) / temperature).log_softmax(3)
    teacher = ((teacher_a[:, :, None] + teacher_c[:, None]) / temperature).log_softmax(3).detach()
    apart = (teacher.exp() * (teacher - student)).sum(3)
    return temperature**2 * (weights * apart).sum((1, 2)) / weights.sum((1, 2))


@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize("temperature", [1.0, 8.0])
def test_equals_the_joint_laid_out(topology, temperature):
    logits = [part.requires_grad_() for part in levels()]
    found = kl_loss(*logits, TARGETS, CHUNKS, LABELS, temperature=temperature, topology=topology)
    expected = explicit(*logits, temperature, topology)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)
    weights = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    gradients = torch.autograd.grad((found * weights).sum(), logits[:2])
    wanted = torch.autograd.grad((expected * weights).sum(), logits[:2])
    torch.testing.assert_close(gradients, wanted, rtol=1e-9, atol=1e-12)


def test_gradcheck():
    student, student_context, *teacher = levels(2)
    assert torch.autograd.gradcheck(
        lambda a, c: kl_loss(a, c, *teacher, TARGETS, CHUNKS, LABELS, temperature=2.0),
        (student.requires_grad_(), student_context.requires_grad_()),
    )


def test_nothing_apart_is_zero_and_the_teacher_learns_nothing():
    student, student_context, *_ = (part.requires_grad_() for part in levels(3))
    teacher = student.detach().clone().requires_grad_(), student_context.detach().clone().requires_grad_()
    loss = kl_loss(student, student_context, *teacher, TARGETS, CHUNKS, LABELS, temperature=4.0)
    assert loss.tolist() == [0.0, 0.0, 0.0]
    loss.sum().backward()
    torch.testing.assert_close(student.grad, torch.zeros_like(student), rtol=0, atol=1e-15)
    assert teacher[0].grad is None and teacher[1].grad is None


def test_peaked_rows_in_single_precision():
    logits = levels(4, scale=200.0, dtype=torch.float32)
    found = kl_loss(*logits, TARGETS, CHUNKS, LABELS, temperature=1.0)
    expected = explicit(*(part.double() for part in logits), 1.0, "ctc")
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("garbage", [float("nan"), float("inf"), 1e30])
def test_padding_changes_neither_value_nor_gradient(garbage):
    def run(logits, targets):
        logits = [part.clone().requires_grad_() for part in logits]
        loss = kl_loss(*logits, targets, CHUNKS, LABELS, temperature=2.0)
        return loss.detach(), *torch.autograd.grad(loss.sum(), logits[:2])

    logits, targets = levels(5), TARGETS.clone()
    clean = run(logits, targets)
    for part in logits[::2]:
        part[torch.arange(7) >= CHUNKS[:, None]] = garbage
    for part in logits[1::2]:
        part[torch.arange(4) > LABELS[:, None]] = garbage
    targets[torch.arange(3) >= LABELS[:, None]] = 10**9
    torch.testing.assert_close(run(logits, targets), clean, rtol=0, atol=0)


def test_a_reference_that_does_not_fit_costs_nothing():
    logits = [part.requires_grad_() for part in levels(6)]
    loss = kl_loss(*logits, TARGETS, torch.tensor([2, 5, 6]), LABELS)
    loss.sum().backward()
    assert loss[0] == 0 and loss[1] > 0 and not logits[0].grad[0].any()


def test_a_temperature_that_is_not_positive_is_refused():
    with pytest.raises(ValueError, match=r"^temperature must be positive, not 0.0$"):
        kl_loss(*levels(), TARGETS, CHUNKS, LABELS, temperature=0.0)
