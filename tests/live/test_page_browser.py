"""The page in a real browser with a made camera: what it reads, what it says, and that nothing leaves."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import av
import pytest
from images import write_images
from live_page import (
    AXE,
    GOLDEN,
    PageBrowser,
    exported_fresh,
    exported_letters,
    halves,
    in_a_while,
    mjpeg,
    needs_browser,
    needs_page,
    on_grey,
    write_colours,
)
from PIL import Image

from signkit.commands.live.server import serving
from signkit.commands.live.site import site_of, write_site
from signkit.lm import estimate, save

pytestmark = [needs_browser, needs_page]
CAMERA_STATES = {
    "NotFoundError": ("absent", "No camera was found. Connect one and start again, or open a video file."),
    "NotReadableError": (
        "busy",
        "The camera is in use by another program. Close that one, then start again.",
    ),
    "TypeError": ("failed", "The camera cannot be used (TypeError: made)."),
}


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model that signkit carries, exported with words and a language model."""
    folder = tmp_path_factory.mktemp("letters")
    (folder / "words.txt").write_text("hello\nhelp\n", encoding="utf-8")
    lines = [list(line) for line in ("held", "held", "helmet", "hollow")]
    save(folder / "lm.arpa", estimate(lines, 3, unit="character").grams)
    return exported_letters(folder / "model", lm=folder / "lm.arpa", lexicon=folder / "words.txt")


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_colours(tmp_path_factory.mktemp("colours") / "model")


@pytest.fixture(scope="module")
def addresses(letters: Path, colours: Path) -> Iterator[dict[str, str]]:
    with ExitStack() as stack:
        yield {
            each.parent.name.rstrip("0123456789"): stack.enter_context(serving(site_of(each), 0))
            for each in (letters, colours)
        }


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageBrowser]:
    """A browser whose camera shows red on the left and blue on the right."""
    folder = tmp_path_factory.mktemp("browser")
    browser = PageBrowser(folder / "profile", mjpeg([(halves("red", "blue"), 30)], folder / "camera.mjpeg"))
    yield browser
    browser.close()


@pytest.fixture
def browser(opened: PageBrowser) -> Iterator[PageBrowser]:
    """After each test: the page asked for nothing of elsewhere, and nothing was wrong."""
    opened.allow("granted")
    yield opened
    assert opened.complaints() == []
    assert opened.strangers() == []


def test_the_browser_computes_what_the_model_does(browser: PageBrowser, addresses: dict[str, str]) -> None:
    browser.visit(addresses["letters"])
    apart = browser.value(GOLDEN)
    assert len(apart) == 3
    assert max(apart) < 1e-4


def test_the_browser_computes_what_other_models_do(browser: PageBrowser, tmp_path: Path) -> None:
    """A recogniser of a hand, and a classifier of images, whose pixels the graph resizes."""
    losses = {"ctc": "ctc", "classifier": "cross_entropy"}
    spelled = {
        "data": {"name": "composed", "train": 6, "dev": 2, "test": 2},
        "text": {"unit": "character"},
        "landmarks": {"origin": "clip", "scale": "none"},
        "encoder": {
            "name": "hand", "width": 16, "layers": 1,
            "local_temporal": {"kind": "dilated", "width": 16, "kernel": 5, "dilations": [1, 2], "stride": 2},
            "global_temporal": {"layers": 1, "width": 8},
        },
        "model": {"name": "ctc"},
    }  # fmt: skip
    images = write_images(tmp_path / "images", "AB", 3, size=16, signers=3)
    pictures = {
        "data": {"name": "images", "root": str(images)},
        "video": {"resize": 40, "crop": 32, "fit": "pad"},
        "encoder": {"name": "cnn", "channels": [4], "width": 8},
        "model": {"name": "classifier"},
        "decode": {"name": "labels"},
    }
    for content in (spelled, pictures):
        name = content["model"]["name"]
        content["train"] = {"losses": [{"name": losses[name]}], "max_steps": 1, "batch_size": 2}
        with serving(site_of(exported_fresh(tmp_path / name, content)), 0) as url:
            browser.visit(url)
            apart = browser.value(GOLDEN)
            assert len(apart) == 3
            assert max(apart) < 1e-4


