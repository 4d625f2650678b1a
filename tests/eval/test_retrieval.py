"""The retrieval floor: which source is nearest, the texts, and the figures of the real corpora."""

import json
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signkit.errors import UserError
from signkit.eval.retrieval import nearest, nearest_texts, sources_of
from signkit.eval.scores import Resampling, as_transcripts, score
from signkit.eval.transcripts import Transcripts

NO_INTERVALS = Resampling(resamples=0)
SOURCES = st.lists(st.sampled_from("abc"), max_size=6).map(" ".join)


def grams(text: str) -> Counter[tuple[str, ...]]:
    words = text.split()
    return Counter([*zip(words, strict=True), *zip(words, words[1:], strict=False)])


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(SOURCES, min_size=1, max_size=8), st.lists(SOURCES, max_size=4))
def test_the_nearest_is_that_of_the_definition(train: list[str], sources: list[str]) -> None:
    expected = []
    for source in sources:
        similarities = []
        for other in train:
            left, right = grams(source), grams(other)
            total = left.total() + right.total()
            similarities.append(Fraction(2 * (left & right).total(), total) if total else Fraction(1))
        expected.append(similarities.index(max(similarities)))
    assert nearest(train, sources).tolist() == expected


def test_the_first_of_equals_is_taken() -> None:
    assert nearest_texts(["B A", "A B", "A B"], ["one", "two", "three"], ["A B", "X", "B"]) == [
        "two",
        "one",
        "one",
    ]


def test_order_and_repeats_count() -> None:
    train = ["A B C", "C B A", "A A", "A"]
    assert nearest(train, ["C B A", "A A A", "A"]).tolist() == [1, 2, 3]


def test_train_must_be_there_and_have_a_text_for_each_source() -> None:
    with pytest.raises(UserError, match="^train: has no sources$"):
        nearest_texts([], [], ["A"])
    with pytest.raises(UserError, match="^train: 2 sources for 1 texts$"):
        nearest_texts(["A", "B"], ["a"], ["A"])


def lines(*texts: str, source: str = "texts.txt") -> Transcripts:
    return Transcripts(source, "lines", tuple(map(str, range(len(texts)))), texts, range(1, len(texts) + 1))


def test_sources_belong_to_texts_by_line_or_id() -> None:
    assert sources_of(lines("A", "B", "", ""), lines("a", "b")) == ("A", "B")
    sources = as_transcripts({"x": "A", "y": "B", "z": "C"}, "sources")
    assert sources_of(sources, as_transcripts({"z": "c", "x": "a"}, "texts")) == ("C", "A")


@pytest.mark.parametrize("sources", [("A",), ("A", "B", "C")])
def test_other_numbers_of_lines_are_refused(sources: tuple[str, ...]) -> None:
    with pytest.raises(UserError) as caught:
        sources_of(lines(*sources, source="glosses.txt"), lines("a", "b"))
    count = f"{len(sources)} lines against the 2 of texts.txt"
    assert str(caught.value) == f"glosses.txt: {count}; line n is the source of line n"


def test_a_text_without_a_source_is_refused() -> None:
    with pytest.raises(UserError) as caught:
        sources_of(as_transcripts({"x": "A"}, "sources"), as_transcripts({"x": "a", "y": "b"}, "texts"))
    assert str(caught.value) == "sources: no source for 1 of the 2 sentences of texts, such as 'y'"


def test_the_floor_of_phoenix_2014t(real_data: Callable[[str], Path]) -> None:
    folder = real_data("phoenix14t_recognised")

    def read(name: str) -> list[str]:
        return (folder / name).read_text(encoding="utf-8").splitlines()

    glosses, train, source, test = map(read, ("train.gloss", "train.de", "test.gloss", "test.de"))
    found = score(
        test,
        nearest_texts(glosses, train, source),
        "phoenix2014t_text",
        train=frozenset(tuple(text.split()) for text in train),
        resampling=NO_INTERVALS,
    )
    values = {each.name: round(100 * each.value, 2) for each in found.scores}
    assert (values["bleu4"], values["bleu4_no_period"]) == (13.13, 12.45)
    assert (values["chrf"], values["chrf_no_period"]) == (36.65, 36.60)
    assert (values["rouge_l"], values["rouge_l_no_period"]) == (37.55, 31.69)
    assert found["seen_share"].note == "32 of 642 sentences"
    assert sum(each in set(glosses) for each in source) == 2


def test_the_floor_of_csl_daily(real_data: Callable[[str], Path]) -> None:
    folder = real_data("csl_daily_text")

    def read(split: str, key: str) -> list[str]:
        text = (folder / f"{split}.jsonl").read_text(encoding="utf-8")
        return [json.loads(line)[key] for line in text.splitlines()]

    floor = nearest_texts(read("train", "gloss"), read("train", "text"), read("test", "gloss"))
    found = score(read("test", "text"), floor, "csl_daily_text", resampling=NO_INTERVALS)
    values = {each.name: round(100 * each.value, 2) for each in found.scores}
    assert values == {
        "bleu4": 11.17,
        "bleu3": 15.26,
        "bleu2": 21.73,
        "bleu1": 33.05,
        "chrf": 10.87,
        "rouge_l": 32.43,
    }
    assert found.notes == ("no figures by words: references has no blanks between words",)
