"""The sequence-level term of C2ST (Zhang et al. 2023): paths that spell nearly the reference count too.

The description weighs a path by its edit distance to the reference and leaves the rest open; the three
readings below are this project's, docs/c2st.md. With STC = 1 + distance the reference's own paths weigh 1.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

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
    """cst_loss with the sequence-level term over the reference and N best other hypotheses; see stc_terms.

    Hypotheses must differ among themselves; those not `valid` are unread. Arguments and errors as for
    cst_loss.
    """
    reference = cst_loss(
        acoustic, context, targets, input_lengths, target_lengths, topology=topology, blank=blank
    )
    if mode == "none":
        return reference
    batch, nbest, _ = hypotheses.shape
    lengths = hypothesis_lengths.masked_fill(~valid, 0)
    likelihood = cst_loss(
        acoustic.repeat_interleave(nbest, 0),
        hypothesis_contexts.flatten(0, 1),
        hypotheses.flatten(0, 1),
        input_lengths.repeat_interleave(nbest),
        lengths.flatten(),
        topology=topology,
        blank=blank,
    )
    distances = edit_distances(hypotheses, lengths, targets, target_lengths)
    return stc_terms(reference, likelihood.view(batch, nbest), distances, valid, mode)


def stc_terms(
    reference_nll: Float[Tensor, "batch"],
    hypothesis_nll: Float[Tensor, "batch nbest"],
    distances: Int[Tensor, "batch nbest"],
    valid: Bool[Tensor, "batch nbest"],
    mode: str,
) -> Float[Tensor, "batch"]:
    """Combine likelihoods and edit distances d to the reference Y into one loss a sample.

    none: -log P(Y).  path: -log(P(Y) + sum P(h) / (1 + d_h)).  risk: -log P(Y) + log(1 + E[d]), the
    expectation over Y and the hypotheses with P renormalised. Hypotheses that are not `valid`, equal Y (d =
    0) or do not fit (+inf) are left out, and without any all three are the same. A reference at +inf stays
    there. Raises ValueError for an unknown mode.
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
    """Levenshtein distance of each hypothesis to its reference; what lies beyond the lengths is unread.

    One row of the table a hypothesis label, all samples at once: the chain of deletions along a row is a
    running minimum once the position is subtracted.
    """
    steps = torch.arange(references.shape[1] + 1, device=references.device)
    row = steps.expand(*hypotheses.shape[:2], -1)
    for length, labels in enumerate(hypotheses.unbind(2), start=1):
        substituted = row[..., :-1] + (labels[..., None] != references[:, None])
        best = torch.cat((row[..., :1] + 1, torch.minimum(substituted, row[..., 1:] + 1)), 2)
        following = (best - steps).cummin(2).values + steps
        row = torch.where((length <= hypothesis_lengths)[..., None], following, row)
    ends = reference_lengths.long()[:, None, None].expand(*hypotheses.shape[:2], 1)
    return row.gather(2, ends)[..., 0]
