"""Initialising a model from the weights of another run, of any task."""

from pathlib import Path
from typing import Any

from signkit.config.recipe import Recipe
from signkit.errors import UserError
from signkit.models.context.init_from import begin_from
from signkit.models.export import TrainedModel, read_export
from signkit.models.spec import Spec
from signkit.runtime import checkpoint
from signkit.text.vocabulary import Vocabulary, take_subwords

SHOWN = 3
"""Names that a message lists, at most."""


def init_model(recipe: Recipe, model: Any, spec: Spec) -> list[str]:
    """Copy the weights of the run in `train.init_from`: those of the named parts, or all that both models
    have.

    Returns:
        Lines for the user.

    Raises:
        UserError: it is no finished run, a part does not exist or has another shape, or no parts are named
            and the vocabularies differ.
    """
    run, parts = recipe.train.init_from.run, recipe.train.init_from.parts
    if not run:
        return []
    other = read_export(Path(run))
    if not parts:
        _check_same_outputs(other, spec, run)
    state = other.model.state_dict()
    chosen = {name: tensor for name, tensor in state.items() if not parts or _is_of(name, parts)}
    for part in parts:
        if not any(_is_of(name, (part,)) for name in chosen):
            there = ", ".join(dict.fromkeys(name.partition(".")[0] for name in state))
            raise UserError("train.init_from.parts", f"{run} has no part {part!r}", f"it has {there}")
    copied, fresh = checkpoint.begin_from(model, chosen, Path(run))
    return [f"began with {copied} weights of {run}; fresh: {_listed(fresh)}"]


def init_context(recipe: Recipe, model: Any, spec: Spec) -> list[str]:
    """Copy the context of the run in `context.init_from`; returns lines for the user.

    Raises:
        UserError: it is no finished run, or its context does not fit this recipe's.
    """
    run = getattr(recipe.context, "init_from", "")
    if not run or not hasattr(model, "context"):
        return []
    other = read_export(Path(run))
    theirs = getattr(other.model, "context", None)
    return [begin_from(model.context, spec.vocabulary, theirs, other.spec.vocabulary, run)]


def _check_same_outputs(other: TrainedModel, spec: Spec, run: str) -> None:
    for name in spec.outputs.keys() & other.spec.outputs.keys():
        theirs = other.spec.outputs[name]
        if theirs != spec.outputs[name]:
            what = f"the vocabulary of {run} is another one"
            hint = take_subwords(theirs, run) if isinstance(theirs, Vocabulary) else ""
            raise UserError("train.init_from", what, hint)


def _is_of(name: str, parts: tuple[str, ...]) -> bool:
    return any(name == part or name.startswith(f"{part}.") for part in parts)


def _listed(names: tuple[str, ...]) -> str:
    if not names:
        return "0"
    parts = list(dict.fromkeys(".".join(name.split(".")[:2]) for name in names))
    more = f" and {len(parts) - SHOWN} more parts" if len(parts) > SHOWN else ""
    return f"{len(names)} ({', '.join(parts[:SHOWN])}{more})"
