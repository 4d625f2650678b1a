"""The sizes of a BERT: a card of `lm/`, read strictly. No torch here."""

from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from signkit.config.assets import find
from signkit.config.strict_yaml import Range, read_file
from signkit.errors import UserError

Activation = Literal["gelu", "gelu_new", "relu", "silu"]
ACTIVATIONS = get_args(Activation)


@dataclass(frozen=True, kw_only=True)
class BertCard:
    """A BERT encoder's sizes, enough to make one whose weights another one's fit."""

    width: Annotated[int, Range(1)]
    layers: Annotated[int, Range(1, 1000)]
    heads: Annotated[int, Range(1)]
    feed_forward: Annotated[int, Range(1)]
    positions: Annotated[int, Range(2)]
    """Places with an embedding of their own; later glosses share the last one's."""
    dropout: Annotated[float, Range(0, 1)] = 0.1
    activation: Activation = "gelu"
    norm_epsilon: Annotated[float, Range(0, 1)] = 1e-12
    segments: Annotated[int, Range(1)] = 1
    """Token types; only the first is used."""

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise UserError("heads", f"{self.heads} heads do not divide the width {self.width}")


def load_card(name: str) -> BertCard:
    """The card of a name in `lm/`, or of a YAML file.

    Raises:
        UserError: no such card, or a fault in it, with file, line and column.
    """
    return read_file(find("lm", name), BertCard)
