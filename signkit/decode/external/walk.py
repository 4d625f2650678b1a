"""A scorer walked along whole sequences, so that it can rescore."""

import numpy as np

from signkit.decode.context_logits import Floats
from signkit.decode.history import Ints
from signkit.decode.lattice import Growing
from signkit.decode.scorer import Scorer

AT_ONCE = 4096
"""States whose rows are asked for in one call."""


class Walked:
    """A `Rescorer` of a `Scorer`: the sum of what it says of every token and of the end."""

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer

    def totals(self, sequences: list[tuple[int, ...]]) -> Floats:
        """log scores [n] of sequences of the recogniser's tokens, their ends included."""
        if isinstance(self.scorer, Growing):
            self.scorer.forget()
        tokens, lengths = _padded(sequences)
        states: Ints = np.full(len(sequences), self.scorer.start, dtype=np.int64)
        total = np.zeros(len(sequences))
        for position in range(tokens.shape[1]):
            here = np.flatnonzero(lengths > position)
            said = tokens[here, position]
            total[here] += self._said(states[here], said)
            states[here] = self.scorer.advance(states[here], said)
        if len(sequences):
            total += self.scorer.ends(states)
        return total

    def _said(self, states: Ints, tokens: Ints) -> Floats:
        """log scores [n] of tokens; each state's row is asked for once."""
        distinct, place = np.unique(states, return_inverse=True)
        found = np.empty(len(states))
        for start in range(0, len(distinct), AT_ONCE):
            rows = self.scorer.rows(distinct[start : start + AT_ONCE])
            here = (place >= start) & (place < start + AT_ONCE)
            found[here] = rows[place[here] - start, tokens[here]]
        return found


def _padded(sequences: list[tuple[int, ...]]) -> tuple[Ints, Ints]:
    """The sequences [n, longest], zero where padded, and their lengths [n]."""
    lengths = np.fromiter(map(len, sequences), np.int64, len(sequences))
    tokens = np.zeros((len(sequences), int(lengths.max(initial=0))), dtype=np.int64)
    flat = [token for sequence in sequences for token in sequence]
    tokens[np.arange(tokens.shape[1]) < lengths[:, None]] = np.array(flat, dtype=np.int64)
    return tokens, lengths
