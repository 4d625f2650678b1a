"""`signkit compare`: runs side by side: scores with tests, learning curves, settings. No torch here."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from signkit.commands.compare.records import ComparedRun, RunComparison
from signkit.commands.compare.show import as_json as plain_json
from signkit.commands.compare.show import page, tables, title, with_short_names
from signkit.config.recipe import Recipe
from signkit.config.recipe_file import with_decode_overrides
from signkit.decode.configs import SearchConfig
from signkit.errors import UserError
from signkit.eval.breakdown import breakdown
from signkit.eval.comparison import comparisons
from signkit.eval.formats import read
from signkit.eval.protocols import Protocol, load, of_characters
from signkit.eval.results import (
    SCORES,
    hypotheses_file,
    lines_folder,
    read_results,
    references_file,
)
from signkit.eval.scores import Resampling, score
from signkit.report.page import write_page
from signkit.report.scoring.scoring import Scoring
from signkit.report.settings import different_settings
from signkit.report.terminal import print_sections
from signkit.runtime.no_run import no_run
from signkit.runtime.run_folder import content, recorded_recipe
from signkit.runtime.runs import RunRef, find_run

SPLITS = ("test", "dev", "train")
"""The split that is compared is the first of these that all runs have scored."""
LABEL_METRICS = ("accuracy", "macro_f1")


def compare(
    *runs: RunRef | Sequence[RunRef],
    split: str = "",
    protocol: str = "",
    report: str | PathLike[str] | None = None,
) -> RunComparison:
    """Compare runs on the same references of a split: ``compare(a, b)``.

    Args:
        runs: two or more, or a list of them: folders of runs, other names of them such as ``latest``, folders
            of results of `signkit decode`, or what `signkit.run`, `runs`, `grid` and `evaluate` return.
        split: ``dev`` or ``test``; if empty, test if all runs have scored it, else dev.
        protocol: that all are scored by; if empty, the one that all runs have.
        report: a page to write, with the learning curves and all sentences.

    Raises:
        UserError: fewer than two runs, one that is not finished or was written without references, runs that
            were scored on different references or by different protocols, or the page cannot have that name.
    """
    target = Path(report) if report is not None else None
    if target is not None and (target.is_dir() or not target.absolute().parent.is_dir()):
        raise UserError("--report", f"{target} is not a file in a folder that is there")
    folders = [find_run(run) for run in _flat(runs)]
    if len({folder.resolve() for folder in folders}) < 2 or len({*folders}) < len(folders):
        raise UserError("compare", "needs two or more different runs", "`signkit runs` lists them")
    opened = _named([_opened(folder) for folder in folders])
    chosen = _split(opened, split)
    recipes = {each.name: each.recipe for each in opened}
    scoring = _scoring(opened, chosen, protocol)
    notes = () if scoring is not None else _other_data(opened)
    compared = RunComparison(chosen, opened, different_settings(recipes), scoring, notes)
    if target is not None:
        with tempfile.TemporaryDirectory() as aside:
            shown = with_short_names(compared)
            write_page(target, title(shown), page(shown, Path(aside)))
    return compared


def _flat(runs: Sequence[RunRef | Sequence[RunRef]]) -> list[RunRef]:
    """The runs as one list, whether they were given one by one or as a list."""
    each: list[RunRef] = []
    for run in runs:
        each += run if isinstance(run, Sequence) and not isinstance(run, str) else [run]
    return each


def compare_runs(
    runs: Sequence[str], *, split: str, protocol: str, report: Path | None, as_json: bool
) -> int:
    """Compare runs and print tables (or JSON); write a page if one is asked for.

    Raises:
        UserError: as `compare`, or the page cannot have that name.
    """
    compared = compare(*runs, split=split, protocol=protocol, report=report)
    if as_json:
        print(json.dumps(plain_json(compared), ensure_ascii=False))
        return 0
    print_sections(tables(compared))
    if report is not None:
        print(f"report: {report}")
    return 0


def _opened(folder: Path) -> ComparedRun:
    """The results in a folder; its name is settled later."""
    if not (folder / SCORES).is_file():
        raise no_run(folder)
    results = read_results(folder / SCORES)
    run = Path(results.run) if results.run else folder
    if not (run / "resolved.yaml").is_file():
        raise UserError(str(folder), f"belongs to the run {run}, which is not there")
    recipe = recorded_recipe(run)
    if (changed := folder / "decode.yaml").is_file():
        recipe = with_decode_overrides(recipe, changed, (), str(run / "resolved.yaml"))
    return ComparedRun(recipe.name, folder, run, recipe, results)


def _named(runs: Sequence[ComparedRun]) -> tuple[ComparedRun, ...]:
    """The runs with the shortest names that differ: of the recipe, of the folder, or its path."""
    for names in (
        [each.recipe.name for each in runs],
        [each.folder.name for each in runs],
        [str(each.folder) for each in runs],
    ):
        if len({*names}) == len(names):
            break
    return tuple(replace(each, name=name) for each, name in zip(runs, names, strict=True))


def _split(runs: Sequence[ComparedRun], wanted: str) -> str:
    """The split to compare on.

    Raises:
        UserError: a run has not scored it.
    """
    common = [split for split in SPLITS if all(split in each.results.splits for each in runs)]
    if wanted in common or (not wanted and common):
        return wanted or common[0]
    for each in runs:
        scored = each.results.splits
        if not scored or (wanted and wanted not in scored):
            what = f"has no scores of {wanted}" if wanted and scored else "has no scores: nothing was scored"
            raise UserError(str(each.folder), what, f"it has {', '.join(scored)}" if scored else "")
    raise UserError("compare", "there is no split that all these runs have scored")


def _scoring(runs: Sequence[ComparedRun], split: str, protocol: str) -> Scoring | None:
    """The scores of all runs by one protocol, and the tests of every two."""
    places = [lines_folder(each.folder) for each in runs]
    texts = all(_has_text(hypotheses_file(place, split)) for place in places)
    if len({each.recipe.task for each in runs}) > 1 and not (texts and _write_texts(runs)):
        tasks = ", ".join(f"{each.name} of {each.recipe.task}" for each in runs)
        raise UserError(
            "compare",
            f"the runs are of different tasks: {tasks}",
            "runs of one task compare, and those that write texts",
        )
    if not texts:
        files = [references_file(place, split) for place in places]
        if all(file.is_file() for file in files):  # of several outputs
            _check_same(runs, [_lines(file) for file in files], split)
        return None
    for each, place in zip(runs, places, strict=True):
        if not references_file(place, split).is_file():
            what = f"has no references of {split} beside its hypotheses, as older versions wrote it"
            hint = f"`signkit decode {each.folder}` decodes it again: compare the folder that it prints"
            raise UserError(str(each.folder), what, hint)
    references = [read(references_file(place, split), format="jsonl") for place in places]
    _check_same(runs, [dict(zip(each.ids, each.texts, strict=True)) for each in references], split)
    rules = _protocol(runs, protocol)
    labels = references[0].texts and '"label"' in _first_line(references_file(places[0], split))
    resampling = Resampling()
    systems = {
        each.name: score(
            references[0],
            read(hypotheses_file(place, split), format="jsonl"),
            rules,
            metrics=LABEL_METRICS if labels else (),
            split=split,
            resampling=resampling,
        )
        for each, place in zip(runs, places, strict=True)
    }
    analyses = {name: breakdown(each) for name, each in systems.items()}
    tests = comparisons(systems, resampling)
    return Scoring(f"the references of {split}", rules, "", systems, analyses, tests, resampling)


def _check_same(runs: Sequence[ComparedRun], references: Sequence[Mapping[str, Any]], split: str) -> None:
    """Refuse runs that were scored on different references.

    Args:
        references: of each run, by the id of the sentence.

    Raises:
        UserError: which runs differ from the first, and how.
    """
    first = references[0]
    faults = []
    for each, there in zip(runs[1:], references[1:], strict=True):
        different = [name for name in {**first, **there} if first.get(name) != there.get(name)]
        if different:
            name = different[0]
            texts = (repr(side[name]) if name in side else "nothing" for side in (there, first))
            of = f"{len(different)} of {len({**first, **there})} sentences differ"
            faults.append(f"{each.folder}: {of}, as {name!r}: {next(texts)}, not {next(texts)}")
    if faults:
        what = f"these were scored on other references of {split} than {runs[0].folder}"
        raise UserError("compare", f"{what}: {'; '.join(faults)}", "runs of one corpus and split compare")


def _lines(file: Path) -> dict[str, Any]:
    """The references of models with several outputs, by id."""
    rows = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    return {row["id"]: row.get("outputs") for row in rows}


def _other_data(runs: Sequence[ComparedRun]) -> tuple[str, ...]:
    """A note if runs that wrote no references have read other data than the first one."""
    read = [content(each.run / "env.json").get("data") for each in runs]
    others = [each.name for each, data in zip(runs, read, strict=True) if data != read[0]]
    if not others:
        return ()
    of = f"{', '.join(others)} {'has' if len(others) == 1 else 'have'} read other data than {runs[0].name}"
    return (f"{of}: the figures compare only if the sentences that were scored are the same.",)


def _protocol(runs: Sequence[ComparedRun], name: str) -> Protocol:
    """The protocol that all runs are scored by.

    Raises:
        UserError: the runs have different ones, and none was named.
    """
    if name:
        return load(name)
    each = [_own_protocol(run.recipe) for run in runs]
    if len({(rules.digest, rules.metrics) for rules in each}) > 1:
        named = ", ".join(
            f"{run.name} by {rules.name} ({rules.unit}s)" for run, rules in zip(runs, each, strict=True)
        )
        raise UserError(
            "compare", f"the runs are scored in different ways: {named}", "--protocol names one for all"
        )
    return each[0]


def _own_protocol(recipe: Recipe) -> Protocol:
    rules = load(recipe.eval.protocol)
    return of_characters(rules) if recipe.text.unit == "character" else rules


def _write_texts(runs: Sequence[ComparedRun]) -> bool:
    """Whether all runs search for texts, which are compared whatever the search."""
    return all(isinstance(each.recipe.decode, SearchConfig) for each in runs)


def _has_text(path: Path) -> bool:
    """Whether a file has hypotheses of one output."""
    return path.is_file() and any(key in _first_line(path) for key in ('"text"', '"label"'))


def _first_line(path: Path) -> str:
    with open(path, encoding="utf-8") as file:
        return file.readline()
