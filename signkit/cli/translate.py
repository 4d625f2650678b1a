"""The verb `signkit translate`, as the command line has it."""

from pathlib import Path
from typing import Annotated

import typer

from signkit.cli.clips import OnError
from signkit.cli.options import AsJson, RunName, WithFile
from signkit.runtime.paths import path_of


def translate(
    run: RunName,
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE",
            parser=path_of,
            help="Glosses: a sentence a line, a recogniser's JSON lines, any transcripts; - reads stdin.",
        ),
    ] = None,
    as_json: AsJson = False,
    column: Annotated[
        str, typer.Option(metavar="NAME", help="The column of the glosses, in files that have columns.")
    ] = "",
    nbest: Annotated[int, typer.Option(min=1, max=4096, help="Translations of each sentence in --json.")] = 1,
    with_file: WithFile = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="decode.KEY=VALUE", help="Replace a value of decode; repeatable."),
    ] = None,
    beam: Annotated[int | None, typer.Option(min=1, max=4096, help="Width of the beam; 1 is greedy.")] = None,
    on_error: Annotated[
        OnError, typer.Option(help="A sentence that cannot be used ends everything, or is left out.")
    ] = "stop",
) -> None:
    """Translate glosses, or other written sources, with a trained run."""
    from signkit.commands.predict.options import PredictOptions
    from signkit.commands.translate.verb import TranslateOptions
    from signkit.commands.translate.verb import translate as translate_files
    from signkit.runtime.runs import find_run

    changes = (*(overrides or ()), *([f"decode.nbest={nbest}"] if nbest > 1 else ()))
    search = PredictOptions(with_file=with_file, overrides=changes, beam=beam)
    options = TranslateOptions(column=column, search=search, on_error=on_error, as_json=as_json)
    raise SystemExit(translate_files(find_run(run), files or [], options))
