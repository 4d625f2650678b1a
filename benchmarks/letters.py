"""Letters and digits from images: persons left out one by one, a random split beside it, and floors.

    python benchmarks/letters.py DATA OUT [--plan digits,random,persons] [--systems cnn,floor] [--seeds 1]

DATA has ``letter_images`` and ``digit_images``, each with ``index.csv`` and ``images``. Every run is a
shipped recipe with the settings below; OUT/results.json has the scores of all that is done already, and a
second call goes on from there. In a fold of persons one of five is test, another dev, and three are train;
the floors are fitted on the same three. ``--table`` prints the tables.
"""

import argparse
import csv
import json
import time
from pathlib import Path

import numpy as np

import signkit

SIDE = ("video.resize=80", "video.crop=64")
SCRATCH = ("encoder.weights=none", "encoder.freeze=none")
SLOW = ("train.lr=3e-3", "train.patience=0")
CHANGES = {
    "cnn": ("letters_cnn",),
    "transfer": ("letters_transfer", *SIDE, *SCRATCH, "encoder.backbone=resnet10t"),
    "mobilenet": ("letters_mobilenet", *SIDE, *SCRATCH[:1], "encoder.backbone=mobilenetv2_035", *SLOW),
    "forest": ("letters_autoencoder_forest",),
    "digits": ("digits_cnn",),
}
"""The recipe of each system and what is set: sizes that two cores train in minutes, from scratch."""
STEPS = {"cnn": 1800, "transfer": 700, "mobilenet": 3000, "forest": 900, "digits": 1500}
FOLDS = 5
FLOOR_SIDE = 32


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--plan", default="digits,random,persons")
    parser.add_argument("--systems", default="cnn,transfer,mobilenet,forest,floor")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--table", action="store_true")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    file = args.out / "results.json"
    results = json.loads(file.read_text()) if file.is_file() else {}
    if args.table:
        _print(results)
        return
    for system, split, fold, seed in _jobs(args.plan.split(","), args.systems.split(","), args.seeds):
        name = f"{system} {split} fold {fold} seed {seed}"
        if name in results:
            continue
        begun = time.process_time()
        found = _floor(args.data, split, fold) if system == "floor" else _run(args, system, split, fold, seed)
        results[name] = {**found, "seconds": time.process_time() - begun}
        file.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        print(name, results[name], flush=True)


def _jobs(plan: list[str], systems: list[str], seeds: int) -> list[tuple[str, str, int, int]]:
    jobs = []
    for seed in range(1, seeds + 1):
        for part in plan:
            chosen = ["digits"] if part == "digits" else systems
            folds = range(FOLDS) if part == "persons" else (0,)
            split = "signer" if part == "persons" else "random"
            jobs += [(each, split, fold, seed) for each in chosen for fold in folds]
    return [job for job in jobs if job[0] != "floor" or job[3] == 1]


def _run(args: argparse.Namespace, system: str, split: str, fold: int, seed: int) -> dict[str, float]:
    root = args.data / ("digit_images" if system == "digits" else "letter_images")
    recipe, *changes = CHANGES[system]
    changes += [f"data.root={root}", "data.file=index.csv", "data.images=images", f"data.split={split}"]
    changes += [f"data.fold={fold}", f"train.seed={seed}", f"train.max_steps={STEPS[system]}"]
    place = args.out / "runs" / f"{system}_{split}_{fold}_{seed}"
    result = signkit.run(recipe, [*changes, f"run.dir={place}"], resume="auto")
    if result.state != "finished":
        raise SystemExit(f"{result.folder} is interrupted; the same command goes on")
    scores = {
        f"{each.split} {each.name}": each.value for each in result.scores if "calibration" not in each.name
    }
    return {**scores, "folder": result.folder.name}


def _floor(data: Path, split: str, fold: int) -> dict[str, float]:
    """Logistic regression on 32x32 pixels, as good as the best of three strengths on dev (400 iterations)."""
    from PIL import Image
    from sklearn.linear_model import LogisticRegression

    from signkit.data.corpora.folds import FoldsConfig, split_by_folds

    root = data / "letter_images"
    with (root / "index.csv").open(encoding="utf-8", newline="") as lines:
        rows = sorted(csv.DictReader(lines), key=lambda row: row["file"])
    labels = np.array([row["label"] for row in rows])
    config = FoldsConfig(split=split, fold=fold)
    parts, _ = split_by_folds(
        "floor", config, labels=labels.tolist(), signers=[row["signer"] for row in rows]
    )
    pixels = np.stack(
        [
            np.asarray(Image.open(root / "images" / row["file"]).resize((FLOOR_SIDE, FLOOR_SIDE)))
            for row in rows
        ]
    ).reshape(len(rows), -1) / np.float32(255)
    of = {name: np.array([part == name for part in parts]) for name in ("train", "dev", "test")}
    best = {"dev accuracy": -1.0}
    for strength in (0.001, 0.01, 0.1):
        model = LogisticRegression(C=strength, max_iter=400).fit(pixels[of["train"]], labels[of["train"]])
        right = {name: float(model.score(pixels[of[name]], labels[of[name]])) for name in ("dev", "test")}
        if right["dev"] > best["dev accuracy"]:
            best = {f"{name} accuracy": value for name, value in right.items()} | {"C": strength}
    return best


def _print(results: dict[str, dict[str, float]]) -> None:
    """For each system and split the test accuracy of each fold, the mean of its seeds."""
    groups: dict[tuple[str, str], dict[int, list[float]]] = {}
    for name, row in results.items():
        system, split, _, fold, _, _ = name.split()
        groups.setdefault((system, split), {}).setdefault(int(fold), []).append(row["test accuracy"])
    heads = " | ".join(f"fold {fold}" for fold in range(FOLDS))
    print(f"| system | split | {heads} | mean | seeds |\n|---|---|{'---|' * FOLDS}---|---|")
    for (system, split), folds in sorted(groups.items()):
        means = {fold: 100 * float(np.mean(values)) for fold, values in folds.items()}
        cells = [f"{means[fold]:.1f}" if fold in means else "" for fold in range(FOLDS)]
        seeds = max(len(values) for values in folds.values())
        print(f"| {system} | {split} | {' | '.join(cells)} | {np.mean([*means.values()]):.1f} | {seeds} |")


if __name__ == "__main__":
    main()
