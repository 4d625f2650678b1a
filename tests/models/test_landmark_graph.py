"""Preprocessing in operations of torch: the same numbers as the way of evaluation, whatever is missing."""

import io
import warnings

import numpy as np
import pytest
import torch
from tracing import unchecked_shapes

from signkit.config.recipe import LandmarksConfig, SamplingConfig
from signkit.data.examples import prepare_signal
from signkit.data.landmarks import layout, normalise, subset, z_scored
from signkit.data.sampling import sampled_frames
from signkit.models.onnx.landmark_graph import median, normalised, one_clip, signing_right, spaced
from signkit.models.onnx.landmark_graph import z_scored as in_torch
from signkit.types import Landmarks

LAYOUTS = ("holistic", "signing", "hands", "hand", "openpose", "boston104")


def clip(name: str, frames: int, gaps: float) -> np.ndarray:
    rng = np.random.default_rng(frames)
    points = rng.normal(3, 2, size=(frames, len(layout(name).points), 3)).astype(np.float32)
    points[rng.random(points.shape[:2]) < gaps] = np.nan
    points[rng.random(points.shape) < gaps / 10] = np.nan  # one coordinate alone
    return points


def compare(points: np.ndarray, name: str, origin: str, scale: str) -> None:
    expected = normalise(points, layout(name), origin, scale)  # type: ignore[arg-type]
    options = LandmarksConfig(origin=origin, scale=scale)  # type: ignore[arg-type]
    found, seen = normalised(torch.from_numpy(points), layout(name), options)
    assert np.array_equal(~np.isnan(expected).any(-1), seen.numpy())
    assert np.allclose(np.nan_to_num(expected), found.numpy(), atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("origin", ["none", "clip", "frame", "past"])
@pytest.mark.parametrize("scale", ["none", "clip", "past"])
def test_normalisation(name: str, origin: str, scale: str) -> None:
    for frames, gaps in ((1, 0.0), (1, 0.5), (2, 0.3), (7, 0.3), (8, 0.9), (30, 0.1)):
        compare(clip(name, frames, gaps), name, origin, scale)


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("scale", ["frame", "part"])
def test_z_scores(name: str, scale: str) -> None:
    of = layout(name)
    parts = {"frame": [range(len(of.points))], "part": [*of.parts.values()]}[scale]
    for frames, gaps in ((1, 0.0), (2, 0.5), (7, 0.3), (8, 0.95)):
        points = normalise(clip(name, frames, gaps), of, "none", "none")
        expected = z_scored(points, of, scale)  # type: ignore[arg-type]
        seen = torch.from_numpy(~np.isnan(points).any(-1))
        plain = torch.from_numpy(np.nan_to_num(points))
        found = in_torch(plain, seen, [torch.tensor([*part]) for part in parts])
        assert np.allclose(np.nan_to_num(expected), (found * seen[..., None]).numpy(), atol=1e-4)


@pytest.mark.parametrize("origin", ["clip", "frame", "past"])
def test_a_clip_whose_roots_or_all_points_are_never_seen(origin: str) -> None:
    whole = layout("holistic")
    points = clip("holistic", 6, 0.1)
    points[:, list(whole.root)[0]] = np.nan
    compare(points, "holistic", origin, "past" if origin == "past" else "clip")
    points[:, list(whole.root)] = np.nan
    compare(points, "holistic", origin, "past" if origin == "past" else "clip")
    points[:] = np.nan
    compare(points, "holistic", origin, "past" if origin == "past" else "clip")
    compare(np.full((4, 21, 2), 0.5, np.float32), "hand", origin, "past" if origin == "past" else "clip")


def test_medians() -> None:
    values = torch.tensor([[5.0, 1.0, 7.0], [1.0, 2.0, 7.0], [3.0, 9.0, 7.0], [9.0, 4.0, 7.0]])
    known = torch.tensor(
        [[True, True, False], [True, False, False], [True, False, False], [False, True, False]]
    )
    found, there = median(values, known)
    assert found.tolist() == [3.0, 2.5, 0.0]
    assert there.tolist() == [True, True, False]


@pytest.mark.parametrize("origin", ["none", "clip"])
@pytest.mark.parametrize("name", ["holistic", "hand_and_arm", "boston104"])
def test_the_signing_hand(name: str, origin: str) -> None:
    """Seen more often, or moving more, or neither: as the way of evaluation has it."""
    whole = layout(name)
    options = LandmarksConfig(hand="signing", origin=origin)  # type: ignore[arg-type]
    mirrored = 0
    for seed in range(12):
        points = clip(name, 5 + seed, 0.1)
        rng = np.random.default_rng(seed)
        side = list(whole.parts[str(rng.choice(["left_hand", "right_hand"]))])
        if seed % 2:
            points[: 4 + seed // 2, side] = np.nan
        else:
            points[:, side] *= 1.5
        expected = prepare_signal(Landmarks(points, name, 25.0), name, 3, options, "clip")
        found, seen = normalised(torch.from_numpy(points), whole, options)
        before = found
        found, seen = signing_right(found, seen, whole, centred=origin != "none")
        mirrored += not torch.equal(found, before)
        chosen = subset(whole, "all", "signing")[1]
        assert np.array_equal(~np.isnan(expected).any(-1), seen.numpy()[:, chosen])
        assert np.allclose(np.nan_to_num(expected), found.numpy()[:, chosen], atol=2e-4, rtol=1e-4)
    assert 2 <= mirrored <= 10


@pytest.mark.parametrize("count", [1, 3, 12, 16])
def test_sampled_frames(count: int) -> None:
    for frames in (*range(1, 40), 128, 384):
        seen = torch.ones(frames, 2, dtype=torch.bool)
        expected = sampled_frames(frames, SamplingConfig(frames=count), None)
        assert spaced(seen, count).tolist() == expected.tolist()


def test_a_clip_as_a_batch() -> None:
    seen = torch.zeros(5, 3, dtype=torch.bool)
    batch = one_clip(torch.zeros(5, 3, 2), seen)
    assert (batch.lengths.tolist(), batch.inputs.shape, batch.seen.shape) == ([5], (1, 5, 3, 2), (1, 5, 3))
    assert (batch.targets.shape, batch.target_lengths.tolist(), batch.frame_labels.shape) == (
        (1, 1),
        [0],
        (1, 5),
    )


def test_a_graph_chooses_the_frames_of_evaluation() -> None:
    """Of clips of any length, also where the middle of a part is a whole number of frames."""
    runtime, memory = pytest.importorskip("onnxruntime"), io.BytesIO()
    pytest.importorskip("onnx")

    class Chosen(torch.nn.Module):
        def forward(self, seen: torch.Tensor) -> torch.Tensor:
            return spaced(seen, 9)

    with warnings.catch_warnings(), unchecked_shapes():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Chosen(),
            (torch.ones(50, 2, dtype=torch.bool),),
            memory,
            input_names=["seen"],
            dynamic_axes={"seen": {0: "frames"}},
            opset_version=17,
            dynamo=False,
        )
    session = runtime.InferenceSession(memory.getvalue(), providers=["CPUExecutionProvider"])
    for frames in range(1, 200):
        (found,) = session.run(None, {"seen": np.ones((frames, 2), dtype=bool)})
        expected = sampled_frames(frames, SamplingConfig(frames=9), None)
        assert np.array_equal(found, expected), frames
