"""CTC's probability of a text's beginning, for many beginnings at once (Watanabe et al. 2017, algorithm 2).

The two sums of its recursion over the frames t of a clip, for a beginning g that is extended by c, are

    n[t] = (n[t-1] + phi[t-1]) p_t(c)        paths of g c that end in c
    b[t] = (b[t-1] + n[t-1]) p_t(blank)      paths of g c that end in a blank

with phi[t-1] all paths of g after t frames, or those that end in a blank if g ends in c. Both are linear with
known factors, so that with P[t] = log p_0(c) + … + log p_t(c)

    log n[t] = P[t] + logcumsumexp over s <= t of (log phi[s-1] - P[s-1])

and there is no loop over frames. In float64 the difference of two sums P loses nothing that matters.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float64, Int
from torch import Tensor
from torch.nn import functional as F

from signkit.data.batch import length_mask

BLANK = 0


@dataclass(frozen=True, slots=True)
class Prefixes:
    """Beginnings of the texts of some clips: [batch, beam].

    Attributes:
        log_p: of each clip's frames, [batch, frames, vocab].
        lengths: frames of each clip.
        label, blank: log P of the paths of each beginning that end in its last token, and in a blank, after
            1, 2, … frames: [batch, beam, frames].
        last: the last token; `BLANK` of the empty beginning.
    """

    log_p: Float64[Tensor, "batch frames vocab"]
    lengths: Int[Tensor, " batch"]
    label: Float64[Tensor, "batch beam frames"]
    blank: Float64[Tensor, "batch beam frames"]
    last: Int[Tensor, "batch beam"]

    @classmethod
    def empty(
        cls, log_p: Float64[Tensor, "batch frames vocab"], lengths: Int[Tensor, " batch"], beam: int
    ) -> "Prefixes":
        """The empty beginning in every place of the beam."""
        blank = log_p[..., BLANK].cumsum(1)[:, None].expand(-1, beam, -1)
        last = torch.full((len(log_p), beam), BLANK)
        return cls(log_p, lengths, torch.full_like(blank, -torch.inf), blank, last)

    def ended(self) -> Float64[Tensor, "batch beam"]:
        """log P of each beginning as the whole text."""
        at = (self.lengths - 1)[:, None, None].expand(-1, self.label.shape[1], 1)
        return torch.logaddexp(self.label.gather(2, at), self.blank.gather(2, at))[..., 0]

    def extended(self) -> Float64[Tensor, "batch beam vocab"]:
        """log P that the text begins with each beginning and one more token; the blank's column is
        undefined."""
        inside = length_mask(self.lengths, self.log_p.shape[1])[:, None]
        p = self.log_p.exp()
        before, blank_before = (
            each.masked_fill(~inside, -torch.inf) for each in (self._before(), self._blank_before())
        )
        scores = _log_matmul(before, p)
        again = _log_matmul(blank_before, p.gather(2, self._last_columns()), elementwise=True)
        # After its last token a beginning can only have the same token again behind a blank.
        return scores.scatter(2, self.last[..., None], again[..., None])

    def chosen(self, parents: Int[Tensor, "batch beam"], tokens: Int[Tensor, "batch beam"]) -> "Prefixes":
        """The beginnings of ``parents``, each with one more token."""
        label, blank = (
            torch.take_along_dim(each, parents[..., None], 1) for each in (self.label, self.blank)
        )
        of = Prefixes(self.log_p, self.lengths, label, blank, self.last.gather(1, parents))
        same = (tokens == of.last)[..., None]
        before = torch.where(same, of._blank_before(), of._before())
        columns = tokens[:, None].expand(-1, self.log_p.shape[1], -1)
        label = _run(before, self.log_p.gather(2, columns).transpose(1, 2))
        blank = _run(_shifted(label), self.log_p[..., BLANK][:, None].expand_as(label))
        return Prefixes(self.log_p, self.lengths, label, blank, tokens)

    def frames(self) -> Float64[Tensor, "batch beam frames"]:
        """log P of the last token of each beginning in each frame; -inf behind the end of the clip."""
        inside = length_mask(self.lengths, self.log_p.shape[1])[:, None]
        return self.log_p.gather(2, self._last_columns()).transpose(1, 2).masked_fill(~inside, -torch.inf)

    def _before(self) -> Float64[Tensor, "batch beam frames"]:
        """log P of all paths of each beginning before each frame."""
        return torch.logaddexp(_shifted(self.label), self._blank_before())

    def _blank_before(self) -> Float64[Tensor, "batch beam frames"]:
        """The same of those that end in a blank; before the first frame the empty beginning is certain."""
        first = torch.where(self.last == BLANK, 0.0, -torch.inf).to(self.blank)
        return torch.cat([first[..., None], self.blank[..., :-1]], 2)

    def _last_columns(self) -> Int[Tensor, "batch frames beam"]:
        return self.last[:, None].expand(-1, self.log_p.shape[1], -1)


def _shifted(log: Float64[Tensor, "batch beam frames"]) -> Float64[Tensor, "batch beam frames"]:
    """One frame later; nothing is possible before the first."""
    return F.pad(log[..., :-1], (1, 0), value=-torch.inf)


def _run(
    entering: Float64[Tensor, "batch beam frames"], log_p: Float64[Tensor, "batch beam frames"]
) -> Float64[Tensor, "batch beam frames"]:
    """x[t] = (x[t-1] + entering[t]) p[t], in logarithms."""
    total = log_p.cumsum(2)
    earlier = F.pad(total[..., :-1], (1, 0))
    return total + (entering - earlier).logcumsumexp(2)


def _log_matmul(
    log_a: Float64[Tensor, "batch beam frames"], b: Tensor, elementwise: bool = False
) -> Float64[Tensor, "batch beam *vocab"]:
    """log of exp(log_a) times b [batch, frames, vocab], summed over frames; with ``elementwise`` b is [batch,
    frames, beam], and each beginning has the column of its place."""
    most = log_a.amax(2, keepdim=True).clamp(min=torch.finfo(log_a.dtype).min)
    a = (log_a - most).exp()
    if elementwise:
        return (a * b.transpose(1, 2)).sum(2).log() + most[..., 0]
    return (a @ b).log() + most
