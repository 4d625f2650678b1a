"""The values of a grid, as the command line has them."""

from collections.abc import Sequence

from signkit.errors import UserError

OPEN, CLOSED, QUOTES = "[{(", "]})", "\"'"


def read_values(wanted: Sequence[str]) -> dict[str, list[str]]:
    """The values of each key of ``key=a,b``; commas in brackets or quotes belong to a value.

    Raises:
        UserError: it is not of that form, or a key or a value is there twice.
    """
    values: dict[str, list[str]] = {}
    for each in wanted:
        key, equals, text = each.partition("=")
        found = [value.strip() for value in _split(text)]
        if not equals or not key.strip() or not all(found):
            raise UserError(f"--grid {each}", "is not of the form KEY=A,B", "such as train.lr=1e-3,3e-3")
        if key.strip() in values or len({*found}) < len(found):
            raise UserError(f"--grid {each}", "names a key or a value twice")
        values[key.strip()] = found
    return values


def _split(text: str) -> list[str]:
    """Split at commas outside brackets and quotes."""
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in QUOTES:
            quote = letter
        elif letter in OPEN + CLOSED:
            depth += 1 if letter in OPEN else -1
        elif letter == "," and not depth:
            parts.append("")
            continue
        parts[-1] += letter
    return parts
