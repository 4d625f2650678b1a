"""The analyses of one system on the page: words, lengths, signers, what train had."""

import math
from collections.abc import Iterator, Sequence
from html import escape

import numpy as np

from signkit.eval.analyses import Analyses, LengthBin, Part
from signkit.eval.confusions import Counted, Grid, OutOfVocabulary, TokenCounts
from signkit.report.scoring.page_content import Figure
from signkit.report.scoring.page_parts import (
    Cell,
    counted,
    number,
    plain_token,
    round_up,
    sentence_case,
    share_bar,
    span,
    table,
    token,
    whole,
)

TOKENS = 300
HEIGHT, COLUMN, LEFT, ABOVE, BELOW = 150, 64, 48, 26, 42  # of the picture of lengths, in pixels


def analyses(found: Analyses, figures: Sequence[Figure], unit: str = "word", name: str = "") -> str:
    """All analyses of a system; `name` is empty where there is one system only."""
    of = f" of {name}" if name else ""
    parts = []
    if found.confusions:
        parts.append((f"Confused {unit}s", _confused(found, unit)))
    if found.deleted or found.inserted:
        parts.append((f"Deleted and inserted {unit}s", _edited(found, unit)))
    if found.tokens.tokens:
        parts.append((f"Every {unit}", _tokens(found.tokens, unit, of)))
    if found.lengths:
        parts.append(("By length of the reference", _lengths(found.lengths, unit, of)))
    if found.signers:
        parts.append(("By signer", _parts(found.signers, figures, f"By signer{of}", ("Signer", unit))))
    if found.seen:
        caption = f"Sentences that train has, and the others{of}"
        parts.append(("Sentences seen in train", _parts(found.seen, figures, caption, ("In train", unit))))
    if found.vocabulary is not None:
        parts.append((f"{unit.title()}s that train does not have", _unknown(found.vocabulary, unit, of)))
    return "".join(_section(title, of, body) for title, body in parts)


def _section(title: str, of: str, body: str) -> str:
    return f'<section class="analysis"><h3>{title}<small>{escape(of)}</small></h3>{body}</section>'


def _confused(found: Analyses, unit: str) -> str:
    most = max(c.count for c in found.confusions)
    rows = (
        [
            Cell(token(c.reference)),
            Cell(token(c.hypothesis)),
            Cell(_find(c.reference, c.hypothesis)),
            Cell(whole(c.count) + share_bar(c.count / most), c.count),
            Cell(number(c.count / c.occurrences), c.count / c.occurrences),
        ]
        for c in found.confusions
    )
    columns = ("Reference", "Recognised", "Sentences", "Times", "Share")
    caption = f"Most confused {unit}s, with their share of the reference {unit}'s occurrences"
    return f'<div class="two">{table(caption, columns, rows, words=3)}{_grid(found.grid, unit)}</div>'


