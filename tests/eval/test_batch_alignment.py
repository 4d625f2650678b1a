from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signkit.errors import UserError
from signkit.eval import batch_alignment
from signkit.eval.alignment import SCLITE, UNIT, Costs, align
from signkit.eval.batch_alignment import align_pairs
from signkit.eval.transcripts import Aligned, Pairs, Ragged

COSTS = (SCLITE, UNIT, Costs(10, 7, 7), Costs(1, 5, 2), Costs(1000, 1000, 999))


def ragged(sequences: Sequence[Sequence[int]]) -> Ragged:
    values = np.array([token for sequence in sequences for token in sequence], dtype=np.int32)
    return Ragged(values, np.cumsum([0, *map(len, sequences)], dtype=np.int64))


def pairs_of(references: Sequence[Sequence[int]], hypotheses: Sequence[Sequence[int]]) -> Pairs:
    ids = tuple(str(i) for i in range(len(references)))
    return Pairs(ids, ragged(references), ragged(hypotheses), tuple("abcdefghij"))


def steps(aligned: Aligned, place: int) -> list[tuple[int | None, int | None]]:
    """The pairs of tokens of one alignment."""
    part = slice(aligned.offsets[place], aligned.offsets[place + 1])
    sides = aligned.references[part].tolist(), aligned.hypotheses[part].tolist()
    return [(None if r < 0 else r, None if h < 0 else h) for r, h in zip(*sides, strict=True)]


def check(references: Sequence[Sequence[int]], hypotheses: Sequence[Sequence[int]], costs: Costs) -> None:
    """Every alignment is the one that aligning that pair alone finds."""
    found = align_pairs(pairs_of(references, hypotheses), costs)
    assert len(found.offsets) == len(references) + 1
    for i, (reference, hypothesis) in enumerate(zip(references, hypotheses, strict=True)):
        alone = align(reference, hypothesis, costs)
        counts = [alone.correct, alone.substitutions, alone.deletions, alone.insertions]
        assert found.counts[i].tolist() == counts
        assert steps(found, i) == [
            (None if r is None else reference[r], None if h is None else hypothesis[h])
            for r, h in alone.pairs
        ]
        kinds = found.kinds[found.offsets[i] : found.offsets[i + 1]]
        assert np.bincount(kinds, minlength=4).tolist() == counts


sentences = st.lists(st.integers(0, 3), max_size=9)


@given(st.lists(st.tuples(sentences, sentences), max_size=12), st.sampled_from(COSTS))
@settings(max_examples=300, deadline=None)
def test_each_pair_is_aligned_as_if_it_were_alone(
    both: list[tuple[list[int], list[int]]], costs: Costs
) -> None:
    check([r for r, _ in both], [h for _, h in both], costs)


@pytest.mark.parametrize("cells", [1, 100, 2000])
def test_the_size_of_the_chunks_changes_nothing(monkeypatch: pytest.MonkeyPatch, cells: int) -> None:
    rng = np.random.default_rng(5)
    references = [rng.integers(0, 3, rng.integers(0, 12)).tolist() for _ in range(700)]
    hypotheses = [rng.integers(0, 3, rng.integers(0, 12)).tolist() for _ in range(700)]
    monkeypatch.setattr(batch_alignment, "CELLS", cells)
    check(references, hypotheses, SCLITE)


def test_long_and_short_pairs_together() -> None:
    rng = np.random.default_rng(6)
    long = rng.integers(0, 5, 900).tolist()
    check([[1], long, [], [2, 3]], [long, long[::-1], long, []], SCLITE)


def test_high_and_narrow_tables_are_turned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_alignment, "SIDE_BY_SIDE", 4)
    rng = np.random.default_rng(8)
    for costs in COSTS:
        references = [rng.integers(0, 3, rng.integers(20, 60)).tolist() for _ in range(90)]
        hypotheses = [rng.integers(0, 3, rng.integers(0, 6)).tolist() for _ in range(90)]
        check(references, hypotheses, costs)
        check(hypotheses, references, costs)


def test_costs_above_what_sixteen_bits_hold() -> None:
    rng = np.random.default_rng(7)
    check([rng.integers(0, 3, 40).tolist()], [rng.integers(0, 3, 35).tolist()], Costs(1000, 999, 998))


def test_the_kinds_and_tokens_of_a_small_case() -> None:
    found = align_pairs(pairs_of([[1, 2, 3], []], [[1, 4, 3, 3], [5]]))
    assert found.kinds.tolist() == [0, 3, 1, 0, 3]
    assert found.references.tolist() == [1, -1, 2, 3, -1]
    assert found.hypotheses.tolist() == [1, 4, 3, 3, 5]
    assert found.offsets.tolist() == [0, 4, 5]
    assert found.errors.tolist() == [2, 1]
    assert found.words.tolist() == [3, 0]


def test_nothing_to_align() -> None:
    assert align_pairs(pairs_of([], [])).counts.shape == (0, 4)
    both_empty = align_pairs(pairs_of([[], []], [[], []]))
    assert both_empty.counts.tolist() == [[0, 0, 0, 0]] * 2
    assert both_empty.offsets.tolist() == [0, 0, 0]


def test_equal_ends_of_any_length_need_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_alignment, "LARGEST", 9)
    long = [1, 2] * 5000
    found = align_pairs(pairs_of([[3, 3, *long], long], [[4, *long], long]))
    assert found.counts.tolist() == [[10000, 1, 1, 0], [10000, 0, 0, 0]]


def test_a_pair_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_alignment, "LARGEST", 11)
    with pytest.raises(UserError) as caught:
        align_pairs(pairs_of([[1], [1, 2, 3]], [[1], [3, 4]]))
    assert str(caught.value) == ("sentence '1': too long to align: 3 tokens against 2; split it")
