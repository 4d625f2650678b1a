"""Examples of different lengths as one padded batch."""

from collections.abc import Sequence

import numpy as np
import torch

from signkit.data.batch import Batch
from signkit.data.example import NO_LABEL, Example
from signkit.data.padding import padded


def collate(examples: Sequence[Example]) -> Batch:
    """A batch in the order given. Missing points and padding are 0, and are not ``seen``."""
    lengths = [len(example.inputs) for example in examples]
    shape, kind = examples[0].inputs.shape[1:], examples[0].inputs.dtype
    points = shape[0] if len(shape) == 2 else 1
    inputs = np.zeros((len(examples), max(lengths), *shape), dtype=kind)
    seen = np.zeros((len(examples), max(lengths), points), dtype=np.bool_)
    frame_labels = np.full((len(examples), max(lengths)), NO_LABEL, dtype=np.int64)
    target_lengths = [len(example.targets) for example in examples]
    targets = np.zeros((len(examples), max(target_lengths)), dtype=np.int64)
    for row, (example, length) in enumerate(zip(examples, lengths, strict=True)):
        if kind.kind in "iu":  # pixels, or token indices
            inputs[row, :length], seen[row, :length] = example.inputs, True
        else:
            missing = np.isnan(example.inputs)
            inputs[row, :length] = np.where(missing, 0, example.inputs)
            seen[row, :length] = ~missing.any(-1).reshape(length, points)
        frame_labels[row, :length] = example.frame_labels
        targets[row, : target_lengths[row]] = example.targets
    return Batch(
        ids=tuple(example.id for example in examples),
        inputs=torch.from_numpy(inputs),
        seen=torch.from_numpy(seen),
        lengths=torch.tensor(lengths),
        targets=torch.from_numpy(targets),
        target_lengths=torch.tensor(target_lengths),
        frame_labels=torch.from_numpy(frame_labels),
        fps=torch.tensor([example.fps for example in examples], dtype=torch.float32),
        times=_times(examples, max(lengths)),
        motion=_motion(examples, max(lengths)),
        logs=_logs(examples),
        **_glosses(examples),
    )


def _logs(examples: Sequence[Example]) -> torch.Tensor | None:
    """The log scores of the readings, if there are several of any sample; of the only one of a sample 0."""
    if all(example.log is None for example in examples):
        return None
    return torch.tensor([example.log or 0.0 for example in examples], dtype=torch.float64)


def _glosses(examples: Sequence[Example]) -> dict[str, torch.Tensor]:
    """The fields of the glosses, if the examples have them."""
    found = [example.glosses for example in examples if example.glosses is not None]
    if not found:
        return {}
    glosses, lengths = padded(found)
    return {"glosses": glosses, "gloss_lengths": lengths}


def _motion(examples: Sequence[Example], frames: int) -> torch.Tensor | None:
    """The maps of motion [batch, frames, height, width], if the examples have them."""
    maps = [example.motion for example in examples if example.motion is not None]
    if not maps:
        return None
    padded = np.zeros((len(examples), frames, *maps[0].shape[1:]), dtype=np.uint8)
    for row, each in enumerate(maps):
        padded[row, : len(each)] = each
    return torch.from_numpy(padded)


def _times(examples: Sequence[Example], frames: int) -> torch.Tensor | None:
    """Seconds of all frames [batch, frames], if those of one example are not at an even rate."""
    if all(example.times is None for example in examples):
        return None
    times = np.arange(frames) / np.array([[example.fps] for example in examples], dtype=np.float64)
    for row, example in enumerate(examples):
        if example.times is not None:
            times[row, : len(example.times)] = example.times
    return torch.from_numpy(times)
