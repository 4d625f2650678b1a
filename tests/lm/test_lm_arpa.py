"""ARPA files: as other programs write them, and everything that is refused in one."""

import bz2
import gzip
import lzma
from pathlib import Path

import numpy as np
import pytest

from signkit.errors import UserError
from signkit.lm import NGram, estimate
from signkit.lm.arpa import arpa_text, guess_unit, parse_arpa, write_arpa

GOOD = """\\data\\
ngram 1=5
ngram 2=4
ngram 3=1

\\1-grams:
-1.5\t<unk>
0\t<s>\t-0.3
-0.9\t</s>
-0.5\tHAUS\t-0.2
-0.7\tGROß\t-0.1

\\2-grams:
-0.4\t<s> HAUS\t-0.25
-0.6\tHAUS </s>
-0.2\tHAUS GROß\t0.0
-0.1\tGROß </s>

\\3-grams:
-0.05\t<s> HAUS GROß

\\end\\
"""


def swapped(*changes: tuple[str, str]) -> bytes:
    text = GOOD
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text.encode()


def refused(content: bytes) -> str:
    with pytest.raises(UserError) as caught:
        parse_arpa(content, "lm.arpa")
    return str(caught.value)


def test_what_is_read() -> None:
    grams, guessed = parse_arpa(GOOD.encode(), "lm.arpa")
    assert (grams.words, grams.unit, guessed) == (("<unk>", "<s>", "</s>", "HAUS", "GROß"), "word", True)
    assert grams.tokens[1].tolist() == [[1, 3], [3, 2], [3, 4], [4, 2]]
    assert grams.log10[1].tolist() == [-0.4, -0.6, -0.2, -0.1]
    assert [each.tolist() for each in grams.backoff] == [[0, -0.3, 0, -0.2, -0.1], [-0.25, 0, 0, 0]]
    assert (grams.tokens[2].tolist(), grams.log10[2].tolist()) == ([[1, 3, 4]], [-0.05])


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: "\ufeff" + text.replace("\n", "\r\n"),
        lambda text: text.replace("\t0.0\n", "\n"),
        lambda text: text.replace("\t", " "),
        lambda text: "made by hand\n\n" + text,
        lambda text: text + "\n \n",
        lambda text: text.replace("ngram 2=4", "ngram  2 = 4"),
        lambda text: text.replace("ß", "ß").replace("\n\n", "\n \n\n"),
    ],
)
def test_the_same_written_otherwise(change: object) -> None:
    plain, other = (parse_arpa(text.encode(), "lm.arpa")[0] for text in (GOOD, change(GOOD)))  # type: ignore[operator]
    assert arpa_text(plain) == arpa_text(other)


def test_the_sequence_of_lines_changes_nothing() -> None:
    lines = GOOD.split("\n")
    lines[13:17] = lines[16:12:-1]
    shuffled, _ = parse_arpa("\n".join(lines).encode(), "lm.arpa")
    assert arpa_text(shuffled) == arpa_text(parse_arpa(GOOD.encode(), "lm.arpa")[0])


def test_words_are_compared_in_their_composed_form() -> None:
    text = GOOD.replace("GROß", "GRÖ")
    decomposed = text.replace("\tHAUS GRÖ", "\tHAUS GRO\u0308")
    plain, other = (parse_arpa(each.encode(), "lm.arpa")[0] for each in (text, decomposed))
    assert arpa_text(plain) == arpa_text(other)


def test_a_model_without_the_unknown_word() -> None:
    text = GOOD.replace("ngram 1=5", "ngram 1=4").replace("-1.5\t<unk>\n", "")
    grams, _ = parse_arpa(text.encode(), "lm.arpa")
    assert grams.words == ("<s>", "</s>", "HAUS", "GROß", "<unk>")
    assert (grams.log10[0][-1], grams.backoff[0][-1]) == (-100.0, 0.0)
    assert NGram.from_grams(grams).unknown == 4


def test_the_unknown_word_in_capitals() -> None:
    grams, _ = parse_arpa(swapped(("<unk>", "<UNK>")), "lm.arpa")
    assert grams.words[0] == "<unk>"
    bigram = (("ngram 2=4", "ngram 2=5"), ("-0.1\tGROß </s>\n", "-0.1\tGROß </s>\n-0.3\tGROß <UNK>\n"))
    grams, _ = parse_arpa(swapped(("-1.5\t<unk>", "-1.5\t<UNK>"), *bigram), "lm.arpa")
    assert grams.tokens[1].tolist()[3] == [4, 0]


