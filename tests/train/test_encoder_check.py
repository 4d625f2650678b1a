"""Encoders whose `output_lengths` is wrong are refused before the first step."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import FEATURES, write_corpus, write_recipe
from torch import Tensor

from signkit.config.recipe_file import load_recipe
from signkit.errors import UserError
from signkit.models.encoders.temporal import Temporal, TemporalEncoder
from signkit.tasks.transcripts.least_frames import LONGEST, least_frames
from signkit.train.setup import prepare

HINT = "`signkit.testing.check_encoder` holds it to it"


@pytest.fixture
def recipe(tmp_path: Path) -> Any:
    """Of features: two frames make a chunk, and the shortest clip has three."""
    write_corpus(tmp_path / "data", features=True)
    return load_recipe(str(write_recipe(tmp_path / "r.yaml", tmp_path / "data", FEATURES)))


def refused(recipe: Any, monkeypatch: pytest.MonkeyPatch, lie: Callable[[Tensor], Tensor]) -> UserError:
    honest = TemporalEncoder.output_lengths
    monkeypatch.setattr(TemporalEncoder, "output_lengths", lambda self, lengths: lie(honest(self, lengths)))
    with pytest.raises(UserError) as caught:
        prepare(recipe)
    return caught.value


@pytest.mark.parametrize(
    ("lie", "chunks"),
    [
        (lambda chunks: 2 * chunks, (6, 3)),
        (lambda chunks: chunks + 1, (4, 3)),
        (lambda chunks: chunks - 1, (2, 3)),
        (lambda chunks: chunks * 0, (0, 3)),
        (lambda chunks: chunks * 0 + 1, (1, 3)),
        (lambda chunks: chunks * 2 - 1, (5, 3)),
    ],
    ids=["twice", "one more", "one fewer", "none", "always one", "wrongly rounded"],
)
def test_a_promise_of_other_chunks(
    recipe: Any, monkeypatch: pytest.MonkeyPatch, lie: Callable[[Tensor], Tensor], chunks: tuple[int, int]
) -> None:
    shortest = min(sample.frames for sample in prepare(recipe).corpus.split("train"))
    error = refused(recipe, monkeypatch, lie)
    assert (error.where, error.hint) == ("encoder", HINT)
    assert error.what == (
        f"`output_lengths` of `features` promises {chunks[0]} chunks for {shortest} frames, "
        f"and it gives {chunks[1]}"
    )


def test_a_promise_that_fails_for_long_clips_only(recipe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    longest = max(sample.frames for sample in prepare(recipe).corpus.split("train"))
    whole = -(-longest // 2)
    error = refused(recipe, monkeypatch, lambda chunks: chunks.clamp(max=whole - 1))
    assert error.what == (
        f"`output_lengths` of `features` promises {whole - 1} chunks for {longest} frames, "
        f"and it gives {whole}"
    )


def test_features_of_other_chunks_than_the_output_says(recipe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise and output agree with each other, and the features with neither."""
    longest = max(sample.frames for sample in prepare(recipe).corpus.split("train"))
    honest = Temporal.output_lengths
    monkeypatch.setattr(Temporal, "output_lengths", lambda self, lengths: honest(self, lengths).clamp(max=2))
    with pytest.raises(UserError) as caught:
        prepare(recipe)
    assert caught.value.what == (
        f"`output_lengths` of `features` promises 2 chunks for {longest} frames, "
        f"and its level `chunk` has {-(-longest // 2)}"
    )


def test_an_honest_encoder_draws_no_random_numbers(recipe: Any) -> None:
    """The weights of a seed are what they were, and the model is left in training."""
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    ready = prepare(recipe)
    assert ready.model.training
    assert torch.equal(torch.random.get_rng_state(), before)


def test_an_encoder_of_one_chunk_ends_the_search_for_a_length() -> None:
    """No clip is long enough for two glosses, and that is found out at once."""

    class One:
        @staticmethod
        def output_lengths(lengths: Tensor) -> Tensor:
            return torch.ones_like(lengths)

    assert least_frames(One, "monotonic", [1, 2]) == LONGEST + 1
