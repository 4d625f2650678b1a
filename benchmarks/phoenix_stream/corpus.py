"""A corpus with a manifest from simulated features of PHOENIX-2014T's alignments, and more gloss sentences.

    python benchmarks/phoenix_stream/corpus.py FEATURES OUT --more phoenix2014/train.stm

FEATURES holds {train,dev,test}.npz (`features` [frames, width], `offsets` [videos + 1]) and .tsv (name,
signer, gloss, text). What --more names is cleaned by the rules of PHOENIX-2014. Both corpora are cut from the
same broadcasts, not at the same places: a sentence that shares five glosses in a row with one of dev or test
is left out.
"""

import argparse
import csv
from pathlib import Path

import numpy as np

from signkit.eval.cleaning import cleaner
from signkit.eval.formats import read
from signkit.eval.protocols import load

SHARED = 5
"""Glosses in a row by which two sentences count as cut from the same signing."""


def runs(sentence: str) -> set[tuple[str, ...]]:
    """The runs of `SHARED` glosses of a sentence; of a shorter one, itself."""
    words = tuple(sentence.split())
    return {words[start : start + SHARED] for start in range(max(1, len(words) - SHARED + 1))}


def further(path: Path, held_out: set[tuple[str, ...]]) -> list[str]:
    """The cleaned sentences of a file that share no run of glosses with those held out."""
    clean = cleaner(load("phoenix2014"), "hypothesis")
    words = ([w for w in clean(text).split() if not w.startswith("__")] for text in read(path).texts)
    sentences = [" ".join(each) for each in words if each]
    kept = [sentence for sentence in sentences if not runs(sentence) & held_out]
    print(f"{len(kept)} of {len(sentences)} further sentences")
    return kept


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("features", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--more", type=Path, required=True)
    args = parser.parse_args()

    (args.out / "clips").mkdir(parents=True, exist_ok=True)
    held_out: set[tuple[str, ...]] = set()
    with open(args.out / "manifest.tsv", "w", encoding="utf-8", newline="") as handle:
        manifest = csv.writer(handle, delimiter="\t")
        manifest.writerow(("id", "path", "gloss", "split", "signer"))
        for split in ("train", "dev", "test"):
            stored = np.load(args.features / f"{split}.npz")
            features, offsets = stored["features"], stored["offsets"]
            with open(args.features / f"{split}.tsv", encoding="utf-8", newline="") as table:
                rows = list(csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE))
            if split != "train":
                held_out = held_out.union(*(runs(row["gloss"]) for row in rows))
            for number, row in enumerate(rows):
                name = f"{split}_{number:05d}"
                clip = features[offsets[number] : offsets[number + 1]].astype(np.float32)
                np.savez(args.out / "clips" / f"{name}.npz", features=clip)
                manifest.writerow((name, f"clips/{name}.npz", row["gloss"], split, row["signer"]))
    lines = [f"{sentence}\n" for sentence in further(args.more, held_out)]
    (args.out / "extra.txt").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
