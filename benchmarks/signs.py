"""Isolated signs: a recipe trained and tested on every fold of a corpus, with several seeds.

    python benchmarks/signs.py RECIPE CORPUS [--seeds 1 2 3] [--set KEY=VALUE]... [--json FILE]

CORPUS has the manifests fold0.csv, fold1.csv, … of `wlasl50.py` or `isolated_asl.py`. Printed are accuracy
and top-5 accuracy on the test clips of each fold, mean and standard deviation over the seeds, and the share
of the commonest gloss. With --json a run that is in FILE is not done again, and each is added as it ends.
"""

import argparse
import csv
import json
import time
from collections import Counter
from pathlib import Path
from statistics import mean, stdev

import signkit


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipe")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    folds = sorted(args.corpus.glob("fold*.csv"))
    found = json.loads(args.json.read_text(encoding="utf-8")) if args.json and args.json.exists() else {}
    for seed in args.seeds:
        for fold in folds:
            if f"{fold.stem} {seed}" not in found:
                found[f"{fold.stem} {seed}"] = _run(args, fold, seed)
                print(fold.stem, seed, found[f"{fold.stem} {seed}"], flush=True)
            if args.json:
                args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    for fold in folds:
        runs = [found[f"{fold.stem} {seed}"] for seed in args.seeds]
        print(f"{fold.stem}: {_shown(runs)}; commonest gloss {_commonest(fold):.3f}")
    by_seed = [
        {key: mean(found[f"{fold.stem} {seed}"][key] for fold in folds) for key in found[f"fold0 {seed}"]}
        for seed in args.seeds
    ]
    print(f"all folds: {_shown(by_seed)}; commonest gloss {mean(map(_commonest, folds)):.3f}")


def _run(args: argparse.Namespace, fold: Path, seed: int) -> dict[str, float]:
    sets = [f"data.root={fold.parent}", f"data.file={fold.name}", f"train.seed={seed}", *args.set]
    began = time.process_time()
    result = signkit.run(args.recipe, sets)
    scores = {each.name: each.value for each in result.scores if each.split == "test"}
    return {name: scores[name] for name in ("accuracy", "top5_accuracy") if name in scores} | {
        "cpu_seconds": time.process_time() - began
    }


def _shown(runs: list[dict[str, float]]) -> str:
    parts = []
    for key in runs[0]:
        values = [run[key] for run in runs]
        spread = f" ± {stdev(values):.3f}" if len(values) > 1 else ""
        parts.append(f"{key} {mean(values):.3f}{spread}")
    return ", ".join(parts)


def _commonest(fold: Path) -> float:
    """The accuracy of the commonest gloss of train on test."""
    with fold.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    (best, _), *_ = Counter(row["gloss"] for row in rows if row["split"] == "train").most_common(1)
    test = [row["gloss"] for row in rows if row["split"] == "test"]
    return test.count(best) / len(test)


if __name__ == "__main__":
    main()
