"""The command `signkit`: its verbs. What they do is imported only when they are called."""

import errno
import os
import re
import sys
import traceback
from pathlib import Path
from typing import Annotated, Literal

import typer

from signkit.cli.clips import landmarks, predict
from signkit.cli.data import data_app
from signkit.cli.decode import decode, tune
from signkit.cli.live import live
from signkit.cli.lm import lm_app
from signkit.cli.options import AsJson, Overrides, RecipeName, complete_protocol
from signkit.cli.profile import profile
from signkit.cli.runs import compare, evaluate, export, runs
from signkit.cli.translate import translate
from signkit.errors import ComponentError, OperationalError, SignkitError, UserErrors
from signkit.version import __version__

app = typer.Typer(
    help="Sign language to text: train, decode and score.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)
app.add_typer(data_app, name="data")
app.add_typer(lm_app, name="lm")


Missing = Literal["refuse", "deletions"]


By = Literal["signer"]


def _print_version(wanted: bool) -> bool:
    if wanted:
        print(f"signkit {__version__}")
        raise typer.Exit
    return wanted


Version = Annotated[
    bool,
    typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave."),
]


@app.callback()
def _root(version: Version = False) -> None:
    pass


@app.command(short_help="Train, decode and score a recipe.")
def run(
    recipe: RecipeName,
    overrides: Overrides = None,
    resume: Annotated[
        str,
        typer.Option(
            metavar="auto|never|RUN", help="Go on with the newest unfinished run, with none, or with this."
        ),
    ] = "never",
    grid: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=A,B", help="Run every value, ranked on dev; repeatable: every combination."
        ),
    ] = None,
    profile: Annotated[
        int,
        typer.Option(
            metavar="STEPS", min=0, help="Time the parts of so many steps, and write a trace; `run.profile`."
        ),
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Train, decode and score a recipe; the last line printed is the run's folder."""
    overrides = [*(overrides or []), *([f"run.profile={profile}"] if profile else [])]
    if grid:
        from signkit.commands.grid.verb import run_grid

        raise SystemExit(run_grid(recipe, grid, overrides, resume=resume, as_json=as_json))
    from signkit.commands.stages import run as run_any

    raise SystemExit(run_any(recipe, overrides, resume=resume, as_json=as_json))


app.command(short_help="Decode a finished run again.")(decode)
app.command(short_help="Tune the decoding of finished runs on dev.")(tune)
app.command(short_help="Score a finished run on other data.")(evaluate)
app.command(short_help="Compare runs: scores, tests, curves, settings.")(compare)
app.command(short_help="List runs with their states and scores.")(runs)
app.command(short_help="Write a finished run's model as an ONNX graph.")(export)
app.command(short_help="Measure what a training step costs.")(profile)
app.command(short_help="Recognise videos, or files of landmarks or features.")(predict)
app.command(short_help="Recognise what a camera sees, in a page or on the terminal.")(live)
app.command(short_help="Translate glosses with a finished run.")(translate)
app.command(short_help="Track the signers of videos with MediaPipe.")(landmarks)


@app.command(short_help="Score hypotheses as sclite does.")
def score(
    reference: Annotated[Path, typer.Argument(metavar="REF", help="The references.")],
    hypothesis: Annotated[Path, typer.Argument(metavar="HYP", help="The hypotheses of a system.")],
    compare: Annotated[
        list[Path] | None,
        typer.Option("--compare", metavar="HYP2", help="Another system's hypotheses; repeatable."),
    ] = None,
    protocol: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE",
            help="How to clean and count: see `signkit list`.",
            autocompletion=complete_protocol,
        ),
    ] = "plain",
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Replace a value of the protocol; repeatable."),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="wer, cer, bleu, …: in place of the protocol's; repeatable."),
    ] = None,
    missing: Annotated[
        Missing, typer.Option(help="What to do with references that have no hypothesis.")
    ] = "refuse",
    by: Annotated[
        By | None, typer.Option(help="Intervals that hold for other signers, and a table of signers.")
    ] = None,
    train: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Transcripts of train: words and sentences not seen there."),
    ] = None,
    train_source: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The sources of train, such as its glosses, for the floor."),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The sources of REF: score the text of the nearest source of train too."
        ),
    ] = None,
    source_column: Annotated[
        str, typer.Option(metavar="NAME", help="The column, key or tier of the sources.")
    ] = "",
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write an HTML page.")] = None,
    as_json: AsJson = False,
    sclite: Annotated[
        bool, typer.Option("--sclite", help="Print what sclite writes as .sys and .pra.")
    ] = False,
    show_cleaning: Annotated[
        bool,
        typer.Option("--show-cleaning", help="Print what the protocol does to each line; score nothing."),
    ] = False,
    format: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="stm, ctm, trn, csv, corpus, id, kaldi, jsonl, eaf, textgrid, vtt, srt or lines.",
        ),
    ] = "",
    reference_format: Annotated[str, typer.Option(metavar="NAME", help="That of REF alone.")] = "",
    hyp_format: Annotated[str, typer.Option(metavar="NAME", help="That of HYP alone.")] = "",
    column: Annotated[
        str,
        typer.Option("--column", "--tier", metavar="NAME", help="The column, key or tier of the text."),
    ] = "",
    reference_column: Annotated[
        str,
        typer.Option("--reference-column", "--reference-tier", metavar="NAME", help="That of REF alone."),
    ] = "",
    hyp_column: Annotated[
        str, typer.Option("--hyp-column", "--hyp-tier", metavar="NAME", help="That of HYP alone.")
    ] = "",
    id_column: Annotated[
        str, typer.Option(metavar="NAME", help="The column or key of the utterance's id.")
    ] = "",
    reference_id_column: Annotated[str, typer.Option(metavar="NAME", help="That of REF alone.")] = "",
    hyp_id_column: Annotated[str, typer.Option(metavar="NAME", help="That of HYP alone.")] = "",
    separator: Annotated[
        str,
        typer.Option(metavar="MARK", help="A mark between words in addition to blanks; ' ': none."),
    ] = "",
    resamples: Annotated[
        int, typer.Option(min=0, max=1_000_000, help="Of the bootstrap; 0: no intervals.")
    ] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap.")] = 0,
    confidence: Annotated[float, typer.Option(help="Of the intervals.")] = 0.95,
) -> None:
    """Score hypotheses: rates with intervals, tests, what goes wrong, and how it was all counted.

    Files are .stm, .ctm, .trn, .csv, .tsv, .json, .eaf, .TextGrid, .vtt, .srt, id|text, or lines, and any of
    them .gz; - is the standard input.
    """
    from signkit.commands.score import Options, score_files

    options = Options(
        protocol=protocol, overrides=tuple(overrides or ()), metrics=tuple(metric or ()), format=format,
        reference_format=reference_format, hyp_format=hyp_format, column=column,
        reference_column=reference_column, hyp_column=hyp_column, id_column=id_column,
        reference_id_column=reference_id_column, hyp_id_column=hyp_id_column, separator=separator,
        missing=missing, by=by or "", systems=tuple(compare or ()), train=train,
        train_source=train_source, source=source, source_column=source_column,
        report=report, resamples=resamples, seed=seed, confidence=confidence, sclite=sclite,
        show_cleaning=show_cleaning, as_json=as_json,
    )  # fmt: skip
    raise SystemExit(score_files(reference, hypothesis, options))


