"""Exported models: their sizes, the time of a clip or an image on one core, and how exact they are.

    python benchmarks/onnx_models.py
    python benchmarks/onnx_models.py RUN ...     # of finished runs

Without runs: the model that signkit carries; recipes with fresh weights, `signs_conv_transformer` for 250
signs and `letters_mobilenet` for 26 letters; and models with CTC over the 59 characters of Kaggle's
fingerspelling contest, fresh, too. Times are of the processor alone, so that other work counts less: the
median of clips in a row, each as long as the column says, or of images of that height and width. Differences
are of probabilities, on the clips of 1 to 128 frames, or the images, that an export is checked on.
"""

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import json
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from signkit.commands.predict.options import PredictOptions
from signkit.commands.predict.search import load_model
from signkit.config.recipe import LandmarksConfig
from signkit.config.recipe_file import load_recipe
from signkit.models.assemble import task_by_name
from signkit.models.encoders.configs import LandmarkTransformerConfig, SqueezeformerConfig
from signkit.models.export import TrainedModel
from signkit.models.onnx.folder import BOUNDS, write_onnx
from signkit.models.onnx.names import MODEL
from signkit.models.onnx.trace import session
from signkit.models.spec import SIGNAL, TEXT, Labels, SignalInput, Spec
from signkit.runtime.runs import find_run
from signkit.text.vocabulary import BLANK, UNKNOWN, Vocabulary
from signkit.types import VIDEO

CHARACTERS = " !#$%&'()*+,-./0123456789:;=?@[_abcdefghijklmnopqrstuvwxyz~"
FRAMES, SIZES = (1, 16, 128, 384), ((256, 256), (480, 640), (720, 1280))
HAND = LandmarksConfig(points="hand_and_arm", hand="signing", origin="none", scale="none")
ENCODERS = {
    "squeezeformer 208 x 14": (
        SqueezeformerConfig(),
        LandmarksConfig(points="fingerspelling"),
        "fingerspelling",
    ),
    "squeezeformer 208 x 14, stride 2": (
        SqueezeformerConfig(stride=2),
        LandmarksConfig(points="fingerspelling"),
        "fingerspelling",
    ),
    "squeezeformer 144 x 6": (
        SqueezeformerConfig(width=144, blocks=6),
        LandmarksConfig(points="fingerspelling"),
        "fingerspelling",
    ),
    "landmark_transformer 200 x 2": (LandmarkTransformerConfig(), HAND, "hand_and_arm"),
    "landmark_transformer 64 x 4": (
        LandmarkTransformerConfig(width=64, layers=4, heads=2, feed_forward=128),
        HAND,
        "hand_and_arm",
    ),
}


CARRIED = "hand_letters"
FRESH = {"signs_conv_transformer": ("holistic", 250), "letters_mobilenet": (VIDEO, 26)}


def recogniser(name: str) -> TrainedModel:
    encoder, landmarks, points = ENCODERS[name]
    recipe = load_recipe("aslfr_ctc", check_paths=False)
    recipe = replace(recipe, encoder=encoder, landmarks=landmarks)
    vocabulary = Vocabulary((BLANK, UNKNOWN, *sorted(CHARACTERS)), "character")
    spec = Spec({SIGNAL: SignalInput(points, 3)}, {TEXT: vocabulary})
    return TrainedModel(recipe, spec, task_by_name(recipe).model(spec).eval())


def classifier(name: str) -> TrainedModel:
    layout_name, classes = FRESH[name]
    changes = ["encoder.weights=none"] if layout_name == VIDEO else []
    recipe = load_recipe(name, changes, check_paths=False)
    spec = Spec({SIGNAL: SignalInput(layout_name, 3)}, {"gloss": Labels(tuple(map(str, range(classes))))})
    return TrainedModel(recipe, spec, task_by_name(recipe).model(spec).eval())


def given(folder: Path, size: tuple[int, ...]) -> np.ndarray:
    """An input: a clip of so many frames, or an image of that height and width."""
    about = json.loads((folder / "model.json").read_text(encoding="utf-8"))["input"]
    rng = np.random.default_rng(0)
    if about["kind"] == "image":
        return rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    return rng.normal(size=(1, *size, len(about["points"]), about["width"])).astype(np.float32)


def milliseconds(folder: Path, size: tuple[int, ...], times: int) -> float:
    graph = session((folder / MODEL).read_bytes())
    inputs, taken = {graph.get_inputs()[0].name: given(folder, size)}, []
    graph.run(None, inputs)
    for _ in range(times):
        start = time.process_time()
        graph.run(None, inputs)
        taken.append(time.process_time() - start)
    return 1000 * statistics.median(taken)


def table(models: dict[str, TrainedModel], sizes: dict[str, tuple[int, ...]], times: int) -> None:
    print(
        "| model | weights | stored in | MB | difference |", " | ".join(f"ms, {size}" for size in sizes), "|"
    )
    print("|---|---|---|---|---|" + "---|" * len(sizes))
    for name, trained in models.items():
        weights = sum(each.numel() for each in trained.model.parameters())
        for precision in BOUNDS:
            with tempfile.TemporaryDirectory() as place:
                done = write_onnx(Path(place) / "out", trained, Path(place), precision)
                each = [milliseconds(done.folder, size, times) for size in sizes.values()]
            cells = " | ".join(f"{value:.0f}" if value >= 10 else f"{value:.2g}" for value in each)
            about = f"{precision} | {done.size / 1e6:.2f} | {done.difference:.1g}"
            print(f"| {name} | {weights:,} | {about} | {cells} |", flush=True)
    print()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="*")
    parser.add_argument("--times", type=int, default=15, help="clips a time is the median of")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.runs:
        models = {name: load_model(find_run(name), PredictOptions()) for name in options.runs}
    else:
        models = {CARRIED: load_model(find_run(CARRIED), PredictOptions())}
        models |= {name: classifier(name) for name in FRESH} | {name: recogniser(name) for name in ENCODERS}
    images = {name: each for name, each in models.items() if each.spec.signal.layout == VIDEO}
    clips = {name: each for name, each in models.items() if name not in images}
    if clips:
        table(clips, {f"{frames} frames": (frames,) for frames in FRAMES}, options.times)
    if images:
        table(images, {f"{height} x {width}": (height, width) for height, width in SIZES}, options.times)
    return 0


if __name__ == "__main__":
    sys.exit(main())
