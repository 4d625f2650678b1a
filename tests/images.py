"""Small images of a few classes, made on the spot: a bright bar at another place for each class."""

from pathlib import Path

import numpy as np
from PIL import Image


def write_images(
    root: Path, labels: str = "ABC", count: int = 6, *, size: int = 32, signers: int = 0, seed: int = 0
) -> Path:
    """Folders of labels, or with `signers` a folder of labels for each; every image is another one."""
    rng = np.random.default_rng(seed)
    for signer in range(max(signers, 1)):
        for place, label in enumerate(labels):
            for number in range(count):
                pixels = rng.integers(0, 60, (size, size, 3), dtype=np.uint8)
                start = place * size // len(labels)
                pixels[:, start : start + size // len(labels)] += np.uint8(120 + 10 * signer)
                folder = root / f"s{signer}" / label if signers else root / label
                folder.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(folder / f"{label}{number}.png")
    return root
