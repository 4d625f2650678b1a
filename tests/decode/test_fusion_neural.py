"""Neural language models beside a recogniser: the model's own scores, and runs that do not fit."""

from pathlib import Path

import numpy as np
import pytest
import torch
from fusion_laws import check_laws, message, no_text, total
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import CAUSAL, LM, MASKED, write_corpus, write_lm_recipe, write_recipe, write_text

from signkit.config.recipe_file import load_recipe
from signkit.decode.external import neural
from signkit.decode.external.configs import MaskedConfig, NeuralConfig
from signkit.decode.external.masked import MaskedRescorer
from signkit.decode.external.masked import build as build_masked
from signkit.decode.external.neural import NeuralScorer, build
from signkit.decode.external.trained import load_run
from signkit.decode.external.walk import StepwiseRescorer
from signkit.decode.lattice import ForgetsStates
from signkit.decode.scorer import Rescorer
from signkit.errors import UserError
from signkit.models.export import TrainedModel, write_export
from signkit.text.vocabulary import Vocabulary
from signkit.train.setup import prepare

VOCABULARY = Vocabulary.from_references([("HOUSE", "JOHN", "NEW", "READ", "ÄRGER")])
"""In another order than the models', with two glosses that they lack, without WHO."""


def exported(folder: Path, base: dict, *changes: str) -> str:
    """A run that has learnt nothing, but whose weights tell tokens apart."""
    folder.mkdir()
    recipe = load_recipe(str(write_lm_recipe(folder / "lm.yaml", write_text(folder / "text"), base)), changes)
    ready = prepare(recipe)
    with torch.no_grad():
        for weight in ready.model.parameters():
            weight.add_(
                0.3 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(weight.numel()))
            )
    run = folder / "run"
    write_export(run / "export", TrainedModel(recipe, ready.spec, ready.model))
    return str(run)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("fusion")
    return {
        name: exported(folder / name, base)
        for name, base in (("lstm", LM), ("bert", CAUSAL), ("masked", MASKED))
    }


def built(run: str, vocabulary: Vocabulary = VOCABULARY) -> NeuralScorer:
    return build(NeuralConfig(run=run), vocabulary=vocabulary, model=None, text=no_text())


@pytest.mark.parametrize("name", ["lstm", "bert"])
def test_a_walk_is_the_models_own_score(runs: dict[str, str], name: str) -> None:
    trained, scorer = load_run(runs[name]), built(runs[name])

    @settings(max_examples=20, deadline=None, derandomize=True)
    @given(st.lists(st.lists(st.sampled_from(VOCABULARY.tokens[1:]), max_size=6), min_size=1, max_size=4))
    def check(sentences: list[list[str]]) -> None:
        for sentence, log in zip(sentences, trained.scores(sentences).log, strict=True):
            assert total(scorer, VOCABULARY.encode(sentence)) == pytest.approx(log.sum(), abs=1e-4)
        check_laws(scorer, len(VOCABULARY), [VOCABULARY.encode(sentence) for sentence in sentences])

    check()


def test_what_may_follow_sums_to_one(runs: dict[str, str]) -> None:
    """Over a vocabulary that is the model's own."""
    scorer = built(runs["lstm"], load_run(runs["lstm"]).vocabulary)
    states = np.array([scorer.start])
    for token in (2, 3, 2, 1):
        rows = scorer.rows(states)[0]
        assert np.exp(rows[1:]).sum() + np.exp(scorer.ends(states)[0]) == pytest.approx(1, abs=1e-5)
        states = scorer.advance(states, np.array([token]))


def test_glosses_the_model_lacks_are_its_unknown_one(runs: dict[str, str]) -> None:
    """They have its probability, and histories that differ in them are one."""
    scorer = built(runs["lstm"])
    new, anger = VOCABULARY.encode(("NEW", "ÄRGER"))
    start = np.array([scorer.start])
    rows = scorer.rows(start)[0]
    assert rows[new] == rows[anger] == rows[1]
    assert scorer.advance(start, np.array([new])) == scorer.advance(start, np.array([anger]))
    assert scorer.advance(start, np.array([new])) != scorer.advance(start, np.array([2]))


