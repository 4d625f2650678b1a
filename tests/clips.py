"""A corpus of small videos, drawn when they are read; and its preparing, in a process that can be killed."""

import hashlib
import multiprocessing
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from signkit.data.video.pixels import resized
from signkit.errors import UserError
from signkit.types import VIDEO, Corpus, Sample, Segment, Video

HEIGHT, WIDTH = 24, 32


@dataclass(frozen=True, slots=True)
class DrawnClip:
    """Noise on a wall whose colour changes with time: equal for a seed, different in every frame."""

    seed: int
    frames: int
    fps: float

    def read(
        self, places: npt.NDArray[np.int64], size: tuple[int, int] | None = None
    ) -> npt.NDArray[np.uint8]:
        """Frames by index."""
        return resized(np.stack([self._frame(int(place)) for place in places]), size)

    def _frame(self, place: int) -> npt.NDArray[np.uint8]:
        noise = np.random.default_rng([self.seed, place]).integers(0, 40, (HEIGHT, WIDTH, 3))
        return (noise + [8 * place % 200, 10 * self.seed % 200, 100]).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class BrokenClip(DrawnClip):
    """A clip of which a frame cannot be read."""

    def read(
        self, places: npt.NDArray[np.int64], size: tuple[int, int] | None = None
    ) -> npt.NDArray[np.uint8]:
        """Fails."""
        raise UserError(f"clip-{self.seed}.mp4", "frame 2 cannot be decoded")


def drawn_video(kind: type[DrawnClip], seed: int, frames: int, fps: float) -> Video:
    """The signal of a sample."""
    return Video(kind(seed, frames, fps))


def video_corpus(
    train: int = 6, dev: int = 3, test: int = 2, frames: int = 6, broken: Sequence[int] = ()
) -> Corpus:
    """Clips of all splits, mixed, with ids, references and texts of every sort.

    Args:
        frames: of a clip, a few more or fewer.
        broken: numbers of the clips that cannot be read.
    """
    splits = ["train"] * train + ["dev"] * dev + ["test"] * test
    order = np.random.default_rng(5).permutation(len(splits))
    return Corpus(
        name="drawn",
        samples=tuple(_sample(n, splits[o], frames + n % 3, n in broken) for n, o in enumerate(order)),
        layout=VIDEO,
        width=3,
        extra_text=(("HAUS", "ÄPFEL"), (), ("مدرسة",)),
        fingerprint="1234",
    )


def _sample(number: int, split: str, frames: int, broken: bool) -> Sample:
    fps = (25.0, 30000 / 1001, 59.94, 12.5)[number % 4]
    return Sample(
        id=("a/b.c", "über_1", "__x__", "مرحبا")[number % 4] + str(number),
        split=split,
        reference=() if number == 4 else ("HAUS", "loc-ÄPFEL", str(number)),
        frames=frames,
        load=partial(drawn_video, BrokenClip if broken else DrawnClip, number, frames, fps),
        source=f"drawn {number}",
        signer="" if number % 2 else f"Signer {number % 5}",
        text='he said "yes",\nor no \u2028' if number % 3 == 0 else "",
        segments=(Segment("HAUS", 0, 2), Segment("loc-ÄPFEL", 2, frames)) if number % 2 else (),
        labels={"handshape": "Ä", "place": str(number % 2)} if number % 4 == 1 else {},
        fps=fps,
    )


def same_samples(one: Corpus, other: Corpus) -> bool:
    """Whether all that is said of a corpus is the same, but for where its samples come from."""
    plain = [[replace(s, source="") for s in corpus.samples] for corpus in (one, other)]
    return plain[0] == plain[1] and all(
        getattr(one, name) == getattr(other, name)
        for name in ("name", "layout", "width", "extra_text", "left_out")
    )


def start_preparing(corpus: Corpus, folder: Path, **options: Any) -> "multiprocessing.process.BaseProcess":
    """`signkit data prepare` of the corpus in a forked process, the leader of a group of its own."""
    process = multiprocessing.get_context("fork").Process(target=_prepare, args=(corpus, folder, options))
    process.start()
    return process


def killed_after(corpus: Corpus, folder: Path, seconds: float, **options: Any) -> bool:
    """Begin to prepare, and kill the process with SIGKILL; its workers must go by themselves.

    Returns:
        False if it had come to its end before.
    """
    process = start_preparing(corpus, folder, **options)
    process.join(seconds)
    if process.exitcode is not None:
        assert process.exitcode == 0
        return False
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    wait_for_group(process.pid)
    return True


def wait_for_group(group: int) -> None:
    """Until no process of a group is left."""
    for _ in range(1000):
        try:
            os.killpg(group, 0)
        except (ProcessLookupError, PermissionError):
            return
        time.sleep(0.01)
    raise AssertionError("workers outlive the process that began them")


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file of a folder, hidden ones too."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


def _prepare(corpus: Corpus, folder: Path, options: dict[str, Any]) -> None:
    from signkit.commands.data import prepare as data_prepare

    os.setpgrp()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    data_prepare.build_corpus = lambda config: corpus  # type: ignore[assignment]
    chosen = data_prepare.Options(out=folder, **options)
    raise SystemExit(data_prepare.prepare_corpus("synthetic", chosen))
