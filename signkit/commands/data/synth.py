"""`signkit data synth`: a synthetic corpus of video in an official folder's shape, whole or not at all."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from signkit.config.registry import extra_for
from signkit.data.synthetic.folders import HELD_OUT_SIGNER, LAYOUTS, SI5, LayoutOptions, clips, write_layout
from signkit.errors import UserError
from signkit.runtime.files import plainly
from signkit.runtime.progress import Watch

LEAST, MOST = 16, 2048  # height and width in pixels


def synthesise(out: Path, options: LayoutOptions, as_json: bool = False) -> int:
    """Write the corpus to a new folder and print how to use it.

    Returns:
        The exit status, 0.

    Raises:
        UserError: the folder has something in it, or the sizes do not fit together.
        OperationalError: it cannot be written; nothing is left behind.
    """
    _check(out, options)
    watch = Watch(out, main=not as_json, log=False)
    out = out.resolve()
    needed = extra_for(f"the layout {options.layout}")
    with needed, _aside(out) as folder, watch.bar("clips", clips(options)) as bar:
        write_layout(folder, options, bar.at)
    corpus = "manifest" if options.layout == "mp4" else options.layout
    if as_json:
        counts = {"train": options.train, "dev": options.dev, "test": options.test}
        print(json.dumps({"folder": str(out), "corpus": corpus, "clips": counts, "seed": options.seed}))
        return 0
    print(f"{clips(options)} clips are in {out}: corpus {corpus}, data.root={out}")
    if options.layout == "phoenix2014" and not (out / SI5).is_dir():
        print(f"without the part SI5: signer {HELD_OUT_SIGNER} is not in every split; ask for more clips")
    return 0


@contextmanager
def _aside(out: Path) -> Iterator[Path]:
    """A folder to fill that takes its name at the end. It can be written again, so nothing is synced."""
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
    match = re.fullmatch(r"([0-9]{1,5})(?:x([0-9]{1,5}))?", word)
    if match is None:
        raise UserError("--size", f"{word!r} is no size", "write 210x260, width by height, or 64")
    width, height = int(match[1]), int(match[2] or match[1])
    if not (LEAST <= width <= MOST and LEAST <= height <= MOST):
        raise UserError("--size", f"{word!r} is not from {LEAST} to {MOST} pixels")
    return height, width


def _check(out: Path, options: LayoutOptions) -> None:
    if options.layout not in LAYOUTS:
        raise UserError("--layout", f"{options.layout!r} is none of {', '.join(LAYOUTS)}")
    if options.layout == "mp4" and (options.size[0] % 2 or options.size[1] % 2):
        width_by_height = f"{options.size[1]}x{options.size[0]}"
        raise UserError("--size", f"{width_by_height} is odd, which mp4 cannot have", "take even numbers")
    with plainly(out, "read"):
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise UserError(str(out), "is there already", "choose a new folder")
