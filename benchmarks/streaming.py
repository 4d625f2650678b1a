"""A streaming recogniser against the same one on whole clips: the error over how far it looks ahead.

    python benchmarks/streaming.py [RECIPE] [--seeds 1 2 3] [--ahead 0 4 8 16 full] [--split dev]
        [--set KEY=VALUE]... [--json FILE] [--show FILE]

RECIPE is C2ST or CTC on the graph network with a TCN and an LSTM, `c2st_homonyms` without one. It is trained
for each number of frames that a chunk may look ahead, and, as `full`, as it is. Printed are, over the seeds,
the word error rate, the frames that follow a frame until its chunk is answered, and the same search with
results that are revised at most so many chunks back. With --json a run that is in FILE is not done again,
and each is added as it ends.
"""

import argparse
import json
import time
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import signkit
from signkit.models.encoders.streaming import EncoderStream

AHEAD = {"0": (0, 0, 0), "4": (2, 2, 0), "8": (2, 2, 1), "16": (4, 4, 2)}
"""Frames of the graph network and of the TCN, and chunks (of 4 frames) of the LSTM."""
REVISED = (0, 4, 8, None)
"""`stable_after`, in chunks."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipe", nargs="?", default="c2st_homonyms")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--ahead", nargs="+", default=[*AHEAD, "full"], choices=[*AHEAD, "full"])
    parser.add_argument("--split", default="dev", choices=["dev", "test"], help="the one that is printed")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    found = json.loads(args.json.read_text(encoding="utf-8")) if args.json and args.json.exists() else {}
    for seed in args.seeds:
        for ahead in args.ahead:
            if f"{ahead} {seed}" not in found:
                found[f"{ahead} {seed}"] = trained(args.recipe, ahead, seed, args.set)
                print(ahead, seed, found[f"{ahead} {seed}"], flush=True)
            if args.json:
                args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    for ahead in args.ahead:
        runs = [found[f"{ahead} {seed}"] for seed in args.seeds]
        values = [run["wer"][args.split] for run in runs]
        spread = f" ± {stdev(values):.1f}" if len(values) > 1 else ""
        print(f"{ahead}: {args.split} {mean(values):.1f}{spread}, delay {runs[0]['delay']} frames")


def trained(recipe: str, ahead: str, seed: int, more: list[str]) -> dict[str, Any]:
    """A run: its error rates in percent, by split, and its delay."""
    began = time.process_time()
    result = signkit.run(recipe, [*overrides(recipe, ahead), f"train.seed={seed}", *more])
    return {
        "folder": str(result.folder),
        "wer": {each.split: 100 * each.value for each in result.scores if each.name == "wer"},
        "delay": None if ahead == "full" else delay_of(result.folder),
        "cpu_seconds": round(time.process_time() - began),
    }


def overrides(recipe: str, ahead: str) -> list[str]:
    """What is set for so many frames of look-ahead."""
    if ahead == "full":
        return []
    frames, local, chunks = AHEAD[ahead]
    return [
        "landmarks.origin=past",
        "landmarks.scale=past",
        f"encoder.lookahead={frames}",
        "encoder.local_temporal.pooling=max",
        f"encoder.local_temporal.lookahead={local}",
        "encoder.global_temporal.bidirectional=false",
        "encoder.global_temporal.width=128",
        f"encoder.global_temporal.lookahead={chunks}",
    ]


def delay_of(folder: Path) -> int:
    """Frames that follow a frame until its chunk is answered."""
    return EncoderStream(signkit.load(folder)._models[0].model.eval().encoder).delay


if __name__ == "__main__":
    main()
