"""Text alone as a corpus: sentences without a video, for language models.

Every sample has a signal all the same, one empty frame a word, so that batches hold sentences of like
lengths and the loop is the one of every run.
"""

import hashlib
from functools import partial

import numpy as np

from signkit.data.corpora.text_configs import TextFilesConfig
from signkit.data.sentences import Sentences, gather
from signkit.types import SPLITS, Corpus, Features, Sample


def read(config: TextFilesConfig) -> Corpus:
    """The sentences of the files of each split, as words; a recipe's `text.unit` makes characters of them.

    Raises:
        UserError: a file cannot be used; file and line are named.
    """
    splits: dict[str, Sentences] = {}
    for split in SPLITS:
        files: tuple[str, ...] = getattr(config, split)
        if files:
            learnt = split == "train"
            exclude, distinct = (config.exclude, config.distinct) if learnt else ((), False)
            text = gather(files, column=config.column, unit="word", exclude=exclude, distinct=distinct)
            splits[split] = text.sentences
    return Corpus(
        name="text",
        samples=tuple(
            _sample(split, number, words)
            for split, sentences in splits.items()
            for number, words in enumerate(sentences, start=1)
        ),
        layout="",
        width=1,
        fingerprint=hashlib.sha256(repr(splits).encode()).hexdigest(),
    )


def _sample(split: str, number: int, words: list[str]) -> Sample:
    name = f"{split}-{number:06d}"
    frames = len(words)
    return Sample(
        id=name,
        split=split,
        reference=tuple(words),
        frames=frames,
        load=partial(_nothing, frames),
        source=f"text {name}",
    )


def _nothing(frames: int) -> Features:
    return Features(np.zeros((frames, 1), dtype=np.float32))
