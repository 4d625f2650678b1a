"""Pre-training of the context as a language model, on the train glosses and on additional text."""

from typing import Any

from signkit.config.recipe import Recipe
from signkit.models.spec import Spec
from signkit.runtime.progress import Watch
from signkit.tasks.recognition.context_lm import pretrain
from signkit.text.vocabulary import Vocabulary, composed, read_sentences
from signkit.types import Corpus


def pretrain_context(recipe: Recipe, model: Any, spec: Spec, corpus: Corpus, watch: Watch) -> None:
    """Train the model's context on gloss sentences, if `context.pretrain_steps` is not 0.

    Sentences of dev and test are removed from the additional text; the best state is selected on dev.
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
    """The corpus's extra text and that of a file, in the vocabulary's unit, without the sentences of dev and
    test.

    Returns:
        The sentences, and how many were left out.

    Raises:
        UserError: the file cannot be read.
    """
    text = [vocabulary.split(" ".join(sentence)) for sentence in corpus.extra_text]
    if path:
        text += read_sentences(path, vocabulary)
    held_out = {tuple(map(composed, s.reference)) for s in corpus.samples if s.split != "train"}
    training = [sentence for sentence in text if tuple(map(composed, sentence)) not in held_out]
    return training, len(text) - len(training)
