"""Recording takes of signs in a real browser, whose hands the tests move; and reading signs."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from live_page import (
    AXE,
    PageBrowser,
    halves,
    in_a_while,
    mjpeg,
    needs_browser,
    needs_page,
    with_fake_hands,
    write_signs,
)

from signkit.commands.live.server import serving
from signkit.commands.live.site import site_of
from signkit.data.corpora.configs import TakesConfig
from signkit.data.corpora.takes import read
from signkit.models.onnx.cases import plain_array
from signkit.types import Landmarks

pytestmark = [needs_browser, needs_page]


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[PageBrowser]:
    """At a page of signs, with a camera; after the test nothing was wrong, and nothing had left."""
    film = mjpeg([(halves("gray", "gray"), 30)], tmp_path / "camera.mjpeg")
    opened = PageBrowser(tmp_path / "profile", film)
    opened.allow("granted")
    opened("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    with serving(with_fake_hands(site_of(write_signs(tmp_path / "model"))), 0) as url:
        opened.visit(url)
        yield opened
    assert opened.complaints() == []
    assert opened.strangers() == []
    opened.close()


def told(browser: PageBrowser, state: str) -> str:
    """What the page says of recording, as soon as it is in this state."""
    browser.until(f"document.getElementById('teaching').dataset.state === '{state}'")
    return browser.text("teach-status")


def write_takes(file: Path, count: int) -> list[str]:
    points = np.random.default_rng(1).normal(100, 20, (count, 4, 42, 3)).astype(np.float32)
    take = {"gloss": "TREE", "fps": 25, "layout": "hands"}
    lines = [json.dumps({**take, "points": plain_array(each)}) for each in points]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return lines


def test_takes_are_recorded_by_keys_and_become_a_corpus(browser: PageBrowser, tmp_path: Path) -> None:
    write_takes(tmp_path / "before.jsonl", 5)
    browser.choose("takes", tmp_path / "before.jsonl")
    assert told(browser, "opened") == "5 takes are added."
    browser.press("Enter", "#signs li li:nth-child(2) button")
    assert told(browser, "deleted") == "Take 2 of TREE is deleted."
    assert browser.value("document.activeElement.id") == "sign"
    browser.press("Enter")
    assert told(browser, "nameless") == "Type the name of the sign first."
    browser("Input.insertText", text=" TREE ")
    browser.press("Enter")
    begins = "Take 5 of 5 of TREE begins in 3 seconds. Lower your hands."
    assert told(browser, "counting") == begins
    assert told(browser, "recording") == "Recording TREE: sign it now, then lower your hands."
    browser.until("document.getElementById('count').textContent === 'TREE'")
    browser.value("hand = 0.25; 0")
    taught = "A hand is in view. While takes are recorded, nothing is read."
    assert browser.state("taught") == taught
    browser.value("hand = null; 0")
    assert told(browser, "complete") == "TREE has 5 takes. Name the next sign, or download them."
    assert browser.typed() == ""
    browser.press("Enter", "#download")
    assert told(browser, "downloaded") == "5 takes are downloaded as signs.jsonl."
    in_a_while((tmp_path / "signs.jsonl").is_file)

    before = [each.load() for each in read(TakesConfig(file=str(tmp_path / "before.jsonl"))).samples]
    corpus = read(TakesConfig(file=str(tmp_path / "signs.jsonl")))
    assert [(each.reference, each.split) for each in corpus.samples] == [
        *[(("TREE",), "train")] * 4,
        (("TREE",), "test"),
    ]
    *others, recorded = (each.load() for each in corpus.samples)
    for ours, theirs in zip(others, [before[0], *before[2:]], strict=True):
        assert isinstance(ours, Landmarks) and isinstance(theirs, Landmarks)
        np.testing.assert_array_equal(ours.points, theirs.points)
    assert isinstance(recorded, Landmarks)
    joints = np.arange(21)
    seen = np.stack([640 * (0.25 + joints / 100), 480 * (0.5 + joints % 4 / 20), 0 * joints], -1)
    np.testing.assert_allclose(
        recorded.points[:, 21:], np.broadcast_to(seen, (len(recorded.points), 21, 3)), atol=1e-4
    )
    assert np.isnan(recorded.points[:, :21]).all()


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: `make web` was not run")
def test_takes_shut_nobody_out_and_signs_are_read(browser: PageBrowser, tmp_path: Path) -> None:
    """While takes are counted down, in the dark, on a phone; then they are given up, and a sign is read."""
    write_takes(tmp_path / "before.jsonl", 2)
    browser.choose("takes", tmp_path / "before.jsonl")
    told(browser, "opened")
    browser.dark(True)
    browser.phone()
    browser.value("document.getElementById('sign').focus()")
    browser("Input.insertText", text="TREE")
    browser.press("Enter")
    told(browser, "counting")
    assert browser.barriers() == []
    assert browser.value("document.documentElement.scrollWidth") == 320
    browser.press("Enter", "#record")
    assert told(browser, "ended") == "Recording has ended."
    browser.dark(False)
    assert browser.barriers() == []
    browser.value("hand = 0.25; 0")
    browser.until("document.getElementById('symbol').textContent === 'TREE'")
    browser.until("new Promise((done) => setTimeout(() => done(true), 300))")  # longer than the shortest sign
    assert browser.typed() == ""
    browser.value("hand = null; 0")
    browser.until("document.getElementById('text').value === 'TREE'")
