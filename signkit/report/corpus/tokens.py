"""How many frames there are for each gloss and each character, and how frequent the characters are."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from signkit.report.corpus.describe import Described
from signkit.report.numbers import number, visible, whole
from signkit.report.plots import saved
from signkit.report.sections import Cell, Picture, Row, Section, Table
from signkit.types import Sample

COLOURS = {"train": "#9db8d9", "dev": "#0f766e", "test": "#c2410c"}
LEAST = (1, 2, 4, 8, 12, 16, 24, 32)
"""Frames for each token, below which clips are counted."""
MOST = 100
"""Characters that are listed."""
UNITS = ("gloss", "character")
NOTE = (
    "A clip whose reference has more tokens than the clip has chunks cannot be learnt from: with four frames "
    "a chunk it needs four for each token, and more where a token follows itself. train.too_long: skip "
    "leaves such clips out of train."
)


def characters(samples: Sequence[Sample]) -> Counter[str]:
    """How often each character occurs, with the spaces between glosses."""
    return Counter(letter for sample in samples for letter in " ".join(sample.reference))


def frames_each(sample: Sample, unit: str) -> float:
    """Frames for each gloss or character of a sample; infinite where it has none."""
    tokens = len(sample.reference) if unit == "gloss" else len(" ".join(sample.reference))
    return sample.frames / tokens if tokens else float("inf")


def few_frames(samples: Sequence[Sample], unit: str) -> dict[int, int]:
    """How many samples have fewer frames for each token than each of `LEAST`."""
    each = [frames_each(sample, unit) for sample in samples]
    return {least: sum(frames < least for frames in each) for least in LEAST}


def token_sections(described: Described, folder: Path) -> Iterator[Section]:
    """A histogram, what a filter by it would leave out, and the characters.

    Args:
        folder: the picture is written to.
    """
    picture = saved(folder / "tokens.png", lambda: _figure(described))
    yield Picture(picture, "Frames for each gloss and for each character", "Frames for each token")
    dropped = {
        unit: {split: few_frames(some, unit) for split, some in described.samples.items()} for unit in UNITS
    }
    rows: list[Row] = [
        (
            f"{least} for each {unit}",
            *(_share(of[least], len(described.samples[split])) for split, of in parts.items()),
        )
        for unit, parts in dropped.items()
        for least in LEAST
    ]
    head = ("fewer frames than", *described.samples)
    yield Table(head, rows, "Clips that a filter by frames would leave out", notes=(NOTE,))
    counts = {split: characters(some) for split, some in described.samples.items()}
    total: Counter[str] = sum(counts.values(), Counter())
    frequent = sorted(total, key=lambda letter: (-total[letter], letter))
    rows = [
        (visible(letter), *(_count(of[letter]) for of in counts.values()), _count(total[letter]))
        for letter in frequent[:MOST]
    ]
    more = len(frequent) - MOST
    notes = (f"And {more} more.",) if more > 0 else ()
    yield Table(
        ("character", *counts, "all"), rows, "Characters", notes=notes, folded=f"{len(frequent)} characters"
    )


def _count(value: int) -> Cell:
    return Cell(whole(value), value)


def _share(part: int, of: int) -> Cell:
    return Cell(f"{whole(part)} ({number(part / of, digits=1)})", part)


def _figure(described: Described) -> Any:
    from matplotlib import pyplot
    from matplotlib.ticker import MaxNLocator

    figure, axes = pyplot.subplots(1, 2, figsize=(11, 3.2), layout="constrained")
    colours = [COLOURS[split] for split in described.samples]
    for unit, axis in zip(UNITS, axes, strict=True):
        each = [
            [frames for s in some if (frames := frames_each(s, unit)) != float("inf")]
            for some in described.samples.values()
        ]
        axis.hist(each, bins=30, stacked=True, color=colours, label=[*described.samples])
        axis.set(xlabel=f"frames for each {unit}", ylabel="clips")
        axis.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes[0].legend(frameon=False)
    return figure
