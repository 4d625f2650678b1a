"""What a model reads and writes: saved with its vocabularies, and read in the form of version 0.1 too."""

import json
from pathlib import Path
from typing import Any

import pytest

from signkit.errors import UserError
from signkit.models.spec import Labels, SignalInput, Spec, signal_to_text
from signkit.text.vocabulary import Vocabulary

GLOSSES = Vocabulary.from_references([("HOUSE", "READ")])
LETTERS = Vocabulary.from_references([tuple("ab")], "character")
SIGNS = Labels(("WHO", "READ", "HÄUSER"))
SIGNAL = SignalInput("holistic", 3)


def again(spec: Spec, folder: Path) -> Spec:
    """Written into a folder and read, the rest by way of JSON."""
    return Spec.load(folder, json.loads(json.dumps(spec.save(folder))))


@pytest.mark.parametrize(
    ("spec", "files"),
    [
        (signal_to_text("holistic", 3, GLOSSES), {"vocabulary.json"}),
        (Spec({}, {"text": LETTERS}), {"vocabulary.json"}),
        (Spec({"signal": SIGNAL}, {"sign": SIGNS}), set()),
        (
            Spec(
                {"signal": SIGNAL, "other": SignalInput("", 512), "question": LETTERS},
                {"text": GLOSSES, "spelling": LETTERS, "sign": SIGNS, "hand": Labels(("left", "right"))},
            ),
            {"vocabulary.json", "question.vocabulary.json", "spelling.vocabulary.json"},
        ),
    ],
    ids=["text", "language", "labels", "several"],
)
def test_what_is_saved_is_read(spec: Spec, files: set[str], tmp_path: Path) -> None:
    found = again(spec, tmp_path)
    assert found == spec
    assert [*found.outputs] == [*spec.outputs]
    assert {path.name for path in tmp_path.iterdir()} == files


def test_the_usual_parts() -> None:
    spec = signal_to_text("holistic", 3, GLOSSES)
    assert (spec.signal, spec.vocabulary) == (SIGNAL, GLOSSES)
    assert Spec({}, {"text": GLOSSES}).signal == SignalInput("", 0)
    with pytest.raises(KeyError):
        _ = Spec({"signal": SIGNAL}, {"sign": SIGNS}).vocabulary


def test_labels_are_numbered_in_order() -> None:
    assert SIGNS.index == {"WHO": 0, "READ": 1, "HÄUSER": 2}
    assert len(SIGNS) == 3


def test_the_form_of_version_01(tmp_path: Path) -> None:
    """One signal and one text, named by nobody."""
    GLOSSES.save(tmp_path / "vocabulary.json")
    plain = {"signkit": "0.1.0", "name": "tiny", "step": 3, "layout": "boston104", "width": 2}
    assert Spec.load(tmp_path, plain) == signal_to_text("boston104", 2, GLOSSES)


@pytest.mark.parametrize(
    "plain",
    [
        {},
        {"inputs": {}},
        {"inputs": {}, "outputs": {"sign": {}}},
        {"inputs": {}, "outputs": {"sign": {"labels": 3}}},
        {"inputs": {"signal": {"layout": "holistic", "width": "wide"}}, "outputs": {}},
        {"inputs": [1], "outputs": {}},
        {"inputs": {}, "outputs": "text"},
        {"inputs": {"signal": 3}, "outputs": {}},
        {"layout": "holistic"},
    ],
)
def test_what_is_no_specification(plain: dict[str, Any], tmp_path: Path) -> None:
    GLOSSES.save(tmp_path / "vocabulary.json")
    with pytest.raises((KeyError, TypeError, ValueError)):
        Spec.load(tmp_path, plain)


def test_a_vocabulary_that_is_missing(tmp_path: Path) -> None:
    plain = again(signal_to_text("", 5, GLOSSES), tmp_path).save(tmp_path)
    (tmp_path / "vocabulary.json").unlink()
    with pytest.raises(UserError, match="vocabulary.json: there is no such file"):
        Spec.load(tmp_path, plain)
