"""The systems that are compared on the stream: one encoder and schedule, several contexts and losses.

    python benchmarks/phoenix_stream/train.py CORPUS RUNS --seeds 1 2 3 --systems ctc c2st_embedding

CORPUS is what corpus.py wrote. The first stage of a seed is trained once, or taken from the RUNS of another
noise; each system goes on from it for the same number of steps. What is finished already is not repeated. The
LSTM context begins as a language model, a run of `signkit lm train gloss_lstm` on the train glosses; the BERT
learns the glosses of train and the further sentences before it sees a video.
"""

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent
C2ST = "model={name: c2st, dropout: 0.2}"
EMBEDDING = "context={name: embedding, width: 192, gain: 0}"
SYSTEMS = {
    "ctc": [],
    "c2st_embedding": [C2ST, EMBEDDING, "train.losses=[{name: cst}]"],
    "c2st_lstm": [
        C2ST,
        "context={name: lstm, width: 256, gain: 1, dropout: 0.5, init_from: LM}",
        "train.losses=[{name: cst}]",
    ],
    "c2st_bert": [
        C2ST,
        "context={name: bert, gain: 1, dropout: 0.3, pretrain_steps: 1500}",
        "train.losses=[{name: cst}]",
    ],
    "c2st_monotonic": [
        "model={name: c2st, topology: monotonic, dropout: 0.2}",
        EMBEDDING,
        "train.losses=[{name: cst}]",
    ],
    "c2st_rnnt": [
        "model={name: c2st, topology: rnnt, dropout: 0.2}",
        EMBEDDING,
        "train.losses=[{name: cst}]",
    ],
    "c2st_embedding_risk": [C2ST, EMBEDDING, "train.losses=[{name: cst, stc: risk, nbest: 4}]"],
    "c2st_none_risk": [C2ST, "train.losses=[{name: cst, stc: risk, nbest: 4}]"],
}


def finished(folder: Path) -> Path | None:
    """The newest finished run below a folder."""
    found = sorted(path.parent for path in folder.glob("*/*/scores.json"))
    return found[-1] if found else None


def trained(recipe: str, folder: Path, values: list[str]) -> Path:
    """A run of a recipe, made or read."""
    if not finished(folder):
        sets = [word for value in (*values, f"run.dir={folder}") for word in ("--set", value)]
        command = [sys.executable, "-m", "signkit", "run", str(HERE / recipe), *sets, "--resume", "auto"]
        done = subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    run = finished(folder)
    assert run is not None
    return run


def seeded(args: argparse.Namespace, seed: int) -> None:
    """All systems of one seed."""
    values = [f"data.root={args.corpus.resolve()}", f"train.seed={seed}"]
    first = trained("first.yaml", (args.first or args.runs) / "first" / str(seed), values)
    for system in args.systems:
        own = [value.replace("init_from: LM", f"init_from: {args.lm}") for value in SYSTEMS[system]]
        begun = [*values, f"train.init_from={first.resolve()}", *own]
        print(trained("second.yaml", args.runs / system / str(seed), begun), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS))
    parser.add_argument("--lm", type=Path, help="the language model that c2st_lstm begins with")
    parser.add_argument("--first", type=Path, help="RUNS whose first stages are taken")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    if "c2st_lstm" in args.systems and not args.lm:
        parser.error("c2st_lstm wants --lm")
    with ThreadPoolExecutor(args.jobs) as pool:
        list(pool.map(lambda seed: seeded(args, seed), args.seeds))


if __name__ == "__main__":
    main()
