"""`signkit predict`: recognises videos, or files of landmarks or features."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Column, Table

from signkit.commands.predict.batches import clip_batches
from signkit.commands.predict.inputs import Failures, Source, missing_of, named_inputs, opened
from signkit.commands.predict.options import PredictOptions
from signkit.commands.predict.outputs import check_outputs, fonts_for, notes_of, write_outputs
from signkit.commands.predict.search import corpus_of, load_model
from signkit.commands.predict.tracking import tracked
from signkit.errors import UserError
from signkit.models.export import TrainedModel
from signkit.runtime.progress import Watch
from signkit.train.reopen import with_ensemble
from signkit.train.task import task_of
from signkit.types import Hypothesis, Label, Prediction


def predict(run: Path, inputs: Sequence[Path], options: PredictOptions) -> int:
    """Print a hypothesis for each input and write the output files; returns the exit status.

    Raises:
        UserError: there are no inputs, an input cannot be read or does not fit the model, an output file
            exists, or the run is not one of a recogniser. Nothing is printed then.
        OperationalError: the run's export is damaged, or a file cannot be written.
    """
    named = named_inputs(inputs, options.list_file)
    distinct = [*{each.file: each for each in reversed(named)}.values()][::-1]
    check_outputs(distinct, options.outputs)
    trained = load_model(run, options)
    fonts = fonts_for(trained.spec, options.outputs)
    signal = trained.spec.signal
    failures = Failures(stop=options.on_error == "stop")
    watch = Watch(run, main=True, log=False)
    pictures, missing = options.outputs.burn is not None, missing_of(trained.recipe.data)
    sources = opened(distinct, signal.layout, pictures, failures, missing)
    with tracked(sources, signal.layout, signal.width, failures, watch) as sources:
        predictions, seconds = _predicted(run, trained, sources, failures, watch)
    sources = [source for source in sources if source.file not in failures.messages]
    best = {source.file: predictions[str(source.file)] for source in sources}
    write_outputs(sources, best, seconds, options.outputs, fonts, watch)
    for note in notes_of(sources, options.outputs):
        print(f"note: {note}", file=sys.stderr)
    wanted = [each.file for each in named if each.file in best]
    if options.as_json:
        for file in wanted:
            print(json.dumps(best[file].plain(), ensure_ascii=False))
    else:
        _print_table([best[file] for file in wanted])
    return _report_failures(failures, len(distinct))


def _predicted(
    run: Path, trained: TrainedModel, sources: Sequence[Source], failures: Failures, watch: Watch
) -> tuple[dict[str, Prediction], dict[Path, float]]:
    """The predictions by file name, and the duration of each clip in seconds."""
    if not sources:
        return {}, {}
    trained.model.to("cuda" if torch.cuda.is_available() else "cpu")
    task, seconds = task_of(trained.recipe), dict[Path, float]()
    batches = clip_batches(task, trained, sources, failures, seconds)
    corpus, models = corpus_of(run, trained), with_ensemble(trained)
    task.check(models, corpus)
    with watch.bar("clips", len(sources)) as bar:
        predictions = list(task.predict(models, batches, corpus=corpus, on_progress=bar.at))
    return {each.id: each for each in predictions}, seconds


def _report_failures(failures: Failures, inputs: int) -> int:
    """Print the inputs that were left out; returns the exit status."""
    for message in failures.messages.values():
        print(f"error: {message}", file=sys.stderr)
    if not failures.messages:
        return 0
    print(f"error: {len(failures.messages)} of {inputs} inputs left out", file=sys.stderr)
    return UserError.exit_code


def _print_table(predictions: Sequence[Prediction]) -> None:
    if not sys.stdout.isatty():
        for each in predictions:
            print(f"{each.id}\t{each.text}")
        return
    names = list(dict.fromkeys(name for each in predictions for name in each.outputs))
    headings = ("input", *(column for name in names for column in (name, _SURENESS)))
    table = Table(*(Column(heading, overflow="fold") for heading in headings))
    for each in predictions:
        cells = (cell for name in names for cell in _cells(each.outputs[name]))
        table.add_row(each.id, *cells)
    Console(markup=False, emoji=False).print(table)


_SURENESS = "log score or confidence"


def _cells(output: Hypothesis | Label) -> tuple[str, str]:
    sure = output.score if isinstance(output, Hypothesis) else output.confidence
    return output.text, f"{sure:.2f}"
