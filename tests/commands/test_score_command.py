"""`signkit score`: what is printed, what is refused, and what it does not import."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from signkit.cli.app import main
from signkit.config.assets import find
from signkit.eval.figures import METRICS
from signkit.eval.metrics import NAMES

Command = Callable[..., tuple[int, str, str]]

STM = """\
s1 1 Anna 0.0 9.9 TODAY EVENING RAIN
s2 1 Anna 0.0 9.9 TOMORROW { SUN / FAIR } WEATHER
s3 1 Ben 0.0 9.9 WIND COME
s4 1 Ben 0.0 9.9 NOW WEATHER TOMORROW
"""
TEXT = """\
s1|TODAY EVENING RAIN
s2|SUN WEATHER
s3|WIND
s4|NOW RAIN
"""
CTM = """\
s1 1 0.0 0.5 TODAY
s1 1 0.5 0.5 loc-RAIN
s2 1 0.0 0.5 TOMORROW
s2 1 0.5 0.5 FAIR
s2 1 1.0 0.5 WEATHER
s4 1 0.0 0.5 __EMOTION__
s4 1 0.5 0.5 WEATHER-PLUSPLUS
"""


@pytest.fixture
def signkit(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """Run the command in this process, in a folder with small files."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    for name, text in (("ref.stm", STM), ("hyp.txt", TEXT), ("hyp.ctm", CTM)):
        Path(name).write_text(text)

    def call(*args: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["signkit", *args])
        with pytest.raises(SystemExit) as leaving:
            main()
        captured = capsys.readouterr()
        return leaving.value.code or 0, captured.out, captured.err  # type: ignore[return-value]

    return call


