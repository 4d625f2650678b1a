"""`report.html`: one page without anything outside it."""

import base64
from dataclasses import replace
from html import escape
from pathlib import Path

from signkit.report.picture import draw
from signkit.report.reliability import draw_reliability
from signkit.report.result import Result, marked, shown_splits
from signkit.report.terminal import TITLES, percent
from signkit.runtime.files import write_text
from signkit.train.setup import Prepared

STYLE = """
:root { color-scheme: light dark; --ink: #22262c; --paper: #fff; --line: #d5dae1;
  --bad: #b91c1c; --sub: #a21caf; --ins: #1d4ed8 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --paper: #16181c; --line: #3a3f47;
  --bad: #f87171; --sub: #e879f9; --ins: #93c5fd } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .75rem; text-align: right }
th:first-child, td:first-child { text-align: left }
img { max-width: 100%; background: #fff }
.pair { overflow-x: auto; border-bottom: 1px solid var(--line); padding: .4rem 0 }
.pair table { font: 13px/1.4 ui-monospace, monospace }
.pair th, .pair td { border: 0; padding: 0 .5rem 0 0; text-align: left; font-weight: inherit }
.substitution { color: var(--sub); font-weight: 700 }
.deletion { color: var(--bad); font-weight: 700 }
.insertion { color: var(--ins); font-weight: 700 }
"""


def write_report(folder: Path, result: Result, prepared: Prepared, run: Path | None = None) -> Result:
    """Write ``picture.png``, ``reliability.png`` and ``report.html``; gives the result with its picture.

    Args:
        run: the run's folder, where the report is written to another one.
    """
    result = replace(result, picture=draw(folder, result, prepared, run or folder))
    assert result.picture is not None
    sure = draw_reliability(folder / "reliability.png", result)
    body = "".join(
        (
            f"<h1>{escape(result.recipe)}</h1>",
            f"<p>Weights of step {result.step}. Rates in percent of the reference's tokens.</p>",
            _table(result),
            image(result.picture, "Training, a clip, times of glosses"),
            _confidences(result, sure) if sure else "",
            *(_sentences(result, split) for split in shown_splits(result)),
            _signatures(result),
        )
    )
    write_text(folder / "report.html", page(result.recipe, body))
    return result


def page(title: str, body: str) -> str:
    """A whole page of HTML that needs nothing outside it."""
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
    meta = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    return f"{head}{meta}<style>{STYLE}</style><body>{body}</body></html>\n"


def image(path: Path, text: str) -> str:
    """A picture within a page."""
    content = base64.b64encode(path.read_bytes()).decode()
    return f'<p><img alt="{escape(text)}" src="data:image/png;base64,{content}"></p>'


def _confidences(result: Result, picture: Path) -> str:
    rows = [result.value(split, "calibration_error") for split in shown_splits(result)]
    notes = "".join(
        f"<li>{s.split}: {percent(s.value)} off on average ({escape(s.note)})</li>" for s in rows if s
    )
    return f"<h2>Confidences</h2><ul>{notes}</ul>{image(picture, 'Confidence against share of right tokens')}"


def _table(result: Result) -> str:
    names = [name for name in TITLES if any(s.name == name for s in result.scores)]
    head = "".join(f"<th>{escape(TITLES[name])}</th>" for name in names)
    rows = []
    for split in shown_splits(result):
        values = [result.value(split, name) for name in names]
        cells = "".join(
            f"<td title='{escape(v.note) if v else ''}'>{percent(v.value) if v else ''}</td>" for v in values
        )
        rows.append(f"<tr><td>{split}</td>{cells}</tr>")
    return f"<table><tr><th>split</th>{head}</tr>{''.join(rows)}</table>"


def _sentences(result: Result, split: str) -> str:
    pairs = "".join(_pair(result, split, name) for name in result.hypotheses[split])
    opened = " open" if split == "dev" else ""
    return f"<details{opened}><summary><h2 style='display:inline'>{split}</h2></summary>{pairs}</details>"


def _pair(result: Result, split: str, name: str) -> str:
    rows = marked(result.references[name], result.hypotheses[split][name][0].tokens)
    above = "".join(f"<td class={kind}>{escape(left) or '·'}</td>" for kind, left, _ in rows)
    below = "".join(f"<td class={kind}>{escape(right) or '·'}</td>" for kind, _, right in rows)
    return (
        f"<div class=pair tabindex=0><small>{escape(name)}</small><table>"
        f"<tr><th>reference</th>{above}</tr><tr><th>recognised</th>{below}</tr></table></div>"
    )


def _signatures(result: Result) -> str:
    lines = sorted({f"{s.split}: {s.signature}" for s in result.scores if s.signature})
    return (
        "<h2>How it was scored</h2><ul>"
        + "".join(f"<li><code>{escape(x)}</code></li>" for x in lines)
        + "</ul>"
    )
