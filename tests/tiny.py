"""A corpus of a few kilobytes and recipes for it: whole runs that take a second."""

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import yaml

GLOSSES = ("HOUSE", "JOHN", "READ", "WHO")


def write_corpus(folder: Path, train: int = 12, dev: int = 4, test: int = 3, seed: int = 0) -> Path:
    """A manifest of clips of both hands and the nose; every gloss has a place of its own."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    places = np.random.default_rng(99).normal(size=(len(GLOSSES), 3, 2)) * 40
    rows = ["id,path,gloss,split"]
    for split, count in (("train", train), ("dev", dev), ("test", test)):
        for number in range(count):
            signs = rng.integers(len(GLOSSES), size=rng.integers(1, 4))
            frames = np.concatenate([np.repeat(places[s][None], rng.integers(6, 10), 0) for s in signs])
            frames = frames + 100 + rng.normal(size=frames.shape)
            name = f"{split}{number}"
            write_npz(folder / f"{name}.npz", frames)
            rows.append(f"{name},{name}.npz,{' '.join(GLOSSES[s] for s in signs)},{split}")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def write_npz(path: Path, points: Any, layout: str = "boston104") -> Path:
    """One clip."""
    np.savez(path, landmarks=np.asarray(points, dtype=np.float32), layout=np.array(layout))
    return path


TEMPORAL = {
    "local_temporal": {"kind": "dilated", "width": 8, "dilations": [1, 2]},
    "global_temporal": {"layers": 1, "width": 4},
}
C2ST = {
    "encoder": {"name": "kinematic", **TEMPORAL},
    "context": {"name": "embedding", "width": 8},
    "model": {"name": "c2st"},
    "decode": {"beam": 2},
    "train": {
        "losses": [{"name": "cst"}, {"name": "kl", "weight": 0.1}],
        "max_steps": 6,
        "batch_size": 4,
        "lr": 0.01,
        "ema": 0.9,
        "eval_every": 3,
        "save_every": 1,
        "precision": "float32",
    },
}
CTC = {**C2ST, "context": {"name": "none"}, "model": {"name": "ctc"}}
CTC["train"] = {**C2ST["train"], "losses": [{"name": "ctc"}]}


def write_recipe(path: Path, corpus: Path, recipe: dict[str, Any] = C2ST, **train: Any) -> Path:
    """A recipe file for a corpus, with some of its training options changed."""
    content = copy.deepcopy(recipe)
    content["data"] = {"name": "manifest", "root": str(corpus)}
    content["train"] |= train
    content["run"] = {"dir": str(path.parent / "runs")}
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def metrics(run: Path) -> list[dict[str, float]]:
    """The lines of a run's metrics.jsonl."""
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
