"""Folders of isolated signs in the form of public collections."""

import csv
import json
from pathlib import Path
from typing import Any

import media
import numpy as np

PARTICIPANTS, SIGNS = ("16069", "25571", "36257"), ("TV", "thank you")


def instance(video: str, split: str = "train", **more: Any) -> dict[str, Any]:
    """An instance of a gloss as WLASL's list has it."""
    return {
        "bbox": [0, 0, 32, 48],
        "fps": 25,
        "frame_end": -1,
        "frame_start": 1,
        "instance_id": 0,
        "signer_id": 1,
        "source": "a",
        "split": split,
        "url": "https://a.b",
        "variation_id": 0,
        "video_id": video,
    } | more


def wlasl(root: Path, signs: dict[str, list[dict[str, Any]]], frames: int = 6) -> Path:
    """A list, and a video of so many frames for each instance, in `videos`."""
    root.mkdir(parents=True, exist_ok=True)
    entries = [{"gloss": gloss, "instances": instances} for gloss, instances in signs.items()]
    (root / "WLASL_v0.3.json").write_text(json.dumps(entries), encoding="utf-8")
    for instances in signs.values():
        for each in instances:
            media.write_video(root / "videos" / f"{each['video_id']}.mp4", media.moving(frames))
    return root


def gislr(root: Path, clips: int = 1) -> Path:
    """Files of 2 to 4 frames in the long form, so many of each sign and participant; frames begin with 19."""
    import pyarrow
    from pyarrow import parquet

    rows, number = [], 1000
    for participant in PARTICIPANTS:
        for sign in SIGNS * clips:
            number += 1
            path = f"train_landmark_files/{participant}/{number}.parquet"
            rows.append((path, participant, number, sign))
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            parquet.write_table(pyarrow.table(long_form(2 + number % 3, number)), root / path)
    with (root / "train.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([("path", "participant_id", "sequence_id", "sign"), *rows])
    (root / "sign_to_prediction_index_map.json").write_text(json.dumps({"TV": 0, "thank you": 1, "wet": 2}))
    return root


def long_form(frames: int, seed: int) -> dict[str, Any]:
    """Columns of a file, with a column that nobody needs; the left hand is never seen."""
    kinds = ["face"] * 468 + ["left_hand"] * 21 + ["pose"] * 33 + ["right_hand"] * 21
    numbers = [*range(468), *range(21), *range(33), *range(21)]
    values = np.random.default_rng(seed).random((3, frames * 543))
    values[:, [kind == "left_hand" for kind in kinds] * frames] = np.nan
    numbered = [19 + frame for frame in range(frames) for _ in range(543)]
    rows = [f"{frame}-{kind}-{n}" for frame in range(frames) for kind, n in zip(kinds, numbers, strict=True)]
    return {
        "frame": np.array(numbered, dtype=np.int16), "row_id": rows, "type": kinds * frames,
        "landmark_index": np.array(numbers * frames, dtype=np.int16), **dict(zip("xyz", values, strict=True)),
    }  # fmt: skip
