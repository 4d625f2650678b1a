"""The verbs about recipes: check, show, list, copy. None of them imports torch."""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from signkit.config.assets import Kind, folder, names
from signkit.config.entry_points import package
from signkit.config.pipeline import Pipeline
from signkit.config.recipe import Recipe
from signkit.config.recipe_file import find_recipe, is_of_ngrams, load_pipeline, load_recipe, resolved
from signkit.config.registry import (
    GROUPS,
    components,
    config_class,
    factory_of,
    offered,
    summary,
    unusable,
)
from signkit.config.yaml_write import to_plain
from signkit.data.layouts import summaries as layout_summaries
from signkit.errors import UserError, UserErrors
from signkit.models.encoders.configs import ImageBackboneConfig
from signkit.runtime.files import plainly, write_bytes

KINDS: dict[str, Kind] = {"recipes": "recipes", "lm": "lm", "protocols": "eval"}


def check_recipe(ref: str, overrides: Sequence[str], as_json: bool) -> int:
    """Say that a recipe is fine, or raise (as JSON: print) all its faults."""
    try:
        notes = _notes(_load(ref, overrides))
    except UserError as error:
        if not as_json:
            raise
        found = error.faults if isinstance(error, UserErrors) else (error,)
        faults = [{"where": fault.where, "what": fault.what, "hint": fault.hint} for fault in found]
        print(json.dumps({"ok": False, "faults": faults}))
        return error.exit_code
    if as_json:
        print(json.dumps({"ok": True, "faults": [], "notes": notes}))
    else:
        print("\n".join([f"{find_recipe(ref)[1]}: ok", *(f"note: {note}" for note in notes)]))
    return 0


def _notes(recipe: Recipe | Pipeline) -> list[str]:
    """The notes on a recipe without faults.

    Raises:
        UserErrors: a backbone that timm does not have, or a component of another package without its factory.
        ComponentError: a module of another package raises an exception.
    """
    notes: list[str] = []
    faults: list[UserError] = []
    for component in components(recipe):
        try:
            if package(component[2]) and component[3].factory:  # a decoder may have none
                factory_of(component[3])
        except UserError as error:
            faults.append(error)
    for each in recipe.stages if isinstance(recipe, Pipeline) else (recipe,):
        if not isinstance(each.encoder, ImageBackboneConfig):
            continue
        from signkit.models.encoders.backbone_names import check_backbone  # with torch and timm

        try:
            note = check_backbone(each.encoder.backbone, each.encoder.weights)
        except UserError as error:
            faults.append(error)
        else:
            notes += [f"encoder.backbone: {note}"] if note else []
    if faults:
        raise UserErrors(faults)
    return list(dict.fromkeys(notes))


def show_recipe(ref: str, overrides: Sequence[str], as_json: bool) -> int:
    """Print a recipe with every default written out, as YAML or JSON."""
    recipe = _load(ref, overrides, check_paths=False)  # it can be read before there are data
    sys.stdout.write(json.dumps(to_plain(recipe), indent=2) + "\n" if as_json else resolved(recipe))
    return 0


def list_known(as_json: bool) -> int:
    """Print the built-in recipes, language models and scoring protocols, and the components of each group, a
    line each."""
    known = {
        title: {name: first_comment(folder(kind) / f"{name}.yaml") for name in names(kind)}
        for title, kind in KINDS.items()
    }
    for group in GROUPS:
        known[group] = {name: summary(config_class(group, name)) for name in offered(group)}
        known[group] |= {name: f"cannot be used: {why}" for name, why in unusable(group).items()}
    known["layouts"] = layout_summaries()
    if as_json:
        print(json.dumps(known, indent=2))
    else:
        _print_tables(known)
    return 0


def copy_recipe(ref: str, destination: Path, force: bool) -> int:
    """Copy a recipe's file; the copy appears whole or not at all.

    Raises:
        UserError: the destination is there already, or its folder is not.
        OperationalError: it cannot be read or written.
    """
    source, _ = find_recipe(ref)
    target = destination / source.name if destination.is_dir() else destination
    if not target.parent.is_dir():
        raise UserError(str(destination), f"there is no folder {target.parent}")
    if target.exists() and not force:
        raise UserError(str(target), "exists already", "--force replaces it")
    with plainly(source, "read"):
        if target.exists() and target.samefile(source):
            raise UserError(str(target), "is the recipe itself")
        content = source.read_bytes()
    write_bytes(target, content)
    print(target)
    return 0


def _load(ref: str, overrides: Sequence[str], *, check_paths: bool = True) -> Recipe | Pipeline:
    """Read a recipe of a run or of stages; one of an n-gram model is refused in one message, not by all that
    it lacks."""
    path, shown = find_recipe(ref)
    if is_of_ngrams(path):
        name = path.stem if path.parent == folder("lm") else ref
        what = "is the recipe of an n-gram model, not of a run"
        raise UserError(shown, what, f"`signkit lm train {name}` reads it")
    pipeline = load_pipeline(ref, overrides, check_paths=check_paths)
    return pipeline or load_recipe(ref, overrides, check_paths=check_paths)


def first_comment(path: Path) -> str:
    """What a recipe is: the first sentence of its first comment."""
    comment = re.search("(?:^# .*\n?)+", path.read_text(encoding="utf-8"), re.MULTILINE)
    text = " ".join(line.lstrip("# ").rstrip() for line in comment[0].splitlines()) if comment else ""
    return re.split(r"(?<=\.) (?=[A-Z])", text, maxsplit=1)[0]


def _print_tables(known: dict[str, dict[str, str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    # A line each when piped, whatever the width of the terminal.
    width = None if sys.stdout.isatty() else 1_000_000
    out = Console(width=width, highlight=False, markup=False, emoji=False)
    for kind, rows in known.items():
        table = Table(box=box.SIMPLE_HEAD, show_header=False)
        table.add_column(no_wrap=True, style="bold")
        table.add_column()
        for name, line in rows.items():
            table.add_row(name, line)
        out.print(kind, style="italic")
        out.print(table)
