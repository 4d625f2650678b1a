"""Clips whose frames are labelled with the number of the segment that they are in."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from signkit.config.recipe import Recipe
from signkit.data.example import NO_LABEL
from signkit.data.examples import Examples
from signkit.errors import UserError
from signkit.models.spec import Spec
from signkit.tasks.segmentation.forest import check_installed
from signkit.text.vocabulary import Vocabulary
from signkit.train.task import Say
from signkit.types import Sample


class SegmentedExamples(Examples):
    """Examples whose targets are the glosses of the segments, which `frame_labels` numbers from 0 on.

    So segments stay apart that touch and have one gloss, and follow their frames when clips are changed.
    """

    def frame_labels(self, index: int) -> npt.NDArray[np.int64]:
        """The segment of each frame; where two overlap, the later one."""
        sample = self.samples[index]
        labels = np.full(sample.frames, NO_LABEL, dtype=np.int64)
        for number, segment in enumerate(sample.segments):
            labels[segment.start : segment.end] = number
        return labels


def dataset(
    recipe: Recipe, samples: Sequence[Sample], spec: Spec, *, training: bool, say: Say
) -> SegmentedExamples:
    """A dataset of clips; for training without those that have no segment.

    Raises:
        UserError: no clip of a training has a segment, or scikit-learn, which is needed after it, is not
            installed.
    """
    vocabulary = spec.vocabulary
    if training:
        segmented = [sample for sample in samples if sample.segments]
        if not segmented:
            what = "no sample of train has segments: frames at which its glosses begin and end"
            raise UserError("data", what, "a manifest has a column `segments`; model.name: ctc needs none")
        if lacking := len(samples) - len(segmented):
            say(f"left out of train, without segments: {lacking} samples")
        samples = segmented
        check_installed()
    return SegmentedExamples(
        samples,
        layout=spec.signal.layout,
        width=spec.signal.width,
        encode=vocabulary.encode,
        label=lambda sample: glosses_of(sample, vocabulary),
        landmarks=recipe.landmarks,
        video=recipe.video,
        augment=recipe.augment if training else None,
        seed=recipe.train.seed,
    )


def glosses_of(sample: Sample, vocabulary: Vocabulary) -> tuple[int, ...]:
    """The index of the gloss of each segment; that of the unknown gloss where train has it not."""
    return tuple(vocabulary.encode([segment.gloss for segment in sample.segments]))
