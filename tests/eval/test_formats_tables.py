"""Tables and JSON lines of transcripts."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signkit.errors import UserError
from signkit.eval.formats import read, read_pair
from signkit.eval.transcripts import Transcripts

COLUMNS_2014T = "name|video|start|end|speaker|orth|translation\n"
TEXTS = (
    "`gloss`, `glosses`, `annotation`, `orth`, `text`, `translation`, `sentence`, `phrase`, `label`, "
    "`hypothesis`, `prediction`"
)


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Writes a file into the working folder."""
    monkeypatch.chdir(tmp_path)

    def put(name: str, content: str) -> Path:
        Path(name).write_bytes(content.encode())
        return Path(name)

    return put


def pairs(found: Transcripts) -> dict[str, str]:
    return dict(zip(found.ids, found.texts, strict=True))


def message(path: Path, column: str = "") -> str:
    with pytest.raises(UserError) as caught:
        read(path, "", column)
    return str(caught.value)


@pytest.mark.parametrize("separator", [",", "|", "\t", ";"])
def test_separators(write: Callable[[str, str], Path], separator: str) -> None:
    rows = [["Signer", " ID ", "frames", "GLOSS"], ["s", " r1", "3", " A B "], [], ["", "r2", "4", ""]]
    found = read(write("a.csv", "\n".join(separator.join(row) for row in rows)))
    assert (pairs(found), found.signers) == ({"r1": "A B", "r2": ""}, ("s", ""))
    assert (list(found.lines), found.format) == ([2, 4], "csv")


def test_a_separator_in_a_column_name(write: Callable[[str, str], Path]) -> None:
    assert pairs(read(write("a.csv", "id;gloss (a, b, c);text\nr;A;B\n"))) == {"r": "B"}


def test_quoted_fields(write: Callable[[str, str], Path]) -> None:
    content = '"id","gloss"\r\n"r1","A, B"\r\nr2,"C ""D""\r\nE"\r\n\r\n  \r\nr3,5" F\r\n'
    found = read(write("a.csv", content))
    assert pairs(found) == {"r1": "A, B", "r2": 'C "D"\nE', "r3": '5" F'}
    assert list(found.lines) == [2, 3, 7]


words = st.text(st.sampled_from('ab ,;"|\n'), max_size=6)


