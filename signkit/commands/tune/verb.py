"""`signkit tune`: writes a decode recipe that was tuned on finished runs."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

from signkit.commands.packages import print_package_notes
from signkit.commands.tune.outcome import Pool, TuneOutcome, as_json, find_best
from signkit.commands.tune.show import print_outcome, sentences, write_page
from signkit.commands.tune.space import Parameter, read_space
from signkit.config.recipe_file import DecodeRecipe
from signkit.config.yaml_write import differences, to_yaml
from signkit.decode.configs import SearchConfig, value_of
from signkit.errors import UserError
from signkit.runtime.files import write_text
from signkit.runtime.progress import Watch
from signkit.runtime.runs import RunRef, find_run
from signkit.train.reopen import Reopened, reopen
from signkit.train.setup import Prepared
from signkit.train.task import Searchable, Searched


@dataclass(frozen=True, slots=True)
class Tuned:
    """What a tuning found.

    Attributes:
        file: the decode recipe that was written, for `signkit.load(…, decode=file)`; a page lies next to it.
        title: names the runs and the split.
        outcome: the best setting, all trials, and the gain over plain decoding.
    """

    file: Path
    title: str
    outcome: TuneOutcome

    def __repr__(self) -> str:
        return f"<tuned: {self.file}: {' '.join(sentences(self.outcome)[:-1])}>"

    @property
    def settings(self) -> dict[str, float]:
        """The best value of each parameter, ``{"decode.length_reward": 0.5}``."""
        keys = (parameter.key for parameter in self.outcome.space)
        return dict(zip(keys, self.outcome.best.values, strict=True))


def tune(
    *runs: RunRef,
    space: Sequence[str] = (),
    trials: int = 100,
    seed: int = 1,
    overrides: Sequence[str] = (),
    decode: str | PathLike[str] | None = None,
    out: str | PathLike[str] | None = None,
    split: str = "dev",
) -> Tuned:
    """Tune the decoding of finished runs on dev, and write it as a decode recipe with a page.

    Args:
        runs: finished runs, whose errors are counted together.
        space: parameters as ``KEY=LOW:HIGH``; if empty, the usual ones.
        trials: the number of trials to spend.
        seed: of the search.
        overrides: ``decode.a=b`` or ``eval.a=b`` each.
        decode: a decode recipe to start from.
        out: the file to write; if None, ``tuned.yaml`` in the first run's folder.
        split: has to be ``dev``.

    Raises:
        SignkitError: the runs cannot be tuned; nothing is written.
    """
    file, target = (Path(each) if each is not None else None for each in (decode, out))
    if split != "dev":
        why = "is never tuned on" if split == "test" else "is what the models were trained on"
        raise UserError("--split", f"{split} {why}", "dev, or folds of train as dev")
    if target and (target.suffix not in (".yaml", ".yml") or not target.parent.is_dir()):
        raise UserError("--out", f"{target} is not a .yaml file in a folder that is there")
    if not runs:
        raise UserError("tune", "no run is named", "`signkit runs` lists them")
    folders = [find_run(run) for run in runs]
    opened = [_opened(run, split, file, overrides) for run in folders]
    _check_alike(opened)
    task, section = opened[0].prepared.task, _searched_by(opened[0])
    assert isinstance(task, Searchable)  # `_opened` has made sure of it
    parameters = read_space(space, section, task.idle([each.prepared.model for each in opened]))
    watch = Watch(folders[0], main=True, log=False)
    cached = _cached(opened, split, parameters, watch)
    pool = Pool(cached, task.protocol, section, parameters)
    given = tuple(value_of(section, parameter.key) for parameter in parameters)
    with watch.bar("tune", trials) as bar:
        outcome = find_best(pool, given, trials, seed, bar.at)
    outcome = replace(outcome, changes=(*([str(file)] if file is not None else []), *overrides))
    name = f"{opened[0].recipe.name}, {split} of {len(runs)} runs"
    title, target = name if len(runs) > 1 else f"{folders[0]}, {split}", target or folders[0] / "tuned.yaml"
    write_page(target.with_suffix(".html"), outcome, title)
    write_text(target, _recipe(outcome, folders, split, seed))
    return Tuned(target, title, outcome)


def tune_runs(
    runs: Sequence[RunRef],
    split: str,
    space: Sequence[str],
    *,
    trials: int,
    seed: int,
    overrides: Sequence[str],
    file: Path | None,
    out: Path | None,
    print_json: bool,
) -> int:
    """Tune, and print the outcome; the last line printed is the path of the decode recipe.

    Args:
        print_json: print a JSON object in place of the tables; the others are those of `tune`.

    Returns:
        The exit status.

    Raises:
        SignkitError: as `tune`.
    """
    tuned = tune(
        *runs, space=space, trials=trials, seed=seed, overrides=overrides, decode=file, out=out, split=split
    )
    if print_json:
        print(json.dumps({"tuned": str(tuned.file), **as_json(tuned.outcome)}))
        return 0
    print_outcome(tuned.outcome, tuned.title)
    print(f"report: {tuned.file.with_suffix('.html')}")
    print(tuned.file, flush=True)
    return 0


def _opened(run: Path, split: str, file: Path | None, overrides: Sequence[str]) -> Reopened:
    """Open a run, without its other splits."""
    opened = reopen(run, file, overrides)
    print_package_notes(run)
    if split not in opened.prepared.datasets:
        there = ", ".join(opened.prepared.datasets)
        what = f"the corpus {opened.prepared.corpus.name} of {run} has no {split} samples"
        raise UserError("--split", what, f"it has {there}")
    if opened.recipe.dev_in_train:
        what = "was trained on dev too (data.dev_in_train), so nothing can be chosen on it"
        hint = "tune a run with data.dev_in_train=false, and decode this one `--with` its tuned.yaml"
        raise UserError(str(run), what, hint)
    if any(each.recipe.dev_in_train for each in opened.models):
        what = "joins a model that was trained on dev too (data.dev_in_train), so nothing can be chosen on it"
        raise UserError("decode.ensemble", what, "tune without it")
    if not isinstance(opened.prepared.task, Searchable):
        raise UserError(str(run), f"its task, {opened.recipe.task}, has nothing to tune")
    return replace(opened, prepared=only_split(opened.prepared, split))


def _check_alike(opened: Sequence[Reopened]) -> None:
    """Refuse runs whose errors cannot be counted together.

    Raises:
        UserError: they are decoded or scored in different ways; the message names the first difference.
    """
    first = opened[0]
    folders = [each.folder.resolve() for each in opened]
    for place, other in enumerate(opened[1:], start=1):
        if folders[place] in folders[:place]:
            raise UserError(str(other.folder), "is named twice, so its sentences would count twice")
        ours, theirs = (DecodeRecipe(decode=e.recipe.decode, eval=e.recipe.eval) for e in (first, other))
        if changed := differences(ours, theirs):
            what = f"is decoded otherwise than {first.folder}: {changed[0]}"
            raise UserError(str(other.folder), what, "give both the same by --with FILE or --set")
        if first.recipe.text != other.recipe.text:
            raise UserError(str(other.folder), f"writes {other.recipe.text.unit}s, {first.folder} does not")
    if len(opened) > 1 and first.recipe.decode.ensemble:
        what = "joins models of other runs, which may have seen what these are tuned on"
        raise UserError("decode.ensemble", what, "tune each fold alone, or without it")


def _cached(
    opened: Sequence[Reopened], split: str, parameters: Sequence[Parameter], watch: Watch
) -> tuple[Searched, ...]:
    tuned = [parameter.key for parameter in parameters]
    cached = []
    for each in opened:
        with watch.bar(f"encode {split}", len(each.prepared.datasets[split])) as bar:
            cached.append(_searched(each, split, tuned, bar.at))
    return tuple(cached)


def _searched(
    opened: Reopened, split: str, tuned: Sequence[str], on_progress: Callable[[int], None]
) -> Searched:
    prepared = opened.prepared
    task = prepared.task
    assert isinstance(task, Searchable)  # `_opened` has made sure of it
    return task.searched(
        opened.models,
        prepared.datasets[split],
        tuned,
        corpus=lambda: prepared.corpus,
        on_progress=on_progress,
    )


def _searched_by(opened: Reopened) -> SearchConfig:
    """The options of the run's search.

    Raises:
        UserError: its decoder has nothing to tune.
    """
    decode = opened.recipe.decode
    if not isinstance(decode, SearchConfig):
        raise UserError(str(opened.folder), "has a decoder with nothing to tune")
    return decode


def only_split(prepared: Prepared, split: str) -> Prepared:
    """The run without the samples of other splits, so that these cannot be used by mistake.

    Train stays in the corpus for its references.
    """
    samples = tuple(s for s in prepared.corpus.samples if s.split in ("train", split))
    corpus = replace(prepared.corpus, samples=samples)
    return replace(prepared, corpus=corpus, datasets={split: prepared.datasets[split]})


def _recipe(outcome: TuneOutcome, runs: Sequence[Path], split: str, seed: int) -> str:
    """The decode recipe as YAML, with the outcome of tuning as a comment."""
    heading = [f"Tuned on {split} of {', '.join(map(str, runs))}: {len(outcome.trials)} trials, seed {seed}."]
    comment = "".join(f"# {' '.join(line.split())}\n" for line in (*heading, *sentences(outcome)))
    return comment + to_yaml(DecodeRecipe(decode=outcome.decode), without=("eval",))
