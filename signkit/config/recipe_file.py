"""Reading recipes, by path or built-in name and with overrides, and writing them resolved."""

import os
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

from signkit.config.assets import Kind, asset, names
from signkit.config.entry_points import KINDS as COMPONENTS
from signkit.config.entry_points import entry_points_of
from signkit.config.pipeline import Pipeline
from signkit.config.recipe import DECODER, DecodeConfig, EvalConfig, Recipe, default_decoder
from signkit.config.registry import component_name, providers
from signkit.config.strict_yaml import (
    UNNEEDED,
    Group,
    field_types,
    package_comment,
    packages_in,
    read,
    read_file,
)
from signkit.config.suggest import all_of, nearest, suggestion
from signkit.config.yaml_tree import Place, Section, decode, parse
from signkit.config.yaml_write import to_yaml
from signkit.errors import UserError, UserErrors

KINDS: tuple[Kind, ...] = ("recipes", "lm")
"""Folders of built-in recipes; those of language models are referred to with their folder,
``lm/gloss_lstm.yaml``."""

OF_RUNS = ("encoder", "context", "model", "train", "stages")
"""Sections that only the recipes of runs have."""

AFTERWARDS = ("decode", "eval")
"""Sections that can be changed after the training."""


@dataclass(frozen=True, kw_only=True)
class DecodeRecipe:
    """A file with the settings that can be changed for a finished run."""

    decode: Annotated[DecodeConfig, Group("decoders", default=DECODER)] = field(
        default_factory=default_decoder
    )
    eval: EvalConfig = EvalConfig()


def load_recipe(
    ref: str | Path,
    overrides: Sequence[str] = (),
    *,
    name: str | None = None,
    check_paths: bool = True,
    unneeded: Collection[str] = (),
) -> Recipe:
    """Read a recipe.

    Args:
        ref: a file, or the name of a built-in recipe (``quickstart``, ``recipes/quickstart.yaml``).
        overrides: ``a.b=c`` each, applied before the recipe is checked.
        name: the recipe's name; if None, that of the file without its suffix.
        check_paths: whether paths in it must exist.
        unneeded: groups of which a component may lack its package, see `strict_yaml.read`.

    Raises:
        UserError: there is no such recipe, or it has faults; the message names all of them.
    """
    path, shown = find_recipe(str(ref))
    given = {"name": path.stem if name is None else name}
    return read_file(
        path, Recipe, overrides, where=shown, given=given, check_paths=check_paths, unneeded=unneeded
    )


def load_pipeline(
    ref: str, overrides: Sequence[str] = (), *, name: str | None = None, check_paths: bool = True
) -> Pipeline | None:
    """Read a recipe of stages; None if it has no section `stages`. The arguments are those of `load_recipe`.

    Raises:
        UserError: there is no such recipe, or it has faults; the message names all of them.
    """
    path, shown = find_recipe(ref)
    if "stages" not in sections(path):
        return None
    given = {"name": path.stem if name is None else name}
    return read_file(path, Pipeline, overrides, where=shown, given=given, check_paths=check_paths)


def sections(path: Path) -> frozenset[str]:
    """The names of a recipe's sections. For a file that is no recipe there are none, and reading it will
    fail."""
    try:
        root = parse(path.read_text(encoding="utf-8-sig"), Place(str(path), 1, 1), [])
    except (OSError, UnicodeDecodeError):
        return frozenset()
    return frozenset(key.text for key, _ in root.entries) if isinstance(root, Section) else frozenset()


def is_of_ngrams(path: Path) -> bool:
    """Whether a recipe is that of an n-gram model: it has a section `lm`, and none that only runs have."""
    there = sections(path)
    return "lm" in there and there.isdisjoint(OF_RUNS)


def with_decode_overrides(
    recipe: Recipe,
    file: Path | None,
    overrides: Sequence[str],
    where: str,
    *,
    settable: Sequence[str] = AFTERWARDS,
) -> Recipe:
    """The recipe of a finished run with other settings for decoding or scoring.

    Args:
        recipe: of the run.
        file: a decode recipe; the keys that it has in `decode` and `eval` replace those of the recipe.
        overrides: ``decode.a=b`` each, applied after that.
        where: the name of the run's recipe in messages.
        settable: sections that messages name, if the caller has taken out overrides of others.

    Raises:
        UserError: an override is of another section, or file or overrides have faults.
    """
    others = [each for each in overrides if each.partition("=")[0].partition(".")[0] not in AFTERWARDS]
    if others:
        what = f"of a finished run only {all_of(settable)} can be set"
        raise UserErrors(
            [UserError(f"--set {each}", what, _meant(each, recipe, settable)) for each in others]
        )
    _refuse_other_decoders(recipe, overrides)
    if file is not None:
        given = read_file(file, DecodeRecipe)
        named = _keys(file)
        try:
            changed = {
                section: replace(
                    getattr(recipe, section), **{key: getattr(getattr(given, section), key) for key in keys}
                )
                for section, keys in named.items()
            }
        except UserError as error:  # keys of the file do not fit those that the run keeps
            what = f"`decode.{error.where}`, together with the run's settings, {error.what}"
            raise UserError(str(file), what, error.hint) from error
        recipe = replace(recipe, **changed)
    return reread(recipe, where, overrides)


