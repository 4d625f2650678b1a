"""Mixed training samples: means of two pictures (mixup), or a box of one in another (CutMix)."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from signkit.data.batch import Batch
from signkit.models.losses.configs import CrossEntropyConfig
from signkit.models.losses.labels import MISSING

Loss = Callable[[Float[Tensor, "batch classes"], Int[Tensor, " batch"]], Float[Tensor, " batch"]]


@dataclass(frozen=True, slots=True)
class Mixed:
    """A batch whose samples are mixed with others of it.

    Attributes:
        batch: with the mixed inputs; its targets are those of the samples themselves.
        partner: the sample that each is mixed with.
        share: of the sample itself, from 0 to 1.
    """

    batch: Batch
    partner: Int[Tensor, " batch"] | None = None
    share: float = 1.0

    def loss(
        self, compute: Loss, logits: Float[Tensor, "batch classes"], head: int
    ) -> Float[Tensor, " batch"]:
        """The loss of a head by both labels, each by its share; by its own where the other has none."""
        targets = self.batch.targets[:, head]
        own = compute(logits, targets)
        if self.partner is None:
            return own
        others = targets[self.partner]
        others = torch.where((others == MISSING) | (targets == MISSING), targets, others)
        return self.share * own + (1 - self.share) * compute(logits, others)


def mix(batch: Batch, config: CrossEntropyConfig | None) -> Mixed:
    """The batch with every sample mixed with another, by torch's generator; unchanged without options.

    Clips of different lengths are mixed where both have frames.
    """
    if config is None or len(batch.ids) < 2:
        return Mixed(batch)
    cut = bool(config.cutmix) and (not config.mixup or bool(torch.rand(()) < 0.5))
    alpha = torch.tensor(config.cutmix if cut else config.mixup)
    share = float(torch.distributions.Beta(alpha, alpha).sample())
    partner = torch.randperm(len(batch.ids)).to(batch.inputs.device)
    inputs, others = batch.inputs, batch.inputs[partner]
    both = (batch.seen & batch.seen[partner])[..., 0]  # [batch, frames]
    motion = batch.motion
    if cut:
        height, width = inputs.shape[2:4]
        rows, columns = (_span(size, (1 - share) ** 0.5) for size in (height, width))
        box = torch.zeros(height, width, dtype=torch.bool, device=inputs.device)
        box[rows, columns] = True
        share = 1 - float(box.float().mean())
        mixed = torch.where(both[:, :, None, None, None] & box[:, :, None], others, inputs)
        if motion is not None:  # of 2 x 2 pixels each
            inside = box[: height // 2 * 2 : 2, : width // 2 * 2 : 2]
            motion = torch.where(both[:, :, None, None] & inside, motion[partner], motion)
    else:
        mean = (share * inputs.float() + (1 - share) * others.float() + 0.5).to(inputs.dtype)
        mixed = torch.where(both[:, :, None, None, None], mean, inputs)
        if motion is not None:  # what moves in either clip moves in the mixed one
            motion = torch.where(both[:, :, None, None], torch.maximum(motion, motion[partner]), motion)
    return Mixed(replace(batch, inputs=mixed, motion=motion), partner, share)


def _span(size: int, share: float) -> slice:
    """A stretch of about a share of the size, around a random place, cut off at the edges."""
    half = round(size * share / 2)
    centre = int(torch.randint(size, ()))
    return slice(max(centre - half, 0), min(centre + half, size))
