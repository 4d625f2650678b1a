"""A corpus of sentences with the frames of their signs, in the files of RWTH-BOSTON-104."""

from pathlib import Path

import numpy as np

SIGNS = ("HOUSE", "JOHN", "READ", "WHO")


def write_segmented(folder: Path, train: int = 16, test: int = 4, seed: int = 0) -> Path:
    """Every sign has a place where the hands tremble; between signs they move, or they touch and jump."""
    rng = np.random.default_rng(seed)
    places = np.random.default_rng(97).normal(size=(len(SIGNS), 2, 2)) * 60
    hands = ["video,frame,left-x,left-y,right-x,right-y,nose-x,nose-y"]
    speakers, words = (
        ["video,speaker"],
        {split: ["video,speaker,word,startframe,endframe"] for split in ("train", "test")},
    )
    for video in range(train + test):
        split, frames = "train" if video < train else "test", [np.zeros((3, 2, 2))]
        for sign in rng.permutation(len(SIGNS))[: rng.integers(1, 4)]:
            at = sum(map(len, frames))
            if rng.random() < 0.7:  # a transition
                steps = np.linspace(0, 1, 5)[1:-1, None, None]
                frames.append(frames[-1][-1:] * (1 - steps) + places[sign] * steps)
                at += 3
            length = int(rng.integers(7, 12))
            frames.append(places[sign] + rng.normal(size=(length, 2, 2)))
            words[split].append(f"{video},s{video % 2},{SIGNS[sign]},{at},{at + length - 1}")
        for number, points in enumerate(np.concatenate([*frames, np.zeros((3, 2, 2))]).reshape(-1, 4)):
            hands.append(
                ",".join([f"{video}", f"{number}", *(f"{100 + each:.3f}" for each in points), "100", "40"])
            )
        speakers.append(f"{video},s{video % 2}")
    folder.mkdir(parents=True, exist_ok=True)
    tables = {
        "hands_condensed": hands,
        "speaker": speakers,
        "train_words": words["train"],
        "test_words": words["test"],
    }
    for name, rows in tables.items():
        (folder / f"{name}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder
