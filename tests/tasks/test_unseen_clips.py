"""Clips in which no hand, or nothing at all, is seen: a run takes them like any others."""

import csv
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny import C2ST, CTC, metrics, signkit, write_corpus, write_npz, write_recipe

from signkit.report.corpus import thumbnails
from signkit.tasks.transcripts.picture import _skeletons
from signkit.types import Landmarks

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


def test_a_run_whose_dev_clips_show_nothing_is_drawn(tmp_path: Path) -> None:
    """In a process that draws, which those of the other tests do not; it says nothing of empty slices."""
    corpus = write_corpus(tmp_path / "corpus")
    for file in corpus.glob("dev*.npz"):
        with np.load(file) as arrays:
            hidden = np.full_like(arrays["landmarks"], np.nan)
        write_npz(file, hidden)
    recipe = write_recipe(tmp_path / "tiny.yaml", corpus, CTC, max_steps=2, batch_size=6)
    command = [sys.executable, "-W", "error::RuntimeWarning", "-m", "signkit"]
    done = subprocess.run([*command, "run", recipe], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    run = Path(done.stdout.splitlines()[-1])
    assert (run / "picture.png").read_bytes().startswith(b"\x89PNG")
    again = subprocess.run([*command, "decode", run], capture_output=True, text=True)
    assert again.returncode == 0, again.stderr


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [np.nan, 0.5])
def test_pictures_of_clips_without_extent(value: float) -> None:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2)
    clip = Landmarks(np.full((3, 3, 2), value, np.float32), "boston104", 25.0)
    _skeletons(list(axes), clip, np.array([0, 2]))
    figure.canvas.draw()
    pyplot.close(figure)
    strip = thumbnails._skeletons(clip)
    drawn = [len(np.unique(picture.reshape(-1, 3), axis=0)) > 1 for picture in strip]
    assert drawn == [not np.isnan(value)] * len(strip)


def test_references_of_several_glosses_are_counted_where_one_is_allowed(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus")
    manifest = corpus / "manifest.csv"
    with manifest.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["gloss"] = "JOHN READ" if row["id"] in ("train1", "train4", "dev0") else "WHO"
    with manifest.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    recipe = write_recipe(tmp_path / "tiny.yaml", corpus, CTC, max_steps=1, batch_size=6)
    done = signkit("run", recipe, "--set", "decode.only=one")
    assert done.status == 0, done.err
    assert "decode.only is one, but 2 of 12 references of train are not one gloss\n" in done.err
