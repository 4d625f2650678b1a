"""Segments first, then signs, on RWTH-BOSTON-104: `segment_classify`, next to what needs no training.

    python benchmarks/segments.py ROOT [--seeds 1 2 3] [--split test] [--set KEY=VALUE]... [--json FILE]

ROOT has the four CSV files. Printed are the scores of a split for each seed, their mean and range, and

    nearest      the gloss of the nearest segment of train: eight points in time of both hands from the nose,
                 standardised, within the true boundaries
    commonest    the commonest gloss for every segment; the commonest sentence for every clip
    even         every clip divided evenly into as many segments as clips of its length have in train
    all          every frame a sign

With --json a run that is in FILE is not done again, and each is added as it ends.
"""

import argparse
import json
from collections import Counter
from pathlib import Path
from statistics import mean

import numpy as np

import signkit
from signkit.config.recipe_file import load_recipe
from signkit.data.corpora.build import build_corpus
from signkit.eval.protocols import load
from signkit.eval.scores import score
from signkit.eval.segments import inside, matched
from signkit.types import Corpus, Sample

POINTS = 8
SHOWN = ("wer", "segment_f1", "frame_accuracy", "accuracy_found", "accuracy_true")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("root", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--split", default="test")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    changes = [f"data.root={args.root}", *args.set]
    found = json.loads(args.json.read_text(encoding="utf-8")) if args.json and args.json.exists() else {}
    print({name: f"{value:.3f}" for name, value in untrained(changes, args.split).items()}, flush=True)
    for seed in map(str, args.seeds):
        if seed not in found:
            result = signkit.run("segment_classify", [*changes, f"train.seed={seed}"])
            found[seed] = {each.name: each.value for each in result.scores if each.split == args.split}
            found[seed]["folder"] = str(result.folder)
        if args.json:
            args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(seed, {name: f"{found[seed][name]:.3f}" for name in SHOWN}, flush=True)
    for name in SHOWN:
        values = [found[str(seed)][name] for seed in args.seeds]
        print(f"{name}: {mean(values):.3f} ({min(values):.3f} to {max(values):.3f})")


def untrained(changes: list[str], split: str) -> dict[str, float]:
    """Scores of what is not trained, on a split."""
    corpus = build_corpus(load_recipe("segment_classify", changes).data)
    train, others = corpus.split("train"), corpus.split(split)
    glosses = [each.gloss for sample in others for each in sample.segments]
    commonest = Counter(each.gloss for sample in train for each in sample.segments).most_common(1)[0][0]
    sentence = Counter(" ".join(sample.reference) for sample in train).most_common(1)[0][0]
    references = {sample.id: " ".join(sample.reference) for sample in others}
    wer = score(references, dict.fromkeys(references, sentence), load("plain"), metrics=("wer",))["wer"]
    return {
        "nearest": float(np.mean(np.array(nearest(corpus, split)) == glosses)),
        "commonest gloss": glosses.count(commonest) / len(glosses),
        "commonest sentence, wer": wer.value,
        "even, segment_f1": even_f1(train, others),
        "all, frame_accuracy": sum(inside(true(s), s.frames).sum() for s in others)
        / sum(s.frames for s in others),
    }


def true(sample: Sample) -> np.ndarray:
    return np.array([(each.start, each.end) for each in sample.segments], dtype=np.int64).reshape(-1, 2)


def even_f1(train: tuple[Sample, ...], others: tuple[Sample, ...]) -> float:
    """Of clips that are divided evenly, into as many segments as there are in train for so many frames."""
    rate = sum(len(each.segments) for each in train) / sum(each.frames for each in train)
    hits = counts = 0
    for sample in others:
        edges = np.linspace(0, sample.frames, round(sample.frames * rate) + 1).round().astype(np.int64)
        found = np.stack([edges[:-1], edges[1:]], 1)
        hits += len(matched(found, true(sample)))
        counts += len(found) + len(sample.segments)
    return 2 * hits / counts


def nearest(corpus: Corpus, split: str) -> list[str]:
    """The gloss of the nearest segment of train."""
    train, names = _vectors(corpus.split("train"))
    vectors, _ = _vectors(corpus.split(split))
    centre, size = train.mean(0), train.std(0) + 1e-6
    train, vectors = (train - centre) / size, (vectors - centre) / size
    return [names[int(np.square(train - each).sum(1).argmin())] for each in vectors]


def _vectors(samples: tuple[Sample, ...]) -> tuple[np.ndarray, list[str]]:
    rows, names = [], []
    for sample in samples:
        points = sample.load().points.astype(np.float64)
        hands = (points[:, :2] - points[:, 2:]).reshape(len(points), -1)
        for each in sample.segments:
            times = np.linspace(each.start, each.end - 1, POINTS)
            rows.append(
                np.concatenate([np.interp(times, np.arange(len(hands)), column) for column in hands.T])
            )
            names.append(each.gloss)
    return np.array(rows), names


if __name__ == "__main__":
    main()
