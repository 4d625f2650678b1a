"""The verbs `signkit decode` and `signkit tune`, as the command line has them. What they do is imported only
when called."""

from pathlib import Path
from typing import Annotated

import typer

from signkit.cli.options import AsJson, RunName, RunNames, Split, WithFile

Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="decode.KEY=VALUE", help="Replace a value of decode or eval; repeatable."),
]


def decode(
    run: RunName,
    split: Annotated[
        list[Split] | None, typer.Option(help="What to decode; the recipe's splits if not given; repeatable.")
    ] = None,
    overrides: Overrides = None,
    with_file: WithFile = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A new folder for the results; else below RUN/decoded.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Decode and score a finished run again, without training; the last line printed is the results' folder.

    signkit decode RUN --split test --set decode.beam=16 --set 'decode.fusion=[{name: ngram, weight: 0.5}]'
    """
    from signkit.commands.decode import decode_run
    from signkit.runtime.runs import find_run

    splits = [each.value for each in split or ()]
    raise SystemExit(decode_run(find_run(run), splits, overrides or [], with_file, out, as_json))


def tune(
    runs: RunNames,
    split: Annotated[Split, typer.Option(help="What to tune on: dev.")] = Split.dev,
    space: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=LOW:HIGH", help="A parameter and its range; repeatable."),
    ] = None,
    trials: Annotated[int, typer.Option(min=1, max=100_000, help="Settings to try.")] = 100,
    seed: Annotated[int, typer.Option(min=0, max=2**31, help="Of the settings drawn.")] = 1,
    overrides: Overrides = None,
    with_file: WithFile = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The decode recipe; RUN/tuned.yaml if not given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find the weights, the reward and the scales of decoding that make the fewest errors on dev.

    The encoders run once. Several runs, such as the folds of a corpus, pool their errors. Use the result by
    `signkit decode RUN --with RUN/tuned.yaml`.
    """
    from signkit.commands.tune.verb import tune_runs

    status = tune_runs(
        runs, split.value, space or [], trials=trials, seed=seed,
        overrides=overrides or [], file=with_file, out=out, print_json=as_json,
    )  # fmt: skip
    raise SystemExit(status)
