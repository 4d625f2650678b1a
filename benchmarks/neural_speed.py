"""Beam search with a neural language model: histories stepped to, beside histories read from their start.

    python benchmarks/neural_speed.py [--utterances 60] [--repeats 3]

The sentences and posteriors of `decode_speed.py`, one batch, one thread; an LSTM (256) and a causal BERT
(`gloss_bert`), trained on the other sentences for a moment. CPU seconds, the least of the repeats; the best
sequences and their scores are compared.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from decode_speed import Found, markov_text, posteriors, signkit_beam

from signkit.config.recipe_file import load_recipe
from signkit.config.registry import build
from signkit.decode.external.neural import NeuralScorer
from signkit.decode.external.trained import Trained
from signkit.models.context.configs import BertConfig, LstmConfig
from signkit.models.language_model import LanguageModel
from signkit.tasks.recognition.context_lm import pretrain
from signkit.text.vocabulary import Vocabulary
from signkit.train.setup import prepare

STEPS = 300


def model_of(name: str, sentences: list[tuple[str, ...]], vocabulary: Vocabulary) -> LanguageModel:
    """A built-in recipe's model after a few updates."""
    with TemporaryDirectory() as folder:
        text = Path(folder) / "train.txt"
        text.write_text("".join(" ".join(sentence) + "\n" for sentence in sentences), encoding="utf-8")
        recipe = load_recipe(f"lm/{name}.yaml", [f"data.train=[{text}]", f"data.dev=[{text}]"])
        ready = prepare(recipe)
    assert isinstance(recipe.context, LstmConfig | BertConfig)
    model: LanguageModel = ready.model
    torch.manual_seed(0)
    model.context = build(recipe.context, len(vocabulary), model.context.dim, vocabulary)
    tokens = [vocabulary.encode(sentence) for sentence in sentences]
    done = pretrain(model.context, tokens, vocabulary_size=len(vocabulary), steps=STEPS, lr=3e-3, seed=1)
    model.output.weight, model.output.bias = done.head.weight, done.head.bias
    return model.eval()


def timed(run: Callable[[], Found], repeats: int) -> tuple[float, Found]:
    """The least CPU seconds, and what was found."""
    seconds = []
    for _ in range(repeats):
        begin = time.process_time()
        found = run()
        seconds.append(time.process_time() - begin)
    return min(seconds), found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--utterances", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    text = markov_text(random, 8000 + args.utterances)
    vocabulary = Vocabulary.from_references([*text, tuple(f"W{number}" for number in range(1294))])
    spoken, read = text[: args.utterances], text[args.utterances :]
    log_p = posteriors(random, [vocabulary.encode(sentence) for sentence in spoken])
    print("| model | read from the start, s | stepped to, s | same best | scores apart at most |")
    print("|---|---:|---:|---:|---:|")
    for name in ("gloss_lstm", "gloss_transformer"):
        trained = Trained(name, vocabulary, model_of(name, read, vocabulary))

        def search(trained: Trained = trained, steps: bool = True) -> Found:
            scorer = NeuralScorer(trained, vocabulary)
            if not steps:
                scorer._reader = None
            return signkit_beam(log_p, scorer)

        before, slow = timed(lambda: search(steps=False), args.repeats)
        after, quick = timed(search, args.repeats)
        same = [(a[1], b[1]) for a, b in zip(slow, quick, strict=True) if a[0] == b[0]]
        apart = max(abs(a - b) for a, b in same)
        print(f"| {name} | {before:.2f} | {after:.2f} | {len(same)} of {len(slow)} | {apart:.1e} |")


if __name__ == "__main__":
    main()
