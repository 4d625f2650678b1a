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
    loss = [(row["step"], row["loss"]) for row in rows if "loss" in row]
    dev = [
        (row["step"], _scale(of) * value)
        for row in rows
        for key, value in row.items()
        if key.startswith("dev_")
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


def overlaid_curves(
    folder: Path, runs: Mapping[str, Path], metrics: Sequence[Metric] = ()
) -> tuple[Path, Path]:
    """Draw the loss and dev of several runs over their steps, each run in a colour of its own.

    Args:
        folder: that the two pictures are written to.
        runs: the folder of each run by its name.
        metrics: further ones than `signkit.eval.figures` knows.
    """
    rows = {name: read_metrics(run / "metrics.jsonl") for name, run in runs.items()}
    losses = {
        name: [(row["step"], row["loss"]) for row in each if "loss" in row] for name, each in rows.items()
    }
    known = {each.short or each.name: each for each in (*METRICS.values(), *metrics)}
    names = dict.fromkeys(
        key.removeprefix("dev_") for each in rows.values() for row in each for key in row if _is_dev(key)
    )
    judged = {f"dev_{name}": known.get(name) or metric(name) for name in names}
    dev = {
        name: [(row["step"], _scale(judged[key]) * row[key]) for row in each for key in row if _is_dev(key)]
        for name, each in rows.items()
    }
    title = ", ".join(each.heading + " (%)" * (each.unit == "percent") for each in judged.values())
    return (
        saved(folder / "loss.png", lambda: _overlaid(losses, "loss of train", marker="")),
        saved(folder / "dev.png", lambda: _overlaid(dev, f"dev {title}".strip(), marker="o")),
    )


def _is_dev(key: str) -> bool:
    return key.startswith("dev_")


def _scale(of: Metric) -> int:
    """What a value is multiplied by to be shown in the metric's unit."""
    return 1 if of.unit == "number" else 100


def _overlaid(lines: Mapping[str, Sequence[tuple[float, float]]], title: str, *, marker: str) -> Any:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
    for name, points in lines.items():
        x, y = zip(*points, strict=True) if points else ((), ())
        axes.plot(x, y, linewidth=1, marker=marker, markersize=3, label=name)
    axes.set_title(title, loc="left")
    axes.set_xlabel("step")
    figure.legend(loc="outside lower center", ncols=2, fontsize=8)
    return figure


def _plain(value: float, _: Any) -> str:
    return f"{value:g}"
