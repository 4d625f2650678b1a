"""Segments of a batch: separated by their numbers, and their chunks; and what the forest is shown."""

from dataclasses import replace

import pytest
import torch
from landmark_batch import batch

from signkit.data.batch import Batch
from signkit.models.segment_classify import Pieces, chunks_of, frame_vectors, pieces_of

NONE = -100


def pieces(*rows: tuple[int, int, int, int]) -> Pieces:
    """Segments: clip, number, first frame, end."""
    return Pieces(*torch.tensor(rows).reshape(-1, 4).T)


def as_rows(found: Pieces) -> list[list[int]]:
    return torch.stack([found.row, found.number, found.first, found.end], 1).tolist()


def clips(*lengths: int) -> Batch:
    """Clips of random points, padded."""
    whole = batch(torch.randn(len(lengths), max(lengths), 2, 2, generator=torch.Generator().manual_seed(3)))
    real = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    inputs, seen = whole.inputs * real[..., None, None], whole.seen & real[..., None]
    return replace(whole, inputs=inputs, seen=seen, lengths=torch.tensor(lengths))


def test_segments_that_touch_are_told_apart_by_their_numbers() -> None:
    labels = torch.tensor(
        [[0, 0, 1, NONE, 2, 2], [NONE, NONE, NONE, NONE, NONE, NONE], [NONE, 0, 0, 0, 0, 0]]
    )
    assert as_rows(pieces_of(labels)) == [[0, 0, 0, 2], [0, 1, 2, 3], [0, 2, 4, 6], [2, 0, 1, 6]]


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ((1, 5), "0110"),
        ((0, 1), "1000"),
        ((3, 4), "0100"),
        ((2, 3), "0100"),
        ((5, 9), "0010"),
        ((0, 12), "1110"),
    ],
    ids=[
        "within",
        "begin",
        "at a centre",
        "between two: the first",
        "of the clip alone",
        "more than the clip",
    ],
)
def test_the_chunks_of_a_segment(span: tuple[int, int], expected: str) -> None:
    """Of chunks whose centres are the frames 0, 2, 4 and 6, the last of them padding; never none."""
    found = chunks_of(pieces((1, 0, *span)), torch.tensor([0, 2, 4, 6]), torch.tensor([4, 3]))
    assert "".join(map(str, found[0].int().tolist())) == expected


def test_the_forest_is_shown_positions_velocities_and_accelerations_around_a_frame() -> None:
    points = torch.tensor([0.0, 1.0, 4.0, 9.0]).view(1, 4, 1, 1)
    (found,) = frame_vectors(batch(points), 1)
    #                 position, velocity, acceleration, seen; a frame before, the frame, a frame after
    assert found[1].tolist() == [0.0, 0.5, 0.75, 1.0, 1.0, 2.0, 1.75, 1.0, 4.0, 4.0, 0.25, 1.0]
    assert found[0].tolist() == [0.0, 0.5, 0.75, 1.0, 0.0, 0.5, 0.75, 1.0, 1.0, 2.0, 1.75, 1.0]
    assert found[3].tolist()[-4:] == found[3].tolist()[-8:-4] == [9.0, 2.5, -0.75, 1.0]


def test_the_forest_is_shown_which_points_were_seen_and_nothing_of_the_padding() -> None:
    whole = clips(5, 1)
    whole = replace(whole, seen=whole.seen & (torch.arange(5) != 2)[None, :, None])
    padded = replace(
        whole,
        inputs=whole.inputs + 9.0 * (torch.arange(5)[None, :, None, None] >= whole.lengths.view(2, 1, 1, 1)),
    )
    (first, second), others = frame_vectors(whole, 2), frame_vectors(padded, 2)
    assert first.shape == (5, 5 * 14) and second.shape == (1, 5 * 14)
    assert first[2].view(5, 14)[2, 12:].tolist() == [0.0, 0.0]
    assert torch.equal(second, others[1]) and torch.equal(first, others[0])
