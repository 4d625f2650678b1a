"""A corpus of a few kilobytes and recipes for it: whole runs that take a second."""

import copy
import importlib
import json
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

GLOSSES = ("HOUSE", "JOHN", "READ", "WHO")


def write_corpus(
    folder: Path,
    train: int = 12,
    dev: int = 4,
    test: int = 3,
    seed: int = 0,
    features: bool = False,
    signs_a_clip: tuple[int, int] = (1, 3),
) -> Path:
    """A manifest of clips of both hands and the nose, or of features; every gloss has a place of its own."""
    fewest, most = signs_a_clip
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    places = np.random.default_rng(99).normal(size=(len(GLOSSES), 3, 2)) * 40
    rows = ["id,path,gloss,split"]
    for split, count in (("train", train), ("dev", dev), ("test", test)):
        for number in range(count):
            signs = rng.permutation(len(GLOSSES))[: rng.integers(fewest, most + 1)]
            frames = np.concatenate([np.repeat(places[s][None], rng.integers(6, 10), 0) for s in signs])
            frames = frames + 100 + rng.normal(size=frames.shape)
            name = f"{split}{number}"
            if features:
                np.savez(
                    folder / f"{name}.npz", features=frames.reshape(len(frames), 6).astype(np.float32) / 50
                )
            else:
                write_npz(folder / f"{name}.npz", frames)
            rows.append(f"{name},{name}.npz,{' '.join(GLOSSES[s] for s in signs)},{split}")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


SPELT = ("ABBA", "BEAD", "CAB", "DECADE", "FACE", "FADED", "DEAF")


def write_spelling(folder: Path, train: int = 16, dev: int = 4, test: int = 3, seed: int = 0) -> Path:
    """A manifest of clips in which words are spelt: every letter has a place of its own, for four frames."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    places = np.random.default_rng(98).normal(size=(6, 3, 2)) * 40
    rows = ["id,path,gloss,split"]
    for split, count in (("train", train), ("dev", dev), ("test", test)):
        for number in range(count):
            words = [SPELT[place] for place in rng.permutation(len(SPELT))[: rng.integers(1, 4)]]
            frames = np.concatenate(
                [np.repeat(places["ABCDEF".index(c)][None], 4, 0) for w in words for c in w]
            )
            write_npz(folder / f"{split}{number}.npz", frames + 100 + rng.normal(size=frames.shape))
            rows.append(f"{split}{number},{split}{number}.npz,{' '.join(words)},{split}")
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
FEATURES = {**C2ST, "encoder": {"name": "features", **TEMPORAL}}
"""Without BatchNorm: no sample has an influence on another one's loss."""
CTC = {
    **C2ST,
    "context": {"name": "none"},
    "model": {"name": "ctc"},
    "train": {**C2ST["train"], "losses": [{"name": "ctc"}]},
}
RANDOM = {
    **C2ST,
    "encoder": {
        "name": "kinematic",
        "local_temporal": {"kind": "tcn", "width": 8, "dropout": 0.2},
        "global_temporal": {"layers": 1, "width": 4},
    },
    "context": {"name": "lstm", "width": 8, "dropout": 0.2, "pretrain_steps": 3},
    "augment": {"rate": 0.1, "noise": 0.1, "drop_parts": 0.2},
    "train": {**C2ST["train"], "losses": [{"name": "cst", "stc": "risk", "nbest": 2}, {"name": "kl"}]},
}
"""Everything that draws random numbers."""


LM = {
    "data": {"name": "text"},
    "context": {"name": "lstm", "width": 8, "dropout": 0.2},
    "model": {"name": "language_model", "width": 8},
    "train": {
        "losses": [{"name": "next_token", "smoothing": 0.1}],
        "max_steps": 6,
        "batch_size": 4,
        "lr": 0.02,
        "eval_every": 3,
        "save_every": 1,
        "precision": "float32",
    },
}
"""A language model of `write_text`'s sentences."""
CARD = "width: 8\nlayers: 1\nheads: 2\nfeed_forward: 16\npositions: 16\ndropout: 0.1\n"
CAUSAL = {**LM, "context": {"name": "bert", "card": "card.yaml", "adaptor_width": 4}}
MASKED = {
    **CAUSAL,
    "model": {"name": "masked_lm", "share": 0.3, "width": 8},
    "train": {**LM["train"], "losses": [{"name": "masked_token"}]},
}


