"""Watch a training for collapse: nothing but blanks, whatever is seen.

Every training with CTC begins with blanks only, because a constant output is the first, easy gain. One that
is healthy leaves this state: its outputs depend more and more on what is in the frames, long before the first
of them is no blank. One with too large a learning rate stays in it. Both have the same loss for a while, so
that is not enough to tell them apart. MiCT-RANet of a reduced size on four clips, one a step:

    steps                               1-50    51-100   101-150   151-200   201-250
    information (nats), AdamW 1e-3    0.0019    0.0070     0.024     0.054     0.076    healthy
                        AdamW 1e-2    0.0015    0.0015    0.0015    0.0015    0.0015    collapsed
    outputs that are no blank, both   0.002          0         0     0.001     0.008    or still 0
"""

from collections import deque
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from signkit.config.recipe import TrainConfig
from signkit.data.batch import length_mask
from signkit.models.losses.logits import SplitLogits

NON_BLANK, INFORMATION = "non_blank", "information"
"""Figures of a step: the share of chunks whose best symbol is no blank, and nats that a chunk says."""
WINDOW = 50
"""Steps over which figures are averaged; the first and the last of three windows are compared."""
LITTLE = 0.02
"""Nats below which outputs hardly depend on the frames."""
GROWTH = 1.1
"""Factor by which the information of a healthy training grows at least from the first window to the last."""
FALL = 0.97
"""Factor of the loss from the first window to the last above which it does not fall."""


@torch.no_grad()
def blank_figures(logits: SplitLogits) -> dict[str, Float[Tensor, " batch"]]:
    """Figures of each sample for `CollapseWatch`, from the video level without context.

    The information of a chunk is the mutual information between a chunk's place and its symbol: the entropy
    of the mean distribution less the mean entropy. It is 0 if all chunks have the same distribution.
    """
    level = logits.levels["video"] + logits.bias
    real = length_mask(logits.lengths, level.shape[1])
    count = logits.lengths.clamp(min=1)
    others = (level.argmax(2) != 0) & real
    each = level.softmax(2)
    mean = (each * real[..., None]).sum(1) / count[:, None]
    entropies = (torch.special.entr(each).sum(2) * real).sum(1) / count
    information = (torch.special.entr(mean).sum(1) - entropies).clamp(min=0)
    return {NON_BLANK: others.sum(1) / count, INFORMATION: information}


class CollapseWatch:
    """Sees the figures of each step and says once that a training has collapsed.

    Args:
        config: of the training, for what the message recommends.
    """

    def __init__(self, config: TrainConfig) -> None:
        self._config = config
        self._steps = deque[tuple[float, float, float]](maxlen=3 * WINDOW)
        self._said = False

    def see(self, step: int, figures: Mapping[str, float]) -> str:
        """A warning, or "".

        Collapsed is a training after its warm-up whose outputs were all blank in three windows, while their
        information stayed small without growing and the loss did not fall.
        """
        self._steps.append((figures["loss"], figures[NON_BLANK], figures[INFORMATION]))
        if self._said or step <= self._config.warmup_steps + WINDOW or len(self._steps) < 3 * WINDOW:
            return ""
        if any(non_blank > 0 for _, non_blank, _ in self._steps):
            return ""
        (loss_before, _, before), (loss, _, now) = self._means()
        if now >= LITTLE or now > GROWTH * before or loss < FALL * loss_before:
            return ""
        self._said = True
        return self._message(step)

    def _means(self) -> list[tuple[float, ...]]:
        """The mean figures of the first and of the last window."""
        rows = list(self._steps)
        return [tuple(map(_mean, zip(*part, strict=True))) for part in (rows[:WINDOW], rows[-WINDOW:])]

    def _message(self, step: int) -> str:
        what = (
            f"warning: step {step}: all outputs of the last {3 * WINDOW} steps were blanks, whatever was in"
        )
        return f"{what} the clips, and the loss no longer falls: the training has collapsed. {self._advice()}"

    def _advice(self) -> str:
        """Keys with values that are known to be stable, as far as the recipe has others."""
        config = self._config
        lower = f"{config.lr / 10:.0e}".replace("e-0", "e-")
        if config.optimizer == "sgd" and config.momentum:
            return "Begin again with train.momentum=0.0, train.lr=1e-2 and train.clip=5.0"
        warm = max(100, 2 * config.warmup_steps)
        sgd = (
            ""
            if config.optimizer == "sgd"
            else (", or with train.optimizer=sgd, train.lr=1e-2, train.momentum=0.0 and train.clip=5.0")
        )
        return f"Begin again with train.lr={lower} and train.warmup_steps={warm}{sgd}"


def _mean(values: tuple[float, ...]) -> float:
    return sum(values) / len(values)
