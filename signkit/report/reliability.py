"""The reliability diagram: the share of correct outputs against their confidence."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from signkit.decode.confidence import Reliability
from signkit.report.plots import INK, RECOGNISED, SIGN, saved

Tables = Mapping[str, Reliability]


def draw_reliability(path: Path, splits: Sequence[str], raw: Tables, used: Tables, what: str) -> Path | None:
    """Draw a panel for each split, before and after calibration; returns None if there is nothing to draw.

    Args:
        raw: tables of the confidences as they come, by split; `used`: of those that are used.
        what: is correct or not, such as ``tokens``.
    """
    shown = [split for split in splits if split in raw and raw[split].counts.any()]
    return saved(path, lambda: _figure(shown, raw, used, what)) if shown else None


def _figure(splits: Sequence[str], raw: Tables, used: Tables, what: str) -> Any:
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(
        1, len(splits), figsize=(3.6 * len(splits), 3.4), layout="constrained", squeeze=False
    )
    for axes, split in zip(panels[0], splits, strict=True):
        axes.plot([0, 1], [0, 1], color=SIGN, linewidth=1)
        _curve(axes, raw[split], INK, "not calibrated")
        if not np.array_equal(used[split].counts, raw[split].counts) or used[split].error != raw[split].error:
            _curve(axes, used[split], RECOGNISED, "calibrated")
        axes.set_title(split, loc="left")
        axes.set_xlabel("confidence")
        axes.set_ylabel(f"share of correct {what}")
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        axes.legend(frameon=False, fontsize=8, loc="lower right")
    return figure


def _curve(axes: Any, table: Reliability, colour: str, when: str) -> None:
    full = table.counts > 0
    size = 8 + 60 * table.counts[full] / table.counts.max()
    axes.plot(table.confidence[full], table.accuracy[full], color=colour, linewidth=1)
    label = f"{when}: ECE {100 * table.error:.1f} %"
    axes.scatter(table.confidence[full], table.accuracy[full], s=np.asarray(size), color=colour, label=label)
