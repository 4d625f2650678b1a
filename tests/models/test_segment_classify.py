"""Segments of a batch: told apart by their numbers, cut out, moved; and what the forest is shown."""

from dataclasses import replace

import torch
from landmark_batch import batch

from signkit.data.batch import Batch
from signkit.models.segment_classify import Pieces, cut, frame_vectors, moved, pieces_of

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


def test_a_segment_is_cut_out_with_its_margin_and_not_beyond_its_clip() -> None:
    whole = clips(6, 4)
    found = cut(whole, pieces((0, 0, 2, 5), (1, 0, 0, 2), (1, 1, 3, 4)), margin=1)
    assert found.ids == ("0#0", "1#0", "1#1")
    assert found.lengths.tolist() == [5, 3, 2]
    for place, (row, first, end) in enumerate([(0, 1, 6), (1, 0, 3), (1, 2, 4)]):
        size = end - first
        assert torch.equal(found.inputs[place, :size], whole.inputs[row, first:end])
        assert torch.equal(found.seen[place, :size], whole.seen[row, first:end])
        assert not found.inputs[place, size:].any() and not found.seen[place, size:].any()
    assert found.targets.shape == (3, 0) and bool((found.frame_labels == NONE).all())


def test_a_segment_does_not_depend_on_the_other_clips() -> None:
    one, two = clips(6, 9), clips(6, 9)
    noise = torch.where(torch.arange(9)[None, :, None, None] < two.lengths[:, None, None, None], 0.0, 7.0)
    padded = replace(two, inputs=two.inputs + noise)
    a, b = (cut(each, pieces((0, 0, 1, 6)), margin=3) for each in (one, padded))
    assert torch.equal(a.inputs, b.inputs)


def test_boundaries_are_moved_within_the_clip() -> None:
    lengths, given = torch.tensor([20, 5]), pieces((0, 0, 8, 12), (1, 0, 0, 1), (1, 1, 4, 5))
    torch.manual_seed(1)
    seen = [moved(given, lengths, 2) for _ in range(200)]
    firsts, ends = (torch.stack([getattr(each, name) for each in seen]) for name in ("first", "end"))
    assert firsts.min(0).values.tolist() == [6, 0, 2] and firsts.max(0).values.tolist() == [10, 2, 4]
    assert ends.min(0).values.tolist()[0] == 10 and ends.max(0).values.tolist()[0] == 14
    assert bool((ends > firsts).all()) and bool((firsts < lengths[given.row]).all())
    assert bool((cut(clips(20, 5), seen[0]).lengths >= 1).all())


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
