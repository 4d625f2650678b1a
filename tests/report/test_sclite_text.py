"""Text in the manner of sclite: whole small reports, and the layout's edges."""

import numpy as np
import pytest

from signkit.eval.batch_alignment import align_pairs
from signkit.eval.transcripts import Aligned, Pairs, Ragged
from signkit.report.scoring.sclite import pra_text
from signkit.report.scoring.sclite_summary import sys_text


def scored(*sentences: tuple[str, str], signers: str = "") -> tuple[Pairs, Aligned]:
    number: dict[str, int] = {}

    def numbers(texts: list[str]) -> Ragged:
        values = [number.setdefault(word, len(number)) for text in texts for word in text.split()]
        ends = np.cumsum([0, *(len(text.split()) for text in texts)])
        return Ragged(np.array(values, dtype=np.int32), ends)

    left, right = (numbers([pair[side] for pair in sentences]) for side in (0, 1))
    ids = tuple(f"s{i}" for i in range(len(sentences)))
    pairs = Pairs(ids, left, right, tuple(number), tuple(signers.split()))
    return pairs, align_pairs(pairs)


SMALL = scored(("A B C", "A X C D"), ("Ä B", "B"), ("C", "C"), signers="anna bo anna")


def test_summary() -> None:
    assert sys_text("net", *SMALL) == (
        "\n\n\n                     SYSTEM SUMMARY PERCENTAGES by SPEAKER                      \n\n"
        "       ,----------------------------------------------------------------.\n"
        "       |                              net                               |\n"
        "       |----------------------------------------------------------------|\n"
        "       | SPKR   | # Snt # Wrd | Corr    Sub    Del    Ins    Err  S.Err |\n"
        "       |--------+-------------+-----------------------------------------|\n"
        "       | anna   |    2      4 | 75.0   25.0    0.0   25.0   50.0   50.0 |\n"
        "       |--------+-------------+-----------------------------------------|\n"
        "       | bo     |    1      2 | 50.0    0.0   50.0    0.0   50.0  100.0 |\n"
        "       |================================================================|\n"
        "       | Sum/Avg|    3      6 | 66.7   16.7   16.7   16.7   50.0   66.7 |\n"
        "       |================================================================|\n"
        "       |  Mean  |  1.5    3.0 | 62.5   12.5   25.0   12.5   50.0   75.0 |\n"
        "       |  S.D.  |  0.7    1.4 | 17.7   17.7   35.4   17.7    0.0   35.4 |\n"
        "       | Median |  1.5    3.0 | 62.5   12.5   25.0   12.5   50.0   75.0 |\n"
        "       `----------------------------------------------------------------'\n"
    )


def test_alignments() -> None:
    assert pra_text("net", *SMALL) == (
        "\n\n\t\tDUMP OF SYSTEM ALIGNMENT STRUCTURE\n\nSystem name:   net\n\n"
        "Speakers: \n    0:  anna\n    1:  bo\n\n"
        "Speaker sentences   0:  anna   #utts: 2\n"
        "id: (s0)\nScores: (#C #S #D #I) 2 1 0 1\n"
        "REF:  a B c * \nHYP:  a X c D \nEval:   S   I \n\n"
        "id: (s2)\nScores: (#C #S #D #I) 1 0 0 0\nREF:  c \nHYP:  c \nEval:   \n\n"
        "Speaker sentences   1:  bo   #utts: 1\n"
        "id: (s1)\nScores: (#C #S #D #I) 1 0 1 0\n"
        "REF:  Ä b \nHYP:  ** b \nEval: D    \n\n\n"
    )


def test_alignments_where_case_counts() -> None:
    text = pra_text("net", *scored(("Haus baum", "haus baum")), case_sensitive=True)
    assert text.endswith(
        "Speaker sentences   0:  all   #utts: 1\nid: (s0)\nScores: (#C #S #D #I) 1 1 0 0\n"
        "Attributes: Case_sensitve \nREF:  Haus baum \nHYP:  haus baum \nEval: S         \n\n\n"
    )


def test_an_empty_pair_has_no_lines() -> None:
    text = pra_text("net", *scored(("", "")))
    assert text.endswith("id: (s0)\nScores: (#C #S #D #I) 0 0 0 0\n\n\n")


def test_long_alignments_go_on_in_further_lines() -> None:
    words = " ".join(["wort"] * 250)
    lines = pra_text("net", *scored((words, words))).split("\n")
    references = [line for line in lines if "REF:  " in line]
    assert [line.count("wort") for line in references] == [198, 52]
    assert [line[:9] for line in references] == ["REF:  wor", ">> REF:  "]
    assert sum(line.startswith(">> HYP:  ") or line.startswith(">> Eval: ") for line in lines) == 2


def test_a_word_longer_than_a_line_has_a_line() -> None:
    word = "w" * 1200
    lines = pra_text("net", *scored((f"a {word} b", f"a {word} b"))).split("\n")
    references = [line.split() for line in lines if "REF:" in line]
    assert references == [["REF:", "a"], [">>", "REF:", word], [">>", "REF:", "b"]]


def test_asterisks_are_at_most_forty() -> None:
    text = pra_text("net", *scored(("w" * 60, "")))
    assert f"\nHYP:  {'*' * 40}{' ' * 21}\n" in text


def test_a_signer_without_words_has_counts() -> None:
    text = sys_text("net", *scored(("A B", "A"), ("", "X"), ("C", "C"), signers="anna bo cem"))
    assert "       | bo     |    1      0 |    0*     0*     0*     1*     1* 100.0 |\n" in text
    assert "       |  Mean  |  1.0    1.0 | 75.0+   0.0+  25.0+   0.0+  25.0+  66.7 |\n" in text
    assert text.endswith("+ Speaker(s) with no reference data is ignored\n")


@pytest.mark.parametrize("length", [3, 64, 65, 90])
def test_every_line_of_the_table_is_as_long(length: int) -> None:
    table = sys_text("t" * length, *SMALL).split("\n")[5:-1]
    assert {len(line.strip()) for line in table} == {max(length, 64) + 2}


def test_nothing_to_score() -> None:
    pairs, aligned = scored()
    assert " Sum/Avg|    0      0 |  0.0 " in sys_text("net", pairs, aligned)
    assert pra_text("net", pairs, aligned).endswith("Speakers: \n\n\n")
