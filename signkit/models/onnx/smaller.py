"""Weights in 16 or 8 bits; runtimes widen them to 32 bits, in which graphs compute, when they load them."""

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Precision = Literal["float32", "float16", "int8"]
LEAST = 1024
"""Numbers of a tensor that is made smaller; norms, biases and constants stay as they are."""


def smaller(content: bytes, precision: Precision) -> bytes:
    """A graph whose large weights are stored in fewer bits.

    Of ``int8`` each row of one axis has a scale of its own, along the axis by which the error is least.
    """
    if precision == "float32":
        return content
    import onnx

    model = onnx.load_from_string(content)
    store = _in_half if precision == "float16" else _in_bytes
    kept, nodes = list[Any](), list[Any]()
    for tensor in model.graph.initializer:
        weights = onnx.numpy_helper.to_array(tensor)
        if weights.dtype != np.float32 or weights.size < LEAST or weights.ndim < 2:
            kept.append(tensor)
            continue
        for part in store(tensor.name, weights, onnx):
            (kept if isinstance(part, onnx.TensorProto) else nodes).append(part)
    rest = [*model.graph.node]
    for field, parts in ((model.graph.initializer, kept), (model.graph.node, [*nodes, *rest])):
        del field[:]
        field.extend(parts)
    whole: bytes = model.SerializeToString()
    return whole


def _in_half(name: str, weights: npt.NDArray[np.float32], onnx: Any) -> Iterator[Any]:
    limit = np.finfo(np.float16).max
    half = np.clip(weights, -limit, limit).astype(np.float16)
    yield onnx.numpy_helper.from_array(half, f"{name}.half")
    yield onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT)


def _in_bytes(name: str, weights: npt.NDArray[np.float32], onnx: Any) -> Iterator[Any]:
    whole, scale = min((_rounded(weights, axis) for axis in range(weights.ndim)), key=_error_of(weights))
    yield onnx.numpy_helper.from_array(whole, f"{name}.int8")
    yield onnx.numpy_helper.from_array(scale, f"{name}.scale")
    yield onnx.helper.make_node("Cast", [f"{name}.int8"], [f"{name}.whole"], to=onnx.TensorProto.FLOAT)
    yield onnx.helper.make_node("Mul", [f"{name}.whole", f"{name}.scale"], [name])


def _rounded(
    weights: npt.NDArray[np.float32], axis: int
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Weights from -127 to 127, and the scale of each row of an axis."""
    others = tuple(each for each in range(weights.ndim) if each != axis)
    largest = np.abs(weights).max(others, keepdims=True)
    scale = np.where(largest > 0, largest / 127, 1).astype(np.float32)
    return np.rint(weights / scale).astype(np.int8), scale


def _error_of(weights: npt.NDArray[np.float32]) -> Any:
    def error(stored: tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]) -> float:
        whole, scale = stored
        return float(np.square(whole * scale - weights).sum())

    return error
