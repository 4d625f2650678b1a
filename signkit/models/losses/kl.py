"""Distillation over a lattice: one level teaches another every distribution that a path draws from.

KL(p || q) of p = softmax((A_s + C_u) / T) and q alike splits as the logits do: with a node's weight w and the
expected symbols P_s = sum_u w p, P_u = sum_s w p, all nodes together cost matrix products only (this project,
docs/c2st.md).
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from signkit.models.losses.cst import node_posteriors
from signkit.models.losses.joint import (
    SplitJoint,
    at_least_single,
    fill_rows,
    marginals,
    refuse_second_derivative,
    split_joint,
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
) -> Float[Tensor, "batch"]:
    """KL(teacher || student), T^2 times, averaged over the distributions the teacher's paths draw from.

    Each node (chunk, history) counts by its posterior under the teacher's lattice at temperature 1, so
    histories the teacher rules out cost nothing. No gradient reaches the teacher. 0 for a reference that does
    not fit its chunks. Finite logits; arguments and errors as for cst_loss.
    """
    if temperature <= 0:
        raise ValueError(f"temperature must be positive, not {temperature}")
    teacher_acoustic, teacher_context = teacher_acoustic.detach(), teacher_context.detach()
    weights = node_posteriors(
        teacher_acoustic,
        teacher_context,
        targets,
        input_lengths,
        target_lengths,
        topology=topology,
        blank=blank,
    )
    weights /= weights.sum((1, 2), keepdim=True).clamp(min=torch.finfo(weights.dtype).tiny)
    chunk_padding = torch.arange(weights.shape[1], device=weights.device) >= input_lengths[:, None]
    history_padding = torch.arange(weights.shape[2], device=weights.device) > target_lengths[:, None]
    acoustic = _tempered(student_acoustic, chunk_padding, temperature)
    context = _tempered(student_context, history_padding, temperature)
    teacher_acoustic = _tempered(teacher_acoustic, chunk_padding, temperature)
    teacher_context = _tempered(teacher_context, history_padding, temperature)
    with torch.autocast(acoustic.device.type, enabled=False):
        loss: Tensor = _Divergence.apply(acoustic, context, teacher_acoustic, teacher_context, weights)  # type: ignore[no-untyped-call]
    return loss * temperature**2


def _tempered(logits: Tensor, padding: Tensor, temperature: float) -> Tensor:
    return fill_rows(at_least_single(logits) / temperature, padding, 0.0)


class _Divergence(torch.autograd.Function):
    """sum of weights KL(teacher || student) over the nodes of each sample, gradient in closed form."""

    @staticmethod
    def forward(
        ctx: torch.autograd.function.FunctionCtx,
        acoustic: Tensor,
        context: Tensor,
        teacher_acoustic: Tensor,
        teacher_context: Tensor,
        weights: Tensor,
    ) -> Tensor:
        student, student_log = split_joint(acoustic, context, None, None)
        teacher, teacher_log = split_joint(teacher_acoustic, teacher_context, None, None)
        by_chunk, by_history = marginals(teacher, weights)
        ctx.save_for_backward(*student, by_chunk, by_history, weights)
        apart = _inner(weights, student_log - teacher_log)
        apart += _inner(by_chunk, _below_peak(teacher.acoustic) - _below_peak(acoustic))
        apart += _inner(by_history, _below_peak(teacher.context) - _below_peak(context))
        return apart.to(acoustic.dtype)

    @staticmethod
    def backward(
        ctx: torch.autograd.function.FunctionCtx, grad: Tensor
    ) -> tuple[Tensor, Tensor, None, None, None]:
        refuse_second_derivative("kl_loss")
        *fields, by_chunk, by_history, weights = ctx.saved_tensors  # type: ignore[attr-defined]
        scale = grad[:, None, None]
        with torch.autocast(weights.device.type, enabled=False):
            to_acoustic, to_context = marginals(SplitJoint(*fields), weights * scale)
        to_acoustic.addcmul_(by_chunk, scale, value=-1.0)
        to_context.addcmul_(by_history, scale, value=-1.0)
        return to_acoustic, to_context, None, None, None


def _below_peak(logits: Tensor) -> Tensor:
    return logits - logits.amax(-1, keepdim=True)


def _inner(left: Tensor, right: Tensor) -> Tensor:
    return (left * right).sum((1, 2), dtype=torch.float64)
