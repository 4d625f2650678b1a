"""Decoding: greedy and beam search over the lattice logits of a model, for every topology.

Nothing is imported before it is used: options load without torch.
"""

from typing import TYPE_CHECKING

from signkit.runtime.lazy import lazy

if TYPE_CHECKING:
    from signkit.decode.beam import beam_search
    from signkit.decode.context_logits import ContextLogits, constant_context_logits
    from signkit.decode.greedy import greedy_search
    from signkit.decode.single import single_search
    from signkit.decode.state import Candidate

__all__ = [
    "Candidate",
    "ContextLogits",
    "beam_search",
    "constant_context_logits",
    "greedy_search",
    "single_search",
]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "Candidate": "signkit.decode.state",
        "ContextLogits": "signkit.decode.context_logits",
        "beam_search": "signkit.decode.beam",
        "constant_context_logits": "signkit.decode.context_logits",
        "greedy_search": "signkit.decode.greedy",
        "single_search": "signkit.decode.single",
    },
)
