"""Distillation over a lattice: every distribution that a path emits from is taught by another level's.

KL(p || q) between p = softmax((A_s + C_u) / T) and a q of the same form splits like the logits do. With the
weight w of each node and the weighted sums P_s = sum_u w p and P_u = sum_s w p, all nodes together cost only
matrix products (this project, docs/c2st.md).
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from signkit.models.losses.checks import check_logits, check_loss, refuse_others
from signkit.models.losses.cst import node_posteriors
from signkit.models.losses.joint import (
    SplitJoint,
    at_least_single,
    fill_rows,
    marginals,
    refuse_second_derivative,
    split_joints,
)


def kl_loss(
    student_acoustic: Float[Tensor, "batch chunks vocab"],
    student_context: Float[Tensor, "batch histories vocab"],
    teacher_acoustic: Float[Tensor, "batch chunks vocab"],
    teacher_context: Float[Tensor, "batch histories vocab"],
    targets: Int[Tensor, "batch labels"],
    input_lengths: Int[Tensor, "batch"],
    target_lengths: Int[Tensor, "batch"],
    *,
    temperature: float = 1.0,
    topology: str = "ctc",
    blank: int = 0,
    posteriors: Float[Tensor, "batch chunks histories"] | None = None,
) -> Float[Tensor, "batch"]:
    """Distillation loss (Hinton et al. 2015) over the lattice of each reference.

    T^2 KL(teacher || student) of softmax((acoustic[s] + context[u]) / T), averaged over the nodes (chunk s,
    history u) of the lattice. A node is weighted by its posterior under the teacher at temperature 1, so
    histories that the teacher rules out cost nothing.

    Args:
        student_acoustic: logits of each chunk; all logits must be finite.
        student_context: logits added after each history, see `signkit.models.losses.cst.cst_loss`.
        teacher_acoustic: the same of the teacher, which receives no gradient.
        teacher_context: the same of the teacher, which receives no gradient.
        targets: labels of each reference.
        input_lengths: chunks of each sample.
        target_lengths: labels of each reference.
        temperature: T, above 0.
        topology: ``ctc``, ``monotonic`` or ``rnnt``.
        blank: index of the blank.
        posteriors: of the teacher's nodes (`signkit.models.losses.cst.node_posteriors`), where they are
            known; None: they are computed.

    Returns:
        One value a sample, in nats; 0 for a reference that does not fit on its chunks.

    Raises:
        TypeError: an argument that is no tensor.
        ValueError: a temperature that is not positive, logits that are not finite, a teacher of another
            shape, and as `cst_loss`.
        RuntimeError: as `cst_loss`.

    Example:
        A teacher that prefers symbol 1 with probability 1/2 and a student without preference differ by
        log(3) - 3/2 log(2) nats on every chunk:

        >>> import math, torch
        >>> flat, sure = torch.zeros(1, 2, 3), torch.tensor([0.0, math.log(2), 0.0]).expand(1, 2, 3)
        >>> reference = torch.tensor([[1]]), torch.tensor([2]), torch.tensor([1])
        >>> kl_loss(flat, flat, sure, flat, *reference), kl_loss(sure, flat, sure, flat, *reference)
        (tensor([0.0589]), tensor([0.]))
    """
    if not temperature > 0:
        raise ValueError(f"temperature must be positive, not {temperature}")
    logits = {
        "student_acoustic": student_acoustic,
        "student_context": student_context,
        "teacher_acoustic": teacher_acoustic,
        "teacher_context": teacher_context,
    }
    references = {"input_lengths": input_lengths, "target_lengths": target_lengths}
    refuse_others(**logits, targets=targets, **references)
    check_logits(logits)
    for student, teacher in (
        ("student_acoustic", "teacher_acoustic"),
        ("student_context", "teacher_context"),
    ):
        if logits[student].shape != logits[teacher].shape:
            shapes = f"{list(logits[teacher].shape)}; {student} is {list(logits[student].shape)}"
            raise ValueError(f"{teacher} is {shapes}")
    shared = teacher_context is student_context
    teacher_acoustic, teacher_context = teacher_acoustic.detach(), teacher_context.detach()
    if posteriors is None:
        posteriors = node_posteriors(
            teacher_acoustic,
            teacher_context,
            targets,
            input_lengths,
            target_lengths,
            topology=topology,
            blank=blank,
        )
    weights = posteriors / posteriors.sum((1, 2), keepdim=True).clamp(min=torch.finfo(posteriors.dtype).tiny)
    chunk_padding = torch.arange(weights.shape[1], device=weights.device) >= input_lengths[:, None]
    history_padding = torch.arange(weights.shape[2], device=weights.device) > target_lengths[:, None]
    single = [at_least_single(each) for each in logits.values()]
    if shared:
        del single[3]
    with torch.autocast(weights.device.type, enabled=False):
        loss: Tensor = _Divergence.apply(weights, (chunk_padding, history_padding), 1 / temperature, *single)  # type: ignore[no-untyped-call]
    read = [~chunk_padding, ~history_padding] * 2
    check_loss(loss, dict(zip(logits, zip(logits.values(), read, strict=True), strict=True)), finite=True)
    return loss * temperature**2


class _Divergence(torch.autograd.Function):
    """Weighted sum of KL(teacher || student) over the nodes of each sample, with its gradient."""

    @staticmethod
    def forward(
        ctx: torch.autograd.function.FunctionCtx,
        weights: Tensor,
        padding: tuple[Tensor, Tensor],
        scale: float,
        acoustic: Tensor,
        context: Tensor,
        teacher_acoustic: Tensor,
        teacher_context: Tensor | None = None,
    ) -> Tensor:
        """`scale` is the factor of all logits; the teacher has the student's context if it is given none."""
        levels = [
            (acoustic, context),
            (teacher_acoustic, context if teacher_context is None else teacher_context),
        ]
        (student, student_log), (teacher, teacher_log) = split_joints(levels, *padding, scale)
        by_chunk, by_history = marginals(teacher, weights, scale)
        # KL(p || q) = sum p (log p - log q), and log p = (A - m) + (C - n) - log_normaliser: three inner
        # products, of the normalisers with w, of A with P_s, of C with P_u
        ctx.save_for_backward(*student, by_chunk, by_history, weights)
        ctx.scale = scale  # type: ignore[attr-defined]
        chunks, peaks = teacher.acoustic - student.acoustic, teacher.acoustic_peak - student.acoustic_peak
        for rows in (chunks, peaks):
            fill_rows(rows, padding[0], 0.0, in_place=True)
        apart = _inner(chunks, by_chunk, peaks, weights.sum(2))
        if teacher_context is not None:
            histories, peaks = teacher.context - student.context, teacher.context_peak - student.context_peak
            apart += _inner(histories, by_history, peaks, weights.sum(1))
        apart *= scale
        apart += _sum(student_log.sub_(teacher_log).mul_(weights))
        return apart.to(acoustic.dtype)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, grad: Tensor) -> tuple[Tensor | None, ...]:
        refuse_second_derivative("kl_loss")
        *fields, by_chunk, by_history, weights = ctx.saved_tensors  # type: ignore[attr-defined]
        scale: float = ctx.scale  # type: ignore[attr-defined]
        factor = grad[:, None, None] * scale
        # the gradient is scale w (q - p), summed over histories or chunks
        with torch.autocast(weights.device.type, enabled=False):
            to_acoustic, to_context = marginals(SplitJoint(*fields), weights * factor, scale)
        to_acoustic.addcmul_(by_chunk, factor, value=-1.0)
        to_context.addcmul_(by_history, factor, value=-1.0)
        return None, None, None, to_acoustic, to_context, None, None


def _inner(apart: Tensor, mass: Tensor, peaks: Tensor, weights: Tensor) -> Tensor:
    """Sum of mass (apart - peaks) of each sample, where the mass of a row is its weight; `apart` is
    overwritten."""
    rows = apart.mul_(mass).sum(2)  # a sum in float64 would copy them all first
    return (rows.double() - peaks[..., 0].double() * weights).sum(1)


def _sum(values: Tensor) -> Tensor:
    return values.sum((1, 2), dtype=torch.float64)
