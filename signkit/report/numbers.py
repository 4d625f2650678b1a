"""Numbers and words as a page has them, as plain text."""

import math
import os
from collections.abc import Sequence
from typing import Literal

DASH = "–"
MINUS = "\N{MINUS SIGN}"
THIN = "\N{NARROW NO-BREAK SPACE}"
PERCENT = f"{THIN}%"
ISOLATES = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"

Unit = Literal["percent", "points", "number"]
"""As `signkit.eval.figures.Metric.unit`."""


def number(value: float, unit: Unit = "percent", digits: int = 2) -> str:
    """A figure: "7.31 %", "23.40" of points or of a plain number, a dash where it is undefined."""
    if math.isnan(value):
        return DASH
    text = f"{value if unit == 'number' else 100 * value:.{digits}f}"
    text = text.lstrip("-") if float(text) == 0 else text.replace("-", MINUS)
    return text + (PERCENT if unit == "percent" else "")


def signed(value: float, unit: Unit = "percent") -> str:
    """A difference of figures with its sign; zero has none."""
    text = number(value, unit)
    return text if text[0] in (DASH, MINUS) or float(text.removesuffix(PERCENT)) == 0 else f"+{text}"


def span(low: float, high: float, unit: Unit = "percent") -> str:
    """An interval: "6.52 – 8.13 %", with "to" where there is a minus sign; nothing without one."""
    if math.isnan(low) or math.isnan(high):
        return ""
    first = number(low, unit).removesuffix(PERCENT)
    return f"{first} {'to' if low < 0 else DASH} {number(high, unit)}"


def whole(value: int) -> str:
    """A count, its thousands set apart by a narrow space."""
    return f"{value:,}".replace(",", THIN)


def counted(value: int, one: str) -> str:
    """A count with its noun: "1 error", "2 errors"."""
    return f"{whole(value)} {one if value == 1 else one + 's'}"


def p_text(value: float) -> str:
    """A p-value: "< 0.001" below that."""
    if math.isnan(value):
        return DASH
    return f"<{THIN}0.001" if value < 0.001 else f"{value:.3f}"


def shortened(names: Sequence[str], most: int = 24) -> list[str]:
    """Names cut in their middle so that they are short and still differ: ``long_na…end``.

    Args:
        names: that all differ.
        most: letters of a name.
    """
    cut = [_cut(name, most) for name in names]
    if len({*cut}) == len(cut):
        return cut
    common = len(os.path.commonprefix(list(names)))  # where they differ they are alike at both ends
    cut = [_cut("…" + name[max(0, common - 1) :], most) for name in names]
    return cut if len({*cut}) == len(cut) else [f"{n}: {each}" for n, each in enumerate(cut, start=1)]


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    head = most // 2
    return f"{text[:head]}…{text[head + 1 - most :]}"


def round_up(value: float) -> float:
    """The next of 1, 2, 5 or 10 times a power of ten, for the end of an axis."""
    if not value > 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return float(next((m * power for m in (1, 2, 5) if m * power >= value * (1 - 1e-9)), 10 * power))


def percent_of(share: float) -> str:
    """A share from 0 to 1 as a length in a style sheet or a picture: "12.50%"."""
    return f"{100 * min(max(share, 0.0), 1.0):.2f}%"


def sentence_case(title: str) -> str:
    """A title with a capital at its beginning."""
    return title[:1].upper() + title[1:]


def visible(token: str) -> str:
    """A token; a blank, where characters are tokens, is made visible."""
    return "␣" if token == " " else token


def isolated(text: str) -> str:
    """A text whose direction of writing does not touch its neighbours."""
    return text.join(ISOLATES)
