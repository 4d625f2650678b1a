"""Tables on narrow terminals: names and numbers are never cut or broken."""

import pytest
from rich.console import Console

from signkit.report import terminal
from signkit.report.sections import Cell, Table

NAME = "quickstart/20261128-161258-a27d719e"
RUNS = Table(
    ("run", "state", "dev", "test"),
    [
        (NAME, "finished", Cell("WER 8.89 %", detail="(3.0–15.1)"), Cell("WER 16.18 %", detail="(7.5–25.0)")),
        ("mine", "running", Cell(""), Cell("")),
    ],
    words=2,
)
SCORES = Table(("metric", "value", "of"), [("word error rate", "16.18 %", "22 errors, " * 12)], remarks=1)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    def show(table: Table, width: int) -> list[str]:
        wide = Console(width=width, highlight=False, soft_wrap=True, markup=False, emoji=False)
        monkeypatch.setattr(terminal, "console", lambda: wide)
        terminal.print_sections([table])
        return [line.rstrip() for line in capsys.readouterr().out.splitlines() if line.strip()]

    return show


def test_a_table_that_is_too_wide_has_a_line_a_value(shown) -> None:  # type: ignore[no-untyped-def]
    assert shown(RUNS, 80) == [
        NAME,
        "  state  finished",
        "  dev    WER 8.89 % (3.0–15.1)",
        "  test   WER 16.18 % (7.5–25.0)",
        "mine",
        "  state  running",
    ]


@pytest.mark.parametrize("width", range(40, 140, 3))
def test_nothing_is_cut_at_any_width(shown, width: int) -> None:  # type: ignore[no-untyped-def]
    lines = shown(RUNS, width)
    for whole in (NAME, "finished", "WER 8.89 % (3.0–15.1)", "WER 16.18 % (7.5–25.0)"):
        assert any(whole in line for line in lines)
    scores = shown(SCORES, width)
    together = any("word error rate" in line and "16.18 %" in line for line in scores)
    assert together or scores[1] == "  value  16.18 %"


def test_a_remark_is_folded(shown) -> None:  # type: ignore[no-untyped-def]
    lines = shown(SCORES, 60)
    assert lines[0].split() == ["metric", "value", "of"] and all(len(line) <= 60 for line in lines)