def test_states_of_the_camera(browser: PageBrowser, addresses: dict[str, str]) -> None:
    browser.visit(addresses["letters"])
    assert browser.text("status") == "Ready. Start the camera, or open a video file."
    assert browser.text("model") == "hand_letters"
    browser.allow("prompt")
    browser.click("start")
    assert browser.state("asking") == "Asking for the camera: please allow it."
    browser.visit(addresses["letters"])
    browser.allow("denied")
    browser.click("start")
    refused = "The camera was refused. Allow it in the browser's settings for this page, then start again."
    assert browser.state("refused") == refused
    browser.allow("granted")
    browser.click("start")
    assert browser.state("noHand") == "No hand in view."
    browser.value(
        "document.getElementById('video').srcObject.getTracks()[0].dispatchEvent(new Event('ended'))"
    )
    assert browser.state("lost") == "The camera was lost. Connect it again, then start again."
    for name, (state, text) in CAMERA_STATES.items():
        made = f"Object.assign(new Error('made'), {{ name: {json.dumps(name)} }})"
        browser.value(f"navigator.mediaDevices.getUserMedia = () => Promise.reject({made}); 0")
        browser.click("start")
        assert browser.state(state) == text
        assert browser.value("document.getElementById('start').hidden") is False


def test_a_camera_that_is_stopped_before_it_comes(browser: PageBrowser, addresses: dict[str, str]) -> None:
    """Nothing stays on: of two streams that were asked for, the first one is ended."""
    browser.visit(addresses["colours"])
    browser.value("""
        window.streams = [];
        const asked = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = async (wanted) => {
          const stream = await asked(wanted);
          window.streams.push(stream);
          return stream;
        };
        document.getElementById("start").click();
        document.getElementById("start").click();
        0
    """)
    browser.state("reading")
    browser.until("window.streams.length === 2")
    live = "window.streams.map((s) => s.getTracks()[0].readyState)"
    browser.until(f"{live}.filter((state) => state === 'live').length === 1")
    browser.click("stop")
    assert browser.value(live) == ["ended", "ended"]
    assert browser.text("status") == "Stopped. Start the camera, or open a video file."


def test_no_camera(tmp_path: Path, addresses: dict[str, str]) -> None:
    browser = PageBrowser(tmp_path / "profile", None)
    try:
        browser.allow("granted")
        browser.visit(addresses["colours"])
        browser.click("start")
        assert browser.state("absent", "reading") == CAMERA_STATES["NotFoundError"][1]
        assert browser.complaints() == []
    finally:
        browser.close()


def test_an_image_model_reads_the_region(browser: PageBrowser, addresses: dict[str, str]) -> None:
    """The whole picture is as red as blue; as a mirror it shows blue on the left."""
    browser.visit(addresses["colours"])
    browser.click("start")
    browser.state("reading")
    browser.until("document.querySelectorAll('#bars .share')[0].textContent === '50 %'")
    browser.press("ArrowLeft", "#region", shift=True)
    for _ in range(24):
        browser.press("ArrowLeft", shift=True)  # the right half is left out
    browser.until("document.getElementById('symbol').textContent === 'BLUE'")
    browser.click("whole")
    box = browser.value("Object.values(document.getElementById('stage').getBoundingClientRect().toJSON())")
    at = lambda x, y: {"x": box[0] + x * box[2], "y": box[1] + y * box[3], "button": "left"}  # noqa: E731
    browser("Input.dispatchMouseEvent", type="mousePressed", clickCount=1, **at(0.6, 0.2))
    browser("Input.dispatchMouseEvent", type="mouseMoved", buttons=1, **at(0.9, 0.8))
    browser("Input.dispatchMouseEvent", type="mouseReleased", clickCount=1, **at(0.9, 0.8))
    browser.until("document.getElementById('symbol').textContent === 'RED'")
    browser.until("document.querySelector('#bars li').className === 'clear'")
    assert "/js/tracker" in json.dumps(browser.events)
    assert "hand_landmark" not in json.dumps(browser.events)  # which it does not need
    browser.until("document.getElementById('text').value.endsWith('RED')")
    assert browser.text("said") == "RED"


def test_a_video_in_place_of_a_camera(
    browser: PageBrowser, addresses: dict[str, str], tmp_path: Path
) -> None:
    """It is not mirrored, is read to its end, and types what is in it."""
    browser.visit(addresses["colours"])
    browser.slide("hold", 0.2)
    with av.open(str(tmp_path / "film.webm"), "w") as film:
        stream = film.add_stream("libvpx", rate=25, options={"deadline": "realtime"})
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for colour in ("lime", "blue"):
            picture = halves(colour, colour).resize((160, 120))
            for _ in range(30):
                film.mux(stream.encode(av.VideoFrame.from_image(picture)))
        film.mux(stream.encode())
    browser.choose("file", tmp_path / "film.webm")
    browser.state("reading")
    assert browser.value("document.getElementById('stage').className") == ""
    assert browser.state("ended") == "The video has ended."
    assert browser.typed() == "GREEN BLUE"
    (tmp_path / "no.mp4").write_text("no video", encoding="utf-8")
    browser.choose("file", tmp_path / "no.mp4")
    unreadable = "This file cannot be played as a video. Browsers read mp4 and webm."
    assert browser.state("unreadable") == unreadable


