"""The page of a scoring: one HTML file with nothing outside it, to read, search, print and pass on."""

import base64
import hashlib
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

from signkit.report.scoring.page_analyses import analyses
from signkit.report.scoring.page_content import Comparison, Figure, Page, System
from signkit.report.scoring.page_parts import token
from signkit.report.scoring.page_script import SCRIPT
from signkit.report.scoring.page_sections import comparisons, figures_table, headline
from signkit.report.scoring.page_sentences import sentences
from signkit.report.scoring.page_style import STYLE
from signkit.runtime.files import write_text

__all__ = ["Comparison", "Figure", "Page", "System", "render", "write_page"]

# What no HTML file may have: control characters, and halves of characters that UTF-8 cannot write.
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def write_page(path: Path, page: Page) -> None:
    """Write the page, whole or not at all.

    Raises:
        OperationalError: the file cannot be written.
    """
    write_text(path, render(page))


def render(page: Page) -> str:
    """The page as HTML; the same content gives the same text.

    Ids and words are shown as they are, whatever they hold, except that characters which HTML cannot have
    stand as �. Scripts and styles run by the page's own policy only, so that nothing in a transcript can.
    """
    sections = [
        ("figures", "Figures", headline(page) + _table_of(page)),
        ("scoring", "How it was scored", _scoring(page)),
    ]
    if page.comparisons:
        sections.append(("compared", "Systems compared", comparisons(page)))
    if page.systems:
        sections.append(("analyses", "Where the errors are", _analyses(page)))
        sections.append(("sentences", "Sentences", sentences(page.systems, page.unit)))
    body = "".join(
        f'<section aria-labelledby="h-{key}"><h2 id="h-{key}">{title}</h2>{content}</section>'
        for key, title, content in sections
    )
    links = "".join(f'<li><a href="#h-{key}">{title}</a></li>' for key, title, _ in sections)
    text = (
        f"{_head(page)}<body><a class=skip href=#main>To the content</a><header>"
        f"<div class=top><h1>{token(page.title)}</h1>"
        "<button id=theme class=plain type=button aria-pressed=false>Dark</button></div>"
        f"<p class=about><b>{escape(page.protocol)}</b> {escape(page.description)}</p>"
        f"<nav aria-label=Contents><ul>{links}</ul></nav></header><main id=main tabindex=-1>{body}</main>"
        "<footer>Made by signkit. This page is one file and loads nothing from elsewhere.</footer>"
        f"<script>{SCRIPT}</script></body></html>\n"
    )
    return UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _head(page: Page) -> str:
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(page.title)}</title><style>{STYLE}</style></head>"
    )


def _table_of(page: Page) -> str:
    return figures_table(page) if page.figures else ""


def _scoring(page: Page) -> str:
    lines = "\n".join(escape(line) for line in page.signatures)
    return (
        f"<p>By the protocol <b>{escape(page.protocol)}</b>. "
        "Figures of the same signature can be compared.</p>"
        f'<div class="signature"><pre id="signature">{lines}</pre>'
        '<button type="button" class="plain copy" data-of="signature" aria-live="polite">Copy</button></div>'
    )


def _analyses(page: Page) -> str:
    if len(page.systems) == 1:
        return analyses(page.systems[0].analyses, page.figures, page.unit)
    parts = "".join(
        f'<div class="system" data-system="{place}">'
        f"{analyses(system.analyses, page.figures, page.unit, system.name)}</div>"
        for place, system in enumerate(page.systems)
    )
    return _choice(page.systems) + parts


def _choice(systems: Sequence[System]) -> str:
    options = "".join(
        f'<label><input type="radio" name="system" value="{place}" autocomplete="off"'
        f"{' checked' * (not place)}> {token(system.name)}</label>"
        for place, system in enumerate(systems)
    )
    return f'<fieldset class="choice"><legend>System</legend>{options}</fieldset>'
