"""`signkit predict`: files of landmarks or features in, glosses out."""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from signkit.data.corpora.manifest import read_npz
from signkit.data.examples import Examples
from signkit.data.loader import eval_batches
from signkit.errors import UserError
from signkit.export import Exported, read_export
from signkit.recognise import recognise
from signkit.types import Features, Sample


def predict(run: Path, inputs: Sequence[Path], list_file: Path | None, as_json: bool, beam: int | None) -> int:
    """Print a hypothesis for each input; returns the exit status.

    Args:
        list_file: a text file of further inputs, one a line, relative to its folder.
        beam: width of the beam instead of the run's.

    Raises:
        UserError: no inputs, an input that cannot be read or does not fit the model; nothing is printed then.
        OperationalError: the run's export is damaged.
    """
    files = [*inputs, *(_listed(list_file) if list_file else ())]
    if not files:
        raise UserError("predict", "no inputs", "name npz files, or a list of them with --list FILE")
    exported = read_export(run)
    decode = exported.recipe.decode
    if beam is not None:
        decode = replace(decode, beam=beam, nbest=min(decode.nbest, beam))
    examples = _examples(exported, files)
    batches = list(eval_batches(examples, decode.batch_size))
    found = recognise(exported.model, batches, exported.vocabulary, decode)
    best = [found[str(number)][0] for number in range(len(files))]
    if as_json:
        for file, hypothesis in zip(files, best, strict=True):
            print(json.dumps({**asdict(hypothesis), "id": str(file)}, ensure_ascii=False))
    else:
        _print_table((str(file), h.text, h.score) for file, h in zip(files, best, strict=True))
    return 0


def _examples(exported: Exported, files: Sequence[Path]) -> Examples:
    signals = [read_npz(file) for file in files]
    samples = [
        Sample(
            id=str(number),
            split="test",
            reference=(),
            frames=max(1, len(signal.vectors if isinstance(signal, Features) else signal.points)),
            load=lambda signal=signal: signal,  # type: ignore[misc]
            source=str(file),
        )
        for number, (file, signal) in enumerate(zip(files, signals, strict=True))
    ]
    return Examples(
        samples,
        layout=exported.layout,
        width=exported.width,
        encode=exported.vocabulary.encode,
        landmarks=exported.recipe.landmarks,
    )


def _listed(path: Path) -> list[Path]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(str(path), f"cannot be read: {error}") from error
    return [path.parent / line.strip() for line in lines if line.strip()]


def _print_table(rows: Iterable[tuple[str, str, float]]) -> None:
    if not sys.stdout.isatty():
        for file, text, _ in rows:
            print(f"{file}\t{text}")
        return
    table = Table("input", "glosses", "log score")
    for file, text, value in rows:
        table.add_row(file, text, f"{value:.2f}")
    Console().print(table)
