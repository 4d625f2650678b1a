"""A corpus of glosses and sentences that is learnt in seconds, and a recipe for it."""

from itertools import product
from pathlib import Path

WORDS = {
    "REGEN": "regen",
    "SONNE": "sonne",
    "WIND": "wind",
    "NORD": "im norden",
    "SUED": "im süden",
    "MORGEN": "morgen",
    "HEUTE": "heute",
}
PAIRS = [
    (f"{day} {where} {what}", f"{WORDS[day]} gibt es {WORDS[what]} {WORDS[where]} .")
    for day, where, what in product(("MORGEN", "HEUTE"), ("NORD", "SUED"), ("REGEN", "SONNE", "WIND"))
]
RECIPE = """
data: {name: parallel, root: ROOT}
text: {unit: gloss}
encoder:
  name: text
  width: 16
  dropout: 0.0
  global_temporal: {kind: transformer, layers: 1, width: 16, heads: 2, feed_forward: 32}
model: {name: attention, width: 16, layers: 1, heads: 2, feed_forward: 32, dropout: 0.0}
train: {losses: [{name: next_token}], batch_size: 12, lr: 1e-2, max_steps: 150, eval_every: 50}
decode: {beam: 3, longest: 40}
run: {dir: RUNS}
"""


def write_pairs(folder: Path) -> Path:
    """All twelve sentences in train, four of them in dev and in test too."""
    folder.mkdir(parents=True, exist_ok=True)
    for split, pairs in (("train", PAIRS), ("dev", PAIRS[::3]), ("test", PAIRS[1::3])):
        for ending, side in (("gloss", 0), ("txt", 1)):
            lines = "".join(f"{pair[side]}\n" for pair in pairs)
            (folder / f"{split}.{ending}").write_text(lines, encoding="utf-8")
    return folder


def write_recipe(folder: Path) -> Path:
    """A recipe that learns them by heart."""
    root = write_pairs(folder / "pairs")
    file = folder / "translate.yaml"
    text = RECIPE.replace("ROOT", str(root)).replace("RUNS", str(folder / "runs"))
    file.write_text(text, encoding="utf-8")
    return file
