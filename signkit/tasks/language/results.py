"""What comes of a language model's training: perplexities, the export and the report."""

from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from signkit.config.recipe import Recipe
from signkit.lm.perplexity import Perplexity
from signkit.models.export import write_export
from signkit.models.protocol import Language
from signkit.models.text_scores import TextScores, text_scores
from signkit.report.page import image, page
from signkit.report.picture import DEV, INK, saved
from signkit.runtime.files import write_json, write_text
from signkit.runtime.progress import Watch, read_metrics
from signkit.tasks.recognition.results import load_chosen, plain
from signkit.train.loop import Ended
from signkit.train.setup import Prepared
from signkit.types import Score

OF_WORDS = {
    "perplexity": "A word has the probability of its sub-words, so models of words can be compared.",
    "pseudo-perplexity": "A sub-word is told from those of its own word too: not to be compared with words.",
}
"""What is said beside the figures of sub-words."""


@dataclass(frozen=True, slots=True)
class LmResult:
    """A run's figures.

    Attributes:
        recipe: its name.
        step: the step whose weights were used.
        name: ``perplexity``, or ``pseudo-perplexity`` of a masked model.
        figures: of each split that was scored; of sub-words those of the words.
        pieces: the perplexity a piece of each split, where tokens are sub-words.
        picture: of the curves.
    """

    recipe: str
    step: int
    name: str
    figures: dict[str, Perplexity]
    picture: Path
    pieces: dict[str, float] = field(default_factory=dict)

    @property
    def scores(self) -> tuple[Score, ...]:
        """The figures as `scores.json` has them."""
        ends = "ends of sentences too" if self.name == "perplexity" else "each token given all others"
        found = []
        for split, of in self.figures.items():
            values = {self.name: of.perplexity, f"{self.name}_known": of.perplexity_known}
            if split in self.pieces:
                values[f"{self.name}_piece"] = self.pieces[split]
            counted = "words" if self.pieces else "tokens"
            note = f"{of.words} {counted}, {of.unknown} unknown, {of.sentences} sentences"
            found += [Score(n.replace("-", "_"), v, split, ends, note) for n, v in values.items()]
        return tuple(found)


class DevPerplexity:
    """The perplexity of dev by the model's present weights."""

    def __init__(self, prepared: Prepared) -> None:
        self._prepared = prepared

    def __call__(self, step: int) -> float:
        return split_scores(self._prepared, "dev").perplexity.perplexity


def rate_name(model: Language) -> str:
    """What a language model is judged by."""
    return "perplexity" if model.predicts_end else "pseudo-perplexity"


def split_scores(prepared: Prepared, split: str) -> TextScores:
    """The figures of a split; unknown tokens count at the probability of the unknown token."""
    references = [sample.reference for sample in prepared.examples[split].samples]
    return text_scores(prepared.model, prepared.vocabulary, references)


def write_lm_results(
    recipe: Recipe, prepared: Prepared, folder: Path, ended: Ended, watch: Watch
) -> LmResult:
    """Score the recipe's splits with the chosen weights, export and report."""
    step = load_chosen(recipe, prepared, folder, ended, watch)
    corpus, model = prepared.corpus, prepared.model
    write_export(folder / "export", recipe, prepared.vocabulary, corpus.layout, corpus.width, model, step)
    splits: list[str] = [split for split in recipe.decode.splits if split in prepared.examples]
    said = {split: split_scores(prepared, split) for split in splits}
    figures = {split: each.perplexity for split, each in said.items()}
    pieces = {split: each.piece_perplexity for split, each in said.items() if each.piece_perplexity}
    picture = folder / "picture.png"
    result = LmResult(recipe.name, step, rate_name(prepared.model), figures, picture, pieces)
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
    if result.pieces:
        console.print(OF_WORDS[result.name])
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
    if result.pieces:
        how += f" {OF_WORDS[result.name]}"
    words = f"<p>{how} Unknown tokens have the probability of the unknown token.</p>"
    return page(result.recipe, f"{table}{words}{image(result.picture, f'Loss and dev {result.name}')}")


def _title(result: LmResult) -> str:
    return f"{result.recipe}, weights of step {result.step}"


def _columns(result: LmResult) -> tuple[str, ...]:
    counted = ("a sub-word", "words") if result.pieces else ("tokens",)
    return ("split", result.name, "of known ones", *counted, "unknown", "sentences")


def _rows(result: LmResult) -> list[tuple[str, ...]]:
    return [
        (
            split,
            f"{found.perplexity:.2f}",
            f"{found.perplexity_known:.2f}",
            *([f"{result.pieces[split]:.2f}"] if split in result.pieces else ()),
            str(found.words),
            str(found.unknown),
            str(found.sentences),
        )
        for split, found in result.figures.items()
    ]
