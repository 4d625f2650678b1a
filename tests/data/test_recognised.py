"""What a run recognised as sources: the second stage of a cascade."""

import json
from pathlib import Path
from typing import Any

import pytest

from signkit.data.corpora.build import build_corpus
from signkit.data.corpora.configs import SyntheticConfig
from signkit.data.corpora.recognised import readings_of
from signkit.data.corpora.text_configs import RecognisedConfig
from signkit.errors import UserError
from signkit.types import Corpus, Text

DATA = {"train": 4, "dev": 3, "test": 2, "extra_sentences": 0}
RECIPE = """
data: {name: synthetic, train: 4, dev: 3, test: 2, extra_sentences: 0}
encoder: {name: gcn}
model: {name: ctc}
train: {losses: [{name: ctc}]}
"""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder of a run that recognised the first gloss of each clip, and nothing of the last one of dev."""
    folder = tmp_path / "run"
    (folder / "decode").mkdir(parents=True)
    (folder / "resolved.yaml").write_text(RECIPE, encoding="utf-8")
    whole = build_corpus(SyntheticConfig(**DATA))
    for split in ("train", "dev", "test"):
        samples = whole.split(split)
        lines = [
            {"id": each.id, "tokens": [] if split == "dev" and each is samples[-1] else [each.reference[0]]}
            for each in samples
        ]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / "decode" / f"{split}.jsonl").write_text(text, encoding="utf-8")
    return folder


def read(run: Path, train: str = "glosses") -> Corpus:
    return build_corpus(RecognisedConfig(run=str(run), train=train))  # type: ignore[arg-type]


def test_dev_and_test_are_as_recognised(run: Path) -> None:
    corpus, whole = read(run), build_corpus(SyntheticConfig(**DATA))
    assert (corpus.layout, len(corpus.samples)) == ("text", 9)
    for split in ("dev", "test"):
        for ours, theirs in zip(corpus.split(split), whole.split(split), strict=True):
            assert (ours.id, " ".join(ours.reference), ours.signer) == (theirs.id, theirs.text, theirs.signer)
    assert corpus.split("test")[0].load() == Text(whole.split("test")[0].reference[:1])
    assert corpus.split("train")[0].load() == Text(whole.split("train")[0].reference)


def test_an_nbest_list_gives_readings(run: Path) -> None:
    """The empty one is left out; train is read as its glosses are."""
    for split in ("train", "dev", "test"):
        file = run / "decode" / f"{split}.jsonl"
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        others = [{"text": "A B", "score": -2.0}, {"text": "", "score": -3.0}, {"text": "C", "score": -4.0}]
        lines = [line | {"text": " ".join(line["tokens"]), "score": -1.0, "nbest": others} for line in lines]
        file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    corpus = read(run)
    first = build_corpus(SyntheticConfig(**DATA)).split("test")[0].reference[:1]
    assert corpus.split("test")[0].load() == Text(first, (("A", "B"), ("C",)), (-1.0, -2.0, -4.0))
    assert getattr(corpus.split("train")[0].load(), "others", None) == ()


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"tokens": ["A"]}, Text(("A",))),
        ({"tokens": ["A"], "score": -1.0, "nbest": "B"}, Text(("A",))),
        ({"tokens": ["A"], "score": -1.0, "nbest": [3, {"text": "B"}]}, Text(("A",))),
        ({"tokens": ["A"], "nbest": [{"text": "B", "score": -2}]}, Text(("A",))),
        (
            {"tokens": ["h", "i"], "text": "hi", "score": -1.0, "nbest": [{"text": "ho", "score": -2}]},
            Text(("h", "i"), (("h", "o"),), (-1.0, -2)),
        ),
        (
            {"tokens": ["hi"], "text": "hi", "score": -1.0, "nbest": [{"text": "ho", "score": -2}]},
            Text(("hi",), (("ho",),), (-1.0, -2)),
        ),
    ],
)
def test_records_of_other_forms(record: dict[str, Any], expected: Text) -> None:
    assert readings_of(record) == expected


def test_nothing_recognised(run: Path) -> None:
    corpus = read(run)
    assert corpus.split("dev")[-1].load() == Text(("<unk>",))
    assert corpus.notes == ("1 clips in which nothing was recognised have an unknown gloss as their source",)


@pytest.mark.parametrize(("train", "count"), [("glosses", 4), ("recognised", 4), ("both", 8)])
def test_sources_of_train(run: Path, train: str, count: int) -> None:
    samples = read(run, train).split("train")
    assert len(samples) == count
    lengths = {len(each.glosses) for each in samples[-4:]}
    assert (lengths == {1}) == (train != "glosses")


def test_what_is_lacking(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        read(tmp_path)
    assert str(caught.value) == f"{tmp_path}: is no run; name its folder, as `signkit run` printed it"
    lines = (run / "decode" / "test.jsonl").read_text().splitlines()
    (run / "decode" / "test.jsonl").write_text(lines[0] + "\n")
    with pytest.raises(UserError, match="has no line for test-00001, of 1 that it lacks"):
        read(run)
    (run / "decode" / "test.jsonl").unlink()
    with pytest.raises(UserError) as caught:
        read(run)
    assert str(caught.value) == (
        f"{run}: test was not decoded by its run: there is no test.jsonl; decode.splits of that run names it"
    )
