"""Variants of a recipe side by side: each trained with several seeds, mean and range of its error rates.

A variant is NAME=RECIPE, followed by any number of KEY=VALUE that replace values of the recipe:

    python benchmarks/compare.py --seeds 1 2 3 --split test --runs runs/boston \\
        --variant ctc recipes/ctc_boston104.yaml \\
        --variant c2st recipes/c2st_boston104.yaml decode.beam=24

Runs that are finished already are read, not repeated. Several variants go side by side with --jobs.
"""

import argparse
import json
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

RATES = ("wer_greedy", "wer", "wer_seen", "wer_unseen")


def run(folder: Path, recipe: str, values: list[str]) -> dict[tuple[str, str], float]:
    """Train one run, or read it; its figures by split and name."""
    if not list(folder.glob("*/*/scores.json")):
        sets = [word for value in (*values, f"run.dir={folder}") for word in ("--set", value)]
        command = [sys.executable, "-m", "signkit", "run", recipe, *sets, "--resume", "auto"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    newest = max(folder.glob("*/*/scores.json"), key=lambda path: path.stat().st_mtime)
    metrics = json.loads(newest.read_text(encoding="utf-8"))["metrics"]
    return {(m["split"], m["name"]): m["value"] for m in metrics if m["value"] is not None}


def summary(values: list[float]) -> str:
    """Mean and range in percent."""
    if not values:
        return "-"
    low, high = min(values), max(values)
    return f"{100 * statistics.mean(values):.1f} ({100 * low:.1f} to {100 * high:.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--variant", action="append", nargs="+", required=True, metavar=("NAME RECIPE", "KEY=VALUE")
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--split", default="test")
    parser.add_argument("--runs", type=Path, default=Path("runs/compare"))
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="for every variant")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()

    jobs = [(name, seed, recipe, values) for name, recipe, *values in args.variant for seed in args.seeds]
    with ThreadPoolExecutor(args.jobs) as pool:
        found = list(
            pool.map(
                lambda job: run(
                    args.runs / f"{job[0]}-{job[1]}", job[2], [*args.set, *job[3], f"train.seed={job[1]}"]
                ),
                jobs,
            )
        )
    table = {}
    for name, *_ in args.variant:
        runs = [figures for (other, *_), figures in zip(jobs, found, strict=True) if other == name]
        table[name] = {
            rate: [figures[args.split, rate] for figures in runs if (args.split, rate) in figures]
            for rate in RATES
        }
    if args.json:
        print(json.dumps(table))
        return
    print(f"{args.split}, WER in %, mean and range over seeds {args.seeds}\n")
    print("| variant | greedy | beam | seen in train | unseen |\n|---|---|---|---|---|")
    for name, rates in table.items():
        print(f"| {name} | " + " | ".join(summary(rates[rate]) for rate in RATES) + " |")


if __name__ == "__main__":
    main()
