"""Decoding: greedy and beam search over the lattice logits of a model, for every topology.

Nothing is imported before it is used: options load without torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from signkit.decode.beam import beam_search
    from signkit.decode.context_logits import ContextLogits, constant_context_logits
    from signkit.decode.greedy import greedy_search
    from signkit.decode.state import Candidate

__all__ = ["Candidate", "ContextLogits", "beam_search", "constant_context_logits", "greedy_search"]

_HOMES = {
    "Candidate": "state",
    "ContextLogits": "context_logits",
    "beam_search": "beam",
    "constant_context_logits": "context_logits",
    "greedy_search": "greedy",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