@given(st.lists(words, min_size=1, max_size=6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_a_csv_writer_writes_comes_back(tmp_path: Path, texts: list[str]) -> None:
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows([["id", "gloss"], *enumerate(texts)])
    path = tmp_path / "a.csv"
    path.write_text(table.getvalue(), encoding="utf-8")
    limit = csv.field_size_limit()
    found = read(path)
    assert found.texts == tuple(text.strip() for text in texts)
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize(
    ("header", "column", "text"),
    [
        ("id,gloss,text", "", "B"),
        ("id,text,gloss", "", "C"),
        ("id,text,gloss", "text", "B"),
        ("id,text,gloss", "Text", "B"),
        ("id,x,prediction", "", "C"),
        ("id,x,prediction", "x", "B"),
        ("gloss,x,sequence_id", "", "A"),
        ("gloss,id,name", "", "A"),
    ],
)
def test_columns(write: Callable[[str, str], Path], header: str, column: str, text: str) -> None:
    found = read(write("a.csv", f"{header}\nA,B,C\n"), column=column)
    assert found.texts == (text,)
    assert found.ids == ({"gloss,x,sequence_id": "C", "gloss,id,name": "B"}.get(header, "A"),)


@pytest.mark.parametrize(
    ("content", "column", "expected"),
    [
        ("id,gloss\nr,A\n", "glos", "a.csv:1: there is no column `glos`; there are `id`, `gloss`; "
                                    "did you mean `gloss`?"),
        ("id,gloss\nr,A\n", "zzz", "a.csv:1: there is no column `zzz`; there are `id`, `gloss`"),
        ("\nid,words\nr,A\n", "", "a.csv:2: there is no column of text; there are `id`, `words`; "
                                  f"it is one of {TEXTS}, or the one that `--column` names"),
        ("key,gloss\nr,A\n", "", "a.csv:1: there is no column of ids; there are `key`, `gloss`; "
                                 "it is one of `id`, `name`, `file`, `filename`, `video`, `sequence_id`, "
                                 "`clip`, `sample`, `audio_filepath`, `path`, "
                                 "or the one that `--id-column` names"),
        ("id,gloss,Gloss\nr,A,B\n", "", "a.csv:1: the column `gloss` occurs 2 times"),
        ("id,gloss\nr,A,B\n", "", "a.csv:2: has 3 fields, the header 2; "
                                  'a text with `,` in it is quoted: "…"'),
        ("id,gloss\n\nr\n", "", "a.csv:3: has 1 field, the header 2"),
        ("id\tgloss\nr\tA\n\tB\n", "", "a.csv:3: has an empty id"),
        ('id,gloss\nr,A\n"s,B\nt,C\n', "", "a.csv:3: a quotation mark that begins a field is never closed, "
                                           'or text follows the closing one; a quotation mark in a field '
                                           'is written `""`'),
        ("id,gloss\n", "", "a.csv: has no rows below its header"),
        (" \n", "", "a.csv: has no header"),
        ("id,gloss\nr,A\ns,B\nr,C\n", "", "a.csv:4: id 'r' is used twice; first in line 2"),
    ],
)  # fmt: skip
def test_faults_of_a_table(
    write: Callable[[str, str], Path], content: str, column: str, expected: str
) -> None:
    assert message(write("a.csv", content), column) == expected


def test_corpus_files(write: Callable[[str, str], Path]) -> None:
    old = read(write("dev.corpus.csv", "id|folder|signer|annotation\nr|r/1/*.png|Signer01|A B\n"))
    assert (pairs(old), old.signers, old.format) == ({"r": "A B"}, ("Signer01",), "corpus")
    path = write("dev.corpus.csv", COLUMNS_2014T + 'r|r/1/*.png|-1|-1|Signer01|A B|"wind, und\n')
    assert (pairs(read(path)), read(path).signers) == ({"r": "A B"}, ("Signer01",))
    assert pairs(read(path, column="translation")) == {"r": '"wind, und'}


def test_columns_of_both_sides(write: Callable[[str, str], Path]) -> None:
    reference = write("dev.corpus.csv", COLUMNS_2014T + "r|v|-1|-1|s|A|wind\n")
    table = write("h.csv", "id,text,translation\nr,B,sturm\n")
    lines = write("h.trn", "C (r)\n")
    left, (right, third) = read_pair(reference, [table, lines], column="translation")
    assert [each.texts for each in (left, right, third)] == [("wind",), ("sturm",), ("C",)]
    left, (right,) = read_pair(reference, [table], column="text", reference_column="orth")
    assert [each.texts for each in (left, right)] == [("A",), ("B",)]


def test_formats_of_both_sides(write: Callable[[str, str], Path]) -> None:
    reference, hypothesis = write("r.x", "A (r)\n"), write("h.x", "r|B\n")
    left, (right,) = read_pair(reference, [hypothesis], format="id", reference_format="trn")
    assert (pairs(left), pairs(right)) == ({"r": "A"}, {"r": "B"})
    both = read_pair(reference, [reference], format="trn")
    assert [both[0].format, both[1][0].format] == ["trn", "trn"]


def test_jsonl(write: Callable[[str, str], Path]) -> None:
    lines = [
        {"id": "r1", "tokens": ["A", "B"], "text": "A B", "score": -1.5, "times": [0.1, 0.2]},
        {"id": 7, "text": " C ", "nbest": [{"text": "D"}]},
        {"id": " r3 ", "text": ["E", "F"]},
        {"id": "r4", "text": "é\t\U0001f600"},
        {"id": "r5", "text": []},
    ]
    content = "\n\n".join(json.dumps(line) for line in lines)
    found = read(write("a.jsonl", f"  {content} \n"))
    assert pairs(found) == {"r1": "A B", "7": "C", "r3": "E F", "r4": "é\t\U0001f600", "r5": ""}
    assert (list(found.lines), found.signers, found.format) == ([1, 3, 5, 7, 9], (), "jsonl")


@pytest.mark.parametrize(
    ("record", "column", "text"),
    [
        ({"id": "r", "tokens": ["A", "B"]}, "", "A B"),
        ({"id": "r", "gloss": "C", "text": "D"}, "", "C"),
        ({"id": "r", "gloss": "C", "text": "D"}, "text", "D"),
        ({"name": "r", "prediction": "E", "tokens": ["A"]}, "", "A"),
        ({"name": "r", "x": ["E", "F"], "tokens": ["A"]}, "x", "E F"),
    ],
)
def test_keys(write: Callable[[str, str], Path], record: dict[str, object], column: str, text: str) -> None:
    assert pairs(read(write("a.jsonl", json.dumps(record)), column=column)) == {"r": text}


def test_signers_of_json_lines(write: Callable[[str, str], Path]) -> None:
    content = '{"id":"r","text":"A","signer":"s"}\n{"id":"q","text":"B","signer":3}\n{"id":"p","text":"C"}\n'
    assert read(write("a.jsonl", content)).signers == ("s", "3", "")


HINT = 'a line is `{"id": "…", "text": "…"}`'
GOOD = '{"id": "0", "text": "X"}\n'


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"id": "r", "text": A}', f":2:21: is not JSON; {HINT}"),
        ('{"id": "r", "text": ' + "[" * 100_000, f":2:1: is not JSON; {HINT}"),
        ('{"id": "r", "text": ' + "1" * 5000 + "}", f":2:1: is not JSON; {HINT}"),
        ('  {"id": "r", "text": A}', f":2:23: is not JSON; {HINT}"),
        ("[", f":2:2: is not JSON; {HINT}"),
        ("A B", f":2:1: is not JSON; {HINT}"),
        ('{"id": "r", "text": "A"} {}', f":2:25: goes on after its JSON value; {HINT}"),
        ('["r", "A"]', f":2:1: is JSON but no object; {HINT}"),
        ('{"id": "r"}', ":2: there is no key `text`"),
        ('{"text": "A"}', ":2: there is no key `id`"),
        ('{"id": "", "text": "A"}', ':2: `id` is "", not an id'),
        ('{"id": true, "text": "A"}', ":2: `id` is true, not an id"),
        ('{"id": 1.5, "text": "A"}', ":2: `id` is 1.5, not an id"),
        ('{"id": "r", "text": null}', ":2: `text` is null, not text or a list of words"),
        ('{"id": "r", "text": ["A", 1]}', ':2: `text` is ["A", 1], not text or a list of words'),
        ('{"id": "r", "text": [' + "1, " * 20 + "2]}",
         ":2: `text` is [" + "1, " * 13 + "…, not text or a list of words"),
        ('{"id": "r", "text": ["A B"]}', ":2: `text` has 'A B', which is not one word"),
        ('{"id": "r", "text": "\\ud800"}', ":2: the escape \\ud800 is no character of a text"),
        ('{"id": "r", "text": "a\\u0000"}', ":2: the escape \\u0000 is no character of a text"),
    ],
)  # fmt: skip
def test_faults_of_json_lines(write: Callable[[str, str], Path], line: str, expected: str) -> None:
    assert message(write("a.jsonl", f"{GOOD}{line}\n")) == f"a.jsonl{expected}"


