"""`signkit lm train` and `signkit lm score`: what is written, printed and refused."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from signkit.cli.lm import lm_app
from signkit.errors import SignkitError
from signkit.lm import estimate, load, perplexity
from signkit.lm.arpa import parse_arpa

Command = Callable[..., tuple[int, str, str]]

LINES = "HOUSE BIG\n\nHOUSE SMALL\nI SEE HOUSE BIG\nHOUSE BIG\n"
STM = "s1 1 Anna 0.0 9.9 HOUSE BIG\ns2 1 Ben 0.0 9.9 I SEE BIG X\n"


@pytest.fixture
def lm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """Run a verb in this process, in a folder with small files; errors as the command shows them."""
    monkeypatch.chdir(tmp_path)
    for name, text in (("train.txt", LINES), ("dev.stm", STM)):
        Path(name).write_text(text)

    def call(*args: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(lm_app, args)
        if isinstance(result.exception, SignkitError):
            return result.exception.exit_code, result.stdout, f"error: {result.exception}\n"
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    return call


def test_train_prints_what_it_made(lm: Command) -> None:
    code, out, err = lm("train", "ngram", "--set", "data.text=train.txt", "--set", "lm.order=2")
    assert (code, err) == (0, "")
    lines = [" ".join(line.split()) for line in out.splitlines() if line.strip()]
    assert lines[0] == "4 sentences, 10 words, 5 different ones"
    assert lines[1] == "sentences left out: 1 without words"
    assert lines[2] == "order n-grams of D1 D2 D3+"
    assert lines[4:6] == ["1 * 8 8 0.500 1.000 1.500", "2 * 8 8 0.500 1.000 1.500"]
    assert lines[6] == "* too small or too regular a text to estimate the discounts: fixed ones"
    assert lines[7:9] == ["model: lm.arpa", "binary: lm.arpa.npz"]
    assert lines[9].startswith("time: ")
    sentences = [line.split() for line in LINES.splitlines() if line]
    expected = estimate(sentences, 2).grams
    assert np.array_equal(parse_arpa(Path("lm.arpa").read_bytes(), "lm.arpa")[0].log10[1], expected.log10[1])
    assert load("lm.arpa").unit_guessed is False


def test_train_as_json(lm: Command) -> None:
    args = (
        "--set",
        "data.text=[train.txt, dev.stm]",
        "--set",
        "data.distinct=true",
        "--set",
        "data.exclude=dev.stm",
    )
    code, out, _ = lm("train", "ngram", *args, "--set", "lm.prune=[0, 0, 1]", "--out", "x.arpa.gz", "--json")
    found = json.loads(out)
    assert code == 0
    assert found.pop("seconds") >= 0
    assert found == {
        "sentences": 2, "words": 6, "types": 5, "empty": 1, "excluded": 4, "repeated": 0, "unit": "word",
        "order": 3, "counted": [8, 8, 6], "ngrams": [8, 8, 0], "discounts": [[0.5, 1.0, 1.5]] * 3,
        "fallback": [1, 2, 3], "out": "x.arpa.gz", "binary": "x.arpa.gz.npz",
    }  # fmt: skip
    assert load("x.arpa.gz").counts == (8, 8, 0)


def test_sentences_that_repeat_can_count_once(lm: Command) -> None:
    _, out, _ = lm("train", "ngram", "--set", "data.text=train.txt", "--set", "data.distinct=true")
    assert "sentences left out: 1 without words, 1 there before" in out


def test_a_recipe_file(lm: Command) -> None:
    Path("mine.yaml").write_text("data: {text: [train.txt], unit: character}\nlm: {order: 2}\n")
    assert lm("train", "mine.yaml", "--out", "c.arpa")[0] == 0
    assert load("c.arpa").unit == "character"
    assert " " in load("c.arpa").words


def test_score(lm: Command) -> None:
    lm("train", "ngram", "--set", "data.text=train.txt")
    code, out, err = lm("score", "dev.stm", "--lm", "lm.arpa", "--json")
    found = json.loads(out)
    figures = perplexity(load("lm.arpa"), [["HOUSE", "BIG"], ["I", "SEE", "BIG", "X"]])
    assert (code, err) == (0, "")
    assert found == {
        "perplexity": figures.perplexity, "perplexity_known": figures.perplexity_known, "words": 6,
        "unknown": 1, "sentences": 2, "log10": figures.log10, "unit": "word", "order": 3, "empty": 0,
    }  # fmt: skip
    code, out, _ = lm("score", "dev.stm", "--lm", "lm.arpa.npz")
    assert out == (
        "dev.stm by lm.arpa.npz: 2 sentences, 6 words, order 3\n"
        f"perplexity           {figures.perplexity:.2f}\n"
        f"  known words only   {figures.perplexity_known:.2f}\n"
        "unknown              1 (16.67 %)\n"
    )


def test_score_of_each_word(lm: Command) -> None:
    lm("train", "ngram", "--set", "data.text=train.txt")
    _, out, _ = lm("score", "dev.stm", "--lm", "lm.arpa", "--json", "--words")
    texts = json.loads(out)["texts"]
    assert texts[1]["words"] == ["I", "SEE", "BIG", "X", "</s>"]
    assert texts[1]["unknown"] == [False, False, False, True, False]
    log10 = (load("lm.arpa").score(["I", "SEE", "BIG", "X"]) / np.log(10)).tolist()
    assert texts[1]["word_log10"] == pytest.approx(log10, abs=1e-7)
    assert texts[1]["log10"] == pytest.approx(sum(log10), abs=1e-7)
    _, out, _ = lm("score", "dev.stm", "--lm", "lm.arpa", "--words")
    assert f"{log10[3]:.4f}\t?\tX\n{log10[4]:.4f}\t\t</s>\n{sum(log10):.4f}\n\n" in out


def test_score_leaves_out_lines_without_words(lm: Command) -> None:
    lm("train", "ngram", "--set", "data.text=dev.stm")
    assert "left out: 1 without words\n" in lm("score", "train.txt", "--lm", "lm.arpa")[1]


def test_characters(lm: Command) -> None:
    Path("t.csv").write_text("sequence_id,phrase\n1,ab a\n2,b ab\n")
    args = ("--set", "data.text=t.csv", "--set", "data.unit=character", "--out", "c.arpa")
    assert "2 sentences, 8 characters, 3 different ones" in lm("train", "ngram", *args)[1]
    code, out, err = lm("score", "t.csv", "--lm", "c.arpa")
    assert (code, err) == (0, "")
    assert "t.csv by c.arpa: 2 sentences, 8 characters, order 3\n" in out
    Path("c.arpa.npz").unlink()
    again = lm("score", "t.csv", "--lm", "c.arpa")
    warning = "c.arpa does not say what its words are: taken as characters, by their look"
    assert again == (0, out, f"warning: {warning} (--unit word takes them as words)\n")
    assert lm("score", "t.csv", "--lm", "c.arpa", "--unit", "character") == (0, out, "")
    _, spaced, _ = lm("score", "t.csv", "--lm", "c.arpa", "--words")
    assert "\t\t<space>\n" in spaced


def test_a_model_of_characters_without_blanks(lm: Command) -> None:
    Path("t.txt").write_text("ab\nba\n")
    lm("train", "ngram", "--set", "data.text=t.txt", "--set", "data.unit=character")
    Path("u.txt").write_text("a b\n")
    assert json.loads(lm("score", "u.txt", "--lm", "lm.arpa", "--json")[1])["words"] == 2


TRAIN = ("train", "ngram", "--set", "data.text=train.txt")
REFUSED = [
    (
        ("train", "ngram"),
        "lm/ngram.yaml:4:3: `data.text`: names no file; for example `--set data.text=train.txt`",
    ),
    (
        ("train", "ngram", "--set", "data.text=tran.txt"),
        '--set data.text=["tran.txt"]: `data.text.0` is `tran.txt`, but there is no such file or folder',
    ),
    ((*TRAIN, "--set", "lm.order=0"), "--set lm.order=0: `lm.order` must be between 1 and 6, not `0`"),
    ((*TRAIN, "--set", "lm.order=7"), "--set lm.order=7: `lm.order` must be between 1 and 6, not `7`"),
    (
        (*TRAIN, "--set", "lm.prune=[0, 2, 1]"),
        "--set lm.prune=[0, 2, 1]: `lm.prune`: its numbers must not fall; "
        "else what an n-gram begins with is left out",
    ),
    (
        (*TRAIN, "--set", "lm.prune=[1]"),
        "--set lm.prune=[1]: `lm.prune`: begins with 0; words themselves are not left out",
    ),
    (
        (*TRAIN, "--set", "lm.order=2", "--set", "lm.prune=[0, 0, 1]"),
        "--set lm.prune=[0, 0, 1]: `lm.prune`: has 3 numbers, but the order is 2",
    ),
    (
        (*TRAIN, "--set", "lm.discount_fallback=[0.5, 2.5, 1]"),
        "--set lm.discount_fallback=[0.5, 2.5, 1]: `lm.discount_fallback`: "
        "needs three numbers above 0, at most 1, 2 and 3",
    ),
    (
        (*TRAIN, "--set", "lm.discount_fallback=[]"),
        "text: the discounts of 1-grams cannot be estimated: the text is too small, or too regular; "
        "a lower order, more text, or fixed discounts (discount_fallback)",
    ),
    (
        (*TRAIN, "--out", "lm.txt"),
        "--out: `lm.txt` is no name of an ARPA file; name it such as lm.arpa or lm.arpa.gz",
    ),
    (
        (*TRAIN, "--set", "data.exclude=train.txt"),
        "data.exclude: has every sentence of the text, so nothing is left to learn from",
    ),
    (("train", "ngran"), "ngran: no built-in language model has this name; did you mean `ngram`?"),
    (("score", "dev.stm", "--lm", "no.arpa"), "no.arpa: there is no such file"),
    (
        ("score", "dev.stm", "--lm", "dev.stm"),
        r"dev.stm:1: is not an ARPA file; it begins with a line `\data\`",
    ),
    (("score", "no.stm", "--lm", "lm.arpa"), "no.stm: there is no such file"),
]


@pytest.mark.parametrize(
    ("args", "message"), REFUSED, ids=lambda each: each[-1] if type(each) is tuple else ""
)
def test_refused(lm: Command, args: tuple[str, ...], message: str) -> None:
    if "lm.arpa" in args and args[0] == "score":
        assert lm(*TRAIN)[0] == 0
    assert lm(*args) == (2, "", f"error: {message}\n")
    assert Path("train.txt").read_text() == LINES


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.txt", "", "t.txt: is empty"),
        ("t.txt", "\n \n", "t.txt: has no words; write one sentence a line"),
        ("t.txt", "A\nB <s> C\n", "t.txt:2: `<s>` is a mark of the model's, not a word; leave it out"),
        ("t.txt", "A <unk>\n", "t.txt:1: `<unk>` is a mark of the model's, not a word; leave it out"),
        (
            "t.stm",
            STM + "s3 1 Ben 0.0 9.9 { A / B }\n",
            "t.stm:3: has alternatives, `{ a / b }`; a model needs one text",
        ),
    ],
)
def test_texts_that_are_refused(lm: Command, name: str, text: str, message: str) -> None:
    Path(name).write_text(text)
    assert lm("train", "ngram", "--set", f"data.text={name}") == (2, "", f"error: {message}\n")
    lm(*TRAIN)
    assert lm("score", name, "--lm", "lm.arpa") == (2, "", f"error: {message}\n")


def test_a_text_of_unknown_words(lm: Command) -> None:
    lm(*TRAIN)
    Path("t.txt").write_text("house big\n")
    message = "t.txt: no word of it is known to lm.arpa; that knows `BIG`, `HOUSE`, `I`, `SEE`, `SMALL`, …"
    assert lm("score", "t.txt", "--lm", "lm.arpa") == (2, "", f"error: {message}\n")


def test_what_the_verbs_import() -> None:
    code = "import sys, signkit.cli.lm; print([m for m in ('numpy', 'signkit.lm') if m in sys.modules])"
    code += (
        "; import signkit.commands.lm; print([m for m in ('torch', 'scipy', 'pandas') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (result.stdout, result.stderr) == ("[]\n[]\n", "")


@pytest.mark.parametrize(
    ("corpus", "low", "high"), [("phoenix2014-T", 46.7, 46.72), ("CSL-Daily", 239.2, 239.3)]
)
def test_perplexity_of_gloss_transcripts(
    lm: Command, corpus: str, low: float, high: float, real_data: Callable[[str], Path]
) -> None:
    folder = real_data("gloss_text") / corpus
    assert lm("train", "ngram", "--set", f"data.text={folder / 'train.stm'}")[0] == 0
    found = json.loads(lm("score", str(folder / "dev.stm"), "--lm", "lm.arpa", "--json")[1])
    assert low < found["perplexity"] < high


def test_what_is_unusual_in_the_file_is_noted_each_time(lm: Command) -> None:
    """Also when the model comes from the file's binary form."""
    lm("train", "ngram", "--set", "data.text=train.txt", "--set", "lm.order=2", "--out", "a.arpa")
    text = Path("a.arpa").read_text()
    line = next(line for line in text.splitlines() if line.endswith("\tSMALL </s>"))
    other = text.replace(line, "1e-7\tSMALL </s>")
    Path("b.arpa").write_text(other)
    number = other.splitlines().index("1e-7\tSMALL </s>") + 1
    note = f"note: b.arpa:{number}: a log-probability is above 0 by rounding (up to 1e-07) and read as 0\n"
    for _ in range(2):
        code, _, err = lm("score", "train.txt", "--lm", "b.arpa")
        assert (code, err) == (0, note)
    assert Path("b.arpa.npz").exists()
