"""The page of `signkit live` in Chromium with a made camera: what its tests share."""

import base64
import io
import json
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from browser import CHROMIUM, Browser
from PIL import Image
from tracing import unchecked_shapes

import signkit
from signkit.commands.live.site import PAGE, VENDOR, Site
from signkit.config.recipe_file import load_recipe
from signkit.data.builtin_layouts import HAND
from signkit.models.export import TrainedModel, write_export
from signkit.train.setup import prepare

ROOT = Path(__file__).resolve().parents[1]
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
NODE = shutil.which("node")
FAKE = "--use-fake-device-for-media-stream"
WIDTH, HEIGHT = 640, 480
GREY = (120, 125, 130)

needs_page = pytest.mark.skipif(not (PAGE / VENDOR).is_dir(), reason="`make web` was not run")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


class PageBrowser(Browser):
    """Chromium that finds no other machine, and notes what the page asks for and complains of.

    Args:
        camera: frames of the camera, MJPEG; None: there is no camera.
    """

    def __init__(self, folder: Path, camera: Path | None) -> None:
        fake = [] if camera is None else [FAKE, f"--use-file-for-fake-video-capture={camera}"]
        super().__init__(folder, *fake, "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
        self.folder = folder
        for domain in ("Page", "Runtime", "Log", "Network"):
            self(f"{domain}.enable")
        self.url = ""

    def allow(self, setting: str) -> None:
        """Set whether the page gets the camera: granted, denied or prompt."""
        self("Browser.setPermission", permission={"name": "camera"}, setting=setting)

    def visit(self, url: str, state: str = "ready") -> None:
        """Open a page and wait for a state of it."""
        self.events.clear()
        self.url = url
        self("Page.navigate", url=url)
        self.state(state)

    def state(self, *names: str, seconds: float = 60) -> str:
        """Wait until the page is in one of these states; returns what it says of it."""
        among = json.dumps(names)
        self.until(f"{among}.includes(document.body?.dataset.state)", seconds)
        return str(self.text("status"))

    def text(self, element: str) -> str:
        return str(self.value(f"document.getElementById({json.dumps(element)}).textContent"))

    def click(self, element: str) -> None:
        self.value(f"document.getElementById({json.dumps(element)}).click()")

    def typed(self) -> str:
        return str(self.value("document.getElementById('text').value"))

    def slide(self, element: str, value: float) -> None:
        """Move a slider."""
        self.value(
            f"(e => {{ e.value = {value}; e.oninput(); }})(document.getElementById({json.dumps(element)}))"
        )

    def choose(self, element: str, file: Path) -> None:
        """Choose a file, as in the system's dialogue."""
        found = self("Runtime.evaluate", expression=f"document.getElementById({json.dumps(element)})")
        self("DOM.setFileInputFiles", files=[str(file)], objectId=found["result"]["objectId"])

    def phone(self) -> None:
        """Have the screen of a small phone."""
        self("Emulation.setDeviceMetricsOverride", width=320, height=640, deviceScaleFactor=1, mobile=True)

    def dark(self, is_dark: bool) -> None:
        value = "dark" if is_dark else "light"
        self("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": value}])

    def picture(self, file: Path) -> None:
        """Write what is shown."""
        file.write_bytes(base64.b64decode(self("Page.captureScreenshot", format="png")["data"]))

    def barriers(self) -> list[Any]:
        """What axe-core finds."""
        self.value(AXE.read_text(encoding="utf-8") + "; 0")
        found = "r.violations.map((v) => [v.id, v.impact, v.nodes.map((n) => n.html)])"
        return list(self.value(f"axe.run().then((r) => {found})"))

    def strangers(self) -> list[str]:
        """Addresses the page asked for that are not its own."""
        asked = (each["params"]["request"]["url"] for each in self._of("Network.requestWillBeSent"))
        return [url for url in asked if not url.startswith((self.url, "blob:", "data:"))]

    def complaints(self) -> list[str]:
        """Errors of the console, exceptions, and breaches of the policy."""
        self.value("0")  # so that what was told before it is here
        found = [json.dumps(each["params"]) for each in self._of("Runtime.exceptionThrown")]
        for each in self._of("Runtime.consoleAPICalled"):
            found += [json.dumps(each["params"]["args"])] if each["params"]["type"] == "error" else []
        for each in self._of("Log.entryAdded"):
            entry = each["params"]["entry"]
            found += [entry["text"]] if entry["level"] == "error" else []
        return found

    def _of(self, method: str) -> list[dict[str, Any]]:
        return [each for each in self.events if each.get("method") == method]


def mjpeg(pictures: Iterable[tuple[Image.Image, int]], file: Path) -> Path:
    """A film of pictures, each for so many thirtieths of a second. A made camera repeats it."""
    with open(file, "wb") as film:
        for picture, frames in pictures:
            content = io.BytesIO()
            picture.save(content, "JPEG", quality=92)
            film.write(content.getvalue() * frames)
    return file


