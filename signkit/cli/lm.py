"""The verbs `signkit lm …`, as the command line has them. What they do is imported only when called."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from signkit.cli.options import AsJson, Overrides

lm_app = typer.Typer(
    help="Language models: n-grams and neural ones.", no_args_is_help=True, rich_markup_mode=None
)


Unit = Literal["word", "character"]


@lm_app.command(short_help="Train a model on text.")
def train(
    recipe: Annotated[
        str,
        typer.Argument(
            metavar="RECIPE",
            help="`ngram`, `gloss_lstm`, `gloss_transformer`, `gloss_bert_masked`, `char_lstm`, or a file.",
        ),
    ],
    overrides: Overrides = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The ARPA file of an n-gram model, lm.arpa if not given; .gz compresses. A .npz is written "
            "next to it.",
        ),
    ] = None,
    resume: Annotated[
        str,
        typer.Option(metavar="auto|never|RUN", help="Of a neural model: as `signkit run --resume`."),
    ] = "never",
    as_json: AsJson = False,
) -> None:
    """Train a model on text: an n-gram model as lmplz makes it, or a neural one in a run's folder.

    signkit lm train ngram --set data.text=train.txt --set lm.order=3 --out lm.arpa

    signkit lm train gloss_lstm --set data.train=train.txt --set data.dev=dev.txt
    """
    from signkit.commands.lm import is_of_run, run_arguments, train_lm
    from signkit.errors import UserError

    if not is_of_run(recipe):
        if resume != "never":
            raise UserError("--resume", "an n-gram model is made in one go", "leave it out")
        raise SystemExit(train_lm(recipe, overrides or [], out or Path("lm.arpa"), as_json))
    if out is not None:
        raise UserError("--out", "is for n-gram models", "a run has a folder of its own; see --set run.dir=…")
    from signkit.commands.run import run_recipe

    raise SystemExit(run_recipe(*run_arguments(recipe, overrides or []), resume=resume, as_json=as_json))


@lm_app.command(short_help="The perplexity of a text.")
def score(
    text: Annotated[Path, typer.Argument(metavar="TEXT", help="Sentences: lines, .stm, .csv, …")],
    lm: Annotated[
        Path,
        typer.Option(
            metavar="FILE|RUN", help="The model: .arpa (also .gz, .bz2, .xz) or .npz, or the folder of a run."
        ),
    ],
    words: Annotated[bool, typer.Option("--words", help="The log10 probability of each word too.")] = False,
    unit: Annotated[
        Unit | None, typer.Option(help="What a word of an ARPA file is, which cannot say it.")
    ] = None,
    format: Annotated[str, typer.Option(metavar="NAME", help="The text's, see `signkit score`.")] = "",
    column: Annotated[
        str, typer.Option(metavar="NAME", help="The column of the text, where there are columns.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """The perplexity of a text, with and without unknown words; the end of a sentence counts as a word.

    The .npz of an ARPA file is written next to it where it is missing, so that the next time is fast.
    """
    from signkit.commands.lm import score_lm

    raise SystemExit(
        score_lm(text, lm, format=format, column=column, unit=unit, words=words, as_json=as_json)
    )
