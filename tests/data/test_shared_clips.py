"""One clip in several rows of a manifest, whatever leads to it."""

import os
from pathlib import Path

import numpy as np
import pytest
from media import moving, write_frames, write_video

from signkit.data.corpora.configs import ManifestConfig
from signkit.data.corpora.manifest import take_stock


def points(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((6, 3, 2), np.float32)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "clips").mkdir()
    for number, name in enumerate("abc"):
        np.savez(tmp_path / f"clips/{name}.npz", landmarks=points(number), layout="boston104")
    return tmp_path


def shared(root: Path, *rows: str, columns: str = "id,path,split") -> list[str]:
    lines = [f"{columns},gloss", *(f"{row},A" for row in rows)]
    (root / "manifest.csv").write_text("\n".join(lines) + "\n")
    stock = take_stock(ManifestConfig(root=str(root)))
    assert (stock.faults, stock.gaps) == ((), ())
    return [str(each.fault).replace(f"{root}/", "") for each in stock.shared]


@pytest.mark.parametrize(
    "second", ["clips/a.npz", "./clips//a.npz", "clips\\a.npz", "link.npz", "hard.npz", "folder/a.npz"]
)
def test_one_file(root: Path, second: str) -> None:
    (root / "link.npz").symlink_to(root / "clips/a.npz")
    os.link(root / "clips/a.npz", root / "hard.npz")
    (root / "folder").symlink_to(root / "clips")
    expected = f"manifest.csv:4: {second} is in two splits: train (id 'a', line 2) and test (id 'x') here"
    assert shared(root, "a,clips/a.npz,train", "b,clips/b.npz,dev", f"x,{second},test") == [expected]


def test_copies(root: Path) -> None:
    """Also one that is compressed, with another rate."""
    (root / "copy.npz").write_bytes((root / "clips/a.npz").read_bytes())
    np.savez_compressed(root / "packed.npz", landmarks=points(1), layout="boston104", fps=50)
    found = shared(root, "a,clips/a.npz,train", "b,clips/b.npz,dev", "x,copy.npz,test", "y,packed.npz,dev")
    assert found == [
        "manifest.csv:4: copy.npz has the content of clips/a.npz, which is in another split: "
        "train (id 'a', line 2) and test (id 'x') here",
        "manifest.csv:5: packed.npz has the content of clips/b.npz, so it is twice in dev: id 'b', line 3, "
        "and id 'y' here",
    ]


def test_videos_and_folders_of_frames(root: Path) -> None:
    """Copies of either; an equal size alone is no equal content."""
    pixels = moving(4)
    write_frames(root / "one", pixels)
    write_frames(root / "two", pixels)
    for number, name in enumerate(("one.mp4", "two.mp4", "three.mp4")):
        write_video(root / name, pixels if number < 2 else pixels[::-1])
    rows = ("a,one,train", "b,two,dev", "c,one.mp4,train", "d,three.mp4,dev", "e,two.mp4,test")
    assert [each.partition(",")[0] for each in shared(root, *rows)] == [
        "manifest.csv:3: two has the content of one",
        "manifest.csv:6: two.mp4 has the content of one.mp4",
    ]
    (root / "same").write_bytes((root / "one.mp4").read_bytes()[:-1] + b"x")
    (root / "same").rename(root / "two.mp4")
    assert len(shared(root, *rows)) == 1


def test_segments_are_the_same_clip_where_they_overlap(root: Path) -> None:
    np.savez(root / "long.npz", landmarks=np.ones((100, 3, 2)), layout="boston104")
    rows = (
        "a,long.npz,train,0,1",
        "b,long.npz,dev,1,2",
        "c,long.npz,train,2,3",
        "d,long.npz,test,1.5,2.2",
        "e,long.npz,test,3,",
    )
    found = shared(root, *rows, columns="id,path,split,start,end")
    assert [each.partition(" is in two splits: ")[2] for each in found] == [
        "dev (id 'b', line 3) and test (id 'd') here", "train (id 'c', line 4) and test (id 'd') here",
    ]  # fmt: skip
    assert (
        len(shared(root, "a,long.npz,train,,", "e,long.npz,test,3,", columns="id,path,split,start,end")) == 1
    )


def test_it_may_be_meant(root: Path) -> None:
    shared(root, "a,clips/a.npz,train", "b,clips/a.npz,dev")
    assert take_stock(ManifestConfig(root=str(root), shared_clips="allow")).shared == ()


@pytest.mark.parametrize("value", [np.nan, 0.0, 0.5])
def test_clips_without_content_are_no_copies(root: Path, value: float) -> None:
    """Nothing seen, or one value throughout; one file in two splits is found all the same."""
    for name in ("one", "two"):
        np.savez(root / f"{name}.npz", landmarks=np.full((5, 3, 2), value), layout="boston104")
    rows = ("a,clips/a.npz,train", "x,one.npz,train", "y,two.npz,dev")
    assert shared(root, *rows) == []
    assert [each.partition(":")[0] for each in shared(root, *rows, "z,one.npz,dev")] == ["manifest.csv"]


def test_features_without_content_are_no_copies(root: Path) -> None:
    for name, vectors in (("one", np.ones((5, 4))), ("two", np.ones((5, 4)))):
        np.savez(root / f"{name}.npz", features=vectors.astype(np.float32))
    assert shared(root, "x,one.npz,train", "y,two.npz,dev") == []
