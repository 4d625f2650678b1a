"""The laws of how a task learns: its model, its losses, its training."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from signkit.config.recipe import Recipe, TrainConfig
from signkit.data.loader import Batch, Step, train_steps
from signkit.models.spec import Spec
from signkit.train.loop import Ended, accelerator, mean_loss, train
from signkit.train.setup import Prepared
from signkit.train.task import Task, Term

SHARES = (0.0, 0.5, 0.999)
"""How much of a run is done where its losses are looked at."""


@dataclass(frozen=True)
class Laws:
    """Laws of a prepared task; each is a method that raises an `AssertionError` (`check_task` calls them).

    Attributes:
        folder: an empty one to write in.
        tolerance: by how much a loss may differ, as a share of it.
    """

    prepared: Prepared
    folder: Path
    tolerance: float

    @property
    def recipe(self) -> Recipe:
        return self.prepared.recipe

    @property
    def task(self) -> Task:
        return self.prepared.task

    @property
    def spec(self) -> Spec:
        return self.prepared.spec


class LearningLaws(Laws):
    """How the task learns."""

    def spec_is_the_same_when_saved(self) -> None:
        place = self.folder / "spec"
        place.mkdir()
        plain = json.loads(json.dumps(self.spec.save(place)))
        assert Spec.load(place, plain) == self.spec, "the spec is another one when it was saved and loaded"

    def models_are_equal_for_a_seed(self) -> None:
        torch.manual_seed(7)
        one = self.task.model(self.spec).state_dict()
        torch.manual_seed(8)
        other = self.task.model(self.spec).state_dict()
        differing = [name for name in one if not torch.equal(one[name], other[name])]
        assert one.keys() == other.keys() and not differing, f"two models of a seed differ in {differing[:5]}"

    def examples_are_the_same_in_an_epoch(self) -> None:
        dataset = self.prepared.datasets["train"]
        assert len(dataset) == len(dataset.sizes) == len(dataset.samples), "its lengths differ"
        for epoch in (None, 3):
            one, other = (dataset.collate([dataset.example(0, epoch)]) for _ in range(2))
            assert _same_batch(one, other), (
                f"an example is another one when it is read again, in epoch {epoch}"
            )

    def losses_add_up(self, samples: int) -> None:
        """Weights are those of each sample, and the mean of parts is the mean of the whole."""
        model, task = self.task.model(self.spec), self.task
        whole, *parts = self._batches(samples)
        handle = model.register_forward_pre_hook(_refuse)
        weights, *halves = [task.weights(model, each) for each in (whole, *parts)]
        handle.remove()
        for name, each in weights.items():
            assert each.shape == (len(whole.ids),), f"the weights of `{name}` are not one number a sample"
            assert bool((each.isfinite() & (each >= 0)).all()), (
                f"a weight of `{name}` is negative or infinite"
            )
            joined = torch.cat([half[name] for half in halves])
            assert torch.equal(each, joined), f"the weights of `{name}` depend on the other samples"
        totals = {name: float(each.sum()) for name, each in weights.items()}
        for share in SHARES:
            self._deterministic(model, whole, share)
            terms = [self._terms(model, each, share) for each in (whole, *parts)]
            assert terms[0].keys() == weights.keys(), "the terms of the loss and their weights differ in name"
            for name, term in terms[0].items():
                left_out = term.total[weights[name] == 0]
                assert not bool(left_out.any()), f"a sample of weight 0 has a loss `{name}`"
            expected, *others = [float(mean_loss(each, totals)) for each in terms]
            what = f"the loss of a batch is {expected:.6g}, and that of its parts {sum(others):.6g}"
            assert close(sum(others), expected, self.tolerance), (
                f"{what}, when {share:.0%} of the run is done"
            )

    def every_parameter_gets_a_gradient(self, samples: int) -> None:
        whole, *_ = self._batches(samples)
        model = self.task.model(self.spec).train()
        totals = {name: float(each.sum()) for name, each in self.task.weights(model, whole).items()}
        for share in SHARES:
            model.zero_grad(set_to_none=True)
            loss = mean_loss(self.task.loss(model, model, whole, share), totals)
            assert bool(loss.isfinite()), f"the loss is {float(loss)} when {share:.0%} of the run is done"
            loss.backward()
            without = [n for n, p in model.named_parameters() if p.requires_grad and p.grad is None]
            what = f"no gradient reaches {', '.join(without[:5])} when {share:.0%} of the run is done"
            assert not without, f"{what}: several processes would wait for it; add 0 times what it gives"

    def an_interrupted_training_is_the_same(self) -> None:
        """The whole training, then one that is asked to stop after a step and goes on; the bits are equal."""
        whole = self._train(self.prepared.model, self.folder / "whole", lambda: False)
        assert whole.how == "finished"
        asked = iter((False, True))
        for stop in (lambda: next(asked), lambda: False):
            self._train(self.task.model(self.spec), self.folder / "broken", stop)
        unbroken, broken = (
            self.folder / run / f"step_{whole.progress.step:06d}" for run in ("whole", "broken")
        )
        for file in sorted(unbroken.iterdir()):
            same = file.read_bytes() == (broken / file.name).read_bytes()
            assert same, f"a training that was interrupted ends with another {file.name}"

    def _batches(self, samples: int) -> tuple[Batch, Batch, Batch]:
        """A batch of the first samples of train, and its two parts."""
        dataset = self.prepared.datasets["train"]
        examples = [dataset.example(i) for i in range(min(samples, len(dataset)))]
        half = len(examples) // 2
        assert half, "train has a single sample; take two at least"
        return tuple(dataset.collate(each) for each in (examples, examples[:half], examples[half:]))

    def _deterministic(self, model: Any, batch: Batch, share: float) -> None:
        """Let the model train without chance: as in evaluation, but for what it gives for losses alone."""
        model.eval()
        model.training = True
        found = []
        for seed in (1, 2):
            torch.manual_seed(seed)
            terms = self.task.loss(model, model, batch, share)
            found.append(torch.cat([term.total.detach() for term in terms.values()]))
        if not torch.equal(*found):
            model.eval()

    def _terms(self, model: Any, batch: Batch, share: float) -> Mapping[str, Term]:
        with torch.no_grad():
            return self.task.loss(model, model, batch, share)

    def _train(self, model: Any, checkpoints: Path, stop: Callable[[], bool]) -> Ended:
        config: TrainConfig = self.recipe.train
        train_set, dev = self.prepared.datasets["train"], self.prepared.datasets.get("dev")

        def steps(start: int) -> Iterator[Step]:
            return train_steps(train_set, config.batch_size, config.seed, start_step=start)

        def evaluate(step: int) -> Any:
            assert dev is not None
            before = {name: value.clone() for name, value in model.state_dict().items()}
            found = self.task.evaluate(model, dev, self.spec, step, lambda message: None)
            assert isinstance(found.value, float), "the evaluation is no number"
            changed = [
                name for name, value in model.state_dict().items() if not torch.equal(value, before[name])
            ]
            assert not changed, f"the evaluation changes {changed[:5]}"
            return found

        checkpoints.mkdir(exist_ok=True)
        engine = accelerator(config)
        return train(
            self.task, model, config, steps, evaluate if dev is not None else None, checkpoints, _Silent(),
            engine, stop,
        )  # fmt: skip


class _Silent:
    """A `signkit.train.loop.Watcher` that tells nobody."""

    def stepped(self, step: int, figures: dict[str, float]) -> None: ...

    def evaluated(self, step: int, score: float, best: bool) -> None: ...


def _refuse(*_: object) -> None:
    raise AssertionError(
        "the weights of the loss are computed by the model; they must be known before it runs"
    )


def _same_batch(one: Any, other: Any) -> bool:
    pairs = [(getattr(one, each.name), getattr(other, each.name)) for each in fields(one)]
    return all(torch.equal(a, b) if isinstance(a, Tensor) else a == b for a, b in pairs)


def close(one: float, other: float, tolerance: float) -> bool:
    """Whether two numbers differ by no more than a share of the larger one, or of 1; NaN equals NaN."""
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    return one == other or abs(one - other) <= tolerance * max(1.0, abs(one), abs(other))
