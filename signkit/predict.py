"""`signkit predict`: files of landmarks or features in, glosses out."""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from signkit.data.examples import Examples
from signkit.data.loader import eval_batches
from signkit.data.npz import read_header, read_npz
from signkit.errors import UserError
from signkit.export import Exported, read_recogniser, with_others
from signkit.files import read_text
from signkit.fusion.build import Sentences, TrainText, build_beside
from signkit.recipe import DecodeConfig
from signkit.recognise import greedy, plain_hypothesis, recognise
from signkit.types import Sample


def predict(
    run: Path, inputs: Sequence[Path], list_file: Path | None, as_json: bool, beam: int | None
) -> int:
    """Print a hypothesis for each input; returns the exit status.

    Args:
        list_file: a text file of further inputs, one a line, relative to its folder.
        beam: width of the beam instead of the run's; 1 is greedy search, without language models.

    Raises:
        UserError: no inputs, one that cannot be read or does not fit the model, or no run of a recogniser;
            nothing is printed then.
        OperationalError: the run's export is damaged.
    """
    files = [*inputs, *(_listed(list_file) if list_file else ())]
    if not files:
        raise UserError("predict", "no inputs", "name npz files, or a list of them with --list FILE")
    exported = read_recogniser(run)
    decode = exported.recipe.decode
    if beam is not None and beam != decode.beam:
        decode = _with_beam(decode, beam)
    exported = replace(exported, recipe=replace(exported.recipe, decode=decode))
    model, vocabulary = with_others(exported), exported.vocabulary
    text = TrainText(partial(_no_train, run), partial(_no_train, run))
    parts = build_beside(decode, vocabulary=vocabulary, model=model, text=text)
    batches = eval_batches(_examples(exported, files), decode.batch_size)
    found = recognise(model, batches, vocabulary, decode, fusion=parts.fusion, rescorers=parts.rescorers)
    best = [found[str(number)][0] for number in range(len(files))]
    if as_json:
        for file, hypothesis in zip(files, best, strict=True):
            print(json.dumps({**plain_hypothesis(hypothesis), "id": str(file)}, ensure_ascii=False))
    else:
        _print_table((str(file), h.text, h.score) for file, h in zip(files, best, strict=True))
    return 0


def _with_beam(decode: DecodeConfig, beam: int) -> DecodeConfig:
    """Another width; the temperature of greedy search means nothing to a beam."""
    if beam == 1:
        return greedy(decode)
    temperature = decode.temperature if decode.beam > 1 else 0.0
    return replace(decode, beam=beam, nbest=min(decode.nbest, beam), temperature=temperature)


def _examples(exported: Exported, files: Sequence[Path]) -> Examples:
    """The files by their place in the list, since one may be named twice."""
    samples = [
        Sample(
            id=str(number),
            split="test",
            reference=(),
            frames=read_header(file).frames,
            load=partial(read_npz, file),
            source=str(file),
        )
        for number, file in enumerate(files)
    ]
    return Examples(
        samples,
        layout=exported.layout,
        width=exported.width,
        encode=exported.vocabulary.encode,
        landmarks=exported.recipe.landmarks,
    )


def _no_train(run: Path) -> Sentences:
    what = "a part of its decode.fusion wants the train references, which an export has not"
    raise UserError(str(run), what, "give it a file")


def _listed(path: Path) -> list[Path]:
    return [path.parent / line.strip() for line in read_text(path).splitlines() if line.strip()]


def _print_table(rows: Iterable[tuple[str, str, float]]) -> None:
    if not sys.stdout.isatty():
        for file, text, _ in rows:
            print(f"{file}\t{text}")
        return
    table = Table("input", "glosses", "log score")
    for file, text, value in rows:
        table.add_row(file, text, f"{value:.2f}")
    Console(markup=False, emoji=False).print(table)
