"""`signkit evaluate`: scores a finished run on any manifest, or on another part of its corpus."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from signkit.commands.decode import whole_results
from signkit.commands.evaluate.opened import Unknown, open_elsewhere, unknown
from signkit.commands.packages import print_package_notes
from signkit.config.recipe_file import AFTERWARDS, DecodeRecipe
from signkit.config.yaml_write import to_yaml
from signkit.data.corpora.configs import ManifestConfig
from signkit.errors import UserError
from signkit.eval.results import MainScores, in_brief, plain
from signkit.models.spec import TEXT, Spec
from signkit.report.numbers import number
from signkit.runtime.files import write_text
from signkit.runtime.progress import Watch
from signkit.runtime.runs import RunRef, find_run
from signkit.text.vocabulary import PLURAL, Vocabulary
from signkit.train.outcome import decode_splits, print_outcome, write_report, write_scores
from signkit.train.reopen import Reopened
from signkit.train.task import Outcome, Task
from signkit.types import Corpus, Score

MANIFESTS = ("manifest.csv", "manifest.tsv", "manifest.jsonl", "manifest.json")
"""Names of a manifest in a folder, the first one that is there."""
SHOWN = 10
"""Unknown glosses named in a note, at most."""
Splits = Sequence[str]


@dataclass(frozen=True, slots=True)
class Evaluated(MainScores):
    """A run's scores on other data.

    Attributes:
        data: the folder or file that was named; "" for the corpus of the run, or options of it changed.
        outcome: the scores and what they were computed from.
        unknown: of each split, what the model cannot write.
        folder: of the results; None if they were not written.
        task: of the run.
    """

    data: str
    outcome: Outcome
    unknown: Mapping[str, Unknown]
    folder: Path | None
    task: Task

    def __repr__(self) -> str:
        scores = in_brief(self.scores, self.outcome.metrics)
        return f"<{self.outcome.recipe.name}: {scores}>"

    @property
    def scores(self) -> tuple[Score, ...]:
        """All scores."""
        return self.outcome.scores

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks on the scores, such as on unknown glosses."""
        return self.outcome.notes


def evaluate(
    run: RunRef,
    data: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
    *,
    split: str | Splits = (),
    overrides: Sequence[str] = (),
    decode: str | PathLike[str] | None = None,
    out: str | PathLike[str] | None = None,
) -> list[Evaluated]:
    """Score a finished run on other data, or on its own by other settings of decoding.

    Args:
        run: a finished run: its folder, another name of it such as ``latest``, or what `signkit.run` returns.
        data: a folder with a manifest, or a manifest; or several, each scored alone; none: the
            corpus of the run.
        split: the splits to score; if empty, dev and test, those that are there.
        overrides: ``data.a=b``, ``decode.a=b`` or ``eval.a=b`` each; ``data.`` changes an option of the run's
            own corpus.
        decode: a decode recipe, such as one that `signkit tune` wrote.
        out: a new folder for the results, with a folder for each of several data; None writes nothing.

    Raises:
        UserError: it is no finished run, the data cannot be read, have another layout than the run, or none
            of the splits.
        OperationalError: the export is damaged, or a file cannot be written.
    """
    if isinstance(data, str | PathLike):
        data = [data]
    splits = ([split] if split else []) if isinstance(split, str) else split
    target = Path(out) if out is not None else None
    if target is not None and target.exists():
        raise UserError("--out", f"{target} exists already", "name a new folder")
    folder, file = find_run(run), Path(decode) if decode is not None else None
    places = _places(data, target)
    done = []
    for name, place in places.items():
        opened, own = open_elsewhere(folder, manifest_at(Path(name)) if name else None, file, overrides)
        chosen = _splits(opened, splits, name)
        with _folder(place) as aside:
            title = f"{opened.recipe.name} on {name or opened.prepared.corpus.name}"
            outcome, lacking = _outcome(opened, own, chosen, aside, title, write=place is not None)
        done.append(Evaluated(name, outcome, lacking, place, opened.prepared.task))
    return done


def evaluate_run(
    run: str,
    data: Sequence[Path],
    *,
    split: Splits,
    overrides: Sequence[str],
    file: Path | None,
    out: Path | None,
    as_json: bool,
) -> int:
    """Score a run on other data and print tables, or JSON; returns the exit status.

    Raises:
        SignkitError: as `evaluate`.
    """
    if not data and all(each.partition(".")[0] in AFTERWARDS for each in overrides):
        hint = "`--data FOLDER` or `--set data.root=FOLDER`; `signkit decode` decodes the run's own"
        raise UserError("evaluate", "no data are named", hint)
    done = evaluate(run, data, split=split, overrides=overrides, decode=file, out=out)
    print_package_notes(find_run(run))
    if as_json:
        line = {"run": str(find_run(run)), "evaluated": [_plain(each) for each in done]}
        print(json.dumps(line, ensure_ascii=False))
        return 0
    for each in done:
        print_outcome(each.task, each.outcome, each.folder or Path())
    if out is not None:
        print(out, flush=True)
    return 0


