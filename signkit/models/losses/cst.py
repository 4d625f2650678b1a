"""Contextual sequence transduction (CST): likelihood of a reference whose symbols depend on the history.

Zhang et al. 2023 (C2ST, ICCV) define the objective; the lattices and the closed-form gradient are this
project's, docs/c2st.md. The logits of chunk s after history u are the sum A_s + C_u, so a joint tensor
[chunks, histories, vocab] is never built.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from signkit.data.on_host import moved, on_host
from signkit.models.losses.checks import check_logits, check_loss, check_references, refuse_others, until
from signkit.models.losses.joint import (
    SplitJoint,
    at_least_single,
    marginals,
    refuse_second_derivative,
    split_joints,
)
from signkit.models.losses.lattice import BLANK, ENTER, STAY, idle, log_likelihood, posteriors, skew, unskew
from signkit.models.losses.topology import Chain, build_chain, check_topology


class Lattice(NamedTuple):
    """A batch's lattices without the logits; masks are True on padding, None where there is none."""

    topology: str
    chain: Chain
    shortest: int  # chunks of the shortest sample: no sample has padding before them
    chunk_padding: Tensor | None  # [batch, chunks]
    position_padding: Tensor | None  # [batch, positions]
    choices: Tensor  # [batch, positions, 3]: symbols a position can emit: its own, the next one, blank


def cst_loss(
    acoustic: Float[Tensor, "batch chunks vocab"],
    context: Float[Tensor, "batch histories vocab"],
    targets: Int[Tensor, "batch labels"],
    input_lengths: Int[Tensor, "batch"],
    target_lengths: Int[Tensor, "batch"],
    *,
    topology: str = "ctc",
    blank: int = 0,
) -> Float[Tensor, "batch"]:
    """Contextual sequence transduction loss (Zhang et al. 2023).

    The negative log-likelihood of each reference over all its paths, where the distribution of chunk s after
    the first u labels is softmax(acoustic[s] + context[u]). The gradient is computed in closed form.

    Args:
        acoustic: logits of each chunk. Half precision is computed in float32.
        context: logits added after each history, of 0 to all labels; they include the output layer's bias.
        targets: labels of each reference, without blanks.
        input_lengths: chunks of each sample; what lies beyond is never read.
        target_lengths: labels of each reference; what lies beyond is never read.
        topology: ``ctc``: labels may repeat on neighbouring chunks, as in CTC (Graves et al. 2006), which it
            is where all histories have the same context; ``monotonic``: each label is emitted on exactly one
            chunk (Sak et al. 2017); ``rnnt``: several labels a chunk, each chunk ends with a blank (Graves
            2012).
        blank: index of the blank.

    Returns:
        One value a sample, in nats; +inf, with a gradient of zero, for a reference that does not fit on its
        chunks (`signkit.models.losses.topology.chunks_needed`).

    Raises:
        TypeError: an argument that is no tensor.
        ValueError: an unknown topology, a context for other than labels + 1 histories, or an argument that
            does not fit: lengths beyond the chunks or labels, labels that are the blank or no symbol or not
            whole numbers, batches of other sizes, NaN. The message names the argument, the sample and the
            value.
        RuntimeError: in a backward pass under ``create_graph``: there is no second derivative.

    Example:
        Two chunks, the label 1 and no preference for any of 3 symbols. Of the 9 equally likely paths three
        spell the reference: 1-1, 1-blank and blank-1.

        >>> import torch
        >>> acoustic, context = torch.zeros(1, 2, 3), torch.zeros(1, 2, 3)
        >>> loss = cst_loss(acoustic, context, torch.tensor([[1]]), torch.tensor([2]), torch.tensor([1]))
        >>> loss.neg().exp()  # 3 / 9
        tensor([0.3333])
    """
    refuse_others(
        acoustic=acoustic, context=context, targets=targets,
        input_lengths=input_lengths, target_lengths=target_lengths,
    )  # fmt: skip
    ((loss, _),) = cst_levels(
        (acoustic,), context, targets, input_lengths, target_lengths, topology=topology, blank=blank
    )
    return loss