@pytest.mark.parametrize(("ending", "name"), [(".gz", "gzip"), (".bz2", "bzip2"), (".xz", "xz")])
def test_compressed(tmp_path: Path, ending: str, name: str) -> None:
    pack = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}[ending]
    grams, _ = parse_arpa(pack(b"\xef\xbb\xbf" + GOOD.encode()), f"lm.arpa{ending}")
    content = write_arpa(tmp_path / f"again.arpa{ending}", grams)
    assert content == (tmp_path / f"again.arpa{ending}").read_bytes()
    assert content == write_arpa(tmp_path / f"third{ending}", grams)
    assert (
        arpa_text(parse_arpa(content, "lm")[0])
        == arpa_text(grams)
        == arpa_text(parse_arpa(GOOD.encode(), "")[0])
    )
    with pytest.raises(UserError) as caught:
        parse_arpa(content[:-9], f"lm.arpa{ending}")
    assert str(caught.value) == f"lm.arpa{ending}: is a damaged {name} file; get or make it again"


UNPACK = "unpack it first; .gz, .bz2 and .xz are read as they are"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"mmap lm http://kheafield.com/code format version 5\n\0rest",
            "is a binary file of KenLM; give the ARPA file it was made from",
        ),
        (gzip.compress(b"mmap lm http://kheafield.com/code format version 5\n\0", mtime=0), None),
        (b"\x28\xb5\x2f\xfdrest", f"is compressed by zstd; {UNPACK}"),
        (b"PK\x03\x04rest", f"is a zip archive; {UNPACK}"),
        (GOOD.encode("utf-16"), "is UTF-16, not UTF-8; save the file as UTF-8"),
    ],
)
def test_other_kinds_of_files_are_named(content: bytes, message: str | None) -> None:
    message = message or "is a binary file of KenLM; give the ARPA file it was made from"
    assert refused(content) == f"lm.arpa: {message}"


def test_without_a_back_off_it_is_0() -> None:
    """Also of n-grams with which longer ones begin."""
    plain, other = (
        parse_arpa(content, "lm.arpa")[0]
        for content in (swapped(("<s> HAUS\t-0.25", "<s> HAUS\t0")), swapped(("<s> HAUS\t-0.25", "<s> HAUS")))
    )
    assert arpa_text(plain) == arpa_text(other) and other.notes == ()
    bare = swapped(("HAUS\t-0.2\n", "HAUS\n"))
    # HAUS HAUS is no 2-gram: back-off 0 of HAUS, then -0.5
    score = NGram.from_grams(parse_arpa(bare, "lm.arpa")[0]).score(["HAUS", "HAUS"])
    np.testing.assert_allclose(score / np.log(10), [-0.4, -0.25 - 0.5, -0.6], rtol=1e-6)


def test_a_probability_of_0() -> None:
    """It is a very low but finite logarithm, so that sums stay finite."""
    content = swapped(("-0.9\t</s>", "-inf\t</s>"), ("-0.25\n", "-Infinity\n"), ("0\t<s>", "-inf\t<s>"))
    model = NGram.from_grams(parse_arpa(content, "lm.arpa")[0])
    assert model.score([]).tolist() == [np.float32(-1e30) + np.float32(-0.3 * np.log(10))]
    np.testing.assert_allclose(model.score(["HAUS"])[0], -0.4 * np.log(10), rtol=1e-6)
    assert model.score(["HAUS", "HAUS"])[1] < -1e29 and np.isfinite(model.score(["HAUS", "HAUS"])).all()


def test_above_0_by_rounding() -> None:
    content = swapped(("-0.1\tGROß", "0.0000004\tGROß"), ("-0.6\tHAUS", "2e-3\tHAUS"), ("-0.05", "1e-7"))
    grams, _ = parse_arpa(content, "lm.arpa")
    assert (grams.log10[1].tolist(), grams.log10[2].tolist()) == ([-0.4, 0, -0.2, 0], [0])
    assert grams.notes == (
        "lm.arpa:15: 2 log-probabilities of order 2 are above 0 by rounding (up to 0.002) and read as 0",
        "lm.arpa:20: a log-probability is above 0 by rounding (up to 1e-07) and read as 0",
    )
    assert NGram.from_grams(grams).notes == grams.notes


PRUNED = """\\data\\
ngram 1=5
ngram 2=2
ngram 3=2
ngram 4=2

\\1-grams:
-1.5\t<unk>
-99\t<s>\t-0.3
-0.9\t</s>
-0.5\tA\t-0.2
-0.7\tB\t-0.1

\\2-grams:
-0.4\t<s> A\t-0.25
-0.6\tA A\t-0.15

\\3-grams:
-0.05\tA B A\t-0.35
-0.06\tB B B

\\4-grams:
-0.01\t<s> A B A
-0.02\tB A A B

\\end\\
"""


