"""Watch a training for collapse: hardly anything but blanks, whatever is seen.

Every training with CTC begins with blanks only, because a constant output is the first, easy gain. One that
is healthy leaves this state: its outputs depend more and more on the place in the clip, long before the first
of them is no blank. One with too large a learning rate stays in it. Both have the same loss for a while, so
that is not enough to tell them apart. MiCT-RANet from random weights, a clip a step:

    steps                                       1-50    51-100   101-150   151-200
    reduced, AdamW 1e-3, healthy  information  0.0019   0.0070     0.024     0.054
    reduced, AdamW 1e-2                        0.0015   0.0015    0.0015    0.0015
    full size, AdamW 1e-3                       0.031    0.067     0.087     0.092
                                  non_blank      0.10     0.00      0.15      0.21
"""

from collections import deque
from collections.abc import Mapping

import torch
from jaxtyping import Float, Int
from torch import Tensor

from signkit.config.recipe import TrainConfig
from signkit.data.batch import length_mask
from signkit.models.losses.logits import SplitLogits

NON_BLANK, INFORMATION = "non_blank", "information"
"""Figures of a step: chunks whose best symbol is no blank, for each token of the reference; and the
mutual information, in nats, between a chunk's place and its symbol."""
WINDOW = 50
"""Steps over which figures are averaged; the first and the last of three windows are compared."""
EMPTY = 0.25
"""Chunks that are no blank, for each token, below which outputs are as good as empty."""
LITTLE = 0.15
"""Nats that a healthy training soon exceeds."""
GROWTH = 1.5
"""Factor by which the information of a healthy training grows at least from the first window to the last."""
FALL = 0.9
"""Factor of the loss from the first window to the last above which it hardly falls."""
LARGE = {"adamw": 3e-4, "rmsprop": 3e-4, "sgd": 1e-2}
"""Learning rates (of SGD divided by 1 - momentum) above which a training may collapse; one with a lower rate
may just be slow."""


@torch.no_grad()
def blank_figures(logits: SplitLogits, tokens: Int[Tensor, " batch"]) -> dict[str, Float[Tensor, " batch"]]:
    """Figures of each sample for `CollapseWatch`, from the video level without context.

    The information of a chunk is the mutual information between a chunk's place and its symbol: the entropy
    of the mean distribution less the mean entropy. It is 0 if all chunks have the same distribution.

    Args:
        tokens: of each reference.
    """
    level = logits.levels["video"] + logits.bias
    real = length_mask(logits.lengths, level.shape[1])
    count = logits.lengths.clamp(min=1)
    others = (level.argmax(2) != 0) & real
    each = level.softmax(2)
    mean = (each * real[..., None]).sum(1) / count[:, None]
    entropies = (torch.special.entr(each).sum(2) * real).sum(1) / count
    information = (torch.special.entr(mean).sum(1) - entropies).clamp(min=0)
    return {NON_BLANK: others.sum(1) / tokens.clamp(min=1), INFORMATION: information}


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

        Collapsed is a training with a large learning rate, after its warm-up, whose outputs are as good as
        empty, while their information is small and does not grow, and the loss hardly falls.
        """
        self._steps.append((figures["loss"], figures[NON_BLANK], figures[INFORMATION]))
        if self._said or step <= self._config.warmup_steps + WINDOW or len(self._steps) < 3 * WINDOW:
            return ""
        (loss_before, _, before), (loss, non_blank, now) = self._means()
        learns = now >= LITTLE or now > GROWTH * before or loss < FALL * loss_before
        if non_blank >= EMPTY or learns or not self._is_fast():
            return ""
        self._said = True
        return self._message(step)

    def _is_fast(self) -> bool:
        """Whether the learning rate is large enough for a collapse."""
        config = self._config
        steady = config.optimizer == "sgd" and config.momentum < 1
        return config.lr / (1 - config.momentum if steady else 1) > LARGE[config.optimizer]

    def _means(self) -> list[tuple[float, ...]]:
        """The mean figures of the first and of the last window."""
        rows = list(self._steps)
        return [tuple(map(_mean, zip(*part, strict=True))) for part in (rows[:WINDOW], rows[-WINDOW:])]

    def _message(self, step: int) -> str:
        what = f"warning: step {step}: in the last {WINDOW} steps the outputs were blanks almost throughout,"
        return f"{what} and nothing is being learnt any more: the training has collapsed. {self._advice()}"

    def _advice(self) -> str:
        """Keys with values that are known to be stable."""
        sgd = "train.lr=1e-2, train.momentum=0.0 and train.clip=5.0"
        if self._config.optimizer == "sgd":
            return f"Begin again with {sgd}"
        warm = max(100, 2 * self._config.warmup_steps)
        adam = f"train.lr=1e-4 and train.warmup_steps={warm}"
        return f"Begin again with {adam}, or with train.optimizer=sgd, {sgd}"


def _mean(values: tuple[float, ...]) -> float:
    return sum(values) / len(values)
