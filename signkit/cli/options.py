"""Options that several verbs share, as the command line has them."""

import glob
import os
from enum import Enum
from pathlib import Path
from typing import Annotated, Literal

import typer

from signkit.runtime.paths import path_of


class Split(str, Enum):
    """A part of a corpus."""

    train = "train"
    dev = "dev"
    test = "test"


def complete_recipe(incomplete: str) -> list[str]:
    """For the shell's completion: built-in recipes, YAML files and folders that begin so."""
    from signkit.config.assets import names

    return _begin_so((*names("recipes"), *(f"lm/{name}.yaml" for name in names("lm"))), incomplete)


def complete_protocol(incomplete: str) -> list[str]:
    """For the shell's completion: built-in scoring protocols, YAML files and folders that begin so."""
    from signkit.config.assets import names

    return _begin_so(names("eval"), incomplete)


def complete_corpus(incomplete: str) -> list[str]:
    """For the shell's completion: corpora, and what `complete_recipe` gives."""
    from signkit.config.registry import registered

    corpora = [name for name in registered("corpora") if name.startswith(incomplete)]
    return [*corpora, *complete_recipe(incomplete)]


def _begin_so(known: tuple[str, ...], incomplete: str) -> list[str]:
    here = sorted(glob.glob(f"{glob.escape(incomplete)}*"))
    folders = [f"{path}/" for path in here if os.path.isdir(path)]
    files = [path for path in here if path.endswith((".yaml", ".yml"))]
    return [*(name for name in known if name.startswith(incomplete)), *files, *folders]


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Executor = Annotated[
    Literal["local", "ray"], typer.Option(help="Processes of this machine, or of a ray cluster.")
]
Address = Annotated[
    str,
    typer.Option(metavar="HOST:PORT", help="Of the ray cluster; else RAY_ADDRESS, or one that runs here."),
]
RecipeName = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE",
        help="A recipe file, or the name of a built-in recipe.",
        autocompletion=complete_recipe,
    ),
]
RunName = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="The folder of a run, `latest`, or the beginning of a run's name, see `signkit runs`.",
    ),
]
RunNames = Annotated[
    list[str],
    typer.Argument(metavar="RUN…", help="Folders of runs, `latest`, or beginnings of runs' names."),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Replace a value of the recipe; repeatable."),
]
WithFile = Annotated[
    Path | None,
    typer.Option(
        "--with", metavar="FILE", parser=path_of, help="A decode recipe, such as `signkit tune` writes."
    ),
]
