"""The graph network's pieces: adjacency, the channels of a part, parts left out."""

from dataclasses import replace

import pytest
import torch

from signkit.data.batch import Batch
from signkit.data.landmarks import Layout, layout
from signkit.models.encoders import gcn
from signkit.models.encoders.configs import GcnConfig, GlobalTemporalConfig, LocalTemporalConfig
from signkit.models.encoders.gcn import GraphConv, Part, adjacency, part_channels, parts_of

SMALL = GcnConfig(
    channels=(3,),
    fusion_width=4,
    local_temporal=LocalTemporalConfig(width=4),
    global_temporal=GlobalTemporalConfig(layers=0),
)
TWO_HANDS = Layout(
    name="two hands",
    points=tuple("abcd"),
    parts={"left_hand": (0, 2), "right_hand": (1, 3)},
    edges=((0, 2), (1, 3)),
    mirror=(1, 0, 3, 2),
)


def test_a_point_reads_itself_its_parents_and_its_children() -> None:
    kinds = adjacency(3, [(0, 1), (0, 2)])
    assert kinds[0].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert kinds[1].tolist() == [[0, 0, 0], [1, 0, 0], [1, 0, 0]]
    assert kinds[2].tolist() == [[0, 0.5, 0.5], [0, 0, 0], [0, 0, 0]]


def test_a_part_without_edges_reads_itself() -> None:
    assert adjacency(1, []).tolist() == [[[1]]]


def test_parts_keep_the_edges_inside_them() -> None:
    assert parts_of(TWO_HANDS) == (Part((0, 2), ((0, 1),)), Part((1, 3), ((0, 1),)))
    assert parts_of(layout("boston104")) == (Part((0,), ()), Part((1,), ()), Part((2,), ()))


@pytest.mark.parametrize("points", [3, gcn.SMALL + 1])
def test_a_graph_convolution_is_its_formula(points: int) -> None:
    """sum over kinds k of (A_k + B_k) X W_k, whichever product computes it."""
    torch.manual_seed(0)
    conv = GraphConv(2, 5, adjacency(points, [(0, 1), (0, 2)])).double()
    torch.nn.init.normal_(conv.learned)
    x = torch.randn(4, points, 2, dtype=torch.float64)
    weights = conv.mix.weight.view(5, 3, 2)
    parts = [(conv.fixed[k] + conv.learned[k]) @ x @ weights[:, k].T for k in range(3)]
    torch.testing.assert_close(conv(x), sum(parts))


def test_channels_are_place_centre_and_motion() -> None:
    points = torch.tensor([[[[1.0, 2], [3, 6]], [[2.0, 2], [9, 9]], [[5.0, 3], [1, 1]]]])
    seen = torch.tensor([[[True, True], [True, False], [True, True]]])
    channels, known = part_channels(points, seen, motion=True)
    assert channels[0, 0].tolist() == [[-1, -2, 2, 4, 0, 0], [1, 2, 2, 4, 0, 0]]
    assert channels[0, 1].tolist() == [[0, 0, 2, 2, 1, 0], [0, 0, 0, 0, 0, 0]]
    assert channels[0, 2].tolist() == [[2, 1, 3, 2, 3, 1], [-2, -1, 3, 2, 0, 0]]
    assert known[0, :, 0].tolist() == [[True] * 4 + [False] * 2, [True] * 6, [True] * 6]
    assert known[0, :, 1].tolist() == [[True] * 4 + [False] * 2, [False] * 6, [True] * 4 + [False] * 2]
    still, _ = part_channels(points, seen, motion=False)
    assert torch.equal(still, channels[..., :4])


def _batch(frames: int = 12, size: int = 2) -> Batch:
    generator = torch.Generator().manual_seed(0)
    return Batch(
        ids=tuple(map(str, range(size))),
        inputs=torch.randn(size, frames, 4, 2, generator=generator),
        seen=torch.ones(size, frames, 4, dtype=torch.bool),
        lengths=torch.full((size,), frames),
        targets=torch.zeros(size, 1, dtype=torch.long),
        target_lengths=torch.ones(size, dtype=torch.long),
        frame_labels=torch.full((size, frames), -100),
        fps=torch.full((size,), 25.0),
    )


def test_parts_are_left_out_in_training_but_never_all() -> None:
    torch.manual_seed(0)
    encoder = gcn.build(replace(SMALL, part_dropout=0.5), TWO_HANDS, 2)
    seen = torch.ones(4000, 1, 4, dtype=torch.bool)
    kept = encoder.frames._kept_parts(seen)
    assert kept.any(1).all()
    shares = {tuple(row) for row in kept.tolist()}
    assert shares == {(True, True), (True, False), (False, True)}
    assert abs(kept.float().mean().item() - 0.75) < 0.03  # 1/2, and the quarter without any keeps both
    assert encoder.eval().frames._kept_parts(seen).all()


def test_a_part_left_out_is_a_part_not_seen() -> None:
    encoder = gcn.build(replace(SMALL, part_dropout=0.9), TWO_HANDS, 2).train()
    encoder.frames._kept_parts = lambda seen: torch.tensor([[True, False], [True, True]])
    batch = _batch()
    seen = batch.seen.clone()
    seen[0, :, [1, 3]] = False
    dropped = encoder(batch).levels["chunk"]
    encoder.frames._kept_parts = lambda seen: torch.ones(2, 2, dtype=torch.bool)
    assert torch.equal(dropped, encoder(replace(batch, seen=seen)).levels["chunk"])


def test_without_any_point_seen_it_is_finite() -> None:
    encoder = gcn.build(SMALL, TWO_HANDS, 2).train()
    output = encoder(replace(_batch(), seen=torch.zeros(2, 12, 4, dtype=torch.bool)))
    output.levels["chunk"].sum().backward()
    assert output.levels["chunk"].isfinite().all()
    assert all(p.grad.isfinite().all() for p in encoder.parameters() if p.grad is not None)


@pytest.mark.parametrize("name", ["holistic", "signing", "hands", "hand", "boston104"])
def test_it_takes_every_layout(name: str) -> None:
    on = layout(name)
    points = len(on.points)
    batch = _batch(frames=3)
    batch = replace(
        batch, inputs=torch.randn(2, 3, points, 2), seen=torch.ones(2, 3, points, dtype=torch.bool)
    )
    assert gcn.build(SMALL, on, 2)(batch).levels["chunk"].shape == (2, 1, 4)


def test_the_defaults_are_of_the_papers_kind() -> None:
    encoder = gcn.build(GcnConfig(), TWO_HANDS, 3)
    assert (encoder.dims["chunk"], encoder.dims["video"], encoder.frames.fuse.out_features) == (
        1024,
        1024,
        768,
    )
