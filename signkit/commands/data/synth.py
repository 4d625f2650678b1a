"""`signkit data synth`: a made corpus of video in an official folder's shape, whole or not at all."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from signkit.config.registry import check_extra
from signkit.data.synthetic.folders import HELD_OUT_SIGNER, LAYOUTS, SI5, Made, clips, write_layout
from signkit.errors import UserError
from signkit.runtime.files import plainly
from signkit.runtime.progress import Watch

LEAST, MOST = 16, 2048  # height and width in pixels


def synthesise(out: Path, made: Made, as_json: bool = False) -> int:
    """Make the corpus in a new folder and print how to use it.

    Returns:
        The exit status, 0.

    Raises:
        UserError: the folder has something in it, or the sizes do not fit together.
        OperationalError: it cannot be written; nothing is left behind.
    """
    _check(out, made)
    watch = Watch(out, main=not as_json, log=False)
    out = out.resolve()
    try:
        with _aside(out) as folder, watch.bar("clips", clips(made)) as bar:
            write_layout(folder, made, bar.at)
    except ImportError as error:
        check_extra(error, f"the layout {made.layout}")
        raise
    corpus = "manifest" if made.layout == "mp4" else made.layout
    if as_json:
        counts = {"train": made.train, "dev": made.dev, "test": made.test}
        print(json.dumps({"folder": str(out), "corpus": corpus, "clips": counts, "seed": made.seed}))
        return 0
    print(f"{clips(made)} clips are in {out}: corpus {corpus}, data.root={out}")
    if made.layout == "phoenix2014" and not (out / SI5).is_dir():
        print(f"without the part SI5: signer {HELD_OUT_SIGNER} is not in every split; ask for more clips")
    return 0


@contextmanager
def _aside(out: Path) -> Iterator[Path]:
    """A folder to fill that takes its name at the end. It can be made again, so nothing is synced."""
    aside = out.with_name(f".{out.name}.part")
    with plainly(out):
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        try:
            yield aside
            os.replace(aside, out)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def read_size(word: str) -> tuple[int, int]:
    """Height and width of `210x260` (width by height, as the corpora write it) or of `64`.

    Raises:
        UserError: it is something else, or too small or large.
    """
    found = re.fullmatch(r"([0-9]{1,5})(?:x([0-9]{1,5}))?", word)
    if found is None:
        raise UserError("--size", f"{word!r} is no size", "write 210x260, width by height, or 64")
    width, height = int(found[1]), int(found[2] or found[1])
    if not (LEAST <= width <= MOST and LEAST <= height <= MOST):
        raise UserError("--size", f"{word!r} is not from {LEAST} to {MOST} pixels")
    return height, width


def _check(out: Path, made: Made) -> None:
    if made.layout not in LAYOUTS:
        raise UserError("--layout", f"{made.layout!r} is none of {', '.join(LAYOUTS)}")
    if made.layout == "mp4" and (made.size[0] % 2 or made.size[1] % 2):
        width_by_height = f"{made.size[1]}x{made.size[0]}"
        raise UserError("--size", f"{width_by_height} is odd, which mp4 cannot have", "take even numbers")
    with plainly(out, "read"):
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise UserError(str(out), "is there already", "choose a new folder")
