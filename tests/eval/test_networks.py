"""Alternatives: how they are read, and their alignment against every pair of paths."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signkit.errors import UserError
from signkit.eval.alignment import HTK, SCLITE, UNIT, Costs, align
from signkit.eval.alternatives import Network, has_alternatives, parse, sclite_case, sclite_word, sclite_words
from signkit.eval.networks import Chosen, align_networks

WORDS = st.lists(st.sampled_from(["A", "B", "Ä", "(A)", "B-", "/"]), max_size=7)


def chosen(reference: str, hypothesis: str, costs: Costs = SCLITE, **options: object) -> Chosen:
    return align_networks(parse(reference, "r:1"), parse(hypothesis, "h:1"), costs, **options)


def paths(network: Network) -> set[tuple[str, ...]]:
    """Every sequence of words through a network, without those that stand for nothing."""

    def until(number: int) -> set[tuple[str, ...]]:
        if not number:
            return {()}
        word = network.words[number - 1]
        own = () if word == "@" else (word,)
        return {(*path, *own) for before in network.before[number - 1] for path in until(before)}

    return set().union(*(until(number) for number in network.ends))


@st.composite
def texts(draw: st.DrawFn, depth: int = 2) -> str:
    items = []
    for _ in range(draw(st.integers(0 if depth == 2 else 1, 3))):
        if depth and draw(st.booleans()):
            parts = draw(st.lists(st.one_of(st.just("@"), texts(depth - 1)), min_size=1, max_size=3))
            items.append("{ " + " / ".join(parts) + " }")
        else:
            items.append(draw(st.sampled_from("abc")))
    return " ".join(items)


def test_a_plain_text_is_a_line() -> None:
    assert parse("A  B\tA", "f:1") == Network(("A", "B", "A"), ((0,), (1,), (2,)), (3,))
    assert parse(" ", "f:1") == Network((), (), (0,))


def test_alternatives_part_and_meet() -> None:
    network = parse("A { B / C D / @ } E", "f:1")
    assert network.words == ("A", "B", "C", "@", "D", "E")
    assert network.before == ((0,), (1,), (1,), (1,), (3,), (2, 5, 4))
    assert network.ends == (6,)
    assert paths(network) == {("A", "B", "E"), ("A", "C", "D", "E"), ("A", "E")}


def test_alternatives_hold_alternatives() -> None:
    assert paths(parse("{ { A / B } C / {@}} {D/E}F", "f:1")) == {
        (*front, middle, "F") for front in (("A", "C"), ("B", "C"), ()) for middle in ("D", "E")
    }


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("A { B", "f:7: `{` is never closed"),
        ("{ A { B }", "f:7: `{` is never closed"),
        ("A } B", "f:7: `}` closes no `{`"),
        ("{ A } }", "f:7: `}` closes no `{`"),
        ("A { B / } C", "f:7: an alternative is empty; write `@` where there may be nothing"),
        ("{ / B }", "f:7: an alternative is empty; write `@` where there may be nothing"),
        ("A { }", "f:7: an alternative is empty; write `@` where there may be nothing"),
        ("IX{LEFT}", "f:7: `{` stands inside the word 'IX{'; put a blank before it"),
        ("{ " * 51 + "A" + " }" * 51, "f:7: alternatives are nested over 50 deep"),
    ],
)
def test_what_cannot_be_read(text: str, what: str) -> None:
    with pytest.raises(UserError) as caught:
        parse(text, "f:7")
    assert str(caught.value) == what
    assert has_alternatives(text)


def test_fifty_deep_can_be_read() -> None:
    assert parse("{ " * 50 + "A" + " }" * 50, "f:7") == parse("A", "f:7")


def test_which_texts_have_alternatives() -> None:
    assert [has_alternatives(text) for text in ("A / B", "(A) @", "{ A }", "A }")] == [
        False,
        False,
        True,
        True,
    ]


@pytest.mark.parametrize(
    ("word", "taken"),
    [
        ("A;B", "A"),
        ("A;B;C", "A"),
        (";", ""),
        ("A\\;B", "A;B"),
        ("A\\;B;C", "A;B"),
        ("A\\B\\", "AB"),
        ("A*", "A"),
        ("A**", "A*"),
        ("*", "*"),
        ("A-", "A-"),
    ],
)
def test_what_sclite_takes_a_word_for(word: str, taken: str) -> None:
    assert sclite_word(word) == taken
    assert parse(word, "f:1").words == (taken,)


def test_words_of_a_text() -> None:
    assert sclite_words(" A\u00a0B\tC\u3000D\vE ") == ["A\u00a0B", "C\u3000D", "E"]
    assert sclite_words("@ A* @ B;x @@") == ["A", "B", "@@"]


def test_case_is_that_of_ascii() -> None:
    assert sclite_case("HAUS ÄÖÜ ÇIİ Я ẞ") == "haus ÄÖÜ Çiİ Я ẞ"


@given(WORDS, WORDS, st.sampled_from([SCLITE, UNIT, HTK, Costs(5, 1, 4)]))
def test_without_alternatives_it_is_the_plain_alignment(
    reference: list[str], hypothesis: list[str], costs: Costs
) -> None:
    found = chosen(" ".join(reference), " ".join(hypothesis), costs)
    wanted = align(reference, hypothesis, costs)
    assert found.counts == (wanted.correct, wanted.substitutions, wanted.deletions, wanted.insertions)
    assert (found.reference, found.hypothesis) == (tuple(reference), tuple(hypothesis))


@given(texts(), texts(depth=1), st.sampled_from([SCLITE, UNIT, Costs(5, 1, 4)]))
def test_the_best_of_all_pairs_of_paths(reference: str, hypothesis: str, costs: Costs) -> None:
    left, right = parse(reference, "r:1"), parse(hypothesis, "h:1")
    found = align_networks(left, right, costs)
    weights = np.array([0, costs.substitution, costs.deletion, costs.insertion])
    least = min(
        int(weights @ (a.correct, a.substitutions, a.deletions, a.insertions))
        for a in (align(*pair, costs) for pair in itertools.product(paths(left), paths(right)))
    )
    assert int(weights @ found.counts) == least
    assert found.reference in paths(left)
    assert found.hypothesis in paths(right)


def test_the_steps_tell_the_path() -> None:
    assert chosen("{ A / B C / @ } D E", "B D X F").steps == (
        (0, "B", "B"),
        (2, "C", None),
        (0, "D", "D"),
        (3, None, "X"),
        (1, "E", "F"),
    )


def test_nothing_leaves_no_step() -> None:
    assert chosen("@ A { @ / B }", "A @").steps == ((0, "A", "A"),)
    assert chosen("@", "@").steps == ()


def test_words_that_may_be_left_out() -> None:
    assert chosen("(A) B", "B").steps == ((2, "(A)", None), (0, "B", "B"))
    assert chosen("(A) B", "B", optional=True).steps == ((0, "(A)", None), (0, "B", "B"))
    assert chosen("B", "(A) B", optional=True).steps == ((0, None, "(A)"), (0, "B", "B"))
    assert chosen("(A) B", "A B").counts == (1, 1, 0, 0)
    assert chosen("(A) B", "A B", optional=True).steps == ((0, "(A)", "A"), (0, "B", "B"))


def test_a_word_that_may_be_left_out_costs_two_thirds() -> None:
    assert chosen("(A) (A)", "B", optional=True).counts == (1, 1, 0, 0)  # 4 + 2, not 2 + 2 + 3
    assert chosen("(A)", "B", Costs(6, 3, 3), optional=True).counts == (1, 0, 0, 1)  # 2 + 3, not 6


@pytest.mark.parametrize(
    ("reference", "hypothesis", "equal"),
    [
        ("AB-", "ABC", True),
        ("ABC", "AB-", True),
        ("AB-", "A", False),
        ("-BC", "ABC", True),
        ("-BC", "C", False),
        ("-BC", "ABD", False),
        ("ABC", "-BC", True),
        ("-", "A", False),
        ("-", "-", True),
        ("AB-", "ABC-", True),
    ],
)
def test_fragments(reference: str, hypothesis: str, equal: bool) -> None:
    assert (chosen(reference, hypothesis, fragments=True).counts == (1, 0, 0, 0)) is equal
    assert (chosen(reference, hypothesis).counts == (1, 0, 0, 0)) is (reference == hypothesis)


def test_which_words_are_the_same_is_asked() -> None:
    def same(left: str, right: str) -> bool:
        return left.casefold() == right.casefold()

    assert chosen("Ä { B / C }", "ä c", same=same).steps == ((0, "Ä", "ä"), (0, "C", "c"))
    assert chosen("AB- (C)", "abc", same=same, fragments=True, optional=True).counts == (2, 0, 0, 0)
