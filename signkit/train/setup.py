"""What a recipe needs before its first step: corpus, vocabulary, examples and a fresh model, all checked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from signkit.config.recipe import Recipe, TextConfig
from signkit.config.registry import build, component_name
from signkit.data.collate import collate
from signkit.data.examples import NO_LABEL, Example, Examples
from signkit.data.rare import RareAsUnknown, seen_once
from signkit.errors import UserError
from signkit.models.assemble import assemble
from signkit.models.context.init_from import begin_from
from signkit.models.export import read_export
from signkit.models.losses.topology import chunks_needed
from signkit.models.protocol import Language
from signkit.runtime import checkpoint
from signkit.text import subwords
from signkit.text.vocabulary import Vocabulary, composed, take_subwords
from signkit.types import SPLITS, VIDEO, Corpus, Sample

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
        UserError: the corpus is at fault, the encoder does not take its frames, or a training reference does
            not fit its chunks.
    """
    corpus, vocabulary = read_corpus(recipe)
    model = assemble(recipe, vocabulary, corpus.layout, corpus.width)
    _check_losses(recipe, model)
    if corpus.layout == VIDEO:
        _check_frames(model, recipe.video.crop)
    notes = _fewer_pieces(vocabulary, recipe.text)
    notes += [*_begin(model, vocabulary, recipe), *_begin_context(model, vocabulary, recipe)]

    samples = {name: corpus.split(name) for name in SPLITS}
    least = [least_frames(model, vocabulary.encode(s.reference)) for s in samples["train"]]
    kept, dropped = _fitting(samples["train"], least, recipe.train.too_long, vocabulary)
    if corpus.left_out:
        notes.append(_left_out(corpus.left_out))
    if dropped:
        notes.append(f"left out of train, longer than their chunks: {_named(dropped, vocabulary)}")
    reread = _reread(recipe, vocabulary, corpus, notes)
    examples = {
        name: Examples(
            [samples[name][i] for i in kept] if name == "train" else samples[name],
            layout=corpus.layout,
            width=corpus.width,
            encode=vocabulary.encode,
            landmarks=recipe.landmarks,
            video=recipe.video,
            augment=recipe.augment if name == "train" else None,
            seed=recipe.train.seed,
            least_frames=[least[i] for i in kept] if name == "train" else None,
            reread=reread if name == "train" else None,
        )
        for name in SPLITS
        if samples[name]
    }
    return Prepared(corpus, vocabulary, examples, model, tuple(notes))


def read_corpus(recipe: Recipe) -> tuple[Corpus, Vocabulary]:
    """The corpus, its references in the unit of the vocabulary that is made of train.

    Raises:
        UserError: the corpus is at fault.
    """
    corpus: Corpus = build(recipe.data)
    if not corpus.split("train"):
        raise UserError("data", f"the corpus {corpus.name} has no train samples")
    vocabulary = _vocabulary(recipe.text, corpus)
    samples = tuple(_in_unit(sample, vocabulary) for sample in corpus.samples)
    return replace(corpus, samples=samples), vocabulary


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


def _check_frames(model: Any, side: int) -> None:
    """Show the encoder a black frame, so that a size which it does not take is found before any work.

    Raises:
        UserError: it takes none of this size.
    """
    black = np.zeros((1, side, side, 3), dtype=np.uint8)
    model.eval()
    with torch.no_grad():
        model.encoder(collate([Example("", black, (), np.full(1, NO_LABEL), 25.0)]))
    model.train()


def _reread(recipe: Recipe, vocabulary: Vocabulary, corpus: Corpus, notes: list[str]) -> RareAsUnknown | None:
    """How a language model reads rare tokens while training."""
    share = getattr(recipe.model, "unknown", 0.0)
    if not share:
        return None
    references = [sample.reference for sample in corpus.split("train")]
    rare, kind = seen_once(map(vocabulary.encode, references)), str(vocabulary.unit)
    if vocabulary.unit == "subword":  # only characters can be unknown: a new word of known ones is spelt
        letters = seen_once(tuple("".join(words)) for words in references)
        pieces = (piece for letter in letters for piece in (letter, subwords.SPACE + letter))
        rare, kind = frozenset(vocabulary.index[p] for p in pieces if p in vocabulary.index), "character"
    if not rare:
        notes.append(f"no {kind} of train is there once: how likely unknown ones are is not learnt")
        return None
    return RareAsUnknown(rare, share)


