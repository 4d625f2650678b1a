"""Macro-F1 of each head of runs of `hearai_hamnosys` on signers whom they have not seen.

    signkit run hearai_hamnosys --set train.seed=1        (and 2 and 3)
    python benchmarks/hamnosys.py RUN... [--split dev]

A row for each head: the mean of the runs and each of them; the mean on other signs, of a lexicon of another
seed and other signers again; and the macro-F1 of always answering with the class that is commonest in train.
"""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean

import signkit
from signkit.config.recipe_file import load_recipe
from signkit.config.registry import build

OTHER_SEED = 2000
"""Added to the corpus's seed for other signs."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--split", default="test", choices=("dev", "test"))
    args = parser.parse_args()
    scored = [_of_run(run, args.split) for run in args.runs]
    config = load_recipe(str(args.runs[0] / "resolved.yaml")).data
    corpus = build(config)
    train, held_out = ([each.labels for each in corpus.split(split)] for split in ("train", args.split))
    other = build(replace(config, seed=config.seed + OTHER_SEED)).split(args.split)
    clips = [sample.load() for sample in other]
    predicted = [signkit.load(run).predict(clips) for run in args.runs]
    print(f"| head ({args.split}) | classes | macro-F1 | runs | other signs | commonest class |")
    print("|---|---|---|---|---|---|")
    for head in scored[0]:
        runs = ", ".join(f"{each[head]:.3f}" for each in scored)
        truth = [sample.labels[head] for sample in other]
        new = mean(_macro_f1(truth, [each.outputs[head].text for each in run]) for run in predicted)
        common = Counter(labels[head] for labels in train).most_common(1)[0][0]
        known = [labels[head] for labels in held_out]
        floor = _macro_f1(known, [common] * len(known))
        average = mean(each[head] for each in scored)
        print(f"| {head} | {len({*known})} | {average:.3f} | {runs} | {new:.3f} | {floor:.3f} |")


def _of_run(run: Path, split: str) -> dict[str, float]:
    """What the run itself reported, by head."""
    rows = json.loads((run / "scores.json").read_text(encoding="utf-8"))["metrics"]
    return {
        row["name"].removeprefix("macro_f1_"): row["value"]
        for row in rows
        if row["split"] == split and row["name"].startswith("macro_f1_")
    }


def _macro_f1(truth: Sequence[str], guessed: Sequence[str]) -> float:
    right = Counter(a for a, b in zip(truth, guessed, strict=True) if a == b)
    total = Counter(truth) + Counter(guessed)
    return mean(2 * right[name] / total[name] for name in {*truth})


if __name__ == "__main__":
    main()
