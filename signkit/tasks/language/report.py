"""The scores and the report's sections of a language model: perplexities and training curves."""

from pathlib import Path
from typing import Any

from signkit.config.recipe import Recipe
from signkit.eval.figures import metric
from signkit.models.text_scores import TextScores
from signkit.report.plots import saved, training_curves
from signkit.report.sections import Paragraph, Picture, Section
from signkit.train.task import Outcome
from signkit.types import Score

CAUSAL, MASKED = "perplexity", "pseudo_perplexity"
HOW = {
    CAUSAL: "The end of a sentence counts as a token.",
    MASKED: "Pseudo-perplexity: each token is predicted from all others of its sentence; no ends.",
}
UNKNOWN = "Unknown tokens have the probability of the unknown token."
OF_WORDS = {
    CAUSAL: "A word has the probability of its subwords, so models of words can be compared.",
    MASKED: "A subword is predicted from its own word too: not to be compared with words.",
}
"""A note on the perplexities of models of subwords."""


def predicts_end(recipe: Recipe) -> bool:
    """Whether the recipe's model is causal: it predicts the next token and the end of the sentence."""
    return bool(getattr(recipe.model, "predicts_end", True))


def rate_of(recipe: Recipe) -> str:
    """The name of the metric of the recipe's model."""
    return CAUSAL if predicts_end(recipe) else MASKED


def scores(text_scores: TextScores, recipe: Recipe, split: str) -> list[Score]:
    """The perplexity of a split, that of its known tokens, and of subwords that of the pieces."""
    perplexity, name = text_scores.perplexity, rate_of(recipe)
    values = {name: perplexity.perplexity, f"{name}_known": perplexity.perplexity_known}
    if text_scores.piece_perplexity:
        values[f"{name}_piece"] = text_scores.piece_perplexity
    counted = "words" if text_scores.piece_perplexity else "tokens"
    note = f"{perplexity.words} {counted}, {perplexity.unknown} unknown, {perplexity.sentences} sentences"
    signature = "ends of sentences too" if name == CAUSAL else "each token given all others"
    return [Score(name, value, split, signature, note) for name, value in values.items()]


def sections(outcome: Outcome, *, brief: bool) -> list[Section]:
    """Notes on how the perplexity was counted; for a page (not ``brief``) also the training curves."""
    name = rate_of(outcome.recipe)
    counts = [f"{each.split}: {each.note}" for each in outcome.scores if each.name == name]
    shown: list[Section] = [Paragraph(f"{'; '.join(counts)}.")] if counts else []
    shown.append(Paragraph(f"{HOW[name]} {UNKNOWN}"))
    if any(each.name == f"{name}_piece" for each in outcome.scores):
        shown.append(Paragraph(OF_WORDS[name]))
    if brief:
        return shown
    picture = saved(outcome.folder / "picture.png", lambda: _curves(outcome.run, outcome.recipe.name, name))
    return [*shown, Picture(picture, f"Loss and dev {metric(name).title}", "Training")]


def _curves(run: Path, title: str, name: str) -> Any:
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(11, 3.2), layout="constrained")
    training_curves(figure.add_subplot(), run, title, metric(name), "sentence")
    return figure
