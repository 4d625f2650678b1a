"""The setup of a run before its first step: corpus, specification, datasets and a new model, all checked."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from signkit.config.recipe import Recipe
from signkit.data.corpora.build import build_corpus
from signkit.data.loader import Dataset
from signkit.data.near_duplicates import near_duplicates, signature
from signkit.errors import UserError
from signkit.models.spec import Spec
from signkit.runtime.pool import processors
from signkit.text.vocabulary import Vocabulary
from signkit.train.encoder_check import check_encoder_output
from signkit.train.init_from import init_context, init_model
from signkit.train.task import Say, Task, silent, task_of
from signkit.types import SPLITS, VIDEO, WRITTEN, Corpus

NAMED = 5
"""Faults that a message names, at most."""
FEW = 1000
"""Clips of landmarks up to which every run looks for near-duplicates: a second or two."""


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
    say_near_duplicates(corpus, getattr(recipe.data, "near_duplicates", "allow"), notes.append)
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


def say_near_duplicates(corpus: Corpus, policy: str, say: Say = silent) -> None:
    """Look for clips of dev and test that are nearly those of another split, and say so; of ``report`` only
    where it costs little.

    Raises:
        UserError: there are some, and the policy is ``refuse``.
    """
    cheap = corpus.layout not in ("", VIDEO) and len(corpus.samples) <= FEW
    if policy == "allow" or corpus.layout == WRITTEN or (policy == "report" and not cheap):
        return
    with ThreadPoolExecutor(processors()) as pool:
        signatures = [*pool.map(lambda sample: signature(sample.load()), corpus.samples)]
    found = near_duplicates(corpus.samples, signatures)
    if not found:
        return
    one = len(found) == 1
    what = f"{len(found):,} clip{' is' if one else 's are'} nearly the same as one of another split"
    what += f", so scores mean little: {found[0]}{'' if one else '; …'}"
    if policy == "refuse":
        raise UserError("data.near_duplicates", what, "`signkit data check` names all")
    say(f"{what} (`signkit data check` names all)")


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
