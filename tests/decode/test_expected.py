"""Minimum Bayes risk over a beam."""

import math

import pytest

from signkit.decode.configs import AttentionSearchConfig
from signkit.decode.expected import highest_expected
from signkit.decode.state import NO_CANDIDATE, Candidate
from signkit.errors import UserError
from signkit.text.vocabulary import BLANK, UNKNOWN, Vocabulary

WORDS = Vocabulary((BLANK, UNKNOWN, "heute", "regen", "im", "norden", "morgen", "sonne", "schnee"))


def candidate(text: str, share: float) -> Candidate:
    tokens = WORDS.encode(text.split())
    return Candidate(tokens, math.log(share), (0,) * len(tokens))


@pytest.mark.parametrize("metric", ["chrf", "bleu"])
def test_the_middle_of_the_crowd(metric: str) -> None:
    """The first is likeliest, and unlike all others, which agree in most words."""
    alone = candidate("sonne", 0.3)
    crowd = [
        candidate(text, 0.2)
        for text in ("heute regen im norden", "heute schnee im norden", "morgen regen im norden")
    ]
    found = highest_expected([alone, *crowd], WORDS, metric)  # type: ignore[arg-type]
    assert found[0] == crowd[0]  # shares a word more with each of the two others than they with each other
    assert sorted(each.tokens for each in found) == sorted(each.tokens for each in [alone, *crowd])


def test_a_likely_text_stays_first() -> None:
    beam = [candidate("sonne", 0.9), candidate("heute regen", 0.05), candidate("heute schnee", 0.05)]
    assert highest_expected(beam, WORDS, "chrf")[0] == beam[0]


def test_nothing_to_choose_from() -> None:
    assert highest_expected([NO_CANDIDATE], WORDS, "chrf") == [NO_CANDIDATE]
    one = [candidate("sonne", 0.9)]
    assert highest_expected(one, WORDS, "bleu") == one


def test_it_needs_a_beam() -> None:
    with pytest.raises(UserError, match="^expected: needs several texts to choose from"):
        AttentionSearchConfig(beam=1, expected="chrf")
    assert AttentionSearchConfig(beam=8, expected="chrf").greedy().expected == "none"
    assert AttentionSearchConfig(beam=8, expected="chrf").with_beam(4).expected == "chrf"
