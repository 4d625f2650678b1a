"""Notes beside scores, and what sentences from Python may be."""

import math

import pytest

from signkit.errors import UserError
from signkit.eval.scores import Resampling, Scored, score

EQUAL = "all hypotheses equal the references; is it the same file?"
QUICK = Resampling(resamples=0)


def scored(references: object, hypotheses: object) -> Scored:
    return score(references, hypotheses, metrics=["wer"], resampling=QUICK)  # type: ignore[arg-type]


def test_hypotheses_that_all_equal_the_references() -> None:
    words = {"a": "RAIN NORTH TODAY", "b": "SUN SOUTH TODAY"}
    assert scored(words, words).notes == (EQUAL,)
    assert scored(words, {**words, "b": "SUN SOUTH"}).notes == ()
    assert scored({"a": "RAIN NORTH"}, {"a": "RAIN NORTH"}).notes == ()


@pytest.mark.parametrize(
    ("reference", "hypothesis", "here", "there"),
    [
        ("don't", "don’t", "U+0027", "U+2019"),
        ("WIE-VIEL", "WIE‑VIEL", "U+002D", "U+2011"),
        ("RAIN", "RA\u200bIN", "none of them", "U+200B"),
        ("RAIN", "ＲＡＩＮ", "U+0041, U+0049, U+004E", "U+FF21, U+FF29, U+FF2E"),
        ("rain", "\u00adRAIN", "U+0061, U+0069, U+006E", "U+0041, U+0049, U+004E"),
    ],
)
def test_words_that_look_alike(reference: str, hypothesis: str, here: str, there: str) -> None:
    (note,) = scored({"a": f"{reference} SUN"}, {"a": f"{hypothesis} SUN"}).notes
    assert note == (
        f"1 substitution is of words that look alike ({reference!r} in the reference has {here}, "
        f"{hypothesis!r} in the hypothesis {there}): they differ in invisible characters, width, apostrophes "
        "or dashes, and count as errors"
    )


@pytest.mark.parametrize(
    ("one", "other"), [("SÜD", "SUD"), ("GROSS", "GROẞER"), ("天气", "天気"), ("A1", "A2")]
)
def test_words_that_do_not_look_alike(one: str, other: str) -> None:
    assert scored({"a": one}, {"a": other}).notes == ()


@pytest.mark.parametrize("mark", ["▁RAIN", "RA@@", "<s>", "<pad>", "<blank>", "<eps>"])
def test_leftovers_of_a_tokenizer(mark: str) -> None:
    one, other = {"a": "RAIN SUN"}, {"a": f"{mark} SUN"}
    for left, right, source, none in (
        (one, other, "hypotheses", "references"),
        (other, one, "references", "hypotheses"),
    ):
        assert scored(left, right).notes == (
            f"{source} has 1 word with marks of a tokenizer or a model ({mark}), and {none} none: "
            "they count as they are",
        )
    assert scored(other, {"a": f"{mark} X"}).notes == ()


def test_chinese_with_blanks_on_one_side() -> None:
    whole, parted = {"a": "今天天气好", "b": "你好"}, {"a": "今 天 天 气 好", "b": "你 好"}
    assert scored(whole, parted).notes == (
        "hypotheses has blanks within Chinese sentences and references has none, where a sentence is one "
        "word; `--protocol csl_daily_characters` compares characters without blanks",
    )
    assert scored(parted, {"a": "今天 天气 好", "b": "好"}).notes == ()
    assert scored(whole, {"a": "今天", "b": "你"}).notes == ()


def test_alternatives_where_there_are_none() -> None:
    assert scored({"a": "{ SUN / FAIR } X"}, {"a": "SUN X"}).notes == (
        "references: 1 text with alternatives ({ SUN / FAIR } X), which only the formats stm, trn and ctm "
        "have: in the format python braces and slashes count as words",
    )


def test_ids_from_python_are_text() -> None:
    assert scored({0: "A"}, {"0": "A"})["wer"].value == 0
    with pytest.raises(UserError, match="references: has two ids that are the same as text"):
        scored({1: "A", "1": "B"}, {"1": "A"})


@pytest.mark.parametrize(
    ("odd", "what"),
    [
        (None, "is None, which is neither text nor words"),
        (math.nan, "is nan, which is neither text nor words"),
        (b"SUN", "is b'SUN', which is neither text nor words"),
        (["A", None], "has None among its words, which is no text"),
    ],
)
def test_a_sentence_that_is_none(odd: object, what: str) -> None:
    with pytest.raises(UserError) as caught:
        scored(["A", "B"], ["A", odd])
    assert str(caught.value) == f"hypotheses, sentence 2: {what}"
    with pytest.raises(UserError) as caught:
        scored({"w": odd}, {"w": "A"})
    assert str(caught.value) == f"references, sentence w: {what}"


def test_lists_are_looked_at_as_files_are() -> None:
    with pytest.raises(UserError) as caught:
        scored(["RAIN NORTH", "SUN SOUTH"], ["RAIN,NORTH", "SUN,SOUTH"])
    assert str(caught.value) == (
        "hypotheses: has `,` between words (RAIN,NORTH), where references has blanks; "
        "give each sentence as a list of its words"
    )
    with pytest.raises(UserError) as caught:
        scored(["w1 RAIN", "w2 SUN"], ["w2 SUN", "w1 RAIN"])
    assert str(caught.value) == (
        "hypotheses: its lines begin with ids ('w2'), as those of the reference; "
        "give each sentence as a list of its words"
    )
    assert scored([["w1", "RAIN"]], [["w1", "RAIN"]])["wer"].value == 0
