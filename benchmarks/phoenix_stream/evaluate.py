"""The systems of train.py decoded in several ways: tuned on dev over all seeds together, test decoded once.

    python benchmarks/phoenix_stream/evaluate.py CORPUS RUNS --lm LM_RUN --systems ctc c2st_embedding

LM_RUN is a run of `signkit lm train` on the train glosses. Error rates are means over the seeds with their
range; a difference to CTC is that of the errors of all seeds, with a paired bootstrap over sentences.
What is decoded already is not repeated.
"""

import argparse
import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from train import SYSTEMS, finished

from signkit.eval.alignment import align

NGRAM = "{name: ngram, order: 3}"
WAYS = ("greedy", "beam", "trigram", "trigram_internal", "neural", "rescored")


def beside(way: str, lm: Path) -> list[str]:
    """The models of a way of decoding, as overrides: a trigram or an LSTM in the search, an LSTM after it."""
    neural = f"{{name: neural, run: {lm.resolve()}}}"
    fusion = {"beam": [], "trigram_internal": [NGRAM, "{name: internal}"], "neural": [neural]}.get(
        way, [NGRAM]
    )
    rescore = [neural] if way == "rescored" else []
    return [f"decode.fusion=[{', '.join(fusion)}]", f"decode.rescore=[{', '.join(rescore)}]"]


def signkit(*words: str) -> None:
    """Run a verb; its last words where it fails."""
    done = subprocess.run([sys.executable, "-m", "signkit", *words], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"signkit {' '.join(words)}\n{done.stderr}")


def decoded(args: argparse.Namespace, system: str, way: str, runs: list[Path]) -> dict[str, list[Path]]:
    """Folders of the decoded splits, a run each."""
    out = args.out / system / way
    recipe = out / "tuned.yaml"
    if way != "greedy" and not recipe.exists():
        out.mkdir(parents=True, exist_ok=True)
        values = ["decode.beam=16", "decode.top_k=48", "decode.batch_size=260", *beside(way, args.lm)]
        sets = [word for value in values for word in ("--set", value)]
        signkit("tune", *map(str, runs), *sets, "--trials", str(args.trials), "--out", str(recipe))
    given = ["--set", "decode.beam=1"] if way == "greedy" else ["--with", str(recipe)]
    for seed, run in zip(args.seeds, runs, strict=True):
        for split in ("dev", "test"):
            folder = out / str(seed) / split
            if not (folder / "scores.json").exists():
                folder.parent.mkdir(parents=True, exist_ok=True)
                signkit("decode", str(run), *given, "--split", split, "--out", str(folder))
    return {split: [out / str(seed) / split for seed in args.seeds] for split in ("dev", "test")}


def errors(folder: Path, split: str, references: dict[str, list[str]]) -> np.ndarray:
    """Errors of each sentence, in the references' order."""
    lines = (folder / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
    found = {line["id"]: line["tokens"] for line in map(json.loads, lines)}
    aligned = (align(words, found[name]) for name, words in references.items())
    return np.array([each.substitutions + each.deletions + each.insertions for each in aligned])


def interval(difference: np.ndarray, words: np.ndarray, seed: int = 1, draws: int = 10_000) -> np.ndarray:
    """95 % interval of the difference of two rates, sentences drawn with replacement."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(words), size=(draws, len(words)))
    return np.percentile(difference[drawn].sum(1) / words[drawn].sum(1), [2.5, 97.5])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--lm", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("runs/stream_decoded"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS))
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--trials", type=int, default=40)
    args = parser.parse_args()

    with open(args.corpus / "manifest.tsv", encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table, delimiter="\t"))
    references = {
        split: {row["id"]: row["gloss"].split() for row in rows if row["split"] == split}
        for split in ("dev", "test")
    }
    words = np.array([len(each) for each in references["test"].values()])
    baseline: dict[str, np.ndarray] = {}
    print("| system | decoding | dev | test | range of seeds | against CTC, same decoding |")
    print("|---|---|---|---|---|---|")
    for system in args.systems:
        runs = [finished(args.runs / system / str(seed)) for seed in args.seeds]
        if None in runs:
            raise SystemExit(f"{args.runs / system}: not every seed is trained")
        for way in args.ways:
            if way.endswith("_internal") and not SYSTEMS[system]:
                continue
            folders = decoded(args, system, way, [run for run in runs if run])
            counts = {
                split: np.array([errors(folder, split, references[split]) for folder in folders[split]])
                for split in ("dev", "test")
            }
            rates = counts["test"].sum(1) / words.sum()
            dev = counts["dev"].sum(1).mean() / sum(map(len, references["dev"].values()))
            if system == "ctc":
                baseline[way] = counts["test"].mean(0)
            against = ""
            if system != "ctc" and (base := baseline.get(way.removesuffix("_internal"))) is not None:
                difference = counts["test"].mean(0) - base
                low, high = 100 * interval(difference, words)
                against = f"{100 * difference.sum() / words.sum():+.2f} ({low:+.2f} to {high:+.2f})"
            seeds = f"{100 * rates.min():.2f} to {100 * rates.max():.2f}"
            print(
                f"| {system} | {way} | {100 * dev:.2f} | {100 * rates.mean():.2f} | {seeds} | {against} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
