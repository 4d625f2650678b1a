"""Graphs of models on landmarks: their sizes, the time of a clip on one core, and how exact they are.

    python benchmarks/onnx_landmarks.py
    python benchmarks/onnx_landmarks.py RUN ...     # of finished runs

Without runs the models have fresh weights and CTC over the 59 characters of Kaggle's fingerspelling contest.
Times are of the processor alone, so that other work counts less: the median of clips in a row, each as long
as the column says. Differences are of probabilities, on clips of 1 to 128 frames.
"""

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from signkit.commands.predict.options import PredictOptions
from signkit.commands.predict.search import load_model
from signkit.config.recipe import LandmarksConfig
from signkit.config.recipe_file import load_recipe
from signkit.data.landmarks import layout
from signkit.models.assemble import task_by_name
from signkit.models.encoders.configs import LandmarkTransformerConfig, SqueezeformerConfig
from signkit.models.export import TrainedModel
from signkit.models.onnx.folder import write_onnx
from signkit.models.spec import SIGNAL, TEXT, SignalInput, Spec
from signkit.runtime.runs import find_run
from signkit.text.vocabulary import BLANK, UNKNOWN, Vocabulary

CHARACTERS = " !#$%&'()*+,-./0123456789:;=?@[_abcdefghijklmnopqrstuvwxyz~"
FRAMES = (128, 256, 384)
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


def fresh(name: str) -> TrainedModel:
    encoder, landmarks, points = ENCODERS[name]
    recipe = load_recipe("aslfr_ctc", check_paths=False)
    recipe = replace(recipe, encoder=encoder, landmarks=landmarks)
    vocabulary = Vocabulary((BLANK, UNKNOWN, *sorted(CHARACTERS)), "character")
    spec = Spec({SIGNAL: SignalInput(points, 3)}, {TEXT: vocabulary})
    return TrainedModel(recipe, spec, task_by_name(recipe).model(spec).eval())


def milliseconds(file: Path, points: int, width: int, frames: int, times: int) -> float:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    clip = np.random.default_rng(0).normal(size=(1, frames, points, width)).astype(np.float32)
    session.run(None, {"points": clip})
    taken = []
    for _ in range(times):
        start = time.process_time()
        session.run(None, {"points": clip})
        taken.append(time.process_time() - start)
    return 1000 * statistics.median(taken)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="*")
    parser.add_argument("--times", type=int, default=15, help="clips a time is the median of")
    options = parser.parse_args()
    torch.set_num_threads(1)
    models = {name: load_model(find_run(name), PredictOptions()) for name in options.runs}
    models = models or {name: fresh(name) for name in ENCODERS}
    columns = " | ".join(f"ms, {frames} frames" for frames in FRAMES)
    print(f"| model | weights | graph | MB | difference | {columns} |")
    print("|---|---|---|---|---|" + "---|" * len(FRAMES))
    with tempfile.TemporaryDirectory() as folder:
        for name, trained in models.items():
            signal = trained.spec.signal
            points = len(layout(signal.layout).points)
            weights = sum(each.numel() for each in trained.model.parameters())
            for int8 in (False, True):
                graph = write_onnx(trained, Path(folder) / "graph.onnx", int8=int8)
                each = [milliseconds(graph.file, points, signal.width, n, options.times) for n in FRAMES]
                cells = " | ".join(f"{value:.0f}" if value >= 10 else f"{value:.1f}" for value in each)
                kind = "int8" if int8 else "float32"
                about = f"{kind} | {graph.size / 1e6:.1f} | {graph.difference:.1g}"
                print(f"| {name} | {weights:,} | {about} | {cells} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
