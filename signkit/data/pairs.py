"""The sentences of a split with their translations, as token indices."""

from collections.abc import Callable, Sequence
from dataclasses import replace
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
        readings: of a source with several, that are read, at most; longer ones are left out.

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
        readings: int = 1,
    ) -> None:
        if not samples:
            raise UserError("data", "the split has no samples")
        self.samples = tuple(samples)
        self._read, self._encode, self._draw, self._seed = read, encode, draw, seed
        self._longest, self._readings = longest, readings
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
        if self._draw is not None and epoch is not None:
            rng = np.random.default_rng([self._seed, epoch, index])
            return _example(sample.id, self._read(words, rng), self._draw(sample.reference, rng))
        targets = tuple(self._encode(sample.reference))
        example = _example(sample.id, self._read(words, None), targets)
        signal = sample.load()
        if self._readings == 1 or not isinstance(signal, Text) or not signal.others:
            return example
        first, *logs = signal.scores[: self._readings]
        read = [self._read(other, None) for other in signal.others[: self._readings - 1]]
        others = tuple(
            replace(_example(sample.id, source, targets), log=log)
            for source, log in zip(read, logs, strict=True)
            if 0 < len(source.tokens) <= (self._longest or len(source.tokens))
        )
        return replace(example, log=first, others=others)

    def collate(self, examples: Sequence[Example]) -> Batch:
        """Examples as one batch; each reading of a source is a row."""
        return collate([reading for each in examples for reading in (each, *each.others)])


def _example(name: str, read: Source, targets: tuple[int, ...]) -> Example:
    labels = np.full(len(read.tokens), NO_LABEL, dtype=np.int64)
    tokens = np.array(read.tokens, dtype=np.int64)
    return Example(name, tokens, targets, labels, Text.fps, times=read.words.astype(np.float64))


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