@pytest.mark.parametrize(
    ("line", "column", "expected"),
    [
        ("", "", "a.jsonl: has no utterances"),
        ('{"id": "r", "text": "A"}', "txt", "a.jsonl:1: there is no key `txt`; there are `id`, `text`; "
                                            "did you mean `text`?"),
        ('{"id": "r", "text": "A"}', "zzz", "a.jsonl:1: there is no key `zzz`; there are `id`, `text`"),
        ('{"key": "r", "text": "A"}', "", "a.jsonl:1: there is no key of the id; there are `key`, `text`; "
                                          "it is one of `id`, `name`, `file`, `filename`, `video`, "
                                          "`sequence_id`, `clip`, `sample`, `audio_filepath`, `path`, "
                                          "or the one that `--id-column` names"),
        ("{}", "", "a.jsonl: has no utterances"),
        ('{"id": "r", "words": "A"}', "", "a.jsonl:1: there is no key of the text; there are `id`, `words`; "
                                          "it is one of " + TEXTS.replace("`text`,", "`text`, `tokens`,")
                                          + ", or the one that `--column` names"),
    ],
)  # fmt: skip
def test_keys_that_are_not_there(
    write: Callable[[str, str], Path], line: str, column: str, expected: str
) -> None:
    assert message(write("a.jsonl", f"\n{line}\n".removeprefix("\n")), column) == expected


def test_what_recognise_writes(write: Callable[[str, str], Path]) -> None:
    content = '{"id": "r", "tokens": ["A"], "text": "A", "score": -2.0, "times": [0.04], "nbest": []}\n'
    assert pairs(read(write("dev.jsonl", content))) == {"r": "A"}


def test_real_transcripts(real_data: Callable[[str], Path]) -> None:
    folder = real_data("gloss_text")
    counts = {
        f"{corpus}/{split}.stm": len(read(folder / corpus / f"{split}.stm"))
        for corpus in ("phoenix2014", "phoenix2014-T", "CSL-Daily")
        for split in ("dev", "test")
    }
    assert list(counts.values()) == [540, 629, 519, 642, 1077, 1176]
    dev = read(folder / "phoenix2014" / "dev.stm")
    assert dev.ids[0] == "01April_2010_Thursday_heute_default-1"
    assert dev.texts[0].split()[:3] == ["ICH", "OSTERN", "WETTER"]
    assert sorted(set(dev.signers))[:2] == ["Signer01", "Signer02"]


