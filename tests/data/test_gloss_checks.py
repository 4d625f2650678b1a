"""What looks wrong in glosses, and what does not."""

import pytest

from signkit.data.gloss_checks import check_glosses, is_list_as_text


def findings(*cells: str) -> list[tuple[str, str]]:
    return [
        (found.kind, str(found)) for found in check_glosses((f"m.csv:{n}", c) for n, c in enumerate(cells, 2))
    ]


@pytest.mark.parametrize(
    ("character", "name"),
    [
        ("\u200b", "U+200B (zero width space)"),
        ("\ufeff", "U+FEFF (zero width no-break space)"),
        ("\u00ad", "U+00AD (soft hyphen)"),
        ("\u200e", "U+200E (left-to-right mark)"),
        ("\u202b", "U+202B (right-to-left embedding)"),
        ("\u2060", "U+2060 (word joiner)"),
        ("\u200d", "U+200D (zero width joiner)"),
        ("\ufe0f", "U+FE0F (variation selector-16)"),
        ("\x07", "U+0007"),
        ("\ufffd", "U+FFFD (replacement character)"),
        ("\u3164", "U+3164 (hangul filler)"),
    ],
)
def test_characters_that_cannot_be_seen(character: str, name: str) -> None:
    shown = f"HOUSE<U+{ord(character):04X}>"
    assert findings("HOUSE TREE", f"HOUSE{character} TREE", f"HOUSE{character}", "HOUSE") == [
        ("invisible", f"m.csv:3, 4: 1 gloss has the invisible character {name}, such as `{shown}`"),
        (
            "twins",
            f"m.csv:3, 4: `HOUSE` (2 times) and `{shown}` (2 times) differ only in invisible characters",
        ),
    ]  # fmt: skip


def test_a_joiner_that_a_script_needs() -> None:
    assert findings("می\u200cخواهم", "क\u094d\u200dष") == []


@pytest.mark.parametrize(
    ("character", "name"),
    [
        ("\u00a0", "U+00A0 (no-break space)"),
        ("\u3000", "U+3000 (ideographic space)"),
        ("\u2028", "U+2028 (line separator)"),
    ],
)
def test_blanks_of_other_kinds(character: str, name: str) -> None:
    example = f"HOUSE<U+{ord(character):04X}>TREE"
    assert findings(f"HOUSE{character}TREE", "A") == [
        ("blank", f"m.csv:2: 1 cell has {name}, which is read as a blank, such as `{example}`")
    ]


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        ("tree", "case"),
        ("ＴＲＥＥ", "the width or form of characters"),
        ("ｔｒｅｅ", "the width or form of characters and case"),
        ("TR\u200bEE", "invisible characters"),
    ],
)
def test_one_gloss_in_two_ways(other: str, difference: str) -> None:
    found = dict(findings("TREE", "TREE", other))["twins"]
    shown = other.replace("\u200b", "<U+200B>")
    assert found == f"m.csv:4: `TREE` (2 times) and `{shown}` (1 time) differ only in {difference}"


def test_what_is_composed_differently_is_one_gloss() -> None:
    assert findings("GRÜN", "GRU\u0308N") == []


@pytest.mark.parametrize(
    "cell", ["['RAIN', 'NORTH']", '["RAIN","NORTH"]', "['RAIN' 'NORTH']", "('RAIN',)", "[RAIN, NORTH]"]
)
def test_lists_written_as_text(cell: str) -> None:
    assert findings(cell, "A B") == [
        (
            "list",
            f"m.csv:2: 1 cell is a list written as text, where glosses with blanks belong, such as `{cell}`",
        )
    ]
    assert is_list_as_text(cell) is (cell != "[RAIN, NORTH]")


@pytest.mark.parametrize("cell", ["nan", "NaN", "None", "null", "<NA>", "#N/A", "-"])
def test_what_stands_for_an_empty_cell(cell: str) -> None:
    fault = f"m.csv:2, 4: 2 cells are `{cell}`, which stands for an empty one"
    assert findings(cell, "A", cell) == [("empty", fault)]


def test_separators_within_glosses() -> None:
    assert findings("RAIN, NORTH", "RAIN,NORTH", "A", "SUN|RAIN", "x；y") == [
        ("separator", "m.csv:2, 3: 2 glosses have `,`, and glosses are separated by blanks, such as `RAIN,`"),
        ("separator", "m.csv:5: 1 gloss has `|`, and glosses are separated by blanks, such as `SUN|RAIN`"),
        ("separator", "m.csv:6: 1 gloss has `；`, and glosses are separated by blanks, such as `x；y`"),
    ]
    found = findings("RAIN/NORTH", "NORTH/SUN", "SUN RAIN")
    what = "2 glosses have `/`, and glosses are separated by blanks, such as `NORTH/SUN`"
    assert found == [("separator", f"m.csv:2, 3: {what}")]


def test_letters_of_two_alphabets() -> None:
    assert findings("H\u041eUSE") == [
        (
            "alphabets",
            "m.csv:2: 1 gloss has letters of Latin and Cyrillic, which look alike, such as `H\u041eUSE`",
        )
    ]


def test_what_is_right() -> None:
    """Glosses of real corpora and their marks."""
    right = (
        "NULL GRAD MINUS-1,5 1.000 IX-1p/poss fs-JOHN loc-NORD+MITTE cl-A:ka HAUS2 WAS? (je-nach) __ON__",
        "他 今天 年龄 4", "هو سوال", "ich gern ÄPFEL", "3/4 WEG", "Ελλάδα Россия",
    )  # fmt: skip
    assert findings(*right) == []


def test_places_are_counted() -> None:
    (found,) = check_glosses((f"m.csv:{n}", "A;") for n in range(2, 12))
    assert (found.count, found.where) == (10, "m.csv:2, 3, 4 and 7 more")
