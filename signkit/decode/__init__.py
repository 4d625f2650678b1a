"""From a chunk's distributions to gloss sequences: greedy and beam search for every topology."""

from signkit.decode.beam import beam_search
from signkit.decode.context_logits import ContextLogits, constant_context_logits
from signkit.decode.greedy import greedy_search
from signkit.decode.state import Candidate

__all__ = ["Candidate", "ContextLogits", "beam_search", "constant_context_logits", "greedy_search"]