def test_a_real_reference_and_hypothesis(real_data: Callable[[str], Path]) -> None:
    folder = real_data("isharah_text")
    reference, (hypothesis,) = read_pair(folder / "SI" / "dev.txt", [folder / "SI_dev_wer7.3123.csv"])
    assert reference.ids == hypothesis.ids
    assert len(reference) == 949
    assert sum(len(text.split()) for text in reference.texts) == 4554


def test_real_corpus_files(real_data: Callable[[str], Path]) -> None:
    folder = real_data("phoenix2014t_mini") / "PHOENIX-2014-T" / "annotations" / "manual"
    path = folder / "PHOENIX-2014-T.dev.corpus.csv"
    assert (read(path).texts[0][:12], read(path).signers) == ("REGEN SCHNEE", ("Signer01",))
    assert read(path, column="translation").texts[0].startswith("regen und schnee lassen")


def test_a_column_of_ids_by_name(write: Callable[[str, str], Path]) -> None:
    names = "VIDEO_ID\tSENTENCE_NAME\tSTART\tSENTENCE\n"
    path = write("a.csv", names + "v\tv_1-5\t0.1\tHi there.\nv\tv_2-5\t2.3\tBye.\n")
    wanted = {"v_1-5": "Hi there.", "v_2-5": "Bye."}
    assert pairs(read(path, id_column="SENTENCE_NAME")) == wanted
    assert pairs(read(write("a.txt", path.read_text()), id_column="sentence_name")) == wanted
    for option in ("id_column", "reference_id_column", "hyp_id_column"):
        with pytest.raises(UserError) as caught:
            other = write("b.txt", "v_1-5|A\n")
            read_pair(other, [other], **{option: "x"})
        what = "a file of the format id has no columns; leave the option out"
        assert str(caught.value) == f"--{option.replace('_', '-')}: {what}"
    with pytest.raises(UserError) as caught:
        read(path, id_column="SENTENCE_NAM")
    assert str(caught.value) == (
        "a.csv:1: there is no column `SENTENCE_NAM`; there are `VIDEO_ID`, `SENTENCE_NAME`, `START`, "
        "`SENTENCE`; did you mean `SENTENCE_NAME`?"
    )


def test_columns_of_each_side(write: Callable[[str, str], Path]) -> None:
    reference = write("r.tsv", "yid\tvid\traw-text\ttokens\ny\ty-0\tHello there\thello there\n")
    hypothesis = write("h.csv", "clip;x;best\nq;y-0;hello\n")
    left, (right,) = read_pair(
        reference, [hypothesis], reference_id_column="vid", reference_column="raw-text",
        hyp_id_column="x", hyp_column="best",
    )  # fmt: skip
    assert (pairs(left), pairs(right)) == ({"y-0": "Hello there"}, {"y-0": "hello"})
    left, (right,) = read_pair(
        reference, [reference], id_column="vid", column="tokens", reference_column="raw-text"
    )
    assert (left.texts, right.texts) == (("Hello there",), ("hello there",))


@pytest.mark.parametrize("separator", ["\t", "|"])
def test_a_stray_quotation_mark_swallows_nothing(write: Callable[[str, str], Path], separator: str) -> None:
    rows = [["id", "SENTENCE"], ["1", '"Hi, he said.'], ["2", 'It is 5" long."'], ["3", '"'], ["4", '"A" b']]
    found = read(write("a.csv", "\n".join(map(separator.join, rows))))
    assert found.texts == ('"Hi, he said.', 'It is 5" long."', '"', '"A" b')


def test_quoted_fields_between_tabs(write: Callable[[str, str], Path]) -> None:
    found = read(write("a.tsv", 'id\tgloss\n1\t"A ""B"""\n2\tC\n'))
    assert found.texts == ('A "B"', "C")
    assert read(write("b.tsv", 'id\tgloss\n1\t"A\nB"\n2\tD\n')).texts == ("A\nB", "D")


