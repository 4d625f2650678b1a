"""Batches of landmarks without targets."""

import torch

from signkit.data.batch import Batch


def batch(inputs: torch.Tensor) -> Batch:
    """Of clips of one length whose points are all seen [batch, frames, points, coords]."""
    clips, frames, points = inputs.shape[:3]
    return Batch(
        ids=tuple(map(str, range(clips))),
        inputs=inputs,
        seen=torch.ones(clips, frames, points, dtype=torch.bool),
        lengths=torch.full((clips,), frames),
        targets=torch.zeros(clips, 1, dtype=torch.long),
        target_lengths=torch.ones(clips, dtype=torch.long),
        frame_labels=torch.zeros(clips, frames, dtype=torch.long),
        fps=torch.full((clips,), 25.0),
    )
