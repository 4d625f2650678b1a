"""What the check for near-duplicates finds where the truth is known, its false alarms, and its time.

    python benchmarks/near_duplicates.py DATA

DATA has ``letter_points_cc0`` (frames of films of one signer), ``letter_landmarks`` (eight recorders: tracker
jitter on photos, and recordings of 30 frames), ``letter_images`` (five people) and ``digit_images``. A random
split puts neighbours of one film or one photo into both sides: many must be found. A split by signer cannot:
what is found there, and every pair of two people, is a false alarm.
"""

import argparse
import csv
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from signkit.data.corpora.folds import FoldsConfig, split_by_folds
from signkit.data.near_duplicates import Signature, near_duplicates, signature
from signkit.data.video.array import ArrayClip
from signkit.types import Landmarks, Sample, Signal, Video

Clip = tuple[str, str, Signature | None]
"""Its label, its signer and its signature."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    print("| set | clips | split | found, of clips held out | pairs of two people | seconds |")
    print("|---|---|---|---|---|---|")
    with np.load(data / "letter_points_cc0/points.npz") as cc0:
        hands = zip(cc0["label"].tolist(), cc0["xyz"], strict=True)
        clips = [(label, "", signature(Landmarks(points[None], "hand"))) for label, points in hands]
    _report("letter_points_cc0", clips, "random")
    points = np.load(data / "letter_landmarks/landmarks.npz")["xyz"].astype(np.float32)
    rows = _rows(data / "letter_landmarks/index.csv")
    for kind in ("still", "motion"):
        clips = []
        for row in rows:
            if row["kind"] == kind:
                start = int(row["offset"])
                clip = Landmarks(points[start : start + int(row["frames"])], "hand")
                clips.append((row["label"], row["signer"], signature(clip)))
        _report(f"letter_landmarks, {kind}", clips, "random")
        _report(f"letter_landmarks, {kind}", clips, "signer")
    for name in ("letter_images", "digit_images"):
        clips = [
            (row["label"], row.get("signer", ""), signature(_picture(data / name / "images" / row["file"])))
            for row in _rows(data / name / "index.csv")
        ]
        _report(name, clips, "random")
        if clips[0][1]:
            _report(name, clips, "signer")


def _report(name: str, clips: Sequence[Clip], split: str) -> None:
    """A row of the table: over all folds of a split by signer, over one of a random split."""
    labels, signers, signatures = zip(*clips, strict=True)
    folds = 1 if split == "random" else 3
    found = held = pairs = 0
    seconds = 0.0
    for fold in range(folds):
        config = FoldsConfig(split=split, folds=5 if split == "random" else 3, fold=fold)
        splits, _ = split_by_folds(name, config, labels=labels, signers=signers)
        samples = [
            Sample(str(number), each, (label,), 1, _no_signal)
            for number, (each, label) in enumerate(zip(splits, labels, strict=True))
        ]
        began = time.process_time()
        near = near_duplicates(samples, signatures)
        seconds += time.process_time() - began
        found += len(near)
        held += sum(each != "train" for each in splits)
        pairs += sum(signers[int(pair.ids[0])] != signers[int(pair.ids[1])] for pair in near)
    what = f"{found:,} of {held:,}"
    print(f"| {name} | {len(clips):,} | {split} | {what} | {pairs} | {seconds / folds:.2f} |", flush=True)


def _picture(file: Path) -> Video:
    return Video(ArrayClip(np.asarray(Image.open(file).convert("RGB"))[None]))


def _no_signal() -> Signal:
    raise NotImplementedError("only signatures are compared")


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


if __name__ == "__main__":
    main()
