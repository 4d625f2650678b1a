"""Kinematic features: exact values, and which of them are known."""

import torch

from signkit.data.batch import Batch
from signkit.data.landmarks import layout
from signkit.models.encoders import kinematic
from signkit.models.encoders.configs import GlobalTemporalConfig, KinematicConfig, LocalTemporalConfig
from signkit.models.encoders.kinematic import feature_width, kinematics, velocity

POINTS = torch.tensor([[[[0.0, 0], [1, 1]], [[3.0, 4], [9, 9]], [[3.0, 5], [1, 5]], [[0.0, 1], [2, 5]]]])
SEEN = torch.tensor([[[True, True], [True, False], [True, True], [True, True]]])


def test_features_are_positions_velocities_differences_and_magnitudes() -> None:
    values, known = kinematics(POINTS, SEEN, (1, 2), ((0, 1),))
    positions = [[0, 0, 1, 1], [3, 4, 0, 0], [3, 5, 1, 5], [0, 1, 2, 5]]
    over_one = [[0, 0, 0, 0], [3, 4, 0, 0], [0, 1, 0, 0], [-3, -4, 1, 0]]
    over_two = [[0, 0, 0, 0], [0, 0, 0, 0], [3, 5, 0, 4], [-3, -3, 0, 0]]
    apart = [[-1, -1], [0, 0], [2, 0], [-2, -4]]
    speed_one, speed_two = [[0, 0], [5, 0], [1, 0], [5, 1]], [[0, 0], [0, 0], [34**0.5, 4], [18**0.5, 0]]
    distance = [[2**0.5], [0], [2], [20**0.5]]
    expected = torch.tensor(
        [
            sum(row, [])
            for row in zip(positions, over_one, over_two, apart, speed_one, speed_two, distance, strict=True)
        ]
    )
    torch.testing.assert_close(values[0], expected)
    assert known[0, :, :4].tolist() == [[True] * 4, [True, True, False, False], [True] * 4, [True] * 4]
    assert known[0, :, 4:8].tolist() == [
        [False] * 4,
        [True] * 2 + [False] * 2,
        [True] * 2 + [False] * 2,
        [True] * 4,
    ]
    assert known[0, :, 8:12].tolist() == [[False] * 4, [False] * 4, [True] * 4, [True] * 2 + [False] * 2]
    assert known[0, :, 12:14].all(1).tolist() == [True, False, True, True]
    assert torch.equal(known[0, :, 14:16], known[0, :, 4:8:2])
    assert torch.equal(known[0, :, 16:18], known[0, :, 8:12:2])
    assert torch.equal(known[0, :, 18], known[0, :, 12])
    assert values.shape[2] + 2 == feature_width(2, 2, (1, 2), ((0, 1),))


def test_a_clip_shorter_than_the_lag_has_no_velocity() -> None:
    moved, known = velocity(POINTS[:, :2], SEEN[:, :2], 5)
    assert moved.shape == (1, 2, 2, 2)
    assert not moved.any() and not known.any()


def test_the_features_reach_the_temporal_module_z_scored() -> None:
    config = KinematicConfig(
        local_temporal=LocalTemporalConfig(width=4), global_temporal=GlobalTemporalConfig(layers=0)
    )
    encoder = kinematic.build(config, layout("boston104"), 2).train()
    assert encoder.frames.pairs == ((0, 1), (0, 2), (1, 2))
    generator = torch.Generator().manual_seed(0)
    seen = torch.rand(2, 30, 3, generator=generator) > 0.3
    batch = Batch(
        ids=("a", "b"),
        inputs=40 + 7 * torch.randn(2, 30, 3, 2, generator=generator),
        seen=seen,
        lengths=torch.tensor([30, 20]),
        targets=torch.zeros(2, 1, dtype=torch.long),
        target_lengths=torch.ones(2, dtype=torch.long),
        frame_labels=torch.full((2, 30), -100),
        fps=torch.full((2,), 25.0),
    )
    given = []
    encoder.temporal.register_forward_hook(lambda module, inputs, output: given.append(inputs[0]))
    encoder(batch)
    frames, real = given[0], torch.arange(30) < batch.lengths[:, None]
    x = frames[..., 0][seen[..., 0] & real]
    torch.testing.assert_close(x.mean(), torch.tensor(0.0), rtol=0, atol=1e-5)
    torch.testing.assert_close(x.std(correction=0), torch.tensor(1.0), rtol=0, atol=1e-4)
    assert not frames[..., 0][~(seen[..., 0] & real)].any()
    flags = frames[..., -1][real]
    assert len(flags.unique()) == 2 and abs(flags.mean()) < 1e-5