@app.command()
def check(recipe: RecipeName, overrides: Overrides = None, as_json: AsJson = False) -> None:
    """Check a recipe and report all its faults."""
    from signkit.commands.recipes import check_recipe

    raise SystemExit(check_recipe(recipe, overrides or [], as_json))


@app.command()
def show(recipe: RecipeName, overrides: Overrides = None, as_json: AsJson = False) -> None:
    """Print a recipe with every default written out."""
    from signkit.commands.recipes import show_recipe

    raise SystemExit(show_recipe(recipe, overrides or [], as_json))


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List the built-in recipes and the components, a line each."""
    from signkit.commands.recipes import list_known

    raise SystemExit(list_known(as_json))


@app.command()
def copy(
    recipe: RecipeName,
    destination: Annotated[Path, typer.Argument(metavar="DEST", help="A file, or a folder that exists.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
) -> None:
    """Copy a recipe, to change it."""
    from signkit.commands.recipes import copy_recipe

    raise SystemExit(copy_recipe(recipe, destination, force))


def main() -> None:
    """Run the command and leave with its status: 2 for the user's mistakes, 1 for failures."""
    _open_streams()
    try:
        status = _status()
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has left, as `head` does
        _close_stdout()
        status = 1
    except OSError as error:
        print(f"error: the output cannot be written: {error.strerror or error}", file=sys.stderr)
        _close_stdout()
        status = 1
    sys.exit(status)


