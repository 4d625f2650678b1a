"""A user's own data: what is read, and every fault of manifest and npz files by its message."""

import csv
import gc
import io
import json
import re
import sys
import unicodedata
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from signkit.data.array_advice import OBJECTS, PAGE
from signkit.data.corpora.configs import ManifestConfig
from signkit.data.corpora.manifest import read
from signkit.data.layouts import layout
from signkit.data.npz import read_header, read_npz
from signkit.errors import UserError, UserErrors
from signkit.runtime.tables import QUOTED_MARK
from signkit.types import Features, Landmarks

UNREADABLE = "a quotation mark that begins a cell is never closed, or text follows the closing one"
ROWS = """id,path,gloss,text,signer,split
a,clips/a.npz,HOUSE BIG,"the house, big",ann,train
b,clips/b.npz,TREE,a tree,bob,dev
c,clips/c.npz,TREE HOUSE,,cem,test
"""


def clip(frames=4, **arrays):
    points = np.arange(frames * 6, dtype=np.float32).reshape(frames, 3, 2)
    return {"landmarks": points, "layout": "boston104", **arrays}


@pytest.fixture
def root(tmp_path):
    (tmp_path / "clips").mkdir()
    for name, frames in (("a", 4), ("b", 5), ("c", 6)):
        np.savez(tmp_path / "clips" / f"{name}.npz", **clip(frames))
    (tmp_path / "manifest.csv").write_text(ROWS)
    return tmp_path


def load(root, **options):
    return read(ManifestConfig(root=str(root), **options))


def message(root, **options):
    with pytest.raises(UserError) as error:
        load(root, **options)
    return str(error.value).replace(f"{root}/", "")


def rewrite(root, old, new):
    text = (root / "manifest.csv").read_text()
    assert old in text
    (root / "manifest.csv").write_text(text.replace(old, new, 1))


def save(root, **arrays):
    np.savez(root / "clips" / "b.npz", **arrays)


def test_glosses_are_composed(root):
    """Typed with a combining diaeresis, a gloss is the same one: also where further text is held out."""
    rewrite(root, "TREE,a tree", "GRU\u0308N,a tree")
    (root / "more.txt").write_text("GR\u00dcN\nHOUSE GRU\u0308N\n", encoding="utf-8")
    corpus = load(root, extra_text="more.txt")
    assert corpus.split("dev")[0].reference == ("GR\u00dcN",)
    assert corpus.extra_text == (("HOUSE", "GR\u00dcN"),)


def test_texts_in_place_of_glosses(root):
    """As of fingerspelling; a manifest may then lack the column of glosses."""
    rewrite(root, "TREE HOUSE,,cem", "TREE HOUSE,gru\u0308n @ 5,cem")
    read = [(s.reference, s.text) for s in load(root, reference="text").samples]
    words = [("the", "house,", "big"), ("a", "tree"), ("gr\u00fcn", "@", "5")]
    assert [reference for reference, _ in read] == words
    without = "\n".join(
        ",".join([*row[:2], *row[3:]])
        for row in csv.reader(io.StringIO((root / "manifest.csv").read_text(encoding="utf-8")))
        if "," not in row[3]
    )
    (root / "manifest.csv").write_text(without, encoding="utf-8")
    rewrite(root, ",dev", ",train")
    assert [s.reference for s in load(root, reference="text").samples] == words[1:]
    rewrite(root, "a tree", " ")
    with pytest.raises(UserError, match=r"manifest.csv:2: the text is empty"):
        load(root, reference="text")


def test_samples(root):
    corpus = load(root)
    assert (corpus.name, corpus.layout, corpus.width, corpus.extra_text) == ("manifest", "boston104", 2, ())
    assert [(s.id, s.split, s.reference, s.frames, s.text, s.signer) for s in corpus.samples] == [
        ("a", "train", ("HOUSE", "BIG"), 4, "the house, big", "ann"),
        ("b", "dev", ("TREE",), 5, "a tree", "bob"),
        ("c", "test", ("TREE", "HOUSE"), 6, "", "cem"),
    ]
    assert corpus.samples[1].source == f"{root}/manifest.csv:3"
    signal = corpus.samples[0].load()
    assert isinstance(signal, Landmarks) and (signal.layout, signal.fps) == ("boston104", 25.0)
    np.testing.assert_array_equal(signal.points, clip()["landmarks"])


@pytest.mark.parametrize(
    "form",
    [
        "crlf", "cr", "bom", "tab", "semicolon", "bar", "sep", "ragged", "capitals", "reordered",
        "jsonl", "lists", "json", "by id",
    ],
)  # fmt: skip
def test_other_forms_of_the_same_manifest(root, form):
    expected = load(root).samples
    table = [dict(zip(ROWS.split("\n", 1)[0].split(","), row, strict=True)) for row in rows()]
    file = "manifest.csv"
    if form == "crlf":
        text = ROWS.replace("\n", "\r\n")
    elif form == "bom":
        text = "\ufeff" + ROWS
    elif form == "tab":
        text = "\n".join("\t".join(row) for row in [list(table[0]), *(row.values() for row in table)])
    elif form == "cr":
        text = ROWS.replace("\n", "\r")
    elif form in ("semicolon", "bar"):
        separator = {"semicolon": ";", "bar": "|"}[form]
        text = "".join(separator.join(row) + "\n" for row in csv.reader(io.StringIO(ROWS)))
    elif form == "sep":
        text = "sep=,\r\n" + ROWS
    elif form == "ragged":  # as a spreadsheet leaves it
        lines = ROWS.splitlines()
        text = "\n".join(
            [lines[0] + ",,", ",,,,,,,", *(line + "," * n for n, line in enumerate(lines[1:])), ",,,"]
        )
    elif form == "capitals":
        text = ROWS.replace(
            "id,path,gloss,text,signer,split", '\ufeff ID ,Path, "GLOSS",Text,SIGNER,\u200bsplit'
        )
        text = text.replace(', "GLOSS"', ',"GLOSS"')
    elif form == "reordered":
        text = "\n\nsplit,gloss, id,path,remark,signer,text\n\n" + "".join(
            f'{r["split"]},{r["gloss"]},{r["id"]},{r["path"]},?,{r["signer"]},"{r["text"]}"\n\n'
            for r in table
        )
    elif form in ("json", "by id"):
        file = "manifest.json"
        records = [{**row, "start": None, "end": float("nan")} for row in table]
        by_id = {row["id"]: {key: row[key] for key in row if key != "id"} for row in table}
        text = json.dumps(records if form == "json" else by_id, indent=2)
    else:
        file = "manifest.jsonl"
        for row in table:
            row["gloss"] = row["gloss"].split() if form == "lists" else row["gloss"]
        text = "\n".join(json.dumps(row) for row in table) + "\n\n"
    (root / file).write_bytes(text.encode())
    found = load(root, file=file).samples
    keys = ("id", "split", "reference", "frames", "text", "signer")
    assert [[getattr(s, k) for k in keys] for s in found] == [[getattr(s, k) for k in keys] for s in expected]


def rows():
    return list(csv.reader(io.StringIO(ROWS)))[1:]


def test_the_fingerprint_follows_manifest_and_clips(root):
    first = load(root).fingerprint
    assert load(root).fingerprint == first
    save(root, **clip(5, landmarks=np.ones((5, 3, 2))))
    second = load(root).fingerprint
    rewrite(root, "TREE HOUSE", "TREE")
    assert len({first, second, load(root).fingerprint}) == 3


def test_extra_text_leaves_out_dev_and_test(root):
    (root / "more.txt").write_text("HOUSE\nTREE HOUSE\n\nBIG  TREE\nTREE\n")
    assert load(root, extra_text="more.txt").extra_text == (("HOUSE",), ("BIG", "TREE"))


def test_confidence_and_fps(root):
    confidence = np.ones((5, 3))
    confidence[2, 1] = 0
    save(root, **clip(5, confidence=confidence, fps=29.97))
    signal = read_npz(root / "clips/b.npz")
    assert signal.fps == 29.97
    assert np.isnan(signal.points[2, 1]).all() and np.isnan(signal.points).sum() == 2


def test_features(root):
    for name in "abc":
        np.savez_compressed(root / f"clips/{name}.npz", features=np.ones((7, 16), np.float16))
    corpus = load(root)
    assert (corpus.layout, corpus.width, corpus.samples[0].frames) == ("", 16, 7)
    signal = corpus.samples[0].load()
    assert isinstance(signal, Features)
    assert (signal.vectors.dtype, signal.vectors.shape) == (np.float32, (7, 16))


