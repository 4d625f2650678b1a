"""From a module to the bytes of an ONNX graph. It is traced, which needs no package beyond onnx."""

import io
import json
import os
import warnings
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from signkit.errors import OperationalError, missing_extra

Arrays = dict[str, npt.NDArray[np.float32]]
OPSET = 17
EXPORT = "signkit export"
"""What needs the packages, for messages."""
SILENT = "ORT_DISABLE_TELEMETRY"
"""With this variable, set before it is imported, onnxruntime sends nothing: from release 1.29 on it has
measurements for its maker, on Linux too, for which it looks up a name and connects."""


def traced(
    module: nn.Module,
    inputs: Sequence[str],
    given: Sequence[npt.NDArray[Any]],
    outputs: Sequence[str],
    axes: Mapping[str, Mapping[int, str]],
) -> bytes:
    """The graph of a module.

    Args:
        inputs: their names.
        given: the inputs to trace it with.
        outputs: the names of what it returns, a tuple.
        axes: of inputs and outputs, by name, that have any length.

    Raises:
        UserError: onnx is not installed.
        OperationalError: an operation has no ONNX form.
    """
    try:
        import onnx  # noqa: F401  # torch needs it to export
    except ImportError:
        raise missing_extra("onnx", "web", EXPORT) from None
    memory, mha = io.BytesIO(), torch.backends.mha
    fused = mha.get_fastpath_enabled()
    # Tracing warns of every number that it takes for a constant; the check of other inputs tells whether one
    # should not have been.
    with warnings.catch_warnings(), torch.no_grad(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        mha.set_fastpath_enabled(False)  # a Transformer layer as one operation, which ONNX has not
        try:
            torch.onnx.export(
                module,
                tuple(map(torch.from_numpy, given)),
                memory,  # type: ignore[arg-type]
                input_names=list(inputs),
                output_names=list(outputs),
                dynamic_axes=axes,
                opset_version=OPSET,
                dynamo=False,
            )
        except Exception as error:  # of torch: an operation that has no ONNX form
            raise OperationalError(f"the model cannot be written as a graph: {in_a_line(error)}") from error
        finally:
            mha.set_fastpath_enabled(fused)
    return memory.getvalue()


def with_metadata(content: bytes, described: Mapping[str, Any]) -> bytes:
    """The graph with its description, each entry as text or JSON."""
    import onnx

    model = onnx.load_from_string(content)
    texts = {
        key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for key, value in described.items()
    }
    onnx.helper.set_model_props(model, texts)
    whole: bytes = model.SerializeToString()
    return whole


def session(content: bytes) -> Any:
    """A session of onnxruntime on one thread of the processor, which sends nothing to anybody.

    Raises:
        UserError: onnxruntime is not installed.
        OperationalError: it is no graph.
    """
    os.environ.setdefault(SILENT, "1")
    try:
        import onnxruntime
    except ImportError:
        raise missing_extra("onnxruntime", "web", "an exported model") from None
    if os.environ[SILENT] == "1":
        onnxruntime.disable_telemetry_events()  # where it was imported already, and on Windows
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # of onnxruntime, which has a class for each of its states
        raise OperationalError(f"onnxruntime cannot read the graph: {in_a_line(error)}") from error


def run_graph(running: Any, *given: npt.NDArray[Any]) -> Arrays:
    """The outputs of a session by name.

    Args:
        given: its inputs, in their order.
    """
    names = [each.name for each in running.get_outputs()]
    inputs = [each.name for each in running.get_inputs()]
    return dict(zip(names, running.run(None, dict(zip(inputs, given, strict=True))), strict=True))


def in_a_line(error: Exception) -> str:
    """An exception of another package, without what follows its first line."""
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
