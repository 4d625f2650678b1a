"""Macro-F1 of each head of runs of `hearai_hamnosys` on signers whom they have not seen.

    signkit run hearai_hamnosys --set train.seed=1        (and 2 and 3)
    python benchmarks/hamnosys.py RUN... [--split dev]

A row for each head: the mean of the runs, each of them, and the macro-F1 of always answering with the class
that is commonest in train.
"""

import argparse
import json
from collections import Counter
from pathlib import Path
from statistics import mean

from signkit.config.recipe_file import load_recipe
from signkit.config.registry import build


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--split", default="test", choices=("dev", "test"))
    args = parser.parse_args()
    found = [_macro_f1(run, args.split) for run in args.runs]
    corpus = build(load_recipe(str(args.runs[0] / "resolved.yaml")).data)
    train, held_out = ([sample.labels for sample in corpus.split(split)] for split in ("train", args.split))
    print(f"| head ({args.split}) | classes | macro-F1 | runs | commonest class |\n|---|---|---|---|---|")
    for head in found[0]:
        values = [each[head] for each in found]
        runs = ", ".join(f"{value:.3f}" for value in values)
        names = {labels[head] for labels in (*train, *held_out)}
        common = Counter(labels[head] for labels in train).most_common(1)[0][0]
        support = sum(labels[head] == common for labels in held_out)
        floor = 2 * support / (support + len(held_out)) / len(names)
        print(f"| {head} | {len(names)} | {mean(values):.3f} | {runs} | {floor:.3f} |")


def _macro_f1(run: Path, split: str) -> dict[str, float]:
    rows = json.loads((run / "scores.json").read_text(encoding="utf-8"))["metrics"]
    return {
        row["name"].removeprefix("macro_f1_"): row["value"]
        for row in rows
        if row["split"] == split and row["name"].startswith("macro_f1_")
    }


if __name__ == "__main__":
    main()