def write_text(folder: Path, train: int = 24, dev: int = 6, seed: int = 0) -> Path:
    """Lines of train.txt, dev.txt and test.txt: a gloss is followed by another one than itself, and each line
    of train ends with a word that is there once."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for split, count in (("train", train), ("dev", dev), ("test", dev)):
        lines = [
            " ".join(GLOSSES[place] for place in rng.permutation(len(GLOSSES))[: rng.integers(1, 5)])
            + f" {split}{number}" * (split == "train" or number == 0)
            for number in range(count)
        ]
        (folder / f"{split}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def write_lm_recipe(path: Path, text: Path, base: dict[str, Any] = LM, **train: Any) -> Path:
    """A recipe file for a language model of some text, with some of its training options changed."""
    content = copy.deepcopy(base)
    content["data"] |= {split: [str(text / f"{split}.txt")] for split in ("train", "dev", "test")}
    content["train"] |= train
    content["run"] = {"dir": str(path.parent / "runs")}
    (path.parent / "card.yaml").write_text(CARD, encoding="utf-8")
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def write_recipe(path: Path, corpus: Path, base: dict[str, Any] = C2ST, **train: Any) -> Path:
    """A recipe file for a corpus, with some of its training options changed."""
    content = copy.deepcopy(base)
    content["data"] = {"name": "manifest", "root": str(corpus)}
    content["train"] |= train
    content["run"] = {"dir": str(path.parent / "runs")}
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def metrics(run: Path) -> list[dict[str, float]]:
    """The lines of a run's metrics.jsonl."""
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


PRELOADED = (
    "signkit.cli.app",
    "signkit.commands.run",
    "signkit.commands.predict.verb",
    "signkit.models.context.bert",
    "signkit.models.context.recurrent",
    "signkit.data.corpora.manifest",
    "signkit.models.encoders.kinematic",
    "signkit.models.losses.terms",
    "signkit.models.c2st",
    "signkit.models.ctc",
    "signkit.models.language_model",
    "signkit.models.masked_lm",
    "signkit.models.losses.language",
    "tensorboard.summary.writer.event_file_writer",
    "signkit.tasks.transcripts.report",
    "signkit.tasks.recognition.task",
    "signkit.tasks.language.task",
    "torch._dynamo",
    "signkit.data.corpora.text",
    "signkit.commands.data.synth",
    "signkit.commands.decode",
    "typer._adapters",  # imports pydantic, where that is installed, which takes as long as a step
)


@dataclass(frozen=True)
class Shock:
    """A real signal that a process sends to itself at one exact place.

    Attributes:
        where: of a function: ``module:name`` or ``module:Class.method``.
        call: which call of it, from 1.
        after: when it returns instead of before it begins.
        group: to the processes that load data for it too, as a terminal does.
    """

    where: str
    call: int
    signal: int = signal.SIGKILL
    after: bool = False
    group: bool = False

    def install(self) -> None:
        """Put it in place."""
        module, _, path = self.where.partition(":")
        *owners, name = path.split(".")
        owner = importlib.import_module(module)
        for part in owners:
            owner = getattr(owner, part)
        usual, count = getattr(owner, name), 0

        def shocked(*args: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            now = count == self.call
            if now and not self.after:
                self.strike()
            value = usual(*args, **options)
            if now and self.after:
                self.strike()
            return value

        setattr(owner, name, shocked)

    def strike(self) -> None:
        """Send the signal."""
        os.kill(0 if self.group else os.getpid(), self.signal)


@dataclass(frozen=True)
class Done:
    """How a process ended: minus the signal's number when it was killed."""

    status: int
    out: str
    err: str

    @property
    def run(self) -> Path:
        """The folder of the run, the last line printed."""
        return Path(self.out.splitlines()[-1])


def signkit(
    *words: object,
    shocks: Sequence[Shock] = (),
    largest_file: int = 0,
    environment: Mapping[str, str] | None = None,
) -> Done:
    """The command in a process of its own, forked from one that has everything imported. It draws no
    picture, which would take longer than all the rest.

    Args:
        largest_file: bytes a file may have, as if the disk were full beyond.
        environment: further variables.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / "out", Path(folder) / "err"]
        process = context.Process(
            target=_command,
            args=([str(word) for word in words], files, tuple(shocks), largest_file, environment or {}),
        )
        process.start()
        process.join(120)
        assert process.exitcode is not None, "the command does not end"
        texts = [file.read_text(encoding="utf-8") if file.is_file() else "" for file in files]
        return Done(process.exitcode, *texts)


def _command(
    words: list[str],
    files: list[Path],
    shocks: Sequence[Shock],
    largest_file: int,
    environment: Mapping[str, str],
) -> None:
    os.environ.update(environment)
    from signkit.cli.app import main
    from signkit.tasks.language import report as lm_report
    from signkit.tasks.transcripts import report

    os.setpgrp()
    for number, file in enumerate(files, start=1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), number)
    if largest_file:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
    report.draw = _nothing_drawn
    report.draw_reliability = lambda *result: None
    lm_report.saved = lambda path, figure: _nothing_drawn(path.parent)
    for shock in shocks:
        shock.install()
    sys.argv = ["signkit", *words]
    main()


def _nothing_drawn(folder: Path, *_: object) -> Path:
    (folder / "picture.png").write_bytes(b"")
    return folder / "picture.png"


def steps_of(run: Path) -> list[str]:
    """The checkpoints a run has kept."""
    return sorted(path.name for path in (run / "checkpoints").iterdir())
