"""Options that several verbs share, as the command line has them."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from signkit.runtime.paths import path_of


class Split(str, Enum):
    """A part of a corpus."""

    train = "train"
    dev = "dev"
    test = "test"


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
RecipeName = Annotated[
    str, typer.Argument(metavar="RECIPE", help="A recipe file, or the name of a built-in recipe.")
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
