"""Pages: one HTML file each, with nothing outside it, to read, search, print and pass on."""

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

from signkit.report import numbers
from signkit.report.sections import Section
from signkit.runtime.files import write_text

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
# What no HTML file may have: control characters, and halves of characters that UTF-8 cannot write.
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def write_page(path: Path, title: str, sections: Sequence[Section]) -> None:
    """Write a page, whole or not at all.

    Raises:
        OperationalError: the file cannot be written.
    """
    write_text(path, render(title, sections))


def render(title: str, sections: Sequence[Section]) -> str:
    """A page as HTML; the same content gives the same text.

    Texts are shown as they are, whatever they hold, except that characters which HTML cannot have stand as �.
    Scripts run by the page's own policy only, so that nothing in a transcript can.
    """
    text = template("page.html").render(title=title, sections=sections)
    return UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def template(name: str) -> Any:
    """A template of this package; all that it is given is escaped."""
    return _environment().get_template(name)


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {
        # Style and script are not templates: no brace of theirs means anything.
        "file": lambda name: Markup((TEMPLATES / name).read_text(encoding="utf-8")),
        "digest": lambda text: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode(),
        "attribute": lambda text: Markup(quoteattr(text)),  # of XML, with its quotes
        "data_url": data_url,
        "kind": lambda section: type(section).__name__,
        "whole": numbers.whole,
        "percent_of": numbers.percent_of,
        "visible": numbers.visible,
        "sentence_case": numbers.sentence_case,
    }
    return environment


def data_url(source: Path | bytes) -> str:
    """A PNG or JPEG file as an address that holds all of it."""
    content = source if isinstance(source, bytes) else source.read_bytes()
    kind = "png" if content.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
