"""Clean-up rules by kind, the fast cleaner against the rules one by one, and patterns that are refused."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signkit.errors import UserError
from signkit.eval import cleaning
from signkit.eval.cleaning import cleaner, tracer
from signkit.eval.patterns import LENGTH, LONGEST, compiled, shape
from signkit.eval.protocols import Protocol, load
from signkit.eval.rules import Rule, Side


def protocol(*rules: Rule) -> Protocol:
    return Protocol(name="mine", rules=rules)


def cleaned(line: str, *rules: Rule, side: Side = "hypothesis") -> str:
    """By both ways, which must agree."""
    fast, (slow, _) = cleaner(protocol(*rules), side)(line), tracer(protocol(*rules), side)(line)
    assert fast == slow
    return fast


def regex(pattern: str, by: str = "", **more: object) -> Rule:
    return Rule(name="a", kind="regex", pattern=pattern, by=by, **more)  # type: ignore[arg-type]


def test_delete_and_replace() -> None:
    assert cleaned("xloc-loc-A loc-", Rule(name="a", kind="delete", text="loc-")) == "xA"
    assert cleaned("A B A B", Rule(name="a", kind="replace", text="A B", by="A-B")) == "A-B A-B"
    assert cleaned("AB", Rule(name="a", kind="replace", text="A", by="A A")) == "A AB"


def test_what_a_rule_made_is_not_looked_at_again() -> None:
    assert cleaned("aabb", Rule(name="a", kind="delete", text="ab")) == "ab"
    assert cleaned("aabb", Rule(name="a", kind="delete", text="ab", times=2)) == ""


def test_drop_takes_whole_words() -> None:
    assert cleaned("A x__M__y B __M__", Rule(name="a", kind="drop", text="__M__")) == "A B"


def test_keep_takes_characters_away() -> None:
    assert cleaned("a-b 12 c", Rule(name="a", kind="keep", text="abc")) == "ab c"


def test_regex_with_letters_of_unicode_or_ascii() -> None:
    assert cleaned("ÄB CD", regex(r"\b[A-Z]+\b", "x")) == "ÄB x"
    assert cleaned("ÄB CD", regex(r"\b[A-Z]+\b", "x", letters="ascii")) == "Äx x"


def test_with_word_spares_other_lines() -> None:
    rule = regex("A", "x", with_word="^B$")
    assert cleaned("A B", rule) == "x B"
    assert cleaned("A BB", rule) == "A BB"


def test_repeats_of_whole_words_and_of_a_form() -> None:
    any_word = Rule(name="a", kind="merge_repeats")
    assert cleaned("a-b a-b a-b c a-b", any_word) == "a-b c a-b"
    capitals = Rule(name="a", kind="merge_repeats", pattern="[A-Z]+")
    assert cleaned("A A A A B", capitals) == "A A B"
    assert cleaned("A A A B a a", capitals) == "A A B a a"
    assert cleaned("x+A A", capitals) == "x+A"
    assert cleaned("x-A A", capitals) == "x-A A"
    assert cleaned("A A A A B", Rule(name="a", kind="merge_repeats", pattern="[A-Z]+", times=2)) == "A B"


def test_blanks_that_a_rule_left_part_words_until_squeezed() -> None:
    marker = Rule(name="a", kind="delete", text="__M__")
    merge, squeeze = Rule(name="b", kind="merge_repeats", pattern="[A-Z]+"), Rule(name="c", kind="squeeze")
    assert cleaned("A __M__ A", marker, merge) == "A A"
    assert cleaned("A __M__ __M__ A", marker, squeeze, merge) == "A"


def test_rules_follow_their_order() -> None:
    first = Rule(name="a", kind="replace", text="A", by="B")
    second = Rule(name="b", kind="replace", text="B", by="A")
    assert cleaned("A B", first, second) == "A A"
    assert cleaned("A B", second, first) == "B B"


def test_a_side_without_rules_is_left_alone() -> None:
    rule = Rule(name="a", kind="delete", text="x", to="reference")
    assert cleaned("xA", rule, side="reference") == "A"
    assert cleaned("xA", rule, side="hypothesis") == "xA"
    assert cleaner(protocol(rule), "hypothesis") is cleaner(load("plain"), "reference")


def test_trace_tells_each_change() -> None:
    line = "loc-WIND loc-WIND __EPENTHESIS__"
    assert tracer(load("phoenix2014"), "hypothesis")(line) == (
        "WIND",
        [
            ("place", line, "WIND WIND __EPENTHESIS__"),
            ("repeats", "WIND WIND __EPENTHESIS__", "WIND __EPENTHESIS__"),
            ("epenthesis", "WIND __EPENTHESIS__", "WIND "),
        ],
    )
    assert tracer(load("phoenix2014"), "reference")(line) == (line, [])


def test_a_word_of_its_own_as_in_a_ctm_file() -> None:
    clean = cleaner(load("phoenix2014"), "hypothesis")
    assert [clean(word) for word in ("loc-NORD", "__EPENTHESIS__", "ZEIGEN", "A", "")] == [
        "NORD",
        "",
        "ZEIGEN-BILDSCHIRM",
        "A",
        "",
    ]


PIECES = (
    *(
        "loc-",
        "cl-",
        "__EMOTION__",
        "__EPENTHESIS__",
        "__ON__",
        "__",
        "-PLUSPLUS",
        "RAUM",
        "NORDRAUM",
        "ZEIGEN",
    ),
    *("WIE", "AUSSEHEN", "SCH", "NN", "A", "B", "+", "-", "WIND", "Ä", "wind", "HABEN2", ".", "1"),
)
LINES = st.lists(st.lists(st.sampled_from(PIECES), min_size=1, max_size=3).map("".join), max_size=9).map(
    " ".join
)
PROTOCOLS = tuple(load(name) for name in ("phoenix2014", "phoenix2014t", "chicagofswild"))


@settings(max_examples=50, deadline=None)
@given(st.lists(LINES, min_size=1, max_size=6))
def test_the_fast_cleaner_does_what_the_rules_do_one_by_one(lines: list[str]) -> None:
    for known in PROTOCOLS:
        for side in ("reference", "hypothesis"):
            clean = cleaner(known, side)
            for line in (*lines, *lines):
                assert clean(line) == tracer(known, side)(line)[0]


@settings(max_examples=50, deadline=None)
@given(LINES)
def test_a_cleaned_line_has_single_blanks(line: str) -> None:
    for known in PROTOCOLS:
        found = cleaner(known, "hypothesis")(line)
        assert found == " ".join(found.split())


KINDS = st.sampled_from(
    [
        Rule(name="a", kind="delete", text="-"),
        Rule(name="a", kind="replace", text="A B", by="B"),
        Rule(name="a", kind="replace", text="A", by="A A"),
        Rule(name="a", kind="drop", text="B"),
        Rule(name="a", kind="keep", text="AB"),
        Rule(name="a", kind="squeeze"),
        Rule(name="a", kind="merge_repeats"),
        Rule(name="a", kind="merge_repeats", pattern="[A-Z]+", times=2),
        Rule(name="a", kind="merge_repeats", pattern=r"\w", letters="ascii"),
        regex("A*", "x"),
        regex("(?<![^ ])A", "B"),
        regex("B$", "A"),
        regex(r"\BA", "B"),
        regex("([AB]) ([AB])", r"\2 \1"),
        regex(r"(A|B) \1", "C"),
        regex("A", "b c", with_word="B"),
        regex("[^ ]", "", with_word="C"),
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(KINDS, min_size=1, max_size=5), st.lists(st.text("AB- Ä", max_size=12), min_size=1, max_size=4)
)
def test_any_rules_fast_and_one_by_one(rules: list[Rule], lines: list[str]) -> None:
    mine = protocol(*(Rule(**{**_fields(rule), "name": f"r{i}"}) for i, rule in enumerate(rules)))
    clean = cleaner(mine, "reference")
    for line in lines:
        line = " ".join(line.split())
        assert outcome(clean, line) == outcome(lambda line: tracer(mine, "reference")(line)[0], line)


def outcome(clean: Callable[[str], str], line: str) -> str:
    """The cleaned line, or the fault of a word that the rules have made too long."""
    try:
        return clean(line)
    except UserError as error:
        return str(error)


def _fields(rule: Rule) -> dict[str, object]:
    return {name: getattr(rule, name) for name in Rule.__dataclass_fields__}


def test_forgotten_words_are_learnt_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleaning, "REMEMBERED", 2)
    clean = cleaner(protocol(regex("A$", "x", with_word="B")), "reference")
    assert [clean(line) for line in ("B A", "C D E F A", "B C D A", "B A")] == [
        "B x",
        "C D E F A",
        "B C D x",
        "B x",
    ]


def test_a_line_of_ten_megabytes_is_cleaned() -> None:
    hashes = "#".join("a" * 500_000)
    assert cleaner(PROTOCOLS[0], "hypothesis")("A" * 10_000_000) == "A" * 10_000_000
    assert cleaner(PROTOCOLS[0], "hypothesis")(hashes) == hashes
    assert cleaner(PROTOCOLS[2], "hypothesis")(hashes) == "a" * 500_000


def test_a_long_line_of_words_is_cleaned() -> None:
    for known in PROTOCOLS[:2]:
        assert cleaner(known, "hypothesis")("A " * 50_000 + "WIND") == "A+" * 49_998 + "A WIND"
        assert cleaner(known, "hypothesis")("loc-WIND REGEN " * 50_000) == ("WIND REGEN " * 50_000).strip()


def test_a_word_too_long_for_a_pattern_is_told() -> None:
    line = "WIND " + "a-" * 501 + "-PLUSPLUS"
    expected = (
        f"protocol phoenix2014t: the rule `markers` takes words of at most {LONGEST:,} characters, "
        "and here is one of 1,011"
    )
    for apply in (
        cleaner(load("phoenix2014t"), "reference"),
        tracer(load("phoenix2014t"), "reference"),
    ):
        with pytest.raises(UserError) as caught:
            apply(line)
        assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        ("(a+)+", "repeats a group that holds a repeat, an option or alternatives"),
        ("(?:a|b)*", "repeats a group that holds a repeat, an option or alternatives"),
        ("((a*)b){2}", "repeats a group that holds a repeat, an option or alternatives"),
        ("(?P<x>a{2,})*", "repeats a group that holds a repeat, an option or alternatives"),
        ("(a?a?)*", "repeats a group that holds a repeat, an option or alternatives"),
        ("a?" * 10, "has more than 1,000 ways through its options and alternatives"),
        ("(?:a|b)" * 9 + "c|d", "has more than 1,000 ways through its options and alternatives"),
        (".*", "has a repeat that can run over blanks; `[^ ]` is any character of a word"),
        (r"(a)\1*", "has a repeat that can run over blanks; `[^ ]` is any character of a word"),
        ("(?:a b){3}", "has a repeat that can run over blanks; `[^ ]` is any character of a word"),
        ("[]a ]+", "has a repeat that can run over blanks; `[^ ]` is any character of a word"),
        ("a*b*c*d*", "has 4 repeats, more than 3"),
        ("(?i)a", "has `(?i`, and only (?:, (?P<, (?=, (?!, (?<= and (?<! are read here"),
    ],
)
def test_patterns_that_could_take_too_long(pattern: str, fault: str) -> None:
    re.compile(pattern)
    with pytest.raises(UserError) as caught:
        compiled(pattern, "pattern")
    assert str(caught.value) == f"pattern: {fault}; a search could take too long"


@pytest.mark.parametrize(
    ("pattern", "repeats", "in_words"),
    [
        ("abc", 0, True),
        ("a b", 0, False),
        ("a?b{1}c{0,1}", 0, True),
        ("a{2}b{,3}c{4,}", 3, True),
        (r"[^\w ]*\w[^ ]*?x", 2, True),
        (r"(?<![^ ])(ab)+(?!c)(?=d)(?<=e)", 1, True),
        ("a{}{b}", 0, True),
        (r"[\]a]+(?:a|b)?", 1, True),
        ("^a", 0, False),
        ("a$", 0, False),
        (r"\Ba", 0, False),
        (r"\ba\b", 0, True),
        (r"(a)\1", 0, False),
        ("(?=a )b", 0, False),
    ],
)
def test_shape_of_a_pattern(pattern: str, repeats: int, in_words: bool) -> None:
    re.compile(pattern)
    found = shape(pattern)
    assert (found.fault, found.repeats, found.in_words) == ("", repeats, in_words)


def test_a_possessive_repeat_is_not_of_every_python() -> None:
    assert shape("a++").fault == "has a possessive repeat, which Python 3.10 does not know"


def test_patterns_that_are_none() -> None:
    with pytest.raises(UserError) as caught:
        compiled("a" * (LENGTH + 1), "pattern")
    assert str(caught.value) == "pattern: has 501 characters, more than 500"
    with pytest.raises(UserError) as caught:
        compiled("[[a]", "pattern")
    assert str(caught.value) == "pattern: is not a regular expression: Possible nested set at position 1"
