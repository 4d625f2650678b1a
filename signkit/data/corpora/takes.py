"""Signs that one person recorded in the page of `signkit live`: a file of takes, JSON, a take a line.

    {"gloss": "TREE", "fps": 25, "layout": "hands",
     "points": {"dtype": "float32", "shape": [40, 42, 3], "base64": "…"}}

Points are in pixels, NaN where no hand was found, the bytes with the least one first. Frames are those that
the page gives to a model of signs, 25 a second, from the first with a hand to the last. Takes of a sign are
numbered from 1 in the order of the lines, so files can be put together by `cat`.
"""

import base64
import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from signkit.data.corpora.configs import TakesConfig
from signkit.data.corpora.table import fail_together
from signkit.data.landmarks import NOTHING, check_landmarks, layout, unseen
from signkit.errors import UserError
from signkit.runtime.files import read_bytes, read_text
from signkit.text.vocabulary import composed
from signkit.types import USUAL_FPS, Corpus, Landmarks, Sample

LAYOUT = "hands"
FOLDS = 5
"""Every fifth take is held out."""
ONE_PERSON = (
    "the takes are one person's: test says how well that person is recognised again, nothing of others"
)


def read(config: TakesConfig) -> Corpus:
    """The corpus of a file of takes.

    Raises:
        UserError: lines that are no takes, all together; or no take is left to train with.
    """
    file = Path(config.file)
    samples, faults, numbers = list[Sample](), list[UserError](), Counter[str]()
    for where, line in _lines(file):
        try:
            sign, points = _take(where, line)
        except UserError as fault:
            faults.append(fault)
            continue
        numbers[sign] += 1
        samples.append(_sample(where, sign, numbers[sign], points, config))
    fail_together(faults, str(file))
    if not any(sample.split == "train" for sample in samples):
        hint = "" if samples else "record takes in the page of `signkit live`, and download them"
        raise UserError(str(file), "no take is left to train with" if samples else "has no takes", hint)
    return Corpus(
        name="takes",
        samples=tuple(samples),
        layout=LAYOUT,
        width=3,
        fingerprint=hashlib.sha256(read_bytes(file) + bytes([config.test_take])).hexdigest(),
        notes=(ONE_PERSON,) if config.test_take else (),
    )


def _lines(file: Path) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(read_text(file).split("\n"), 1):
        if line.strip():
            yield f"{file}:{number}", line


def _take(where: str, line: str) -> tuple[str, np.ndarray[Any, np.dtype[np.float32]]]:
    """The name of a sign, and the points of a take of it.

    Raises:
        UserError: the line is no take.
    """
    try:
        take = json.loads(line)
        name, rate, kind, given = (take[key] for key in ("gloss", "fps", "layout", "points"))
        shape, dtype = tuple(given["shape"]), given["dtype"]
        content = base64.b64decode(given["base64"], validate=True)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UserError(where, "is not a take", "the page of `signkit live` writes a take a line") from None
    sign = " ".join(composed(name).split()) if isinstance(name, str) else ""
    if not sign:
        raise UserError(where, "the gloss is empty, or no text")
    if kind != LAYOUT or rate != USUAL_FPS:
        what = (
            f"has the layout {kind!r} at {rate} frames a second, and takes have {LAYOUT!r} at {USUAL_FPS:g}"
        )
        raise UserError(where, what)
    sizes = len(shape) == 3 and all(type(size) is int and size >= 0 for size in shape)
    if dtype != "float32" or not sizes or len(content) != 4 * math.prod(shape):
        raise UserError(where, f"`points` is not float32 {list(shape)}: {len(content)} bytes")
    points = np.frombuffer(content, "<f4").reshape(shape).astype(np.float32)
    check_landmarks(points, layout(LAYOUT), where)
    if what := unseen(points, layout(LAYOUT)):
        raise UserError(where, "no hand is seen in any frame" if what == NOTHING else what)
    return sign, points


def _sample(
    where: str,
    sign: str,
    number: int,
    points: np.ndarray[Any, np.dtype[np.float32]],
    config: TakesConfig,
) -> Sample:
    held_out = bool(config.test_take) and (number - config.test_take) % FOLDS == 0
    return Sample(
        id=f"{sign.replace(' ', '_')}_{where.rpartition(':')[2]}",  # no other line has the number
        split="test" if held_out else "train",
        reference=tuple(sign.split()),
        frames=len(points),
        load=partial(Landmarks, points, LAYOUT),
        source=where,
        fps=USUAL_FPS,
    )