def test_rows_are_computed_once_and_together(runs: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    scorer = built(runs["lstm"])
    asked: list[int] = []
    usual = scorer._read
    monkeypatch.setattr(scorer, "_read", lambda some, at: asked.append(len(some)) or usual(some, at))
    tokens = np.array([1, 2, 3, 5])
    start = np.full(4, scorer.start)
    scorer.rows(start)
    assert asked.pop() == 1
    states = scorer.advance(start, tokens)
    first = scorer.rows(np.concatenate([states, states]))
    assert asked == [4]
    assert np.array_equal(scorer.rows(states), first[:4])
    scorer.ends(states)
    assert asked == [4]


@pytest.mark.parametrize("name", ["lstm", "bert"])
def test_histories_are_carried_on(runs: dict[str, str], monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Each is read once, by a step, in whatever order they are asked for; what is said is the same as of
    histories that are read from their start."""
    whole = built(runs[name])
    whole._reader = None

    @settings(max_examples=20, deadline=None, derandomize=True)
    @given(st.lists(st.lists(st.integers(1, len(VOCABULARY) - 1), max_size=8), min_size=1, max_size=5))
    def check(sequences: list[list[int]]) -> None:
        monkeypatch.setattr(neural, "MAX_PAST_NUMBERS", 100)  # several passes
        scorer, steps = built(runs[name]), []
        usual = scorer._model.log_step
        scorer._model.log_step = lambda symbols, *rest: steps.append(len(symbols)) or usual(symbols, *rest)
        longest_first = sorted(sequences, key=len, reverse=True)
        found, expected = (
            np.concatenate([each.rows(after(each, tokens)) for tokens in longest_first])
            for each in (scorer, whole)
        )
        assert np.allclose(found, expected, atol=1e-5)
        assert scorer._used == sum(steps) <= scorer._tree.links.size - 1
        together = built(runs[name])
        states = np.concatenate([after(together, tokens) for tokens in longest_first])
        assert np.allclose(together.rows(states), expected, atol=1e-5)

    check()


def after(scorer: NeuralScorer, tokens: list[int]) -> np.ndarray:
    """The state after a history, of which nothing is asked on the way."""
    state = np.array([scorer.start])
    for token in tokens:
        state = scorer.advance(state, np.array([token]))
    return state


@pytest.mark.parametrize("name", ["lstm", "bert"])
def test_rows_are_forgotten_beyond_the_room(
    runs: dict[str, str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """And computed anew, from the start of each history."""
    large, small = built(runs[name]), built(runs[name])
    states = {}
    for scorer, room in ((large, 10**9), (small, 17 * (len(VOCABULARY) + large._cache.shape[1]))):
        monkeypatch.setattr(neural, "MAX_CACHED_NUMBERS", room)
        found = []
        for token in (2, 3, 4, 5):
            state = scorer.advance(np.full(4, scorer.start), np.array([token, 1, 2, 3]))
            for _ in range(3):
                state = scorer.advance(state, np.array([2, 3, 4, 5]))
                found.append(scorer.rows(state))
        states[room] = np.concatenate(found)
        assert (scorer._used == scorer._tree.links.size - 1) == (scorer is large)
    first, second = states.values()
    assert np.allclose(first, second, atol=1e-5)


def test_many_histories_are_forgotten_between_searches(
    runs: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few are kept with their rows; after many the same is said of them as before."""
    scorer, sequences = built(runs["lstm"]), [(2, 3, 4), (2,), (), (5, 5, 2)]
    assert isinstance(scorer, ForgetsStates)
    before = StepwiseRescorer(scorer).totals(sequences)
    used, size = scorer._used, scorer._tree.links.size
    assert (StepwiseRescorer(scorer).totals(sequences) == before).all()
    assert (scorer._used, scorer._tree.links.size) == (used, size)
    monkeypatch.setattr(neural, "MAX_STATES", size - 1)
    scorer.forget()
    assert (scorer._used, scorer._tree.links.size) == (0, 2)
    assert (StepwiseRescorer(scorer).totals(sequences) == before).all()


def test_the_model_goes_where_the_recogniser_is(runs: dict[str, str]) -> None:
    scorer = build(
        NeuralConfig(run=runs["lstm"]),
        vocabulary=VOCABULARY,
        model=torch.nn.Linear(2, 2, device="meta"),
        text=no_text(),
    )
    assert next(scorer._model.parameters()).device.type == "meta"


def test_the_masked_rescorer(runs: dict[str, str]) -> None:
    """The sum of what the model says of each token; an empty sequence costs nothing, and order no matter."""
    trained = load_run(runs["masked"])
    rescorer = build_masked(
        MaskedConfig(run=runs["masked"]), vocabulary=VOCABULARY, model=None, text=no_text()
    )
    assert isinstance(rescorer, MaskedRescorer) and isinstance(rescorer, Rescorer)
    sentences = [["HOUSE", "JOHN", "NEW"], [], ["READ"], ["HOUSE", "JOHN", "ÄRGER"]]
    sequences = [VOCABULARY.encode(sentence) for sentence in sentences]
    totals = rescorer.totals(sequences)
    expected = [float(log.sum()) for log in trained.scores(sentences).log]
    assert totals == pytest.approx(expected, abs=1e-4)
    assert totals[1] == 0.0
    assert totals[0] == totals[3]
    assert rescorer.totals(sequences[::-1])[::-1] == pytest.approx(totals, abs=1e-5)
    assert rescorer.totals([]).shape == (0,)


def test_runs_that_do_not_fit(runs: dict[str, str], tmp_path: Path) -> None:
    letters = Vocabulary.from_references([tuple("ab ")], "character")
    strangers = Vocabulary.from_references([("ONE", "TWO")])
    recogniser = load_recipe(str(write_recipe(tmp_path / "tiny.yaml", write_corpus(tmp_path / "corpus"))))
    ready = prepare(recogniser)
    write_export(tmp_path / "run" / "export", TrainedModel(recogniser, ready.spec, ready.model))
    lstm, masked, other = runs["lstm"], runs["masked"], str(tmp_path / "run")
    assert message(lambda: built(lstm, letters), UserError) == (
        f"{lstm}: is a model of glosses, but the recogniser writes characters"
    )
    assert message(lambda: built(lstm, strangers), UserError) == (
        f"{lstm}: knows 0 of 2 glosses of the recogniser (0.0 %); "
        "it has `HOUSE`, `JOHN`, `READ`, …; the recogniser has `ONE`, `TWO`"
    )
    assert message(lambda: built(masked), UserError) == (
        f"{masked}: is a masked language model, which does not predict the next token; "
        "put it under decode.rescore as `name: masked`"
    )
    config = MaskedConfig(run=lstm)
    assert (
        message(lambda: build_masked(config, vocabulary=VOCABULARY, model=None, text=no_text()), UserError)
        == f"{lstm}: is no masked language model; it is one for `name: neural`"
    )
    assert message(lambda: built(other), UserError) == (
        f"{other}: is the run of a recogniser, not of a language model; see `signkit lm train`"
    )
    (tmp_path / "empty").mkdir()
    assert message(lambda: built(str(tmp_path / "empty")), UserError) == (
        f"{tmp_path / 'empty'}: is an empty folder, and not a run; `signkit runs` lists the runs"
    )
