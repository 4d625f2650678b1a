"""The context read as a language model before the main training: on train's glosses and on more text."""

from typing import Any

from signkit.context.pretrain import pretrain
from signkit.prepare import Prepared
from signkit.recipe import Recipe
from signkit.text import read_sentences
from signkit.watch import Watch


def pretrain_context(recipe: Recipe, prepared: Prepared, watch: Watch) -> None:
    """Train the model's context on gloss sentences, where the recipe asks for it.

    Sentences of dev and test that occur in further text are left out of it; dev chooses the best state.
    """
    config: Any = recipe.context
    steps = getattr(config, "pretrain_steps", 0)
    if not steps or prepared.model.context_free:
        return
    vocabulary, corpus = prepared.vocabulary, prepared.corpus
    held_out = {s.reference for s in corpus.samples if s.split != "train"}
    further = list(corpus.extra_text)
    if config.extra_text:
        further += read_sentences(config.extra_text, vocabulary)
    extra = [sentence for sentence in further if sentence not in held_out]
    sentences = [vocabulary.encode(s.reference) for s in corpus.split("train")]
    sentences += [vocabulary.encode(sentence) for sentence in extra]
    dev = [vocabulary.encode(s.reference) for s in corpus.split("dev")]
    left_out = f", {len(further) - len(extra)} of dev or test left out" if len(extra) < len(further) else ""
    with watch.bar("context", steps) as bar:
        done = pretrain(
            prepared.model.context,
            sentences,
            vocabulary_size=len(vocabulary),
            steps=steps,
            lr=config.pretrain_lr,
            seed=recipe.train.seed,
            progress=lambda step, loss: bar.at(step, f"loss {loss:.3f}"),
            dev=dev or None,
        )
    before, after = done.perplexities[0], done.perplexities[done.best]
    watch.say(
        f"context: perplexity {before:.1f} -> {after:.1f} a gloss, {len(sentences)} sentences{left_out}"
    )
