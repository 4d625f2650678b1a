"""From a chunk's distributions to gloss sequences: greedy and beam search for every topology."""

from signkit.decode.beam import beam_search
from signkit.decode.greedy import greedy_search
from signkit.decode.rows import Rows, constant_rows
from signkit.decode.state import Candidate

__all__ = ["Candidate", "Rows", "beam_search", "constant_rows", "greedy_search"]