def found(output: str) -> dict[str, object]:
    """JSON as a strict reader has it: NaN is refused."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    read: dict[str, object] = json.loads(output, parse_constant=refuse)
    return read


def test_the_table(signkit: Command) -> None:
    status, out, err = signkit("score", "ref.stm", "hyp.txt", "--resamples", "0")
    assert (status, err) == (0, "")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[0] == "hyp against ref.stm: 4 sentences, protocol plain"
    assert "word error rate 36.36 % 4 errors, 11 words, 4 sentences" in lines
    assert "substituted words 9.09 % 1 substitutions" in lines
    assert "deleted words 27.27 % 3 deletions" in lines
    assert "most confused: TOMORROW → RAIN (1)" in lines
    assert "most deleted : COME (1 of 1), TOMORROW (1 of 2), WEATHER (1 of 2)" in lines
    assert lines[-1].startswith("signature: protocol:plain|rules:")
    assert "interval" not in out


def test_intervals_are_in_the_table(signkit: Command) -> None:
    _, out, _ = signkit("score", "ref.stm", "hyp.txt", "--confidence", "0.9")
    assert "90 % interval" in out
    again = signkit("score", "ref.stm", "hyp.txt", "--confidence", "0.9")[1]
    assert out == again
    assert signkit("score", "ref.stm", "hyp.txt", "--confidence", "0.9", "--seed", "7")[1] != out


def test_json_has_the_documented_keys_and_fractions(signkit: Command) -> None:
    status, out, err = signkit("score", "ref.stm", "hyp.txt", "--json")
    assert (status, err) == (0, "")
    document = found(out)
    assert set(document) == {
        "schema", "signature", "reference", "system", "missing", "notes", "metrics", "sentences", "analyses",
    }  # fmt: skip
    metric = document["metrics"][0]  # type: ignore[index]
    assert {key: metric[key] for key in ("name", "value", "split", "note")} == {
        "name": "wer", "value": 4 / 11, "split": "all", "note": "4 errors, 11 words, 4 sentences",
    }  # fmt: skip
    assert metric["low"] <= metric["value"] <= metric["high"]
    assert document["sentences"][1] == {  # type: ignore[index]
        "id": "s2",
        "correct": 2,
        "substitutions": 0,
        "deletions": 1,
        "insertions": 0,
        "reference": ["TOMORROW", "SUN", "WEATHER"],
        "hypothesis": ["SUN", "WEATHER"],
        "alignment": [["D", "TOMORROW", None], ["C", "SUN", "SUN"], ["C", "WEATHER", "WEATHER"]],
    }
    assert document["analyses"]["confusions"] == [  # type: ignore[index]
        {"reference": "TOMORROW", "hypothesis": "RAIN", "count": 1, "occurrences": 2}
    ]


def test_undefined_values_are_null_in_json_and_said_in_the_table(signkit: Command) -> None:
    Path("empty.txt").write_text("s1|\ns2|\n")
    Path("some.txt").write_text("s1|A\ns2|\n")
    document = found(signkit("score", "empty.txt", "some.txt", "--json")[1])
    assert document["metrics"][0]["value"] is None  # type: ignore[index]
    out = signkit("score", "empty.txt", "some.txt")[1]
    assert "undefined: 1 errors, 0 words, 2 sentences" in " ".join(out.split())


def test_a_ctm_is_cleaned_word_by_word_as_the_official_script_does(signkit: Command) -> None:
    document = found(
        signkit(
            "score", "ref.stm", "hyp.ctm", "--protocol", "phoenix2014", "--missing", "deletions", "--json"
        )[1]
    )
    assert document["missing"] == ["s3"]
    assert "1 without a hypothesis count as [EMPTY]" in document["notes"]  # type: ignore[operator]
    assert [sentence["hypothesis"] for sentence in document["sentences"]] == [  # type: ignore[attr-defined]
        ["TODAY", "RAIN"],
        ["TOMORROW", "FAIR", "WEATHER"],
        ["[EMPTY]"],
        ["WEATHER"],
    ]
    assert "|cleaned:by-word|missing:1|" in str(document["signature"])


def test_missing_hypotheses_are_refused_and_said_when_counted(signkit: Command) -> None:
    status, out, err = signkit("score", "ref.stm", "hyp.ctm")
    assert (status, out) == (2, "")
    assert err == (
        "error: hyp.ctm: no hypothesis for 1 of 4 sentences: 's3'; "
        "`--missing deletions` counts all their words as deleted\n"
    )
    _, out, _ = signkit("score", "ref.stm", "hyp.ctm", "--missing", "deletions")
    assert "warning: 1 without a hypothesis count as deletions of all their words" in out
    arguments = ("score", "ref.stm", "hyp.ctm", "--missing", "deletions", "--protocol", "phoenix2014")
    assert "warning: 1 without a hypothesis count as [EMPTY]" in signkit(*arguments)[1]


def test_show_cleaning_says_which_rule_did_what(signkit: Command) -> None:
    arguments = ("score", "ref.stm", "hyp.ctm", "--protocol", "phoenix2014", "--show-cleaning")
    status, out, err = signkit(*arguments)
    assert status == 0
    assert out.splitlines() == [
        "hyp.ctm:1: s1  [place]",
        "  - loc-RAIN",
        "  + RAIN",
        "hyp.ctm:6: s4  [emotion]",
        "  - __EMOTION__",
        "  + ",
        "hyp.ctm:6: s4  [plusplus]",
        "  - WEATHER-PLUSPLUS",
        "  + WEATHER",
    ]
    assert "  place: 1 in hyp.ctm\n" in err
    changes = found(signkit(*arguments, "--json")[1])["changes"]
    assert changes[0] == {  # type: ignore[index]
        "id": "s1", "side": "hypothesis", "line": 1, "rule": "place", "before": "loc-RAIN", "after": "RAIN",
    }  # fmt: skip


def test_systems_compared(signkit: Command) -> None:
    Path("other.txt").write_text(TEXT.replace("s3|WIND", "s3|WIND COME"))
    arguments = ("score", "ref.stm", "hyp.txt", "--compare", "other.txt")
    document = found(signkit(*arguments, "--json")[1])
    assert [system["system"] for system in document["systems"]] == ["other"]  # type: ignore[attr-defined]
    tests = [(c["metric"], c["test"]) for c in document["comparisons"]]  # type: ignore[attr-defined]
    assert tests[0] == ("wer", "bootstrap")
    assert tests[-1] == ("wer", "mapsswe")
    difference = document["comparisons"][0]["difference"]  # type: ignore[index]
    assert math.isclose(difference, 1 / 11)
    _, out, _ = signkit(*arguments)
    assert "other against ref.stm: 4 sentences, protocol plain" in out
    assert "+9.09" in out
    assert "-0.00" not in out and "+0.00" not in out
    assert "0.00 – +" in out
    status, _, err = signkit("score", "ref.stm", "hyp.txt", "--compare", "hyp.txt")
    assert (status, err) == (2, "error: --compare: names a file twice\n")


def test_by_signer(signkit: Command) -> None:
    status, out, _ = signkit("score", "ref.stm", "hyp.txt", "--by", "signer")
    assert status == 0
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "signer sentences words wer sentence_error" in lines
    assert "Anna 2 6 16.67 % 50.00 %" in lines
    status, _, err = signkit("score", "hyp.txt", "hyp.txt", "--by", "signer")
    assert (status, err) == (
        2, "error: references: name no signers, so no intervals by signer can be found\n",
    )  # fmt: skip


def test_train_gives_seen_and_unseen(signkit: Command) -> None:
    Path("train.txt").write_text("t1|WIND COME\nt2|TODAY\n")
    _, out, _ = signkit("score", "ref.stm", "hyp.txt", "--train", "train.txt", "--resamples", "0")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "sentences seen in train 25.00 % 1 of 4 sentences" in lines
    assert "word error rate, seen in train 50.00 % 1 errors, 2 words, 1 sentences" in lines
    assert "not in train : 72.73 % (8 of 11 words, 6 of 9 types)" in lines


def test_train_is_read_by_column_and_in_the_protocols_unit(signkit: Command) -> None:
    Path("train.csv").write_text("id,note,words\nt1,x,go home\nt2,y,wait\n")
    Path("r.csv").write_text("id,words\na,go home\nb,gone\n")
    Path("h.txt").write_text("a|go home\nb|gone\n")
    arguments = ("score", "r.csv", "h.txt", "--protocol", "aslfr", "--train", "train.csv", "--json")
    found_ = found(signkit(*arguments, "--reference-column", "words", "--metric", "seen")[1])
    assert [(m["name"], m["value"]) for m in found_["metrics"]] == [  # type: ignore[attr-defined]
        ("seen_share", 0.5), ("cer_seen", 0.0), ("cer_unseen", 0.0),
    ]  # fmt: skip
    vocabulary = found_["analyses"]["vocabulary"]  # type: ignore[index]
    assert (vocabulary["words"], vocabulary["unknown_words"]) == (11, 1)  # n, of gone, is in no word of train


def test_sclites_text_marks_errors_by_case_only_where_case_does_not_count(signkit: Command) -> None:
    _, out, _ = signkit("score", "ref.stm", "hyp.txt", "--sclite")
    assert "REF:  today evening rain" in out
    _, out, _ = signkit("score", "ref.stm", "hyp.txt", "--sclite", "--set", "case=sensitive")
    assert "REF:  TODAY EVENING RAIN" in out


def test_words_left_out_or_put_in_for_free_go_through_everything(signkit: Command) -> None:
    Path("r.trn").write_text("A (UH) B (x-1)\nA B (x-2)\n")
    Path("h.trn").write_text("A B (x-1)\nA (EH) B (x-2)\n")
    arguments = ("score", "r.trn", "h.trn", "--set", "optional=true", "--report", "p.html")
    document = found(signkit(*arguments, "--json")[1])
    assert document["metrics"][0]["note"] == "0 errors, 6 words, 2 sentences"  # type: ignore[index]
    assert document["sentences"][0]["alignment"][1] == ["C", "(UH)", None]  # type: ignore[index]
    assert document["sentences"][1]["alignment"][1] == ["C", None, "(EH)"]  # type: ignore[index]
    assert signkit(*arguments)[0] == signkit(*arguments[:-2], "--sclite")[0] == 0


def test_kaldis_text_is_read_when_asked_for(signkit: Command) -> None:
    Path("r").write_text("u1 A B\nu2\tC\nu3\n")
    Path("h").write_text("u2 C\nu3\nu1 A\n")
    document = found(signkit("score", "r", "h", "--format", "kaldi", "--json")[1])
    assert document["metrics"][0]["note"] == "1 errors, 3 words, 3 sentences"  # type: ignore[index]
    assert signkit("score", "r", "h", "--format", "lines", "--resamples", "0")[0] == 0


def test_undefined_differences_are_shown_as_such(signkit: Command) -> None:
    Path("r").write_text("a|\nb|\n")
    Path("h").write_text("a|A\nb|\n")
    Path("i").write_text("a|\nb|\n")
    arguments = ("score", "r", "h", "--compare", "i", "--metric", "wer")
    tests = found(signkit(*arguments, "--json")[1])["comparisons"]
    shown = [(t["test"], t["difference"], t["p_value"], t["better"]) for t in tests]  # type: ignore[attr-defined]
    assert shown == [("bootstrap", None, None, ""), ("mapsswe", None, None, "")]
    assert "nan" not in signkit(*arguments)[1]


def test_what_a_terminal_would_obey_is_not_printed(signkit: Command) -> None:
    Path("r").write_text("a|A B\n")
    Path("h").write_text(f"a|\x1b]0;evil\x07 B {'X' * 100}\n")
    _, out, _ = signkit("score", "r", "h")
    assert "\x1b" not in out and "\x07" not in out
    assert "\ufffd]0;evil\ufffd" in out
    assert "X" * 39 + "… (1" in out and "X" * 40 not in out


@pytest.mark.slow
def test_output_that_cannot_be_written_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "r").write_text("a|A → B\n")
    program = [sys.executable, "-m", "signkit", "score", "r", "r", "--json"]
    full = Path("/dev/full")
    if full.is_char_device():
        with full.open("w") as out:
            done = subprocess.run(
                program, cwd=tmp_path, stdout=out, stderr=subprocess.PIPE, text=True, timeout=60
            )
        message = "error: the output cannot be written: No space left on device\n"
        assert (done.returncode, done.stderr) == (1, message)
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252"}
    other = subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, timeout=60)
    assert (other.returncode, other.stderr) == (0, b"")
    assert "→" in other.stdout.decode("utf-8")
    closed = subprocess.run(
        ["sh", "-c", '"$@" >&-', "sh", *program], cwd=tmp_path, capture_output=True, timeout=60
    )
    assert (closed.returncode, closed.stderr) == (0, b"")


CASE_NOTE = (
    "2 substitutions differ only in the case of letters beyond A-Z (SÜD and süd, ÄNDERN and ändern), as "
    "sclite counts; `--set case=unicode` does not count them"
)


def test_notes_are_on_the_terminal_in_json_and_on_the_page(signkit: Command) -> None:
    Path("r.trn").write_text("SÜD WETTER ÄNDERN MORGEN (ann-1)\n")
    Path("h.trn").write_text("süd wetter ändern morgen (ann-1)\n")
    _, out, _ = signkit("score", "r.trn", "h.trn", "--report", "p.html")
    assert f"\nnote: {CASE_NOTE}\n" in out
    assert f"Note: {CASE_NOTE}" in Path("p.html").read_text().replace("&#34;", '"')
    document = found(signkit("score", "r.trn", "h.trn", "--json")[1])
    assert (document["notes"], document["metrics"][0]["value"]) == ([CASE_NOTE], 0.5)  # type: ignore[index]
    _, out, err = signkit("score", "r.trn", "h.trn", "--sclite")
    assert (out.count("note:"), err) == (0, f"note: {CASE_NOTE}\n")
    for case in ("unicode", "sensitive"):
        document = found(signkit("score", "r.trn", "h.trn", "--set", f"case={case}", "--json")[1])
        assert document["notes"] == []
    _, out, _ = signkit("score", "r.trn", "h.trn", "--compare", "r.trn")
    assert out.count("note:") == 1


def test_notes_of_files_are_shown_with_the_cleaning_too(signkit: Command) -> None:
    Path("r.stm").write_text("w1 1 a 0 1 <unk> RAIN\n")
    Path("h.txt").write_text("w1|<unk> RAIN\n")
    note = (
        "note: r.stm: 1 segment begins with a word in <…>, which an STM takes as labels of the segment, as "
        "sclite does, and not as a word: <unk> in line 1\n"
    )
    assert note in signkit("score", "r.stm", "h.txt")[1]
    assert note in signkit("score", "r.stm", "h.txt", "--show-cleaning")[2]


def test_a_bleu_without_n_grams_is_noted(signkit: Command) -> None:
    Path("r.txt").write_text("w1|RAIN NORTH\nw2|SUN SOUTH TODAY\n")
    document = found(signkit("score", "r.txt", "r.txt", "--metric", "bleu", "--json")[1])
    notes = [(m["value"], m["note"]) for m in document["metrics"]]  # type: ignore[attr-defined]
    assert notes == [(0.0, "0, as no hypothesis has 4 tokens"), (1.0, ""), (1.0, ""), (1.0, "")]
    Path("h.txt").write_text("w1|A B C D\nw2|SUN\n")
    document = found(signkit("score", "r.txt", "h.txt", "--metric", "bleu", "--json")[1])
    assert [m["note"] for m in document["metrics"]] == [""] * 4  # type: ignore[attr-defined]


def test_the_home_folder_in_paths(signkit: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Path("home").absolute()
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("r.stm", "h.txt", "i.txt"):
        (home / name).write_text(STM if name == "r.stm" else TEXT)
    (home / "p.yaml").write_text(find("eval", "plain").read_text())
    status, _, err = signkit(
        "score", "~/r.stm", "~/h.txt", "--compare", "~/i.txt", "--train", "~/r.stm", "--protocol", "~/p.yaml",
        "--report", "~/page.html",
    )  # fmt: skip
    assert (status, err) == (0, "")
    assert (home / "page.html").is_file()
    status, _, err = signkit("score", "~nobody-here/r.stm", "~/h.txt")
    assert (status, err) == (2, "error: ~nobody-here/r.stm: there is no such file\n")


def test_columns_and_tiers_are_named_by_options(signkit: Command) -> None:
    Path("r.tsv").write_text("yid\tvid\traw\nq\ts1\tA B\n")
    Path("h.csv").write_text("key,best\ns1,A\n")
    arguments = ["score", "r.tsv", "h.csv", "--json"]
    of_reference = ["--reference-id-column", "vid", "--reference-column", "raw"]
    document = found(signkit(*arguments, *of_reference, "--hyp-id-column", "key", "--hyp-tier", "best")[1])
    assert document["metrics"][0]["value"] == 0.5  # type: ignore[index]
    status, _, err = signkit(*arguments, *of_reference)
    assert (status, err.startswith("error: h.csv:1: there is no column of ids")) == (2, True)


def test_the_separator_of_glosses(signkit: Command) -> None:
    Path("r.csv").write_text('id,gloss\ns1,"A,B,C"\n')
    Path("h.txt").write_text("s1|A B C\n")
    status, _, err = signkit("score", "r.csv", "h.txt")
    assert (status, err) == (
        2, "error: r.csv: has `,` between words (A,B,C), where h.txt has blanks; "
        "`--separator ','` splits words there, `--separator ' '` does not\n",
    )  # fmt: skip
    document = found(signkit("score", "r.csv", "h.txt", "--separator", ",", "--train", "r.csv", "--json")[1])
    assert document["metrics"][0]["value"] == 0  # type: ignore[index]
    assert document["analyses"]["vocabulary"]["unknown_words"] == 0  # type: ignore[index]


@pytest.mark.slow
def test_hypotheses_from_pipes(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("w1|RAIN NORTH\n")
    (tmp_path / "r.stm").write_text("w1 1 a 0 2 RAIN NORTH\n")
    (tmp_path / "h.ctm").write_text("w1 1 0.1 0.2 RAIN\n")
    score = f"{sys.executable} -m signkit score"
    script = f"""
        {score} r.txt <(echo 'w1|RAIN') --resamples 0 | head -1
        {score} r.stm --hyp-format ctm <(cat h.ctm) --resamples 0 | head -1
        echo 'w1|RAIN' | {score} r.txt - --resamples 0 | head -1
        gzip -k h.ctm; {score} r.stm h.ctm.gz --resamples 0 | head -1
    """
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.stderr == ""
    piped, piped_ctm, read_in, unpacked = done.stdout.splitlines()
    assert piped.startswith("/dev/fd/") and piped.endswith(" against r.txt: 1 sentences, protocol plain")
    assert piped_ctm.endswith(" against r.stm: 1 sentences, protocol plain")
    assert read_in == "stdin against r.txt: 1 sentences, protocol plain"
    assert unpacked == "h against r.stm: 1 sentences, protocol plain"


def test_the_report_is_written(signkit: Command) -> None:
    _, out, _ = signkit("score", "ref.stm", "hyp.txt", "--report", "page.html")
    assert out.endswith("report:    page.html\n")
    assert "TOMORROW" in Path("page.html").read_text()


def test_text_in_the_manner_of_sclite(signkit: Command) -> None:
    _, out, _ = signkit("score", "ref.stm", "hyp.txt", "--sclite")
    assert "| Sum/Avg|    4     11 | 63.6    9.1   27.3    0.0   36.4   75.0 |" in out
    assert "id: (s4)\nScores: (#C #S #D #I) 1 1 1 0\n" in out


def test_every_figure_has_a_title(signkit: Command) -> None:
    wanted = [word for name in NAMES for word in ("--metric", name)]
    Path("train.txt").write_text("t1|WIND COME\n")
    document = found(signkit("score", "ref.stm", "hyp.txt", *wanted, "--train", "train.txt", "--json")[1])
    names = [metric["name"] for metric in document["metrics"]]  # type: ignore[attr-defined]
    assert set(names) <= set(METRICS)
    assert len(set(names)) == len(names) == 20
    assert document["analyses"]["classes"][0]["label"] == "NOW RAIN"  # type: ignore[index]
    assert "by class" in signkit("score", "ref.stm", "hyp.txt", "--metric", "per_class")[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.stm", "hyp.txt"], "none.stm: there is no such file"),
        (["ref.stm", "none.txt"], "none.txt: there is no such file"),
        (
            ["ref.stm", "hyp.txt", "--metric", "werr"],
            "--metric: there is no metric 'werr'; did you mean `wer`?",
        ),
        (
            ["ref.stm", "hyp.txt", "--protocol", "phoenix"],
            "phoenix: no built-in scoring protocol has this name; did you mean `phoenix2014`?",
        ),
        (["ref.stm", "hyp.txt", "--confidence", "1"], "--confidence: lies between 0 and 1, and not at 1"),
        (
            ["ref.stm", "hyp.txt", "--json", "--sclite"],
            "--sclite: prints text, and --json JSON: choose one",
        ),
        (
            ["ref.stm", "hyp.txt", "--show-cleaning", "--report", "x.html"],
            "--show-cleaning: scores nothing: leave out --compare, --report and --sclite",
        ),
        (
            ["ref.stm", "hyp.txt", "--metric", "seen"],
            "--metric seen: needs the sentences of train; `--train FILE` names them",
        ),
        (["ref.stm", "hyp.txt", "--report", "."], "--report: . is not a file that could be replaced"),
        (["ref.stm", "hyp.txt", "--report", "no/x.html"], "--report: there is no folder no"),
        (["ref.stm", "hyp.txt", "--report", "hyp.txt"], "--report: hyp.txt is a file that is read here"),
        (
            ["ref.stm", "hyp.txt", "--train", "hyp.ctm", "--report", "hyp.ctm"],
            "--report: hyp.ctm is a file that is read here",
        ),
        (
            ["ref.stm", "hyp.ctm", "--compare", "hyp.txt", "--protocol", "phoenix2014"],
            "--compare: a CTM is cleaned word by word and other formats sentence by sentence: "
            "these do not compare; give all systems in one format",
        ),
        (
            ["ref.stm", "plain", "--missing", "deletions"],
            "plain: none of its ids is in ref.stm; "
            "plain was read as lines, which have no ids: `--hyp-format` names another format",
        ),
        (
            ["kaldi1", "kaldi2"],
            "kaldi2: its lines begin with ids ('u2'), as those of the reference; "
            "`--format kaldi` reads `id words`; `--format lines` takes them as words",
        ),
        (
            ["ref.stm", "hyp.txt", "--set", "case=lower"],
            "--set case=lower: `case` cannot be `lower`",
        ),
    ],
)
def test_what_is_refused(signkit: Command, arguments: list[str], message: str) -> None:
    Path("plain").write_text("A B\nC\n")
    Path("kaldi1").write_text("u1 A B\nu2\tC\n")
    Path("kaldi2").write_text("u2 C\nu1 A\n")
    status, out, err = signkit("score", *arguments)
    assert (status, out) == (2, "")
    assert err.startswith(f"error: {message}")
    assert err.count("\n") == 1


def test_a_protocol_may_be_changed_on_the_command_line(signkit: Command) -> None:
    Path("lower.txt").write_text(TEXT.lower())
    same = found(signkit("score", "ref.stm", "lower.txt", "--json")[1])["metrics"][0]  # type: ignore[index]
    assert same["value"] == 4 / 11
    strict = found(signkit("score", "ref.stm", "lower.txt", "--set", "case=sensitive", "--json")[1])
    assert strict["metrics"][0]["value"] == 1.0  # type: ignore[index]


WITHOUT_EXTRAS = """
import re
import sys
from importlib.metadata import requires

