"""`signkit data manifest`: what it shows, as text and as JSON, and that the next command works."""

import json
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest

from signkit.cli.app import main

SHOWN = """\
{root}

  split   clips   glosses   signers
 ───────────────────────────────────
  train       4         2         0
  dev         1         1         0
  test        1         1         0

skipped, no clip (.txt): 1 (notes.txt)
written: {root}/manifest.csv
next: signkit data check manifest --root {root}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    points = np.arange(60.0).reshape(10, 3, 2) + 1
    for number in range(6):
        name = f"{'TREE' if number % 2 else 'BIG'}_s{number // 3}_{number}.npz"
        np.savez(tmp_path / name, landmarks=points + number, layout="boston104")
    (tmp_path / "notes.txt").touch()
    return tmp_path


def signkit(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["signkit", *words])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


def lines(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def test_what_is_shown_and_the_next_command(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pattern = "{gloss}_{place}_{n}.npz"
    assert signkit(monkeypatch, "data", "manifest", str(root), "--pattern", pattern, "--dev", "0.1") == 0
    shown = lines(capsys.readouterr().out)
    assert shown == SHOWN.format(root=root)
    assert signkit(monkeypatch, *shlex.split(shown.splitlines()[-1].partition(": ")[2])[1:]) == 0
    assert signkit(monkeypatch, "data", "manifest", str(root), "--pattern", pattern) == 2
    assert capsys.readouterr().err == f"error: {root}/manifest.csv: is there already; --force replaces it\n"


def test_as_json(root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--pattern", "{gloss}_{signer}_{n}.npz", "--by", "signer", "--dev", "0", "--test", "0.5")
    assert signkit(monkeypatch, "data", "manifest", str(root), *words, "--file", "m.csv", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "manifest": f"{root}/m.csv",
        "splits": {
            "train": {"clips": 3, "glosses": 2, "signers": 1},
            "dev": {"clips": 0, "glosses": 0, "signers": 0},
            "test": {"clips": 3, "glosses": 2, "signers": 1},
        },
        "skipped": {"no clip (.txt)": ["notes.txt"]},
        "not_in_train": {"dev": {}, "test": {}},
        "notes": [],
    }
