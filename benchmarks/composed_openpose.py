"""The key points of a composed corpus as OpenPose writes them: a folder of JSON files a clip, and a manifest.

    python benchmarks/composed_openpose.py FOLDER [--set KEY=VALUE]…

FOLDER is new. --set is of the corpus, such as ``data.train=500``; the words, people and timing are those of
the same options with `data.video`. Each frame has a person with the spelling hand and, of the body, the nose,
the neck, both shoulders and the spelling arm, in pixels of a picture of 640 x 640; confidences are 0 or 1.
"""

import argparse
import csv
import json
from pathlib import Path

import numpy as np

from signkit.config.recipe_file import load_recipe
from signkit.data.corpora.build import build_corpus

SIDE = 640
BODY, FACE, HAND = 25, 70, 21
SHOULDERS = 2.2
"""Lengths of the palm between the shoulders."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    args = parser.parse_args()
    corpus = build_corpus(load_recipe("composed_ctc", [*args.set, "data.video=0"], check_paths=False).data)
    args.folder.mkdir(parents=True)
    with (args.folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("id", "path", "gloss", "split", "signer", "fps"))
        for sample in corpus.samples:
            left = int(sample.signer.rpartition("-")[2]) % 5 == 0  # every fifth person
            _write(args.folder / sample.id, sample.id, SIDE * sample.load().points[..., :2], left)
            words = " ".join(sample.reference)
            rows.writerow((sample.id, sample.id, words, sample.split, sample.signer, sample.fps))


def _write(folder: Path, name: str, hand: np.ndarray, left: bool) -> None:
    folder.mkdir()
    for frame, (points, body) in enumerate(zip(hand, _body(hand, left), strict=True)):
        found = {
            "pose_keypoints_2d": _flat(body),
            "face_keypoints_2d": [0.0] * 3 * FACE,
            "hand_left_keypoints_2d": _flat(points) if left else [0.0] * 3 * HAND,
            "hand_right_keypoints_2d": [0.0] * 3 * HAND if left else _flat(points),
        }
        text = json.dumps({"version": 1.3, "people": [{"person_id": [-1], **found}]})
        (folder / f"{name}_{frame:012d}_keypoints.json").write_text(text, encoding="utf-8")


def _body(hand: np.ndarray, left: bool) -> np.ndarray:
    """BODY_25 [frames, 25, 2], NaN where it is not in the picture; it stays where it is, but for the arm."""
    unit = float(np.median(np.linalg.norm(hand[:, 9] - hand[:, 0], axis=1)))
    side = -1.0 if left else 1.0
    neck = np.median(hand[:, 0], 0) + unit * np.array((side * SHOULDERS, 0.8))
    body = np.full((len(hand), BODY, 2), np.nan)
    body[:, 0], body[:, 1] = neck - (0, 1.5 * unit), neck
    body[:, 2], body[:, 5] = neck - (SHOULDERS / 2 * unit, 0), neck + (SHOULDERS / 2 * unit, 0)
    shoulder, elbow, wrist = (5, 6, 7) if left else (2, 3, 4)
    body[:, wrist] = hand[:, 0]
    body[:, elbow] = 0.5 * (body[:, shoulder] + hand[:, 0]) + (0, 1.2 * unit)
    return body


def _flat(points: np.ndarray) -> list[float]:
    """x, y and confidence of each point, one after the other; all 0 of one that is missing."""
    seen = np.isfinite(points).all(1, keepdims=True)
    return [round(float(each), 3) for each in np.concatenate([np.where(seen, points, 0), seen], 1).ravel()]


if __name__ == "__main__":
    main()
