"""The verbs about finished runs, as the command line has them. What they do is imported only when called."""

from pathlib import Path
from typing import Annotated

import typer

from signkit.cli.options import AsJson, RunNames, Split


def runs(
    folder: Annotated[Path | None, typer.Argument(metavar="DIR", help="Below it; runs if not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """List runs, the oldest first: state, steps, dev and test, time and size, and which is `latest`."""
    from signkit.commands.run_list import list_runs

    raise SystemExit(list_runs(folder, as_json))


def compare(
    names: RunNames,
    split: Annotated[
        Split | None, typer.Option(help="Of all runs; test, or dev without one, if not given.")
    ] = None,
    protocol: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="Score all runs by this one; the recipes' if not given.")
    ] = "",
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write an HTML page.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare runs: their metrics with intervals, paired tests, learning curves, the settings that differ.

    signkit compare quickstart/latest runs/mine/latest --report compared.html
    """
    from signkit.commands.compare.verb import compare_runs

    chosen = split.value if split else ""
    raise SystemExit(compare_runs(names, split=chosen, protocol=protocol, report=report, as_json=as_json))
