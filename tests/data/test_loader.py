"""Batches: each sample once an epoch, resumable, the same whoever loads them, and truly padded."""

import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from functools import partial
from itertools import islice

import numpy as np
import pytest
import torch
from torch import Tensor

from signkit.config.recipe import AugmentConfig, LandmarksConfig
from signkit.data.batch import Batch
from signkit.data.collate import collate
from signkit.data.example import Example
from signkit.data.examples import Examples, frame_labels, prepare_signal, used_layout
from signkit.data.loader import Ahead, Step, eval_batches, train_steps
from signkit.data.plan import batch_plan, batches_per_epoch, planned_steps
from signkit.errors import OperationalError, UserError
from signkit.types import Features, Landmarks, Sample, Segment, Signal

AUGMENT = AugmentConfig(rate=0.2, warp=0.3, shift=0.1, noise=0.02, freeze=0.3, drop_parts=0.2, mirror=0.5)
TOKENS = {"A": 1, "B": 2, "C": 3}


def encode(tokens: Sequence[str]) -> tuple[int, ...]:
    return tuple(TOKENS[token] for token in tokens)


def hands(frames: int, seed: int) -> Signal:
    points = np.random.default_rng(seed).normal(size=(frames, 3, 2)).astype(np.float32) * 50 + 100
    points[frames // 2, 0] = np.nan
    return Landmarks(points, "boston104", fps=30.0)


def vectors(frames: int, seed: int) -> Signal:
    return Features(np.random.default_rng(seed).normal(size=(frames, 4)).astype(np.float32))


def corpus(count: int = 23, load: Callable[[int, int], Signal] = hands) -> list[Sample]:
    lengths = np.random.default_rng(5).integers(8, 40, count).tolist()
    return [
        Sample(
            id=f"s{i}",
            split="train",
            reference=("A", "B", "C")[: 1 + i % 3],
            frames=frames,
            load=partial(load, frames, i),
            source=f"clips/s{i}.npz",
            segments=(Segment("A", 2, 5),),
        )
        for i, frames in enumerate(lengths)
    ]


def examples(samples: Sequence[Sample] | None = None, augment: AugmentConfig | None = AUGMENT) -> Examples:
    return Examples(
        samples or corpus(),
        layout="boston104",
        width=2,
        encode=encode,
        landmarks=LandmarksConfig(),
        augment=augment,
        seed=7,
    )


def feature_examples(augment: AugmentConfig | None = AUGMENT) -> Examples:
    return Examples(
        corpus(load=vectors), layout="", width=4, encode=encode, landmarks=LandmarksConfig(), augment=augment
    )


def same(one: Batch, two: Batch) -> bool:
    pairs = [(getattr(one, f.name), getattr(two, f.name)) for f in fields(Batch)]
    return all(torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b for a, b in pairs)


def same_step(one: Step, two: Step) -> bool:
    head = (one.step, one.epoch, one.samples) == (two.step, two.epoch, two.samples)
    return head and len(one.parts) == len(two.parts) and all(map(same, one.parts, two.parts))


# The plan


@pytest.mark.parametrize("count", [1, 7, 16, 17, 100, 1000])
@pytest.mark.parametrize("shuffle", [True, False])
def test_each_sample_is_in_one_batch_and_sizes_are_even(count: int, shuffle: bool) -> None:
    frames = np.random.default_rng(count).integers(10, 300, count).tolist()
    plan = batch_plan(frames, 16, seed=3, epoch=2, shuffle=shuffle)
    assert sorted(i for batch in plan for i in batch) == list(range(count))
    sizes = {len(batch) for batch in plan}
    assert max(sizes) <= 16 and max(sizes) - min(sizes) <= 1
    assert len(plan) == batches_per_epoch(count, 16) == -(-count // 16)


def test_an_epoch_has_its_own_batches_given_by_the_seed() -> None:
    frames = np.random.default_rng(0).integers(40, 160, 161).tolist()
    one, again, later, other = (batch_plan(frames, 16, s, e) for s, e in ((1, 0), (1, 0), (1, 1), (2, 0)))
    assert one == again
    assert {frozenset(batch) for batch in one}.isdisjoint(map(frozenset, later))
    assert one != other


def padding_share(plan: list[list[int]], frames: list[int]) -> float:
    """The share of a plan's frames that are padding."""
    padded = sum(len(batch) * max(frames[i] for i in batch) for batch in plan)
    return 1 - sum(frames[i] for batch in plan for i in batch) / padded


@pytest.mark.parametrize(("count", "batch_size"), [(161, 8), (161, 16), (5671, 2), (5671, 16), (5671, 32)])
def test_little_of_a_batch_is_padding(count: int, batch_size: int) -> None:
    # Lengths spread as in PHOENIX-2014: 16 to 300 frames, about 110 in the middle.
    spread = np.exp(np.random.default_rng(0).normal(np.log(110), 0.4, count))
    frames = np.clip(spread, 16, 300).astype(int).tolist()
    assert padding_share(batch_plan(frames, batch_size, seed=1), frames) < 0.1
    assert padding_share(batch_plan(frames, batch_size, shuffle=False), frames) < 0.08


def test_without_shuffling_lengths_rise() -> None:
    frames = [5, 3, 9, 1, 7]
    assert batch_plan(frames, 2, shuffle=False) == [[3, 1], [0, 4], [2]]


@pytest.mark.parametrize("world", [1, 2, 3, 5])
@pytest.mark.parametrize("accumulate", [1, 2, 4])
def test_processes_and_parts_share_the_global_batch(world: int, accumulate: int) -> None:
    frames = np.random.default_rng(1).integers(10, 99, 23).tolist()
    ranks = [list(islice(planned_steps(frames, 6, 1, 0, r, world, accumulate), 12)) for r in range(world)]
    per_epoch = batches_per_epoch(23, 6, world)
    for number, steps in enumerate(zip(*ranks, strict=True)):
        epoch = number // per_epoch
        batch = batch_plan(frames, 6, 1, epoch, world=world)[number % per_epoch]
        assert {(step.step, step.epoch, step.samples) for step in steps} == {(number, epoch, len(batch))}
        assert sorted(i for step in steps for part in step.parts for i in part) == sorted(batch)
        assert len({len(step.parts) for step in steps}) == 1
        assert all(step.parts and all(step.parts) for step in steps)


def test_no_process_is_left_without_a_sample() -> None:
    assert [len(batch) for batch in batch_plan([9] * 5, 4, world=4)] == [5]
    assert sorted(len(batch) for batch in batch_plan([9] * 9, 4, world=4)) == [4, 5]


def test_too_few_samples_for_the_processes_are_refused() -> None:
    with pytest.raises(UserError) as error:
        train_steps(examples(), 2, 1, world=3)
    message = "train.batch_size: 2 samples a step cannot be shared by 3 processes; use at least 3"
    assert str(error.value) == message
    with pytest.raises(UserError) as error:
        train_steps(examples(corpus(2)), 8, 1, world=3)
    assert str(error.value) == "data: the split has 2 samples for 3 processes; use fewer processes"


# The stream


def test_first_k_and_the_rest_are_all() -> None:
    data = examples()
    unbroken = list(islice(train_steps(data, 4, 1), 14))
    assert [step.step for step in unbroken] == list(range(14))
    for k in (1, 5, 6, 7, 13):
        rest = islice(train_steps(examples(), 4, 1, start_step=k), 14 - k)
        assert all(map(same_step, unbroken[k:], rest))


def test_each_sample_is_given_once_an_epoch() -> None:
    steps = list(islice(train_steps(examples(), 4, 1), 12))
    for epoch in (0, 1):
        ids = [i for step in steps if step.epoch == epoch for part in step.parts for i in part.ids]
        assert sorted(ids) == sorted(f"s{i}" for i in range(23))
    assert sum(step.samples for step in steps) == 46


def test_a_sample_is_changed_anew_in_each_epoch_whoever_asks() -> None:
    data = examples()
    one, two = data.example(3, 0).inputs, data.example(3, 1).inputs
    assert one.tobytes() == examples().example(3, 0).inputs.tobytes()
    assert one.shape != two.shape or not np.array_equal(one, two, equal_nan=True)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("make", [examples, feature_examples])
def test_workers_load_the_same_bits(make: Callable[[], Examples]) -> None:
    alone = list(islice(train_steps(make(), 6, 1, start_step=2, accumulate=2), 6))
    helped = list(islice(train_steps(make(), 6, 1, start_step=2, accumulate=2, workers=2), 6))
    assert all(map(same_step, alone, helped))
    assert all(map(same, eval_batches(make(), 6), eval_batches(make(), 6, workers=2)))


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_more_workers_than_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch's advice is not for the user, who took the recipe's number; a warning fails a test."""
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0}, raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert len(list(eval_batches(examples(), 6, workers=2))) == len(list(eval_batches(examples(), 6)))


@pytest.mark.parametrize("workers", [0, 2])
def test_loading_leaves_the_random_numbers_of_training_alone(workers: int) -> None:
    torch.manual_seed(3)
    np.random.seed(3)
    expected = torch.get_rng_state(), np.random.get_state()[1].tolist()
    list(islice(train_steps(examples(), 6, 1, workers=workers), 3))
    assert torch.equal(torch.get_rng_state(), expected[0])
    assert np.random.get_state()[1].tolist() == expected[1]


def torn() -> Signal:
    raise OperationalError("clips/s0.npz: cannot be read: input/output error")


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("workers", [0, 1])
def test_a_fault_reaches_the_user_as_one_message(workers: int) -> None:
    samples = corpus(3)
    samples[1] = replace(samples[1], load=partial(vectors, 5, 1))
    with pytest.raises(UserError) as error:
        list(eval_batches(examples(samples), 1, workers=workers))
    assert str(error.value) == "clips/s1.npz: has features, not landmarks of layout 'boston104'"
    samples[1] = replace(samples[1], load=torn)
    with pytest.raises(OperationalError) as fault:
        list(eval_batches(examples(samples), 1, workers=workers))
    assert str(fault.value) == "clips/s0.npz: cannot be read: input/output error"


def test_a_step_may_be_fetched_early() -> None:
    taken = list[int]()

    def steps() -> Iterator[Step]:
        for number in range(3):
            taken.append(number)
            yield Step(number, 0, 0, ())

    ahead = Ahead(steps())
    assert next(ahead).step == 0 and taken == [0]
    for _ in range(2):
        ahead.fetch()
        assert taken == [0, 1]
    assert [each.step for each in ahead] == [1, 2]


def test_batches_for_a_gpu_lie_in_page_locked_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is one; here each tensor tells that it was asked to."""
    asked = list[tuple[int, ...]]()

    def locked(tensor: Tensor, *_: object) -> Tensor:
        asked.append(tuple(tensor.shape))
        return tensor

    monkeypatch.setattr(Tensor, "pin_memory", locked)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    (batch,) = eval_batches(examples(), 100)
    tensors = [each for field in fields(batch) if isinstance(each := getattr(batch, field.name), Tensor)]
    assert sorted(asked) == sorted(tuple(each.shape) for each in tensors)


def test_evaluation_gives_every_sample_once_unchanged_and_by_length() -> None:
    batches = list(eval_batches(examples(), 5))
    assert all(map(same, batches, eval_batches(examples(augment=None), 5)))
    assert sorted(i for batch in batches for i in batch.ids) == sorted(f"s{i}" for i in range(23))
    lengths = torch.cat([batch.lengths for batch in batches]).tolist()
    assert lengths == sorted(sample.frames for sample in corpus())


# Batches


def test_a_batch_tells_the_truth_about_its_samples() -> None:
    data = examples(augment=None)
    several = [data.example(i) for i in range(4)]
    batch = collate(several)
    assert batch.inputs.shape == (4, max(data.frames[:4]), 3, 2)
    assert batch.fps.tolist() == [30.0] * 4
    for row, example in enumerate(several):
        frames = len(example.inputs)
        assert (batch.lengths[row], batch.target_lengths[row]) == (frames, len(example.targets))
        assert tuple(batch.targets[row, : len(example.targets)].tolist()) == example.targets
        assert not batch.targets[row, len(example.targets) :].any()
        assert batch.frame_labels[row, :frames].tolist() == example.frame_labels.tolist()
        assert (batch.frame_labels[row, frames:] == -100).all()
        seen = ~np.isnan(example.inputs).any(-1)
        assert batch.seen[row, :frames].numpy().tolist() == seen.tolist() and not seen.all()
        assert not batch.seen[row, frames:].any()
        assert np.array_equal(batch.inputs[row, :frames].numpy(), np.nan_to_num(example.inputs))
        assert not batch.inputs[row, frames:].any()


def test_a_feature_frame_is_seen_where_it_is_real() -> None:
    several = [Example(name, np.ones((n, 4), np.float32), (1,), np.zeros(n, np.int64), 25.0) for name, n in
               (("a", 2), ("b", 3))]  # fmt: skip
    batch = collate(several)
    assert batch.seen.tolist() == [[[True], [True], [False]], [[True], [True], [True]]]


def test_frame_labels_are_those_of_the_segments_the_later_one_wins() -> None:
    segments = (Segment("A", 1, 4), Segment("B", 3, 6), Segment("GESTURE", 6, 7), Segment("C", 7, 99))
    sample = replace(corpus(1)[0], frames=9, reference=("A", "B", "C"), segments=segments)
    assert frame_labels(sample, encode).tolist() == [-100, 1, 1, 2, 2, 2, -100, 3, 3]


# Examples


def test_what_has_no_room_is_loaded_again() -> None:
    loads: list[int] = []

    def counted(frames: int, seed: int) -> Signal:
        loads.append(seed)
        return hands(frames, seed)

    samples = corpus(3, counted)
    room = samples[0].frames * 3 * 2 * 4
    data = Examples(
        samples, layout="boston104", width=2, encode=encode, landmarks=LandmarksConfig(), cache_bytes=room
    )
    for _ in range(2):
        for index in range(2):
            data.example(index)
    assert loads == [0, 1, 1]


def test_only_the_points_asked_for_are_given_normalised_by_all() -> None:
    config = LandmarksConfig(points="hands")
    signal = hands(10, 1)
    points = prepare_signal(signal, "boston104", 2, config, "a.npz")
    assert used_layout("boston104", config).points == ("left-hand", "right-hand")
    whole = prepare_signal(signal, "boston104", 2, LandmarksConfig(), "a.npz")
    assert np.array_equal(points, whole[:, :2], equal_nan=True)


def test_examples_travel_to_another_process() -> None:
    copy = pickle.loads(pickle.dumps(examples()))
    assert copy.example(2, 5).inputs.tobytes() == examples().example(2, 5).inputs.tobytes()


def test_a_clip_keeps_the_frames_its_reference_needs() -> None:
    data = Examples(
        corpus(), layout="boston104", width=2, encode=encode, landmarks=LandmarksConfig(),
        augment=AugmentConfig(rate=1.0), least_frames=[n - 1 for n in examples().frames],
    )  # fmt: skip
    kept = [len(data.example(i, epoch).inputs) - data.frames[i] for i in range(23) for epoch in range(5)]
    assert min(kept) == -1


def wrong(fault: str) -> tuple[Signal, str]:
    clip = hands(6, 1)
    assert isinstance(clip, Landmarks)
    numbers = np.zeros((3, 4), np.float32)
    numbers[1, 2] = np.nan
    return {
        "layout": (Landmarks(np.zeros((2, 42, 2), np.float32), "hands"), "boston104"),
        "width": (Landmarks(np.zeros((2, 3, 3), np.float32), "boston104"), "boston104"),
        "points": (Landmarks(np.zeros((2, 5, 2), np.float32), "boston104"), "boston104"),
        "kind": (clip, ""),
        "nan": (Features(numbers), ""),
        "empty": (Features(numbers[:0]), ""),
        "feature width": (Features(numbers[:1, :3]), ""),
    }[fault]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("layout", "has landmarks of layout 'hands', not landmarks of layout 'boston104'"),
        ("width", "has 3 coordinates a point, not 2"),
        ("points", "layout 'boston104' has 3 points but the file has 5"),
        ("kind", "has landmarks of layout 'boston104', not features"),
        ("nan", "number 2 of frame 1 is nan"),
        ("empty", "has no frames"),
        ("feature width", "has 3 numbers a frame, not 4"),
    ],
)
def test_a_signal_that_cannot_be_used_is_refused(fault: str, message: str) -> None:
    signal, name = wrong(fault)
    with pytest.raises(UserError) as error:
        prepare_signal(signal, name, 2 if name else 4, LandmarksConfig(), "a.npz")
    assert str(error.value) == f"a.npz: {message}"


def test_a_sample_that_is_not_what_its_list_says_is_refused() -> None:
    samples = corpus(2)
    samples[0] = replace(samples[0], frames=99)
    samples[1] = replace(samples[1], reference=("A", "X"))
    data = examples(samples)
    with pytest.raises(UserError, match=r"^clips/s0.npz: sample 's0' has \d+ frames, not 99$"):
        data.example(0)
    with pytest.raises(UserError, match=r"^clips/s1.npz: 'X' in sample 's1' is not in the vocabulary$"):
        data.example(1)


def test_a_mirror_needs_an_origin_and_a_split_samples() -> None:
    options = {
        "layout": "boston104",
        "width": 2,
        "encode": encode,
        "landmarks": LandmarksConfig(origin="none"),
    }
    with pytest.raises(UserError) as error:
        Examples(corpus(), augment=AUGMENT, **options)
    message = "augment.mirror: needs an origin to mirror at; set landmarks.origin to clip or frame"
    assert str(error.value) == message
    with pytest.raises(UserError, match=r"^data: the split has no samples$"):
        Examples([], **options)
