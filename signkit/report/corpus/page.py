"""The page of a corpus: one HTML file that needs nothing outside it."""

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from signkit.report.corpus.describe import Described, Held
from signkit.report.corpus.thumbnails import Strip, strips
from signkit.report.page import image, page
from signkit.report.picture import saved
from signkit.runtime.files import write_text
from signkit.runtime.progress import Watch

COLOURS = {"train": "#9db8d9", "dev": "#0f766e", "test": "#c2410c"}
MOST_GLOSSES, MOST_UNKNOWN, MOST_SIGNERS = 40, 100, 60
STYLE = """<style>
.strips { display: grid; gap: 1.25rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)) }
.strips figure { margin: 0 } .strips img { width: 100%; border-radius: .3rem }
figcaption { font-size: .8125rem; overflow-wrap: anywhere } .wide { overflow-x: auto }
</style>"""
# What no HTML file may have.
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def write_page(out: Path, described: Described, absent: int, watch: Watch) -> None:
    """Draw and write the page, whole or not at all.

    Args:
        absent: faults and missing samples, which the page only counts.

    Raises:
        UserError: a clip that is shown cannot be read.
        OperationalError: the page cannot be written.
    """
    shown, fps = strips(described.samples, watch)
    with TemporaryDirectory() as folder:
        picture = saved(Path(folder) / "figures.png", lambda: _figure(described, fps))
        figures = image(picture, "Durations, lengths of sentences, frequencies of glosses")
    note = (
        f"<p>{absent} faults or missing samples: see <code>signkit data check</code>.</p>" if absent else ""
    )
    body = "".join(
        (
            STYLE,
            f"<h1>{escape(described.name)}</h1>{note}",
            _splits(described, fps),
            figures,
            _held(described),
            _signers(described, fps),
            _glosses(described),
            _strips(shown),
        )
    )
    write_text(out, UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", page(described.name, body)))


def _table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    lines = "".join(
        "<tr>" + "".join(f"<td>{escape(_cell(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<div class=wide><table><tr>{head}</tr>{lines}</table></div>"


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _splits(described: Described, fps: float) -> str:
    rows = []
    for split, samples in described.samples.items():
        frames = sorted(sample.frames for sample in samples)
        glosses = [gloss for sample in samples for gloss in sample.reference]
        once = sum(counts[split] == 1 for counts in described.counts.values())
        rows.append(
            (
                split, len(samples), sum(frames), f"{sum(frames) / fps / 3600:.2f}",
                f"{frames[0] / fps:.1f}", f"{frames[len(frames) // 2] / fps:.1f}", f"{frames[-1] / fps:.1f}",
                len(glosses), len(set(glosses)), once, len({s.signer for s in samples if s.signer}),
            )
        )  # fmt: skip
    header = (
        "split", "samples", "frames", "hours", "shortest (s)", "median (s)", "longest (s)", "running glosses",
        "glosses", "once", "signers",
    )  # fmt: skip
    return _table(header, rows) + f"<p>Times at {fps:g} frames a second.</p>"


def _held(described: Described) -> str:
    if not described.held:
        return ""
    rows = [
        (
            split, held.sentences, len(held.unknown), _share(sum(held.unknown.values()), held.glosses),
            _share(held.touched, held.sentences), _share(held.seen, held.sentences),
        )
        for split, held in described.held.items()
    ]  # fmt: skip
    header = (
        "split", "sentences", "glosses not in train", "running ones", "sentences with one",
        "sentences that are in train",
    )  # fmt: skip
    lists = "".join(_unknown(split, held) for split, held in described.held.items() if held.unknown)
    return f"<h2>Dev and test beside train</h2>{_table(header, rows)}{lists}"


def _unknown(split: str, held: Held) -> str:
    shown = [f"{gloss} {count}" for gloss, count in [*held.unknown.items()][:MOST_UNKNOWN]]
    more = len(held.unknown) - len(shown)
    text = escape(", ".join(shown)) + (f" and {more} more" if more > 0 else "")
    return f"<details><summary>Glosses of {split} that train has not</summary><p>{text}</p></details>"


def _signers(described: Described, fps: float) -> str:
    if not any(described.signers):
        return ""
    rows = []
    for name, parts in [*described.signers.items()][:MOST_SIGNERS]:
        cells = [f"{samples:,} ({frames / fps / 60:.1f} min)" for samples, frames in parts.values()]
        rows.append((name or "not named", *cells))
    more = len(described.signers) - len(rows)
    note = f"<p>And {more} more.</p>" if more > 0 else ""
    return f"<h2>Signers</h2>{_table(('signer', *described.samples), rows)}{note}"


def _glosses(described: Described) -> str:
    rows = [
        (gloss, *counts.values(), sum(counts.values()))
        for gloss, counts in [*described.counts.items()][:MOST_GLOSSES]
    ]
    table = _table(("gloss", *described.samples, "all"), rows)
    return f"<h2>Most frequent glosses</h2><details><summary>{len(rows)} glosses</summary>{table}</details>"


def _strips(shown: Sequence[Strip]) -> str:
    figures = "".join(
        f'<figure><img alt="Frames of {escape(strip.name)}" src="data:image/jpeg;base64,{strip.content}">'
        f"<figcaption><b>{escape(strip.name)}</b> {escape(strip.about)}<br>{escape(strip.glosses)}"
        "</figcaption></figure>"
        for strip in shown
    )
    return f"<h2>Some clips</h2><div class=strips>{figures}</div>"


def _share(part: int, whole: int) -> str:
    return f"{part:,} ({100 * part / whole:.1f} %)" if whole else "0"


def _figure(described: Described, fps: float) -> Any:
    from matplotlib import pyplot

    figure, (durations, lengths, ranks) = pyplot.subplots(1, 3, figsize=(11, 3.2), layout="constrained")
    colours = [COLOURS[split] for split in described.samples]
    seconds = [[s.frames / fps for s in samples] for samples in described.samples.values()]
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
    return figure
