"""The laws of what a trained model of a task predicts, and of what is made of it."""

import io
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from typing import Any

from signkit.data.loader import eval_batches
from signkit.eval.figures import metric
from signkit.models.export import TrainedModel, read_export, write_export
from signkit.models.spec import Labels
from signkit.runtime.progress import Watch
from signkit.testing.learning import Laws, close
from signkit.train.outcome import decode_splits, print_outcome, write_report, write_scores
from signkit.train.task import Fitting, Outcome, Packing
from signkit.types import Hypothesis, Label, Prediction, Sample

Perfect = Callable[[Sample], Mapping[str, Hypothesis | Label]]
"""What should be predicted for a sample."""


class PredictionLaws(Laws):
    """What a trained model of the task predicts."""

    @property
    def trained(self) -> TrainedModel:
        """The model as it is now, on the CPU."""
        return TrainedModel(self.recipe, self.spec, self.prepared.model.cpu().eval(), 1)

    def outcome(self) -> Outcome:
        """Decode, score and report, as a run does; what is shown is looked at."""
        place = self.folder / "run"
        place.mkdir()
        watch = Watch(place, main=False, log=False)
        self.task.check((self.trained,), lambda: self.prepared.corpus)
        if isinstance(self.task, Fitting):
            self.task.fit(self.trained.model, self.spec, self.prepared.corpus, place, watch)
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
        found = self._scores(right, samples, split)
        if found[of.name] == self._scores(predictions, samples, split)[of.name]:
            of = self.task.metrics[0]  # dev is judged by a loss, which does not depend on outputs
        best, value = 1.0 if of.higher_is_better else 0.0, found[of.name]
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

    def _predicted(self, batches: Any, trained: TrainedModel | None = None) -> dict[str, Prediction]:
        done: list[int] = []
        found = self.task.predict(
            (trained or self.trained,), batches, corpus=lambda: self.prepared.corpus, on_progress=done.append
        )
        by_id = {each.id: each for each in found}
        assert done and done[-1] == len(by_id), "`on_progress` is not called with the number of samples done"
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
            alike = close(one[name], other[name], self.tolerance)
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
            return close(one, other, self.tolerance)
        return bool(one == other)
