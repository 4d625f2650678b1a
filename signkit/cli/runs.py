"""The verbs about finished runs, as the command line has them. What they do is imported only when called."""

from pathlib import Path
from typing import Annotated

import typer

from signkit.cli.options import AsJson


def runs(
    folder: Annotated[Path | None, typer.Argument(metavar="DIR", help="Below it; runs if not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """List runs, the oldest first: state, steps, dev and test, time and size, and which is `latest`."""
    from signkit.commands.run_list import list_runs

    raise SystemExit(list_runs(folder, as_json))
