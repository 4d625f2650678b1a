"""Settings of recipes as tables: all of one, and those in which several differ."""

from collections.abc import Mapping

from signkit.config.recipe import Recipe
from signkit.config.yaml_write import leaves
from signkit.report.numbers import counted
from signkit.report.sections import Row, Table

ABSENT = "absent"
ELSEWHERE = ("name", "run")
"""Sections of a recipe that say nothing about a model."""


def settings(recipe: Recipe) -> Table:
    """Every setting of a recipe, in a part that opens."""
    rows: list[Row] = [*leaves(recipe, ELSEWHERE).items()]
    return Table(("Setting", "Value"), rows, "Settings", words=2, folded=counted(len(rows), "setting"))


def different_settings(recipes: Mapping[str, Recipe]) -> dict[str, tuple[str, ...]]:
    """The settings that are not the same in all recipes: the value in each, by the dotted key.

    Of a component that is another one, only the name is there.
    """
    each = [leaves(recipe, ELSEWHERE) for recipe in recipes.values()]
    keys = dict.fromkeys(key for values in each for key in values)
    rows = {key: tuple(values.get(key, ABSENT) for values in each) for key in keys}
    changed = {key: values for key, values in rows.items() if len({*values}) > 1}
    replaced = [key.removesuffix("name") for key in changed if key.endswith(".name")]
    return {
        key: values
        for key, values in changed.items()
        if key.endswith(".name") or not any(key.startswith(section) for section in replaced)
    }