@pytest.mark.parametrize(
    "content",
    [
        "sep=;\nid;gloss\n1;A B\n2;C\n",
        '"sep=;"\r\nid;gloss\r\n1;A B\r\n2;C\r\n',
        "\ufeffsep=\t\nid\tgloss\n1\tA B\n2\tC\n",
        "sep=;;\nid;gloss;\n1;A B;\n2;C;\n",
        "id,note,gloss\n1,,A B\n,\n2,,C\n",
        "SEP=,\n\nid,gloss\n1,A B\n2,C\n",
        "id;gloss;;\n1;A B;;\n2;C\n;;;\n;\n",
        "id,gloss,note\n1,A B\n2,C,x,,\n",
        "id,note,gloss\n1,,A B,\n2,,C\n,,\n",
    ],
)
def test_tables_as_excel_writes_them(write: Callable[[str, str], Path], content: str) -> None:
    assert pairs(read(write("a.csv", content))) == {"1": "A B", "2": "C"}
    if content[0] != '"':
        assert pairs(read(write("a.txt", content))) == {"1": "A B", "2": "C"}


def test_a_table_without_a_header(write: Callable[[str, str], Path]) -> None:
    text = message(write("a.tsv", "w1\tRAIN NORTH\nw2\tSUN\n"))
    assert text == (
        "a.tsv:1: there is no column of ids; there are `w1`, `RAIN NORTH`; if it has no header, the format "
        "`kaldi` reads `id words`; else it is one of `id`, `name`, `file`, `filename`, `video`, "
        "`sequence_id`, `clip`, `sample`, `audio_filepath`, `path`, or the one that `--id-column` names"
    )


@pytest.mark.parametrize(
    "content",
    [
        '{"w1": "A B", "w2": "C"}',
        '{\n  "w1": "A B",\n  "w2": "C"\n}\n',
        '{"w1": ["A", "B"], "w2": ["C"]}',
        '{"w1": {"text": "A B", "x": 1}, "w2": {"text": "C"}}',
        '[{"id": "w1", "text": "A B"}, {"id": "w2", "text": "C"}]',
        '[\n{"id": "w1", "tokens": ["A", "B"]},\n{"id": "w2", "tokens": ["C"]}\n]',
    ],
)
def test_json_of_one_value(write: Callable[[str, str], Path], content: str) -> None:
    for name in ("a.json", "a.txt", "a.jsonl"):
        assert pairs(read(write(name, content))) == {"w1": "A B", "w2": "C"}


def test_json_of_one_value_by_keys(write: Callable[[str, str], Path]) -> None:
    path = write("a.json", '{"w1": {"pred": "A B", "ref": "x"}, "w2": {"pred": "C"}}')
    assert pairs(read(path, column="pred")) == {"w1": "A B", "w2": "C"}
    path = write("b.json", '[{"vid": 1, "pred": "A B"}, {"vid": 2, "pred": "C"}]')
    assert pairs(read(path, column="pred", id_column="vid")) == {"1": "A B", "2": "C"}
    assert pairs(read(write("c.json", '{"w1": "A"}'))) == {"w1": "A"}


@pytest.mark.parametrize("content", ['["A B", "C"]', '[["A", "B"],\n ["C"]]'])
def test_a_json_list_of_texts_is_lines(write: Callable[[str, str], Path], content: str) -> None:
    found = read(write("a.json", content))
    assert (found.format, pairs(found)) == ("lines", {"1": "A B", "2": "C"})


WHOLE = 'a file of one value is `{"id": "text", …}`, or a list of records or texts'


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"w1": "A", "w1": "B"}', f"a.json: has the key 'w1' twice; {WHOLE}"),
        ('{"w1": null, "w2": "B"}', "a.json: item 1: `text` is null, not text or a list of words"),
        ('[["w1", "A B"]]', "a.json: item 1: `text` has 'A B', which is not one word"),
        ('{\n"w1": "A,\n "w2": "B"}', f"a.json:2:10: is not JSON; {WHOLE}"),
        ("[" * 100_000, f"a.json: is nested too deep; {WHOLE}"),
        ('["\\ud800"]', "a.json: the escape \\ud800 is no character of a text"),
        ("{}", "a.json: has no utterances"),
    ],
)
def test_faults_of_json_of_one_value(write: Callable[[str, str], Path], content: str, expected: str) -> None:
    assert message(write("a.json", content)) == expected


def test_a_manifest_of_nemo(write: Callable[[str, str], Path]) -> None:
    line = '{"audio_filepath": "a/w1.wav", "duration": 1.5, "text": "RAIN", "pred_text": "SUN"}\n'
    path = write("m.json", line)
    left, (right,) = read_pair(path, [path])
    assert (pairs(left), pairs(right)) == ({"a/w1.wav": "RAIN"}, {"a/w1.wav": "SUN"})
