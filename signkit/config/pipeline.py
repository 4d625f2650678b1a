"""A recipe of stages, each a recipe that may begin with what an earlier one trained."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from signkit.config.recipe import Recipe, RunConfig
from signkit.config.scalars import STAGE
from signkit.config.suggest import listed
from signkit.errors import UserError

STAGE_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,63}")


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """A recipe of several stages, which are run one after another. Each stage is a complete recipe with a
    name.

    A path in a later stage may refer to the run of an earlier one: ``init_from: {stage: NAME}``. `name` is
    the file's, without its suffix.
    """

    name: str
    stages: tuple[Recipe, ...]
    run: RunConfig = RunConfig()

    def __post_init__(self) -> None:
        if not self.stages:
            raise UserError("stages", "has no stage", "at least one recipe with a name")
        earlier: list[str] = []
        for number, stage in enumerate(self.stages):
            where = f"`stages.{number}.name`: `{stage.name}`"
            if not STAGE_NAME.fullmatch(stage.name):
                raise UserError("stages", f"{where} is no name of a folder", "letters, digits, -, _ and .")
            if stage.name in earlier:
                raise UserError("stages", f"{where} is the name of two stages")
            for other in stage_references(stage):
                if other not in earlier:
                    hint = f"before it are {listed(earlier)}" if earlier else "none is before it"
                    raise UserError("stages", f"stage `{stage.name}` has no earlier stage `{other}`", hint)
            earlier.append(stage.name)


def stage_references(value: Any) -> Iterator[str]:
    """The names of the stages whose runs a recipe refers to."""
    if isinstance(value, str) and value.startswith(STAGE):
        yield value.removeprefix(STAGE)
    elif isinstance(value, tuple):
        for each in value:
            yield from stage_references(each)
    elif is_dataclass(value) and not isinstance(value, type):
        for each in fields(value):
            yield from stage_references(getattr(value, each.name))


def with_stages(value: Any, runs: Mapping[str, str]) -> Any:
    """The recipe with references to earlier stages replaced by the folders of their runs."""
    if isinstance(value, str) and value.startswith(STAGE):
        return runs[value.removeprefix(STAGE)]
    if isinstance(value, tuple):
        return tuple(with_stages(each, runs) for each in value)
    if is_dataclass(value) and not isinstance(value, type) and any(stage_references(value)):
        return replace(value, **{f.name: with_stages(getattr(value, f.name), runs) for f in fields(value)})
    return value
