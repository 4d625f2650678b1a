"""What a recogniser of gloss sequences is: logits for training, acoustic logits and rows for decoding."""

from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

from jaxtyping import Float, Int
from torch import Tensor, nn

from signkit.data.batch import Batch
from signkit.models.encoders.protocol import Encoder
from signkit.models.losses.logits import SplitLogits


@runtime_checkable
class Recogniser(Protocol):
    """An `nn.Module` with these. ``topology`` names the lattice it is trained and decoded with;
    ``context_free`` says that every history has the same row.
    """

    encoder: Encoder
    topology: str
    context_free: bool

    def __call__(self, batch: Batch) -> SplitLogits: ...

    def context_logits(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch histories vocab"]:
        """Context logits after 0, 1, … all labels of each history, the output layer's bias included."""
        ...

    def last_context_logits(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch vocab"]:
        """Context logits after the whole of each history, without the output layer's bias."""
        ...


@runtime_checkable
class Language(Protocol):
    """An `nn.Module` that scores sentences without a video. ``predicts_end`` says whether their ends have
    a probability too.
    """

    predicts_end: bool
    training: bool

    def log_scores(
        self, tokens: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch places"]:
        """log P of each token, and in one place more of the end where it is predicted; 0 where padded."""
        ...

    def parameters(self) -> Iterator[nn.Parameter]: ...

    def train(self, mode: bool = True) -> Any: ...

    def eval(self) -> Any: ...
