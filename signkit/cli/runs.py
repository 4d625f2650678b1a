"""The verbs about finished runs, as the command line has them. What they do is imported only when called."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from signkit.cli.options import AsJson, RunName, RunNames, Split, WithFile
from signkit.runtime.paths import path_of

To = Literal["onnx", "web"]
Precision = Literal["float32", "float16", "int8"]


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


def evaluate(
    run: RunName,
    data: Annotated[
        list[Path] | None,
        typer.Option("--data", metavar="FOLDER", help="A folder with a manifest, or a manifest; repeatable."),
    ] = None,
    split: Annotated[
        list[Split] | None, typer.Option(help="What to score; dev and test if not given; repeatable.")
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Replace a value of data, decode or eval; repeatable."
        ),
    ] = None,
    with_file: WithFile = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A new folder for the results; else they are printed only."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score a finished run on other data; glosses that the model does not know count as errors.

    signkit evaluate latest --data my_clips --split test
    """
    from signkit.commands.evaluate.verb import evaluate_run

    status = evaluate_run(
        run, data or [], split=[each.value for each in split or ()], overrides=overrides or [],
        file=with_file, out=out, as_json=as_json,
    )  # fmt: skip
    raise SystemExit(status)


def export(
    run: RunName,
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", parser=path_of, help="A new folder, or with --force an old export."),
    ],
    to: Annotated[To, typer.Option("--to", help="The kind of export.")] = "onnx",
    precision: Annotated[Precision, typer.Option(help="Of the weights that are stored.")] = "float32",
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier export.")] = False,
    lm: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", parser=path_of, help="For the page: an n-gram model of characters, ARPA or .npz."
        ),
    ] = None,
    lexicon: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", parser=path_of, help="For the page: words, one a line, the most frequent first."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a finished run's model as an ONNX graph, with its preprocessing, labels and a model card; or as a
    page with it.

    signkit export latest exported --to onnx --precision float16
    """
    from signkit.commands.export.verb import export_run

    raise SystemExit(
        export_run(
            run, folder, to=to, precision=precision, force=force, lm=lm, lexicon=lexicon, as_json=as_json
        )
    )
