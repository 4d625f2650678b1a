"""The temperature of the confidences: fitted on dev, but not by a few tokens alone."""

import math

import numpy as np
import pytest

from signkit.decode.confidence import Votes, confidences, fit_temperature
from signkit.decode.temperature import PRIOR_SHARE, PRIOR_TOKENS, fitted_temperature


def drawn(tokens: int, truth: float, voters: int = 2) -> tuple[Votes, np.ndarray]:
    """Tokens that are right as often as confidences at this temperature say."""
    random = np.random.default_rng(3)
    said = np.tile(np.arange(voters) < 1, (tokens, 1))
    votes = Votes(said, random.normal(scale=2 * truth, size=(tokens, voters)))
    return votes, random.random(tokens) < confidences(votes, truth)


def test_without_a_token_nothing_is_changed():
    nothing = Votes(np.zeros((0, 2), dtype=bool), np.zeros((0, 2)))
    assert fitted_temperature(nothing, np.zeros(0, dtype=bool)) == pytest.approx(1.0, rel=1e-3)


@pytest.mark.parametrize("tokens", [1, 5, 20])
def test_a_few_tokens_that_are_all_right_do_not_make_every_confidence_one(tokens):
    votes = Votes(np.tile([True, False], (tokens, 1)), np.tile([0.0, -1.5], (tokens, 1)))
    right = np.ones(tokens, dtype=bool)
    assert fit_temperature(votes, right) < 0.06
    found = fitted_temperature(votes, right)
    assert 0.4 < found < 1
    assert confidences(votes, found)[0] < 0.98


@pytest.mark.parametrize(("truth", "voters"), [(0.5, 2), (3.0, 2), (10.0, 6)])
def test_many_tokens_decide(truth, voters):
    votes, right = drawn(4000, truth, voters)
    assert fitted_temperature(votes, right) == pytest.approx(fit_temperature(votes, right), rel=0.02)
    few = votes.agrees[:30], votes.scores[:30]
    alone, mild = (math.log(fit(Votes(*few), right[:30])) for fit in (fit_temperature, fitted_temperature))
    assert abs(mild) < abs(alone)


def test_it_is_the_fit_with_the_tokens_of_the_prior():
    votes, right = drawn(50, 2.0)
    prior = np.log([PRIOR_SHARE, 1 - PRIOR_SHARE])
    more = Votes(
        np.concatenate([votes.agrees, np.tile([True, False], (PRIOR_TOKENS, 1))]),
        np.concatenate([votes.scores, np.tile(prior, (PRIOR_TOKENS, 1))]),
    )
    both = np.concatenate([right, np.array([True] * 8 + [False] * 2)])
    assert fitted_temperature(votes, right) == pytest.approx(fit_temperature(more, both), rel=1e-9)
