"""The outcome of a trained model: splits are predicted, calibrated, scored, written and reported."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from signkit.data.loader import Dataset, eval_batches
from signkit.errors import OperationalError
from signkit.models.export import TrainedModel
from signkit.report.run import print_run, write_run_page
from signkit.runtime.files import plainly, write_json, write_text
from signkit.runtime.progress import Watch
from signkit.train.task import Calibrating, Outcome, Task
from signkit.types import Corpus, Prediction, Score

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
) -> Outcome:
    """Predict and score splits, and write ``<split>.jsonl`` for each.

    If the confidences are calibrated, have no temperature yet, and the corpus has a dev split, dev is
    predicted, too, to fit the temperature.

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

    Raises:
        UserError: the models cannot be decoded as the recipe says.
        OperationalError: the output of a model is not finite, or a file cannot be written.
    """
    recipe, spec = models[0].recipe, models[0].spec
    task.check(models, lambda: corpus)
    calibrates = isinstance(task, Calibrating)
    for_fit = ("dev",) if calibrates and not recipe.decode.temperature and "dev" in datasets else ()
    predictions = {
        split: _predicted(task, models, datasets[split], corpus, split, watch, scored=split in splits)
        for split in dict.fromkeys((*for_fit, *splits))
    }
    calibration = None
    if isinstance(task, Calibrating):
        samples = {split: datasets[split].samples for split in predictions}
        calibration = task.calibrate(predictions, samples, spec)
        predictions = calibration.predictions
    scores: list[Score] = []
    for split in splits:
        write_predictions(lines / f"{split}.jsonl", predictions[split])
        scores += task.score(
            predictions[split], datasets[split].samples, split, spec=spec, corpus=corpus, say=watch.say
        )
        if calibration is not None:
            scores += calibration.scores[split]
    return Outcome(
        recipe=recipe,
        spec=spec,
        step=models[0].step,
        selected=task.selection.name if "dev" in datasets and recipe.train.select == "best" else "",
        scores=tuple(scores),
        predictions={split: predictions[split] for split in splits},
        samples={split: datasets[split].samples for split in splits},
        calibration=calibration,
        run=run,
        folder=folder,
        metrics=tuple(task.metrics),
    )


def write_predictions(path: Path, predictions: Sequence[Prediction]) -> None:
    """Write a JSON line for each sample (`signkit.types.Prediction.plain`), unless the model has no
    outputs."""
    if any(each.outputs for each in predictions):
        write_text(path, "".join(json.dumps(each.plain(), ensure_ascii=False) + "\n" for each in predictions))


def write_scores(path: Path, outcome: Outcome) -> None:
    """Write ``scores.json``: all scores, and the temperature of the confidences."""
    document: dict[str, Any] = {"metrics": [plain(each) for each in outcome.scores]}
    calibration = outcome.calibration
    if calibration is not None:
        fitted_on = "dev" if calibration.fitted else None
        document["confidences"] = {"temperature": calibration.temperature, "fitted_on": fitted_on}
    write_json(path, document)


def read_scores(path: Path) -> tuple[Score, ...]:
    """Read the scores that `write_scores` wrote.

    Raises:
        OperationalError: the file cannot be read, or has no scores.
    """
    with plainly(path, "read"):
        text = path.read_text(encoding="utf-8")
    try:
        rows = json.loads(text)["metrics"]
        filled: list[dict[str, Any]] = [
            {k: math.nan if v is None else v for k, v in row.items()} for row in rows
        ]
        return tuple(Score(**row) for row in filled)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise OperationalError(f"{path}: is no file of scores") from None


def plain(score: Score) -> dict[str, Any]:
    """A score as a JSON object; undefined values are null."""
    return {key: None if value != value else value for key, value in asdict(score).items()}


def write_report(task: Task, outcome: Outcome) -> None:
    """Write ``report.html`` and its pictures into the outcome's folder."""
    sections = task.sections(outcome, brief=False)
    splits, name = tuple(outcome.predictions), outcome.recipe.name
    path = outcome.folder / "report.html"
    write_run_page(
        path, name, outcome.step, outcome.scores, splits, outcome.selected, sections, outcome.metrics
    )


def print_outcome(task: Task, outcome: Outcome, folder: Path) -> None:
    """Print the scores, some examples, and the paths of the picture and the page.

    Args:
        folder: their folder, which may have been renamed since the outcome was made.
    """
    sections = task.sections(outcome, brief=True)
    splits, name = tuple(outcome.predictions), outcome.recipe.name
    print_run(name, outcome.step, outcome.scores, splits, outcome.selected, sections, outcome.metrics)
    for what, file in (("picture: ", PICTURE), ("report:  ", "report.html")):
        if (folder / file).is_file():
            print(f"{what}{folder / file}")


def _predicted(
    task: Task,
    models: Sequence[TrainedModel],
    dataset: Dataset,
    corpus: Corpus,
    split: str,
    watch: Watch,
    *,
    scored: bool,
) -> list[Prediction]:
    """The predictions of a split, in the order of its samples."""
    recipe = models[0].recipe
    with watch.bar(f"decode {split}", len(dataset)) as bar:
        batches = eval_batches(dataset, recipe.decode.batch_size, workers=recipe.train.workers)
        predictions = {
            each.id: each
            for each in task.predict(
                models, batches, corpus=lambda: corpus, on_progress=bar.at, scored=scored
            )
        }
    return [predictions[sample.id] for sample in dataset.samples]
