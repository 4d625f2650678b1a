"""The laws of a corpus."""

import hashlib
import multiprocessing
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from signkit.config.registry import ComponentConfig, build
from signkit.data.corpora.build import build_corpus
from signkit.data.landmarks import check_landmarks, layout
from signkit.errors import SignkitError, UserError
from signkit.models.export import path_options
from signkit.types import SPLITS, VIDEO, WRITTEN, Corpus, Landmarks, Sample, Signal, Text, Video, fps_of


def check_corpus(config: ComponentConfig, *, samples: int = 8, signals: bool = True) -> Corpus:
    """Hold a corpus to its laws: it is the same when it is read again, its samples are what it says, here
    and in another process, and what is wrong with its files raises a `signkit.UserError`.

    Args:
        config: its options, as a recipe's section `data` has them.
        samples: of each split, the first ones, whose signals are loaded.
        signals: False of a corpus of text alone, whose signals are never loaded.

    Returns:
        The corpus, for further tests.

    Raises:
        AssertionError: saying which law is broken.
        UserError, ComponentError: the factory gives something else than a `Corpus`, or raises an exception.

    Off Linux, call it below ``if __name__ == "__main__":`` in a script: the other process begins by importing
    the script.
    """
    corpus = build_corpus(config)
    assert corpus.samples, "it has no samples"
    assert corpus.split("train"), "it has no train samples to learn from"
    ids = [sample.id for sample in corpus.samples]
    assert len(set(ids)) == len(ids), "ids are there twice"
    assert {sample.split for sample in corpus.samples} <= {*SPLITS}
    assert corpus.fingerprint, "it has no fingerprint, so a run could go on with other data unseen"
    assert _shown(build_corpus(config)) == _shown(corpus), "read again it is another one"
    for sample in corpus.samples:
        _check_sample(sample)
    if signals:
        chosen = [sample for split in SPLITS for sample in corpus.split(split)[:samples]]
        _check_signals(chosen, corpus)
    _check_errors(config)
    return corpus


def _check_sample(sample: Sample) -> None:
    ends = [segment.end for segment in sample.segments]
    late = f"a segment of {sample.id} ends at frame {max(ends, default=0)}, and it has {sample.frames}"
    assert max(ends, default=0) <= sample.frames, late
    assert all(sample.reference), f"{sample.id} has an empty token in its reference"


def _check_signals(samples: Sequence[Sample], corpus: Corpus) -> None:
    digests = []
    for sample in samples:
        signal = sample.load()
        kind, width, frames = _kind(signal)
        wanted = f"{corpus.layout or 'features'}, {corpus.width} wide"
        found = f"{kind or 'features'}, {width} wide"
        assert found == wanted, f"{sample.id} is {found}, and the corpus says {wanted}"
        assert frames == sample.frames, (
            f"{sample.id} has {frames} frames, and the sample says {sample.frames}"
        )
        rates = f"{sample.id} has {fps_of(signal)} frames a second, and the sample says {sample.fps}"
        assert sample.fps in (None, fps_of(signal)), rates
        if isinstance(signal, Landmarks):
            check_landmarks(signal.points, layout(signal.layout), sample.id)
        digests.append(_digest(signal))
        assert _digest(sample.load()) == digests[-1], f"{sample.id} is another clip when it is loaded again"
    # as the loaders of a training: where processes are forked, a script needs no `if __name__ == "__main__"`
    with multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn").Pool(1) as pool:
        try:
            elsewhere = pool.map(_loaded, samples)
        except Exception as error:
            what = f"its samples cannot be loaded in another process: {type(error).__name__}: {error}"
            raise AssertionError(what) from error
    others = [s.id for s, here, there in zip(samples, digests, elsewhere, strict=True) if here != there]
    assert not others, f"{', '.join(others)} are other clips in another process"


def _check_errors(config: ComponentConfig) -> None:
    """Each path of the options, one after another, leads nowhere, and to a folder with nothing in it."""
    with tempfile.TemporaryDirectory() as folder:
        for option in path_options(config):
            for place in (Path(folder), Path(folder) / "nowhere"):
                broken: Any = replace(config, **{option: str(place)})  # type: ignore[type-var]
                try:
                    for sample in build(broken).samples[:1]:
                        sample.load()
                except UserError:
                    continue
                except SignkitError as error:
                    raise AssertionError(
                        f"`{option}: {place}` is the user's mistake, no failure: {error}"
                    ) from error
                except Exception as error:
                    what = f"`{option}: {place}` raises {type(error).__name__}, no UserError: {error}"
                    raise AssertionError(what) from error
                raise AssertionError(f"`{option}: {place}` is not found to be wrong")


def _shown(corpus: Corpus) -> Corpus:
    """What two readings of a corpus have in common; how samples load is not compared."""
    return replace(corpus, samples=tuple(corpus.samples))


def _kind(signal: Signal) -> tuple[str, int, int]:
    """The layout, the width and the number of frames."""
    if isinstance(signal, Video):
        return VIDEO, 3, signal.frames
    if isinstance(signal, Text):
        return WRITTEN, 1, signal.frames
    if isinstance(signal, Landmarks):
        return signal.layout, signal.points.shape[2], signal.frames
    return "", signal.vectors.shape[1], signal.frames


def _digest(signal: Signal) -> str:
    if isinstance(signal, Video):
        array: Any = signal.clip.read(np.unique([0, signal.clip.frames - 1]))
    elif isinstance(signal, Text):
        array = np.array(signal.tokens)
    else:
        array = signal.points if isinstance(signal, Landmarks) else signal.vectors
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def _loaded(sample: Sample) -> str:
    return _digest(sample.load())
