"""Clips in which no hand, or nothing at all, is seen: a run takes them like any others."""

import math
from pathlib import Path

import numpy as np
import pytest
from tiny import C2ST, CTC, metrics, signkit, write_corpus, write_npz, write_recipe

pytestmark = pytest.mark.slow
HIDDEN = {"train0": slice(0, 2), "train3": slice(None), "dev1": slice(0, 2), "test2": slice(None)}


@pytest.mark.parametrize(("base", "encoder"), [(C2ST, "kinematic"), (CTC, "gcn")])
def test_a_run_with_clips_that_show_no_hand(tmp_path: Path, base: dict, encoder: str) -> None:
    corpus = write_corpus(tmp_path / "corpus")
    for name, points in HIDDEN.items():
        with np.load(corpus / f"{name}.npz") as arrays:
            hidden = arrays["landmarks"].copy()
        hidden[:, points] = np.nan
        write_npz(corpus / f"{name}.npz", hidden)
    augment = {"rate": 0.1, "mirror": 0.5, "scale": 0.1, "shift": 0.1, "noise": 0.1, "drop_parts": 0.3}
    recipe = {**base, "encoder": {**base["encoder"], "name": encoder}, "augment": augment}
    done = signkit("run", write_recipe(tmp_path / "tiny.yaml", corpus, recipe, max_steps=4, batch_size=6))
    assert done.status == 0, done.err
    assert (
        "4 of 19 clips show no hand in any frame (train 2, dev 1, test 1): used, with all points of "
        "the hands missing; `data.unseen: skip` leaves those of train out\n"
    ) in done.err
    losses = [line["loss"] for line in metrics(done.run) if "loss" in line]
    assert losses and all(map(math.isfinite, losses))
    assert all(file.read_text().count("\n") for file in (done.run / "decode").glob("*"))
