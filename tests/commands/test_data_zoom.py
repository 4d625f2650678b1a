"""Iterative attention: boxes around what a run attends to, in stages, by hand, and of new clips."""

import csv
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from media import write_frames
from tiny import Shock, signkit, write_corpus, write_recipe

from signkit import zoom_boxes
from signkit.api import load
from signkit.errors import UserError

ZOOM, SIDE, PATCH, FRAMES = 0.75, 96, 24, 5
Places = dict[str, np.ndarray[Any, Any]]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Places]:
    """Films in which only a small striped patch moves; its stripes are its gloss."""
    root, rng, places = tmp_path_factory.mktemp("clips"), np.random.default_rng(0), Places()
    stripes = np.where(np.mgrid[:PATCH, :PATCH] // 2 % 2, 255, 120).astype(np.uint8)[..., None]
    rows = ["id,path,gloss,split"]
    for split, count in (("train", 10), ("dev", 2), ("test", 2)):
        for number in range(count):
            film = np.repeat(rng.integers(30, 60, (1, SIDE, SIDE, 3)).astype(np.uint8), FRAMES, 0)
            about = rng.integers(4, SIDE - PATCH - 4, 2)
            corners = about + rng.integers(-3, 4, (FRAMES, 2))
            for frame, (y, x) in zip(film, corners, strict=True):
                frame[y : y + PATCH, x : x + PATCH] = stripes[number % 2]
            name = f"{split}{number}"
            write_frames(root / name, film)
            rows.append(f"{name},{name},{'RED' if number % 2 else 'BLUE'},{split}")
            places[name] = corners
    (root / "manifest.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return root, places


def stage(name: str, root: Path, **data: Any) -> dict[str, Any]:
    return {
        "name": name,
        "data": {"name": "manifest", "root": str(root), **data},
        "video": {"resize": 64, "crop": 64, "motion": "difference"},
        "encoder": {
            "name": "mict_ranet", "backbone": "resnet18", "channels": [4, 4, 8, 8], "attention": 8,
            "hidden": 8, "weights": "none", "checkpoint": False,
        },
        "model": {"name": "classifier"},
        "train": {"losses": [{"name": "cross_entropy"}], "max_steps": 1, "batch_size": 2, "save_every": 0},
    }  # fmt: skip


@pytest.fixture(scope="module")
def recipe(clips: tuple[Path, Places], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, root = tmp_path_factory.mktemp("stages"), clips[0]
    stages = [
        stage("whole", root),
        stage("near", root, boxes={"stage": "whole"}, zoom=ZOOM),
        stage("nearer", root, boxes={"stage": "near"}, zoom=0.8),
    ]
    file = folder / "iterative.yaml"
    file.write_text(json.dumps({"stages": stages, "run": {"dir": str(folder / "runs")}}), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def run(recipe: Path) -> Path:
    done = signkit("run", recipe)
    assert done.status == 0, done.err
    return done.run


def boxes(file: Path) -> dict[str, tuple[int, ...]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return {
            row["filename"]: tuple(int(row[key]) for key in ("x0", "y0", "x1", "y1"))
            for row in csv.DictReader(lines)
        }


def test_the_box_of_a_clip_has_what_moves(run: Path, clips: tuple[Path, Places]) -> None:
    """Of every split, and of every frame; the box in the box is in pixels of the whole frames too."""
    for name, zoom, side in (("whole", ZOOM, 72), ("near", 0.8, 58)):
        found = boxes(run / name / "boxes" / f"{zoom}.csv")
        assert found.keys() == clips[1].keys()
        inside = 0
        for clip, (left, top, right, bottom) in found.items():
            assert (right - left, bottom - top) == (side, side)
            corners = clips[1][clip]
            inside += bool((corners >= (top, left)).all() and (corners + PATCH <= (bottom, right)).all())
        assert inside >= 13, f"{inside} of 14 in the boxes of {name}"


def test_a_stage_reads_the_boxes_of_the_one_before(run: Path) -> None:
    resolved = (run / "near" / "resolved.yaml").read_text(encoding="utf-8")
    assert f"boxes: {run / 'whole'}\n" in resolved
    prints = {
        json.loads((run / name / "env.json").read_text())["data"] for name in ("whole", "near", "nearer")
    }
    assert len(prints) == 3


def test_killed_between_two_stages(recipe: Path, run: Path, tmp_path: Path) -> None:
    """Boxes are written at once, so that half of them are none; resumed, all is as if nothing had been."""
    words = ("run", recipe, "--set", f"run.dir={tmp_path}", "--resume", "auto")
    shock = Shock("signkit.commands.predict.zoomed:zoomed_box", 5)
    assert signkit(*words, shocks=[shock]).status == -9
    (folder,) = (tmp_path / "iterative").iterdir()
    assert (folder / "whole" / "scores.json").exists() and not (folder / "whole" / "boxes").exists()
    done = signkit(*words)
    assert (done.status, done.run) == (0, folder), done.err
    for file in ("whole/boxes/0.75.csv", "near/boxes/0.8.csv", "nearer/decode/test.jsonl"):
        assert (folder / file).read_bytes() == (run / file).read_bytes()


def test_by_hand(run: Path, tmp_path: Path) -> None:
    """The command and the function write what the stages read; a recipe reads the file, too."""
    done = signkit("data", "zoom", run / "whole", "--zoom", ZOOM, "--out", tmp_path / "near.csv", "--json")
    assert json.loads(done.out) == {
        "run": str(run / "whole"), "zoom": ZOOM, "boxes": str(tmp_path / "near.csv")
    }  # fmt: skip
    file = run / "whole" / "boxes" / f"{ZOOM}.csv"
    written = file.read_bytes()
    assert (tmp_path / "near.csv").read_bytes() == written
    file.unlink()
    assert zoom_boxes(run / "whole", zoom=ZOOM) == file
    assert file.read_bytes() == written


def test_other_data(run: Path, clips: tuple[Path, Places], tmp_path: Path) -> None:
    """Clips of a run of the second stage need boxes of the first one."""
    rows = (clips[0] / "manifest.csv").read_text(encoding="utf-8").splitlines()
    shutil.copytree(clips[0] / "test0", tmp_path / "test0")
    (tmp_path / "manifest.csv").write_text(f"{rows[0]}\n{rows[-2]}\n", encoding="utf-8")
    first = zoom_boxes(run / "whole", tmp_path, zoom=ZOOM, out=tmp_path / "1.csv")
    second = zoom_boxes(
        run / "near", tmp_path, zoom=0.8, out=tmp_path / "2.csv", overrides=[f"data.boxes={first}"]
    )
    for name, zoom, file in (("whole", ZOOM, first), ("near", 0.8, second)):
        assert boxes(file) == {"test0": boxes(run / name / "boxes" / f"{zoom}.csv")["test0"]}
    done = signkit("evaluate", run / "near", "--data", tmp_path)
    note = "the run read frames that were cropped to boxes, and these are read whole: `--set data.boxes=FILE`"
    assert done.status == 0 and note in done.err
    assert (
        note not in signkit("evaluate", run / "near", "--data", tmp_path, "--set", f"data.boxes={first}").err
    )


@pytest.mark.parametrize("stage", ["near", "nearer"])
def test_new_clips_are_zoomed_into_in_turn(run: Path, clips: tuple[Path, Places], stage: str) -> None:
    """Their predictions are those of the same clips with the boxes that the stages wrote."""
    lines = (run / stage / "decode" / "test.jsonl").read_text(encoding="utf-8").splitlines()
    expected = {each["id"]: each["confidence"] for each in map(json.loads, lines)}
    paths = [clips[0] / name for name in expected]
    folder = run if stage == "nearer" else run / stage
    done = signkit("predict", folder, *paths, "--json")
    assert (done.status, done.err) == (0, "")
    told = {Path(each["id"]).name: each["confidence"] for each in map(json.loads, done.out.splitlines())}
    assert told == pytest.approx(expected, abs=1e-5)
    loaded = [each.outputs["gloss"].confidence for each in load(folder).predict(paths)]  # type: ignore[union-attr]
    assert loaded == pytest.approx([*expected.values()], abs=1e-5)


def test_a_folder_that_was_moved(run: Path, clips: tuple[Path, Places], tmp_path: Path) -> None:
    """The stages are next to each other still. Without them nothing is predicted."""
    for name in ("whole", "near"):
        shutil.copytree(run / name / "export", tmp_path / name / "export")
    export, gone = tmp_path / "near" / "export", str(run / "whole").replace("stages", "gone")
    recipe = (export / "recipe.yaml").read_text(encoding="utf-8")
    sums = (export / "SHA256SUMS").read_text(encoding="utf-8")
    moved = recipe.replace(str(run / "whole"), gone)
    before, after = (hashlib.sha256(text.encode()).hexdigest() for text in (recipe, moved))
    (export / "recipe.yaml").write_text(moved, encoding="utf-8")
    (export / "SHA256SUMS").write_text(sums.replace(before, after), encoding="utf-8")
    assert load(tmp_path / "near").predict(clips[0] / "test0").shown in ("RED", "BLUE")
    (tmp_path / "whole").rename(tmp_path / "other")
    with pytest.raises(UserError) as caught:
        load(tmp_path / "near").predict(clips[0] / "test0")
    assert str(caught.value) == (
        f"{tmp_path / 'near'}: reads frames cropped by the attention of {gone}, and this run is not there; "
        "put it where it was, or next to this one"
    )


def test_what_is_refused(run: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    whole = run / "whole"
    for options, message in (
        ({"out": tmp_path / "a.csv"}, f"--out: {tmp_path}/a.csv exists already; name a new file"),
        ({"out": tmp_path / "a.txt"}, f"--out: {tmp_path}/a.txt is no csv; boxes.csv, for example"),
        ({"zoom": 1.5}, "zoom: must be between 0.05 and 1, not 1.5"),
        ({"data": tmp_path}, "--out: is needed: boxes of other data do not go into the run's folder"),
    ):
        with pytest.raises(UserError) as caught:
            zoom_boxes(whole, **options)  # type: ignore[arg-type]
        assert str(caught.value) == message


def test_boxes_that_are_not_there_yet(run: Path, clips: tuple[Path, Places], tmp_path: Path) -> None:
    """A recipe that is no stage computes none."""
    alone = stage("x", clips[0], boxes=str(run / "near"), zoom=0.4)
    del alone["name"]
    (tmp_path / "alone.yaml").write_text(json.dumps(alone), encoding="utf-8")
    done = signkit("run", tmp_path / "alone.yaml", "--set", f"run.dir={tmp_path / 'runs'}")
    assert (done.status, done.err) == (
        2,
        f"error: {run / 'near'}: the run has no boxes of a zoom of 0.4 yet; "
        f"`signkit data zoom {run / 'near'} --zoom 0.4` computes them\n",
    )


def test_a_run_without_attention(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", train=4, dev=1, test=1)
    done = signkit("run", write_recipe(tmp_path / "tiny.yaml", corpus, max_steps=1))
    assert done.status == 0, done.err
    with pytest.raises(UserError) as caught:
        zoom_boxes(done.run)
    assert str(caught.value) == (
        f"{done.run}: its encoder does not attend to places of frames; that of "
        "`encoder: {name: mict_ranet}` does"
    )
