"""The folder of an exported model: the whole of it, checked, or nothing."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from signkit.config.recipe import DecodeConfig
from signkit.data.landmarks import layout as layout_named
from signkit.errors import OperationalError
from signkit.models.export import TrainedModel, path_options, with_paths, write_description
from signkit.models.onnx.card import card
from signkit.models.onnx.cases import difference, expected_of, golden_cases, plain_array, traced_case
from signkit.models.onnx.graphs import IMAGE, Graph, graph_of
from signkit.models.onnx.smaller import Precision, smaller
from signkit.models.onnx.trace import traced, with_metadata
from signkit.runtime.files import whole_folder, write_json
from signkit.types import USUAL_FPS
from signkit.version import __version__

MODEL, DESCRIPTION, GOLDEN, README = "model.onnx", "model.json", "golden.json", "README.md"
BOUNDS: Mapping[Precision, float] = {"float32": 1e-4, "float16": 0.01, "int8": 0.1}
"""The largest difference of a probability from the model's with which a graph is written."""


@dataclass(frozen=True, slots=True)
class OnnxExport:
    """An exported model.

    Attributes:
        folder: that was written; `signkit.load` opens it.
        precision: of the weights.
        size: of the graph in bytes.
        outputs: names of the graph's outputs.
        difference: the largest difference of a probability from the model's own on the inputs of the check.
    """

    folder: Path
    precision: Precision
    size: int
    outputs: tuple[str, ...]
    difference: float


def write_onnx(
    folder: Path, trained: TrainedModel, run: Path, precision: Precision = "float32"
) -> OnnxExport:
    """Write a model as a graph from landmarks or pixels to log-probabilities, and what is needed to use it.

    Args:
        folder: is replaced if it exists.
        run: for messages and for the scores in the model card.

    Raises:
        UserError: the model cannot be exported, or a package is missing.
        OperationalError: the graph differs from the model by more than `BOUNDS`, or the folder cannot be
            written.
    """
    graph = graph_of(trained, run)
    described = description(graph, trained, precision)
    about = {key: described[key] for key in ("signkit", "name", "input", "outputs")}
    content = with_metadata(traced(graph, traced_case(graph, trained)), about)
    apart = _checked(content, graph, trained, "float32", folder)
    if precision != "float32":
        content = smaller(content, precision)
        apart = _checked(content, graph, trained, precision, folder)
    with whole_folder(folder) as aside:
        (aside / MODEL).write_bytes(content)
        write_json(aside / DESCRIPTION, described)
        tolerance = max(apart, BOUNDS["float32"])
        write_json(aside / GOLDEN, golden(graph, trained, tolerance))
        decode = _with_copies(trained.recipe.decode, aside)
        write_description(aside, replace(trained, recipe=replace(trained.recipe, decode=decode)))
        (aside / README).write_text(card(described, trained, run, apart), encoding="utf-8")
    return OnnxExport(folder, precision, len(content), tuple(graph.outputs), apart)


def _checked(
    content: bytes, graph: Graph, trained: TrainedModel, precision: Precision, folder: Path
) -> float:
    """The difference of a graph from its model.

    Raises:
        OperationalError: it is more than the precision allows.
    """
    apart, bound = difference(content, graph, trained), BOUNDS[precision]
    if apart > bound:
        how = "" if precision == "float32" else f" in {precision}"
        what = f"the graph{how} differs from the model by up to {apart:.2g}, more than {bound:g}"
        raise OperationalError(f"{folder}: {what}; nothing is written")
    return apart


def description(graph: Graph, trained: TrainedModel, precision: Precision) -> dict[str, Any]:
    """What the graph reads and writes, for programs in any language."""
    recipe, spec = trained.recipe, trained.spec
    found: dict[str, Any] = {
        "signkit": __version__,
        "name": recipe.name,
        "task": recipe.task,
        "input": _input(graph, trained),
        "outputs": {name: list(symbols) for name, symbols in graph.outputs.items()},
        "temperature": getattr(recipe.decode, "temperature", 0.0) or 1.0,
        "precision": precision,
    }
    if graph.input != IMAGE:
        found["fps"] = getattr(recipe.data, "fps", 0.0) or USUAL_FPS
    if graph.level:
        centres = trained.model.encoder.chunk_centres(2).tolist()
        found |= {
            "unit": spec.vocabulary.unit,
            "blank": 0,
            "frames_per_chunk": centres[1] - centres[0],
            "first_chunk_centre": centres[0],
        }
    return found


def _input(graph: Graph, trained: TrainedModel) -> dict[str, Any]:
    recipe, signal = trained.recipe, trained.spec.signal
    if graph.input == IMAGE:
        video = recipe.video
        seen = {"resize": video.resize, "fit": video.fit, "size": [video.crop, video.crop]}
        return {"name": IMAGE, "kind": "image", **seen}
    points = list(layout_named(signal.layout).points)
    found = {"name": graph.input, "kind": "landmarks", "layout": signal.layout, "points": points}
    return {**found, "width": signal.width, "frames": recipe.sampling.frames}


def golden(graph: Graph, trained: TrainedModel, tolerance: float) -> dict[str, Any]:
    """Inputs, and the log-probabilities that the model has of them; probabilities of the graph differ by no
    more than the tolerance."""
    cases = [
        {
            "input": plain_array(given),
            "outputs": {name: plain_array(each) for name, each in expected_of(graph, trained, given).items()},
        }
        for given in golden_cases(graph, trained)
    ]
    return {"input": graph.input, "tolerance": tolerance, "cases": cases}


def _with_copies(decode: DecodeConfig, folder: Path) -> DecodeConfig:
    """The section `decode` of an export with its external models copied into a folder."""
    changed: dict[str, Any] = {}
    for key in ("fusion", "rescore"):
        parts = getattr(decode, key, ())
        for path in (path for part in parts for path in path_options(part).values()):
            if path.is_dir():
                shutil.copytree(path, folder / path.name)
            else:
                shutil.copyfile(path, folder / path.name)
        if parts:
            changed[key] = tuple(
                with_paths(part, {name: path.name for name, path in path_options(part).items()})
                for part in parts
            )
    return replace(decode, **changed)
