"""`signkit predict`: recognises videos, or files of landmarks or features."""

import json
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from rich.console import Console
from rich.table import Column, Table

from signkit.commands.packages import print_package_notes
from signkit.commands.predict.batches import clip_batches
from signkit.commands.predict.inputs import ONE_HAND, Failures, Source, missing_of, opened, reads_stills
from signkit.commands.predict.named import named_inputs, searched
from signkit.commands.predict.options import PredictOptions
from signkit.commands.predict.outputs import check_outputs, fonts_for, notes_of, write_outputs
from signkit.commands.predict.search import corpus_of, load_model
from signkit.commands.predict.tracking import tracked
from signkit.commands.predict.zoomed import zoomed, zooms
from signkit.commands.translate.sentences import Sentence, unknown_note
from signkit.commands.translate.verb import translated, translator, usable
from signkit.errors import UserError
from signkit.models.export import TrainedModel
from signkit.models.spec import GLOSS, TEXT
from signkit.runtime.progress import Watch
from signkit.runtime.runs import CARRIED
from signkit.train.reopen import with_ensemble
from signkit.train.task import task_of
from signkit.types import Hypothesis, Label, Prediction, Text

NEXT = 3
"""Classes after the best one that a terminal shows."""


def predict(run: Path, inputs: Sequence[Path], options: PredictOptions) -> int:
    """Print a hypothesis for each input and write the output files; returns the exit status.

    Raises:
        UserError: there are no inputs, an input cannot be read or does not fit the model, an output file
            exists, or the run is not one of a recogniser. Nothing is printed then.
        OperationalError: the run's export is damaged, or a file cannot be written.
    """
    named = named_inputs(inputs, options.list_file)
    trained = load_model(run, options)
    if trained.spec.source is not None:
        raise UserError(str(run), "translates sentences and recognises nothing", "see `signkit translate`")
    steps = zooms(run, trained)
    print_package_notes(run)
    translating = None if options.translate is None else _translator(trained, options.translate)
    signal = trained.spec.signal
    skipped = Counter[str]()
    stills = reads_stills(trained.recipe.data)
    named = searched(named, signal.layout, skipped, stills)
    if skipped:
        endings = ", ".join(f"{ending}: {count:,}" for ending, count in skipped.most_common())
        print(f"note: files passed over, which are no clips: {endings}", file=sys.stderr)
    distinct = [*{each.key: each for each in reversed(named)}.values()][::-1]
    check_outputs(distinct, options.outputs)
    fonts = fonts_for(trained.spec, options.outputs)
    failures = Failures(stop=options.on_error == "stop")
    watch = Watch(run, main=True, log=False)
    pictures, missing = options.outputs.burn is not None, missing_of(trained.recipe.data)
    sources = opened(distinct, signal.layout, pictures, failures, missing, options.fps, stills)
    _print_notes(sources, options.fps)
    if signal.layout == ONE_HAND:
        _print_folders(sources)
    with tracked(sources, signal.layout, signal.width, failures, watch) as sources:
        sources = zoomed(steps, sources, failures, watch)
        predictions, seconds = _predicted(run, trained, sources, failures, watch)
    sources = [source for source in sources if source.key not in failures.messages]
    best = {source.key: predictions[source.key] for source in sources}
    texts: dict[str, str] = {}
    if options.translate is not None and translating is not None:
        texts = _translations(options.translate, translating, best, watch)
    write_outputs(sources, best, seconds, options.outputs, fonts, watch, texts)
    of_data = getattr((steps[0].trained if steps else trained).recipe.data, "prediction_note", "")
    for note in (*([of_data] if of_data else []), *notes_of(sources, options.outputs)):
        print(f"note: {note}", file=sys.stderr)
    wanted = [each for each in named if each.key in best]
    if options.as_json:
        for each in wanted:
            # The ids of a model that signkit carries are those of no corpus of paths.
            own = {"id": each.id or PurePosixPath(each.name).name} if run.parent == CARRIED else {}
            own |= {"translation": texts[each.key]} if each.key in texts else {}
            print(json.dumps(best[each.key].plain() | own, ensure_ascii=False))
    else:
        _print_table([best[each.key] for each in wanted], texts)
    return _report_failures(failures, len(distinct))


def _predicted(
    run: Path, trained: TrainedModel, sources: Sequence[Source], failures: Failures, watch: Watch
) -> tuple[dict[str, Prediction], dict[str, float]]:
    """The predictions by the sources' keys, and the duration of each clip in seconds."""
    if not sources:
        return {}, {}
    trained.to()
    task, seconds = task_of(trained.recipe), dict[str, float]()
    batches = clip_batches(task, trained, sources, failures, seconds)
    corpus, models = corpus_of(run, trained), with_ensemble(trained)
    task.check(models, corpus)
    with watch.bar("clips", len(sources)) as bar:
        predictions = list(task.predict(models, batches, corpus=corpus, on_progress=bar.at))
    return {each.id: each for each in predictions}, seconds


