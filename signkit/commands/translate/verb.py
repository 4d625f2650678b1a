"""`signkit translate`: prints a sentence for each source."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

from rich.console import Console
from rich.table import Column, Table

from signkit.commands.packages import print_package_notes
from signkit.commands.predict.options import PredictOptions
from signkit.commands.predict.search import corpus_of, load_model
from signkit.commands.translate.sentences import Sentence, cleaned, sentences_of, unknown_note
from signkit.data.corpora.table import fail_together
from signkit.data.loader import eval_batches
from signkit.decode.lattice import BeamResult
from signkit.errors import UserError
from signkit.eval.cleaning import hypothesis_cleaner
from signkit.models.export import TrainedModel
from signkit.runtime.progress import Watch
from signkit.text.sources import encode_source
from signkit.train.reopen import with_ensemble
from signkit.train.task import task_of
from signkit.types import Hypothesis, Prediction, Sample, Text


@dataclass(frozen=True, slots=True)
class Translation:
    """A sentence and its text.

    Attributes:
        source: the reading of it that makes the text most probable.
        text: its times are those of the source's tokens, in seconds where they are known, and their places
            otherwise.
    """

    source: tuple[str, ...]
    text: Hypothesis


@dataclass(frozen=True, slots=True)
class TranslateOptions:
    """How sources are translated.

    Attributes:
        column: of the sources, in files that have columns.
        search: settings of the decoding.
        on_error: whether a source that cannot be used ends the command or is left out.
    """

    column: str = ""
    search: PredictOptions = PredictOptions()
    on_error: Literal["stop", "skip"] = "stop"
    as_json: bool = False


def translate(run: Path, files: Sequence[Path], options: TranslateOptions) -> int:
    """Print a translation of each sentence of the files; returns the exit status.

    Raises:
        UserError: a file cannot be read, a source is empty or too long, or the run translates nothing.
            Nothing is printed then.
        OperationalError: the run's export is damaged.
    """
    sentences = sentences_of(files, options.column)
    trained = translator(run, options.search)
    print_package_notes(run)
    good, faults = usable(sentences, trained)
    if options.on_error == "stop":
        fail_together(faults, "translate")
    if note := unknown_note(good, trained.spec, trained.recipe):
        print(f"note: {note}", file=sys.stderr)
    watch = Watch(run, main=True, log=False)
    found = translated(run, with_ensemble(trained), good, watch)
    if options.as_json:
        for sentence in good:
            print(json.dumps(_plain(sentence, found[sentence.id]), ensure_ascii=False))
    else:
        _print_table([found[sentence.id] for sentence in good])
    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)
    if faults:
        print(f"error: {len(faults)} of {len(sentences)} sentences left out", file=sys.stderr)
    return UserError.exit_code if faults else 0


def translator(run: Path, options: PredictOptions) -> TrainedModel:
    """The model of a run that reads written sources.

    Raises:
        UserError: it reads recordings.
    """
    trained = load_model(run, options)
    if trained.spec.source is None:
        raise UserError(str(run), "recognises recordings and translates nothing", "see `signkit predict`")
    trained.to()
    return trained


def usable(sentences: Sequence[Sentence], trained: TrainedModel) -> tuple[list[Sentence], list[UserError]]:
    """The sentences that can be translated, and what is wrong with the others.

    Where the run's corpus has its sources cleaned, these are cleaned too.
    """
    source, longest = trained.recipe.source, trained.recipe.source.longest
    protocol = getattr(trained.recipe.data, "source_protocol", "")
    clean = hypothesis_cleaner(protocol) if protocol else None
    vocabulary = trained.spec.source
    assert vocabulary is not None
    good: list[Sentence] = []
    faults: list[UserError] = []
    for each in sentences:
        if clean is not None:
            try:
                each = cleaned(each, clean)
            except UserError as fault:
                faults.append(UserError(each.where or each.id, str(fault)))
                continue
        size = len(encode_source(each.tokens, vocabulary, source).tokens)
        if not size:
            faults.append(UserError(each.where or each.id, "the source is empty"))
        elif size > longest:
            what = f"the source has {size} tokens, and the run reads {longest} at most (source.longest)"
            faults.append(UserError(each.where or each.id, what))
        else:
            good.append(each)
    return good, faults


def translated(
    run: Path, models: Sequence[TrainedModel], sentences: Sequence[Sentence], watch: Watch
) -> dict[str, Translation]:
    """The translation of each sentence by its id."""
    if not sentences:
        return {}
    trained, task = models[0], task_of(models[0].recipe)
    samples = [_sample(each) for each in sentences]
    dataset, corpus = task.dataset(samples, trained.spec), corpus_of(run, trained)
    task.check(models, corpus)
    batches = eval_batches(dataset, trained.recipe.decode.batch_size)
    with watch.bar("sentences", len(sentences)) as bar:
        predictions = list(task.predict(models, batches, corpus=corpus, on_progress=bar.at))
    given = {each.id: each for each in sentences}
    return {each.id: _translation(given[each.id], each) for each in predictions}


def _translation(sentence: Sentence, prediction: Prediction) -> Translation:
    """A translation with the times of its source, if those are known."""
    text, beam = cast(Hypothesis, prediction.outputs["text"]), cast(BeamResult, prediction.evidence)
    reading = beam.candidates[0].reading
    if reading:  # its tokens have no times
        return Translation(sentence.source.others[reading - 1], text)
    if sentence.times:
        last = len(sentence.times) - 1
        text = replace(text, times=tuple(sentence.times[min(round(place), last)] for place in text.times))
    return Translation(sentence.tokens, text)


def _sample(sentence: Sentence) -> Sample:
    where = sentence.where or sentence.id
    return Sample(
        sentence.id, "test", (), sentence.source.frames, lambda: sentence.source, where, fps=Text.fps
    )


def _plain(sentence: Sentence, found: Translation) -> dict[str, Any]:
    plain = {"id": sentence.id, "source": found.source, **found.text.plain()}
    if not sentence.times or found.source != sentence.tokens:
        del plain["times"]
    return plain


def _print_table(found: Sequence[Translation]) -> None:
    rows = [(each.text.id, " ".join(each.source), each.text) for each in found]
    if not sys.stdout.isatty():
        for name, source, best in rows:
            print("\t".join((name, source, best.text)))
        return
    table = Table(*(Column(heading, overflow="fold") for heading in ("input", "source", "text", "log score")))
    for name, source, best in rows:
        table.add_row(name, source, best.text, f"{best.score:.2f}")
    Console(markup=False, emoji=False).print(table)
