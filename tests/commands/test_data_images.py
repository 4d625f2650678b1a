"""`signkit data check` and `signkit data report` of images, and the examples of each class."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from images import write_images
from PIL import Image

from signkit.commands.data.check import Options, check_corpus
from signkit.commands.data.report import report_corpus
from signkit.data.corpora.configs import ImagesConfig
from signkit.data.corpora.images import read
from signkit.report.corpus.thumbnails import class_examples
from signkit.runtime.progress import Watch


def checked(root: Path, capsys: pytest.CaptureFixture[str], *overrides: str) -> tuple[int, dict[str, object]]:
    status = check_corpus("images", Options(root=root, overrides=overrides, as_json=True))
    return status, json.loads(capsys.readouterr().out)


def test_images_that_are_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, found = checked(write_images(tmp_path / "x", "ABC", 5), capsys)
    assert status == 0
    splits = found["splits"] if "splits" in found else found["parts"]
    assert {name: part["usable"] for name, part in splits.items()} == {"train": 9, "dev": 3, "test": 3}  # type: ignore[attr-defined]


def test_every_fault_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write_images(tmp_path / "x", "ABC", 5)
    (root / "A" / "A0.png").write_bytes(b"")
    Image.new("CMYK", (4, 4)).save(root / "B" / "print.jpg")
    (root / "C" / "C1.png").write_bytes((root / "C" / "C0.png").read_bytes())
    status, found = checked(root, capsys)
    assert status == 2
    assert len(found["missing"]) == 2  # type: ignore[arg-type]


def test_the_page_has_examples_of_each_class(tmp_path: Path) -> None:
    root = write_images(tmp_path / "x", "ABC", 5)
    assert report_corpus("images", tmp_path / "page.html", root, as_json=True) == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Examples of each class of train" in page
    assert "Distributions" not in page and "filter by frames" not in page  # of what lasts


def test_examples_are_a_picture_of_each_of_some_samples(tmp_path: Path) -> None:
    corpus = read(ImagesConfig(root=str(write_images(tmp_path / "x", "AB", 20, size=30))))
    train = corpus.split("train")
    shots = class_examples(train, Watch(tmp_path, main=False, log=False))
    assert [(shot.name, shot.about) for shot in shots] == [("A", "12 samples"), ("B", "12 samples")]
    for shot, bright in zip(shots, (0, 1), strict=True):
        pixels = np.asarray(Image.open(io.BytesIO(shot.content)).convert("L")).astype(float)
        assert pixels.shape == (150, 6 * 150)
        halves = pixels.reshape(150, 6, 2, 75).mean((0, 3))
        assert (halves[:, bright] > halves[:, 1 - bright] + 50).all()


@pytest.mark.parametrize(("labels", "count"), [("A", 6), ("ABCDE", 1)])
def test_no_examples_where_there_are_no_classes(labels: str, count: int, tmp_path: Path) -> None:
    """One class alone, or none that is there twice, as of sentences."""
    root = write_images(tmp_path / "x", labels, count + 4)
    train = read(ImagesConfig(root=str(root))).samples
    some = [sample for number, sample in enumerate(train) if count > 1 or sample.id.endswith("0.png")]
    assert class_examples(some, Watch(tmp_path, main=False, log=False)) == ()
