"""The verb `signkit live`, as the command line has it. What it does is imported only when it is called."""

from pathlib import Path
from typing import Annotated

import typer

from signkit.cli.options import AsJson
from signkit.runtime.paths import path_of


def live(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN|DIR", help="A finished run, see `signkit runs`; or the folder of an export."
        ),
    ],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the page; 0: any that is free.")] = 8000,
    video: Annotated[
        Path | None,
        typer.Option(metavar="FILE", parser=path_of, help="Read a video on the terminal, without a page."),
    ] = None,
    camera: Annotated[
        int | None,
        typer.Option(min=0, max=99, metavar="N", help="Read a camera on the terminal, without a page."),
    ] = None,
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="On the terminal: the probability from which a letter counts.")
    ] = 0.7,
    hold: Annotated[
        float, typer.Option(min=0, max=60, help="On the terminal: seconds until a letter is typed.")
    ] = 0.8,
    stable_after: Annotated[
        int,
        typer.Option(
            min=0, metavar="CHUNKS", help="On the terminal, of a stream: after so many a word stays as it is."
        ),
    ] = 8,
    as_json: AsJson = False,
) -> None:
    """Recognise what a camera sees: in a page on this machine, or on the terminal.

    signkit live hand_letters
    """
    from signkit.commands.live.verb import LiveOptions, run_live

    options = LiveOptions(
        port=port,
        video=video,
        camera=camera,
        threshold=threshold,
        hold=hold,
        stable_after=stable_after,
        as_json=as_json,
    )
    raise SystemExit(run_live(run, options))
