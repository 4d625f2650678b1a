"""The sentences of a split as token indices, for models of text."""

from collections.abc import Sequence

import numpy as np

from signkit.data.batch import TextBatch
from signkit.data.examples import READING, Encode, Reread
from signkit.data.padding import padded
from signkit.errors import UserError
from signkit.types import Sample

TextExample = tuple[str, tuple[int, ...]]
"""The id of a sample and its token indices."""


class TextExamples:
    """The references of a split by index.

    Args:
        samples: of one split, in a fixed order; their signals are never loaded.
        encode: tokens to indices, the vocabulary's.
        seed: with the epoch and the index it decides every change.
        reread: how the tokens of a reference are changed in an epoch; None: never.

    Raises:
        UserError: no samples.
    """

    def __init__(
        self, samples: Sequence[Sample], *, encode: Encode, seed: int = 0, reread: Reread | None = None
    ) -> None:
        if not samples:
            raise UserError("data", "the split has no samples")
        self.samples = tuple(samples)
        self.sizes = tuple(sample.frames for sample in self.samples)
        self._encode, self._seed, self._reread = encode, seed, reread

    def __len__(self) -> int:
        return len(self.samples)

    def example(self, index: int, epoch: int | None = None) -> TextExample:
        """One sentence, changed as in an epoch; None: as it is."""
        sample = self.samples[index]
        tokens = tuple(self._encode(sample.reference))
        if self._reread is not None and epoch is not None:
            tokens = self._reread(tokens, np.random.default_rng([self._seed, epoch, index, READING]))
        return sample.id, tokens

    def collate(self, examples: Sequence[TextExample]) -> TextBatch:
        """Sentences as one batch, in the order given."""
        tokens, lengths = padded([tokens for _, tokens in examples])
        return TextBatch(tuple(name for name, _ in examples), tokens, lengths)
