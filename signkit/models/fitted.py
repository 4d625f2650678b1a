"""Classifiers of vectors that scikit-learn fits, as plain arrays: predicting with them needs torch alone.

Their arrays are buffers of a module, empty until they are fitted, so that they are saved with the weights.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn


class Fitted(nn.Module, ABC):
    """A classifier that is fitted after the training.

    Args:
        classes: how many there are.
        arrays: the names of its arrays and their types.
    """

    def __init__(self, classes: int, arrays: Mapping[str, torch.dtype]) -> None:
        super().__init__()
        self.classes = classes
        for name, kind in arrays.items():
            self.register_buffer(name, torch.empty(0, dtype=kind))

    def grow(self, shapes: Mapping[str, torch.Size]) -> None:
        """Make room for arrays that will be loaded."""
        for name, own in [*self.named_buffers()]:
            setattr(self, name, torch.empty(shapes[name], dtype=own.dtype, device=own.device))

    def fill(self, arrays: Mapping[str, Any]) -> None:
        """Take the arrays of a fitted classifier, of any kind that torch reads."""
        for name, own in [*self.named_buffers()]:
            setattr(self, name, torch.as_tensor(arrays[name], device=own.device).to(own.dtype))

    def forward(self, vectors: Float[Tensor, "batch width"]) -> Float[Tensor, "batch classes"]:
        """The logarithm of each class's probability, in float64; all equal as long as nothing is fitted."""
        if not next(self.buffers()).numel():
            shape = (len(vectors), self.classes)
            return torch.zeros(shape, dtype=torch.float64, device=vectors.device).log_softmax(1)
        return self.log_probabilities(vectors.double())

    @abstractmethod
    def log_probabilities(self, vectors: Float[Tensor, "batch width"]) -> Float[Tensor, "batch classes"]:
        """Of a classifier that is fitted, in float64."""


class Forest(Fitted):
    """Decision trees, whose leaves' shares of the classes are averaged (Breiman 2001).

    The nodes of all trees are numbered through. A node with `left` >= 0 goes on to `left` if the vector's
    number `feature` is at most `threshold`, else to `right`; of a leaf, `left` is -1 minus its row in
    `shares`.
    """

    def __init__(self, classes: int) -> None:
        whole, real = torch.int64, torch.float64
        kinds = {"roots": whole, "left": whole, "right": whole, "feature": whole}
        super().__init__(classes, {**kinds, "threshold": real, "shares": real})

    roots: Tensor
    left: Tensor
    right: Tensor
    feature: Tensor
    threshold: Tensor
    shares: Tensor

    def log_probabilities(self, vectors: Float[Tensor, "batch width"]) -> Float[Tensor, "batch classes"]:
        node = self.roots.expand(len(vectors), -1)  # [batch, trees]
        while bool((inner := self.left[node] >= 0).any()):
            goes_left = vectors.gather(1, self.feature[node]) <= self.threshold[node]
            node = torch.where(inner, torch.where(goes_left, self.left[node], self.right[node]), node)
        rows = -1 - self.left[node]
        total = torch.zeros(len(vectors), self.classes, dtype=torch.float64, device=vectors.device)
        for tree in rows.T:  # one by one, as scikit-learn adds them, so that the sums have the same bits
            total += self.shares[tree]
        return (total / len(self.roots)).log()


class Logistic(Fitted):
    """Multinomial logistic regression on standardised vectors."""

    def __init__(self, classes: int) -> None:
        real = torch.float64
        super().__init__(classes, dict.fromkeys(("mean", "deviation", "weight", "bias"), real))

    mean: Tensor
    deviation: Tensor
    weight: Tensor
    bias: Tensor

    def log_probabilities(self, vectors: Float[Tensor, "batch width"]) -> Float[Tensor, "batch classes"]:
        standard = (vectors - self.mean) / self.deviation
        return (standard @ self.weight.T + self.bias).log_softmax(1)
