"""Google's isolated signs (a packed selection of them) as a manifest corpus, participants held out by folds.

    python benchmarks/isolated_asl.py DATA OUT
    python benchmarks/signs.py signs_conv_transformer OUT

DATA has ``index.csv`` (sign, participant_id, offset, frames) and ``landmarks.npz`` (both hands, the pose, and
76 points of the face, named in ``layout.json``). Test of fold N is one part in five of the participants, dev
the next one.
"""

import argparse
import csv
from pathlib import Path

import numpy as np

from signkit.data.corpora.folds import FoldsConfig, split_by_folds

HANDS_AND_POSE = np.array([*range(501, 543), *range(33)])
"""Where left hand, right hand and pose lie in the layout `holistic`; the points of the face are not used."""
FOLDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    points = np.load(args.data / "landmarks.npz")["xyz"]
    with (args.data / "index.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    (args.out / "clips").mkdir(parents=True, exist_ok=True)
    for row in rows:
        start, frames = int(row["offset"]), int(row["frames"])
        whole = np.full((frames, 543, 3), np.nan, dtype=np.float32)
        whole[:, HANDS_AND_POSE] = points[start : start + frames, : len(HANDS_AND_POSE)]
        np.savez_compressed(
            args.out / "clips" / f"{row['sequence_id']}.npz", landmarks=whole, layout="holistic"
        )
    for fold in range(FOLDS):
        splits, _ = split_by_folds(
            str(args.data),
            FoldsConfig(split="signer", folds=FOLDS, fold=fold),
            labels=[row["sign"] for row in rows],
            signers=[row["participant_id"] for row in rows],
        )
        with (args.out / f"fold{fold}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("id", "path", "gloss", "signer", "split"))
            for row, split in zip(rows, splits, strict=True):
                name = row["sequence_id"]
                writer.writerow((name, f"clips/{name}.npz", row["sign"], row["participant_id"], split))


if __name__ == "__main__":
    main()