def test_a_header_is_read_without_the_data(root):
    save(root, **clip(2000))
    file = root / "clips/b.npz"
    data = bytearray(file.read_bytes())
    with zipfile.ZipFile(file) as archive:
        end = archive.getinfo("layout.npy").header_offset
    data[end - 40 : end - 20] = b"\xff" * 20  # spoils the last points
    file.write_bytes(data)
    assert read_header(file).frames == 2000
    with pytest.raises(UserError, match="not a readable npz file; it may be truncated or damaged"):
        read_npz(file)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "id,path,gloss,text,signer,split",
            "id,file,glos,text,signer,split",
            "manifest.csv:1: columns missing: path, gloss; there are: id, file, glos, text, signer, split"
            "; `data.reference: text` reads the texts in place of glosses",
        ),
        ("text,signer", "split,signer", "manifest.csv:1: column 'split' is there twice"),
        ("b,clips", ",clips", "manifest.csv:3: the id is empty"),
        ("c,clips", "a,clips", "manifest.csv:4: id 'a' is in two splits, train in line 2 and test here"),
        (
            "b,clips/b.npz,TREE,a tree,bob,dev",
            "a,clips/b.npz,TREE,a tree,bob,train",
            "manifest.csv:3: id 'a' is used twice, first in line 2",
        ),
        (",TREE,a", ", ,a", "manifest.csv:3: the gloss is empty"),
        (
            "bob,dev",
            "bob,valid",
            "manifest.csv:3: split 'valid' is none of train, dev, test; did you mean dev?",
        ),
        ("ann,train", "ann,dev", "manifest.csv: no row has the split train"),
        (
            "clips/b.npz",
            "clips/x.npz",
            "manifest.csv:3: clips/x.npz: there is no such file",
        ),
        (
            "clips/b.npz",
            "clips",
            "manifest.csv:3: clips: the folder has no frames (png, jpg, webp, bmp, tif)",
        ),
        ("clips/b.npz", "", "manifest.csv:3: the path is empty"),
        (
            "clips/b.npz",
            "/etc/passwd",
            "manifest.csv:3: path '/etc/passwd' is not below the manifest's folder",
        ),
        ("clips/b.npz", "../b.npz", "manifest.csv:3: path '../b.npz' is not below the manifest's folder"),
        ("clips/b.npz", "C:\\b.npz", "manifest.csv:3: path 'C:\\b.npz' is not below the manifest's folder"),
        (
            "clips/b.npz",
            "D:\\data\\clips\\b.npz",
            "manifest.csv:3: path 'D:\\data\\clips\\b.npz' is not below the manifest's folder; "
            "paths are relative to it: clips/b.npz",
        ),
        (
            "clips/b.npz",
            "https://example.org/b.npz",
            "manifest.csv:3: path 'https://example.org/b.npz' is a URL; download the file and give its path",
        ),
        ("clips/b.npz", "clips\\x.npz", "manifest.csv:3: clips\\x.npz: there is no such file"),
        (
            "clips/b.npz",
            "clips/B.NPZ",
            "manifest.csv:3: clips/B.NPZ: there is no such file; there is b.npz: capitals count",
        ),
        (
            "TREE,a tree",
            "\"['TREE', 'BIG']\",a tree",
            "manifest.csv:3: the gloss is a list written as text, ['TREE', 'BIG']; "
            "write the glosses with blanks between them",
        ),
        (
            "a tree,",
            "a tree,,",
            "manifest.csv:3: the row has 7 cells, the header 6; "
            'a cell with `,` in it is enclosed in quotation marks: "…"',
        ),
        (
            '"the house, big"',
            '"the house',
            f"manifest.csv:2: {UNREADABLE}; {QUOTED_MARK}",
        ),
        (ROWS, "", "manifest.csv: the file is empty"),
        (ROWS, "id,path,gloss,split\n", "manifest.csv: the manifest has no rows"),
    ],
)
def test_faults_of_the_manifest(root, old, new, expected):
    rewrite(root, old, new)
    assert message(root) == expected


def test_all_faults_at_once(root):
    rewrite(root, "b,clips/b.npz,TREE", "a,clips/b.npz,")
    rewrite(root, "c.npz", "d.npz")
    assert message(root) == (
        "manifest.csv:3: id 'a' is in two splits, train in line 2 and dev here\n"
        "manifest.csv:4: clips/d.npz: there is no such file"
    )