def on_grey(picture: Image.Image | None = None) -> Image.Image:
    """A picture three times as large in the middle of a grey one of the camera's size."""
    ground = Image.new("RGB", (WIDTH, HEIGHT), GREY)
    if picture is not None:
        large = picture.convert("RGB").resize(
            (3 * picture.width, 3 * picture.height), Image.Resampling.LANCZOS
        )
        ground.paste(large, ((WIDTH - large.width) // 2, (HEIGHT - large.height) // 2))
    return ground


def halves(left: str, right: str) -> Image.Image:
    """A picture of two colours."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), right)
    picture.paste(left, (0, 0, WIDTH // 2, HEIGHT))
    return picture


def write_colours(folder: Path) -> Path:
    """An exported model of images that names the strongest of three colours, by the means of the picture."""
    onnx = pytest.importorskip("onnx")
    helper, kinds = onnx.helper, onnx.TensorProto
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=kinds.FLOAT),
        helper.make_node("ReduceMean", ["float"], ["means"], axes=[0, 1], keepdims=0),
        helper.make_node("Mul", ["means", "steepness"], ["steep"]),
        helper.make_node("LogSoftmax", ["steep"], ["flat"], axis=0),
        helper.make_node("Unsqueeze", ["flat", "first"], ["colour"]),
    ]
    graph = helper.make_graph(
        nodes,
        "colours",
        [helper.make_tensor_value_info("image", kinds.UINT8, ["height", "width", 3])],
        [helper.make_tensor_value_info("colour", kinds.FLOAT, [1, 3])],
        [
            helper.make_tensor("steepness", kinds.FLOAT, [], [0.05]),
            helper.make_tensor("first", kinds.INT64, [1], [0]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    folder.mkdir()
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    described = {
        "name": "colours",
        "task": "classification",
        "input": {"name": "image", "kind": "image", "size": [8, 8], "resize": 8, "fit": "pad"},
        "outputs": {"colour": ["RED", "GREEN", "BLUE"]},
        "temperature": 1.0,
    }
    (folder / "model.json").write_text(json.dumps(described), encoding="utf-8")
    return folder


def write_signs(folder: Path) -> Path:
    """An exported model of hands that names every sign TREE, and is sure of it."""
    onnx = pytest.importorskip("onnx")
    helper, kinds = onnx.helper, onnx.TensorProto
    nodes = [
        helper.make_node("Shape", ["points"], ["shape"]),
        helper.make_node("Size", ["shape"], ["four"]),
        helper.make_node("Cast", ["four"], ["number"], to=kinds.FLOAT),
        helper.make_node("Mul", ["number", "weights"], ["logits"]),
        helper.make_node("LogSoftmax", ["logits"], ["gloss"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "signs",
        [helper.make_tensor_value_info("points", kinds.FLOAT, [1, "frames", 42, 3])],
        [helper.make_tensor_value_info("gloss", kinds.FLOAT, [1, 2])],
        [helper.make_tensor("weights", kinds.FLOAT, [1, 2], [-1.0, 1.0])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    folder.mkdir()
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    points = [f"{side}_hand_{name}" for side in ("left", "right") for name in HAND]
    described = {
        "name": "signs",
        "task": "classification",
        "input": {"name": "points", "kind": "landmarks", "layout": "hands", "points": points, "width": 3},
        "outputs": {"gloss": ["SUN", "TREE"]},
        "fps": 25.0,
    }
    (folder / "model.json").write_text(json.dumps(described), encoding="utf-8")
    return folder


FAKE_HANDS = b"""
globalThis.hand = null; // the x of what is seen as a right hand
globalThis.Hands = class {
  setOptions() {}
  reset() {}
  onResults(callback) { this.callback = callback; }
  async send() {
    const point = (i) => ({ x: hand + i / 100, y: 0.5 + (i % 4) / 20, z: 0 });
    const found = Array.from({ length: 21 }, (_, i) => point(i));
    const some = { multiHandLandmarks: [found], multiHandedness: [{ label: "Left", score: 0.9 }] };
    this.callback(hand === null ? {} : some);
  }
};
"""
"""In place of MediaPipe: a test says where a hand is."""


def with_fake_hands(site: Site) -> Site:
    """A page without MediaPipe, which is given `FAKE_HANDS`."""
    sizes = json.loads(site.read("files.json"))
    kept = {name: size for name, size in sizes.items() if not name.startswith("vendor/hands/")}
    changed = {"files.json": json.dumps(kept).encode(), "vendor/hands/hands.js": FAKE_HANDS}
    return Site({**site.files, **changed})


def exported_letters(folder: Path, **more: Any) -> Path:
    """The model that signkit carries, exported."""
    return _exported("hand_letters", folder, **more)


def exported_fresh(folder: Path, content: dict[str, Any]) -> Path:
    """A fresh model of a recipe, exported."""
    folder.mkdir(parents=True)
    (folder / "fresh.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    recipe = load_recipe(str(folder / "fresh.yaml"))
    found = prepare(recipe)
    write_export(folder / "run" / "export", TrainedModel(recipe, found.spec, found.model))
    return _exported(folder / "run", folder / "model")


def _exported(run: str | Path, folder: Path, **more: Any) -> Path:
    with unchecked_shapes():
        return signkit.export(run, folder, **more).folder


def in_a_while(check: Any, seconds: float = 60) -> None:
    """Wait until a check holds."""
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "never so"
        time.sleep(0.1)


GOLDEN = """
(async () => {
  const { openModel } = await import("/js/model.js");
  const get = (name) => fetch(name).then((answer) => answer.arrayBuffer());
  const read = (name) => fetch(name).then((answer) => answer.json());
  const described = await read("model/model.json");
  const golden = await read("model/golden.json");
  const [graph, wasm] = await Promise.all(["model/model.onnx", "vendor/ort/ort-wasm.wasm"].map(get));
  const model = await openModel(described, graph, wasm);
  const kinds = { float32: Float32Array, uint8: Uint8Array };
  const array = ({ dtype, base64 }) =>
    new kinds[dtype](Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)).buffer);
  const apart = [];
  for (const { input, outputs } of golden.cases) {
    const found = await model.run(array(input), input.shape);
    const expected = array(outputs[model.output]);
    if (found.length !== expected.length) throw new Error(`${found.length} is not ${expected.length}`);
    apart.push(Math.max(...found.map((x, i) => Math.abs(Math.exp(x) - Math.exp(expected[i])))));
  }
  return apart;
})()
"""
"""Of each golden case the largest difference between the page's probabilities and the model's."""
