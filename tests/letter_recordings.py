"""A folder of recordings of single letters by several people, as the corpus `composed` reads it."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from signkit.data.synthetic import hand_clip
from signkit.data.synthetic.draw import stream
from signkit.data.synthetic.hand_clip import Stage
from signkit.data.synthetic.hand_table import POSTURES

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def write_recordings(
    root: Path, people: Mapping[str, str] | None = None, *, takes: int = 2, frames: int = 10
) -> Path:
    """Two recordings of each letter by each person, all letters unless it is said which."""
    people = people or dict.fromkeys("abcd", LETTERS)
    rows, clips = ["signer,kind,label,seq,offset,frames"], []
    for number, (name, letters) in enumerate(people.items()):
        person = hand_clip.draw_person(number, stream(number), 1.0)
        for letter in letters:
            for take in range(takes):
                rows.append(f"{name},motion,{letter},{take},{len(clips) * frames},{frames}")
                key = (number, ord(letter), take)
                clips.append(
                    hand_clip.perform(POSTURES[letter][0], person, Stage(1.0, 0.01, 0.0), frames, key)
                )
    root.mkdir(parents=True, exist_ok=True)
    (root / "index.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    np.savez(root / "landmarks.npz", xyz=np.concatenate(clips).astype(np.float16))
    return root
