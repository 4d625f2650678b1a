"""Names are whole in what is piped, however long they are and however narrow the terminal says it is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from signkit.report.sections import Table
from signkit.report.terminal import print_sections

SMALL = [
    word for part in ("train=4", "dev=2", "test=2", "extra_sentences=0") for word in ("--set", f"data.{part}")
]
LONG = "a_name_without_blanks_" * 20


def piped(folder: Path, *args: str, columns: int = 20) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "signkit", *args],
        cwd=folder,
        env={**os.environ, "COLUMNS": str(columns)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_table_has_a_line_a_row(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    print_sections([Table(("name", "value"), [(LONG, "1"), ("b c " * 100, "22")], f"title {LONG}")])
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == f"title {LONG}"
    assert f"{LONG}".strip() in lines[4 if not lines[1] else 3]
    assert [line.split()[-1] for line in lines if line.endswith(("1", "22"))] == ["1", "22"]


@pytest.mark.slow
def test_scores_of_long_names(tmp_path: Path) -> None:
    """Of systems, signers, glosses and folders."""
    system = "s" * 120
    reference = "\n".join(f"{i} 1 signer_{'x' * 90}_{i % 2} 0 1 {'G' * 300}" for i in range(4))
    (tmp_path / "ref.stm").write_text(reference + "\n", encoding="utf-8")
    hypothesis = "\n".join(f"{i} 1 0 1 {'G' * 300}" for i in range(4))
    for name in (f"{system}1.ctm", f"{system}2.ctm"):
        (tmp_path / name).write_text(hypothesis + "\n", encoding="utf-8")
    args = ["score", "ref.stm", f"{system}1.ctm", "--compare", f"{system}2.ctm", "--by", "signer"]
    narrow, wide = (piped(tmp_path, *args, "--resamples=20", columns=columns) for columns in (20, 500))
    assert narrow == wide
    for name in (f"{system}1", f"{system}2", f"signer_{'x' * 90}_0", f"signer_{'x' * 90}_1"):
        assert name in narrow


@pytest.mark.slow
def test_lists_and_corpora(tmp_path: Path) -> None:
    folder = tmp_path / ("f" * 150)
    folder.mkdir()
    for args in (
        ("list",),
        ("data", "check", "synthetic", *SMALL),
        ("copy", "quickstart", f"{folder}/r.yaml"),
    ):
        narrow, wide = (
            piped(tmp_path, *args, *(["--force"] if args[0] == "copy" else []), columns=n) for n in (20, 500)
        )
        assert narrow == wide
        assert "…" not in narrow
    assert str(folder) in narrow
