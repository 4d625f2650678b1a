"""Nine signs of colours from landmarks, a take of each left out in turn: seven trainings, 63 clips in all.

    python benchmarks/colour_signs.py --data ../shared/data/colour_sign_videos --work runs/colour_signs

The clips are tracked by `signkit landmarks` where that is not done yet, and each fold is a run of
recipes/colour_signs.yaml. A fold's runs that are finished are read, not repeated. --set changes the recipe.
"""

import argparse
import csv
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

RECIPE = "colour_signs"


def signkit(*words: object) -> None:
    command = [sys.executable, "-m", "signkit", *map(str, words)]
    done = subprocess.run(command, stdout=subprocess.DEVNULL)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit status {done.returncode}")


def takes(index: Path) -> dict[int, list[tuple[str, str]]]:
    """For each take the clips and their signs: a sign's takes in the order of the numbers in the names."""
    of_sign: dict[str, list[str]] = defaultdict(list)
    with open(index, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            of_sign[row["label"]].append(Path(row["file"]).stem)
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for sign, clips in sorted(of_sign.items()):
        for take, clip in enumerate(sorted(clips, key=lambda name: int(name.rpartition("_")[2]))):
            found[take].append((clip, sign))
    return dict(sorted(found.items()))


def write_manifest(path: Path, clips: dict[int, list[tuple[str, str]]], held_out: int) -> None:
    rows = ["id,path,gloss,split"]
    for take, members in clips.items():
        split = "test" if take == held_out else "train"
        rows += [f"{clip},{clip}.npz,{sign},{split}" for clip, sign in members]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")


def decoded(folder: Path) -> list[dict[str, str]]:
    """The test clips of a finished run."""
    run = max(folder.glob("*/*/scores.json"), key=lambda path: path.stat().st_mtime).parent
    lines = (run / "decode" / "test.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def errors(reference: list[str], hypothesis: list[str]) -> int:
    """Word errors of a clip with one gloss: all but one hit are insertions, no hit is a substitution."""
    (gloss,) = reference
    return max(len(hypothesis), 1) - (gloss in hypothesis)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder with index.csv and videos/")
    parser.add_argument("--work", type=Path, required=True, help="landmarks, manifests and runs go here")
    parser.add_argument("--runs", default="runs", help="name of the runs' folder below --work")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()

    clips = takes(args.data / "index.csv")
    signkit("landmarks", args.data / "videos", "--out", args.work, "--workers", 1)
    wrong, signs, folds = 0, 0, []
    for take in clips:
        write_manifest(args.work / f"fold{take}.csv", clips, take)
        folder = args.work / args.runs / f"fold{take}"
        if not list(folder.glob("*/*/scores.json")):
            values = (f"data.root={args.work}", f"data.file=fold{take}.csv", f"run.dir={folder}", *args.set)
            signkit("run", RECIPE, *(word for value in values for word in ("--set", value)))
        sign_of = dict(clips[take])
        rows = [(sign_of[line["id"]], line["text"].split()) for line in decoded(folder)]
        right = sum([sign] == heard for sign, heard in rows)
        missed = sum(errors([sign], heard) for sign, heard in rows)
        folds.append({"take": take, "clips": len(rows), "right": right, "errors": missed})
        wrong, signs = wrong + missed, signs + len(rows)
    right = sum(fold["right"] for fold in folds)
    if args.json:
        print(json.dumps({"accuracy": right / signs, "wer": wrong / signs, "folds": folds}))
        return
    print("| take left out | clips | right | word errors |\n|---|---|---|---|")
    for fold in folds:
        print(f"| {fold['take']} | {fold['clips']} | {fold['right']} | {fold['errors']} |")
    print(f"| all | {signs} | {right} ({100 * right / signs:.1f} %) | WER {100 * wrong / signs:.1f} % |")


if __name__ == "__main__":
    main()
