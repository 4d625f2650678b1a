"""The laws of a task, held by one recipe of it from the corpus to the report."""

import io
import json
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from signkit.config.recipe import Recipe, TrainConfig
from signkit.config.recipe_file import load_recipe
from signkit.data.loader import Batch, Step, eval_batches, train_steps
from signkit.eval.figures import metric
from signkit.models.export import TrainedModel, read_export, write_export
from signkit.models.spec import Labels, Spec
from signkit.runtime.progress import Watch
from signkit.train.loop import Ended, accelerator, mean_loss, train
from signkit.train.outcome import decode_splits, print_outcome, write_report, write_scores
from signkit.train.setup import Prepared, prepare
from signkit.train.task import Outcome, Packing, Task, Term
from signkit.types import Hypothesis, Label, Prediction, Sample

Perfect = Callable[[Sample], Mapping[str, Hypothesis | Label]]
SHARES = (0.0, 0.5, 0.999)
"""How much of a run is done where its losses are looked at."""


def check_task(
    recipe: str | Recipe,
    overrides: Sequence[str] = (),
    *,
    steps: int = 4,
    samples: int = 6,
    tolerance: float = 1e-3,
    perfect: Perfect | None = None,
) -> Outcome:
    """Hold a task to its laws, by one of its recipes; take a small corpus and a small model.

    Specification: it is the same when it was saved. Model: equal to the bit for a seed. Losses: their weights
    are known by the batch alone; parts of a batch add up to the whole; every parameter gets a gradient.
    Training: a run that was interrupted ends with the same bits. Predictions: they do not depend on batches,
    their order or their targets, and are the same of the model that was exported. Scores: perfect predictions
    have perfect ones. Report: its sections can be shown.

    Args:
        recipe: a recipe, its file, or the name of a built-in one.
        overrides: ``train.batch_size=4`` each, where it is no `Recipe`.
        steps: of the training.
        samples: of train that losses are looked at for.
        tolerance: how far losses and confidences may differ, as a share.
        perfect: the outputs that are right for a sample; of texts and labels they are known without it.

    Returns:
        The outcome of the training, for further tests.

    Raises:
        AssertionError: saying which law is broken.
        SignkitError: the recipe cannot be used at all.
    """
    read = recipe if isinstance(recipe, Recipe) else load_recipe(recipe, overrides)
    shortened = replace(
        read.train, max_steps=steps, save_every=1, eval_every=2, keep=steps, patience=0, workers=0, groups=()
    )
    prepared = prepare(replace(read, train=shortened))
    with tempfile.TemporaryDirectory() as folder:
        laws = _Laws(prepared, Path(folder), tolerance)
        laws.spec_is_the_same_when_saved()
        laws.models_are_equal_for_a_seed()
        laws.examples_are_the_same_in_an_epoch()
        laws.losses_add_up(samples)
        laws.every_parameter_gets_a_gradient(samples)
        laws.an_interrupted_training_is_the_same()
        outcome = laws.outcome()
        laws.predictions_depend_on_nothing_else(outcome)
        laws.perfect_predictions_are_perfect(outcome, perfect)
        laws.the_export_predicts_the_same(outcome)
    return outcome


