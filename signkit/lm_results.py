"""What comes of a language model's training: perplexities, the export and the report."""

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from signkit.data.rare import UNKNOWN
from signkit.export import write_export
from signkit.files import write_json, write_text
from signkit.lm.perplexity import Perplexity, figures
from signkit.models.protocol import Language
from signkit.models.sentence_scores import sentence_scores
from signkit.prepare import Prepared
from signkit.recipe import Recipe
from signkit.report.page import image, page
from signkit.report.picture import DEV, INK, saved
from signkit.results import load_chosen, plain
from signkit.train import Ended
from signkit.types import Score
from signkit.watch import Watch, read_metrics

COLUMNS = ("split", "perplexity", "of known ones", "tokens", "unknown", "sentences")


@dataclass(frozen=True, slots=True)
class LmResult:
    """A run's figures.

    Attributes:
        recipe: its name.
        step: the step whose weights were used.
        name: ``perplexity``, or ``pseudo-perplexity`` of a masked model.
        figures: of each split that was scored.
        picture: of the curves.
    """

    recipe: str
    step: int
    name: str
    figures: dict[str, Perplexity]
    picture: Path

    @property
    def scores(self) -> tuple[Score, ...]:
        """The figures as `scores.json` has them."""
        ends = "ends of sentences too" if self.name == "perplexity" else "each token given all others"
        return tuple(
            Score(name.replace("-", "_"), value, split, signature=ends, note=_counts(found))
            for split, found in self.figures.items()
            for name, value in ((self.name, found.perplexity), (f"{self.name}_known", found.perplexity_known))
        )


class DevPerplexity:
    """The perplexity of dev by the model's present weights."""

    def __init__(self, prepared: Prepared) -> None:
        self._prepared = prepared

    def __call__(self) -> float:
        return split_perplexity(self._prepared, "dev").perplexity


def rate_name(model: Language) -> str:
    """What a language model is judged by."""
    return "perplexity" if model.predicts_end else "pseudo-perplexity"


def split_perplexity(prepared: Prepared, split: str) -> Perplexity:
    """The figures of a split; unknown tokens count at the probability of the unknown token."""
    examples = prepared.examples[split]
    sentences = [examples.targets(index) for index in range(len(examples))]
    log = sentence_scores(prepared.model, sentences)
    ends = (0,) if prepared.model.predicts_end else ()
    unknown = [np.array([*sentence, *ends]) == UNKNOWN for sentence in sentences]
    words = sum(map(len, sentences))
    return figures(np.concatenate(log), np.concatenate(unknown), words=words, sentences=len(sentences))


def write_lm_results(
    recipe: Recipe, prepared: Prepared, folder: Path, ended: Ended, watch: Watch
) -> LmResult:
    """Score the recipe's splits with the chosen weights, export and report."""
    step = load_chosen(recipe, prepared, folder, ended, watch)
    corpus, model = prepared.corpus, prepared.model
    write_export(folder / "export", recipe, prepared.vocabulary, corpus.layout, corpus.width, model, step)
    found: dict[str, Perplexity] = {
        split: split_perplexity(prepared, split)
        for split in recipe.decode.splits
        if split in prepared.examples
    }
    result = LmResult(recipe.name, step, rate_name(prepared.model), found, folder / "picture.png")
    write_json(folder / "scores.json", {"metrics": [plain(each) for each in result.scores]})
    draw(folder, result)
    write_text(folder / "report.html", _page(result))
    return result


def print_lm_result(result: LmResult) -> None:
    """A table of the figures, and where the picture lies."""
    console = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
    table = Table(title=_title(result), box=box.SIMPLE_HEAD, title_justify="left")
    for column in _columns(result):
        table.add_column(column, justify="left" if column == "split" else "right")
    for row in _rows(result):
        table.add_row(*row)
    console.print(table if result.figures else f"{_title(result)}; no text of dev or test, so no figures")
    console.print(f"picture: {result.picture}")
    console.print(f"report:  {result.picture.with_name('report.html')}")


def draw(folder: Path, result: LmResult) -> None:
    """Draw ``picture.png``: the loss, and dev on the way."""
    saved(result.picture, lambda: _curves(folder, result))


def _curves(folder: Path, result: LmResult) -> Any:
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(11, 3.2), layout="constrained")
    axes = figure.add_subplot()
    rows = read_metrics(folder / "metrics.jsonl")
    loss = [(row["step"], row["loss"]) for row in rows if "loss" in row]
    dev = [(row["step"], value) for row in rows for key, value in row.items() if key.startswith("dev_")]
    axes.set_title(f"{result.recipe}: training", loc="left")
    axes.plot(*zip(*loss, strict=True), color=INK, linewidth=1)
    axes.set_xlabel("step")
    axes.set_ylabel("loss a sentence", color=INK)
    if dev:
        right = axes.twinx()
        right.plot(*zip(*dev, strict=True), color=DEV, marker="o", markersize=3)
        right.set_ylabel(f"dev {result.name}", color=DEV)
        right.set_yscale("log")
        right.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        right.yaxis.set_minor_formatter(lambda value, _: f"{value:g}")
    return figure


def _page(result: LmResult) -> str:
    """One page without anything outside it."""
    head = "".join(f"<th>{escape(column)}</th>" for column in _columns(result))
    cells = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in _rows(result))
    rows = "".join(f"<tr>{each}</tr>" for each in cells)
    how = (
        "The end of a sentence counts as a token."
        if result.name == "perplexity"
        else "Pseudo-perplexity: each token is told from all others of its sentence; no ends."
    )
    table = f"<h1>{escape(_title(result))}</h1><table><tr>{head}</tr>{rows}</table>"
    words = f"<p>{how} Unknown tokens have the probability of the unknown token.</p>"
    return page(result.recipe, f"{table}{words}{image(result.picture, f'Loss and dev {result.name}')}")


def _title(result: LmResult) -> str:
    return f"{result.recipe}, weights of step {result.step}"


def _columns(result: LmResult) -> tuple[str, ...]:
    return tuple(result.name if column == "perplexity" else column for column in COLUMNS)


def _rows(result: LmResult) -> list[tuple[str, ...]]:
    return [
        (
            split,
            f"{found.perplexity:.2f}",
            f"{found.perplexity_known:.2f}",
            str(found.words),
            str(found.unknown),
            str(found.sentences),
        )
        for split, found in result.figures.items()
    ]


def _counts(found: Perplexity) -> str:
    return f"{found.words} tokens, {found.unknown} unknown, {found.sentences} sentences"
