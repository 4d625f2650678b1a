"""Plots that every family draws: files without a screen, colours, the curves of a training."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from signkit.eval.figures import METRICS, Metric, metric
from signkit.runtime.progress import read_metrics

INK, SIGN, RECOGNISED, DEV = "#30343b", "#9db8d9", "#c2410c", "#0f766e"
WIDE = 10
"""Losses that differ by a larger factor are drawn on a logarithmic axis."""


def saved(path: Path, figure: Callable[[], Any]) -> Path:
    """Save a figure that is drawn without a screen, whatever letters it has."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    with pyplot.rc_context({"text.parse_math": False}), warnings.catch_warnings():  # `$` stands in glosses
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # and so do all scripts
        drawn = figure()
        drawn.savefig(path, dpi=110)
        pyplot.close(drawn)
    return path


def training_curves(
    axes: Any, run: Path, title: str, of: Metric, sample: str = "sample", how: str = ""
) -> None:
    """The loss of each step, and dev on the way, from a run's ``metrics.jsonl``.

    Args:
        of: what dev was judged by.
        sample: what the loss is a mean over.
        how: dev was decoded, such as "greedy".
    """
    rows = read_metrics(run / "metrics.jsonl")
    scale = 1 if of.unit == "number" else 100
    loss = [(row["step"], row["loss"]) for row in rows if "loss" in row]
    dev = [
        (row["step"], scale * value) for row in rows for key, value in row.items() if key.startswith("dev_")
    ]
    axes.set_title(f"{title}: training", loc="left")
    if loss:
        axes.plot(*zip(*loss, strict=True), color=INK, linewidth=1)
    axes.set_xlabel("step")
    axes.set_ylabel(f"loss a {sample}", color=INK)
    losses = [value for _, value in loss]
    if loss and max(losses) > WIDE * max(min(losses), 0):
        axes.set_yscale("symlog")
    axes.yaxis.set_major_formatter(_plain)
    if not dev:
        return
    right = axes.twinx()
    right.plot(*zip(*dev, strict=True), color=DEV, marker="o", markersize=3)
    unit = " (%)" if of.unit == "percent" else ""
    right.set_ylabel(f"dev {', '.join(filter(None, (of.title, how)))}{unit}", color=DEV)
    if of.unit == "number":
        right.set_yscale("log")
        right.yaxis.set_major_formatter(_plain)
        right.yaxis.set_minor_formatter(_plain)
    else:
        right.set_ylim(bottom=0)


def overlaid_curves(path: Path, runs: Mapping[str, Path], metrics: Sequence[Metric] = ()) -> Path:
    """Draw the loss and dev of several runs over their steps, each in a colour of its own.

    Args:
        path: the file to write.
        runs: the folder of each run by its name.
        metrics: further ones than `signkit.eval.figures` knows.
    """
    rows = {name: read_metrics(run / "metrics.jsonl") for name, run in runs.items()}
    return saved(path, lambda: _overlaid(rows, metrics))


def _overlaid(runs: Mapping[str, list[dict[str, int | float]]], metrics: Sequence[Metric]) -> Any:
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(11, 3.6), layout="constrained")
    left, right = figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2)
    judged: dict[str, None] = {}
    known = {each.short or each.name: each for each in (*METRICS.values(), *metrics)}
    for name, rows in runs.items():
        loss = [(row["step"], row["loss"]) for row in rows if "loss" in row]
        dev = []
        for row in rows:
            for key in row:
                if key.startswith("dev_"):
                    of = known.get(key.removeprefix("dev_")) or metric(key.removeprefix("dev_"))
                    dev.append((row["step"], row[key] * (1 if of.unit == "number" else 100)))
                    judged[of.heading + (" (%)" if of.unit == "percent" else "")] = None
        left.plot([step for step, _ in loss], [value for _, value in loss], linewidth=1, label=name)
        right.plot([step for step, _ in dev], [value for _, value in dev], marker="o", markersize=3)
    left.set_title("loss of train", loc="left")
    right.set_title(f"dev {', '.join(judged)}", loc="left")
    for axes in (left, right):
        axes.set_xlabel("step")
    figure.legend(loc="outside lower center", ncols=3, fontsize=8)
    return figure


def _plain(value: float, _: Any) -> str:
    return f"{value:g}"
