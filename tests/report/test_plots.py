"""The learning curves of several runs, and their names."""

import json
from pathlib import Path
from typing import Any

import pytest

from signkit.eval.figures import Metric
from signkit.report import plots
from signkit.report.numbers import shortened

OWN = Metric("letters", "letters right", "percent", higher_is_better=True)


@pytest.mark.parametrize(
    ("key", "shown", "title"),
    [
        ("dev_WER", [50.0, 25.0], "dev WER (%)"),
        ("dev_bleu4", [50.0, 25.0], "dev BLEU-4"),
        ("dev_perplexity", [0.5, 0.25], "dev perplexity"),
        ("dev_accuracy", [50.0, 25.0], "dev accuracy (%)"),
        ("dev_letters", [50.0, 25.0], "dev letters right (%)"),
        ("dev_unheard_of", [50.0, 25.0], "dev unheard of (%)"),
    ],
)
def test_dev_is_drawn_in_the_unit_of_the_tables(
    key: str, shown: list[float], title: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss = [{"step": step, "loss": value} for step, value in ((1, 3.0), (2, 2.0))]
    rows = [*loss, {"step": 1, key: 0.5}, {"step": 2, key: 0.25}]
    (tmp_path / "metrics.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    drawn: dict[str, Any] = {}

    def kept(path: Path, figure: Any) -> Path:
        from matplotlib import pyplot

        made = figure()
        axes = made.axes[0]
        legend = [text.get_text() for text in made.legends[0].get_texts()]
        drawn[path.name] = axes.get_title("left"), [*axes.lines[0].get_ydata()], legend
        pyplot.close(made)
        return path

    monkeypatch.setattr(plots, "saved", kept)
    plots.overlaid_curves(tmp_path, {"mine": tmp_path}, [OWN])
    assert drawn == {
        "loss.png": ("loss of train", [3.0, 2.0], ["mine"]),
        "dev.png": (title, shown, ["mine"]),
    }


def test_a_run_without_dev_has_empty_curves(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text(json.dumps({"step": 1, "loss": 3.0}), encoding="utf-8")
    pictures = plots.overlaid_curves(tmp_path, {"one": tmp_path, "two": tmp_path / "nothing"})
    assert [path.read_bytes()[:4] for path in pictures] == [b"\x89PNG"] * 2


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["one", "two"], ["one", "two"]),
        (["x" * 24, "y" * 25], ["x" * 24, "y" * 12 + "…" + "y" * 11]),
        (["a" * 30 + "1", "a" * 30 + "2"],
         ["a" * 12 + "…" + "a" * 10 + "1", "a" * 12 + "…" + "a" * 10 + "2"]),
        (["a" * 30 + "one" + "b" * 30, "a" * 30 + "two" + "b" * 30],
         ["…aone" + "b" * 7 + "…" + "b" * 11, "…atwo" + "b" * 7 + "…" + "b" * 11]),
        (["a" * 30 + "one" + "b" * 30, "a" * 30 + "two" + "b" * 30, "c" * 30 + "one" + "b" * 30,
          "c" * 30 + "two" + "b" * 30],
         ["1: …" + "a" * 11 + "…" + "b" * 11, "2: …" + "a" * 11 + "…" + "b" * 11,
          "3: …" + "c" * 11 + "…" + "b" * 11, "4: …" + "c" * 11 + "…" + "b" * 11]),
    ],
)  # fmt: skip
def test_names_are_short_and_differ(names: list[str], short: list[str]) -> None:
    assert shortened(names) == short
    assert len({*short}) == len(names)
    assert all(len(name.partition(": ")[2] or name) <= 24 for name in short)
