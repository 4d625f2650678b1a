"""What a recogniser of gloss sequences is: logits for training, acoustic logits and rows for decoding."""

from typing import Protocol, runtime_checkable

from jaxtyping import Float, Int
from torch import Tensor

from signkit.data.batch import Batch
from signkit.encoders.protocol import Encoder
from signkit.losses.logits import SplitLogits


@runtime_checkable
class Recogniser(Protocol):
    """An `nn.Module` with these. ``topology`` names the lattice it is trained and decoded with;
    ``context_free`` says that every history has the same row.
    """

    encoder: Encoder
    topology: str
    context_free: bool

    def __call__(self, batch: Batch) -> SplitLogits: ...

    def history_rows(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch histories vocab"]:
        """Context logits after 0, 1, … all labels of each history, the classifier's bias included."""
        ...

    def rows(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch vocab"]:
        """Context logits after the whole of each history, without the classifier's bias."""
        ...