def _grid(grid: Grid, unit: str) -> str:
    """The confused words against each other: shades by how often, figures in the cells."""
    counts = np.array(grid.counts, dtype=np.int64)
    wrong = np.where(np.eye(len(counts), dtype=np.bool_), 0, counts)
    most = max(int(wrong.max()), 1)
    head = "".join(f'<th scope="col"><span>{token(word)}</span></th>' for word in grid.tokens)
    rows = "".join(
        f'<tr><th scope="row">{token(word)}</th>{_shades(counts[i].tolist(), i, most)}</tr>'
        for i, word in enumerate(grid.tokens)
    )
    caption = f"How often the {unit} of a row was recognised as the {unit} of a column; correct in outline"
    return (
        '<div class="scroll whole" role="region" tabindex="0" aria-label="Picture of the confusions">'
        '<table class="grid">'
        f"<caption><span>{caption}</span></caption><thead><tr><td></td>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _shades(counts: list[int], row: int, most: int) -> str:
    cells = []
    for column, count in enumerate(counts):
        if column == row:
            cells.append(f'<td class="right">{whole(count)}</td>')
        else:
            shade = f' style="--v:{math.sqrt(count / most):.3f}"' if count else ""
            cells.append(f"<td{shade}>{whole(count) if count else ''}</td>")
    return "".join(cells)


def _edited(found: Analyses, unit: str) -> str:
    lists = (
        (f"Most deleted {unit}s, of their occurrences in the references", found.deleted, True),
        (f"Most inserted {unit}s, of their occurrences in the hypotheses", found.inserted, False),
    )
    tables = "".join(
        table(title, (unit.title(), "Sentences", "Times", "Share"), _edited_rows(words, deleted), words=2)
        for title, words, deleted in lists
        if words
    )
    return f'<div class="two">{tables}</div>'


def _edited_rows(words: Sequence[Counted], deleted: bool) -> Iterator[list[Cell]]:
    most = max(c.count for c in words)
    for c in words:
        find = _find(c.token, "") if deleted else _find("", c.token)
        times = Cell(whole(c.count) + share_bar(c.count / most), c.count)
        yield [Cell(token(c.token)), Cell(find), times, Cell(number(c.share), c.share)]


def _find(reference: str, hypothesis: str) -> str:
    """A button that shows the sentences with an error; "" stands for no word."""
    pair = (
        f"{plain_token(reference) if reference else '***'}→{plain_token(hypothesis) if hypothesis else '***'}"
    )
    label = f"Show the sentences with {pair}"
    return f'<button type="button" class="find" data-find="{pair}" aria-label="{label}">show</button>'


def _tokens(counts: TokenCounts, unit: str, of: str) -> str:
    """What became of the words, those with the most errors first, in a part that opens."""
    errors = counts.references - counts.correct + counts.inserted
    order = np.lexsort((-counts.references, -errors))[:TOKENS]
    names = ("references", "correct", "substituted", "deleted", "inserted")
    columns = np.stack([getattr(counts, name) for name in names], axis=1)[order].tolist()
    shares = np.stack([counts.recall, counts.precision], axis=1)[order].tolist()
    rows = (
        [
            Cell(token(counts.tokens[i])),
            *[Cell(whole(n), n) for n in numbers],
            *[Cell(number(x), x) for x in both],
        ]
        for i, numbers, both in zip(order.tolist(), columns, shares, strict=True)
    )
    head = (
        unit.title(),
        "In references",
        "Correct",
        "Substituted",
        "Deleted",
        "Inserted",
        "Recall",
        "Precision",
    )
    more = len(counts.tokens) - len(order)
    summary = f"{counted(len(order), unit)}, those with the most errors first"
    if more:
        summary += f"; {counted(more, unit)} with no more errors left out"
    shown = table(f"What became of every {unit}{of}", head, rows, headed=True)
    return f"<details><summary>{summary}</summary>{shown}</details>"


def _lengths(lengths: Sequence[LengthBin], unit: str, of: str) -> str:
    rows = (
        [
            Cell(_between(x), x.first),
            Cell(whole(x.sentences), x.sentences),
            Cell(whole(x.words), x.words),
            Cell(whole(x.errors), x.errors),
            Cell(number(x.value), x.value),
            Cell(span(x.low, x.high), x.low),
        ]
        for x in lengths
    )
    columns = (
        "Length", "Sentences", f"{unit.title()}s", "Errors", f"Errors a {unit}", "95 % interval",
    )  # fmt: skip
    shown = table(f"By length of the reference{of}", columns, rows, headed=True)
    return f"{_bars(lengths, unit)}<details><summary>As a table</summary>{shown}</details>"


def _bars(lengths: Sequence[LengthBin], unit: str) -> str:
    """Errors a word by length: a bar and its interval for each bin, with the number of its sentences."""
    ends = [x for b in lengths for x in (b.value, b.high) if not math.isnan(x)]
    top = round_up(max(ends, default=1.0))
    width, height = COLUMN * len(lengths) + LEFT, ABOVE + HEIGHT + BELOW
    digits = 0 if top > 0.02 else 2
    ticks = "".join(
        f'<line class="axis" x1="{LEFT}" x2="{width}" y1="{_y(t, top)}" y2="{_y(t, top)}"/>'
        f'<text class="tick" x="{LEFT / 2:g}" y="{_y(t, top) + 4}">{number(t, True, digits)}</text>'
        for t in (0.0, top / 2, top)
    )
    bars = "".join(_bar(b, LEFT + COLUMN * i, top) for i, b in enumerate(lengths))
    label = f"Errors a {unit} by the number of {unit}s of the reference; the table below has the figures"
    return (
        '<div class="scroll" role="region" tabindex="0" aria-label="Picture of errors by length">'
        f'<svg class="plot" role="img" aria-label="{label}" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">{ticks}{bars}</svg></div>'
        f'<p class="note">Errors a {unit} by the {unit}s of the reference, above the number of sentences. '
        "Lines are 95 % intervals.</p>"
    )


def _bar(b: LengthBin, left: int, top: float) -> str:
    middle, foot = left + COLUMN // 2, ABOVE + HEIGHT
    parts = [
        f'<text class="of" x="{middle}" y="{foot + 17}">{_between(b)}</text>'
        f'<text class="tick" x="{middle}" y="{foot + 34}">{whole(b.sentences)}</text>'
    ]
    if not math.isnan(b.value):
        y = _y(b.value, top)
        head = y if math.isnan(b.high) else _y(b.high, top)
        parts.append(f'<rect x="{left + 12}" y="{y}" width="{COLUMN - 24}" height="{foot - y:.1f}" rx="2"/>')
        parts.append(f'<text class="value" x="{middle}" y="{head - 7:.1f}">{100 * b.value:.1f}</text>')
        if not math.isnan(b.high):
            parts.append(
                f'<line class="range" x1="{middle}" x2="{middle}" y1="{_y(b.low, top)}" y2="{head}"/>'
            )
    return f"<g>{''.join(parts)}</g>"


def _y(value: float, top: float) -> float:
    return round(ABOVE + HEIGHT * (1 - value / top), 1)


def _between(b: LengthBin) -> str:
    return str(b.first) if b.first == b.last else f"{b.first}–{b.last}"


def _parts(parts: Sequence[Part], figures: Sequence[Figure], caption: str, heads: tuple[str, str]) -> str:
    """The metrics of parts of the sentences, as the figures of the same names are titled."""
    titles = {f.name: (sentence_case(f.title), f.percent) for f in figures}
    names = list(parts[0].values)
    shown = [titles.get(name, (name, True)) for name in names]
    tops = {name: max((p.values[name] for p in parts if p.values[name] > 0), default=1.0) for name in names}

    def metric(part: Part, name: str, percent: bool) -> Cell:
        value = part.values[name]
        bar = "" if math.isnan(value) else share_bar(value / tops[name])
        return Cell(number(value, percent) + bar, value)

    rows = (
        [
            Cell(token(p.name)),
            Cell(whole(p.sentences), p.sentences),
            Cell(whole(p.words), p.words),
            *[metric(p, name, percent) for name, (_, percent) in zip(names, shown, strict=True)],
        ]
        for p in parts
    )
    head = [heads[0], "Sentences", f"{heads[1].title()}s", *(title for title, _ in shown)]
    return table(caption, head, rows, headed=True)


def _unknown(v: OutOfVocabulary, unit: str, of: str) -> str:
    if not v.unknown_words:
        return f"<p>Train has every {unit} of the references.</p>"
    share = v.unknown_words / v.words
    types = v.unknown_types / v.types
    text = (
        f"<p>{counted(v.unknown_words, unit)} of {whole(v.words)} ({number(share)}) and "
        f"{counted(v.unknown_types, 'type')} of {whole(v.types)} ({number(types)}) are not in train. "
        f"Of these {unit}s {whole(v.correct)} were recognised, {whole(v.substituted)} taken for others, "
        f"{whole(v.deleted)} missed. The hypotheses have {counted(v.hypothesised, unit)} "
        "that train does not have.</p>"
    )
    rows = (
        [Cell(token(c.token)), Cell(whole(c.occurrences), c.occurrences), Cell(whole(c.count), c.count)]
        for c in v.most
    )
    caption = f"{unit.title()}s that train does not have{of}, the most frequent first"
    return text + table(caption, (unit.title(), "Times", "Correct"), rows, headed=True)
