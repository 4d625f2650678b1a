"""Letters of recorders whom no model has seen: accuracy of runs of `hand_letters`, and of simple baselines.

    python benchmarks/hand_letters.py DATA [--run NAME=FOLDER]... [--cc0 POINTS.npz] [--json FILE]

DATA has ``letter_landmarks`` (sequences of hand points: ``index.csv`` and ``landmarks.npz``) and
``letter_images`` (hand points of photos: ``index.csv`` and ``hand_landmarks.npz``). The people s1 to s5 are
in both and count once: their figure is the mean of both sets. m1 and m2 spell other alphabets; m3 has no
depth. What has no hand is left out and counted. Nothing of DATA may be used to train or to choose anything.
With --cc0, the baselines: the commonest class, and the nearest neighbours among the hands of one signer.
"""

import argparse
import csv
import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np

import signkit

MOVING = "JZ"
OTHER_ALPHABETS = ("m1", "m2")
STILL = ("s1", "s2", "s3", "s4", "s5")
NEIGHBOURS = 5
PICTURE = (1.0, 0.5625, 1.0)
"""x and y are shares of a 16:9 picture there."""
Clips = list[np.ndarray]
Guess = Callable[[Clips], list[str]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--run", action="append", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--cc0", type=Path, help="points of one signer, for the baselines")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    guessers: dict[str, Guess] = {}
    if args.cc0:
        guessers |= {"commonest class": lambda clips: ["A"] * len(clips), "kNN": _neighbours(args.cc0)}
    for name, _, folder in (each.partition("=") for each in args.run):
        model = signkit.load(folder)
        guessers[name] = lambda clips, model=model: [each.text for each in model.predict(clips)]
    groups, missing = _read(args.data)
    found = {name: _measured(groups, guess) for name, guess in guessers.items()}
    for name, figures in found.items():
        _print(name, figures)
    print(f"without a hand, left out: {missing}")
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _read(data: Path) -> tuple[dict[tuple[str, str], list[tuple[str, np.ndarray]]], dict[str, int]]:
    """Letters and clips [frames, 21, 3] by set and recorder, and how many have no hand."""
    groups: dict[tuple[str, str], list[tuple[str, np.ndarray]]] = defaultdict(list)
    missing: dict[str, int] = defaultdict(int)

    def add(kind: str, row: dict[str, str], clip: np.ndarray) -> None:
        if np.isnan(clip[..., :2]).any((1, 2)).all():
            missing[f"{kind} {row['signer']}"] += 1
        else:
            groups[kind, row["signer"]].append((row["label"], clip))

    points = np.load(data / "letter_landmarks/landmarks.npz")["xyz"].astype(np.float32)
    for row in _rows(data / "letter_landmarks/index.csv"):
        start = int(row["offset"])
        add("sequences", row, points[start : start + int(row["frames"])])
    photos = np.load(data / "letter_images/hand_landmarks.npz")["xyz"].astype(np.float32)
    for row, photo in zip(_rows(data / "letter_images/index.csv"), photos, strict=True):
        add("photos", row, photo[None])
    return groups, dict(missing)


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _measured(groups: dict[tuple[str, str], list[tuple[str, np.ndarray]]], guess: Guess) -> dict[str, dict]:
    """Of each set and recorder the accuracy: of all letters, of those that stand still, and of J and Z."""
    figures = {}
    for (kind, recorder), samples in groups.items():
        letters = np.array([letter.upper() for letter, _ in samples])
        right = np.array(guess([clip for _, clip in samples])) == letters
        moving = np.isin(letters, list(MOVING))
        figures[f"{kind} {recorder}"] = {
            "samples": len(samples),
            "all": float(right.mean()),
            "still letters": float(right[~moving].mean()),
            "J and Z": float(right[moving].mean()) if moving.any() else None,
            "letters": {each: round(float(right[letters == each].mean()), 3) for each in np.unique(letters)},
        }
    return figures


def _print(name: str, figures: dict[str, dict]) -> None:
    print(f"\n{name}\n| recorder | samples | all | still letters | J and Z |\n|---|---|---|---|---|")
    for each, row in figures.items():
        cells = (
            "–" if row[key] is None else f"{row[key]:.3f}" for key in ("all", "still letters", "J and Z")
        )
        print(f"| {each} | {row['samples']} | {' | '.join(cells)} |")
    means = [np.mean([figures[f"{kind} {who}"]["all"] for kind in ("sequences", "photos")]) for who in STILL]
    listed = ", ".join(f"{who} {mean:.3f}" for who, mean in zip(STILL, means, strict=True))
    print(f"both sets: {listed}; mean {np.mean(means):.3f}, least {min(means):.3f}")


def _neighbours(file: Path) -> Guess:
    """The commonest letter of the nearest hands, by points at one place and size; of mirrored ones too."""
    arrays = np.load(file)
    points, labels = arrays["xyz"] * np.array(PICTURE, dtype=np.float32), arrays["label"]
    known = _normal(np.concatenate([points, points * np.array([-1, 1, 1], dtype=np.float32)]))
    names, numbers = np.unique(np.concatenate([labels, labels]), return_inverse=True)
    squares = (known**2).sum(1)

    def guess(clips: Clips) -> list[str]:
        letters = []
        for part in (clips[start : start + 256] for start in range(0, len(clips), 256)):
            middle = _normal(np.stack([_middle(clip) for clip in part]))
            nearest = np.argpartition(squares - 2 * middle @ known.T, NEIGHBOURS, 1)[:, :NEIGHBOURS]
            votes = [np.bincount(row, minlength=len(names)) for row in numbers[nearest]]
            letters += [str(names[each.argmax()]) for each in votes]
        return letters

    return guess


def _middle(clip: np.ndarray) -> np.ndarray:
    """The middle one of the frames with a hand."""
    seen = clip[~np.isnan(clip[..., :2]).any((1, 2))]
    return seen[len(seen) // 2]


def _normal(points: np.ndarray) -> np.ndarray:
    """x and y of the points from their mean, at one size [hands, 42]."""
    flat = points[..., :2] - points[..., :2].mean(1, keepdims=True)
    return (flat / np.sqrt((flat**2).sum((1, 2), keepdims=True))).reshape(len(points), -1)


if __name__ == "__main__":
    main()