def _refuse_other_decoders(recipe: Recipe, overrides: Sequence[str]) -> None:
    """Refuse overrides that name another decoder than the run's, whose options would all be unknown to it.

    Raises:
        UserError: there is one.
    """
    decoder = component_name("decoders", recipe.decode)
    for each in overrides:
        key, _, name = each.partition("=")
        if key.strip() == "decode.name" and name.strip().strip("'\"") != decoder:
            what = f"the decoder of this run is `{decoder}`, and belongs to its model"
            raise UserError(f"--set {each}", what, "leave it out")


def reread(recipe: Recipe, where: str, overrides: Sequence[str]) -> Recipe:
    """The recipe of a trained model with overrides.

    Raises:
        UserError: they have faults.
    """
    return read(
        resolved(recipe), where, Recipe, overrides, given={"name": recipe.name}, check_paths=False,
        unneeded=UNNEEDED,
    )  # fmt: skip


def _meant(override: str, recipe: Recipe, sections: Sequence[str]) -> str:
    """The key meant by one that lacks its section, or has it misspelt: ``decode.beam`` for ``beam``."""
    key = override.partition("=")[0]
    first, dot, rest = key.partition(".")
    if first in field_types(Recipe):
        return ""
    inner = {name: f"{each}.{name}" for each in sections for name in _keys_of(getattr(recipe, each))}
    known = inner | ({each: each for each in sections} if dot else {})
    near = first if first in known else nearest(first, known)
    return f"did you mean `{known[near]}{dot}{rest}`?" if near else ""


def _keys_of(part: object) -> list[str]:
    cls: Any = type(part)
    return [*field_types(cls)]


def resolved(recipe: Recipe | Pipeline, layout: str = "") -> str:
    """The recipe as YAML with every default written out; it reads back to an equal recipe.

    Comments say which packages components are of that are not signkit's own: where one is not installed, the
    error of `strict_yaml.read` names it.

    Args:
        layout: of the landmarks that the model reads; its package is named, too.
    """
    packages = providers(recipe, layout).items()
    comments = (package_comment(*component, package) for component, package in packages)
    return "".join(comments) + to_yaml(recipe, without=("name",))


def check_layouts(path: Path) -> None:
    """Refuse the recipe of a run whose layout of landmarks is of a package that is not installed.

    Raises:
        UserError: naming the package.
    """
    for (group, name), package in packages_in(_text(path)).items():
        if group == "layouts" and name not in entry_points_of("layouts"):
            what = f"the landmark layout `{name}` is of the package {package}, which is not installed"
            raise UserError(str(path), what, f"pip install {package.partition(' ')[0]}")


def package_notes(path: Path) -> list[str]:
    """The packages of components that are installed in another version than a run's recipe says, a line
    each."""
    parts: dict[str, list[str]] = {}
    for (group, name), package in packages_in(_text(path)).items():
        parts.setdefault(package, []).append(f"{COMPONENTS[group]} `{name}`")
    notes = []
    for package, of_it in parts.items():
        of, _, before = package.rpartition(" ")
        with suppress(PackageNotFoundError):
            if (now := version(of)) != before:
                notes.append(f"the run was made with {package}, and {now} is installed: {', '.join(of_it)}")
    return notes


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""  # reading it as a recipe tells why


def find_recipe(ref: str) -> tuple[Path, str]:
    """The file of a recipe, and its name in messages.

    Raises:
        UserError: there is none; the message has a suggestion.
    """
    path, builtin = Path(os.path.expanduser(ref)), names("recipes")
    if ref in builtin:  # a folder of the same name, such as one of runs, does not hide it
        return asset("recipes", ref), f"recipes/{ref}.yaml"
    if path.is_file():
        return path, ref
    for kind in KINDS:
        if path.parent == Path(kind) and path.suffix == ".yaml" and path.stem in names(kind):
            return asset(kind, path.stem), ref
    if path.is_dir():
        raise UserError(ref, "is a folder, not a recipe")
    if path.suffix in (".yaml", ".yml"):
        hint = f"did you mean the built-in `{path.stem}`?" if path.stem in builtin else _near(path)
        raise UserError(ref, "there is no such file", hint)
    if ref in names("lm"):
        raise UserError(ref, "is a language model", f"`signkit lm train {ref}`, or lm/{ref}.yaml")
    hint = suggestion(ref, builtin) if nearest(ref, builtin) else "`signkit list` shows them"
    raise UserError(ref, "no built-in recipe has this name", hint)


def _keys(file: Path) -> dict[str, list[str]]:
    """The keys that a decode recipe has in each of its sections; it has been read without faults before."""
    root = parse(decode(file.read_bytes(), str(file)), Place(str(file), 1, 1), [])
    assert isinstance(root, Section)
    return {
        name.text: [key.text for key, _ in section.entries if key.text != "name"]
        for name, section in root.entries
        if isinstance(section, Section)
    }


def _near(path: Path) -> str:
    """A suggestion: the file in the same folder, or else the built-in recipe, with the most similar name."""
    siblings = [str(other) for other in sorted(path.parent.glob("*.yaml"))] if path.parent.is_dir() else []
    return suggestion(str(path), siblings) if siblings else suggestion(path.stem, names("recipes"))