def cst_levels(
    acoustics: Sequence[Tensor],
    context: Tensor,
    targets: Tensor,
    input_lengths: Tensor,
    target_lengths: Tensor,
    *,
    topology: str = "ctc",
    blank: int = 0,
) -> list[tuple[Tensor, Tensor | None]]:
    """`cst_loss` of several levels of logits with the same references and context, in one pass.

    Args:
        acoustics: the logits of each level, [batch, chunks, vocab]; all else is as for `cst_loss`.

    Returns:
        The loss of each level, [batch], and its `node_posteriors`, [batch, chunks, histories]; without a
        gradient None in their place.

    Raises:
        TypeError, ValueError, RuntimeError: as `cst_loss`.
    """
    for acoustic in acoustics:
        check_logits({"acoustic": acoustic, "context": context})
    acoustics, context = [at_least_single(each) for each in acoustics], at_least_single(context)
    first = acoustics[0]
    lattice, rows = _build_lattice(first, context, targets, input_lengths, target_lengths, topology, blank)
    found = list[tuple[Tensor, Tensor | None]]()
    with torch.autocast(first.device.type, enabled=False):
        if torch.is_grad_enabled() and any(each.requires_grad for each in (context, *acoustics)):
            flat = _Transduction.apply(lattice, rows, *acoustics)  # type: ignore[no-untyped-call]
            losses, visits = flat[: len(acoustics)], flat[len(acoustics) :]
            found += zip(losses, (_by_history(each, lattice, context) for each in visits), strict=True)
        else:
            joints, arcs = _joined_arcs(acoustics, rows, lattice)
            ends = lattice.chain.ends.repeat(len(joints))
            total = log_likelihood(arcs, ends).to(first.dtype)
            found += ((-each, None) for each in total.chunk(len(joints)))
    for acoustic, (loss, _) in zip(acoustics, found, strict=True):
        check_loss(loss, logits_read(acoustic, context, input_lengths, target_lengths))
    return found


def logits_read(
    acoustic: Tensor, context: Tensor, input_lengths: Tensor, target_lengths: Tensor
) -> dict[str, tuple[Tensor, Tensor]]:
    """The logits by their argument's name with what is read of each, for `check_loss`."""
    chunks = until(input_lengths.to(acoustic.device), acoustic.shape[1])
    histories = until(target_lengths.to(context.device) + 1, context.shape[1])
    return {"acoustic": (acoustic, chunks), "context": (context, histories)}


def node_posteriors(
    acoustic: Float[Tensor, "batch chunks vocab"],
    context: Float[Tensor, "batch histories vocab"],
    targets: Int[Tensor, "batch labels"],
    input_lengths: Int[Tensor, "batch"],
    target_lengths: Int[Tensor, "batch"],
    *,
    topology: str = "ctc",
    blank: int = 0,
) -> Float[Tensor, "batch chunks histories"]:
    """Expected number of symbols that the paths of each reference emit on chunk s after history u.

    Without gradient. The values of a chunk sum to 1 (`rnnt`: to 1 plus the expected number of labels emitted
    there); they are 0 on padding and for a reference that does not fit. Arguments and errors as for
    `cst_loss`.
    """
    check_logits({"acoustic": acoustic, "context": context})
    with torch.no_grad(), torch.autocast(acoustic.device.type, enabled=False):
        acoustic, context = at_least_single(acoustic), at_least_single(context)
        lattice, rows = _build_lattice(
            acoustic, context, targets, input_lengths, target_lengths, topology, blank
        )
        _, arcs = _joined_arcs((acoustic,), rows, lattice)
        ((_, taken),) = _posteriors(arcs, lattice, acoustic.shape[1], 1)
        return _by_history(_visits(taken), lattice, context)


def _by_history(visits: Tensor, lattice: Lattice, context: Tensor) -> Tensor:
    """Visits of positions as those of histories: a label and the mandatory blank after it share one."""
    if lattice.chain.histories is None:
        return visits
    index = lattice.chain.histories[:, None].expand_as(visits)
    return visits.new_zeros(*visits.shape[:2], context.shape[1]).scatter_add_(2, index, visits)


