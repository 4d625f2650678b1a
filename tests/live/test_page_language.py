"""The page's language model and its search give the numbers of the Python ones."""

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from live_page import NODE

from signkit.commands.live import language
from signkit.commands.live.language import language_of
from signkit.decode.beam import beam_search
from signkit.decode.external.ngram import NgramScorer
from signkit.decode.scorer import Fused
from signkit.errors import UserError
from signkit.lm import NGram, estimate
from signkit.lm.store import save
from signkit.text.vocabulary import Vocabulary

LINES = ["hello help", "help me", "held", "hold the door", "the hole", "me too", "hello", "all the help"]
VOCABULARY = Vocabulary(("<blank>", "<unk>", " ", *"DEHLMOPRTX"), "character")
TEXTS = ["", "H", "HE", "HEL", "THE ", "THE HEL", "XX", "HELP ME", "HELLO\nHO", "ü"]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of small letters."""
    path = tmp_path_factory.mktemp("lm") / "letters.arpa"
    save(path, estimate([list(line) for line in LINES], 4, unit="character").grams)
    return path


@pytest.fixture(scope="module")
def model(file: Path) -> NGram:
    from signkit.lm import load

    return load(file)


@pytest.fixture(scope="module")
def case() -> dict[str, Any]:
    """Clips of a CTC model; the second one is sure of HELLO, in 7 chunks."""
    rng = np.random.default_rng(5)
    sure = [5, 4, 6, 0, 6, 8, 8]
    clips = [rng.normal(0, 2, (chunks, len(VOCABULARY))) for chunks in (1, 7, 12)]
    clips[1][np.arange(7), sure] += 8
    searches = [
        {"weight": 0.5, "reward": 0.25, "beam": 8, "isEnded": True},
        {"weight": 1, "reward": 0.25, "beam": 3, "isEnded": True},
        {"weight": 0.3, "reward": 0.25, "beam": 20, "isEnded": False},
    ]
    letters = [
        {
            "logits": rng.normal(0, 2, len(VOCABULARY)).tolist(),
            "temperature": t,
            "weight": w,
            "before": before,
        }
        for t, w, before in ((1.0, 0.5, "HEL"), (0.8, 1.0, ""), (1.3, 0.0, "XX"))
    ]
    return {"clips": [clip.tolist() for clip in clips], "searches": searches, "letters": letters}


@pytest.fixture(scope="module")
def found(file: Path, case: dict[str, Any]) -> dict[str, Any]:
    """What the page makes of the case."""
    described = json.loads(language_of(file, VOCABULARY.tokens))
    given = {**case, "described": described, "symbols": VOCABULARY.tokens, "texts": TEXTS}
    if NODE is None:
        pytest.skip("node is not installed")
    script = str(Path(__file__).with_name("spelled_by_page.mjs"))
    ran = subprocess.run(
        [NODE, script], input=json.dumps(given), capture_output=True, text=True, timeout=60, check=True
    )
    return dict(json.loads(ran.stdout))


class Folded(NgramScorer):
    """Its model has small letters, the recogniser capitals."""

    def __init__(self, model: NGram) -> None:
        super().__init__(model, VOCABULARY)
        self._word = model.encode([token.lower() for token in VOCABULARY.tokens])


def state_of(model: NGram, text: str) -> np.ndarray[Any, Any]:
    states = np.array([model.start])
    for number in model.encode(list(text.rpartition("\n")[2].lower())):
        states = model.advance(states, [number])
    return states


def test_probabilities_after_a_text(found: dict[str, Any], model: NGram) -> None:
    scorer = Folded(model)
    for text, row, end in zip(TEXTS, found["rows"], found["ends"], strict=True):
        states = state_of(model, text)
        np.testing.assert_allclose(row, scorer.rows(states)[0], rtol=0, atol=1e-5)
        assert end == pytest.approx(scorer.ends(states)[0], abs=1e-5)


def test_the_search(found: dict[str, Any], model: NGram, case: dict[str, Any]) -> None:
    for options, of_clips in zip(case["searches"], found["found"], strict=True):
        scorer: Any = Folded(model)
        if not options["isEnded"]:
            scorer.ends = lambda states: np.zeros(len(states))
        for clip, ours in zip(case["clips"], of_clips, strict=True):
            (theirs,) = beam_search(
                torch.tensor([clip]), torch.tensor([len(clip)]), beam=options["beam"], nbest=options["beam"],
                length_reward=0.25, fusion=[Fused(scorer, options["weight"])],
            )  # fmt: skip
            assert [tuple(each["symbols"]) for each in ours] == [each.tokens for each in theirs]
            scores = [each.score for each in theirs]
            np.testing.assert_allclose([each["score"] for each in ours], scores, rtol=0, atol=1e-4)
    assert [VOCABULARY.tokens[i] for i in found["found"][0][1][0]["symbols"]] == [*"HELLO"]


def test_letters_by_bayes(found: dict[str, Any], model: NGram, case: dict[str, Any]) -> None:
    for letter, shares in zip(case["letters"], found["shares"], strict=True):
        row = Folded(model).rows(state_of(model, letter["before"]))[0]
        weights = np.exp(np.array(letter["logits"]) / letter["temperature"] + letter["weight"] * row)
        np.testing.assert_allclose(shares, weights / weights.sum(), rtol=0, atol=1e-5)


def test_completions_are_the_likeliest_words(found: dict[str, Any], model: NGram) -> None:
    of = dict(zip(TEXTS, found["completions"], strict=True))
    assert of[""] == of["THE "] == []
    assert [each["word"] for each in of["THE HEL"]] == ["HELP", "HELD", "HELLO"]
    assert [each["word"] for each in of["HELLO\nHO"]][0] == "HOLD"
    for each in of["HEL"]:
        states, total = state_of(model, "HEL"), 0.0
        for letter in each["word"].removeprefix("HEL").lower():
            total += float(model.rows(states)[0][model.index[letter]])
            states = model.advance(states, [model.index[letter]])
        ends = model.rows(states)[0][[model.end, model.index[" "]]]
        assert each["log"] == pytest.approx(total + np.logaddexp(*ends), abs=1e-4)


def spelled(symbols: tuple[str, ...], *, level: str = "", unit: str = "gloss", context: Any = None) -> Any:
    """What a model spells with whose graph has these symbols."""
    graph = SimpleNamespace(outputs={"gloss": symbols}, level=level, context=context, attention=None)
    trained = SimpleNamespace(spec=SimpleNamespace(vocabulary=SimpleNamespace(unit=unit)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(language, "graph_of", lambda *_: graph)
        return language.spelled_by(trained, Path("run"))  # type: ignore[arg-type]


def test_models_that_spell() -> None:
    assert spelled(("A", "B")) == ("A", "B")
    characters = ("<blank>", "<unk>", "A")
    assert spelled(characters, level="chunk", unit="character") == characters
    others = [
        lambda: spelled(("A", "TREE")),
        lambda: spelled(("<blank>", "<unk>", "A"), level="chunk"),
        lambda: spelled(characters, level="chunk", unit="character", context=object()),
    ]
    for other in others:
        with pytest.raises(UserError) as caught:
            other()
        assert str(caught.value) == (
            "--lm: the model of run does not spell with letters by itself; a classifier of letters does, and "
            "a `ctc` model with text: {unit: character}"
        )


def refused(file: Path, *symbols: str) -> str:
    with pytest.raises(UserError) as caught:
        language_of(file, symbols)
    return str(caught.value)


def test_models_that_are_refused(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = tmp_path / "words.arpa"
    save(words, estimate([["MY", "NAME"], ["YOUR", "NAME"]], 2).grams)
    assert refused(words, "A", "B") == (
        f"{words}: is a model of words, and letters need one of characters; "
        "`signkit lm train ngram --set data.unit=character` trains one of characters"
    )
    assert refused(file, "Щ", "Ж") == (
        f"{file}: knows 0 of 2 of the model's letters (0.0 %); it has `a`, `d`, `e`, …; "
        "the recogniser has `Щ`, `Ж`"
    )
    monkeypatch.setattr(language, "MOST", 1000)
    assert refused(file, "H") == (
        f"{file}: would be 0.0 MB in the page, more than 0.001; "
        "train it with a lower lm.order, or with lm.prune"
    )
