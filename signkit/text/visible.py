"""Which characters can be seen, and texts that look alike."""

import unicodedata

FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\ufffc\ufffd")
"""Letters and marks that are not drawn, and what stands for a character that could not be decoded."""


def is_invisible(character: str) -> bool:
    """Whether a character is not drawn: format and control characters, fillers, variation selectors."""
    if character.isascii():
        return not character.isprintable()
    code = ord(character)
    selectors = 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF
    return character in FILLERS or selectors or unicodedata.category(character) in ("Cf", "Cc", "Co", "Cn")


def is_blank(text: str) -> bool:
    """Whether nothing of a text can be seen."""
    return all(c.isspace() or is_invisible(c) for c in text)


def with_codes(text: str) -> str:
    """A text with what cannot be seen written as its code: ``HOUSE<U+200B>``."""
    return "".join(f"<U+{ord(c):04X}>" if is_invisible(c) or (c.isspace() and c != " ") else c for c in text)


def without_invisible(gloss: str) -> str:
    """A gloss without what cannot be seen."""
    return "".join(c for c in gloss if not is_invisible(c))


def compatibility_form(gloss: str) -> str:
    """A gloss in Unicode's compatibility form, without what cannot be seen."""
    return without_invisible(unicodedata.normalize("NFKC", without_invisible(gloss)))
