"""Which models can be exported, and for each the module that is traced, its input and its outputs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from signkit.config.registry import component_name
from signkit.data.landmarks import layout as layout_named
from signkit.errors import UserError
from signkit.models.attention import AttentionModel
from signkit.models.c2st import C2st
from signkit.models.classifier import Classifier
from signkit.models.ctc import Ctc
from signkit.models.export import TrainedModel
from signkit.models.onnx.decoder_graph import CONFIDENCE, CTC, FEATURES, SentenceGraph, decoded
from signkit.models.onnx.image_graph import ImageGraph
from signkit.models.onnx.landmark_graph import ACOUSTIC, LOG_PROBABILITIES, LandmarkGraph
from signkit.types import VIDEO, WRITTEN

POINTS, IMAGE, WORDS = "points", "image", "tokens"
"""The names of inputs: [1, frames, points, 2 or 3], NaN where not seen; uint8 [height, width, 3]; or of
written sources the numbers of their tokens, int64 [1, words]."""
EXPORTED = ("ctc", "c2st", "attention", "classifier")
"""Models that can be exported."""
WHY_NOT = {
    "segment_classify": "its segments are found by a random forest",
    "autoencoder_forest": "its classes are named by a random forest",
    "seq2seq": "its network is that of transformers, for which there are exporters",
}
"""The reasons for models of signkit that cannot be exported."""


@dataclass(frozen=True, slots=True)
class Graph:
    """What is exported of a model.

    Attributes:
        module: from the input to the outputs by name.
        input: `POINTS`, `IMAGE` or `WORDS`.
        outputs: by name, the symbols or classes in the order of the columns.
        level: of a recogniser's encoder, which is decoded.
        context: the recogniser itself, if it has a context, which is a second graph.
        attention: the model itself, if it has a decoder, which is a second graph.
    """

    module: nn.Module
    input: str
    outputs: Mapping[str, tuple[str, ...]]
    level: str = ""
    context: C2st | None = None
    attention: AttentionModel | None = None

    @property
    def axes(self) -> dict[str, dict[int, str]]:
        """The axes of inputs and outputs that have any length."""
        if self.input == IMAGE:
            return {IMAGE: {0: "height", 1: "width"}}
        by_chunk = [name for name in self.outputs if self.level and name != CONFIDENCE]
        return {self.input: {1: "frames"}} | {name: {1: "chunks"} for name in by_chunk}

    def shares(self, name: str, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Probabilities by an output: its softmax, of log-probabilities their exponentials; of features those
        of the next token after a few, by the model's own decoder."""
        found = torch.from_numpy(values)
        if self.attention is not None and name == FEATURES:
            found = decoded(self.attention, torch.tensor([[0, 1, 1]]), found)[0]
        shares: npt.NDArray[np.float32] = found.softmax(-1).numpy()
        return found.sigmoid().numpy() if name == CONFIDENCE else shares


def graph_of(trained: TrainedModel, run: Path) -> Graph:
    """The graph of a model.

    Args:
        run: for messages.

    Raises:
        UserError: it cannot be exported; the reason is said.
    """
    recipe, signal, model = trained.recipe, trained.spec.signal, trained.model
    name = component_name("models", recipe.model)
    of_kind = isinstance(model, Ctc | C2st | AttentionModel | Classifier) and name in EXPORTED
    if name in WHY_NOT or not of_kind:
        reason = WHY_NOT.get(name, "it is of a kind that export does not know")
        what = f"a model `{name}` cannot be exported: {reason}"
        raise UserError(str(run), what, "`ctc`, `c2st`, `attention` and `classifier` can")
    if recipe.decode.ensemble:
        what = "`decode.ensemble` averages several runs, and a graph has one model"
        raise UserError(str(run), what, "export one of them")
    if signal.layout == "":
        raise UserError(str(run), "the model reads feature vectors", "models of landmarks can be exported")
    if signal.layout == WRITTEN and isinstance(model, AttentionModel):
        return Graph(SentenceGraph(model).eval(), WORDS, _outputs(trained), "video", None, model)
    if signal.layout == VIDEO:
        return _of_images(trained, run)
    if recipe.sampling.how == "timed":
        what = "`sampling.how: timed` depends on the frames a second, which are no input of a graph"
        raise UserError(str(run), what)
    recognises = not isinstance(model, Classifier)
    if recognises and recipe.sampling.frames:
        what = "`sampling.frames` of what writes texts: the times of chunks would depend on the clip's length"
        raise UserError(str(run), what)
    level = str(getattr(recipe.decode, "level", "video")) if recognises else ""
    module = LandmarkGraph(model, layout_named(signal.layout), recipe.landmarks, recipe.sampling, level)
    context = model if isinstance(model, C2st) else None
    attention = model if isinstance(model, AttentionModel) else None
    return Graph(module.eval(), POINTS, _outputs(trained), level, context, attention)


def _of_images(trained: TrainedModel, run: Path) -> Graph:
    model, recipe = trained.model, trained.recipe
    if not isinstance(model, Classifier) or not getattr(recipe.data, "stills", False):
        what = "the model reads video, whose frames a graph would take all at once"
        raise UserError(
            str(run), what, "classifiers of single images (`data: {name: images}`) can be exported"
        )
    return Graph(ImageGraph(model, recipe.video).eval(), IMAGE, _outputs(trained))


def _outputs(trained: TrainedModel) -> dict[str, tuple[str, ...]]:
    """The symbols of each output in the order of its columns."""
    if isinstance(trained.model, Classifier):
        labels: Mapping[str, Any] = trained.spec.outputs
        return {name: labels[name].names for name in trained.model.heads}
    if isinstance(trained.model, AttentionModel):
        model, glosses = trained.model, trained.spec.glosses or trained.spec.vocabulary
        ctc = {} if model.output is None else {CTC: glosses.tokens}
        return {FEATURES: (), **ctc} | ({} if model.confidence is None else {CONFIDENCE: ()})
    name = LOG_PROBABILITIES if trained.model.context_free else ACOUSTIC
    return {name: trained.spec.vocabulary.tokens}


class Ordered(nn.Module):
    """The outputs of a graph as a tuple, in their order."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.module, self.names = graph.module, tuple(graph.outputs)

    def forward(self, given: Tensor) -> tuple[Tensor, ...]:
        outputs = self.module(given)
        return tuple(outputs[name] for name in self.names)
