"""The context read as a language model before the main training: on train's glosses and on more text."""

from typing import Any

from signkit.config.recipe import Recipe
from signkit.models.spec import Spec
from signkit.runtime.progress import Watch
from signkit.tasks.recognition.context_lm import pretrain
from signkit.text.vocabulary import Vocabulary, composed, read_sentences
from signkit.types import Corpus


def pretrain_context(recipe: Recipe, model: Any, spec: Spec, corpus: Corpus, watch: Watch) -> None:
    """Train the model's context on gloss sentences, where the recipe asks for it.

    Sentences of dev and test that occur in further text are left out of it; dev chooses the best state.
    """
    config: Any = recipe.context
    steps = getattr(config, "pretrain_steps", 0)
    if not steps or model.context_free:
        return
    vocabulary = spec.vocabulary
    extra, left_out = further_text(config.extra_text, vocabulary, corpus)
    sentences = [vocabulary.encode(s) for s in (*(s.reference for s in corpus.split("train")), *extra)]
    dev = [vocabulary.encode(s.reference) for s in corpus.split("dev")]
    with watch.bar("context", steps) as bar:
        done = pretrain(
            model.context,
            sentences,
            vocabulary_size=len(vocabulary),
            steps=steps,
            lr=config.pretrain_lr,
            seed=recipe.train.seed,
            on_progress=lambda step, loss: bar.at(step, f"loss {loss:.3f}"),
            dev=dev or None,
        )
    before, after = done.perplexities[0], done.perplexities[done.best]
    more = f", {left_out} of dev or test left out" if left_out else ""
    watch.say(f"context: perplexity {before:.1f} -> {after:.1f} a gloss, {len(sentences)} sentences{more}")


def further_text(path: str, vocabulary: Vocabulary, corpus: Corpus) -> tuple[list[tuple[str, ...]], int]:
    """The corpus's extra text and a file's, in the vocabulary's unit, without the sentences of dev and test;
    and how many were left out.

    Raises:
        UserError: the file cannot be read.
    """
    text = [vocabulary.split(" ".join(sentence)) for sentence in corpus.extra_text]
    if path:
        text += read_sentences(path, vocabulary)
    held_out = {tuple(map(composed, s.reference)) for s in corpus.samples if s.split != "train"}
    kept = [sentence for sentence in text if tuple(map(composed, sentence)) not in held_out]
    return kept, len(text) - len(kept)
