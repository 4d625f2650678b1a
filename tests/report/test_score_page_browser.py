"""The page of a scoring in a browser, by its keys alone; skipped where there is no Chromium."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser import CHROMIUM, Browser
from score_demo import demonstration

from signkit.eval.transcripts import SUBSTITUTION
from signkit.report import page as pages
from signkit.report.scores import score_table
from signkit.report.scoring.page import Page, write_page
from signkit.report.sections import Lines, Paragraph
from signkit.types import SPLITS, Score

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


@pytest.fixture(scope="module")
def content() -> Page:
    return demonstration(2, 40)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory, content: Page) -> Iterator[tuple[Browser, Path]]:
    folder = tmp_path_factory.mktemp("page")
    write_page(folder / "page.html", content)
    browser = Browser(folder / "profile")
    yield browser, folder / "page.html"
    browser.close()


@pytest.fixture
def browser(started: tuple[Browser, Path]) -> Browser:
    found, path = started
    found.open(path)
    return found


def shown(browser: Browser) -> list[int]:
    """The sentences that are to be seen, in their order on the page."""
    sentences = 'Array.from(document.querySelectorAll("article")).filter((a) => !a.hidden)'
    return list(browser.value(f"{sentences}.map((a) => Number(a.dataset.n))"))


def confused(page: Page, reference: str, hypothesis: str) -> list[int]:
    """The sentences in which one of the systems took a word for another."""
    found = set()
    for system in page.systems:
        aligned, tokens = system.aligned, np.array(system.pairs.tokens)
        wrong = np.flatnonzero(aligned.kinds == SUBSTITUTION)
        left, right = tokens[aligned.references[wrong]], tokens[aligned.hypotheses[wrong]]
        both = (left == reference) & (right == hypothesis)
        found |= set((np.searchsorted(aligned.offsets, wrong[both], side="right") - 1).tolist())
    return sorted(found)


def test_the_script_runs_under_the_pages_own_policy(browser: Browser) -> None:
    assert browser.value("document.documentElement.className") == "js"
    assert browser.value("document.scripts.length") == 1


def test_the_first_key_leads_to_the_content(browser: Browser) -> None:
    browser.press("Tab")
    assert browser.value("document.activeElement.textContent") == "To the content"
    assert browser.value("document.activeElement.getBoundingClientRect().left") >= 0
    browser.press("Enter")
    assert browser.value("document.activeElement.id") == "main"


def test_a_table_is_sorted_by_keys(browser: Browser) -> None:
    head = "#part-1 ~ .scroll th:nth-child(4)"
    rows = 'Array.from(document.querySelectorAll("#part-1 ~ .scroll tbody tr"))'
    column = f"{rows}.map((r) => Number(r.cells[3].dataset.v))"
    values = browser.value(column)
    browser.press("Enter", f"{head} button")
    assert browser.value(column) == sorted(values, reverse=True) != values
    assert browser.value(f'document.querySelector("{head}").ariaSort') == "descending"
    browser.press(" ", f"{head} button")
    assert browser.value(column) == sorted(values)
    assert browser.value(f'document.querySelector("{head}").ariaSort') == "ascending"
    browser.press("Enter", "#part-1 ~ .scroll th:nth-child(1) button")
    assert browser.value(f'document.querySelector("{head}").ariaSort') == "none"
    names = browser.value(f"{rows}.map((r) => r.cells[0].textContent)")
    assert names == sorted(names)


def test_what_is_undefined_comes_last_in_both_orders(browser: Browser) -> None:
    """Lengths of one sentence have no interval."""
    table = 'Array.from(document.querySelectorAll(".system:not([hidden]) details table")).at(-1)'
    browser.value("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    read = f"Array.from({table}.tBodies[0].rows).map((r) => r.cells[5].dataset.v)"
    assert "" in browser.value(read)
    for _ in range(2):
        browser.value(f"{table}.tHead.rows[0].cells[5].firstElementChild.focus()")
        browser.press("Enter")
        values = browser.value(read)
        given = [v for v in values if v != ""]
        assert values == given + [""] * (len(values) - len(given))


def test_sentences_are_found_by_words_by_ids_and_by_confusions(browser: Browser, content: Page) -> None:
    pairs = content.systems[0].pairs
    for text, expected in (
        ("schnee→regen", confused(content, "SCHNEE", "REGEN")),
        (pairs.ids[7].upper(), [7]),
        (" ".join(pairs.words(pairs.references[5])), [5]),
        ("مطر", [40]),
        ("nowhere", []),
        ("chnee→regen", []),  # a confusion is of whole words
        ("", list(range(43))),
    ):
        browser.value("document.querySelector('.filter').select()")
        if text:
            browser("Input.insertText", text=text)
        else:
            browser.press("Delete")
        assert shown(browser) == expected, text
        assert browser.value("document.querySelector('.shown').textContent") == f"{len(expected)} of 43 shown"


def test_a_confusion_leads_to_its_sentences(browser: Browser, content: Page) -> None:
    first = content.systems[0].analyses.confusions[0]
    browser.press("Enter", ".find")
    assert shown(browser) == confused(content, first.reference, first.hypothesis) != []
    assert browser.value("document.activeElement.className") == "filter"


def test_only_sentences_with_errors(browser: Browser, content: Page) -> None:
    errors = sum(s.aligned.errors for s in content.systems)
    browser.press(" ", ".wrong")
    assert shown(browser) == np.flatnonzero(errors).tolist() != list(range(43))
    browser.press(" ", ".wrong")
    assert shown(browser) == list(range(43))


def test_sentences_are_ordered_by_errors(browser: Browser, content: Page) -> None:
    errors = np.sum([s.aligned.errors for s in content.systems], axis=0)
    browser.press("ArrowDown", ".order")
    assert browser.value("document.querySelector('.order').value") == "e"
    assert shown(browser) == np.argsort(-errors, kind="stable").tolist()


def test_one_system_at_a_time(browser: Browser) -> None:
    hidden = 'Array.from(document.querySelectorAll(".system")).map((s) => s.hidden)'
    assert browser.value(hidden) == [False, True]
    browser.press("ArrowRight", "input[name=system]")
    assert browser.value(hidden) == [True, False]


def test_the_colours_change_by_a_key(started: tuple[Browser, Path]) -> None:
    browser, path = started
    browser("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    browser.open(path)
    ground = "getComputedStyle(document.body).backgroundColor"
    pressed = 'document.querySelector("#theme").ariaPressed'
    assert (browser.value(ground), browser.value(pressed)) == ("rgb(22, 24, 28)", "true")
    browser.press("Enter", "#theme")
    assert (browser.value(ground), browser.value(pressed)) == ("rgb(255, 255, 255)", "false")
    browser.open(path)  # the choice is kept
    assert (browser.value(ground), browser.value(pressed)) == ("rgb(255, 255, 255)", "false")
    browser.value("localStorage.clear()")
    browser("Emulation.setEmulatedMedia", features=[])


def test_a_narrow_screen_does_not_scroll_sideways(browser: Browser) -> None:
    browser("Emulation.setDeviceMetricsOverride", width=320, height=640, deviceScaleFactor=1, mobile=True)
    browser.value("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert browser.value("document.documentElement.scrollWidth") == 320
    browser("Emulation.clearDeviceMetricsOverride")


def test_long_names_and_tables_stay_within_a_narrow_screen(
    started: tuple[Browser, Path], tmp_path: Path
) -> None:
    browser, _ = started
    name = "runs/quickstart/20301128-112444-56f6be06-a-very-long-name"
    scores = [Score(each, 0.5, split, low=0.25, high=0.75) for each in ("wer", "bleu4") for split in SPLITS]
    table = score_table(scores, SPLITS, "Scores")
    sections = [Paragraph(name), table, Lines((name,), "Lines"), Paragraph(name, name, folded=name)]
    pages.write_page(tmp_path / "page.html", name, [*sections, Paragraph("of\u00a0" * 99, "Long")])
    browser("Emulation.setDeviceMetricsOverride", width=320, height=640, deviceScaleFactor=1, mobile=True)
    browser.open(tmp_path / "page.html")
    assert browser.value("document.documentElement.scrollWidth") == 320
    browser("Emulation.clearDeviceMetricsOverride")
