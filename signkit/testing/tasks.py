"""The laws of a task, held by one recipe of it from the corpus to the report."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from signkit.config.recipe import Recipe
from signkit.config.recipe_file import load_recipe
from signkit.testing.learning import LearningLaws
from signkit.testing.predictions import Perfect, PredictionLaws
from signkit.train.setup import prepare
from signkit.train.task import Outcome


def check_task(
    recipe: str | Path | Recipe,
    overrides: Sequence[str] = (),
    *,
    steps: int = 4,
    samples: int = 6,
    tolerance: float = 1e-3,
    perfect: Perfect | None = None,
) -> Outcome:
    """Hold a task to its laws, by one of its recipes; take a small corpus and a small model.

    Specification: it is the same when it was saved. Model: equal to the bit for a seed. Losses: their weights
    are known by the batch alone; parts of a batch add up to the whole; every parameter gets a gradient.
    Training: a run that was interrupted ends with the same bits. Predictions: they do not depend on batches,
    their order or their targets, and are the same of the model that was exported. Scores: perfect predictions
    have perfect ones. Report: its sections can be shown.

    Args:
        recipe: a recipe, its file, or the name of a built-in one.
        overrides: ``train.batch_size=4`` each, where it is no `Recipe`.
        steps: of the training.
        samples: of train that losses are looked at for.
        tolerance: how far losses and confidences may differ, as a share.
        perfect: the outputs that are right for a sample; of texts and labels they are known without it.

    Returns:
        The outcome of the training, for further tests.

    Raises:
        AssertionError: saying which law is broken.
        SignkitError: the recipe cannot be used at all.
    """
    read = recipe if isinstance(recipe, Recipe) else load_recipe(str(recipe), overrides)
    shortened = replace(
        read.train, max_steps=steps, save_every=1, eval_every=2, keep=steps, patience=0, workers=0, groups=()
    )
    prepared = prepare(replace(read, train=shortened))
    with tempfile.TemporaryDirectory() as folder:
        laws = LearningLaws(prepared, Path(folder), tolerance)
        laws.spec_is_the_same_when_saved()
        laws.models_are_equal_for_a_seed()
        laws.examples_are_the_same_in_an_epoch()
        laws.losses_add_up(samples)
        laws.every_parameter_gets_a_gradient(samples)
        laws.an_interrupted_training_is_the_same()
        others = PredictionLaws(prepared, Path(folder), tolerance)
        outcome = others.outcome()
        others.predictions_depend_on_nothing_else(outcome)
        others.perfect_predictions_are_perfect(outcome, perfect)
        others.the_export_predicts_the_same(outcome)
    return outcome
