"""Candidates of pieces as candidates of words: what votes, what is right, when it was said."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signkit.decode.confidence import beam_votes, confidences, right_tokens
from signkit.decode.in_words import InWords
from signkit.decode.state import Candidate
from signkit.text.subwords import learn
from signkit.text.vocabulary import Vocabulary

PIECES = Vocabulary.of_subwords(learn([["HOUSE", "READ"], ["READ", "BOOK"], ["READING", "HOUSE"]] * 3, 18))
GLOSSES = Vocabulary.from_references([("HOUSE", "READ", "BOOK")])


def candidate(pieces: list[str], score: float = 0.0, sure: tuple[float, ...] = ()) -> Candidate:
    tokens = tuple(PIECES.index[piece] for piece in pieces)
    return Candidate(tokens, score, tuple(range(10, 10 + len(tokens))), sure)


def letters(word: str) -> list[str]:
    return ["▁", *word]


def test_glosses_are_as_they_were() -> None:
    words, found = InWords(GLOSSES), [[Candidate((2, 3), -1.0, (4, 7), (0.5, 0.9))]]
    assert words.candidates(found) is found
    assert words.encode(("READ", "NEW")) == GLOSSES.encode(("READ", "NEW"))


def test_a_word_is_its_pieces() -> None:
    """The chunk of the first, the product of the confidences; the score is the sequence's."""
    words = InWords(PIECES)
    spelt = candidate(
        [*letters("HE"), *letters("HE"), *letters("D")], -2.5, (1.0, 0.5, 0.8, 1.0, 1.0, 0.5, 0.25, 1.0)
    )
    ((found,),) = words.candidates([[spelt]])
    assert found.tokens == words.encode(("HE", "HE", "D")) == (0, 0, 1)
    assert found.chunks == (10, 13, 16)
    assert found.confidences == pytest.approx((0.4, 0.5, 0.25))
    assert found.score == -2.5


def test_what_spells_the_same_says_the_same() -> None:
    """Both ways to cut a word vote for it, and so does one in which only another word differs."""
    house = [*PIECES.segment(["HOUSE"])]
    assert house != letters("HOUSE")
    beam = [
        candidate([*house, *letters("BO")], -1.0),
        candidate([*letters("HOUSE"), *letters("BO")], -1.0),
        candidate([*house, *letters("DO")], -1.0),
    ]
    words = InWords(PIECES)
    votes = beam_votes(words.candidates([beam]))
    assert votes.agrees[:, :3].tolist() == [[True, True, True], [True, True, False]]
    first, second = confidences(votes, 1.0).tolist()
    assert (first, second) == pytest.approx((3 / 6, 2 / 6))  # three more say neither, see `beam_votes`


def test_a_word_is_right_as_a_whole() -> None:
    words = InWords(PIECES)
    found = words.candidates([[candidate([*letters("HOUSE"), *letters("BOOK")])], [candidate([])]])
    references = [words.encode(("HOUSE", "BOOKS")), words.encode(("READ",))]
    assert right_tokens(found, references).tolist() == [True, False]


@settings(max_examples=200, deadline=None)
@given(tokens=st.lists(st.integers(1, len(PIECES) - 1), max_size=10).map(tuple))
def test_any_candidate_has_the_words_of_its_text(tokens: tuple[int, ...]) -> None:
    words = InWords(PIECES)
    ((found,),) = words.candidates([[Candidate(tokens, 0.0, tuple(range(len(tokens))))]])
    assert found.tokens == words.encode(PIECES.decode(tokens))
    assert found.chunks == tuple(first for first, _ in PIECES.spans(tokens))
    assert found.confidences == ()
