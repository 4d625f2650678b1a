"""`did you mean …?`: the hint of an error about a word that is not known."""

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like this one, if any is like it."""
    near = difflib.get_close_matches(word[:100], list(known), 1)
    return near[0] if near else None


def suggestion(word: str, known: Iterable[str]) -> str:
    """The nearest known word as a question, or all that is known."""
    choices = list(known)
    near = nearest(word, choices)
    if near is not None:
        return f"did you mean `{near}`?"
    return f"one of {listed(choices)}" if choices else "none is known"


def listed(names: Iterable[str]) -> str:
    """Names as a message shows them."""
    return ", ".join(f"`{name}`" for name in names)


def all_of(names: Iterable[str]) -> str:
    """Names in a sentence: `a`, `b` and `c`."""
    *before, last = [f"`{name}`" for name in names]
    return f"{', '.join(before)} and {last}" if before else last
