"""Options that several verbs share, as the command line has them."""

from pathlib import Path
from typing import Annotated

import typer

from signkit.runtime.paths import path_of

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
RecipeName = Annotated[
    str, typer.Argument(metavar="RECIPE", help="A recipe file, or the name of a built-in recipe.")
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