def _fitting(
    samples: Sequence[Sample], least: Sequence[int], policy: str, vocabulary: Vocabulary
) -> tuple[list[int], list[Sample]]:
    """Indices of the samples that are long enough, and the others."""
    kept = [i for i, sample in enumerate(samples) if sample.frames >= least[i]]
    dropped = [sample for i, sample in enumerate(samples) if sample.frames < least[i]]
    if dropped and policy == "refuse":
        first = dropped[0]
        raise UserError(
            first.source or "data",
            f"the reference is longer than its chunks: {_named(dropped, vocabulary)}",
            "train.too_long: skip leaves them out",
        )
    if not kept:
        raise UserError("data", "every training reference is longer than its chunks")
    return kept, dropped


def _left_out(faults: Sequence[str]) -> str:
    more = f"; and {len(faults) - NAMED} more" if len(faults) > NAMED else ""
    return f"left out of train, not usable, {len(faults)}: {'; '.join(faults[:NAMED])}{more}"


def _named(samples: Sequence[Sample], vocabulary: Vocabulary) -> str:
    lengths = [len(vocabulary.encode(sample.reference)) for sample in samples[:NAMED]]
    pairs = zip(samples, lengths, strict=False)
    shown = ", ".join(f"{s.id} ({length} tokens, {s.frames} frames)" for s, length in pairs)
    more = f" and {len(samples) - NAMED} more" if len(samples) > NAMED else ""
    return f"{len(samples)} samples: {shown}{more}" if len(samples) > 1 else shown


def _vocabulary(text: TextConfig, corpus: Corpus) -> Vocabulary:
    """The vocabulary of the train references; of sub-words that of a file, or learnt of extra text too."""
    references = [sample.reference for sample in corpus.split("train")]
    if text.unit == "gloss":
        return Vocabulary.from_references(references)
    if text.unit == "character":
        return Vocabulary.from_references((tuple(" ".join(words)) for words in references), "character")
    if text.file:
        return Vocabulary.of_subwords(subwords.read(Path(text.file)))
    sentences = ([composed(word) for word in words] for words in (*references, *corpus.extra_text))
    return Vocabulary.of_subwords(subwords.learn(sentences, text.pieces))


def _fewer_pieces(vocabulary: Vocabulary, text: TextConfig) -> list[str]:
    """That train has fewer sub-words than were asked for."""
    found = len(vocabulary) - 2
    if text.unit != "subword" or text.file or found >= text.pieces:
        return []
    return [f"{found} sub-words were learnt, not {text.pieces}: train has no more"]


def _in_unit(sample: Sample, vocabulary: Vocabulary) -> Sample:
    """With the characters as reference, or with words in composed form; segments are those of glosses."""
    if vocabulary.unit == "gloss":
        return sample
    reference = vocabulary.split(" ".join(sample.reference))
    vocabulary.segment(reference)  # a word that cannot be cut is found before the training
    return replace(sample, reference=reference, segments=())


def _begin(model: Any, vocabulary: Vocabulary, recipe: Recipe) -> list[str]:
    """Copy the weights of `train.init_from`, a run folder."""
    other_run = recipe.train.init_from
    if not other_run:
        return []
    other = read_export(Path(other_run))
    if other.vocabulary != vocabulary:
        what = f"the vocabulary of {other_run} is another one"
        raise UserError("train.init_from", what, take_subwords(other.vocabulary, other_run))
    copied, fresh = checkpoint.begin_from(model, other.model.state_dict(), Path(other_run))
    return [f"began with {copied} weights of {other_run}; fresh: {len(fresh)}"]


def _begin_context(model: Any, vocabulary: Vocabulary, recipe: Recipe) -> list[str]:
    """Copy the context of `context.init_from`, a run folder."""
    run = getattr(recipe.context, "init_from", "")
    if not run or model.context_free:
        return []
    other = read_export(Path(run))
    return [
        begin_from(model.context, vocabulary, getattr(other.model, "context", None), other.vocabulary, run)
    ]
