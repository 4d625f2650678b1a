"""The setup of a run before its first step: corpus, specification, datasets and a new model, all checked."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from signkit.config.recipe import Recipe
from signkit.data.corpora.build import build_corpus
from signkit.data.loader import Dataset
from signkit.errors import UserError
from signkit.models.spec import Spec
from signkit.text.vocabulary import Vocabulary
from signkit.train.encoder_check import check_encoder_output
from signkit.train.init_from import init_context, init_model
from signkit.train.task import Say, Task, silent, task_of
from signkit.types import SPLITS, Corpus

NAMED = 5
"""Faults that a message names, at most."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything that a run needs.

    Attributes:
        recipe: the run's recipe.
        task: of the recipe's model.
        corpus: its samples' targets in the task's units.
        spec: inputs and outputs of the model.
        datasets: of each split that has samples.
        model: with fresh weights, those of `train.init_from`, or those of a finished run.
        notes: lines for the user, such as samples left out and weights that were copied.
    """

    recipe: Recipe
    task: Task
    corpus: Corpus
    spec: Spec
    datasets: Mapping[str, Dataset]
    model: Any
    notes: tuple[str, ...] = ()

    @property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary of the output ``text``."""
        return self.spec.vocabulary


def prepare(recipe: Recipe) -> Prepared:
    """Read the corpus and build a new model, its weights those of `train.init_from` if given.

    Raises:
        UserError: the corpus has a fault, the encoder does not accept its frames or gives other numbers of
            chunks than it promises, or a training reference does not fit its chunks.
    """
    notes: list[str] = []
    task = task_of(recipe)
    corpus, spec = read_corpus(recipe, task, notes.append)
    model = task.model(spec)
    notes += [*init_model(recipe, model, spec), *init_context(recipe, model, spec)]
    # before the datasets, which leave out what does not fit on as many chunks as the encoder promises
    check_encoder_output(recipe, model, task.dataset(corpus.split("train"), spec))
    datasets = make_datasets(task, corpus, spec, model, notes.append)
    return Prepared(recipe, task, corpus, spec, datasets, model, tuple(notes))


def read_corpus(recipe: Recipe, task: Task, say: Say = silent) -> tuple[Corpus, Spec]:
    """Read the corpus, with its targets in the task's units, and derive the specification from its train
    split.

    Raises:
        UserError: the corpus has a fault, or no train split.
    """
    corpus = build_corpus(recipe.data)
    if not corpus.split("train"):
        raise UserError("data", f"the corpus {corpus.name} has no train samples")
    spec = task.spec(corpus, say)
    return replace(corpus, samples=task.targets(corpus.samples, spec)), spec


def make_datasets(
    task: Task, corpus: Corpus, spec: Spec, model: Any, say: Say = silent
) -> dict[str, Dataset]:
    """Create a dataset for each split that has samples; that of train is augmented and fits the model.

    Raises:
        UserError: a sample cannot be used.
    """
    if corpus.left_out:
        say(_left_out(corpus.left_out))
    for note in corpus.notes:
        say(note)
    return {
        split: task.dataset(samples, spec, model=model if split == "train" else None, say=say)
        for split in SPLITS
        if (samples := corpus.split(split))
    }


def _left_out(faults: tuple[str, ...]) -> str:
    more = f"; and {len(faults) - NAMED} more" if len(faults) > NAMED else ""
    return f"left out of train, not usable, {len(faults)}: {'; '.join(faults[:NAMED])}{more}"
