"""What the page of `signkit live` costs: its weight, the time to the first letter, frames a second, the time
of a step, and memory over many frames, in Chromium without a graphics processor, its camera showing photos.

    python benchmarks/live.py EXPORTED PHOTO… --frames 10000 --steps OTHER_EXPORT…
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from live_page import PageBrowser, mjpeg, on_grey

from signkit.commands.live import site
from signkit.commands.live.server import serving

COUNT = """
window.frames_shown = 0;
const asked = HTMLVideoElement.prototype.requestVideoFrameCallback;
HTMLVideoElement.prototype.requestVideoFrameCallback = function (callback) {
  return asked.call(this, (...given) => { window.frames_shown += 1; callback(...given); });
};
0
"""
STEPS = """
(async () => {
  const { openModel } = await import("/js/model.js");
  const get = (name) => fetch(name).then((answer) => answer.arrayBuffer());
  const read = (name) => fetch(name).then((answer) => answer.json());
  const [graph, wasm] = await Promise.all(["model/model.onnx", "vendor/ort/ort-wasm.wasm"].map(get));
  const { cases } = await read("model/golden.json");
  const described = await read("model/model.json");
  described.input.points &&= ["wrist"];
  const model = await openModel(described, graph, wasm);
  const kinds = { float32: Float32Array, uint8: Uint8Array };
  const found = [];
  for (const { input: { dtype, shape, base64 } } of cases) {
    const given = new kinds[dtype](Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)).buffer);
    const times = [];
    for (let n = 0; n < COUNT; n++) {
      const start = performance.now();
      await model.run(given, shape);
      times.push(performance.now() - start);
    }
    found.push([shape, times.slice(COUNT / 5)]);
  }
  return found;
})()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--steps", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    whole = site.site_of(options.model)
    sizes = {name: whole.size(name) for name in whole.files}
    wasm = sum(size for name, size in sizes.items() if name.endswith(".wasm"))
    print(
        f"page: {(sum(sizes.values()) - wasm) / 1e6:.1f} MB and {wasm / 1e6:.1f} MB of WebAssembly",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        film = [
            part for photo in options.photos for part in ((on_grey(Image.open(photo)), 60), (on_grey(), 10))
        ]
        browser = PageBrowser(Path(folder) / "profile", mjpeg(film, Path(folder) / "camera.mjpeg"))
        try:
            browser.allow("granted")
            with serving(whole, 0) as url:
                first_letters(browser, url)
                many_clips(browser, url, 10200)
                many_frames(browser, url, options.frames)
            for other in (options.model, *options.steps):
                steps(browser, other)
        finally:
            browser.close()


def first_letters(browser: PageBrowser, url: str) -> None:
    for visit in ("first visit", "again", "again"):
        begin = time.monotonic()
        browser.visit(url)
        ready = time.monotonic()
        browser.click("start")
        browser.until("document.querySelector('#bars .name').textContent !== ''")
        letter = time.monotonic()
        print(
            f"{visit}: ready after {ready - begin:.2f} s, first letter after {letter - begin:.2f} s",
            flush=True,
        )


def many_frames(browser: PageBrowser, url: str, frames: int) -> None:
    browser.visit(url)
    browser.value(COUNT)
    browser.click("start")
    browser.until("window.frames_shown > 50", 600)
    at, begin, known = 50, time.monotonic(), 0
    while known < frames:
        while (shown := browser.value("window.frames_shown")) < at:
            time.sleep(5)  # what is asked leaves traces in the heap
        now = time.monotonic()
        rate = f", {(shown - known) / (now - begin):.1f} frames/s" if known else ""
        known = shown
        print(f"{shown} frames: {memory(browser)}{rate}", flush=True)
        begin, at = time.monotonic(), at + max(50, frames // 10)
        browser.events.clear()


READ = """
(async () => {
  const { openModel } = await import("/js/model.js");
  const { HandReader } = await import("/js/reader.js");
  const get = (name) => fetch(name).then((answer) => answer.arrayBuffer());
  const [graph, wasm] = await Promise.all(["model/model.onnx", "vendor/ort/ort-wasm.wasm"].map(get));
  const described = await fetch("model/model.json").then((answer) => answer.json());
  const reader = new HandReader(await openModel(described, graph, wasm));
  let now = 0;
  window.readMore = async (count) => {
    const start = performance.now();
    for (let n = 0; n < count; n++, now += 40) {
      const right = Float32Array.from({ length: 63 }, (_, i) => 300 + 40 * Math.sin(i + now / 500));
      await reader.read(now, { left: null, right });
    }
    return (performance.now() - start) / count;
  };
})()
"""


def many_clips(browser: PageBrowser, url: str, frames: int) -> None:
    """Frames of made hands, without a camera and without MediaPipe."""
    browser("Page.navigate", url=url)
    browser.until("Boolean(document.body?.dataset.state)")
    browser.value(READ)
    browser.value("readMore(200)")
    known = 200
    print(f"{known} made hands: {memory(browser)}", flush=True)
    while known < frames:
        each = browser.value("readMore(400)")
        known += 400
        if known % 2000 == 200:
            print(f"{known} made hands: {memory(browser)}, {each:.2f} ms a frame", flush=True)


def memory(browser: PageBrowser) -> str:
    browser("HeapProfiler.collectGarbage")
    heap: dict[str, Any] = browser("Runtime.getHeapUsage")
    parts = heap["usedSize"], heap.get("backingStorageSize", 0), resident(browser)
    return "heap {:.2f} MB, arrays {:.1f} MB, process {:.0f} MB".format(*(part / 1e6 for part in parts))


def resident(browser: PageBrowser) -> int:
    """The memory of the largest of the browser's processes, which is the page's."""
    sizes = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            if (
                str(browser.folder) in (status.parent / "cmdline").read_text()
                and "renderer" in (status.parent / "cmdline").read_text()
            ):
                line = next(row for row in status.read_text().splitlines() if row.startswith("VmRSS"))
                sizes.append(int(line.split()[1]) * 1024)
        except OSError:
            pass
    return max(sizes, default=0)


def steps(browser: PageBrowser, model: Path, count: int = 100) -> None:
    site.check_readable = lambda model: None
    with serving(site.site_of(model), 0) as url:
        browser("Page.navigate", url=url)
        browser.until("Boolean(document.body?.dataset.state)")
        for shape, times in browser.value(STEPS.replace("COUNT", str(count))):
            low, *_, high = statistics.quantiles(times, n=10)
            middle = statistics.median(times)
            print(f"{model.name} {shape}: {low:.2f} / {middle:.2f} / {high:.2f} ms", flush=True)


if __name__ == "__main__":
    main()