def test_what_is_typed_can_be_edited_by_keys(browser: PageBrowser, addresses: dict[str, str]) -> None:
    browser.visit(addresses["letters"])
    browser.value("document.getElementById('text').focus()")
    browser("Input.insertText", text="HELLO")
    browser.press("Enter", "#delete")
    browser.press(" ", "#space")
    assert browser.typed() == "HELL "
    browser.value("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    browser.press("Enter", "#copy")
    browser.until("document.getElementById('said').textContent === 'Copied'")
    assert browser.value("window.copied") == "HELL "
    browser.press("Enter", "#clear")
    assert browser.typed() == ""
    browser.press("Tab")
    assert browser.value("document.activeElement.tagName") == "SUMMARY"


def test_words_are_suggested_by_a_lexicon_and_then_by_a_language_model(
    browser: PageBrowser, addresses: dict[str, str]
) -> None:
    browser.visit(addresses["letters"])
    browser.value("document.getElementById('text').focus()")
    browser("Input.insertText", text="SAY HEL")
    names = "[...document.querySelectorAll('#suggestions button')].map((b) => b.textContent)"
    assert browser.value(names) == ["HELLO", "HELP", "HELD"]
    browser.press("Enter", "#suggestions button:last-child")
    assert browser.typed() == "SAY HELD "
    assert browser.value("document.getElementById('language').hidden") is False
    browser.slide("weight", 0.8)
    assert browser.text("weight-value") == "0.8"
    browser.visit(addresses["colours"])
    assert browser.value("document.getElementById('language').hidden") is True


def test_model_and_page_that_do_not_match(browser: PageBrowser, letters: Path, tmp_path: Path) -> None:
    described = json.loads((letters / "model.json").read_text(encoding="utf-8"))
    (tmp_path / "model.onnx").write_bytes((letters / "model.onnx").read_bytes())
    for change, why in (
        (
            {"outputs": {"letter": ["A"]}},
            "model.json says points → letter, and model.onnx has points → gloss",
        ),
        ({"input": {"kind": "smell"}}, "the model reads smell"),
    ):
        (tmp_path / "model.json").write_text(json.dumps({**described, **change}), encoding="utf-8")
        with serving(site_of(tmp_path), 0) as url:
            browser.visit(url, "mismatch")
            assert browser.text("status") == f"Model and page do not match: {why}. Export the model again."
            assert browser.value("document.getElementById('start').disabled") is True


@pytest.mark.slow
def test_letters_of_a_recorder_become_the_text(
    real_data: Callable[[str], Path], tmp_path: Path, addresses: dict[str, str]
) -> None:
    """From photos before the camera to a word, by the hands that the browser finds in them."""
    folder = real_data("letter_images") / "images"
    film = [(on_grey(), 75)]
    for letter in "DEAF":
        film += [(on_grey(Image.open(folder / f"s5_{letter}_010.jpg")), 45), (on_grey(), 12)]
    browser = PageBrowser(tmp_path / "profile", mjpeg(film, tmp_path / "camera.mjpeg"))
    try:
        browser.allow("granted")
        browser.visit(addresses["letters"])
        browser.slide("hold", 0.3)
        browser.click("start")
        in_a_while(lambda: "DEAF" in browser.typed().split())
        assert browser.complaints() == []
        assert browser.strangers() == []
    finally:
        browser.close()


def test_a_page_for_any_host_works_below_any_path(
    browser: PageBrowser, colours: Path, tmp_path: Path
) -> None:
    """Its policy is in the page, and every path is relative."""
    from signkit.commands.live.site import Site

    write_site(colours, tmp_path / "site")
    files = {
        f"some/where/{path.relative_to(tmp_path / 'site').as_posix()}": path
        for path in (tmp_path / "site").rglob("*")
        if path.is_file()
    }
    with serving(Site(dict(files)), 0) as url:
        browser.visit(f"{url}some/where/index.html")
        browser.url = url
        browser.click("start")
        browser.state("reading")
    assert browser.complaints() == []
    assert browser.strangers() == []


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: `make web` was not run")
@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
def test_no_fault_that_shuts_people_out(
    browser: PageBrowser, addresses: dict[str, str], is_dark: bool
) -> None:
    browser.dark(is_dark)
    browser.visit(addresses["colours"])
    browser.value("document.querySelector('details').open = true; 0")
    found = browser.barriers()
    browser.dark(False)
    assert found == []


def test_a_phone_shows_it_without_scrolling_sideways(browser: PageBrowser, addresses: dict[str, str]) -> None:
    browser.phone()
    browser.visit(addresses["letters"])
    browser.value("document.querySelector('details').open = true; 0")
    assert browser.value("document.documentElement.scrollWidth") == 320
    browser("Emulation.clearDeviceMetricsOverride")
