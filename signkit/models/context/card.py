"""The sizes of a BERT, read from a card of `lm/`. This module does not import torch."""

from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from signkit.config.assets import find
from signkit.config.strict_yaml import Range, read_file
from signkit.errors import UserError

Activation = Literal["gelu", "gelu_new", "relu", "silu"]
ACTIVATIONS = get_args(Activation)


@dataclass(frozen=True, kw_only=True)
class BertCard:
    """The sizes of a BERT: all that is needed to build one that its weights can be loaded into."""

    width: Annotated[int, Range(1)]
    layers: Annotated[int, Range(1, 1000)]
    heads: Annotated[int, Range(1)]
    feed_forward: Annotated[int, Range(1)]
    positions: Annotated[int, Range(2)]
    """Positions with an embedding; glosses beyond share the last one."""
    dropout: Annotated[float, Range(0, 1)] = 0.1
    activation: Activation = "gelu"
    norm_epsilon: Annotated[float, Range(0, 1)] = 1e-12
    segments: Annotated[int, Range(1)] = 1
    """Token types of the checkpoint; only the first is used."""

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise UserError("heads", f"{self.heads} heads do not divide the width {self.width}")


def load_card(name: str) -> BertCard:
    """Read the card of a name in `lm/`, or of a YAML file.

    Raises:
        UserError: there is no such card, or it has a fault, named with file, line and column.
    """
    return read_file(find("lm", name), BertCard)
