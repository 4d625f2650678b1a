"""Tables as spreadsheets and other programs write them."""

import pytest

from signkit.errors import UserError
from signkit.runtime.tables import UNREADABLE, read_table

COLUMNS = ("id", "gloss")


def rows(text: str, **options: object) -> list[object]:
    """Cells by column, or the fault."""
    table = read_table("a.csv", text, COLUMNS, **options)  # type: ignore[arg-type]
    return [str(row) if isinstance(row, UserError) else row[1] for row in table.rows]


@pytest.mark.parametrize("separator", [",", ";", "|", "\t"])
def test_the_separator_is_that_of_the_header(separator: str) -> None:
    """Also where another one occurs more often."""
    text = separator.join(("id", "a,b;c|d" if separator not in ",;|" else "x", "gloss")) + "\n"
    text += separator.join(("1", "", "A B")) + "\n"
    (row,) = rows(text)
    assert (row["id"], row["gloss"]) == ("1", "A B")  # type: ignore[index]


@pytest.mark.parametrize("line", ["sep=;", "SEP=;", '"sep=;"', "sep=;;;"])
def test_a_line_that_names_the_separator(line: str) -> None:
    assert rows(f"{line}\r\nid;gloss,\r\n1;A, B\r\n".replace("gloss,", "gloss")) == [
        {"id": "1", "gloss": "A, B"}
    ]
    table = read_table("a.csv", "sep=\t\nid\tgloss\n1\tA\n", COLUMNS)
    assert (table.where, table.rows) == ("a.csv:2", ((3, {"id": "1", "gloss": "A"}),))


def test_empty_cells_at_the_ends_and_blank_rows() -> None:
    text = "\n,,\nid,gloss,text,,\n1,A,x,,\n2,B\n,,,,\n \n3,C,,,,,\n4\n5,D,y,,z\n"
    assert rows(text) == [
        {"id": "1", "gloss": "A", "text": "x"},
        {"id": "2", "gloss": "B", "text": ""},
        {"id": "3", "gloss": "C", "text": ""},
        "a.csv:9: the row has 1 cells, the header 3",
        "a.csv:10: the row has 5 cells, the header 3; "
        'a cell with `,` in it is enclosed in quotation marks: "…"',
    ]


def test_a_column_without_a_name_is_passed_over() -> None:
    """As pandas writes its index."""
    assert rows(",id,,gloss\n0,1,x,A\n") == [{"id": "1", "gloss": "A"}]


def test_quotation_marks() -> None:
    text = 'id,gloss\n1,"A, ""B""\n C"\n2,5" A\n"3","D"\n'
    found = read_table("a.csv", text, COLUMNS).rows
    assert found == (
        (2, {"id": "1", "gloss": 'A, "B"\n C'}), (4, {"id": "2", "gloss": '5" A'}),
        (5, {"id": "3", "gloss": "D"}),
    )  # fmt: skip


@pytest.mark.parametrize("stray", ['"A', '"A" B'])
def test_a_stray_quotation_mark_hides_no_other_row(stray: str) -> None:
    hint = 'a quotation mark in a cell is written `""`'
    fault = f"a.csv:2: {UNREADABLE}; {hint}"
    assert rows(f"id,gloss\n1,{stray}\n2,B\n3,C\n") == [
        fault,
        {"id": "2", "gloss": "B"},
        {"id": "3", "gloss": "C"},
    ]


def test_a_stray_mark_that_another_one_closes() -> None:
    found = rows('id,gloss\n1,"A\n2,B\n3,"C,D"\n4,E\n')
    assert found == [
        f'a.csv:2: {UNREADABLE}; a quotation mark in a cell is written `""`',
        {"id": "2", "gloss": "B"},
        {"id": "3", "gloss": "C,D"},
        {"id": "4", "gloss": "E"},
    ]


def test_marks_in_tables_separated_by_tabs_are_letters() -> None:
    """Unless they enclose a whole cell, in which there may be tabs."""
    text = 'id\tgloss\n1\t"A\n2\tB "C"\n3\t"D ""E"""\n4\t"F\tG"\n5\t"\n'
    assert rows(text) == [
        {"id": "1", "gloss": '"A'},
        {"id": "2", "gloss": 'B "C"'},
        {"id": "3", "gloss": 'D "E"'},
        {"id": "4", "gloss": "F\tG"},
        {"id": "5", "gloss": '"'},
    ]


def test_marks_that_are_letters() -> None:
    assert rows('id|gloss\n1|"A\n', separator="|", quotes=False) == [{"id": "1", "gloss": '"A'}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a.csv: the file is empty"),
        ("\n;;\n\ufeff\n", "a.csv: the file is empty"),
        (
            "id:gloss\n",
            "a.csv:1: columns missing: id, gloss; there are: id:gloss; "
            "cells are separated by `,`, `;`, `|` or tabs",
        ),
        (
            "sep=;\nID;word\n",
            "a.csv:2: column missing: gloss; there are: ID, word; is word the gloss? Then call it so",
        ),
        ("id,gloss,ID\n", "a.csv:1: column 'id' is there twice"),
        ('id,"gloss\n1,A\n', f'a.csv:1: {UNREADABLE}; a quotation mark in a cell is written `""`'),
    ],
)  # fmt: skip
def test_faults_of_the_whole(text: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        rows(text)
    assert str(caught.value) == message
