"""Labels in columns of a manifest: which are read, which are not known, and what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from signkit.data.corpora.configs import ManifestConfig
from signkit.data.corpora.manifest import read
from signkit.errors import UserError

RECORDS: list[dict[str, Any]] = [
    {"id": "a", "path": "a.npz", "gloss": "TREE", "split": "train", "handshape": "B", "place": "1"},
    {"id": "b", "path": "b.npz", "gloss": "TREE", "split": "train", "handshape": "", "place": "2"},
    {
        "id": "c",
        "path": "c.npz",
        "gloss": "HOUSE BIG",
        "split": "dev",
        "handshape": " flat hand ",
        "place": "",
    },
]
KNOWN = [{"handshape": "B", "place": "1"}, {"place": "2"}, {"handshape": "flat hand"}]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for number, name in enumerate("abc"):
        points = np.arange(24, dtype=np.float32).reshape(4, 3, 2) + number
        np.savez(tmp_path / f"{name}.npz", landmarks=points, layout="boston104")
    table(tmp_path, RECORDS)
    return tmp_path


def table(root: Path, records: list[dict[str, Any]]) -> None:
    lines = [",".join(records[0]), *(",".join(record.values()) for record in records)]
    (root / "manifest.csv").write_text("\n".join(lines), encoding="utf-8")


def labels(root: Path, **options: Any) -> list[dict[str, str]]:
    config = ManifestConfig(**{"root": str(root), "labels": ("handshape", "place")} | options)
    return [dict(sample.labels) for sample in read(config).samples]


def refused(root: Path, **options: Any) -> str:
    with pytest.raises(UserError) as caught:
        labels(root, **options)
    return str(caught.value).replace(f"{root}/", "")


def test_columns_that_are_asked_for_become_labels(root: Path) -> None:
    assert labels(root) == KNOWN
    assert labels(root, labels=("place",)) == [{"place": "1"}, {"place": "2"}, {}]
    assert labels(root, labels=()) == [{}, {}, {}]


@pytest.mark.parametrize("form", ["jsonl", "list", "by id"])
def test_of_json_too(form: str, root: Path) -> None:
    """Numbers become text, also whole ones that pandas has made floats; null is not known."""
    values: list[dict[str, Any]] = [
        {"Handshape": "B", "place": 1},
        {"Handshape": None, "place": 2.0},
        {"handshape": " flat hand ", "place": float("nan")},
    ]
    records = [{**record, **value} for record, value in zip(RECORDS, values, strict=True)]
    for record, value in zip(records, values, strict=True):
        if "Handshape" in value:
            del record["handshape"]
    file = "m.jsonl" if form == "jsonl" else "m.json"
    by_id = {each["id"]: {key: value for key, value in each.items() if key != "id"} for each in records}
    content = {
        "jsonl": "\n".join(map(json.dumps, records)),
        "list": json.dumps(records),
        "by id": json.dumps(by_id),
    }
    (root / file).write_text(content[form])
    assert labels(root, file=file) == KNOWN


def test_a_record_may_lack_a_key_but_not_all(root: Path) -> None:
    records = [{key: value for key, value in record.items() if key != "place"} for record in RECORDS]
    records[1]["place"] = "7"
    (root / "m.json").write_text(json.dumps(records))
    assert labels(root, file="m.json") == [{"handshape": "B"}, {"place": "7"}, {"handshape": "flat hand"}]
    assert refused(root, file="m.json", labels=("palce",)) == (
        "m.json: no record has the key palce; `data.labels` names it"
    )


def test_a_label_of_another_type(root: Path) -> None:
    (root / "m.json").write_text(json.dumps([RECORDS[0] | {"handshape": ["B"]}, *RECORDS[1:]]))
    assert refused(root, file="m.json") == 'm.json: entry 1: handshape is ["B"], not text'


def test_a_column_that_is_not_there(root: Path) -> None:
    assert refused(root, labels=("handshape", "palm")) == (
        "manifest.csv:1: column missing: palm; there are: id, path, gloss, split, handshape, place"
    )


def test_a_line_break_in_a_label(root: Path) -> None:
    table(root, [RECORDS[0] | {"handshape": '"B\nC"'}, *RECORDS[1:]])
    assert refused(root) == (
        "manifest.csv:2: handshape has a line break; a quotation mark may be missing at its end"
    )


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (
            ("hand shape",),
            "labels: 'hand shape' is no name of a label; "
            "letters, digits and _, as in hand_shape: rename the column",
        ),
        (("Signer",), "labels: 'Signer' is a column with a meaning of its own"),
        (
            ("gloss",),
            "labels: 'gloss' is a column with a meaning of its own; "
            "a head `gloss` needs no column of its own",
        ),
        (("place", "Place"), "labels: names a column twice"),
    ],
)
def test_names_that_cannot_be(names: tuple[str, ...], expected: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        ManifestConfig(root=str(tmp_path), labels=names)
    assert str(caught.value) == expected