@dataclass(frozen=True)
class _Laws:
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

    @property
    def trained(self) -> TrainedModel:
        """The model as it is now, on the CPU."""
        return TrainedModel(self.recipe, self.spec, self.prepared.model.cpu().eval(), 1)

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
            assert self._close(sum(others), expected), f"{what}, when {share:.0%} of the run is done"

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
        steps = [f"step_{number:06d}" for number in (whole.progress.step,)]
        for step in steps:
            files = sorted(path.name for path in (self.folder / "whole" / step).iterdir())
            for name in files:
                one, other = (self.folder / run / step / name for run in ("whole", "broken"))
                same = one.read_bytes() == other.read_bytes()
                assert same, f"a training that was interrupted ends with another {name}"

    def outcome(self) -> Outcome:
        """Decode, score and report, as a run does; what is shown is looked at."""
        place = self.folder / "run"
        place.mkdir()
        watch = Watch(place, main=False, log=False)
        self.task.check((self.trained,), lambda: self.prepared.corpus)
        splits = [split for split in ("dev", "test", "train") if split in self.prepared.datasets][:1]
        outcome = decode_splits(
            self.task, (self.trained,), self.prepared.datasets, self.prepared.corpus, splits,
            run=place, folder=place, lines=place / "decode", watch=watch,
        )  # fmt: skip
        assert outcome.scores, "nothing is scored"
        names = [each.name for each in outcome.scores]
        assert len({*names}) == len(names), f"two scores have one name: {names}"
        selection = self.task.selection
        assert selection.name in names, f"dev is judged by `{selection.name}`, which is none of {names}"
        presented = metric(selection.name, self.task.metrics)
        assert presented == selection, f"`{selection.name}` is presented otherwise than dev is judged by it"
        write_scores(place / "scores.json", outcome)
        write_report(self.task, outcome)
        page = (place / "report.html").read_text(encoding="utf-8")
        assert self.recipe.name in page, "the page does not name the recipe"
        with redirect_stdout(io.StringIO()) as shown:
            print_outcome(self.task, outcome, place)
        assert shown.getvalue().strip(), "the terminal shows nothing"
        return outcome

    def predictions_depend_on_nothing_else(self, outcome: Outcome) -> None:
        (split,) = outcome.predictions
        dataset = self.prepared.datasets[split]
        expected = self._predicted(eval_batches(dataset, 4))  # not calibrated, as those of an outcome are
        for size in (1, len(dataset)):
            what = f"in batches of {size}"
            self._same(expected, self._predicted(eval_batches(dataset, size)), split, what)
        backwards = dataset.collate([dataset.example(i) for i in reversed(range(len(dataset)))])
        self._same(expected, self._predicted(iter([backwards])), split, "in another order")
        if self.spec.inputs:  # what reads signals needs no targets
            bare = [replace(s, reference=(), labels={}, text="", segments=()) for s in dataset.samples]
            found = self._predicted(eval_batches(self.task.dataset(bare, self.spec), len(bare)))
            self._same(expected, found, split, "without targets")

    def perfect_predictions_are_perfect(self, outcome: Outcome, perfect: Perfect | None) -> None:
        ((split, predictions),) = outcome.predictions.items()
        samples, of = outcome.samples[split], self.task.selection
        if not any(each.outputs for each in predictions):
            return  # a model that only judges
        right = [
            replace(each, outputs=perfect(sample) if perfect else self._right(sample))
            for each, sample in zip(predictions, samples, strict=True)
        ]
        best = 1.0 if of.higher_is_better else 0.0
        value = self._scores(right, samples, split)[of.name]
        assert value == best, f"perfect predictions have the {of.title} {of.text(value)}, not {of.text(best)}"

    def the_export_predicts_the_same(self, outcome: Outcome) -> None:
        (split,) = outcome.predictions
        dataset, task = self.prepared.datasets[split], self.task
        before = self._predicted(eval_batches(dataset, 4))
        pack = None
        if isinstance(task, Packing):
            packing, temperature = task, outcome.calibration.temperature if outcome.calibration else 0.0
            trained = self.trained
            pack = lambda to: packing.pack(trained, lambda: self.prepared.corpus, temperature, to)  # noqa: E731
        write_export(self.folder / "exported" / "export", self.trained, pack)
        again = read_export(self.folder / "exported")
        assert again.spec == self.spec, "the spec of the export is another one"
        # The export may name a temperature of its own; all else of its decoding is the run's.
        reopened = replace(again, recipe=self.recipe)
        after = self._predicted(eval_batches(dataset, 4), reopened)
        assert before.keys() == after.keys()
        for name, each in before.items():
            assert each.outputs == after[name].outputs, f"the export predicts something else for {name}"
        self._same(before, after, split, "of the export")

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

    def _predicted(self, batches: Any, trained: TrainedModel | None = None) -> dict[str, Prediction]:
        done: list[int] = []
        found = self.task.predict(
            (trained or self.trained,), batches, corpus=lambda: self.prepared.corpus, on_progress=done.append
        )
        by_id = {each.id: each for each in found}
        assert done and done[-1] == len(by_id), "`on_progress` is not told how many samples are done"
        return by_id

    def _same(
        self, expected: Mapping[str, Prediction], found: Mapping[str, Prediction], split: str, what: str
    ) -> None:
        lacking = expected.keys() ^ found.keys()
        assert not lacking, f"{what}, {', '.join(sorted(lacking)[:5])} are not predicted"
        for name, each in expected.items():
            if not self._alike(each.plain(), found[name].plain()):
                raise AssertionError(f"the prediction of {name} is another one {what}")
        samples = self.prepared.datasets[split].samples
        one, other = (self._scores([of[s.id] for s in samples], samples, split) for of in (expected, found))
        for name in one.keys() & other.keys():
            alike = self._close(one[name], other[name])
            assert alike, f"`{name}` is {one[name]:.6g}, and {what} {other[name]:.6g}"

    def _scores(self, predictions: Sequence[Prediction], samples: Any, split: str) -> dict[str, float]:
        corpus = self.prepared.corpus
        found = self.task.score(
            predictions, samples, split, spec=self.spec, corpus=corpus, say=lambda message: None
        )
        assert all(each.split == split for each in found), "a score is of another split"
        return {each.name: each.value for each in found}

    def _right(self, sample: Sample) -> dict[str, Hypothesis | Label]:
        """What should be predicted."""
        outputs: dict[str, Hypothesis | Label] = {}
        for name, output in self.spec.outputs.items():
            if isinstance(output, Labels):
                assert name in sample.labels, (
                    f"{sample.id} has no label `{name}`: say by `perfect` what is right"
                )
                outputs[name] = Label(sample.labels[name], 1.0)
            else:
                tokens = sample.reference
                outputs[name] = Hypothesis(sample.id, tokens, output.join(tokens), 0.0, (0.0,) * len(tokens))
        return outputs

    def _alike(self, one: Any, other: Any) -> bool:
        """Whether two plain values are equal, numbers within the tolerance."""
        if isinstance(one, dict):
            return one.keys() == other.keys() and all(self._alike(one[key], other[key]) for key in one)
        if isinstance(one, list | tuple):
            return len(one) == len(other) and all(map(self._alike, one, other))
        if isinstance(one, float) and isinstance(other, float):
            return self._close(one, other)
        return bool(one == other)

    def _close(self, one: float, other: float) -> bool:
        if math.isnan(one) or math.isnan(other):
            return math.isnan(one) and math.isnan(other)
        return one == other or abs(one - other) <= self.tolerance * max(1.0, abs(one), abs(other))


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
