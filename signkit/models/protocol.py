"""The protocols of models: recognisers, which read signals, and language models, which score sentences."""

from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

from jaxtyping import Float, Int
from torch import Tensor, nn

from signkit.data.batch import Batch
from signkit.models.encoders.protocol import Encoder
from signkit.models.losses.logits import SplitLogits


@runtime_checkable
class Recogniser(Protocol):
    """A recogniser of gloss sequences, an `nn.Module`.

    Called with a batch it returns the split logits of the batch and of its targets' histories.

    Attributes:
        encoder: its encoder.
        topology: the lattice it is trained and decoded with: ``ctc``, ``monotonic`` or ``rnnt``.
        context_free: whether its context logits are the same after every history.
    """

    encoder: Encoder
    topology: str
    context_free: bool

    def __call__(self, batch: Batch) -> SplitLogits: ...

    def context_logits(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch histories vocab"]:
        """Context logits after 0, 1, … all labels of each history, including the output layer's bias.

        ``histories`` is labels + 1; ``lengths`` counts the labels that are no padding.
        """
        ...

    def last_context_logits(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch vocab"]:
        """Context logits after the whole of each history, without the output layer's bias."""
        ...


@runtime_checkable
class Language(Protocol):
    """A language model, an `nn.Module` that scores sentences.

    Attributes:
        predicts_end: whether it is causal and gives the end of a sentence a probability, too.
        training: the module's mode.
    """

    predicts_end: bool
    training: bool

    def log_scores(
        self, tokens: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch places"]:
        """log P of each token, and in one more column of the end if it is predicted; 0 where padded."""
        ...

    def parameters(self) -> Iterator[nn.Parameter]: ...

    def train(self, mode: bool = True) -> Any: ...

    def eval(self) -> Any: ...
