"""Spelled words, leave one recorder out: recipes trained on words composed of other people's recordings.

    python benchmarks/composed.py LETTERS [--recipes composed_ctc …] [--seeds 1 2 3] [--set KEY=VALUE]…
        [--lm KEY=VALUE]… [--runs DIR] [--json FILE]

LETTERS has recordings of single letters (``index.csv`` and ``landmarks.npz``). Each recorder of all letters
spells test once; the next one by name spells dev, both are in no other split. Printed is the letter accuracy
of test (protocol `chicagofswild`), plain and with the language model that --lm sets up (by default an n-gram
of the characters of train; no made-up word and no line of test is in train), mean and standard deviation over
the seeds. With --json a run that is in FILE is not done again, and each is added as it ends.

They are compared with two baselines: nearest neighbours of single frames, whose letters are collapsed (least
length of a letter chosen on dev); and a constant answer, the commonest letters of train at the mean length of
a word.
"""

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from itertools import groupby
from pathlib import Path
from statistics import mean, stdev

import numpy as np

import signkit
from signkit.config.recipe_file import load_recipe
from signkit.data.composed.recordings import read as read_recordings
from signkit.data.corpora.build import build_corpus
from signkit.eval.alignment import HTK, align

LETTERS = 26
METRIC, FUSED = "letter_accuracy", " with a language model"
KNOWN = 20_000
"""Frames of train among which neighbours are searched."""
NEIGHBOURS = 5
LM = (
    "decode.beam=16",
    "decode.length_reward=1.0",
    "decode.fusion=[{name: ngram, order: 5, weight: 0.5}]",
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("letters", type=Path)
    parser.add_argument("--recipes", nargs="+", default=["composed_ctc"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--lm", action="append", metavar="KEY=VALUE")
    parser.add_argument("--runs", default="runs")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    recorded = read_recordings(args.letters).letters
    recorders = sorted(name for name, letters in recorded.items() if len(letters) == LETTERS)
    found = json.loads(args.json.read_text(encoding="utf-8")) if args.json and args.json.exists() else {}
    jobs = [("baselines", who, 0) for who in recorders]
    jobs += [(recipe, who, seed) for seed in args.seeds for who in recorders for recipe in args.recipes]
    for recipe, who, seed in jobs:
        key = f"{recipe} {who} {seed}"
        if key not in found:
            sets = [f"data.root={args.letters}", f"data.test_recorder={who}", *args.set]
            found[key] = _baselines(sets) if recipe == "baselines" else _run(recipe, sets, seed, args)
            print(key, found[key], flush=True)
            if args.json:
                args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    _print(found, recorders, args)


def _run(recipe: str, sets: list[str], seed: int, args: argparse.Namespace) -> dict[str, float]:
    began = time.process_time()
    result = signkit.run(recipe, [*sets, f"train.seed={seed}", f"run.dir={args.runs}"])
    seconds = time.process_time() - began
    changes = [word for change in args.lm or LM for word in ("--set", change)]
    command = [sys.executable, "-m", "signkit", "decode", str(result.folder), "--json", *changes]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    again = json.loads(done.stdout)["metrics"]
    plain = {each.split: each.value for each in result.scores if each.name == METRIC}
    fused = {f"{each['split']}{FUSED}": each["value"] for each in again if each["name"] == METRIC}
    return {"cpu_seconds": seconds, **plain, **fused}


def _baselines(sets: list[str]) -> dict[str, float]:
    corpus = build_corpus(load_recipe("composed_ctc", sets, check_paths=False).data)
    train = corpus.split("train")
    letters = Counter("".join(sample.text for sample in train))
    length = round(mean(len(sample.text) for sample in train))
    commonest = [letter for letter, _ in letters.most_common(length)]
    rng = np.random.default_rng(0)
    chosen = rng.permutation(len(train))[: KNOWN // 50]
    frames, names = zip(*(_frames(train[place]) for place in chosen), strict=True)
    known, of_known = np.concatenate(frames), np.concatenate(names)
    kinds, numbers = np.unique(of_known, return_inverse=True)
    squares = (known**2).sum(1)

    def guessed(split: str) -> list[tuple[str, list[str]]]:
        found = []
        for sample in corpus.split(split):
            points, _ = _frames(sample)
            nearest = np.argpartition(squares - 2 * points @ known.T, NEIGHBOURS, 1)[:, :NEIGHBOURS]
            votes = [np.bincount(row, minlength=len(kinds)) for row in numbers[nearest]]
            found.append((sample.text, [str(kinds[each.argmax()]) for each in votes]))
        return found

    dev = guessed("dev")
    least = max(range(1, 6), key=lambda frames: _accuracy([(t, _collapsed(f, frames)) for t, f in dev]))
    test = guessed("test")
    return {
        "constant answer": _accuracy([(text, commonest) for text, _ in test]),
        "nearest frames": _accuracy([(text, _collapsed(found, least)) for text, found in test]),
    }


def _frames(sample) -> tuple[np.ndarray, np.ndarray]:
    """x and y of the points from their mean, at one size [frames, 42], and the letter that is held."""
    points = sample.load().points[..., :2]
    flat = points - points.mean(1, keepdims=True)
    names = np.full(len(points), "", dtype="U1")
    for segment in sample.segments:
        names[segment.start : segment.end] = segment.gloss
    return (flat / np.sqrt((flat**2).sum((1, 2), keepdims=True))).reshape(len(points), -1), names


def _collapsed(frames: list[str], least: int) -> list[str]:
    """The letters that are held for so many frames."""
    runs = [(letter, sum(1 for _ in group)) for letter, group in groupby(frames)]
    return list("".join(letter for letter, count in runs if letter and count >= least).strip())


def _accuracy(pairs: list[tuple[str, list[str]]]) -> float:
    """1 minus errors a letter, by HTK's costs."""
    errors = 0
    for text, found in pairs:
        errors += align(list(text), found, HTK).errors
    return 1 - errors / sum(len(text) for text, _ in pairs)


def _print(found: dict[str, dict[str, float]], recorders: list[str], args: argparse.Namespace) -> None:
    print(f"\n| system | {' | '.join(recorders)} | mean |\n|---|{'---|' * (len(recorders) + 1)}")
    for name in ("constant answer", "nearest frames"):
        values = [found[f"baselines {who} 0"][name] for who in recorders]
        print(f"| {name} | {' | '.join(f'{value:.3f}' for value in values)} | {mean(values):.3f} |")
    for recipe in args.recipes:
        for name in ("", FUSED):
            rows = [
                [found[f"{recipe} {who} {seed}"][f"test{name}"] for who in recorders] for seed in args.seeds
            ]
            cells = " | ".join(_shown(list(column)) for column in zip(*rows, strict=True))
            print(f"| {recipe}{name} | {cells} | {_shown([mean(row) for row in rows])} |")


def _shown(values: list[float]) -> str:
    spread = f" ± {stdev(values):.3f}" if len(values) > 1 else ""
    return f"{mean(values):.3f}{spread}"


if __name__ == "__main__":
    main()