def test_not_more_than_twenty_faults(root):
    lines = "".join(f"x{i},clips/x.npz,A,,ann,train\n" for i in range(25))
    (root / "manifest.csv").write_text(ROWS + lines)
    with pytest.raises(UserErrors) as error:
        load(root)
    assert len(error.value.faults) == 21
    assert str(error.value).endswith("manifest.csv: 5 more faults")


def test_one_bad_row_hides_no_other(root):
    """Neither one that cannot be read as a row nor one whose quotation mark swallows the next ones."""
    lines = [
        "e,clips/a.npz,HOUSE,train",
        'f,clips/a.npz,"HOUSE,x,,train',
        "g,clips/y.npz,A,,,train",
        "h,clips/a.npz,A,,,tain",
    ]
    (root / "manifest.csv").write_text(ROWS + "\n".join(lines) + "\n")
    assert message(root).splitlines() == [
        "manifest.csv:5: the row has 4 cells, the header 6",
        f"manifest.csv:6: {UNREADABLE}; {QUOTED_MARK}",
        "manifest.csv:7: clips/y.npz: there is no such file",
        "manifest.csv:8: split 'tain' is none of train, dev, test",
    ]


def test_a_line_break_in_a_gloss(root):
    rewrite(root, "b,clips/b.npz,TREE,a tree,bob,dev", 'b,clips/b.npz,"TREE,a tree\nx",TREE,bob,dev')
    expected = "manifest.csv:3: gloss has a line break; a quotation mark may be missing at its end"
    assert message(root) == expected


@pytest.mark.parametrize("path", ["clips\\a.npz", ".\\clips\\\\a.npz", "./clips//a.npz"])
def test_paths_of_other_systems(root, path):
    rewrite(root, "clips/a.npz", path)
    assert load(root).samples[0].frames == 4


def test_a_file_whose_name_has_a_backslash(root):
    np.savez(root / "clips\\a.npz", **clip(9))
    rewrite(root, "clips/a.npz", "clips\\a.npz")
    assert load(root).samples[0].frames == 9


