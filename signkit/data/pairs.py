"""The sentences of a split with their translations, as token indices."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from signkit.config.recipe import SourceConfig
from signkit.data.batch import Batch
from signkit.data.collate import collate
from signkit.data.example import NO_LABEL, Example
from signkit.data.examples import Encode
from signkit.data.recogniser_errors import learn_from
from signkit.errors import UserError
from signkit.text.sources import Source, encode_source
from signkit.text.vocabulary import Vocabulary
from signkit.types import Sample, Text

Draw = Callable[[Sequence[str], np.random.Generator], tuple[int, ...]]
"""The token indices of a text, as they are drawn for training."""
ReadSource = Callable[[Sequence[str], np.random.Generator | None], Source]
"""The token indices of a source; with random numbers as it is read in training."""


class Pairs:
    """The samples of a split by index: a source, such as glosses, and a text.

    Args:
        samples: of one split, in a fixed order; their signals are `signkit.types.Text`.
        read: a source to token indices.
        encode: a text to token indices.
        draw: as `encode`, in training; None: no changes, of sources neither.
        seed: with the epoch and the index it decides every change.
        longest: tokens of a source, at most.

    Raises:
        UserError: no samples, or a source that is empty or longer than ``longest``.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        *,
        read: ReadSource,
        encode: Encode,
        draw: Draw | None = None,
        seed: int = 0,
        longest: int = 0,
    ) -> None:
        if not samples:
            raise UserError("data", "the split has no samples")
        self.samples = tuple(samples)
        self._read, self._encode, self._draw, self._seed = read, encode, draw, seed
        self._words = [source_of(sample) for sample in samples]
        self.sizes = tuple(len(read(words, None).tokens) for words in self._words)
        for sample, size in zip(self.samples, self.sizes, strict=True):
            if longest and size > longest:
                what = f"its source has {size} tokens, and at most {longest} are read"
                raise UserError(sample.source or sample.id, what, "that is source.longest")

    def __len__(self) -> int:
        return len(self.samples)

    def example(self, index: int, epoch: int | None = None) -> Example:
        """One pair, changed as in an epoch; None: as it is."""
        sample, words = self.samples[index], self._words[index]
        if self._draw is None or epoch is None:
            read, targets = self._read(words, None), tuple(self._encode(sample.reference))
        else:
            rng = np.random.default_rng([self._seed, epoch, index])
            read, targets = self._read(words, rng), self._draw(sample.reference, rng)
        labels = np.full(len(read.tokens), NO_LABEL, dtype=np.int64)
        tokens = np.array(read.tokens, dtype=np.int64)
        return Example(sample.id, tokens, targets, labels, Text.fps, times=read.words.astype(np.float64))

    def collate(self, examples: Sequence[Example]) -> Batch:
        """Examples as one batch."""
        return collate(examples)


def reader(config: SourceConfig, vocabulary: Vocabulary, *, training: bool) -> ReadSource:
    """The way that sources are read; in training with the errors of a recogniser, if there are any.

    Raises:
        UserError: they cannot be learnt.
    """
    errors = learn_from(*map(Path, config.recognised)) if training and config.errors else None

    def read(words: Sequence[str], rng: np.random.Generator | None) -> Source:
        if errors is not None and rng is not None:
            words = errors.made(words, config.errors, rng)
        return encode_source(words, vocabulary, config, rng)

    return read


def source_of(sample: Sample) -> tuple[str, ...]:
    """The words of a sample's source.

    Raises:
        UserError: it has a recording, or no words.
    """
    signal, where = sample.load(), sample.source or sample.id
    if not isinstance(signal, Text):
        raise UserError(where, f"has a recording ({type(signal).__name__}), not text")
    if not signal.tokens:
        raise UserError(where, "its source is empty")
    return signal.tokens
