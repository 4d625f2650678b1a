"""Corpora hold to the laws of `signkit.testing`, and what breaks one is found."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from tiny import write_corpus, write_text

from signkit.data.corpora.configs import (
    Boston104Config,
    CslDailyConfig,
    ManifestConfig,
    Phoenix2014Config,
    Phoenix2014tConfig,
    SyntheticConfig,
)
from signkit.data.corpora.text_configs import TextFilesConfig
from signkit.data.synthetic.folders import LayoutOptions, write_layout
from signkit.errors import UserError
from signkit.testing import check_corpus
from signkit.types import Corpus, Features, Sample

MADE = {"phoenix2014": Phoenix2014Config, "phoenix2014t": Phoenix2014tConfig, "csl_daily": CslDailyConfig}


def test_synthetic() -> None:
    corpus = check_corpus(SyntheticConfig(train=5, dev=2, test=2, extra_sentences=3), samples=2)
    assert (corpus.layout, len(corpus.samples)) == ("holistic", 9)


@pytest.mark.parametrize("features", [False, True])
def test_a_manifest(features: bool, tmp_path: Path) -> None:
    root = write_corpus(tmp_path / "corpus", train=3, dev=1, test=1, features=features)
    check_corpus(ManifestConfig(root=str(root)))


@pytest.mark.slow
@pytest.mark.parametrize("layout", MADE)
def test_official_folders(layout: Any, tmp_path: Path) -> None:
    write_layout(
        tmp_path, LayoutOptions(layout=layout, train=6, dev=2, test=2, glosses=12, size=(24, 24), signers=2)
    )
    config: Any = MADE[layout]
    check_corpus(config(root=str(tmp_path)), samples=1)


def test_boston104(real_data: Callable[[str], Path]) -> None:
    check_corpus(Boston104Config(root=str(real_data("boston104_hands"))), samples=2)


def test_text(tmp_path: Path) -> None:
    text = write_text(tmp_path, train=4, dev=2)
    files = {split: (str(text / f"{split}.txt"),) for split in ("train", "dev", "test")}
    check_corpus(TextFilesConfig(**files), signals=False)


@dataclass(frozen=True)
class Load:
    """Features that begin with a number of their own."""

    first: float
    frames: int = 4

    def __call__(self) -> Features:
        return Features(np.full((self.frames, 3), self.first, dtype=np.float32))


@dataclass(frozen=True)
class Counted:
    """Other features each time."""

    calls: ClassVar[list[int]] = []

    def __call__(self) -> Features:
        self.calls.append(1)
        return Features(np.full((4, 3), len(self.calls), dtype=np.float32))


@dataclass(frozen=True, kw_only=True)
class FaultyConfig:
    """A corpus of features with one fault."""

    factory: ClassVar[str] = "test_corpus_laws:read"
    fault: str = ""


def read(config: FaultyConfig) -> Corpus:
    sample = Sample("a", "train", ("A",), 4, Load(1.0))
    corpus = Corpus("faulty", (sample, replace(sample, id="b", split="dev")), "", 3, fingerprint="1")
    fault = config.fault
    if fault == "again":
        Counted.calls.append(1)
        return replace(corpus, fingerprint=str(len(Counted.calls)))
    if fault == "fingerprint":
        return replace(corpus, fingerprint="")
    if fault == "width":
        return replace(corpus, width=2)
    if fault == "train":
        return replace(corpus, samples=(replace(sample, split="test"),))
    loads: dict[str, Any] = {
        "frames": Load(1.0, 5), "changing": Counted(), "local": lambda: Load(1.0)(), "": Load(1.0),
    }  # fmt: skip
    return replace(corpus, samples=(replace(sample, load=loads[fault]), *corpus.samples[1:]))


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("again", "read again it is another one"),
        ("fingerprint", "it has no fingerprint, so a run could go on with other data unseen"),
        ("width", "a is features, 3 wide, and the corpus says features, 2 wide"),
        ("train", "it has no train samples to learn from"),
        ("frames", "a has 5 frames, and the sample says 4"),
        ("changing", "a is another clip when it is loaded again"),
        ("local", "its samples cannot be loaded in another process: "),
    ],
)
def test_a_fault_is_found(fault: str, message: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_corpus(FaultyConfig(fault=fault))
    assert str(caught.value).startswith(message)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the other process imports the script")
def test_a_script_needs_no_guard_of_its_main_module(tmp_path: Path) -> None:
    script = tmp_path / "check.py"
    script.write_text(
        "from signkit.data.corpora.configs import SyntheticConfig\n"
        "from signkit.testing import check_corpus\n\n"
        "corpus = check_corpus(SyntheticConfig(train=2, dev=1, test=1, extra_sentences=0), samples=1)\n"
        "print(len(corpus.samples))\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "4\n"), done.stderr


@pytest.mark.parametrize("reference", ["A B", ["A", "B"], ("A", 1), None])
def test_a_reference_is_a_tuple_of_tokens(reference: Any) -> None:
    with pytest.raises(UserError) as caught:
        Sample("a", "train", reference, 4, Load(1.0))
    assert str(caught.value) == (
        f"a: the reference of sample 'a' is {reference!r}, not a tuple of tokens; such as ('MY', 'NAME')"
    )


def test_a_sentence_of_extra_text_is_a_tuple_of_tokens() -> None:
    with pytest.raises(UserError) as caught:
        Corpus("own", (), "", 3, extra_text=("A B",))  # type: ignore[arg-type]
    assert str(caught.value) == "own: extra_text has 'A B', not a tuple of tokens; such as ('MY', 'NAME')"
