"""A `Rescorer` from a `Scorer`: whole sequences are scored token by token."""

import numpy as np

from signkit.decode.context_logits import Floats
from signkit.decode.history import Ints
from signkit.decode.lattice import ForgetsStates
from signkit.decode.scorer import Scorer

BATCH = 4096
"""States whose rows are computed in one call."""


class StepwiseRescorer:
    """Sums the log scores that a `Scorer` gives to every token of a sequence and to its end."""

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer

    def totals(self, sequences: list[tuple[int, ...]]) -> Floats:
        """log scores [n] of sequences of the recogniser's tokens, including their ends."""
        if isinstance(self.scorer, ForgetsStates):
            self.scorer.forget()
        tokens, lengths = _padded(sequences)
        states: Ints = np.full(len(sequences), self.scorer.start, dtype=np.int64)
        total = np.zeros(len(sequences))
        for position in range(tokens.shape[1]):
            here = np.flatnonzero(lengths > position)
            next_tokens = tokens[here, position]
            total[here] += self._token_scores(states[here], next_tokens)
            states[here] = self.scorer.advance(states[here], next_tokens)
        if len(sequences):
            total += self.scorer.ends(states)
        return total

    def _token_scores(self, states: Ints, tokens: Ints) -> Floats:
        """log scores [n] of ``tokens`` [n] after ``states`` [n]; equal states share one row."""
        distinct, place = np.unique(states, return_inverse=True)
        scores = np.empty(len(states))
        for start in range(0, len(distinct), BATCH):
            rows = self.scorer.rows(distinct[start : start + BATCH])
            here = (place >= start) & (place < start + BATCH)
            scores[here] = rows[place[here] - start, tokens[here]]
        return scores


def _padded(sequences: list[tuple[int, ...]]) -> tuple[Ints, Ints]:
    """The sequences [n, longest], zero where padded, and their lengths [n]."""
    lengths = np.fromiter(map(len, sequences), np.int64, len(sequences))
    tokens = np.zeros((len(sequences), int(lengths.max(initial=0))), dtype=np.int64)
    flat = [token for sequence in sequences for token in sequence]
    tokens[np.arange(tokens.shape[1]) < lengths[:, None]] = np.array(flat, dtype=np.int64)
    return tokens, lengths
