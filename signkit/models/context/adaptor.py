"""The last part of every learned context: it maps a reader's states to vectors of the features' width."""

from jaxtyping import Float, Int
from torch import Tensor, nn

from signkit.models.context.protocol import at_end, with_start


class Adaptor(nn.Module):
    """A bottleneck MLP with a residual connection, a linear map and a LayerNorm.

    The parts are those of Zhang et al. 2023, their order is this project's (docs/c2st.md).

    Args:
        width: of the states.
        dim: of the features.
        bottleneck: width of the MLP's hidden layer; 0 leaves the MLP out.
        dropout: probability in the MLP.
        gain: initial weights of the LayerNorm; at 0 every vector is zero, so a model starts exactly like one
            without context and learns how much context to use.
    """

    def __init__(
        self, *, width: int, dim: int, bottleneck: int = 0, dropout: float = 0.0, gain: float = 1.0
    ) -> None:
        super().__init__()
        self.bottleneck = _mlp(width, bottleneck, dropout) if bottleneck else None
        self.project = nn.Linear(width, dim)
        self.norm = nn.LayerNorm(dim)
        self.gain = gain
        self.reset_gain()

    def forward(self, states: Float[Tensor, "*shape width"]) -> Float[Tensor, "*shape dim"]:
        """Map states to vectors of the features' width."""
        if self.bottleneck is not None:
            states = states + self.bottleneck(states)
        vectors: Tensor = self.norm(self.project(states))
        return vectors

    def reset_gain(self, gain: float | None = None) -> None:
        """Set the LayerNorm's weights to `gain`, by default the initial one, and its bias to zero."""
        nn.init.constant_(self.norm.weight, self.gain if gain is None else gain)
        nn.init.zeros_(self.norm.bias)


class AdaptedContext(nn.Module):
    """A causal reader of glosses with an adaptor: a `signkit.models.context.protocol.Context`.

    Args:
        reader: maps symbols [batch, histories], the first of which is the start symbol, to states
            [batch, histories, width]; each state depends on its symbol and those before it only.
        adaptor: maps these states to the features' width.
    """

    def __init__(self, *, reader: nn.Module, adaptor: Adaptor) -> None:
        super().__init__()
        self.reader, self.adaptor = reader, adaptor
        self.dim = adaptor.project.out_features

    def forward(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch histories dim"]:
        """The vectors b_0, b_1, … b_labels after 0, 1, … all labels; histories = labels + 1."""
        vectors: Tensor = self.adaptor(self.reader(with_start(history, lengths)))
        return vectors

    def last(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch dim"]:
        """The vector after the whole of each history."""
        vectors: Tensor = self.adaptor(at_end(self.reader(with_start(history, lengths)), lengths))
        return vectors


def _mlp(width: int, hidden: int, dropout: float) -> nn.Sequential:
    """Close to zero at the start (Houlsby et al. 2019), so that the residual connection dominates."""
    last = nn.Linear(hidden, width)
    nn.init.normal_(last.weight, std=1e-2)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Dropout(dropout), last)
