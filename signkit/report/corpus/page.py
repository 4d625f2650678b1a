"""The page of a corpus: one HTML file that needs nothing outside it."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from signkit.report import page
from signkit.report.corpus.describe import Described
from signkit.report.corpus.thumbnails import class_examples, strips
from signkit.report.corpus.tokens import COLOURS, token_sections
from signkit.report.numbers import number, whole
from signkit.report.plots import saved
from signkit.report.sections import Cell, Gallery, Paragraph, Picture, Row, Section, Table
from signkit.runtime.progress import Watch
from signkit.types import Sample

MOST_GLOSSES, MOST_UNKNOWN, MOST_SIGNERS = 40, 100, 60


def write_page(out: Path, described: Described, absent: int, watch: Watch) -> None:
    """Draw and write the page, whole or not at all.

    Args:
        absent: faults and missing samples, which the page only counts.

    Raises:
        UserError: a clip that is shown cannot be read.
        OperationalError: the page cannot be written.
    """
    shown, fps = strips(described.samples, watch)
    first = next(iter(described.samples.values()))
    classes = class_examples(first, watch)
    with TemporaryDirectory() as folder:
        sections: list[Section] = []
        if absent:
            noun = "fault or missing sample" if absent == 1 else "faults or missing samples"
            text = f"{absent} {noun}; signkit data check names {'it' if absent == 1 else 'them'}."
            sections.append(Paragraph(text))
        # Single pictures last no time, and have no sentences.
        lasting = any(sample.frames > 1 for samples in described.samples.values() for sample in samples)
        sections += [
            _splits(described, fps),
            *([_distributions(described, fps, Path(folder))] if lasting else []),
            *_held(described),
            *_signers(described, fps),
            _glosses(described),
            *(token_sections(described, Path(folder)) if lasting else []),
            *([Gallery(classes, f"Examples of each class of {first[0].split}")] if classes else []),
            Gallery(shown, "Some clips"),
        ]
        page.write_page(out, described.name, sections)


def _distributions(described: Described, fps: float, folder: Path) -> Picture:
    picture = saved(folder / "figures.png", lambda: _figure(described, fps))
    return Picture(picture, "Durations, lengths of sentences, frequencies of glosses", "Distributions")


def _splits(described: Described, fps: float) -> Table:
    rows: list[Row] = []
    for split, samples in described.samples.items():
        times = sorted(_seconds(sample, fps) for sample in samples)
        glosses = [gloss for sample in samples for gloss in sample.reference]
        once = sum(counts[split] == 1 for counts in described.counts.values())
        seconds = [times[place] for place in (0, len(times) // 2, -1)]
        frames = sum(sample.frames for sample in samples)
        rows.append(
            (
                split, _count(len(samples)), _count(frames), _decimal(sum(times) / 3600, 2),
                *(_decimal(each, 1) for each in seconds), _count(len(glosses)), _count(len(set(glosses))),
                _count(once), _count(len({s.signer for s in samples if s.signer})),
            )
        )  # fmt: skip
    header = (
        "split", "samples", "frames", "hours", "shortest (s)", "median (s)", "longest (s)", "running glosses",
        "glosses", "once", "signers",
    )  # fmt: skip
    return Table(header, rows, "Splits", notes=(_rates(described, fps),))


def _seconds(sample: Sample, fps: float) -> float:
    """How long a clip is; at `fps` frames a second where only loading would tell."""
    return sample.frames / (sample.fps or fps)


def _rates(described: Described, fps: float) -> str:
    rates = sorted({sample.fps or fps for samples in described.samples.values() for sample in samples})
    if len(rates) == 1:
        return f"Times at {rates[0]:g} frames a second."
    return f"Times at the frames a second of each clip, {rates[0]:g} to {rates[-1]:g}."


def _held(described: Described) -> Iterator[Section]:
    """Dev and test compared with train."""
    if not described.held:
        return
    rows: list[Row] = [
        (
            split, _count(held.sentences), _count(len(held.unknown)),
            _share(sum(held.unknown.values()), held.glosses), _share(held.touched, held.sentences),
            _share(held.seen, held.sentences),
        )
        for split, held in described.held.items()
    ]  # fmt: skip
    header = (
        "split", "sentences", "glosses not in train", "running ones", "sentences with one",
        "sentences that are in train",
    )  # fmt: skip
    yield Table(header, rows, "Dev and test against train")
    for split, held in described.held.items():
        shown = ", ".join(f"{gloss} {count}" for gloss, count in [*held.unknown.items()][:MOST_UNKNOWN])
        more = len(held.unknown) - MOST_UNKNOWN
        text = shown + (f" and {more} more" if more > 0 else "")
        if shown:
            yield Paragraph(text, folded=f"Glosses of {split} that train does not have")


def _signers(described: Described, fps: float) -> Iterator[Table]:
    if not any(described.signers):
        return
    rows: list[Row] = []
    minutes: defaultdict[tuple[str, str], float] = defaultdict(float)
    for split, samples in described.samples.items():
        for sample in samples:
            minutes[split, sample.signer] += _seconds(sample, fps) / 60
    for name, parts in [*described.signers.items()][:MOST_SIGNERS]:
        cells = [
            Cell(f"{whole(count)} ({minutes[split, name]:.1f} min)", count)
            for split, (count, _) in parts.items()
        ]
        rows.append((name or "not named", *cells))
    more = len(described.signers) - len(rows)
    notes = (f"And {more} more.",) if more > 0 else ()
    yield Table(("signer", *described.samples), rows, "Signers", notes=notes)


def _glosses(described: Described) -> Table:
    rows: list[Row] = [
        (gloss, *map(_count, counts.values()), _count(sum(counts.values())))
        for gloss, counts in [*described.counts.items()][:MOST_GLOSSES]
    ]
    return Table(
        ("gloss", *described.samples, "all"), rows, "Most frequent glosses", folded=f"{len(rows)} glosses"
    )


def _count(value: int) -> Cell:
    return Cell(whole(value), value)


def _decimal(value: float, digits: int) -> Cell:
    return Cell(f"{value:.{digits}f}", value)


def _share(part: int, of: int) -> Cell:
    return Cell(f"{whole(part)} ({number(part / of, digits=1)})" if of else "0", part)


def _figure(described: Described, fps: float) -> Any:
    from matplotlib import pyplot
    from matplotlib.ticker import MaxNLocator, NullFormatter

    figure, (durations, lengths, ranks) = pyplot.subplots(1, 3, figsize=(11, 3.2), layout="constrained")
    colours = [COLOURS[split] for split in described.samples]
    seconds = [[_seconds(s, fps) for s in samples] for samples in described.samples.values()]
    words = [[len(s.reference) for s in samples] for samples in described.samples.values()]
    names = [*described.samples]
    durations.hist(seconds, bins=30, stacked=True, color=colours, label=names)
    durations.set(xlabel="seconds a clip", ylabel="clips")
    most = max(max(some) for some in words)
    lengths.hist(words, bins=[n + 0.5 for n in range(most + 1)], stacked=True, color=colours, label=names)
    lengths.set(xlabel="glosses a sentence", ylabel="sentences")
    for split, colour in zip(described.samples, colours, strict=True):
        counts = sorted((parts[split] for parts in described.counts.values() if parts[split]), reverse=True)
        ranks.plot(range(1, len(counts) + 1), counts, color=colour, label=split)
    ranks.set(xscale="log", yscale="log", xlabel="rank of a gloss", ylabel="times")
    ranks.legend(frameon=False)
    for axis in (ranks.xaxis, ranks.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:g}")
        axis.set_minor_formatter(NullFormatter())
    for axis in (durations.yaxis, lengths.xaxis, lengths.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))
    return figure
