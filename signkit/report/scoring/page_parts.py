"""Pieces of the page: escaped text, numbers, sortable tables, bars."""

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

DASH = "–"
MINUS = "\N{MINUS SIGN}"


class Cell(NamedTuple):
    """A cell of a table: HTML, and the number it is sorted by; None sorts by its text, NaN comes last."""

    html: str
    key: float | None = None


def token(word: str) -> str:
    """A word of a transcript, escaped; its direction of writing does not touch its neighbours."""
    return f"<bdi>{plain_token(word)}</bdi>"


def plain_token(word: str) -> str:
    """A word escaped; a blank, where characters are scored, is made visible."""
    return escape("␣" if word == " " else word)


def number(value: float, percent: bool = True, digits: int = 2) -> str:
    """A fraction in hundreds: "7.31 %", or "7.31" for points."""
    if math.isnan(value):
        return DASH
    return _true_minus(100 * value, digits) + ("&#8239;%" if percent else "")


def signed(value: float, percent: bool = True) -> str:
    """A difference of fractions, in hundreds, with its sign."""
    if math.isnan(value):
        return DASH
    return ("+" if 100 * value >= 0.005 else "") + number(value, percent)


def span(low: float, high: float, percent: bool = True) -> str:
    """An interval: "6.52 – 8.13 %", with "to" where there is a minus sign; nothing without one."""
    if math.isnan(low) or math.isnan(high):
        return ""
    return f"{number(low, False)} {'to' if low < 0 else '–'} {number(high, percent)}"


def whole(value: int) -> str:
    """A count, its thousands set apart by a narrow space."""
    return f"{value:,}".replace(",", "&#8239;")


def counted(value: int, one: str, many: str = "") -> str:
    """A count with its noun: "1 error", "2 errors"."""
    return f"{whole(value)} {one if value == 1 else many or one + 's'}"


def sentence_case(title: str) -> str:
    """A title with a capital at its beginning."""
    return title[:1].upper() + title[1:]


def p_text(value: float) -> str:
    """A p-value: "< 0.001" below that."""
    if math.isnan(value):
        return DASH
    return "&lt;&#8239;0.001" if value < 0.001 else f"{value:.3f}"


def table(
    caption: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    words: int = 1,
    *,
    headed: bool = False,
) -> str:
    """A table that is sorted by buttons in its head; its first column heads the rows.

    Args:
        words: how many columns, the first ones, are words; the others are numbers.
        headed: whether a heading says the same as the caption, which is then for screen readers only.
    """
    hidden = ' class="unseen"' if headed else ""
    head = "".join(
        f'<th scope="col" aria-sort="none"{_side(i, words)}>'
        f'<button type="button">{escape(title)}</button></th>'
        for i, title in enumerate(columns)
    )
    body = "".join(_row(row, words) for row in rows)
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(caption)}"><table>'
        f"<caption{hidden}><span>{escape(caption)}</span></caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def share_bar(share: float) -> str:
    """A bar of a share, 0 to 1."""
    return f'<svg class="bar" aria-hidden="true"><rect width="{_part(share)}" height="100%"/></svg>'


def interval_bar(value: float, low: float, high: float, bottom: float, top: float) -> str:
    """A value and its interval on a line from `bottom` to `top`; the figures stand beside it in words."""
    if math.isnan(value) or top <= bottom:
        return ""

    def place(number: float) -> str:
        return _part((number - bottom) / (top - bottom))

    base = max(bottom, 0.0)
    left, right = sorted((value, base))
    parts = [
        '<line class="axis" x1="0" x2="100%" y1="50%" y2="50%"/>',
        f'<line class="reach" x1="{place(left)}" x2="{place(right)}" y1="50%" y2="50%"/>',
    ]
    if bottom < 0:
        parts.append(f'<line class="zero" x1="{place(base)}" x2="{place(base)}" y1="0" y2="100%"/>')
    if not math.isnan(low) and not math.isnan(high):
        parts.append(f'<line class="range" x1="{place(low)}" x2="{place(high)}" y1="50%" y2="50%"/>')
    parts.append(f'<circle cx="{place(value)}" cy="50%" r="4"/>')
    return f'<svg class="interval" aria-hidden="true">{"".join(parts)}</svg>'


def round_up(value: float) -> float:
    """The next of 1, 2, 5 or 10 times a power of ten, for the end of an axis."""
    if not value > 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return float(next((m * power for m in (1, 2, 5) if m * power >= value * (1 - 1e-9)), 10 * power))


def _row(row: Sequence[Cell], words: int) -> str:
    cells = []
    for i, (html, key) in enumerate(row):
        sort = "" if key is None else f' data-v="{"" if math.isnan(key) else repr(float(key))}"'
        cells.append(
            f'<th scope="row"{sort}>{html}</th>' if i == 0 else f"<td{_side(i, words)}{sort}>{html}</td>"
        )
    return f"<tr>{''.join(cells)}</tr>"


def _side(column: int, words: int) -> str:
    return "" if column < words else ' class="n"'


def _part(share: float) -> str:
    return f"{100 * min(max(share, 0.0), 1.0):.2f}%"


def _true_minus(value: float, digits: int) -> str:
    """A number with a true minus sign, and none before a zero."""
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", MINUS)
