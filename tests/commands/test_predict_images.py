"""Classifiers of images: a run on folders, then images and folders of them as inputs."""

import json
from pathlib import Path

import pytest
import yaml
from images import write_images
from PIL import Image
from predicting import Predict

import signkit
from signkit.cli.app import main
from signkit.errors import UserError

RECIPE = {
    "video": {"resize": 24, "crop": 24},
    "encoder": {"name": "cnn", "channels": [16, 16], "width": 32, "dropout": 0.0},
    "model": {"name": "classifier"},
    "train": {
        "losses": [{"name": "cross_entropy"}],
        "optimizer": "rmsprop",
        "max_steps": 150,
        "batch_size": 8,
        "eval_every": 50,
        "save_every": 0,
    },
    "decode": {"name": "labels", "top": 2},
}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_images(tmp_path_factory.mktemp("images"), "ABC", 5, size=24, signers=5)


@pytest.fixture(scope="module")
def run(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    recipe = RECIPE | {"data": {"name": "images", "root": str(images)}, "run": {"dir": str(folder)}}
    (folder / "bars.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    done = signkit.run(folder / "bars.yaml")
    assert {(s.split, s.name): s.value for s in done.scores}["test", "accuracy"] == 1.0
    return done.folder


@pytest.fixture
def predict(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Predict:
    return Predict(monkeypatch, capsys)


def test_images_and_folders_with_their_top_classes(run: Path, images: Path, predict: Predict) -> None:
    single, folder = images / "s0" / "A" / "A0.png", images / "s1" / "B"
    status, out, error = predict(run, single, folder)
    assert (status, error) == (0, "")
    rows = [line.split("\t") for line in out.splitlines()]
    assert [row[0] for row in rows] == [str(single), *(f"B{number}.png" for number in range(5))]
    assert [row[1] for row in rows] == ["A"] + ["B"] * 5
    for row in rows:
        shown = [part.split(" ") for part in row[2].split(", ")]
        assert len(shown) == 2 and shown[0][0] == row[1] and float(shown[0][1]) >= float(shown[1][1])


def test_folders_in_folders_keep_two_images_of_one_name_apart(
    run: Path, images: Path, predict: Predict, tmp_path: Path
) -> None:
    """A.png and A.jpg are two images; other files are counted, and passed over."""
    Image.open(images / "s0" / "A" / "A0.png").save(tmp_path / "A.jpg")
    Image.open(images / "s0" / "B" / "B0.png").convert("L").save(tmp_path / "A.png")
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    status, out, error = predict(run, tmp_path, "--json")
    assert (status, error) == (0, "note: files passed over, which are no clips: .txt: 1\n")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [(row["id"], row["label"]) for row in rows] == [("A.jpg", "A"), ("A.png", "B")]
    assert all(len(row["top"]) == 2 for row in rows)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone.png", "there is no such file"),
        ("film.mp4", "is no image, and the model reads single images; "
         ".png, .jpg, .jpeg, .webp, .bmp, .tif, .tiff, .gif"),
        ("list.txt", "is text, not an image; a list of images is given by --list FILE"),
        ("empty.png", "the file is empty"),
        ("short.jpg", "cannot be decoded; it may be truncated or damaged"),
        ("print.jpg", "has the colours of print (CMYK); save it as RGB"),
        ("moving.gif", "holds 2 pictures, as an animation does; save the one that is meant"),
    ],
)  # fmt: skip
def test_what_is_no_image(
    name: str, message: str, run: Path, images: Path, predict: Predict, tmp_path: Path
) -> None:
    path = tmp_path / name
    if name in ("film.mp4", "list.txt"):
        path.write_bytes(b"x")
    elif name == "empty.png":
        path.write_bytes(b"")
    elif name == "short.jpg":
        Image.effect_noise((64, 64), 90).save(path)
        path.write_bytes(path.read_bytes()[:-300])
    elif name == "print.jpg":
        Image.new("CMYK", (4, 4)).save(path)
    elif name == "moving.gif":
        Image.new("RGB", (4, 4), "red").save(
            path, save_all=True, append_images=[Image.new("RGB", (4, 4), "blue")]
        )
    status, out, error = predict(run, path)
    assert (status, out) == (2, "")
    assert error.splitlines()[-1] == f"error: {path}: {message}"
    good = images / "s0" / "C" / "C0.png"
    status, out, error = predict(run, path, good, "--on-error", "skip")
    assert status == 2 and out.split("\t")[:2] == [str(good), "C"]
    assert f"error: {path}: {message}" in error and "error: 1 of 2 inputs left out" in error


def test_a_folder_without_images(run: Path, predict: Predict, tmp_path: Path) -> None:
    status, _, error = predict(run, tmp_path)
    assert status == 2
    endings = ".png, .jpg, .jpeg, .webp, .bmp, .tif, .tiff, .gif"
    assert error == f"error: {tmp_path}: holds no images; {endings}\n"


def test_from_python(run: Path, images: Path) -> None:
    model = signkit.load(run)
    assert [
        each.text for each in model.predict([images / "s2" / "C" / "C1.png", images / "s2" / "A" / "A1.png"])
    ] == [
        "C",
        "A",
    ]
    with pytest.raises(UserError) as caught:
        model.predict(images)
    assert str(caught.value) == f"{images}: is a folder, not an image"


def test_evaluating_names_labels_that_the_model_does_not_know(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other data with a split of test alone: a label that they alone have is wrong, and named."""
    root = write_images(tmp_path / "other" / "test", "ABD", 4, size=24)
    words = ("signkit", "evaluate", str(run), "--set", f"data.root={root.parent}", "--json")
    monkeypatch.setattr("sys.argv", [*words])
    with pytest.raises(SystemExit) as ended:
        main()
    shown = capsys.readouterr()
    assert not ended.value.code, shown.err
    (found,) = json.loads(shown.out)["evaluated"]
    assert found["unknown"] == {"test": {"count": 4, "of": 12, "times": {"D": 4}}}
    assert found["metrics"][0]["value"] == 8 / 12
