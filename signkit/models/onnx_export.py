"""Models on landmarks as ONNX graphs that hold their preprocessing, checked when they are written.

The graph is traced, which needs no package beyond onnx; onnxruntime checks it. Both are imported when they
are needed.
"""

import io
import json
import logging
import tempfile
import warnings
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from signkit.config.registry import component_name
from signkit.data.collate import collate
from signkit.data.example import Example
from signkit.data.examples import prepare_signal
from signkit.data.landmarks import layout as layout_named
from signkit.data.sampling import sampled_frames
from signkit.errors import OperationalError, UserError, missing_extra
from signkit.models.classifier import Classifier
from signkit.models.ctc import Ctc
from signkit.models.export import TrainedModel
from signkit.models.landmark_graph import LOG_PROBABILITIES, LandmarkGraph
from signkit.models.losses.logits import decoded_level
from signkit.runtime.files import write_bytes
from signkit.types import VIDEO, Landmarks
from signkit.version import __version__

CHECKED = (1, 2, 37, 128)
"""Frames of the clips that a new graph is checked on; it is traced on one of `TRACED`."""
TRACED = 50
TOLERANCE = 1e-4
OPSET = 17
QUANTISED = ("MatMul", "Gemm")
"""Operations whose weights become int8; convolutions of a channel each lose time by it, and hold little."""
Outputs = Mapping[str, npt.NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class OnnxGraph:
    """A graph that was written.

    Attributes:
        file: the path.
        size: in bytes.
        outputs: names of the outputs: ``log_probabilities`` [1, chunks, symbols] of a recogniser, those of
            its heads [1, classes] of a classifier.
        difference: the largest difference of a probability from the model's own on the clips of the check.
    """

    file: Path
    size: int
    outputs: tuple[str, ...]
    difference: float


def write_onnx(trained: TrainedModel, file: Path, *, int8: bool = False) -> OnnxGraph:
    """Write a model on landmarks as a graph from points [1, frames, points, 2 or 3] of its whole layout, NaN
    where one was not seen, to log-probabilities, for any number of frames.

    The metadata of the graph name the layout and, in their order, the symbols or classes of each output.

    Args:
        int8: store the weights of linear maps in 8 bits; activations are quantised dynamically.

    Raises:
        UserError: the model is of another kind, reads something else, or samples frames by time.
        OperationalError: the file cannot be written, or the graph differs from the model by more than 1e-4.
    """
    graph = _graph(trained)
    names = _outputs(trained)
    content = _with_metadata(_traced(graph, trained, tuple(names)), trained, names)
    apart = _difference(content, trained)
    if apart > TOLERANCE:
        what = f"the graph differs from the model by up to {apart:.2g}, more than {TOLERANCE:g}"
        raise OperationalError(f"{file}: {what}; it is not written")
    if int8:
        content = _quantised(content)
        apart = _difference(content, trained)
    write_bytes(file, content)
    return OnnxGraph(file, len(content), tuple(names), apart)


def _graph(trained: TrainedModel) -> LandmarkGraph:
    """The module to trace, if the model is of a kind that can be."""
    name, signal = component_name("models", trained.recipe.model), trained.spec.signal
    if not isinstance(trained.model, Ctc | Classifier):
        raise UserError("export_onnx", f"a model `{name}` cannot be exported", "`ctc` and `classifier` can")
    if signal.layout in ("", VIDEO):
        what = f"the model reads {'video' if signal.layout == VIDEO else 'feature vectors'}"
        raise UserError("export_onnx", what, "models on landmarks can be exported")
    if trained.recipe.sampling.how == "timed":
        raise UserError(
            "sampling.how", "`timed` depends on the frames a second, which are no input of the graph"
        )
    recipe = trained.recipe
    level = str(getattr(recipe.decode, "level", "video"))
    layout = layout_named(signal.layout)
    return LandmarkGraph(trained.model, layout, recipe.landmarks, recipe.sampling, level).eval()


def _outputs(trained: TrainedModel) -> dict[str, list[str]]:
    """The symbols of each output in the order of its columns."""
    if isinstance(trained.model, Classifier):
        return {name: list(trained.spec.outputs[name].names) for name in trained.model.heads}  # type: ignore[union-attr]
    return {LOG_PROBABILITIES: list(trained.spec.vocabulary.tokens)}


def _traced(graph: LandmarkGraph, trained: TrainedModel, names: tuple[str, ...]) -> bytes:
    try:
        import onnx  # noqa: F401  # torch needs it to export
    except ImportError:
        raise missing_extra("onnx", "web", "export_onnx") from None
    clip = torch.from_numpy(_clip(trained, TRACED))[None]
    axes = {"points": {1: "frames"}}
    if names == (LOG_PROBABILITIES,) and not isinstance(trained.model, Classifier):
        axes[LOG_PROBABILITIES] = {1: "chunks"}
    memory = io.BytesIO()
    # Tracing warns of every number that it takes for a constant; the check of other clips tells whether one
    # should not have been.
    with warnings.catch_warnings(), torch.no_grad(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            torch.onnx.export(
                _Ordered(graph, names).eval(),
                (clip,),
                memory,  # type: ignore[arg-type]
                input_names=["points"],
                output_names=list(names),
                dynamic_axes=axes,
                opset_version=OPSET,
                dynamo=False,
            )
        except Exception as error:  # of torch: an operation that has no ONNX form
            raise OperationalError(f"the model cannot be written as a graph: {_line(error)}") from error
    return memory.getvalue()


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"


class _Ordered(torch.nn.Module):
    """The outputs of a graph as a tuple, by their names' order."""

    def __init__(self, graph: LandmarkGraph, names: tuple[str, ...]) -> None:
        super().__init__()
        self.graph, self.names = graph, names

    def forward(self, points: torch.Tensor) -> tuple[torch.Tensor, ...]:
        outputs = self.graph(points)
        return tuple(outputs[name] for name in self.names)


def _with_metadata(content: bytes, trained: TrainedModel, names: Mapping[str, list[str]]) -> bytes:
    import onnx

    model = onnx.load_from_string(content)
    described = {
        "signkit": __version__,
        "recipe": trained.recipe.name,
        "layout": trained.spec.signal.layout,
        "points": json.dumps(layout_named(trained.spec.signal.layout).points),
        "symbols": json.dumps(names, ensure_ascii=False),
    }
    onnx.helper.set_model_props(model, described)
    whole: bytes = model.SerializeToString()
    return whole


def _quantised(content: bytes) -> bytes:
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "int8.onnx"
        before = logging.root.manager.disable
        logging.disable(logging.WARNING)  # it advises a preparation that changes nothing here
        try:
            quantize_dynamic(
                onnx.load_from_string(content),
                small,
                op_types_to_quantize=list(QUANTISED),
                weight_type=QuantType.QInt8,
                per_channel=True,
            )
        finally:
            logging.disable(before)
        return small.read_bytes()


def _difference(content: bytes, trained: TrainedModel) -> float:
    """The largest difference of the graph's probabilities from the model's, over clips of `CHECKED`."""
    session = _session(content)
    names = [each.name for each in session.get_outputs()]
    apart = 0.0
    for frames in CHECKED:
        clip = _clip(trained, frames)
        try:
            found = dict(zip(names, session.run(None, {"points": clip[None]}), strict=True))
        except Exception as error:  # of onnxruntime: a size that tracing took for a constant
            raise OperationalError(f"the graph cannot take {frames} frames: {_line(error)}") from error
        for name, expected in _expected(trained, clip).items():
            if found[name].shape != expected.shape:
                what = (
                    f"has {list(found[name].shape)} of {frames} frames, and the model {list(expected.shape)}"
                )
                raise OperationalError(f"the graph's output {name!r} {what}; it is not written")
            apart = max(apart, float(np.abs(np.exp(found[name]) - np.exp(expected)).max()))
    return apart


def _session(content: bytes) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise missing_extra("onnxruntime", "web", "export_onnx") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _expected(trained: TrainedModel, clip: npt.NDArray[np.float32]) -> Outputs:
    """What the model makes of a clip by the way that evaluation goes, without the graph's preprocessing."""
    recipe, signal = trained.recipe, trained.spec.signal
    points = prepare_signal(
        Landmarks(clip, signal.layout, 25.0), signal.layout, signal.width, recipe.landmarks, "clip"
    )
    points = points[sampled_frames(len(points), recipe.sampling, None)]
    labels = np.full(len(points), -100, dtype=np.int64)
    batch = collate([Example("clip", points, (), labels, 25.0)])
    with torch.no_grad():
        output = trained.model(batch)
        if isinstance(trained.model, Classifier):
            return {name: logits.log_softmax(-1).numpy() for name, logits in output.heads.items()}
        level = str(getattr(recipe.decode, "level", "video"))
        acoustic = decoded_level(output.levels, level) + output.bias
        return {LOG_PROBABILITIES: acoustic.log_softmax(-1).numpy()}


def _clip(trained: TrainedModel, frames: int) -> npt.NDArray[np.float32]:
    """A clip of points that wander, some of them unseen; a shoulder, too."""
    rng = np.random.default_rng(frames)
    count = len(layout_named(trained.spec.signal.layout).points)
    places = rng.normal(size=(1, count, trained.spec.signal.width))
    steps = 0.1 * rng.normal(size=(frames, count, trained.spec.signal.width))
    points = (places + np.cumsum(steps, 0)).astype(np.float32)
    points[rng.random((frames, count)) < 0.1] = np.nan
    return points
