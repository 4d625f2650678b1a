"""The verb `signkit profile`, as the command line has it. What it does is imported only when called."""

from typing import Annotated

import typer

from signkit.cli.options import AsJson, Overrides, RecipeName


def profile(
    recipe: RecipeName,
    overrides: Overrides = None,
    frames: Annotated[int, typer.Option(min=1, max=100_000, help="Of each clip.")] = 64,
    batch: Annotated[
        int, typer.Option(min=0, max=10_000, help="Clips computed together; 0: the recipe's.")
    ] = 0,
    vocabulary: Annotated[
        int,
        typer.Option(
            min=0,
            max=1_000_000,
            help="Symbols, or classes a head; 0: the corpus's where it is read, else 1296, or 26 classes.",
        ),
    ] = 0,
    layout: Annotated[
        str, typer.Option(metavar="NAME", help="Of landmarks, such as holistic; the corpus is not read then.")
    ] = "",
    width: Annotated[
        int,
        typer.Option(
            min=0, max=100_000, help="Coordinates a point (3 by default), or numbers a feature vector."
        ),
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Measure parameters, multiply-adds, time and memory of a training step, stage by stage.

    A synthetic batch of the recipe's shapes is run; the corpus is read only for a layout that no option says.
    """
    from signkit.commands.profile.verb import profile_recipe
    from signkit.train.task import Shapes

    shapes = Shapes(frames=frames, batch=batch, vocabulary=vocabulary, layout=layout, width=width)
    raise SystemExit(profile_recipe(recipe, overrides or [], shapes, as_json))
