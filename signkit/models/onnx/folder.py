"""The folder of an exported model: the whole of it, checked, or nothing."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from signkit.config.recipe import DecodeConfig
from signkit.errors import OperationalError
from signkit.models.export import TrainedModel, path_options, with_paths, write_description
from signkit.models.onnx.card import card
from signkit.models.onnx.cases import difference, traced_case
from signkit.models.onnx.context_graph import context_difference, traced_context
from signkit.models.onnx.decoder_graph import decoder_difference, traced_decoder
from signkit.models.onnx.description import description, golden
from signkit.models.onnx.graphs import Graph, Ordered, graph_of
from signkit.models.onnx.names import CONTEXT_MODEL, DECODER_MODEL, DESCRIPTION, GOLDEN, MODEL, README
from signkit.models.onnx.smaller import Precision, smaller
from signkit.models.onnx.trace import traced, with_metadata
from signkit.runtime.files import whole_folder, write_json

BOUNDS: Mapping[Precision, float] = {"float32": 1e-4, "float16": 0.01, "int8": 0.1}
"""The largest difference of a probability from the model's with which a graph is written."""


@dataclass(frozen=True, slots=True)
class OnnxExport:
    """An exported model.

    Attributes:
        folder: that was written; `signkit.load` opens it.
        precision: of the weights.
        size: of its graphs in bytes.
        outputs: names of the graph's outputs.
        difference: the largest difference of a probability from the model's own on the inputs of the check.
    """

    folder: Path
    precision: Precision
    size: int
    outputs: tuple[str, ...]
    difference: float


def write_onnx(
    folder: Path,
    trained: TrainedModel,
    run: Path,
    precision: Precision = "float32",
    more: Mapping[str, bytes] | None = None,
) -> OnnxExport:
    """Write a model as a graph from landmarks or pixels to log-probabilities, and what is needed to use it.

    Args:
        folder: is replaced if it exists.
        run: for messages and for the scores in the model card.
        more: files to add, by their names.

    Raises:
        UserError: the model cannot be exported, or a package is missing.
        OperationalError: the graph differs from the model by more than `BOUNDS`, or the folder cannot be
            written.
    """
    graph = graph_of(trained, run)
    described = description(graph, trained, precision)
    files, apart = dict[str, bytes](), 0.0
    for name, content, differs in _graphs(graph, trained, described):
        found = _checked(differs(content), "float32", folder)
        if precision != "float32":
            content = smaller(content, precision)
            found = _checked(differs(content), precision, folder)
        files[name], apart = content, max(apart, found)
    with whole_folder(folder) as aside:
        for name, content in {**files, **(more or {})}.items():
            (aside / name).write_bytes(content)
        write_json(aside / DESCRIPTION, described)
        rounding = 0.0 if precision == "float32" else apart
        write_json(aside / GOLDEN, golden(graph, trained, BOUNDS["float32"] + rounding))
        decode = _with_copies(trained.recipe.decode, aside)
        write_description(aside, replace(trained, recipe=replace(trained.recipe, decode=decode)))
        (aside / README).write_text(card(described, trained, run, apart), encoding="utf-8")
    return OnnxExport(folder, precision, sum(map(len, files.values())), tuple(graph.outputs), apart)


def _graphs(
    graph: Graph, trained: TrainedModel, described: Mapping[str, Any]
) -> Iterator[tuple[str, bytes, Callable[[bytes], float]]]:
    """The graphs of a model, each with the name of its file and a function that measures how far one is from
    the model."""
    given = traced_case(graph, trained)
    content = traced(Ordered(graph).eval(), [graph.input], [given], list(graph.outputs), graph.axes)
    about = {key: described[key] for key in ("signkit", "name", "input", "outputs")}
    yield MODEL, with_metadata(content, about), lambda found: difference(found, graph, trained)
    symbols = len(trained.spec.vocabulary) if graph.level else 0
    if (attention := graph.attention) is not None:
        yield (
            DECODER_MODEL,
            traced_decoder(attention, symbols),
            lambda found: decoder_difference(found, attention, symbols),
        )
    if (context := graph.context) is not None:
        yield (
            CONTEXT_MODEL,
            traced_context(context, symbols),
            lambda found: context_difference(found, context, symbols),
        )


def _checked(apart: float, precision: Precision, folder: Path) -> float:
    """A difference of a graph from its model.

    Raises:
        OperationalError: it is more than the precision allows, or not a number.
    """
    if not apart <= (bound := BOUNDS[precision]):
        how = "" if precision == "float32" else f" in {precision}"
        what = f"the graph{how} differs from the model by up to {apart:.2g}, more than {bound:g}"
        raise OperationalError(f"{folder}: {what}; nothing is written")
    return apart


def _with_copies(decode: DecodeConfig, folder: Path) -> DecodeConfig:
    """The section `decode` of an export with its external models copied into a folder. The graph computes in
    float32 on any device, whatever the run does."""
    changed: dict[str, Any] = {"precision": "float32"}
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