@pytest.mark.parametrize(("here", "there"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_names_with_accents_as_another_system_writes_them(root, here, there):
    np.savez(root / "clips" / unicodedata.normalize(there, "é.npz"), **clip(9))
    rewrite(root, "clips/a.npz", unicodedata.normalize(here, "clips/é.npz"))
    assert load(root).samples[0].frames == 9


def test_ids_that_differ_only_in_how_accents_are_written(root):
    rewrite(root, "a,clips", "\u00e9,clips")
    rewrite(root, "b,clips", "e\u0301,clips")
    assert message(root) == "manifest.csv:3: id 'é' is in two splits, train in line 2 and dev here"


def test_a_workbook(root):
    (root / "manifest.xlsx").write_bytes(b"PK\x03\x04\x14\x00")
    what = "is a workbook or an archive, no text; save the table as CSV in UTF-8"
    assert message(root, file="manifest.xlsx") == f"manifest.xlsx: {what}"


def test_faults_of_a_list_in_json(root):
    good = {"id": 1.0, "path": "clips/a.npz", "gloss": 7, "split": "train", "signer": 3}
    bad = [good, {**good, "path": "clips/b.npz"}, [1], {"id": "c"}]
    (root / "m.json").write_text(json.dumps(bad))
    assert message(root, file="m.json").splitlines() == [
        "m.json: entry 2: id '1' is used twice, first in entry 1",
        "m.json: entry 3: not a JSON object",
        "m.json: entry 4: keys missing: path, gloss, split; there are: id",
    ]
    (root / "m.json").write_text(json.dumps(bad, indent=1)[:-40])
    assert re.fullmatch(r"m\.json:\d+: not JSON: .*", message(root, file="m.json"))
    (root / "m.json").write_text(json.dumps([good]))
    (sample,) = load(root, file="m.json").samples
    assert (sample.id, sample.reference, sample.signer) == ("1", ("7",), "3")


def hide(root, name, points=slice(0, 2)):
    hidden = np.arange(8 * 3 * 2, dtype=np.float32).reshape(8, 3, 2)
    hidden[:, points] = np.nan
    np.savez(root / f"clips/{name}.npz", **clip(landmarks=hidden))


def test_clips_that_show_no_hand(root):
    """Used in every split, or left out of train, or refused; of segments each is looked at."""
    rewrite(root, "c,clips", "d,clips/d.npz,TREE,,dan,train\nc,clips")
    np.savez(root / "clips/d.npz", **clip(6))
    hide(root, "a")
    hide(root, "c", slice(None))
    used = load(root)
    assert [sample.id for sample in used.samples] == ["a", "b", "d", "c"]
    note = (
        "2 of 4 clips show no hand in any frame (train 1, test 1): used, with all points of the hands "
        "missing; `data.unseen: skip` leaves those of train out"
    )
    assert (used.notes, used.left_out) == ((note,), ())
    assert np.isnan(used.samples[0].load().points[:, :2]).all()
    skipped = load(root, unseen="skip")
    assert [sample.id for sample in skipped.samples] == ["b", "d", "c"]
    where = f"{root}/manifest.csv:2: clips/a.npz: neither hand is seen in any frame"
    assert skipped.left_out == (where,)
    assert skipped.notes[0].startswith("1 of 3 clips show no hand in any frame (test 1): used")
    hint = "`data.unseen: use` takes such clips as they are"
    assert message(root, unseen="refuse").splitlines() == [
        f"manifest.csv:2: clips/a.npz: neither hand is seen in any frame; {hint}",
        f"manifest.csv:5: clips/c.npz: no point is seen in any frame; {hint}",
    ]


def test_segments_that_show_no_hand(root):
    points = np.ones((50, 3, 2), np.float32)
    points[25:, :2] = np.nan
    np.savez(root / "clips/a.npz", **clip(landmarks=points))
    text = "id,path,gloss,split,start,end\na,clips/a.npz,A,train,0,1\nb,clips/a.npz,A,train,1,2\n"
    (root / "manifest.csv").write_text(text)
    assert load(root).notes[0].startswith("1 of 2 clips show no hand in any frame (train 1): used")
    assert [sample.id for sample in load(root, unseen="skip").samples] == ["a"]


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda file: np.savez(file, **clip(landmarks=np.full((4, 3, 2), np.inf))),
        lambda file: np.savez(file, features=np.full((4, 3), np.nan)),
        lambda file: file.write_bytes(file.read_bytes().replace(b"\x40\x40", b"\x40\x41", 1)),
    ],
)
def test_damage_within_the_data_is_found_when_the_manifest_is_read(root, spoilt):
    """Not in the middle of a training."""
    rewrite(root, "c,clips", "d,clips/d.npz,TREE,,dan,train\nc,clips")
    np.savez(root / "clips/d.npz", **clip(6))
    spoilt(root / "clips/d.npz")
    found = message(root)
    assert found.startswith("manifest.csv:4: clips/d.npz: ")
    corpus = load(root, damaged="skip")
    assert [sample.id for sample in corpus.samples] == ["a", "b", "c"]
    assert [line.replace(f"{root}/", "") for line in corpus.left_out] == [found]


def test_a_clip_in_two_splits_is_named(root):
    rewrite(root, "clips/c.npz", "clips//a.npz")
    assert [note.replace(f"{root}/", "") for note in load(root).notes] == [
        "1 clip is in two splits, so scores mean little: manifest.csv:4: clips//a.npz is in two splits: "
        "train (id 'a', line 2) and test (id 'c') here (`signkit data check` names all)"
    ]
    assert load(root, shared_clips="allow").notes == ()


def test_glosses_that_look_wrong_are_noted(root):
    rewrite(root, "TREE HOUSE", "nan")
    rewrite(root, "HOUSE BIG", "HOUSE\u200b house")
    (note,) = load(root).notes
    assert note.replace(f"{root}/", "") == (
        "look at the glosses: manifest.csv:4: 1 cell is `nan`, which stands for an empty one "
        "(and 1 more: `signkit data check` names all)"
    )


def test_not_utf8(root):
    (root / "manifest.csv").write_bytes(ROWS.encode().replace(b"a tree", b"un \xe1rbol"))
    assert message(root) == "manifest.csv:3: byte 0xE1 is not UTF-8; save the file as UTF-8"


def test_no_manifest(root):
    hint = "there is manifest.csv: --set data.file=manifest.csv"
    assert message(root, file="other.csv") == f"other.csv: there is no such file; {hint}"