def _open_streams() -> None:
    """Output in UTF-8 where it goes to a file or a pipe; a letter that a terminal lacks is no failure."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by the caller
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))
        elif hasattr(stream, "reconfigure"):
            is_terminal = stream.isatty()
            stream.reconfigure(encoding=None if is_terminal else "utf-8", errors="backslashreplace")


def _close_stdout() -> None:
    """Let what is still to be written go nowhere, so that leaving raises nothing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _status() -> int | str | None:
    try:
        app([_at_home(argument) for argument in sys.argv[1:]], prog_name="signkit")
    except SystemExit as leaving:
        return leaving.code
    except KeyboardInterrupt:
        return 130
    except SignkitError as error:
        _report(error)
        if isinstance(error, ComponentError):
            _trace()
        return error.exit_code
    except BrokenPipeError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EIO) and error.filename is None:
            raise  # of the output, as `main` says
        if isinstance(error, ImportError) and (lacking := _lacking(error)):
            _report(lacking)
            return lacking.exit_code
        if exhausted := _exhausted(error):
            _report(exhausted)
            return exhausted.exit_code
        _trace()
        if fault := _of_component(error):
            _report(fault)
            return fault.exit_code
        message = f"{type(error).__name__}: {error}"
        print(f"internal error: {message} (set SIGNKIT_TRACEBACK=1 for details)", file=sys.stderr)
        return 1
    return 0


def _at_home(argument: str) -> str:
    """The argument with ``~`` at the head of a path expanded, which a shell leaves after ``--out=`` and in
    quotes."""
    head, path = re.fullmatch(r"(--[a-z-]+=)?(.*)", argument, re.DOTALL).groups(default="")  # type: ignore[union-attr]
    if path.partition("/")[0] != "~" or os.path.exists("~"):
        return argument
    return head + os.path.expanduser(path)


def _lacking(error: ImportError) -> SignkitError | None:
    """What to install, if it is a package of one of the extras that could not be imported."""
    from signkit.config.registry import check_extra

    try:
        check_extra(error, f"signkit {' '.join(sys.argv[1:2])}")
    except SignkitError as lacking:
        return lacking
    return None


def _of_component(error: Exception) -> SignkitError | None:
    """The exception as the fault of the package that raised it, if components are registered by it."""
    from signkit.config.own_code import blamed

    return blamed(error)


def _trace() -> None:
    """Print the traceback if the user asks for it."""
    if os.environ.get("SIGNKIT_TRACEBACK") == "1":
        traceback.print_exc()


def _exhausted(error: Exception) -> SignkitError | None:
    """What to change, if memory ran out; torch has errors of its own for it, and may not be there."""
    from signkit.runtime.exhausted import worker_killed

    if killed := worker_killed(error):
        return killed
    if type(error).__name__ == "OutOfMemoryError":
        what = "the memory of the GPU ran out"
    elif isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        what = "memory ran out"
    else:
        return None
    asked = re.search(r"tried to allocate ([\d.]+ \w+)", str(error), re.IGNORECASE)
    more = f" ({asked[1]} more were asked for)" if asked else ""
    hint = (
        "take a smaller train.batch_size or decode.batch_size, or `checkpoint: true` in an encoder of video"
    )
    return OperationalError(f"{what}{more}; {hint}")


def _report(error: SignkitError) -> None:
    """One message: a fault alone, or each on its own line, ready for an editor to jump to."""
    if isinstance(error, UserErrors) and len(error.faults) > 1:
        print(f"{error}\nerror: {len(error.faults)} faults", file=sys.stderr)
    else:
        print(f"error: {error}", file=sys.stderr)
