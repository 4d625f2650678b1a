"""A batch: padded tensors with their lengths, the only thing a model is given."""

from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from jaxtyping import Bool, Float, Float64, Int, Int64, UInt8
from torch import Tensor
from torch.nn import functional as F

from signkit.data.on_host import moved, on_both, pinned, sent

_ON_HOST = ("lengths", "targets", "target_lengths", "glosses", "gloss_lengths", "frame_labels", "fps")
END = 0
"""The end of a sentence among the next tokens: the blank's index, which no token has."""
IGNORED = -100
"""The target of a place that is not there."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Samples padded to one length. Padding is zero, and no output may depend on it.

    Attributes:
        ids: of the samples.
        inputs: landmarks [batch, frames, points, 2 or 3] with 0 where missing, features
            [batch, frames, width], video in 8 bits, RGB [batch, frames, height, width, 3], or the token
            indices of written sources [batch, frames], which are the frames then.
        seen: which points were seen (landmarks), or which frames are real (all else: one point).
        lengths: frames of each sample.
        targets: token indices; 0 (blank) where padded.
        target_lengths: tokens of each sample.
        frame_labels: the token signed in each frame, -100 where it is not known.
        fps: frames a second of each sample.
        times: seconds at which each frame is shown; None if all samples have their frames at ``fps``.
        motion: how much moves at each place of a frame, 0 where padded; None unless `video.motion` is set.
        glosses: as ``targets``, of the glosses that are recognised next to a text; None without them.
        gloss_lengths: glosses of each sample.
        logs: of sources with several readings, the log score of the reading in each row; the rows of a sample
            have the same id and follow each other. None: each row is another sample.
    """

    ids: tuple[str, ...]
    inputs: (
        Float[Tensor, "batch frames *shape"]
        | UInt8[Tensor, "batch frames height width 3"]
        | Int64[Tensor, "batch frames"]
    )
    seen: Bool[Tensor, "batch frames points"]
    lengths: Int[Tensor, " batch"]
    targets: Int[Tensor, "batch labels"]
    target_lengths: Int[Tensor, " batch"]
    frame_labels: Int[Tensor, "batch frames"]
    fps: Float[Tensor, " batch"]
    times: Float64[Tensor, "batch frames"] | None = None
    motion: UInt8[Tensor, "batch frames _ _"] | None = None
    glosses: Int[Tensor, "batch glosses"] | None = None
    gloss_lengths: Int[Tensor, " batch"] | None = None
    logs: Float64[Tensor, " batch"] | None = None

    @property
    def of_glosses(self) -> "Batch":
        """The batch with the glosses as its targets, if it has them."""
        if self.glosses is None or self.gloss_lengths is None:
            return self
        return replace(self, targets=self.glosses, target_lengths=self.gloss_lengths)

    def to(self, device: torch.device | str) -> "Batch":
        """The same batch with its tensors on a device; the host still knows lengths and targets."""
        tensors = {
            f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("ids", "times", "logs")
        }
        there: dict[str, Any] = {
            name: (moved if name in _ON_HOST else sent)(tensor, device)
            for name, tensor in tensors.items()
            if tensor is not None
        }
        return replace(self, **there)

    def pin_memory(self) -> "Batch":
        """The same batch in page-locked memory; torch's loader calls it so."""
        return pinned(self)


@dataclass(frozen=True, slots=True)
class TextBatch:
    """Sentences padded to one length.

    Attributes:
        ids: of the samples.
        tokens: token indices; 0 where padded.
        lengths: tokens of each sentence.
    """

    ids: tuple[str, ...]
    tokens: Int[Tensor, "batch labels"]
    lengths: Int[Tensor, " batch"]

    def to(self, device: torch.device | str) -> "TextBatch":
        """The same batch with its tensors on a device."""
        return replace(self, tokens=moved(self.tokens, device), lengths=moved(self.lengths, device))

    def pin_memory(self) -> "TextBatch":
        """The same batch in page-locked memory."""
        return pinned(self)


def length_mask(lengths: Int[Tensor, " batch"], size: int) -> Bool[Tensor, "batch {size}"]:
    """True for the places before each length; known on the host where the lengths are."""
    return on_both(lambda each: torch.arange(size, device=each.device) < each[:, None], lengths)


def next_tokens(
    tokens: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
) -> Int[Tensor, "batch histories"]:
    """The token after 0, 1, … all tokens of each sentence, then `END`, then `IGNORED`."""
    shifted = F.pad(tokens, (0, 1), value=END)
    ended = shifted.masked_fill(~length_mask(lengths, shifted.shape[1]), END)
    return ended.masked_fill(~length_mask(lengths + 1, shifted.shape[1]), IGNORED)
