"""The sequence-level term of C2ST (Zhang et al. 2023): paths that nearly spell the reference count too.

The paper weights a path by its edit distance to the reference and leaves the details open; the modes below
are this project's readings, docs/c2st.md. With a weight of 1 / (1 + distance) the reference's own paths have
weight 1.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from signkit.models.losses.checks import check_references, refuse_others
from signkit.models.losses.cst import cst_loss

MODES = ("none", "path", "risk")


def stc_loss(
    acoustic: Float[Tensor, "batch chunks vocab"],
    context: Float[Tensor, "batch histories vocab"],
    targets: Int[Tensor, "batch labels"],
    input_lengths: Int[Tensor, "batch"],
    target_lengths: Int[Tensor, "batch"],
    hypotheses: Int[Tensor, "batch nbest hypothesis_labels"],
    hypothesis_lengths: Int[Tensor, "batch nbest"],
    hypothesis_contexts: Float[Tensor, "batch nbest hypothesis_histories vocab"],
    valid: Bool[Tensor, "batch nbest"],
    *,
    mode: str = "path",
    topology: str = "ctc",
    blank: int = 0,
) -> Float[Tensor, "batch"]:
    """`cst_loss` with the sequence-level term over the reference and N other hypotheses, see `stc_terms`.

    Args:
        acoustic: logits of each chunk.
        context: logits added after each history of the reference, see `cst_loss`.
        targets: labels of each reference.
        input_lengths: chunks of each sample.
        target_lengths: labels of each reference.
        hypotheses: labels of each hypothesis; those of a sample must differ from each other.
        hypothesis_lengths: labels of each hypothesis.
        hypothesis_contexts: logits added after each history of each hypothesis.
        valid: False where there is no hypothesis; its entries are never read.
        mode: ``none``, ``path`` or ``risk``.
        topology: ``ctc``, ``monotonic`` or ``rnnt``.
        blank: index of the blank.

    Returns:
        One value a sample, in nats; +inf for a reference that does not fit on its chunks.

    Raises:
        ValueError: an unknown mode, and as `cst_loss`.
        RuntimeError: as `cst_loss`.

    Example:
        With three equally likely symbols and one chunk, the reference [1] has probability 1/3. The empty
        hypothesis has 1/3 too, and one edit, so it counts half:

        >>> import torch
        >>> zeros, one = torch.zeros(1, 1, 3), torch.tensor([1])
        >>> reference = zeros, torch.zeros(1, 2, 3), torch.tensor([[1]]), one, one
        >>> empty = torch.zeros(1, 1, 0, dtype=torch.long), torch.tensor([[0]]), torch.zeros(1, 1, 1, 3)
        >>> stc_loss(*reference, *empty, torch.tensor([[True]])).neg().exp()
        tensor([0.5000])
    """
    reference = cst_loss(
        acoustic, context, targets, input_lengths, target_lengths, topology=topology, blank=blank
    )
    if mode == "none":
        return reference
    if mode not in MODES:
        raise ValueError(f"unknown stc {mode!r}; known: {', '.join(MODES)}")
    refuse_others(
        hypotheses=hypotheses, hypothesis_lengths=hypothesis_lengths,
        hypothesis_contexts=hypothesis_contexts, valid=valid,
    )  # fmt: skip
    batch, nbest = _check_shapes(targets, hypotheses, hypothesis_lengths, hypothesis_contexts, valid)
    lengths = hypothesis_lengths.masked_fill(~valid, 0)
    repeated, chunks = acoustic.repeat_interleave(nbest, 0), input_lengths.repeat_interleave(nbest)
    labels = hypotheses.flatten(0, 1)
    names = ("hypotheses", "hypothesis_lengths")
    check_references(repeated, labels, chunks, lengths.flatten(), blank, names, nbest)
    likelihood = cst_loss(
        repeated,
        hypothesis_contexts.flatten(0, 1),
        labels,
        chunks,
        lengths.flatten(),
        topology=topology,
        blank=blank,
    )
    distances = edit_distances(hypotheses, lengths, targets, target_lengths)
    return stc_terms(reference, likelihood.view(batch, nbest), distances, valid, mode)


def _check_shapes(
    targets: Tensor, hypotheses: Tensor, lengths: Tensor, contexts: Tensor, valid: Tensor
) -> tuple[int, int]:
    """Samples and hypotheses of each; ValueError if the arguments disagree about them."""
    if hypotheses.ndim != 3 or len(hypotheses) != len(targets):
        what = f"[{len(targets)}, nbest, labels], not {list(hypotheses.shape)}"
        raise ValueError(f"hypotheses must be {what}")
    wanted = hypotheses.shape[:2]
    for name, tensor in (
        ("hypothesis_lengths", lengths),
        ("hypothesis_contexts", contexts),
        ("valid", valid),
    ):
        if tensor.shape[:2] != wanted:
            raise ValueError(f"{name} is {list(tensor.shape)}; hypotheses is {list(hypotheses.shape)}")
    if valid.dtype != torch.bool:
        raise ValueError(f"valid must be torch.bool, not {valid.dtype}")
    return wanted[0], wanted[1]


def stc_terms(
    reference_nll: Float[Tensor, "batch"],
    hypothesis_nll: Float[Tensor, "batch nbest"],
    distances: Int[Tensor, "batch nbest"],
    valid: Bool[Tensor, "batch nbest"],
    mode: str,
) -> Float[Tensor, "batch"]:
    """Combine likelihoods and edit distances d to the reference Y into one loss a sample.

    - ``none``: -log P(Y)
    - ``path``: -log(P(Y) + sum P(h) / (1 + d_h))
    - ``risk``: -log P(Y) + log(1 + E[d]), the expectation over Y and the hypotheses, P renormalised

    Hypotheses that are not `valid`, equal the reference (d = 0) or do not fit (+inf) are left out; without
    any, the three modes agree. A reference at +inf stays there.

    Raises:
        ValueError: an unknown mode.
    """
    if mode not in MODES:
        raise ValueError(f"unknown stc {mode!r}; known: {', '.join(MODES)}")
    if mode == "none":
        return reference_nll
    fits = reference_nll.isfinite()
    reference = reference_nll.masked_fill(~fits, 0.0)
    counted = valid & (distances > 0) & hypothesis_nll.isfinite()
    errors = distances.masked_fill(~counted, 0).to(reference)
    others = (-hypothesis_nll).masked_fill(~counted, -torch.inf)
    if mode == "path":
        scores = torch.cat((-reference[:, None], others - errors.log1p()), 1)
        return torch.where(fits, -scores.logsumexp(1), reference_nll)
    shares = torch.cat((-reference[:, None], others), 1).softmax(1)[:, 1:]
    return torch.where(fits, reference + (shares * errors).sum(1).log1p(), reference_nll)


def edit_distances(
    hypotheses: Int[Tensor, "batch nbest hypothesis_labels"],
    hypothesis_lengths: Int[Tensor, "batch nbest"],
    references: Int[Tensor, "batch labels"],
    reference_lengths: Int[Tensor, "batch"],
) -> Int[Tensor, "batch nbest"]:
    """Levenshtein distance of each hypothesis to its reference; what lies beyond the lengths is not read.

    The table is filled one row a hypothesis label, for all samples at once.
    """
    steps = torch.arange(references.shape[1] + 1, device=references.device)
    row = steps.expand(*hypotheses.shape[:2], -1)
    for length, labels in enumerate(hypotheses.unbind(2), start=1):
        substituted = row[..., :-1] + (labels[..., None] != references[:, None])
        best = torch.cat((row[..., :1] + 1, torch.minimum(substituted, row[..., 1:] + 1)), 2)
        # deletions along the row: row[j] = min over i <= j of best[i] + (j - i), a running minimum of
        # best[i] - i, plus j
        following = (best - steps).cummin(2).values + steps
        # a hypothesis that has ended keeps its last row
        row = torch.where((length <= hypothesis_lengths)[..., None], following, row)
    ends = reference_lengths.long()[:, None, None].expand(*hypotheses.shape[:2], 1)
    return row.gather(2, ends)[..., 0]
