"""What is next to a graph for programs in any language: its description and golden values."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from signkit.data.landmarks import layout as layout_named
from signkit.models.export import TrainedModel
from signkit.models.onnx.cases import expected_of, golden_cases, plain_array
from signkit.models.onnx.context_graph import CHECKED, CONTEXT, HISTORY, LENGTHS, context_of, histories
from signkit.models.onnx.decoder_graph import (
    ATTENTION,
    FEATURES,
    LOGITS,
    TOKENS,
    decoded,
    decoder_case,
)
from signkit.models.onnx.decoder_graph import CHECKED as DECODED
from signkit.models.onnx.graphs import IMAGE, POINTS, WORDS, Graph
from signkit.models.onnx.smaller import Precision
from signkit.types import USUAL_FPS
from signkit.version import __version__


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
    if graph.input == POINTS:
        found["fps"] = getattr(recipe.data, "fps", 0.0) or USUAL_FPS
    if graph.level:
        centres = trained.model.encoder.chunk_centres(2).tolist()
        found |= {
            "unit": spec.vocabulary.unit,
            "frames_per_chunk": centres[1] - centres[0],
            "first_chunk_centre": centres[0],
        }
        found |= (
            {"blank": 0} if graph.attention is None else {"end": 0, "symbols": list(spec.vocabulary.tokens)}
        )
    if graph.context is not None:
        found["topology"] = graph.context.topology
    return found


def _input(graph: Graph, trained: TrainedModel) -> dict[str, Any]:
    recipe, spec, signal = trained.recipe, trained.spec, trained.spec.signal
    if graph.input == IMAGE:
        video = recipe.video
        seen = {"resize": video.resize, "fit": video.fit, "size": [video.crop, video.crop]}
        return {"name": IMAGE, "kind": "image", **seen}
    if graph.input == WORDS:
        symbols = list(spec.source.tokens) if spec.source else []
        source = {"unit": recipe.source.unit, "symbols": symbols}
        return {"name": graph.input, "kind": "text", **source, "frames": 0}
    points = list(layout_named(signal.layout).points)
    found = {"name": graph.input, "kind": "landmarks", "layout": signal.layout, "points": points}
    return {**found, "width": signal.width, "frames": recipe.sampling.frames}


def golden(graph: Graph, trained: TrainedModel, tolerance: float) -> dict[str, Any]:
    """Inputs and what the model makes of them; probabilities, the softmax of an output, differ by no more
    than the tolerance from those of the graph."""
    cases = [
        {
            "input": plain_array(given),
            "outputs": {name: plain_array(each) for name, each in expected_of(graph, trained, given).items()},
        }
        for given in golden_cases(graph, trained)
    ]
    found: dict[str, Any] = {"input": graph.input, "tolerance": tolerance, "cases": cases}
    symbols = len(trained.spec.vocabulary) if graph.level else 0
    if graph.attention is not None:
        tokens, features = decoder_case(graph.attention, symbols, *DECODED[-1])
        said = decoded(graph.attention, torch.from_numpy(tokens), torch.from_numpy(features))
        found["decoder"] = _arrays((TOKENS, FEATURES, LOGITS, ATTENTION), tokens, features, *said)
    if graph.context is not None:
        given = histories(CHECKED[-1], symbols)
        found["context"] = _arrays((HISTORY, LENGTHS, CONTEXT), *given, context_of(graph.context, given))
    return found


def _arrays(names: Sequence[str], *arrays: Any) -> dict[str, Any]:
    return {name: plain_array(np.asarray(each)) for name, each in zip(names, arrays, strict=True)}
