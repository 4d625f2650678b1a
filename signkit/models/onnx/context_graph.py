"""The context of a recogniser as a graph of its own: a search asks it after every gloss."""

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from signkit.models.c2st import C2st
from signkit.models.onnx.trace import Arrays, run_graph, session, traced

HISTORY, LENGTHS, CONTEXT, BIAS = "history", "lengths", "context", "bias"
CHECKED = ((1, 1), (1, 6), (5, 1), (7, 13))
"""Histories, and the glosses of the longest one, that a graph is checked on."""
TRACED = (3, 4)


class ContextGraph(nn.Module):
    """From histories of glosses to their context logits; and the output layer's bias, which these lack."""

    def __init__(self, model: C2st) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> tuple[Float[Tensor, "batch symbols"], Float[Tensor, " symbols"]]:
        # Every graph has both inputs, also that of a context that does not read them.
        unread = 0.0 * lengths[:, None]
        return self.model.last_context_logits(history, lengths) + unread, self.model.output.bias


def traced_context(model: C2st, symbols: int) -> bytes:
    """The graph of a model's context: `HISTORY` int64 [batch, labels], padded with anything, and `LENGTHS`
    int64 [batch] to `CONTEXT` [batch, symbols], and `BIAS` [symbols].

    Raises:
        UserError: onnx is not installed.
        OperationalError: an operation has no ONNX form.
    """
    axes = {HISTORY: {0: "batch", 1: "labels"}, LENGTHS: {0: "batch"}, CONTEXT: {0: "batch"}}
    graph = ContextGraph(model).eval()
    return traced(graph, (HISTORY, LENGTHS), histories(TRACED, symbols), (CONTEXT, BIAS), axes)


def histories(size: tuple[int, int], symbols: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Histories of random glosses and their lengths, one as long as it can be and one empty, if there are
    two."""
    rng = np.random.default_rng(size)
    lengths = rng.integers(0, size[1] + 1, size[0])
    lengths[0], lengths[-1] = (size[1], 0 if size[0] > 1 else size[1])
    return rng.integers(1, symbols, size), lengths


def context_of(model: C2st, given: tuple[npt.NDArray[np.int64], ...]) -> npt.NDArray[np.float32]:
    """The context logits of histories by the model itself."""
    with torch.no_grad():
        found: npt.NDArray[np.float32] = model.last_context_logits(*map(torch.from_numpy, given)).numpy()
    return found


def context_difference(content: bytes, model: C2st, symbols: int) -> float:
    """The largest difference of a probability by the graph's context logits from one by the model's."""
    running, apart = session(content), 0.0
    for size in CHECKED:
        given = histories(size, symbols)
        found: Arrays = run_graph(running, *given)
        both = (torch.from_numpy(each).softmax(-1) for each in (found[CONTEXT], context_of(model, given)))
        apart = max(apart, float(torch.sub(*both).abs().max()))
    return apart
