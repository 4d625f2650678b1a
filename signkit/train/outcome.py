"""The outcome of a trained model: splits are predicted, calibrated, scored, written and reported."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from signkit.config.recipe import Recipe
from signkit.data.loader import Dataset
from signkit.eval.results import hypotheses_file, plain, references_file
from signkit.models.export import TrainedModel
from signkit.models.spec import Labels, Output, Spec
from signkit.report.run import print_run, write_run_page
from signkit.report.settings import settings
from signkit.runtime.files import write_json, write_text
from signkit.runtime.progress import Watch
from signkit.train.sharing import of_all, own_batches, processes
from signkit.train.task import Calibrating, Fitting, Outcome, PredictsTogether, Task
from signkit.types import Corpus, Prediction, Sample, Score

PICTURE = "picture.png"


def decode_splits(
    task: Task,
    models: Sequence[TrainedModel],
    datasets: Mapping[str, Dataset],
    corpus: Corpus,
    splits: Sequence[str],
    *,
    run: Path,
    folder: Path,
    lines: Path,
    watch: Watch,
    trained_on: Callable[[], Corpus] | None = None,
) -> Outcome:
    """Predict and score splits, and write ``<split>.jsonl`` for each.

    If the confidences are calibrated, have no temperature yet, and the corpus has a dev split that is not in
    train, dev is predicted, too, to fit the temperature.

    Args:
        task: of the models.
        models: the trained model, then the others of an ensemble.
        datasets: of all splits.
        corpus: its samples' targets in the task's units.
        splits: to score.
        run: the folder of the training.
        folder: where the report will be written.
        lines: the folder that predictions are written to.
        watch: receives the progress.
        trained_on: returns the corpus of the training, for external models that are estimated from train;
            None if that is ``corpus``.

    Raises:
        UserError: the models cannot be decoded as the recipe says.
        OperationalError: the output of a model is not finite, or a file cannot be written.
    """
    recipe, spec = models[0].recipe, models[0].spec
    known = trained_on or (lambda: corpus)
    task.check(models, known)
    predictions = predicted_splits(task, models, datasets, splits, known, watch)
    calibration = None
    if isinstance(task, Calibrating):
        samples = {split: datasets[split].samples for split in predictions}
        calibration = task.calibrate(predictions, samples, spec)
        predictions = calibration.predictions
    scores: list[Score] = []
    for split in splits:
        write_lines(lines, split, predictions[split], datasets[split].samples, spec)
        scores += task.score(
            predictions[split], datasets[split].samples, split, spec=spec, corpus=corpus, say=watch.say
        )
        if calibration is not None:
            scores += calibration.scores[split]
    return Outcome(
        recipe=recipe,
        spec=spec,
        step=models[0].step,
        selected=task.selection.name if _selects(recipe, datasets) else "",
        scores=tuple(scores),
        predictions={split: predictions[split] for split in splits},
        samples={split: datasets[split].samples for split in splits},
        calibration=calibration,
        run=run,
        folder=folder,
        metrics=tuple(task.metrics),
        corpus=corpus,
    )


def predicted_splits(
    task: Task,
    models: Sequence[TrainedModel],
    datasets: Mapping[str, Dataset],
    splits: Sequence[str],
    corpus: Callable[[], Corpus],
    watch: Watch,
) -> dict[str, list[Prediction]]:
    """The predictions of splits, and of dev if confidences are to be fitted to it, in the order of their
    samples. If several processes call it, they share the work, and all get all.

    Args:
        corpus: of the training.
    """
    recipe = models[0].recipe
    fits = isinstance(task, Calibrating) and not recipe.decode.temperature and "dev" in datasets
    if fits and recipe.dev_in_train:
        watch.say("dev is in train too (data.dev_in_train): no temperature is fitted to it")
    for_fit = ("dev",) if fits and not recipe.dev_in_train else ()
    return {
        split: _predicted(task, models, datasets[split], corpus, split, watch, scored=split in splits)
        for split in dict.fromkeys((*for_fit, *splits))
    }


def can_share(task: Task) -> bool:
    """Whether several processes can share the decoding of a split."""
    return not isinstance(task, Fitting | PredictsTogether)


def _selects(recipe: Recipe, datasets: Mapping[str, Dataset]) -> bool:
    """Whether the weights were selected on dev."""
    return "dev" in datasets and recipe.train.select == "best" and not recipe.dev_in_train


def write_lines(
    folder: Path, split: str, predictions: Sequence[Prediction], samples: Sequence[Sample], spec: Spec
) -> None:
    """Write a JSON line for each hypothesis (`signkit.types.Prediction.plain`) and for each reference, in
    files of their own, unless the model has no outputs.

    Args:
        samples: in the order of the predictions, their targets in the task's units.
    """
    if not any(each.outputs for each in predictions):
        return
    write_text(hypotheses_file(folder, split), _as_lines([each.plain() for each in predictions]))
    references = [_reference(sample, spec.outputs) for sample in samples]
    write_text(references_file(folder, split), _as_lines(references))


def _reference(sample: Sample, outputs: Mapping[str, Output]) -> dict[str, Any]:
    """The reference of a sample with the keys that its prediction has."""
    plain = {
        name: {"label": sample.labels.get(name)}
        if isinstance(output, Labels)
        else {"text": output.join(sample.reference)}
        for name, output in outputs.items()
    }
    only = [*plain.values()][0] if len(plain) == 1 else {"outputs": plain}
    return {"id": sample.id, **only} | ({"signer": sample.signer} if sample.signer else {})


def _as_lines(rows: Sequence[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def write_scores(path: Path, outcome: Outcome) -> None:
    """Write ``scores.json``: all scores, notes on them, and the temperature of the confidences; of other
    results than a run's own, the run too."""
    document: dict[str, Any] = {"metrics": [plain(each) for each in outcome.scores], "notes": outcome.notes}
    if outcome.metrics:
        document["own_metrics"] = [asdict(each) for each in outcome.metrics]
    if path.parent != outcome.run:
        document["run"] = str(outcome.run.resolve())
    calibration = outcome.calibration
    if calibration is not None:
        fitted_on = "dev" if calibration.fitted else None
        document["confidences"] = {"temperature": calibration.temperature, "fitted_on": fitted_on}
    write_json(path, document)