def test_signers(root):
    load(root, signer_independent=True)
    hint = "signer_independent claims that no signer is in two splits"
    rewrite(root, "cem,test", "ann,test")
    assert load(root).samples[2].signer == "ann"
    expected = f"manifest.csv:4: signer 'ann' is in train and in test; {hint}"
    assert message(root, signer_independent=True) == expected
    (root / "manifest.csv").write_text(
        (root / "manifest.csv").read_text().replace("ann,test", "Mu\u0308,test").replace("ann,", "M\u00fc,")
    )
    expected = f"manifest.csv:4: signer 'M\u00fc' is in train and in test; {hint}"
    assert message(root, signer_independent=True) == expected
    rewrite(root, "M\u00fc,", "ann,")
    rewrite(root, "Mu\u0308,test", "ann,test")
    rewrite(root, "ann,test", ",test")
    expected = f"manifest.csv:4: the signer is empty; {hint}"
    assert message(root, signer_independent=True) == expected
    rewrite(root, "signer,", "person,")
    assert message(root, signer_independent=True) == (
        "manifest.csv:1: column missing: signer; there are: id, path, gloss, text, person, split"
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "x",
            "m.jsonl:2: not JSON: Expecting value: line 1 column 1 (char 0)",
        ),
        ("[1]", "m.jsonl:2: not a JSON object"),
        ('{"id": "b", "gloss": "A"}', "m.jsonl:2: keys missing: path, split; there are: id, gloss"),
        (
            '{"id": "b", "path": "b.npz", "Label": "A", "split": "dev"}',
            "m.jsonl:2: key missing: gloss; there are: id, path, Label, split; "
            "is label the gloss? Then call it so",
        ),
        (
            '{"id": "b", "path": "clips/b.npz", "gloss": ["A", "B C"], "split": "dev"}',
            'm.jsonl:2: gloss has "B C", which is not one gloss',
        ),
        (
            '{"id": "b", "path": "clips/b.npz", "gloss": null, "split": "dev"}',
            "m.jsonl:2: gloss is null, not text",
        ),
        ('{"id": "b", "path": "clips/b.npz", "gloss": [], "split": "dev"}', "m.jsonl:2: the gloss is empty"),
        (
            '{"id": "b", "path": "b\\u0000.mp4", "gloss": "A", "split": "dev"}',
            "m.jsonl:2: path 'b\\x00.mp4' has the character 0, which no path has",
        ),
    ],
)
def test_faults_of_jsonl(root, line, expected):
    good = '{"id": 1, "path": "clips/a.npz", "gloss": "A", "split": "train"}'
    (root / "m.jsonl").write_text(f"{good}\n{line}\n")
    assert message(root, file="m.jsonl") == expected


@pytest.mark.parametrize(
    ("arrays", "expected"),
    [
        ({"points": np.ones(3)}, f"no array `landmarks`; there are: points [3]; {PAGE}"),
        ({"landmarks": np.ones((5, 3, 2))}, f"no array `layout`; there are: landmarks [5, 3, 2]; {PAGE}"),
        (clip(0), "has no frames"),
        (
            clip(landmarks=np.ones((5, 6))),
            f"`landmarks` must be [frames, points, 2 or 3], not [5, 6]; {PAGE}",
        ),
        (
            clip(landmarks=np.ones((5, 3, 4))),
            "a point has 2 or 3 coordinates, not 4; if the fourth number is a confidence, write it as "
            "`confidence` [frames, points]",
        ),
        (clip(landmarks=np.ones((5, 4, 2))), "layout 'boston104' has 3 points but the file has 4"),
        (clip(layout="boston14"), "unknown landmark layout 'boston14'; did you mean `boston104`?"),
        (clip(layout=3), "`layout` must be the name of a layout, not 3"),
        (clip(layout=np.array(["hand", "hand"])), "`layout` must be one value, not [2]"),
        (clip(layout=np.array("hand", object)), "`layout` holds Python objects, which are never read"),
        (
            clip(landmarks=np.ones((5, 3, 2), object)),
            f"`landmarks` holds Python objects, which are never read; {OBJECTS}",
        ),
        (clip(landmarks=np.ones((5, 3, 2), complex)), "`landmarks` must be numbers, not complex128"),
        (
            clip(confidence=np.ones((5, 3))),
            "`confidence` is [5, 3] but `landmarks` has 4 frames of 3 points",
        ),
        (clip(fps=0), "`fps` must be a positive number, not 0"),
        (clip(fps=np.nan), "`fps` must be a positive number, not nan"),
        ({"features": np.ones((5, 4, 2))}, "`features` must be [frames, width], not [5, 4, 2]"),
        ({"features": np.ones((0, 4))}, "has no frames"),
    ],
)
def test_faults_of_npz_headers(root, arrays, expected):
    save(root, **arrays)
    assert message(root) == f"manifest.csv:3: clips/b.npz: {expected}"
    with pytest.raises(UserError) as error:
        read_npz(root / "clips/b.npz")
    assert str(error.value) == f"{root}/clips/b.npz: {expected}"


