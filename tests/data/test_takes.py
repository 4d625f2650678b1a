"""Takes of signs, as the page of `signkit live` writes them: what is read, held out, and refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from signkit.data.corpora.configs import TakesConfig
from signkit.data.corpora.takes import ONE_PERSON, read
from signkit.errors import UserError
from signkit.models.onnx.cases import plain_array
from signkit.testing import check_corpus
from signkit.types import Landmarks


def line(sign: Any, frames: int = 3, **changes: Any) -> str:
    """A take whose left hand is never seen."""
    points = np.full((frames, 42, 3), np.nan, np.float32)
    points[:, 21:] = np.random.default_rng(frames).normal(size=(frames, 21, 3))
    take = {"gloss": sign, "fps": 25, "layout": "hands", "points": plain_array(points)}
    return json.dumps(take | changes)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Seven takes of TREE and two of THANK YOU, one of them written otherwise."""
    lines = [*(line("TREE", n) for n in range(1, 8)), line("THANK YOU"), "", line(" THANK  YOU ")]
    (tmp_path / "signs.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path / "signs.jsonl"


def test_takes_are_numbered_and_every_fifth_is_held_out(file: Path) -> None:
    corpus = check_corpus(TakesConfig(file=str(file)), samples=1)
    assert (corpus.layout, corpus.width, corpus.notes) == ("hands", 3, (ONE_PERSON,))
    assert [(s.id, s.reference, s.frames) for s in corpus.samples][-3:] == [
        ("TREE_7", ("TREE",), 7),
        ("THANK_YOU_8", ("THANK", "YOU"), 3),
        ("THANK_YOU_10", ("THANK", "YOU"), 3),
    ]
    assert [s.id for s in corpus.split("test")] == ["TREE_5"]
    others = read(TakesConfig(file=str(file), test_take=2))
    assert [s.id for s in others.split("test")] == ["TREE_2", "TREE_7", "THANK_YOU_10"]
    assert others.fingerprint != corpus.fingerprint
    whole = read(TakesConfig(file=str(file), test_take=0))
    assert (len(whole.split("train")), whole.notes) == (9, ())


def test_points_are_those_of_the_file(file: Path) -> None:
    signal = read(TakesConfig(file=str(file))).samples[3].load()
    assert isinstance(signal, Landmarks)
    assert (signal.layout, signal.fps, signal.points.dtype) == ("hands", 25.0, np.float32)
    assert np.isnan(signal.points[:, :21]).all()
    expected = np.random.default_rng(4).normal(size=(4, 21, 3)).astype(np.float32)
    np.testing.assert_array_equal(signal.points[:, 21:], expected)


NAN = plain_array(np.full((2, 42, 3), np.nan, np.float32))
FAULTS = [
    ("{", "is not a take; the page of `signkit live` writes a take a line"),
    ("[]", "is not a take; the page of `signkit live` writes a take a line"),
    (line(" "), "the gloss is empty, or no text"),
    (line("A", fps=30), "has the layout 'hands' at 30 frames a second, and takes have 'hands' at 25"),
    (line("A", layout="hand"), "has the layout 'hand' at 25 frames a second, and takes have 'hands' at 25"),
    (line("A", points=NAN), "no hand is seen in any frame"),
    (line("A", points=NAN | {"shape": [3, 42, 3]}), "`points` is not float32 [3, 42, 3]: 1008 bytes"),
    (line("A", points=NAN | {"shape": ["2", 42, 3]}), "`points` is not float32 ['2', 42, 3]: 1008 bytes"),
    (line("A", points=NAN | {"shape": [-2, -42, 3]}), "`points` is not float32 [-2, -42, 3]: 1008 bytes"),
    (line("A", points=NAN | {"shape": [2, 21, 6]}), "layout 'hands' has 42 points but the file has 21"),
]


def test_what_is_no_take_is_named_together_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "signs.jsonl"
    file.write_text("\n".join([line("A"), *(wrong for wrong, _ in FAULTS)]), encoding="utf-8")
    with pytest.raises(UserError) as caught:
        read(TakesConfig(file=str(file)))
    found = str(caught.value).splitlines()
    assert found[-len(FAULTS) :] == [f"{file}:{n}: {why}" for n, (_, why) in enumerate(FAULTS, 2)]


@pytest.mark.parametrize(
    ("content", "test_take", "why"),
    [
        ("", 5, "has no takes; record takes in the page of `signkit live`, and download them"),
        (line("A"), 1, "no take is left to train with"),
    ],
)
def test_nothing_to_learn_from(content: str, test_take: int, why: str, tmp_path: Path) -> None:
    file = tmp_path / "signs.jsonl"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        read(TakesConfig(file=str(file), test_take=test_take))
    assert str(caught.value) == f"{file}: {why}"