def test_contexts_that_pruning_left_out() -> None:
    """Added with what backing off gives them, they change no probability."""
    grams, _ = parse_arpa(PRUNED.encode(), "lm.arpa")
    words = grams.words
    listed = [
        {
            " ".join(words[token] for token in gram): (log10, backoff)
            for gram, log10, backoff in zip(*columns, strict=True)
        }
        for columns in zip(grams.tokens[1:3], grams.log10[1:3], grams.backoff[1:3], strict=True)
    ]
    expected = [
        {
            "<s> A": (-0.4, -0.25),
            "A A": (-0.6, -0.15),
            "A B": (-0.2 - 0.7, 0),
            "B A": (-0.1 - 0.5, 0),
            "B B": (-0.1 - 0.7, 0),
        },
        {
            "<s> A B": (-0.25 - 0.2 - 0.7, 0),
            "A B A": (-0.05, -0.35),
            "B A A": (0 - 0.6, 0),
            "B B B": (-0.06, 0),
        },
    ]
    for found, wanted in zip(listed, expected, strict=True):
        assert found == {name: (pytest.approx(p), pytest.approx(b)) for name, (p, b) in wanted.items()}
    assert grams.notes == (
        "lm.arpa: n-grams with which longer ones begin are missing, such as `A B`, 5 in all: added with the "
        "probability that backing off gives them",
    )
    score = NGram.from_grams(grams).score(["A", "B", "A", "B"])
    # <s> A; <s> A B by backing off; <s> A B A; B after it by A B A (-0.35), B A (0), A (-0.2); </s> after B
    expected_score = [-0.4, -0.25 - 0.2 - 0.7, -0.01, -0.35 - 0.2 - 0.7, -0.1 - 0.9]
    np.testing.assert_allclose(score / np.log(10), expected_score, rtol=1e-6)


def test_an_n_gram_that_is_there_twice_among_pruned_ones() -> None:
    text = PRUNED.replace("-0.06\tB B B", "-0.06\tA B A")
    assert refused(text.encode()) == "lm.arpa:20: `A B A` occurs twice; first in line 19"


def test_what_is_written() -> None:
    grams = estimate([["B", "A"], ["A"]], 2).grams
    assert arpa_text(grams) == (
        "\\data\\\nngram 1=5\nngram 2=4\n\n"
        "\\1-grams:\n"
        "-0.90309\t<unk>\t0.0\n0.0\t<s>\t-0.30103\n-0.60206\t</s>\t0.0\n"
        "-0.4259687\tA\t-0.30103\n-0.60206\tB\t-0.30103\n\n"
        "\\2-grams:\n"
        "-0.3590219\t<s> A\n-0.4259687\t<s> B\n-0.20412\tA </s>\n-0.1627273\tB A\n\n"
        "\\end\\\n"
    )


def test_a_model_of_characters_writes_its_blank_as_a_word() -> None:
    grams = estimate([[*"a b"], [*"b"]], 2, unit="character").grams
    text = arpa_text(grams)
    assert "\ta <space>\n" in text
    again, guessed = parse_arpa(text.encode(), "lm.arpa")
    assert (again.words, again.unit, guessed) == (("<unk>", "<s>", "</s>", " ", "a", "b"), "character", True)
    assert parse_arpa(text.encode(), "lm.arpa", "word")[0].words[3] == "<space>"


def test_units_by_their_look() -> None:
    assert guess_unit(("<unk>", "<s>", "</s>", "<space>", *"abcdefgh", "ch")) == "character"
    assert guess_unit(("<unk>", "<s>", "</s>", *"abcdefgh", "ch")) == "word"  # eight of nine
    assert guess_unit(("<unk>", "<s>", "</s>")) == "word"
    with pytest.raises(UserError) as caught:
        parse_arpa(GOOD.encode(), "lm.arpa", "character")
    assert str(caught.value) == "lm.arpa: is no model of characters; most of its words are longer"