for line in requires("signkit"):
    name = re.match("[a-z_]+", line.replace("-", "_"))[0]
    if "extra ==" in line and name != "signkit":
        sys.modules.setdefault(name, None)
assert sys.modules["torch"] is None
from signkit.cli.app import main
main()
"""


@pytest.mark.slow
def test_nothing_of_the_extras_is_needed(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("a|X\n")
    files = ["r.txt", "r.txt"]
    for extra in (["--help"], [*files, "--report", "p.html", "--json"], [*files, "--metric", "bleu"]):
        command = [sys.executable, "-c", WITHOUT_EXTRAS, "score", *extra]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")


# One label a sentence.

LABELLED = (
    "id,gloss\n1,THANK YOU\n2,thank you\n3,HOUSE\n4,HOUSE\n5,NOT KNOW\n6,KNOW\n",
    "id,gloss\n1,THANK\n2,THANK\n3,HOUSE\n4,\n5,KNOW\n6,KNOW\n",
)


@pytest.mark.parametrize("metrics", [("accuracy",), ("macro_f1", "wer"), ("per_class",)])
def test_labels_are_confused_as_a_whole(signkit: Command, metrics: tuple[str, ...]) -> None:
    """THANK YOU was taken for THANK, not YOU deleted; as tables, in JSON and on the page."""
    for name, text in zip(("r.csv", "h.csv"), LABELLED, strict=True):
        Path(name).write_text(text)
    Path("train.csv").write_text("id,gloss\na,THANK YOU\nb,HOUSE\nc,NOT\nd,KNOW\n")
    named = [word for name in metrics for word in ("--metric", name)]
    words = ("score", "r.csv", "h.csv", "--train", "train.csv", *named)
    _, out, _ = signkit(*words, "--report", "p.html")
    assert "most confused: THANK YOU → THANK (2), NOT KNOW → KNOW (1)" in out
    assert "most deleted : HOUSE (1 of 2)" in out and "most inserted" not in out
    assert "(1 of 6 labels, 1 of 4 types)" in out
    page = Path("p.html").read_text()
    for shown in ("Confused labels", "Labels that train does not have", "THANK YOU→THANK"):
        assert shown in page
    found_ = found(signkit(*words, "--json")[1])
    confused = found_["analyses"]["confusions"]  # type: ignore[index]
    assert [tuple(each.values()) for each in confused] == [
        ("THANK YOU", "THANK", 2, 2), ("NOT KNOW", "KNOW", 1, 1)
    ]  # fmt: skip
    sentence = found_["sentences"][0]  # type: ignore[index]
    assert sentence["alignment"] == [["C", "THANK", "THANK"], ["D", "YOU", None]]


def test_words_are_confused_where_the_first_metric_is_of_words(signkit: Command) -> None:
    for name, text in zip(("r.csv", "h.csv"), LABELLED, strict=True):
        Path(name).write_text(text)
    _, out, _ = signkit("score", "r.csv", "h.csv", "--metric", "wer", "--metric", "accuracy")
    assert "most confused" not in out and "most deleted : YOU (2 of 2), HOUSE (1 of 2), NOT (1 of 1)" in out
