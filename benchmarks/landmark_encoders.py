"""Encoders of landmarks on spelled words: the recipe `composed_ctc` with each of them in turn.

    python benchmarks/landmark_encoders.py [--steps 800] [--only NAME …] [--runs DIR] [--json FILE]

All else is the recipe's: the corpus of a synthetic hand, CTC, the optimiser, the augmentation, 32 clips a
step. Printed are the letter accuracies of dev and test, next to that of a constant answer, the number of
weights, and processor time. With --json an encoder that is in FILE is not trained again.
"""

import argparse
import json
import time
from collections import Counter
from pathlib import Path
from statistics import mean

from composed import METRIC, _accuracy

import signkit
from signkit.config.recipe_file import load_recipe
from signkit.data.corpora.build import build_corpus

RECIPE = "composed_ctc"
ENCODERS = {
    "hand, the recipe's own": (),
    "squeezeformer": (
        "encoder={name: squeezeformer, width: 96, blocks: 4, heads: 4, kernel: 17, stride: 2}",
    ),
    "landmark_transformer": (
        "encoder={name: landmark_transformer, width: 96, layers: 2, heads: 2, feed_forward: 192}",
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--only", nargs="+", choices=[*ENCODERS], default=[*ENCODERS])
    parser.add_argument("--runs", default="runs")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    found = json.loads(args.json.read_text(encoding="utf-8")) if args.json and args.json.exists() else {}
    for name in args.only:
        if name not in found:
            found[name] = _run(name, args)
            print(name, found[name], flush=True)
            if args.json:
                args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    _print(found, args)


def _run(name: str, args: argparse.Namespace) -> dict[str, float]:
    began = time.process_time()
    sets = [*ENCODERS[name], f"train.max_steps={args.steps}", "train.eval_every=200", "train.save_every=200"]
    result = signkit.run(RECIPE, [*sets, f"run.dir={args.runs}"])
    minutes = (time.process_time() - began) / 60
    model = signkit.load(result.folder)._models[0].model
    weights = sum(each.numel() for each in model.parameters())
    scores = {each.split: each.value for each in result.scores if each.name == METRIC}
    return {"weights": weights, "minutes": minutes, **scores}


def _constant() -> dict[str, float]:
    """The commonest letters of train at the mean length of its texts, for every clip."""
    corpus = build_corpus(load_recipe(RECIPE, check_paths=False).data)
    texts = [sample.text for sample in corpus.split("train")]
    length = round(mean(map(len, texts)))
    answer = [letter for letter, _ in Counter("".join(texts)).most_common(length)]
    return {
        split: _accuracy([(sample.text, answer) for sample in corpus.split(split)])
        for split in ("dev", "test")
    }


def _print(found: dict[str, dict[str, float]], args: argparse.Namespace) -> None:
    print(f"\n{args.steps} steps, seed 1\n\n| encoder | weights | processor minutes | dev | test |")
    print("|---|---|---|---|---|")
    constant = _constant()
    print(f"| a constant answer | | | {constant['dev']:.3f} | {constant['test']:.3f} |")
    for name in args.only:
        each = found[name]
        sizes = f"{each['weights']:,} | {each['minutes']:.1f}"
        print(f"| {name} | {sizes} | {each['dev']:.3f} | {each['test']:.3f} |")


if __name__ == "__main__":
    main()
