"""What a recipe needs before its first step: corpus, vocabulary, examples and a fresh model, all checked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from signkit import checkpoint
from signkit.context.begin import begin_from
from signkit.data.examples import Examples
from signkit.data.rare import RareAsUnknown, seen_once
from signkit.errors import UserError
from signkit.export import read_export
from signkit.losses.topology import chunks_needed
from signkit.models.assemble import assemble
from signkit.models.protocol import Language
from signkit.plugins import build, component_name
from signkit.recipe import Recipe
from signkit.text import Vocabulary
from signkit.types import SPLITS, Corpus, Sample

NAMED = 5
"""Samples named in a message, at most."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything a run works on.

    Attributes:
        examples: of each split that has samples.
        model: a `Recogniser` with fresh weights, or those of `train.init_from`.
        notes: what the user should know: samples left out, weights begun with.
    """

    corpus: Corpus
    vocabulary: Vocabulary
    examples: dict[str, Examples]
    model: Any
    notes: tuple[str, ...]


def prepare(recipe: Recipe) -> Prepared:
    """Read the corpus and put the model together.

    Raises:
        UserError: the corpus is at fault, or a training reference does not fit its chunks.
    """
    corpus: Corpus = build(recipe.data)
    unit = recipe.text.unit
    train = corpus.split("train")
    if not train:
        raise UserError("data", f"the corpus {corpus.name} has no train samples")
    vocabulary = Vocabulary.from_references((_characters(s.reference, unit) for s in train), unit)
    corpus = replace(corpus, samples=tuple(_in_unit(sample, vocabulary) for sample in corpus.samples))
    model = assemble(recipe, vocabulary, corpus.layout, corpus.width)
    _check_losses(recipe, model)
    notes = [*_begin(model, vocabulary, recipe), *_begin_context(model, vocabulary, recipe)]

    samples = {name: corpus.split(name) for name in SPLITS}
    least = [least_frames(model, vocabulary.encode(s.reference)) for s in samples["train"]]
    kept, dropped = _fitting(samples["train"], least, recipe.train.too_long)
    if dropped:
        notes.append(f"left out of train, longer than their chunks: {_named(dropped)}")
    reread = _reread(recipe, vocabulary, corpus, notes)
    examples = {
        name: Examples(
            [samples[name][i] for i in kept] if name == "train" else samples[name],
            layout=corpus.layout,
            width=corpus.width,
            encode=vocabulary.encode,
            landmarks=recipe.landmarks,
            augment=recipe.augment if name == "train" else None,
            seed=recipe.train.seed,
            least_frames=[least[i] for i in kept] if name == "train" else None,
            reread=reread if name == "train" else None,
        )
        for name in SPLITS
        if samples[name]
    }
    return Prepared(corpus, vocabulary, examples, model, tuple(notes))


def least_frames(model: Any, tokens: Sequence[int]) -> int:
    """The fewest frames whose chunks hold these tokens in the model's lattice."""
    targets = torch.tensor([list(tokens)], dtype=torch.long).reshape(1, -1)
    needed = max(1, int(chunks_needed(targets, torch.tensor([len(tokens)]), model.topology)))
    frames, chunks = 1, torch.zeros(1)
    while True:
        frames *= 2
        chunks = model.encoder.output_lengths(torch.arange(1, frames + 1))
        if int(chunks[-1]) >= needed:
            return int((chunks < needed).sum()) + 1


def _check_losses(recipe: Recipe, model: Any) -> None:
    """Refuse losses that need what a model does not give.

    Raises:
        UserError: naming the term.
    """
    wanted = None
    if isinstance(model, Language):
        wanted = "next_token" if model.predicts_end else "masked_token"
    for number, term in enumerate(recipe.train.losses):
        name = component_name("losses", term)
        if (name != wanted) if wanted else (name in ("next_token", "masked_token")):
            model_name = component_name("models", recipe.model)
            hint = f"take `losses: [{{name: {wanted}}}]`" if wanted else "it is one of a language model"
            raise UserError(f"train.losses.{number}", f"`{name}` is no loss of `{model_name}`", hint)


def _reread(recipe: Recipe, vocabulary: Vocabulary, corpus: Corpus, notes: list[str]) -> RareAsUnknown | None:
    """How a language model reads rare tokens while training."""
    share = getattr(recipe.model, "unknown", 0.0)
    if not share:
        return None
    rare = seen_once(vocabulary.encode(sample.reference) for sample in corpus.split("train"))
    if not rare:
        notes.append(
            f"no {vocabulary.unit} of train is there once: how likely unknown ones are is not learnt"
        )
        return None
    return RareAsUnknown(rare, share)


def _fitting(samples: Sequence[Sample], least: Sequence[int], policy: str) -> tuple[list[int], list[Sample]]:
    """Indices of the samples that are long enough, and the others."""
    kept = [i for i, sample in enumerate(samples) if sample.frames >= least[i]]
    dropped = [sample for i, sample in enumerate(samples) if sample.frames < least[i]]
    if dropped and policy == "refuse":
        first = dropped[0]
        raise UserError(
            first.source or "data",
            f"the reference is longer than its chunks: {_named(dropped)}",
            "train.too_long: skip leaves them out",
        )
    if not kept:
        raise UserError("data", "every training reference is longer than its chunks")
    return kept, dropped


def _named(samples: Sequence[Sample]) -> str:
    shown = ", ".join(f"{s.id} ({len(s.reference)} tokens, {s.frames} frames)" for s in samples[:NAMED])
    more = f" and {len(samples) - NAMED} more" if len(samples) > NAMED else ""
    return f"{len(samples)} samples: {shown}{more}" if len(samples) > 1 else shown


def _characters(reference: tuple[str, ...], unit: str) -> tuple[str, ...]:
    return tuple(" ".join(reference)) if unit == "character" else reference


def _in_unit(sample: Sample, vocabulary: Vocabulary) -> Sample:
    if vocabulary.unit == "gloss":
        return sample
    return replace(sample, reference=vocabulary.split(" ".join(sample.reference)), segments=())


def _begin(model: Any, vocabulary: Vocabulary, recipe: Recipe) -> list[str]:
    """Copy the weights of `train.init_from`, a run folder."""
    if not recipe.train.init_from:
        return []
    other = read_export(Path(recipe.train.init_from))
    if other.vocabulary != vocabulary:
        raise UserError("train.init_from", f"the vocabulary of {recipe.train.init_from} is another one")
    copied, fresh = checkpoint.begin_from(model, other.model.state_dict(), Path(recipe.train.init_from))
    return [f"began with {copied} weights of {recipe.train.init_from}; fresh: {len(fresh)}"]


def _begin_context(model: Any, vocabulary: Vocabulary, recipe: Recipe) -> list[str]:
    """Copy the context of `context.init_from`, a run folder."""
    run = getattr(recipe.context, "init_from", "")
    if not run or model.context_free:
        return []
    other = read_export(Path(run))
    return [
        begin_from(model.context, vocabulary, getattr(other.model, "context", None), other.vocabulary, run)
    ]
