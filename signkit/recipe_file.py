"""Recipes found by path or built-in name, read with their overrides, and written out resolved."""

from collections.abc import Sequence
from pathlib import Path

from signkit.assets import asset, names
from signkit.errors import UserError
from signkit.recipe import Recipe
from signkit.strict_yaml import read_file
from signkit.suggest import suggestion
from signkit.yaml_write import to_yaml


def load_recipe(
    ref: str, overrides: Sequence[str] = (), *, name: str | None = None, check_paths: bool = True
) -> Recipe:
    """Read a recipe.

    Args:
        ref: a file, or the name of a built-in recipe (``quickstart``, ``recipes/quickstart.yaml``).
        overrides: ``a.b=c`` each, put in place before reading.
        name: the recipe's name; that of the file, without its ending, if None.
        check_paths: whether paths in it must exist.

    Raises:
        UserError: there is no such recipe, or all that is wrong in it.
    """
    path, shown = find_recipe(ref)
    given = {"name": path.stem if name is None else name}
    return read_file(path, Recipe, overrides, where=shown, given=given, check_paths=check_paths)


def resolved(recipe: Recipe) -> str:
    """The recipe as YAML with every default written out; it reads back to an equal recipe."""
    return to_yaml(recipe, without=("name",))


def find_recipe(ref: str) -> tuple[Path, str]:
    """A recipe's file, and how messages call it.

    Raises:
        UserError: there is none, with a suggestion.
    """
    path, builtin = Path(ref), names("recipes")
    if ref in builtin:  # a folder called like a recipe, such as one of runs, does not hide it
        return asset("recipes", ref), f"recipes/{ref}.yaml"
    if path.is_file():
        return path, ref
    if path.parent == Path("recipes") and path.suffix == ".yaml" and path.stem in builtin:
        return asset("recipes", path.stem), ref
    if path.is_dir():
        raise UserError(ref, "is a folder, not a recipe")
    if path.suffix in (".yaml", ".yml"):
        hint = f"did you mean the built-in `{path.stem}`?" if path.stem in builtin else _near(path)
        raise UserError(ref, "there is no such file", hint)
    raise UserError(ref, "no built-in recipe has this name", suggestion(ref, builtin))


def _near(path: Path) -> str:
    """The file of its folder, or the built-in recipe, that is named most like it."""
    beside = [str(other) for other in sorted(path.parent.glob("*.yaml"))] if path.parent.is_dir() else []
    return suggestion(str(path), beside) if beside else suggestion(path.stem, names("recipes"))
