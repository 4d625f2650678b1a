"""`train.balance`: which samples an epoch has, how much each counts, and that a resumed run has the same."""

from collections import Counter
from functools import partial
from itertools import islice

import numpy as np
import pytest
import torch

from signkit.config.recipe import AugmentConfig, LandmarksConfig
from signkit.data.balance import Drawing, class_weights, classes_of
from signkit.data.examples import Examples
from signkit.data.loader import Step, train_steps
from signkit.data.plan import batches_per_epoch, planned_steps
from signkit.types import Features, Sample, Signal

CLASSES = ["A"] * 12 + ["B"] * 5 + ["C"] * 3
FRAMES = np.random.default_rng(0).integers(10, 99, len(CLASSES)).tolist()


def test_the_class_of_a_sample_is_its_rarest_token() -> None:
    """How many samples have a token counts, not how often one has it; of equals the first by name."""
    references = [("A",), ("B",), ("A", "B", "C", "C"), ("A", "D", "E"), ("A", "E"), ()]
    assert classes_of(references) == ["A", "B", "C", "D", "E", ""]
    assert classes_of([("Z", "Y"), ("Y", "Z")]) == ["Y", "Y"]


def test_classes_weigh_the_same_together() -> None:
    weights = class_weights(CLASSES)
    assert weights == [20 / (3 * 12)] * 12 + [20 / (3 * 5)] * 5 + [20 / (3 * 3)] * 3
    assert sum(weights) == pytest.approx(len(CLASSES))
    for name in "ABC":
        total = sum(weight for weight, each in zip(weights, CLASSES, strict=True) if each == name)
        assert total == pytest.approx(len(CLASSES) / 3)


@pytest.mark.parametrize(("balance", "each"), [("oversample", 12), ("undersample", 3)])
def test_an_epoch_has_as_many_of_each_class(balance: str, each: int) -> None:
    drawing = Drawing(CLASSES, balance, seed=1)
    assert drawing.samples == 3 * each
    epochs = [drawing.epoch(number) for number in range(4)]
    for indices, copies in epochs:
        assert Counter(CLASSES[i] for i in indices) == dict.fromkeys("ABC", each)
        seen: Counter[int] = Counter()
        for index, copy in zip(indices.tolist(), copies.tolist(), strict=True):
            assert copy == seen[index]
            seen[index] += 1
        rounds = [[seen[i] for i, name in enumerate(CLASSES) if name == wanted] for wanted in "ABC"]
        assert all(max(counts) - min(counts) <= 1 for counts in rounds)
    assert len({tuple(sorted(indices.tolist())) for indices, _ in epochs}) == 4
    again = Drawing(CLASSES, balance, seed=1).epoch(2)
    assert all(np.array_equal(one, two) for one, two in zip(again, epochs[2], strict=True))
    assert not np.array_equal(Drawing(CLASSES, balance, seed=2).epoch(2)[0], epochs[2][0])


def test_without_balance_each_sample_is_there_once() -> None:
    drawing = Drawing(CLASSES, "none", seed=1)
    indices, copies = drawing.epoch(3)
    assert (drawing.samples, indices.tolist(), set(copies.tolist())) == (20, [*range(20)], {0})
    with_none = list(islice(planned_steps(FRAMES, 4, 1, drawing=drawing), 12))
    assert with_none == list(islice(planned_steps(FRAMES, 4, 1), 12))
    assert all(set(sum(step.epochs, ())) == {step.epoch} for step in with_none)


@pytest.mark.parametrize("balance", ["oversample", "undersample"])
@pytest.mark.parametrize("world", [1, 3])
def test_the_plan_has_what_is_drawn(balance: str, world: int) -> None:
    """Over all processes, in batches of even sizes."""
    drawing = Drawing(CLASSES, balance, seed=1)
    per_epoch = batches_per_epoch(drawing.samples, 6, world)
    ranks = [
        list(islice(planned_steps(FRAMES, 6, 1, 0, rank, world, 2, drawing), 3 * per_epoch))
        for rank in range(world)
    ]
    for epoch in range(3):
        steps = [step for steps in ranks for step in steps if step.epoch == epoch]
        found = sorted(i for step in steps for part in step.parts for i in part)
        assert found == sorted(drawing.epoch(epoch)[0].tolist())
        for step in steps:
            assert [len(part) for part in step.parts] == [len(part) for part in step.epochs]


def vectors(frames: int, seed: int) -> Signal:
    return Features(np.random.default_rng(seed).normal(size=(frames, 4)).astype(np.float32))


def examples() -> Examples:
    samples = [
        Sample(f"s{i}", "train", (name,), frames, partial(vectors, frames, i))
        for i, (name, frames) in enumerate(zip(CLASSES, FRAMES, strict=True))
    ]
    return Examples(
        samples, layout="", width=4, encode=lambda tokens: [2] * len(tokens), landmarks=LandmarksConfig(),
        augment=AugmentConfig(noise=0.1), seed=7,
    )  # fmt: skip


def same(one: Step, two: Step) -> bool:
    return (one.step, one.epoch, one.samples) == (two.step, two.epoch, two.samples) and all(
        a.ids == b.ids and torch.equal(a.inputs, b.inputs) for a, b in zip(one.parts, two.parts, strict=True)
    )


@pytest.mark.parametrize("balance", ["oversample", "undersample"])
def test_first_k_and_the_rest_are_all(balance: str) -> None:
    """A run that is resumed has the batches, to the bit, of one that never stopped; with workers too."""
    unbroken = list(islice(train_steps(examples(), 4, 1, drawing=Drawing(CLASSES, balance, 1)), 20))
    for start, workers in ((1, 0), (8, 0), (9, 2), (19, 0)):
        drawing = Drawing(CLASSES, balance, 1)
        rest = train_steps(examples(), 4, 1, start_step=start, workers=workers, drawing=drawing)
        assert all(map(same, unbroken[start:], rest))


def test_a_sample_that_comes_again_is_changed_anew() -> None:
    drawing = Drawing(CLASSES, "oversample", 1)
    steps = islice(train_steps(examples(), 4, 1, drawing=drawing), batches_per_epoch(36, 4))
    seen: dict[str, list[bytes]] = {}
    for step in steps:
        for batch in step.parts:
            for name, inputs, length in zip(batch.ids, batch.inputs, batch.lengths.tolist(), strict=True):
                seen.setdefault(name, []).append(inputs[:length].numpy().tobytes())
    assert [len(each) for each in seen.values()].count(4) == 3  # those of C
    assert all(len(set(each)) == len(each) for each in seen.values())
