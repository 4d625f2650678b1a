"""What every scorer keeps to, and short ways to ask one."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from signkit.decode.external.build import TrainText
from signkit.decode.external.walk import StepwiseRescorer
from signkit.decode.scorer import Rescorer, Scorer


def train_text(
    references: Sequence[tuple[str, ...]] = (), extra: Sequence[tuple[str, ...]] = ()
) -> TrainText:
    return TrainText(lambda: references, lambda: extra)


def no_text() -> TrainText:
    """A text that must not be asked for."""

    def refuse() -> Sequence[tuple[str, ...]]:
        raise AssertionError("the text was read")

    return TrainText(refuse, refuse)


def total(scorer: Scorer, tokens: Sequence[int]) -> float:
    """The score of one sequence, token by token."""
    state, found = np.array([scorer.start]), 0.0
    for token in tokens:
        found += float(scorer.rows(state)[0, token])
        state = scorer.advance(state, np.array([token]))
    return found + float(scorer.ends(state)[0])


def check_laws(scorer: Scorer, vocab: int, sequences: Sequence[tuple[int, ...]], seed: int = 0) -> None:
    """Shapes and types; equal histories, equal states; order and company never matter; asking is free."""
    assert isinstance(scorer, Scorer) and not isinstance(scorer, Rescorer)
    states = []
    for tokens in sequences:
        state = np.array([scorer.start])
        for token in tokens:
            state = scorer.advance(state, np.array([token]))
        states.append(int(state[0]))
    asked = np.array(states, dtype=np.int64)
    rows, ends = scorer.rows(asked), scorer.ends(asked)
    assert rows.shape == (len(asked), vocab) and rows.dtype == np.float32
    assert ends.shape == (len(asked),) and ends.dtype == np.float64
    assert (rows < np.inf).all() and (ends < np.inf).all()
    order = np.random.default_rng(seed).permutation(len(asked))
    assert np.array_equal(scorer.rows(asked[order]), rows[order])
    assert np.array_equal(scorer.ends(asked[order]), ends[order])
    tokens = np.random.default_rng(seed).integers(1, vocab, len(asked))
    after = scorer.advance(asked, tokens)
    assert after.dtype == np.int64 and (after >= 0).all()
    assert np.array_equal(scorer.advance(asked[order], tokens[order]), after[order])
    assert np.array_equal(asked, states)  # what is given is left as it is
    for place in range(len(asked)):
        one = asked[place : place + 1]
        assert np.array_equal(scorer.rows(one)[0], rows[place])
        assert scorer.ends(one)[0] == ends[place]
    totals = StepwiseRescorer(scorer).totals([*sequences])
    assert totals == pytest.approx([total(scorer, tokens) for tokens in sequences], abs=1e-9)


def message(act: Callable[[], Any], kind: type[Exception]) -> str:
    """What an error says."""
    with pytest.raises(kind) as error:
        act()
    return str(error.value)
