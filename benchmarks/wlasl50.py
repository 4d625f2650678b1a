"""WLASL50 landmarks as a manifest corpus: a landmark file a clip, and a manifest for each of four folds.

    python benchmarks/wlasl50.py DATA OUT
    signkit run signs_conv_transformer --set data.root=OUT --set data.file=fold0.csv

DATA has ``index.csv`` (label, seq, offset, frames) and ``landmarks.npz`` (both hands, eleven points of the
pose). The fold of a clip is its number within the gloss modulo four; signers are not known. Test is the fold,
train all others; with --dev, dev is every eighth clip of train, to choose settings without a look at test.
"""

import argparse
import csv
from pathlib import Path

import numpy as np

POSE = (0, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26)
"""MediaPipe's numbers of the pose points."""
COLUMNS = np.array([*range(501, 543), *POSE])
"""Where left hand, right hand and pose lie in the layout `holistic`."""
FOLDS, DEV = 4, 8


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--dev", action="store_true")
    args = parser.parse_args()
    points = np.load(args.data / "landmarks.npz")["xyz"].astype(np.float32)
    with (args.data / "index.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    (args.out / "clips").mkdir(parents=True, exist_ok=True)
    clips = []
    for row in rows:
        start, frames = int(row["offset"]), int(row["frames"])
        whole = np.full((frames, 543, 3), np.nan, dtype=np.float32)
        whole[:, COLUMNS] = points[start : start + frames]
        name = f"{row['label']}-{row['seq']}".replace(" ", "_")
        np.savez_compressed(args.out / "clips" / f"{name}.npz", landmarks=whole, layout="holistic", fps=25.0)
        clips.append((name, row["label"].replace(" ", "_"), int(row["seq"])))
    for fold in range(FOLDS):
        with (args.out / f"fold{fold}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("id", "path", "gloss", "split"))
            seen = 0
            for name, label, number in clips:
                split = "test" if number % FOLDS == fold else "train"
                if args.dev and split == "train":
                    split = "dev" if seen % DEV == 0 else "train"
                    seen += 1
                writer.writerow((name, f"clips/{name}.npz", label, split))


if __name__ == "__main__":
    main()
