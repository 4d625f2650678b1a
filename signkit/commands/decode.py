"""`signkit decode`: a finished run decoded again, without training."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from signkit.commands.packages import print_package_notes
from signkit.config.recipe_file import DecodeRecipe
from signkit.config.yaml_write import to_yaml
from signkit.errors import OperationalError, UserError
from signkit.eval.results import plain
from signkit.runtime.files import plainly, write_text
from signkit.runtime.progress import Watch
from signkit.train.outcome import decode_splits, print_outcome, write_report, write_scores
from signkit.train.reopen import Reopened, reopen
from signkit.train.task import Outcome


def decode_run(
    run: Path,
    splits: Sequence[str],
    overrides: Sequence[str],
    file: Path | None,
    out: Path | None,
    as_json: bool,
) -> int:
    """Decode, score and report; the last line printed is the folder of the results.

    Args:
        run: the folder of a finished run.
        splits: to decode; if empty, those of the recipe.
        overrides: ``decode.a=b`` or ``eval.a=b`` each.
        file: a decode recipe, such as one that `signkit tune` wrote.
        out: a new folder for the results; if None, one is created below the run's.
        as_json: print a JSON object in place of the tables.

    Returns:
        The exit status.

    Raises:
        SignkitError: the run cannot be decoded; no files are left behind.
    """
    if out is not None and out.exists():
        raise UserError("--out", f"{out} exists already", "name a new folder")
    opened = reopen(run, file, overrides)
    print_package_notes(run)
    chosen = _checked_splits(splits, opened)
    used = to_yaml(
        DecodeRecipe(decode=replace(opened.recipe.decode, splits=chosen), eval=opened.recipe.eval)  # type: ignore[arg-type]
    )
    folder = _new_name(run, used) if out is None else out
    try:
        with whole_results(folder) as aside:
            outcome = _decoded(opened, chosen, aside, used)
    except BaseException:
        with suppress(OSError):  # it is not empty if there are other results
            (run / "decoded").rmdir()
        raise
    if as_json:
        scores = [plain(each) for each in outcome.scores]
        line = {"decoded": str(folder), "run": str(run), "metrics": scores, "notes": outcome.notes}
        print(json.dumps(line))
        return 0
    print_outcome(opened.prepared.task, outcome, folder)
    print(folder, flush=True)
    return 0


@contextmanager
def whole_results(folder: Path) -> Iterator[Path]:
    """Give a folder to write results into, which is renamed at the end, so that the results are complete or
    not there.

    Raises:
        OperationalError: the folder cannot be written; nothing is left behind.
    """
    aside = folder.with_name(f".{folder.name}.part")
    try:
        shutil.rmtree(aside, ignore_errors=True)  # left by a process that was killed
        with plainly(folder, "created"):
            aside.mkdir(parents=True)
        yield aside
        os.rename(aside, folder)
    except BaseException as error:
        shutil.rmtree(aside, ignore_errors=True)
        if isinstance(error, OSError):
            raise OperationalError(f"{error.filename or folder}: {error.strerror or error}") from error
        raise


def _decoded(opened: Reopened, splits: Sequence[str], folder: Path, used: str) -> Outcome:
    """Decode and write all results into a folder."""
    prepared = opened.prepared
    watch = Watch(folder, main=True)
    try:
        outcome = decode_splits(
            prepared.task,
            opened.models,
            prepared.datasets,
            prepared.corpus,
            splits,
            run=opened.folder,
            folder=folder,
            lines=folder,
            watch=watch,
        )
    finally:
        watch.close()
    write_text(folder / "decode.yaml", used)
    write_scores(folder / "scores.json", outcome)
    write_report(prepared.task, outcome)
    return outcome


def _checked_splits(splits: Sequence[str], opened: Reopened) -> tuple[str, ...]:
    """The splits to decode: those given, or those of the recipe that the corpus has."""
    prepared = opened.prepared
    there = tuple(prepared.datasets)
    for split in splits:
        if split not in there:
            what = f"the corpus {prepared.corpus.name} has no {split} samples"
            raise UserError("--split", what, f"it has {', '.join(there)}")
    chosen = tuple(dict.fromkeys(splits)) or tuple(s for s in opened.recipe.decode.splits if s in there)
    if not chosen:
        wanted = " or ".join(opened.recipe.decode.splits) or "split to decode by the recipe"
        what = f"the corpus {prepared.corpus.name} has no {wanted}, so there is nothing to score"
        raise UserError("--split", what, f"it has {', '.join(there)}")
    return chosen


def _new_name(run: Path, used: str) -> Path:
    """A path ``RUN/decoded/<time>-<hash>`` that does not exist yet."""
    digest = hashlib.sha256(used.encode()).hexdigest()[:8]
    name = f"{datetime.now().strftime('%Y%m%d-%H%M%S')}-{digest}"
    parent = run / "decoded"
    number = next(n for n in range(1000) if not (parent / (f"{name}-{n}" if n else name)).exists())
    return parent / (f"{name}-{number}" if number else name)
