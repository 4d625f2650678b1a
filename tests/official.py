"""Tiny folders in the shape of official releases, made by hand."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

Row = tuple[str, str, str, int]  # name, signer, glosses, frames
ROWS: dict[str, tuple[Row, ...]] = {
    "train": (
        ("monday-0", "Signer01", "__ON__ loc-NORD REGEN REGEN", 3),
        ("monday-1", "Signer05", "SONNE cl-KOMMEN", 2),
    ),
    "dev": (("tuesday-0", "Signer05", "REGEN SCHNEE", 2),),
    "test": (("friday-0", "Signer05", "SONNE", 4),),
}
PHOENIX_HEADER = "id|folder|signer|annotation"
FRAMES = "features/fullFrame-210x260px"


def pictures(folder: Path, count: int, name: str = "fn{:06d}-0.png", size: tuple[int, int] = (3, 2)) -> None:
    """Frames of height and width, each of one grey."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        Image.fromarray(np.full((*size, 3), 10 * number, dtype=np.uint8)).save(folder / name.format(number))


def lines(file: Path, rows: Sequence[str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")


def phoenix2014(root: Path, part: str = "multisigner") -> Path:
    """The part's lists, and the multisigner's frames."""
    inner = {"multisigner": "phoenix-2014-multisigner", "si5": "phoenix-2014-signerindependent-SI5"}[part]
    ending = "SI5.corpus.csv" if part == "si5" else "corpus.csv"
    for split, rows in ROWS.items():
        if part == "si5":
            rows = tuple(row for row in rows if (row[1] == "Signer05") != (split == "train"))
        text = [f"{name}|{name}/1/*.png|{signer}|{glosses}" for name, signer, glosses, _ in rows]
        lines(root / inner / "annotations/manual" / f"{split}.{ending}", [PHOENIX_HEADER, *text])
        for name, _, _, frames in rows:
            pictures(root / "phoenix-2014-multisigner" / FRAMES / split / name / "1", frames)
    return root


def phoenix2014t(root: Path) -> Path:
    for split, rows in ROWS.items():
        text = [
            f'{name}|{name}/1/*.png|-1|-1|{signer}|{glosses}|der "regen" kommt'
            for name, signer, glosses, _ in rows
        ]
        header = "name|video|start|end|speaker|orth|translation"
        lines(root / f"PHOENIX-2014-T/annotations/manual/PHOENIX-2014-T.{split}.corpus.csv", [header, *text])
        for name, _, _, frames in rows:
            pictures(root / "PHOENIX-2014-T" / FRAMES / split / name, frames, "images{:04d}.png")
    return root


CSL: tuple[tuple[str, str, str, str, int], ...] = (
    ("S000000_P0000_T00", "train", "你们 好", "你们好。", 3),
    ("S000007_P0003_T00", "train", "他 谁", "他是谁?", 2),
    ("S000020_P0004_T00", "dev", "他 今天", "他今天。", 2),
    ("S000040_P0008_T00", "test", "今天 星期", "今天星期。", 2),
)
LABELS = [
    {
        "name": name, "length": frames, "label_gloss": glosses.split(), "label_char": list(text),
        "label_word": [text], "label_postag": ["n"], "signer": int(name[12]), "time": 0,
    }
    for name, _, glosses, text, frames in CSL
]  # fmt: skip


def csl_daily(root: Path, frames: str = "sentence_frames-512x512") -> Path:
    """Frames and the text form of the labels."""
    listed = ["name|split", *(f"{name}|{split}" for name, split, *_ in CSL)]
    labels = [
        f"{number}|{name}|{count}|{glosses}|{' '.join(text)}|{text}|n"
        for number, (name, _, glosses, text, count) in enumerate(CSL)
    ]
    lines(root / "sentence_label/split_1.txt", listed)
    lines(root / "sentence_label/video_map.txt", ["index|name|length|gloss|char|word|postag", *labels])
    for name, _, _, _, count in CSL:
        pictures(root / frames / name, count, "{:06d}.jpg")
    return root