def _build_lattice(
    acoustic: Tensor,
    context: Tensor,
    targets: Tensor,
    input_lengths: Tensor,
    target_lengths: Tensor,
    topology: str,
    blank: int,
) -> tuple[Lattice, Tensor]:
    """The batch's lattice, and the context logits of each of its positions, [batch, positions, vocab]."""
    check_topology(topology)
    device = acoustic.device
    shortest = check_references(acoustic, targets, input_lengths, target_lengths, blank)
    if context.shape[1] != targets.shape[1] + 1:
        labels, rows = targets.shape[1], context.shape[1]
        raise ValueError(f"context has {rows} rows a sample; {labels} labels need {labels + 1}")
    # On the host, which knows the references, so that their shapes need not be waited for.
    chain = build_chain(on_host(targets), on_host(target_lengths), topology, blank)
    position_padding = _padding(chain.ends + 1, chain.symbols.shape[1], device)
    chain = chain.to(device)
    if chain.histories is not None:
        context = context.gather(1, chain.histories[:, :, None].expand(-1, -1, context.shape[2]))
    chunk_padding = (
        None if shortest >= acoustic.shape[1] else ~until(moved(input_lengths, device), acoustic.shape[1])
    )
    symbols = chain.symbols
    choices = torch.stack((symbols, symbols.roll(-1, 1), torch.full_like(symbols, blank)), 2)
    return Lattice(topology, chain, shortest, chunk_padding, position_padding, choices), context


def _padding(lengths: Tensor, longest: int, device: torch.device) -> Tensor | None:
    """True on padding, [batch, longest]; None if there is none."""
    if int(lengths.amin()) >= longest:
        return None
    return moved(~until(lengths, longest), device)