HEAD = "it begins with a line `\\data\\`"
FAULTS = {
    "empty": (b"", f"lm.arpa:1: is not an ARPA file; {HEAD}"),
    "text": (b"\n\nHAUS\n", f"lm.arpa:3: is not an ARPA file; {HEAD}"),
    "no head": (swapped(("\\data\\", "data")), f"lm.arpa:6: is not an ARPA file; {HEAD}"),
    "no counts": (b"\\data\\\n\n\\end\\\n", "lm.arpa:1: announces no number of n-grams"),
    "counts skip": (
        swapped(("ngram 2=4\n", "")),
        "lm.arpa:3: `ngram 2=` and a number belong here, not `ngram 3=1`",
    ),
    "odd count": (
        swapped(("ngram 3=1", "ngram 3=-1")),
        "lm.arpa:4: `ngram 3=` and a number belong here, not `ngram 3=-1`",
    ),
    "no end": (swapped(("\\end\\\n", "")), "lm.arpa:21: ends without `\\end\\`; the file is cut off"),
    "cut": (GOOD.encode()[:90], "lm.arpa:10: ends without `\\2-grams:`; the file is cut off"),
    "only counts": (b"\\data\\\nngram 1=2\n", "lm.arpa:2: ends without `\\1-grams:`; the file is cut off"),
    "section": (
        swapped(("\\2-grams:", "\\4-grams:")),
        "lm.arpa:13: `\\2-grams:` belongs here, not `\\4-grams:`",
    ),
    "more": (GOOD.encode() + b"\nHAUS\n", "lm.arpa:24: there is more after `\\end\\`"),
    "too few": (
        swapped(("-0.1\tGROß </s>\n", "")),
        "lm.arpa:13: 3 n-grams follow, but the file's head says 4",
    ),
    "too many": (
        swapped(("ngram 3=1", "ngram 3=0")),
        "lm.arpa:19: 1 n-grams follow, but the file's head says 0",
    ),
    "fields": (
        swapped(("HAUS </s>", "HAUS GROß </s> </s>")),
        "lm.arpa:15: has 5 fields; here belong a log-probability, 2 words and perhaps a back-off",
    ),
    "blank line": (
        swapped(("-0.9\t</s>\n", "-0.9\t</s>\n\n")),
        "lm.arpa:10: has 0 fields; here belong a log-probability, a word and perhaps a back-off",
    ),
    "highest with back-off": (
        swapped(("<s> HAUS GROß\n", "<s> HAUS GROß\t-0.1\n")),
        "lm.arpa:20: has 5 fields; here belong a log-probability, 3 words",
    ),
    "no number": (
        swapped(("-0.6\tHAUS", "-0,6\tHAUS")),
        "lm.arpa:15: `-0,6` is no number; a log-probability belongs here",
    ),
    "no back-off number": (
        swapped(("-0.2\n", "x\n")),
        "lm.arpa:10: `x` is no number; a back-off belongs here",
    ),
    "NaN": (
        swapped(("-0.6\tHAUS", "nan\tHAUS")),
        "lm.arpa:15: the log-probability is nan; it must be a number below infinity",
    ),
    "infinite": (
        swapped(("-0.3\n", "inf\n")),
        "lm.arpa:8: the back-off is inf; it must be a number below infinity",
    ),
    "NaN back-off": (
        swapped(("-0.3\n", "nan\n")),
        "lm.arpa:8: the back-off is nan; it must be a number below infinity",
    ),
    "positive": (
        swapped(("-0.05", "0.05")),
        "lm.arpa:20: the log-probability 0.05 is above 0; it is the logarithm of a share",
    ),
    "word twice": (
        swapped(("GROß\t-0.1", "HAUS\t-0.1")),
        "lm.arpa:11: `HAUS` occurs twice; first in line 10",
    ),
    "n-gram twice": (
        swapped(("-0.1\tGROß </s>", "-0.1\tHAUS </s>")),
        "lm.arpa:17: `HAUS </s>` occurs twice; first in line 15",
    ),
    "no such word": (
        swapped(("-0.1\tGROß </s>", "-0.1\tGRÜN </s>")),
        "lm.arpa:17: the word `GRÜN` is no 1-gram of the file",
    ),
    "no start": (
        b"\\data\\\nngram 1=1\n\\1-grams:\n-1 </s>\n\\end\\\n",
        "lm.arpa:3: the model has no `<s>`; it is no model of sentences",
    ),
    "not UTF-8": (
        swapped(("GROß\t-0.1", "GROSS\t-0.1")).replace(b"GROSS", b"GRO\xdf"),
        "lm.arpa:11: the word is not UTF-8; save the file as UTF-8",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_refused(name: str) -> None:
    content, message = FAULTS[name]
    assert refused(content) == message


def test_damaged_files_are_refused_or_read(tmp_path: Path) -> None:
    random = np.random.default_rng(8)
    outcomes = {"refused": 0, "read": 0}
    for _ in range(400):
        content = bytearray(GOOD.encode())
        for _ in range(random.integers(1, 4)):
            at = int(random.integers(len(content)))
            content[at : at + int(random.integers(0, 3))] = bytes(
                random.integers(0, 256, random.integers(0, 3)).tolist()
            )
        try:
            NGram.from_grams(parse_arpa(bytes(content), "lm.arpa")[0]).score(["HAUS"])
            outcomes["read"] += 1
        except UserError as error:
            assert str(error).startswith("lm.arpa")
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 20
