"""docs/python.md: its examples are one session, which prints what the page shows."""

import doctest
from pathlib import Path

import pytest
from reference import ROOT, fenced

import signkit

TEXT = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_session_prints_what_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    session = "".join(fenced(TEXT, "python"))
    examples = doctest.DocTestParser().get_doctest(session, {}, "python.md", "python.md", 0)
    printed: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    failed, tried = runner.run(examples, out=printed.append)
    assert (failed, tried > 30) == (0, True), "".join(printed)


def test_the_table_names_what_there_is() -> None:
    for name in signkit.__all__:
        if name not in ("LoadedModel", "RunResult", "SignkitError"):
            assert f"`signkit.{name}" in TEXT or f"`{name}`" in TEXT, name
