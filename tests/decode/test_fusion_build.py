"""The parts of a recipe built: which of them, as what, and what is no part."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
from fusion_laws import check_laws, message, no_text, total, train_text

from signkit.decode.external.build import build_fusion, build_rescorers
from signkit.decode.external.configs import LexiconConfig, NgramConfig
from signkit.decode.external.walk import StepwiseRescorer
from signkit.decode.scorer import Fused
from signkit.errors import UserError
from signkit.lm import NGram, estimate
from signkit.text.vocabulary import Vocabulary

TEXT = [("A", "B"), ("B", "A", "A"), ("C",)]
VOCABULARY = Vocabulary.from_references(TEXT)


class Short:
    """Takes one nat a token, and forbids a fourth one."""

    start = 0

    def advance(self, states, tokens):
        return states + 1

    def rows(self, states):
        return np.where(states < 3, -1.0, -np.inf)[:, None].repeat(5, axis=1).astype(np.float32)

    def ends(self, states):
        return -0.5 * states


class Whole:
    """Knows whole sequences only."""

    def totals(self, sequences):
        return np.array([-float(len(tokens)) for tokens in sequences])


@dataclass(frozen=True, kw_only=True)
class ShortConfig:
    factory: ClassVar[str] = "test_fusion_build:build_short"
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True)
class WholeConfig:
    factory: ClassVar[str] = "test_fusion_build:build_whole"
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True)
class BrokenConfig:
    factory: ClassVar[str] = "test_fusion_build:build_broken"
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True)
class BareConfig:
    factory: ClassVar[str] = "test_fusion_build:build_short"


def build_short(config: Any, *, vocabulary: Any, model: Any, text: Any) -> Short:
    assert model == "the model" and vocabulary is VOCABULARY
    return Short()


def build_whole(config: Any, *, vocabulary: Any, model: Any, text: Any) -> Whole:
    return Whole()


def build_broken(config: Any, *, vocabulary: Any, model: Any, text: Any) -> dict[str, int]:
    return {}


BUILD = pytest.mark.parametrize("build", [build_fusion, build_rescorers])


def given(build: Any, *parts: Any, text: Any = None) -> Any:
    return build(parts, vocabulary=VOCABULARY, model="the model", text=text or no_text())


def test_parts_with_their_weights_in_order():
    text = train_text(TEXT)
    first, second = given(build_fusion, ShortConfig(weight=-2), NgramConfig(weight=0.3), text=text)
    assert isinstance(first, Fused) and isinstance(first.scorer, Short)
    assert (first.weight, second.weight) == (-2.0, 0.3)
    expected = float(NGram.from_grams(estimate(TEXT, 3).grams).score(("A", "C")).sum())
    assert total(second.scorer, VOCABULARY.encode(("A", "C"))) == pytest.approx(expected, abs=1e-5)


@BUILD
def test_a_part_of_weight_0_is_not_even_built(build):
    assert (
        given(build, NgramConfig(weight=0.0), BrokenConfig(weight=0), LexiconConfig(file="no", weight=0.0))
        == ()
    )
    assert given(build) == ()


def test_rescorers_are_walked_or_taken_as_they_are():
    (short, a), (whole, b) = given(build_rescorers, ShortConfig(weight=0.5), WholeConfig(weight=-1))
    assert isinstance(short, StepwiseRescorer) and isinstance(whole, Whole) and (a, b) == (0.5, -1.0)
    sequences = [(2, 3), (), (2, 2, 2), (4,), (2, 3, 4, 2)]
    assert short.totals(sequences).tolist() == [-3.0, 0.0, -4.5, -1.5, -np.inf]
    assert short.totals([]).tolist() == []
    check_laws(short.scorer, 5, sequences)


def test_walking_asks_for_each_state_once(monkeypatch):
    scorer, asked = Short(), []
    rows = scorer.rows
    monkeypatch.setattr(scorer, "rows", lambda states: asked.append(states.tolist()) or rows(states))
    monkeypatch.setattr("signkit.decode.external.walk.BATCH", 1)
    assert StepwiseRescorer(scorer).totals([(2,), (3, 4), (2, 3)]).tolist() == [-1.5, -3.0, -3.0]
    assert asked == [[0], [1]]


def test_what_is_no_part():
    assert message(lambda: given(build_fusion, WholeConfig()), UserError) == (
        "decode.fusion: `WholeConfig` scores whole sequences, so it cannot take part in a search; "
        "put it under decode.rescore"
    )
    for build in (build_fusion, build_rescorers):
        assert message(lambda build=build: given(build, BrokenConfig()), UserError) == (
            "test_fusion_build:build_broken: returns a dict, which is neither a Scorer nor a Rescorer; "
            "see signkit.decode.scorer"
        )
    assert message(lambda: given(build_fusion, BareConfig()), UserError) == (
        "decode.fusion: `BareConfig` has no option `weight`; its package is at fault"
    )
