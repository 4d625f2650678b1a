"""The page of a comparison of runs with long names and settings in a browser, on narrow screens too."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import CHROMIUM, Browser
from tiny import CTC, write_corpus, write_recipe

from signkit.commands.compare.records import ComparedRun, RunComparison
from signkit.commands.compare.show import page, title, with_short_names
from signkit.config.recipe_file import load_recipe
from signkit.eval.breakdown import breakdown
from signkit.eval.comparison import compare
from signkit.eval.protocols import load
from signkit.eval.results import Results
from signkit.eval.scores import Resampling
from signkit.report.page import write_page
from signkit.report.scoring.scoring import Scoring

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    opened = Browser(tmp_path / "browser")
    yield opened
    opened.close()


@pytest.mark.parametrize("count", [2, 6])
def test_it_is_as_wide_as_the_screen(count: int, browser: Browser, tmp_path: Path) -> None:
    recipe = load_recipe(str(write_recipe(tmp_path / "tiny.yaml", write_corpus(tmp_path / "corpus"), CTC)))
    (tmp_path / "metrics.jsonl").write_text(json.dumps({"step": 1, "loss": 1.0, "dev_WER": 0.5}))
    names = [f"runs/a_recipe_with_a_long_name_made_for_an_experiment/20260101-00000{n}" for n in range(count)]
    references = {f"s{n}": f"WIND STORM RAIN{n} COME" for n in range(12)}
    systems = {name: {key: text.replace("RAIN1", name) for key, text in references.items()} for name in names}
    scored = compare(references, systems)
    analyses = {name: breakdown(each) for name, each in scored.systems.items()}
    scoring = Scoring(
        "test", load("plain"), "", scored.systems, analyses, scored.comparisons, Resampling(resamples=50)
    )
    results = Results(scored.systems[names[0]].scores)
    runs = tuple(ComparedRun(name, tmp_path / name, tmp_path, recipe, results) for name in names)
    settings = {"decode.fusion": tuple(f"[{{name: ngram, file: /{'path/' * 20}{n}}}]" for n in range(count))}
    compared = with_short_names(RunComparison("test", runs, settings, scoring))
    write_page(tmp_path / "page.html", title(compared), page(compared, tmp_path))
    for width in (320, 800, 1280):
        browser(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=800,
            deviceScaleFactor=1,
            mobile=width == 320,
        )
        browser.open(tmp_path / "page.html")
        browser.value("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        page_is_wider = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert browser.value(page_is_wider) is False
        wide = "[...document.querySelectorAll('table')].filter((t) => !t.closest('.scroll')).length"
        assert browser.value(wide) == 0
