"""Distributions softmax(A_s + C_u) of all chunks s and histories u, without a tensor of that many logits.

The normaliser of all of them is one matrix product (this project, docs/c2st.md, "Efficient computation"):

    logsumexp_v(A_s + C_u) = m_s + n_u + log(exp(A_s - m_s) . exp(C_u - n_u)),   m = max A, n = max C

Where the product is too small to be trusted (sharply peaked logits that disagree), the exact sum is taken
instead.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from signkit.models.precision import tf32


class SplitJoint(NamedTuple):
    """The split joint of a batch; padded chunks and histories hold finite placeholder values."""

    acoustic: Tensor  # A [batch, chunks, vocab], as given
    context: Tensor  # C [batch, histories, vocab], padding zeroed
    acoustic_peak: Tensor  # m [batch, chunks, 1]
    context_peak: Tensor  # n [batch, histories, 1]
    exp_acoustic: Tensor  # exp(A - m), of scaled logits where there is a scale
    exp_context: Tensor  # exp(C - n)
    product: Tensor  # [batch, chunks, histories]; 1 where weak
    weak: Tensor  # [nodes, 3]: batch, chunk, history of the nodes whose product cannot be trusted


def split_joints(
    levels: Sequence[tuple[Tensor, Tensor]],
    chunk_padding: Tensor | None,
    history_padding: Tensor | None,
    scale: float = 1.0,
) -> list[tuple[SplitJoint, Tensor]]:
    """The split joint of each level, and its log-normalisers less the two peaks: [batch, chunks, histories].

    Whether products are too small to be trusted is checked for all levels at once, because the check waits
    for a GPU. A context that several levels share is read once.

    Args:
        levels: logits A, [batch, chunks, vocab], and C, [batch, histories, vocab].
        chunk_padding: True on padding, [batch, chunks]; None if there is none.
        history_padding: True on padding, [batch, histories]; None if there is none.
        scale: factor of all logits: softmax(scale (A + C)).
    """
    contexts = {}
    for _, context in levels:
        if id(context) not in contexts:
            filled = context if history_padding is None else fill_rows(context, history_padding, 0.0)
            contexts[id(context)] = filled, *_peak(filled, scale)
    joints = list[SplitJoint]()
    for acoustic, given in levels:
        context, context_peak, exp_context = contexts[id(given)]
        acoustic_peak, exp_acoustic = _peak(acoustic, scale)
        if chunk_padding is not None:
            exp_acoustic = fill_rows(exp_acoustic, chunk_padding, 1.0, in_place=True)
        with tf32(False):
            product = torch.bmm(exp_acoustic, exp_context.transpose(1, 2))
        weak = torch.empty(0, 3, dtype=torch.long, device=product.device)
        joints.append(
            SplitJoint(
                acoustic, context, acoustic_peak, context_peak, exp_acoustic, exp_context, product, weak
            )
        )
    limits = torch.finfo(joints[0].product.dtype)
    # Each of the vocab terms may lose up to `tiny` to underflow. Above this bound that is less than the
    # rounding error of the sum itself.
    trusted = joints[0].acoustic.shape[2] * limits.tiny / limits.eps
    least = [joint.product.amin() for joint in joints]
    if float(least[0] if len(least) == 1 else torch.stack(least).amin()) < trusted:
        joints = [_without_weak(joint, trusted) for joint in joints]
    return [(joint, _log_normaliser(joint, scale)) for joint in joints]


def _peak(logits: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """The peak m of each row, and exp(scale (logits - m))."""
    peak = logits.amax(-1, keepdim=True)
    return peak, torch.add(peak * -scale, logits, alpha=scale).exp_()


def _without_weak(joint: SplitJoint, trusted: float) -> SplitJoint:
    """The joint with its weak nodes named, and a placeholder there, so that log and division stay finite."""
    weak = (joint.product < trusted).nonzero()
    joint.product[tuple(weak.T)] = 1.0
    return joint._replace(weak=weak)


def _log_normaliser(joint: SplitJoint, scale: float) -> Tensor:
    found = joint.product.log()
    if len(joint.weak):
        for node, logits in _weak_logits(joint, scale):
            found[node] = logits.logsumexp(1).to(found.dtype)
    return found


def marginals(joint: SplitJoint, weights: Tensor, scale: float = 1.0) -> tuple[Tensor, Tensor]:
    """Sum of weights[s, u] softmax(scale (A_s + C_u)) over histories, and over chunks.

    `weights` [batch, chunks, histories]; returns [batch, chunks, vocab] and [batch, histories, vocab].
    """
    # softmax = exp(A - m) exp(C - n) / product, so either sum is one matrix product with the other factor
    # taken out in front.
    scaled = weights / joint.product
    if len(joint.weak):
        scaled[tuple(joint.weak.T)] = 0.0
    with tf32(False):
        by_chunk = torch.bmm(scaled, joint.exp_context).mul_(joint.exp_acoustic)
        by_history = torch.bmm(scaled.transpose(1, 2), joint.exp_acoustic).mul_(joint.exp_context)
    if len(joint.weak):
        for (sample, chunk, history), logits in _weak_logits(joint, scale):
            expected = logits.softmax(1).mul_(weights[sample, chunk, history, None]).to(weights.dtype)
            by_chunk.index_put_((sample, chunk), expected, accumulate=True)
            by_history.index_put_((sample, history), expected, accumulate=True)
    return by_chunk, by_history


def _weak_logits(joint: SplitJoint, scale: float) -> Iterator[tuple[tuple[Tensor, Tensor, Tensor], Tensor]]:
    """The weak nodes and their logits less the peaks, in float64, in pieces no larger than `acoustic`."""
    batch, chunks, _ = joint.acoustic.shape
    for nodes in joint.weak.split(max(1, batch * chunks // 2)):
        sample, chunk, history = nodes.unbind(1)
        logits = joint.acoustic[sample, chunk].double() - joint.acoustic_peak[sample, chunk]
        logits += joint.context[sample, history]
        logits -= joint.context_peak[sample, history]
        yield (sample, chunk, history), logits.mul_(scale)


def fill_rows(rows: Tensor, padding: Tensor, value: float, in_place: bool = False) -> Tensor:
    """`rows` [batch, length, vocab] with padding [batch, length] replaced by a value.

    On a CPU, filling whole rows by index is faster than masked_fill over the vocabulary. A GPU would have to
    be waited for, to know how many there are.
    """
    if rows.device.type != "cpu":
        mask = padding[..., None]
        return rows.masked_fill_(mask, value) if in_place else rows.masked_fill(mask, value)
    index = padding.flatten().nonzero()[:, 0]
    flat = rows.flatten(0, 1)
    filled = flat.index_fill_(0, index, value) if in_place else flat.index_fill(0, index, value)
    return filled.view(rows.shape)


def at_least_single(logits: Tensor) -> Tensor:
    """The logits in float32; float64 stays as it is."""
    return logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits


def refuse_second_derivative(loss: str) -> None:
    """Raise RuntimeError if a backward pass is itself being differentiated.

    To be called in a backward pass in closed form. Gradients are enabled there only under create_graph.
    """
    if torch.is_grad_enabled():
        raise RuntimeError(f"{loss} has no second derivative (create_graph=True)")