def _places(data: Sequence[str | PathLike[str]], out: Path | None) -> dict[str, Path | None]:
    """The folder of the results of each data, by the data's name; None writes nothing."""
    names = [str(each) for each in data] or [""]
    if len({*names}) < len(names):
        raise UserError("--data", "names the same data twice")
    if out is None or len(names) == 1:
        return dict.fromkeys(names, out)
    short = [Path(name).name for name in names]
    if len({*short}) < len(short):
        short = [f"{number}-{name}" for number, name in enumerate(short, start=1)]
    return {name: out / each for name, each in zip(names, short, strict=True)}


def manifest_at(path: Path) -> ManifestConfig:
    """The options of a manifest, or of the manifest in a folder.

    Raises:
        UserError: there is none.
    """
    if path.is_file():
        return ManifestConfig(root=str(path.parent), file=path.name)
    if not path.is_dir():
        raise UserError("--data", f"there is no {path}")
    name = next((name for name in MANIFESTS if (path / name).is_file()), None)
    if name is None:
        raise UserError(
            "--data", f"{path} has no manifest", f"one of {', '.join(MANIFESTS)}, or name the file"
        )
    return ManifestConfig(root=str(path), file=name)


def _splits(opened: Reopened, wanted: Splits, data: str) -> tuple[str, ...]:
    """The splits to score.

    Raises:
        UserError: the data do not have one, or neither dev nor test.
    """
    there = tuple(opened.prepared.datasets)
    of = data or f"the corpus {opened.prepared.corpus.name}"
    for split in wanted:
        if split not in there:
            raise UserError("--split", f"{of} has no {split}", f"it has {', '.join(there)}")
    chosen = tuple(dict.fromkeys(wanted)) or tuple(split for split in there if split != "train")
    if not chosen:
        raise UserError("--split", f"{of} has no dev or test", "`--split train` scores what it has")
    return chosen


@contextmanager
def _folder(place: Path | None) -> Any:
    """The folder to write results into: that of the user, whole or not at all, or one that is thrown away."""
    if place is not None:
        place.parent.mkdir(parents=True, exist_ok=True)
        with whole_results(place) as aside:
            yield aside
        return
    with TemporaryDirectory() as folder:
        yield Path(folder)


def _outcome(
    opened: Reopened, own: Callable[[], Corpus], splits: Splits, folder: Path, title: str, *, write: bool
) -> tuple[Outcome, dict[str, Unknown]]:
    """Decode and score, and write the results."""
    prepared = opened.prepared
    lacking = {
        split: unknown(prepared.datasets[split].samples, prepared.spec, opened.recipe.eval.protocol)
        for split in splits
    }
    watch = Watch(folder, main=True, log=write)
    try:
        for note in prepared.corpus.notes:
            watch.say(note)
        outcome = decode_splits(
            prepared.task,
            opened.models,
            {split: prepared.datasets[split] for split in splits},
            prepared.corpus,
            splits,
            run=opened.folder,
            folder=folder,
            lines=folder,
            watch=watch,
            trained_on=own,
        )
    finally:
        watch.close()
    remarks = [_remark(split, each, prepared.spec) for split, each in lacking.items() if each.count]
    recipe = replace(outcome.recipe, name=title)
    outcome = replace(outcome, recipe=recipe, selected="", remarks=tuple(remarks))
    if write:
        used = DecodeRecipe(decode=opened.recipe.decode, eval=opened.recipe.eval)
        write_text(folder / "decode.yaml", to_yaml(used))
        write_scores(folder / "scores.json", outcome)
        write_report(prepared.task, outcome)
    return outcome, lacking


def _remark(split: str, lacking: Unknown, spec: Spec) -> str:
    """A note on what the model cannot write."""
    output = spec.outputs.get(TEXT)
    unit = output.unit if isinstance(output, Vocabulary) else ""
    what = "words" if unit == "subword" else PLURAL.get(unit, "labels")
    named = ", ".join(f"{token} ({times})" for token, times in [*lacking.times.items()][:SHOWN])
    more = f" and {len(lacking.times) - SHOWN} more" if len(lacking.times) > SHOWN else ""
    share = f"{lacking.count} of {lacking.all} {what} of {split} ({number(lacking.count / lacking.all)})"
    return f"{share} are not in the model's vocabulary and count as errors: {named}{more}"


def _plain(each: Evaluated) -> dict[str, Any]:
    return {
        "data": each.data,
        "folder": str(each.folder) if each.folder is not None else None,
        "metrics": [plain(score) for score in each.scores],
        "notes": each.notes,
        "unknown": {
            split: {"count": lacking.count, "of": lacking.all, "times": lacking.times}
            for split, lacking in each.unknown.items()
        },
    }