def test_faults_of_npz_data(root):
    bad, right = clip()["landmarks"], layout("boston104").points[1]
    cases = [
        (clip(landmarks=np.where(bad == 8, np.inf, bad)), f"point {right!r} is infinite in frame 1"),
        (
            clip(landmarks=np.where(bad == 8, np.float64(1e300), bad)),
            f"point {right!r} is infinite in frame 1",
        ),
        ({"features": np.array([[1, 2], [3, np.nan]])}, "`features` has NaN or infinity in frame 1"),
    ]
    for arrays, expected in cases:
        save(root, **arrays)
        with pytest.raises(UserError) as error:
            read_npz(root / "clips/b.npz")
        assert str(error.value) == f"{root}/clips/b.npz: {expected}"


def test_mixed_layouts(root):
    save(root, landmarks=np.ones((5, 3, 3)), layout="boston104")
    assert message(root) == (
        "manifest.csv:3: clips/b.npz has layout 'boston104' of width 3, "
        "but line 2 has layout 'boston104' of width 2"
    )
    save(root, features=np.ones((5, 3)))
    assert message(root) == (
        "manifest.csv:3: clips/b.npz has features of width 3, but line 2 has layout 'boston104' of width 2"
    )


@pytest.mark.parametrize("keep", [0, 10, 300, -10])
def test_truncated_files(root, keep):
    file = root / "clips/b.npz"
    file.write_bytes(file.read_bytes()[:keep])
    assert message(root) == (
        "manifest.csv:3: clips/b.npz: not a readable npz file; "
        "it may be truncated or damaged (File is not a zip file)"
    )


def test_a_header_that_claims_more_than_there_is(root):
    array = io.BytesIO()
    np.lib.format.write_array(array, clip()["landmarks"])
    name = io.BytesIO()
    np.lib.format.write_array(name, np.array("boston104"))
    with zipfile.ZipFile(root / "clips/b.npz", "w") as archive:
        archive.writestr("landmarks.npy", array.getvalue().replace(b"(4, 3, 2)", b"(9, 3, 2)"))
        archive.writestr("layout.npy", name.getvalue())
    assert message(root) == (
        "manifest.csv:3: clips/b.npz: `landmarks` is truncated: 96 bytes for the shape [9, 3, 2] of float32"
    )


def test_bytes_that_are_no_array(root):
    with zipfile.ZipFile(root / "clips/b.npz", "w") as archive:
        archive.writestr("landmarks.npy", b"\x93NUMPY\x01\x00\x10\x00{'descr': ((((( ")
    assert message(root).startswith("manifest.csv:3: clips/b.npz: not a readable npz file; it may be")


def test_files_are_read_by_several_threads(tmp_path):
    """Headers are parsed by one thread at a time: CPython 3.11 loses count where they take turns."""
    np.savez(tmp_path / "a.npz", features=np.ones((3, 2), np.float32))
    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    turns = [lambda *_: sum(range(300))]  # the collector runs in the midst, others go on
    sys.setswitchinterval(1e-6)
    gc.callbacks.extend(turns)
    gc.set_threshold(1)
    try:
        with ThreadPoolExecutor(8) as pool:
            read_by = list(pool.map(read_npz, [tmp_path / "a.npz"] * 300))
    finally:
        gc.set_threshold(*thresholds)
        gc.callbacks.remove(turns[0])
        sys.setswitchinterval(interval)
    assert all(np.array_equal(each.vectors, np.ones((3, 2))) for each in read_by)
