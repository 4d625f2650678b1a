"""Pairs of sentences as a dataset: tokens, times, and what changes in training."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from translated import write_pairs

from signkit.config.recipe import SourceConfig
from signkit.data.batch import Batch
from signkit.data.corpora.parallel import read
from signkit.data.corpora.text_configs import ParallelConfig
from signkit.data.pairs import Pairs
from signkit.errors import UserError
from signkit.text.sources import encode_source, source_vocabulary
from signkit.text.vocabulary import Vocabulary
from signkit.types import Features, Sample, Text


def pairs(folder: Path, source: SourceConfig, *, training: bool = False, longest: int = 0) -> Pairs:
    samples = read(ParallelConfig(root=str(write_pairs(folder)))).split("train")
    of_source = source_vocabulary(source, [each.glosses for each in samples])
    of_text = Vocabulary.from_references([each.reference for each in samples])
    return Pairs(
        samples,
        read=lambda words, rng: encode_source(words, of_source, source, rng),
        encode=of_text.encode,
        draw=(lambda words, rng: of_text.encode(words)) if training else None,
        longest=longest,
    )


def test_a_batch(tmp_path: Path) -> None:
    found = pairs(tmp_path, SourceConfig(unit="character"))
    batch = found.collate([found.example(0), found.example(1)])
    assert batch.inputs.dtype == torch.int64
    assert batch.lengths.tolist() == [len("MORGEN NORD REGEN"), len("MORGEN NORD SONNE")]
    assert found.sizes[:2] == (17, 17)
    assert batch.seen.shape == (2, 17, 1)
    assert (batch.frame_labels == -100).all()


def test_each_reading_is_a_row(tmp_path: Path) -> None:
    found = pairs(tmp_path, SourceConfig(), longest=3)
    several = Text(("MORGEN", "NORD"), (("HEUTE",), ("A",) * 4, ("NORD", "NORD")), (-1.0, -2.0, -3.0, -4.0))
    samples = (replace(found.samples[0], load=lambda: several), found.samples[1])

    def batch(readings: int, epoch: int | None = None) -> Batch:
        read = Pairs(samples, read=found._read, encode=found._encode, longest=3, readings=readings)
        return read.collate([read.example(place, epoch) for place in range(2)])

    four = batch(4)  # the one that is too long is left out
    first = samples[0].id
    assert four.ids == (first, first, first, samples[1].id)
    assert four.logs is not None and four.logs.tolist() == [-1.0, -2.0, -4.0, 0.0]
    assert four.lengths.tolist() == [2, 1, 2, 3]
    assert four.targets[0].tolist() == four.targets[2].tolist()
    assert batch(2).ids == (first, first, samples[1].id)
    assert (batch(1).ids, batch(1).logs) == ((first, samples[1].id), None)


def test_times_count_words(tmp_path: Path) -> None:
    """A piece's time is the place of its word, by which the times of glosses are carried over."""
    found = pairs(tmp_path, SourceConfig(unit="subword", pieces=20))
    example = found.example(0)
    assert example.times is not None
    assert sorted(set(example.times.tolist())) == [0.0, 1.0, 2.0]
    assert len(example.times) == len(example.inputs) > 3
    assert (np.diff(example.times) >= 0).all()


def test_words_are_hidden_in_training_alone(tmp_path: Path) -> None:
    found = pairs(tmp_path, SourceConfig(hide=0.5), training=True)
    as_it_is = found.example(0).inputs
    assert (as_it_is > 1).all()
    epochs = np.stack([found.example(0, epoch).inputs for epoch in range(300)])
    hidden = epochs == 1
    assert np.where(hidden, as_it_is, epochs).tolist() == [as_it_is.tolist()] * 300
    assert 0.4 < hidden.mean() < 0.6
    assert (found.example(0, 7).inputs == found.example(0, 7).inputs).all(), "an epoch is not repeatable"


def test_too_long(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        pairs(tmp_path, SourceConfig(), longest=2)
    assert str(caught.value) == (
        f"{tmp_path}/train.gloss:1: its source has 3 tokens, and at most 2 are read; that is source.longest"
    )


def test_what_is_no_source(tmp_path: Path) -> None:
    sample = Sample("a", "train", ("x",), 1, lambda: Text(()), "FILE:3")
    with pytest.raises(UserError, match="^FILE:3: its source is empty$"):
        Pairs([sample], read=lambda words, rng: None, encode=lambda words: ())  # type: ignore[arg-type, return-value]
    clip = replace(sample, load=lambda: Features(np.zeros((1, 1), np.float32)))
    with pytest.raises(UserError, match=r"^FILE:3: has a recording \(Features\), not text$"):
        Pairs([clip], read=lambda words, rng: None, encode=lambda words: ())  # type: ignore[arg-type, return-value]
