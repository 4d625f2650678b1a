"""The inputs that a graph is checked on, and what the model makes of them by the way that evaluation goes."""

import base64
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from signkit.config.recipe import AugmentConfig
from signkit.data.collate import collate
from signkit.data.example import NO_LABEL, Example, Inputs
from signkit.data.examples import prepare_signal
from signkit.data.frames_augment import augment_frames
from signkit.data.landmarks import layout as layout_named
from signkit.data.sampling import sampled_frames
from signkit.data.video.array import ArrayClip
from signkit.data.video.fit import read_fitted
from signkit.errors import OperationalError
from signkit.models.classifier import Classifier
from signkit.models.export import TrainedModel
from signkit.models.losses.logits import decoded_level
from signkit.models.onnx.decoder_graph import read_of
from signkit.models.onnx.graphs import IMAGE, WORDS, Graph
from signkit.models.onnx.landmark_graph import ACOUSTIC, LOG_PROBABILITIES
from signkit.models.onnx.trace import in_a_line, run_graph, session
from signkit.types import Landmarks

FRAMES, SIZES = (1, 2, 37, 128), ((1, 1), (64, 48), (97, 261), (480, 640))
"""Frames of the clips, and height and width of the images, that a graph is checked on."""
TRACED_FRAMES, TRACED_SIZE = 50, (70, 90)
GOLDEN_FRAMES, GOLDEN_SIZES = (1, 12, 30), ((64, 48), (97, 161), (240, 320))
"""Of the golden values in the folder."""
Outputs = Mapping[str, npt.NDArray[np.float32]]


def traced_case(graph: Graph, trained: TrainedModel) -> npt.NDArray[Any]:
    """The input that a graph is traced with."""
    return image(TRACED_SIZE) if graph.input == IMAGE else _of_length(graph, trained, TRACED_FRAMES)


def golden_cases(graph: Graph, trained: TrainedModel) -> list[npt.NDArray[Any]]:
    """The inputs whose outputs are written next to the graph."""
    if graph.input == IMAGE:
        return [image(size) for size in GOLDEN_SIZES]
    return [_of_length(graph, trained, frames) for frames in GOLDEN_FRAMES]


def _of_length(graph: Graph, trained: TrainedModel, frames: int) -> npt.NDArray[Any]:
    return sentence(trained, frames) if graph.input == WORDS else clip(trained, frames)


def difference(content: bytes, graph: Graph, trained: TrainedModel) -> float:
    """The largest difference of the graph's probabilities from the model's, over the inputs of the check.

    Raises:
        OperationalError: the graph cannot take an input, or has outputs of other sizes than the model.
    """
    running, apart = session(content), 0.0
    for what, given in _checked(graph, trained):
        try:
            found = run_graph(running, given)
        except Exception as error:  # of onnxruntime: a size that tracing took for a constant
            raise OperationalError(f"the graph cannot take {what}: {in_a_line(error)}") from error
        for name, expected in expected_of(graph, trained, given).items():
            if found[name].shape != expected.shape:
                sizes = f"{list(found[name].shape)} of {what}, and the model {list(expected.shape)}"
                raise OperationalError(f"the graph's output {name!r} has {sizes}; it is not written")
            both = (graph.shares(name, each) for each in (found[name], expected))
            apart = max(apart, float(np.abs(np.subtract(*both)).max()))
    return apart


def _checked(graph: Graph, trained: TrainedModel) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    for given in golden_cases(graph, trained):
        yield "a golden input", given
    if graph.input == IMAGE:
        yield from ((f"an image of {size[0]} x {size[1]}", image(size)) for size in SIZES)
    else:
        yield from ((f"{frames} frames", _of_length(graph, trained, frames)) for frames in FRAMES)


def expected_of(graph: Graph, trained: TrainedModel, given: npt.NDArray[Any]) -> Outputs:
    """What the model makes of an input, without the graph's preprocessing, by output."""
    inputs: Inputs = given[0]
    if graph.input != WORDS:
        inputs = _shown(given, trained) if graph.input == IMAGE else _prepared(given, trained)
    labels = np.full(len(inputs), NO_LABEL, dtype=np.int64)
    batch = collate([Example("clip", inputs, (), labels, 25.0)])
    with torch.no_grad():
        if graph.attention is not None:
            return {name: each.numpy() for name, each in read_of(graph.attention, batch).items()}
        output = trained.model(batch)
        if isinstance(trained.model, Classifier):
            return {name: logits.log_softmax(-1).numpy() for name, logits in output.heads.items()}
        logits = decoded_level(output.levels, graph.level) + output.bias
        if graph.context is not None:
            return {ACOUSTIC: logits.numpy()}
        return {LOG_PROBABILITIES: logits.log_softmax(-1).numpy()}


def _prepared(points: npt.NDArray[np.float32], trained: TrainedModel) -> Inputs:
    recipe, signal = trained.recipe, trained.spec.signal
    landmarks = Landmarks(points[0], signal.layout, 25.0)
    prepared = prepare_signal(landmarks, signal.layout, signal.width, recipe.landmarks, "clip")
    return np.asarray(prepared[sampled_frames(len(prepared), recipe.sampling, None)])


def _shown(pixels: npt.NDArray[np.uint8], trained: TrainedModel) -> Inputs:
    video = trained.recipe.video
    frames = read_fitted(ArrayClip(pixels[None], 25.0), np.zeros(1, np.int64), video)
    return augment_frames(frames, video.crop, AugmentConfig(), np.random.default_rng(0))[0]


def clip(trained: TrainedModel, frames: int) -> npt.NDArray[np.float32]:
    """A clip of points that wander, some of them unseen; a shoulder, too."""
    rng = np.random.default_rng(frames)
    count = len(layout_named(trained.spec.signal.layout).points)
    places = rng.normal(size=(1, count, trained.spec.signal.width))
    steps = 0.1 * rng.normal(size=(frames, count, trained.spec.signal.width))
    points = (places + np.cumsum(steps, 0)).astype(np.float32)
    points[rng.random((frames, count)) < 0.1] = np.nan
    return points[None]


def sentence(trained: TrainedModel, words: int) -> npt.NDArray[np.int64]:
    """A written source of random tokens."""
    return np.random.default_rng(words).integers(1, trained.spec.signal.width, (1, words))


def image(size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """A picture of coloured discs before a gradient, with some noise."""
    rng = np.random.default_rng(size)
    y, x = np.mgrid[: size[0], : size[1]] / max(size)
    pixels = 80 + 60 * np.stack([x, y, 1 - x], -1) + rng.normal(0, 6, (*size, 3))
    for _ in range(6):
        top, left, radius = rng.random(3) * (size[0] / max(size), size[1] / max(size), 0.3)
        pixels[(y - top) ** 2 + (x - left) ** 2 < radius**2] = rng.uniform(0, 255, 3)
    return np.clip(pixels, 0, 255).astype(np.uint8)


def plain_array(array: npt.NDArray[Any]) -> dict[str, Any]:
    """An array as JSON has it: NaN is no number there, so the bytes are in base64, the least one first."""
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    content = base64.b64encode(little.tobytes()).decode("ascii")
    return {"dtype": array.dtype.name, "shape": list(array.shape), "base64": content}