def _translator(recogniser: TrainedModel, run: Path) -> TrainedModel:
    """The model of the run that translates; what cannot be translated is refused before anything is computed.

    Raises:
        UserError: the recogniser writes no text, or the other run translates nothing.
    """
    if TEXT not in recogniser.spec.outputs:
        raise UserError("--translate", "the run names classes and writes no text", "leave it out")
    return translator(run, PredictOptions())


def _translations(
    run: Path, trained: TrainedModel, best: Mapping[str, Prediction], watch: Watch
) -> dict[str, str]:
    """The translation of each prediction's glosses; "" where nothing was recognised, or too much for the
    translator."""
    read = {key: each.outputs.get(GLOSS, each.outputs[TEXT]) for key, each in best.items()}
    sentences = [Sentence(key, _source(each)) for key, each in read.items() if isinstance(each, Hypothesis)]
    good, _ = usable(sentences, trained)
    if note := unknown_note(good, trained.spec, trained.recipe):
        print(f"note: {note}", file=sys.stderr)
    found = translated(run, with_ensemble(trained), good, watch)
    return {key: found[key].text.text if key in found else "" for key in best}


def _source(read: Hypothesis) -> Text:
    """What was recognised, with the rest of its n-best list."""
    others = [each for each in read.others if each.tokens]
    scores = (read.score, *(each.score for each in others)) if others else ()
    return Text(read.tokens, tuple(each.tokens for each in others), scores)


def _print_notes(sources: Sequence[Source], fps: float | None) -> None:
    """Say which of several films is read, and for which videos a stated rate is not used."""
    for source in sources:
        for note in getattr(source.clip, "notes", ()):
            print(f"note: {source.file} {note}", file=sys.stderr)
    own = [source for source in sources if source.clip is not None and os.path.isfile(source.file)]
    if fps is not None and own:
        which = str(own[0].file) if len(own) == 1 else f"{len(own)} videos, such as {own[0].file}"
        print(f"note: --fps is not used for {which}: a video tells its own rate", file=sys.stderr)


def _print_folders(sources: Sequence[Source]) -> None:
    """Say of a model of single hands which folders count as one clip: photos may have been meant."""
    for source in sources:
        if source.frames > 1 and os.path.isdir(source.file):
            what = f"the {source.frames:,} pictures of this folder are read as the frames of one clip"
            print(f"note: {source.file}: {what}; name the files for a letter each", file=sys.stderr)


def _report_failures(failures: Failures, inputs: int) -> int:
    """Print the inputs that were left out; returns the exit status."""
    for message in failures.messages.values():
        print(f"error: {message}", file=sys.stderr)
    if not failures.messages:
        return 0
    print(f"error: {len(failures.messages)} of {inputs} inputs left out", file=sys.stderr)
    return UserError.exit_code


def _print_table(predictions: Sequence[Prediction], texts: Mapping[str, str]) -> None:
    """The predictions, and their translations where there are any."""
    if not sys.stdout.isatty():
        for each in predictions:
            top = [_top(output) for output in each.outputs.values() if isinstance(output, Label)]
            more = [texts[each.id]] if texts else top if _has_next(each.outputs) else []
            print("\t".join((each.id, each.shown, *more)))
        return
    outputs = {name: output for each in predictions for name, output in each.outputs.items()}
    headings = ("input", *(column for name in outputs for column in _headings(name, outputs)))
    headings = (*headings, *(["translation"] if texts else []))
    table = Table(*(Column(heading, overflow="fold") for heading in headings))
    for each in predictions:
        cells = (cell for name in outputs for cell in _cells(each.outputs[name], _has_next(outputs)))
        table.add_row(each.id, *cells, *([texts[each.id]] if texts else []))
    Console(markup=False, emoji=False).print(table)


def _headings(name: str, outputs: Mapping[str, Hypothesis | Label]) -> tuple[str, ...]:
    """Those of an output and of how sure it is; the name of an output is in both where there are several."""
    sure = "log score" if isinstance(outputs[name], Hypothesis) else "confidence"
    found = name, f"{name} {sure}" if len(outputs) > 1 else sure
    return (*found, "next") if _has_next(outputs) else found


def _has_next(outputs: Mapping[str, Hypothesis | Label]) -> bool:
    """Whether the classes after the best one are shown: those of a single head have room."""
    return len(outputs) == 1 and any(isinstance(each, Label) and each.top for each in outputs.values())


def _cells(output: Hypothesis | Label, with_next: bool) -> tuple[str, ...]:
    if isinstance(output, Hypothesis):
        return _with_times(output), f"{output.score:.2f}"
    following = ", ".join(f"{name} {share:.2f}" for name, share in output.top[1 : 1 + NEXT])
    found = output.shown, f"{output.confidence:.2f}"
    return (*found, following) if with_next else found


def _with_times(output: Hypothesis) -> str:
    """The text; of a model that says where each gloss begins and ends, with these seconds."""
    if not output.ends:
        return output.text
    rows = zip(output.tokens, output.times, output.ends, strict=True)
    return ", ".join(f"{token} {first:.2f}-{end:.2f} s" for token, first, end in rows)


def _top(label: Label) -> str:
    """The most probable classes of a label with their probabilities."""
    return ", ".join(f"{name} {share:.3f}" for name, share in label.top)
