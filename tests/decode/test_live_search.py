"""A search that is given its chunks as they come: the result of the clip, and what no longer changes."""

from typing import Any

import numpy as np
import pytest
import torch
from slow_search import Bigram, RandomRows

from signkit.decode import live as live_search
from signkit.decode.configs import LatticeConfig
from signkit.decode.lattice import search_acoustic
from signkit.decode.live import LiveSearch
from signkit.decode.scorer import Fused
from signkit.errors import OperationalError, UserError

VOCAB, CHUNKS = 6, 24
BIAS = torch.zeros(VOCAB, dtype=torch.float64)


class Toy:
    """A `Recogniser` of which nothing is asked but what follows a history."""

    encoder: Any = None

    def __init__(self, topology: str, context: bool) -> None:
        self.topology, self.context_free = topology, not context
        self.last_context_logits = RandomRows(VOCAB, seed=5)

    def __call__(self) -> None: ...

    def context_logits(self) -> None: ...


def model(topology: str, context: bool) -> Any:
    return Toy(topology, context)


def acoustic(seed: int, blanks: float = 1.0) -> torch.Tensor:
    logits = torch.from_numpy(np.random.default_rng(seed).normal(size=(CHUNKS, VOCAB)) * 2)
    logits[:, 0] += blanks
    return logits


class Ends:
    """A rescorer that prefers long texts."""

    def totals(self, sequences: list[tuple[int, ...]]) -> Any:
        return np.array([float(len(each)) for each in sequences])


@pytest.mark.parametrize("topology", ["ctc", "monotonic", "rnnt"])
@pytest.mark.parametrize("context", [False, True])
@pytest.mark.parametrize("beam", [1, 4])
def test_chunks_as_they_come_have_the_beam_of_the_clip(topology: str, context: bool, beam: int) -> None:
    config = LatticeConfig(beam=beam, top_k=4, acoustic_scale=0.8, context_scale=0.7, length_reward=0.1)
    external: Any = {"fusion": [Fused(Bigram(VOCAB, no_end=[2]), 0.5)], "rescorers": [(Ends(), 0.3)]}
    logits = acoustic(1)
    for more in ({}, external) if beam > 1 else ({},):
        whole = search_acoustic(
            model(topology, context), logits[None], torch.tensor([CHUNKS]), BIAS, config, **more
        )[0]
        live = LiveSearch(model(topology, context), BIAS, config, **more)
        for some in logits.split([1, 1, 0, 7, 11, 4]):
            live.push(some)
        if not more:
            assert live.best().tokens == whole[0].tokens
        found = live.finish()
        assert [(c.tokens, c.chunks, c.confidences) for c in found] == [
            (c.tokens, c.chunks, c.confidences) for c in whole
        ]
        assert [c.score for c in found] == pytest.approx([c.score for c in whole], abs=1e-9)
        assert found[0].tokens


@pytest.mark.parametrize("topology", ["ctc", "rnnt"])
def test_histories_that_have_left_the_beam_are_forgotten(
    topology: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing else changes."""
    config, fusion = LatticeConfig(beam=4), [Fused(Bigram(VOCAB, no_end=[2]), 0.5)]
    sizes, found = {}, {}
    for room in (10, 10_000):
        monkeypatch.setattr(live_search, "ROOM", room)
        live = LiveSearch(model(topology, True), BIAS, config, fusion=fusion)
        for some in acoustic(3).split(1):
            live.push(some)
        sizes[room], found[room] = live._tree.links.size, live.finish()
    assert found[10] == found[10_000]
    assert sizes[10] < sizes[10_000] / 2


@pytest.mark.parametrize(("topology", "after"), [("ctc", 0), ("ctc", 4), ("ctc", CHUNKS), ("monotonic", 1)])
def test_what_is_older_no_longer_changes(topology: str, after: int) -> None:
    """A text so far begins with what was settled, and ends with no more than so many chunks that are not."""
    config, revised = LatticeConfig(beam=8), 0
    for seed in range(3):
        live, free = (
            LiveSearch(model(topology, True), BIAS, config, stable_after=each) for each in (after, None)
        )
        fixed: tuple[int, ...] = ()
        for chunk, logits in enumerate(acoustic(seed).split(1)):
            live.push(logits)
            free.push(logits)
            best = live.best()
            assert best.tokens[: len(fixed)] == fixed
            fixed = best.tokens[: live.settled]
            assert len(fixed) >= sum(each <= chunk - after for each in best.chunks)
        assert live.finish()[0].tokens[: len(fixed)] == fixed
        assert free.settled == 0
        revised += live.finish()[0].tokens != free.finish()[0].tokens
    assert revised > 0 if after == 0 else revised == 0 or after < CHUNKS


def test_greedy_search_never_changes_what_it_said() -> None:
    live = LiveSearch(model("ctc", True), BIAS, LatticeConfig(beam=1), stable_after=3)
    so_far: tuple[int, ...] = ()
    for logits in acoustic(2).split(1):
        live.push(logits)
        assert live.best().tokens[: len(so_far)] == so_far
        so_far = live.best().tokens
        assert live.settled == len(so_far)


def test_nothing_is_the_empty_text() -> None:
    live = LiveSearch(model("ctc", True), BIAS, LatticeConfig(beam=4))
    assert live.best().tokens == live.finish()[0].tokens == ()


def test_one_sign_has_no_stream() -> None:
    with pytest.raises(UserError) as caught:
        LiveSearch(model("ctc", False), BIAS, LatticeConfig(only="one"))
    assert str(caught.value) == "decode.only: `one` is the sign of a whole clip, and has no stream; `any`"


def test_a_wrong_value_of_an_external_model_is_named() -> None:
    class Wrong(Bigram):
        def rows(self, states: Any) -> Any:
            return super().rows(states) * np.nan

    live = LiveSearch(model("ctc", False), BIAS, LatticeConfig(beam=4), fusion=[Fused(Wrong(VOCAB), 1.0)])
    with pytest.raises(OperationalError) as caught:
        live.push(acoustic(0))
    assert str(caught.value) == (
        "decode.fusion or decode.rescore: scorer 0 (Wrong) gives NaN or +inf in its state 0"
    )