def write_report(task: Task, outcome: Outcome) -> None:
    """Write ``report.html`` and its pictures into the outcome's folder."""
    sections = task.sections(outcome, brief=False)
    splits, name = tuple(outcome.predictions), outcome.recipe.name
    path = outcome.folder / "report.html"
    shown = [*sections, settings(outcome.recipe)]
    write_run_page(
        path,
        name,
        outcome.step,
        outcome.scores,
        splits,
        outcome.selected,
        shown,
        outcome.metrics,
        notes=outcome.notes,
    )


def print_outcome(task: Task, outcome: Outcome, folder: Path) -> None:
    """Print the scores, some examples, and the paths of the picture and the page.

    Args:
        folder: their folder, which may have been renamed since the outcome was made.
    """
    sections = task.sections(outcome, brief=True)
    splits, name = tuple(outcome.predictions), outcome.recipe.name
    print_run(
        name,
        outcome.step,
        outcome.scores,
        splits,
        outcome.selected,
        sections,
        outcome.metrics,
        notes=outcome.notes,
    )
    for what, file in (("picture: ", PICTURE), ("report:  ", "report.html")):
        if (folder / file).is_file():
            print(f"{what}{folder / file}")


def _predicted(
    task: Task,
    models: Sequence[TrainedModel],
    dataset: Dataset,
    corpus: Callable[[], Corpus],
    split: str,
    watch: Watch,
    *,
    scored: bool,
) -> list[Prediction]:
    """The predictions of a split, in the order of its samples."""
    recipe = models[0].recipe
    with watch.bar(f"decode {split}", len(dataset)) as bar:
        shared = can_share(task)
        batches, parts = own_batches(dataset, recipe, shared=shared), processes() if shared else 1

        def on_progress(done: int) -> None:
            bar.at(min(len(dataset), done * parts))

        own = {
            each.id: each
            for each in task.predict(models, batches, corpus=corpus, on_progress=on_progress, scored=scored)
        }
    found = of_all(own, dataset) if shared else own
    return [found[sample.id] for sample in dataset.samples]
