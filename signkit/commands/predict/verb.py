"""`signkit predict`: videos or files of landmarks or features in, glosses out."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from signkit.commands.predict.inputs import Failures, Source, named_inputs, opened
from signkit.commands.predict.options import Options
from signkit.commands.predict.outputs import check_outputs, fonts_for, write_outputs
from signkit.commands.predict.search import text_of, with_search
from signkit.commands.predict.tracking import tracked
from signkit.data.batch import Batch
from signkit.data.collate import collate
from signkit.data.examples import Examples
from signkit.data.plan import batch_plan
from signkit.decode.external.build import build_beside
from signkit.decode.lattice import NBest, plain_hypothesis, recognise
from signkit.errors import SignkitError, UserError
from signkit.models.export import Exported, read_recogniser, with_others
from signkit.runtime.progress import Watch
from signkit.types import Sample


def predict(run: Path, inputs: Sequence[Path], options: Options) -> int:
    """Print a hypothesis for each input, and write what is asked for; returns the exit status.

    Raises:
        UserError: no inputs, one that cannot be read or does not fit the model, a file that would be
            replaced, no run of a recogniser; nothing is printed then.
        OperationalError: the run's export is damaged, or a file cannot be written.
    """
    named = named_inputs(inputs, options.list_file)
    distinct = [*{each.file: each for each in reversed(named)}.values()][::-1]
    check_outputs(distinct, options.outputs)
    exported = with_search(run, read_recogniser(run), options)
    fonts = fonts_for(exported.vocabulary, options.outputs)
    failures = Failures(stop=options.on_error == "stop")
    watch = Watch(run, main=True, log=False)
    sources = opened(distinct, exported.layout, options.outputs.burn is not None, failures)
    with tracked(sources, exported.layout, exported.width, failures, watch) as sources:
        found, seconds = _recognised(run, exported, sources, failures, watch)
    sources = [source for source in sources if source.file not in failures.messages]
    best = {source.file: found[str(source.file)][0] for source in sources}
    write_outputs(sources, best, seconds, options.outputs, fonts, watch)
    wanted = [each.file for each in named if each.file in best]
    if options.as_json:
        for file in wanted:
            print(json.dumps({**plain_hypothesis(best[file]), "id": str(file)}, ensure_ascii=False))
    else:
        _print_table((str(file), best[file].text, best[file].score) for file in wanted)
    return _tell(failures, len(distinct))


def _recognised(
    run: Path, exported: Exported, sources: Sequence[Source], failures: Failures, watch: Watch
) -> tuple[dict[str, NBest], dict[Path, float]]:
    """The hypotheses by the name of the file, and how long each clip is."""
    if not sources:
        return {}, {}
    decode, vocabulary = exported.recipe.decode, exported.vocabulary
    exported.model.to("cuda" if torch.cuda.is_available() else "cpu")
    model = with_others(exported)
    parts = build_beside(decode, vocabulary=vocabulary, model=model, text=text_of(run, exported))
    seconds: dict[Path, float] = {}
    batches = _batches(_examples(exported, sources), sources, decode.batch_size, failures, seconds)
    with watch.bar("clips", len(sources)) as bar:
        found = recognise(
            model, batches, vocabulary, decode, bar.at, fusion=parts.fusion, rescorers=parts.rescorers
        )
    return found, seconds


def _examples(exported: Exported, sources: Sequence[Source]) -> Examples:
    """The sources as a split. None is kept in memory, for each is read once."""
    samples = [
        Sample(
            id=str(source.file),
            split="test",
            reference=(),
            frames=source.frames,
            load=source.load,
            source=str(source.file),
        )
        for source in sources
    ]
    return Examples(
        samples,
        layout=exported.layout,
        width=exported.width,
        encode=exported.vocabulary.encode,
        landmarks=exported.recipe.landmarks,
        video=exported.recipe.video,
        cache_bytes=0,
    )


def _batches(
    examples: Examples, sources: Sequence[Source], size: int, failures: Failures, seconds: dict[Path, float]
) -> Iterator[Batch]:
    """Clips of similar lengths together, without those that cannot be used.

    Args:
        seconds: takes how long each clip is.
    """
    for indices in batch_plan(examples.frames, size, shuffle=False):
        good = []
        for index in indices:
            file = sources[index].file
            try:
                good.append(examples.example(index))
            except SignkitError as error:
                failures.add(file, error)
            else:
                seconds[file] = sources[index].frames / good[-1].fps
        if good:
            yield collate(good)


def _tell(failures: Failures, inputs: int) -> int:
    """Name what was left out; gives the exit status."""
    for message in failures.messages.values():
        print(f"error: {message}", file=sys.stderr)
    if not failures.messages:
        return 0
    print(f"error: {len(failures.messages)} of {inputs} inputs left out", file=sys.stderr)
    return UserError.exit_code


def _print_table(rows: Iterable[tuple[str, str, float]]) -> None:
    if not sys.stdout.isatty():
        for file, text, _ in rows:
            print(f"{file}\t{text}")
        return
    table = Table("input", "glosses", "log score")
    for file, text, value in rows:
        table.add_row(file, text, f"{value:.2f}")
    Console(markup=False, emoji=False).print(table)
