"""What the names of a folder's frames tell: their order, whether one is missing, and when each is shown.

Names have numbers that count frames (``images0012.png``) or tell times: seconds with decimals, or whole
milli-, micro- or nanoseconds, since 1970 or since the beginning; or the ticks of a film's clock, 90,000 a
second.
"""

import os
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from signkit.data.video.times import Seconds
from signkit.errors import UserError

SINCE_1970 = ((10**12, 1e3), (10**15, 1e6), (10**18, 1e9))
"""The least number of a time since 1970 (of 2001), and its units in a second."""
STEPS = (((4, 250), 1e3), ((360, 4000), 9e4), ((4000, 250_000), 1e6), ((4_000_000, 250_000_000), 1e9))
"""Steps from a frame to the next, and the units in a second that they tell: 4 to 250 frames a second."""
LEAST_STEP = 4
ALIKE, SHARE = 0.25, 0.8
"""So much of the usual step may others differ, and so many of them must not differ by more."""
RATES = (
    *(25.0, 30.0, 24.0, 50.0, 60.0, 15.0, 10.0, 20.0, 12.5, 12.0, 100.0, 120.0, 200.0, 240.0),
    *(rate / 1.001 for rate in (24.0, 30.0, 60.0, 120.0)),
)
"""Frames a second that are usual, those first that are meant where several agree."""
DECIMAL = re.compile(r"(.*?)(\d+)\.(\d+)")


def ordered(names: Sequence[str]) -> list[str]:
    """Names in their natural order: 2 before 10, and 0.2 after 0.16 where they are decimals."""
    decimals = _decimals(names)
    if decimals is None:
        return sorted(names, key=_natural)
    return [name for _, name in sorted(zip(decimals, names, strict=True))]


def times(names: Sequence[str]) -> tuple[Seconds, float] | None:
    """When each frame is shown, from the first, and the seconds to which that is rounded; None where names do
    not tell times.

    Args:
        names: in their order.
    """
    if len(names) < 3:
        return None
    decimals = _decimals(names)
    if decimals is not None:
        seconds = np.array(decimals) - decimals[0]
        typical = float(np.median(np.diff(seconds)))
        digits = max(len(os.path.splitext(name)[0].rpartition(".")[2]) for name in names)
        return (seconds, 10.0**-digits) if _is_frame(typical) and _alike(np.diff(seconds)) else None
    column = _counting(names)
    if column is None:
        return None
    numbers = column[0]
    unit = _units_a_second(numbers)
    return ((numbers - numbers[0]) / unit, 1 / unit) if unit else None


def usual_rate(seconds: Seconds, rounded: float) -> float | None:
    """The usual rate at which frames are shown at these times, but for rounding; None if there is none."""
    frames = np.arange(len(seconds))
    slack = 1.01 * rounded
    return next((rate for rate in RATES if np.abs(seconds - frames / rate).max() <= slack), None)


def check_gaps(names: Sequence[str], where: str) -> None:
    """Refuse a folder whose frames are numbered evenly but for some that are not there.

    Raises:
        UserError: naming the first of them.
    """
    column = _counting(names) if len(names) > 2 else None
    if column is None:
        return
    numbers, at = column
    steps = np.diff(numbers)
    gaps = np.flatnonzero(steps > steps.min())
    if len(gaps) and steps.min() > 0:
        first = int(gaps[0])
        parts = re.split(r"(\d+)", names[first])
        parts[at] = str(numbers[first] + int(steps.min())).zfill(len(parts[at]))
        more = f" and others ({len(gaps)} gaps)" if len(gaps) > 1 else ""
        what = f"frame {first + 1} is missing: {''.join(parts)}{more}"
        raise UserError(where, what, "complete the folder, or renumber its frames")


def _natural(name: str) -> tuple[Any, ...]:
    """2 before 10; names that are alike otherwise by their letters."""
    parts = re.split(r"(\d+)", name)
    return tuple(int(part) if number % 2 else part for number, part in enumerate(parts)), name


def _counting(names: Sequence[str]) -> tuple[npt.NDArray[np.int64], int] | None:
    """The numbers in names that differ in one number alone, and where that stands; None if they do not."""
    pieces = [re.split(r"(\d+)", name) for name in names]
    if len({tuple(p[::2]) for p in pieces}) > 1:
        return None
    counting = [at for at in range(1, len(pieces[0]), 2) if len({int(p[at]) for p in pieces}) > 1]
    if len(counting) != 1 or any(len(p[counting[0]]) > 18 + 1 for p in pieces):
        return None
    return np.array([int(p[counting[0]]) for p in pieces], dtype=np.int64), counting[0]


def _decimals(names: Sequence[str]) -> list[float] | None:
    """The numbers of names that end in one with decimals; None where they may count something else, such as
    parts and the frames of each (1.9, 1.10)."""
    matches = [DECIMAL.fullmatch(os.path.splitext(name)[0]) for name in names]
    found = [match for match in matches if match]
    if len(found) < len(names) or len({match[1] for match in found}) > 1:
        return None
    fractions = [match[3] for match in found]
    lengths = {len(fraction) for fraction in fractions}
    if len(lengths) > 1 and any(len(each) > 1 and each.endswith("0") for each in fractions):
        return None
    if len(lengths) == 1 and (lengths == {1} or len({match[2] for match in found}) == 1):
        return None
    return [float(f"{match[2]}.{match[3]}") for match in found]


def _units_a_second(numbers: npt.NDArray[np.int64]) -> float | None:
    """In what names count, if that is clear: since 1970, or in steps that are alike but no multiples of the
    smallest, as rounding makes them and missing frames do not."""
    steps = np.diff(numbers)
    if (steps <= 0).any() or not _alike(steps):
        return None
    typical = float(np.median(steps))
    for least, unit in SINCE_1970:
        if least <= numbers[0] < 4 * least and _is_frame(typical / unit):
            return unit
    if steps.min() < LEAST_STEP or not (steps % steps.min()).any():
        return None
    return next((unit for (low, high), unit in STEPS if low <= typical < high), None)


def _alike(steps: npt.NDArray[Any]) -> bool:
    typical = np.median(steps)
    allowed = max(1 if steps.dtype.kind == "i" else 0, ALIKE * typical)
    return bool((np.abs(steps - typical) <= allowed).mean() >= SHARE)


def _is_frame(seconds: float) -> bool:
    return 1 / 250 <= seconds <= 1 / 4
