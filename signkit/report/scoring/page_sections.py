"""The figures of the page: large ones, the table of all, systems compared."""

import math
from collections.abc import Sequence
from html import escape

from signkit.report.scoring.page_content import Figure, Page
from signkit.report.scoring.page_parts import (
    Cell,
    interval_bar,
    number,
    p_text,
    round_up,
    sentence_case,
    signed,
    span,
    table,
    token,
)


def headline(page: Page) -> str:
    """The chosen metrics in large numbers, each with its interval on a line."""
    names = page.headline or tuple(f.name for f in page.figures[:1])
    groups = {name: [f for f in page.figures if f.name == name] for name in names}
    shown = several(page)
    cards = "".join(_card(figures, page.confidence, shown) for figures in groups.values() if figures)
    return f'<div class="cards">{cards}</div>'


def several(page: Page) -> tuple[bool, bool]:
    """Whether the figures are of several systems, and of several splits; if not, they need not be named."""
    return len({f.system for f in page.figures}) > 1, len({f.split for f in page.figures}) > 1


def _card(figures: Sequence[Figure], confidence: float, shown: tuple[bool, bool]) -> str:
    top = round_up(max((x for f in figures for x in (f.value, f.high) if not math.isnan(x)), default=1.0))
    many = " many" if len(figures) > 1 else ""
    better = "higher is better" if figures[0].higher_is_better else "lower is better"
    body = "".join(_large(f, top, confidence, shown) for f in figures)
    ends = f"<span>0</span><span>{better}</span><span>{number(top, figures[0].percent, 0)}</span>"
    return (
        f'<section class="card{many}"><h3>{escape(sentence_case(figures[0].title))}</h3>{body}'
        f'<p class="scale">{ends}</p></section>'
    )


def _large(figure: Figure, top: float, confidence: float, shown: tuple[bool, bool]) -> str:
    names = zip((figure.system, figure.split), shown, strict=True)
    of = ", ".join(token(name) for name, told in names if told and name)
    name = f'<p class="of">{of}</p>' if of else ""
    between = span(figure.low, figure.high, figure.percent)
    reach = f'<p class="between">{_interval(confidence)} {between}</p>' if between else ""
    note = f'<p class="note">{escape(figure.note)}</p>' if figure.note else ""
    bar = interval_bar(figure.value, figure.low, figure.high, 0.0, top)
    large = number(figure.value, False)
    unit = "<small>%</small>" if figure.percent and not math.isnan(figure.value) else ""
    return f'<div class="figure">{name}<p class="large">{large}{unit}</p>{bar}{reach}{note}</div>'


def figures_table(page: Page) -> str:
    """All metrics of all systems and splits."""
    of_system, of_split = several(page)
    noted = any(f.note for f in page.figures)

    def row(f: Figure) -> list[Cell]:
        return [
            Cell(escape(sentence_case(f.title))),
            *[Cell(token(f.system))] * of_system,
            *[Cell(token(f.split))] * of_split,
            *[Cell(escape(f.note))] * noted,
            Cell(number(f.value, f.percent), f.value),
            Cell(span(f.low, f.high, f.percent), f.low),
        ]

    words = ["Metric", *["System"] * of_system, *["Split"] * of_split, *["Counted from"] * noted]
    columns = [*words, "Value", _interval(page.confidence)]
    split = page.figures[0].split if page.figures and not of_split else ""
    caption = f"All figures of {split}" if split not in ("", "all") else "All figures"
    return table(caption, columns, map(row, page.figures), words=len(words))


def comparisons(page: Page) -> str:
    """Systems against each other: differences, intervals, p-values, and which is the better one."""
    figures = {f.name: f for f in page.figures}
    percent = {c.name: figures[c.name].percent if c.name in figures else True for c in page.comparisons}
    title = {c.name: figures[c.name].title if c.name in figures else c.name for c in page.comparisons}
    tops = {
        name: round_up(
            max(
                abs(x)
                for c in page.comparisons
                if c.name == name
                for x in (0.0, c.difference, c.low, c.high)
                if not math.isnan(x)
            )
        )
        for name in percent
    }
    noted = any(c.note for c in page.comparisons)
    rows = (
        [
            Cell(f"{token(c.first)} − {token(c.second)}"),
            Cell(escape(sentence_case(title[c.name]))),
            Cell(escape(c.test)),
            Cell(f"<strong>{token(c.better)}</strong>" if c.better else "no difference shown"),
            *[Cell(escape(c.note))] * noted,
            Cell(
                signed(c.difference, percent[c.name])
                + interval_bar(c.difference, c.low, c.high, -tops[c.name], tops[c.name]),
                c.difference,
            ),
            Cell(span(c.low, c.high, percent[c.name]), c.low),
            Cell(p_text(c.p_value), c.p_value),
        ]
        for c in page.comparisons
    )
    words = ["Systems", "Metric", "Test", "Better", *["Note"] * noted]
    return table(
        "Systems compared",
        [*words, "Difference", _interval(page.confidence), "p"],
        rows,
        words=len(words),
        headed=True,
    )


def _interval(confidence: float) -> str:
    return f"{100 * confidence:g} % interval"