class _Transduction(torch.autograd.Function):
    """The loss with its gradient in closed form: expected distributions minus expected emissions.

    The loss is -log sum over paths of prod softmax(A_s + C_u)[symbol]. Its derivative by a logit is the
    probability that the model gives the symbol wherever a path emits one, minus how often the paths emit it.
    """

    @staticmethod
    def forward(
        ctx: torch.autograd.function.FunctionCtx, lattice: Lattice, context: Tensor, *acoustics: Tensor
    ) -> tuple[Tensor, ...]:
        """The loss of each level, then the visits of its nodes."""
        joints, arcs = _joined_arcs(acoustics, context, lattice)
        symbols = lattice.chain.symbols
        saved, losses, visited = [symbols, lattice.choices], list[Tensor](), list[Tensor]()
        found = _posteriors(arcs, lattice, acoustics[0].shape[1], len(joints))
        for joint, (total, taken) in zip(joints, found, strict=True):
            # How often each chunk emits the symbol of each position. The symbol of position 0 is the blank
            # and nothing enters there, so its column takes all blanks of the chunk.
            emitted = (taken[:, STAY] + taken[:, ENTER]).transpose(0, 1)
            emitted[..., 0] = taken[:, BLANK].sum(2).T
            # How often each position emits its choices, over all chunks. An ENTER arc is stored at the
            # position it leads to, so those that leave a position are found one place further (rolled;
            # nothing enters 0).
            totals = taken.sum(0)
            drawn = torch.stack((totals[STAY], totals[ENTER].roll(-1, 1), totals[BLANK]), 2)
            visits = _visits(taken)
            saved += [*joint, visits, emitted, drawn]
            losses.append(-total.to(acoustics[0].dtype))
            visited.append(visits)
        ctx.save_for_backward(*saved)
        ctx.mark_non_differentiable(*visited)
        ctx.set_materialize_grads(False)
        return *losses, *visited

    @staticmethod
    def backward(
        ctx: torch.autograd.function.FunctionCtx, *grads: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        refuse_second_derivative("cst_loss")
        symbols, choices, *saved = ctx.saved_tensors  # type: ignore[attr-defined]
        to_context, to_acoustics = None, list[Tensor | None]()
        size = len(SplitJoint._fields) + 3
        for grad, begin in zip(grads, range(0, len(saved), size), strict=False):
            if grad is None:  # a level whose loss is not used
                to_acoustics.append(None)
                continue
            *fields, visits, emitted, drawn = saved[begin : begin + size]
            scale = grad[:, None, None]
            with torch.autocast(visits.device.type, enabled=False):
                by_chunk, by_history = marginals(SplitJoint(*fields), visits * scale)
            by_chunk.scatter_add_(2, symbols[:, None].expand_as(emitted), emitted * -scale)
            by_history.scatter_add_(2, choices, drawn * -scale)
            to_acoustics.append(by_chunk)
            to_context = by_history if to_context is None else to_context.add_(by_history)
        return None, to_context, *to_acoustics


def _joined_arcs(
    acoustics: Sequence[Tensor], context: Tensor, lattice: Lattice
) -> tuple[list[SplitJoint], Tensor]:
    """The split joint of each level, and the arcs of all levels, one after another along the batch."""
    levels = [(each, context) for each in acoustics]
    joints = split_joints(levels, lattice.chunk_padding, lattice.position_padding)
    arcs = [_arcs(joint, log_normaliser, lattice) for joint, log_normaliser in joints]
    return [joint for joint, _ in joints], arcs[0] if len(arcs) == 1 else torch.cat(arcs, 2)


def _arcs(joint: SplitJoint, log_normaliser: Tensor, lattice: Lattice) -> Tensor:
    """Log-probabilities of the arcs as lattice.py stores them: [steps, 3, batch, positions]."""
    chain = lattice.chain
    batch, chunks, positions = joint.product.shape
    # Only the logits of symbols that can be emitted are gathered; the distributions are never built.
    index = chain.symbols[:, None].expand(batch, chunks, positions)
    by_chunk = (joint.acoustic.gather(2, index) - joint.acoustic_peak).transpose(0, 1)
    by_history = joint.context.gather(2, lattice.choices) - joint.context_peak
    own, following, blank_alone = by_history.unbind(2)
    log_normaliser = log_normaliser.transpose(0, 1)
    arcs = by_chunk.new_empty(chunks | 1, 3, batch, positions)
    if chunks % 2 == 0:  # the recursion needs an odd number of steps
        idle(arcs[chunks:])
    stay, enter, blank = arcs[:chunks].unbind(1)
    torch.sub(by_chunk[..., :1] + blank_alone, log_normaliser, out=blank)  # the symbol of position 0 is blank
    # entering position p emits its symbol from the distribution of position p - 1
    torch.sub(by_chunk[..., 1:] + following[:, :-1], log_normaliser[..., :-1], out=enter[..., 1:])
    if lattice.topology == "ctc":
        torch.sub(by_chunk + own, log_normaliser, out=stay)
    else:
        stay.fill_(-torch.inf)
    arcs[:, :BLANK, :, 0] = -torch.inf
    if chain.closed is not None:
        blank.masked_fill_(chain.closed, -torch.inf)
    if lattice.chunk_padding is not None:
        padding = lattice.chunk_padding[:, lattice.shortest :].T[..., None]
        arcs[lattice.shortest : chunks, :BLANK].masked_fill_(padding[:, None], -torch.inf)
        blank[lattice.shortest :].masked_fill_(padding, 0.0)
    return skew(arcs, chunks) if lattice.topology == "rnnt" else arcs


def _posteriors(arcs: Tensor, lattice: Lattice, chunks: int, levels: int) -> list[tuple[Tensor, Tensor]]:
    """Of each level the log-likelihood [batch], and the posteriors of its arcs, 0 on padding: [chunks, 3,
    batch, positions]."""
    total, taken = posteriors(arcs, lattice.chain.ends.repeat(levels))
    taken = unskew(taken, chunks) if lattice.topology == "rnnt" else taken[:chunks]
    parts = taken.chunk(levels, 2)
    if lattice.chunk_padding is not None:
        padding = lattice.chunk_padding[:, lattice.shortest :].T[..., None]
        for part in parts:
            part[lattice.shortest :, BLANK].masked_fill_(padding, 0.0)
    return [*zip(total.chunk(levels), parts, strict=True)]


def _visits(taken: Tensor) -> Tensor:
    """Expected number of arcs that leave each node, whatever they emit: [batch, chunks, positions]."""
    visits = (taken[:, STAY] + taken[:, BLANK]).transpose(0, 1)
    visits[..., :-1] += taken[:, ENTER, :, 1:].transpose(0, 1)
    return visits
