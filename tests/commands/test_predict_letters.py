"""`signkit predict hand_letters`: the model that signkit carries, on hands that are made here."""

import json
from pathlib import Path

import numpy as np
import pytest
from media import moving, write_video
from predicting import Predict

import signkit
from signkit.commands.predict.inputs import Failures, Source, opened
from signkit.commands.predict.named import named_inputs
from signkit.commands.predict.verb import _print_folders as print_folders
from signkit.data.corpora.configs import SyntheticHandsConfig
from signkit.data.landmarks import longest_seen, with_depth
from signkit.data.synthetic.hand_corpus import read
from signkit.runtime.runs import CARRIED, carried, find_run
from signkit.types import Landmarks

PEOPLE = SyntheticHandsConfig(seed=99, train=1, dev=0, test=4, people=40)
"""Whom the model has not seen."""


@pytest.fixture
def predict(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Predict:
    return Predict(monkeypatch, capsys)


@pytest.fixture(scope="module")
def hands() -> dict[str, np.ndarray]:
    """Points by a name that begins with the letter."""
    samples = read(PEOPLE).split("test")
    return {f"{s.reference[0]}{n}": s.load().points for n, s in enumerate(samples)}  # type: ignore[union-attr]


def written(folder: Path, hands: dict[str, np.ndarray], layout: str = "hand") -> list[Path]:
    for name, points in hands.items():
        np.savez(folder / f"{name}.npz", landmarks=points, layout=layout, fps=25.0)
    return [folder / f"{name}.npz" for name in hands]


def test_it_is_small_and_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert carried() == ("hand_letters",)
    files = [path for path in (CARRIED / "hand_letters").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 2_000_000
    assert find_run("hand_letters") == CARRIED / "hand_letters"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hand_letters").mkdir()
    assert find_run("hand_letters") == Path("hand_letters")  # the user's own folder comes first


def test_it_names_no_file_of_the_machine_it_was_trained_on() -> None:
    for path in (CARRIED / "hand_letters").rglob("*"):
        if path.suffix in (".yaml", ".json", ".md"):
            assert "/work" not in path.read_text(encoding="utf-8")
    assert signkit.load("hand_letters").recipe.data.real == ""  # type: ignore[attr-defined]


def test_letters_of_unseen_people(hands: dict[str, np.ndarray]) -> None:
    found = [each.text for each in signkit.load("hand_letters").predict(list(hands.values()))]
    right = np.array([name[0] == letter for name, letter in zip(hands, found, strict=True)])
    assert right.mean() > 0.8


def test_files_and_lists_as_json(predict: Predict, hands: dict[str, np.ndarray], tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    files = written(tmp_path, {name: hands[name] for name in list(hands)[:3]})
    inner = written(tmp_path / "inner", {"x": hands[list(hands)[3]]}, "mediapipe_hand")
    listed = tmp_path / "files.txt"
    listed.write_text(f"inner/{inner[0].name}\n", encoding="utf-8")
    status, out, error = predict("hand_letters", *files, "--list", listed, "--json")
    assert (status, error) == (0, "")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["id"] for row in rows] == [*(path.stem for path in files), "x"]
    for row in rows:
        assert len(row["tokens"]) == 1 and row["tokens"][0] == row["top"][0][0]
        assert np.exp(row["score"]) == pytest.approx(row["top"][0][1])
        assert sorted(row["top"], key=lambda pair: -pair[1]) == row["top"] and len(row["top"]) == 5


def test_without_depth(hands: dict[str, np.ndarray], tmp_path: Path, predict: Predict) -> None:
    """A file whose depth is NaN everywhere is as one whose depth is 0."""
    points = next(iter(hands.values()))
    unknown, none = points.copy(), points.copy()
    unknown[..., 2], none[..., 2] = np.nan, 0
    np.testing.assert_array_equal(with_depth(unknown), none)
    model = signkit.load("hand_letters")
    assert model.predict(unknown).outputs == model.predict(none).outputs
    status, out, _ = predict("hand_letters", *written(tmp_path, {"flat": unknown}), "--json")
    assert status == 0
    assert json.loads(out)["tokens"] == [model.predict(none).text]


def test_depth_that_is_missing_here_and_there_is_left_so() -> None:
    points = np.ones((2, 21, 3), dtype=np.float32)
    points[0, 0, 2] = np.nan
    assert with_depth(points) is points


def test_a_clip_without_a_hand(predict: Predict, tmp_path: Path) -> None:
    (file,) = written(tmp_path, {"empty": np.full((3, 21, 3), np.nan, dtype=np.float32)})
    assert (
        predict.refuses("hand_letters", file, "--json") == f"error: {file}: no point is seen in any frame\n"
    )


def test_other_layouts_are_refused(predict: Predict, tmp_path: Path) -> None:
    (file,) = written(tmp_path, {"tracks": np.zeros((3, 3, 2), dtype=np.float32)}, "boston104")
    what = "has landmarks of layout 'boston104', not landmarks of layout 'hand'"
    assert predict.refuses("hand_letters", file) == f"error: {file}: {what}\n"


def test_photos_and_videos_are_opened(tmp_path: Path) -> None:
    """A picture is a clip of one frame for a model of one hand, and for no other."""
    image = pytest.importorskip("PIL.Image", reason="pillow is not installed: the extra `video`")
    pytest.importorskip("av", reason="av is not installed: the extra `video`")
    image.fromarray(moving(1, 48, 64)[0]).save(tmp_path / "photo.JPG")
    write_video(tmp_path / "film.mp4", moving(9, 48, 64))
    failures = Failures(stop=False)
    inputs = named_inputs([tmp_path / "photo.JPG", tmp_path / "film.mp4"], None)
    sources = opened(inputs, "hand", False, failures)
    assert [source.frames for source in sources] == [1, 9]
    assert not failures.messages
    opened(inputs, "hands", False, failures)
    assert list(failures.messages) == [str(tmp_path / "photo.JPG")]


def hand_pair(first: list[int], second: list[int]) -> np.ndarray:
    """Both hands of frames in which the first has the value 1 and the second 2 where they are seen."""
    pair = np.full((len(first), 42, 3), np.nan, dtype=np.float32)
    pair[np.array(first, bool), :21], pair[np.array(second, bool), 21:] = 1, 2
    return pair


@pytest.mark.parametrize(
    ("first", "second", "values"),
    [
        ([1, 1, 0], [0, 0, 0], [1, 1, np.nan]),
        ([0, 1, 0], [1, 0, 1], [2, 1, 2]),  # one hand, taken for both
        ([1, 1, 0], [0, 1, 1], [1, 1, np.nan]),  # two hands: the first in case of doubt
        ([1, 0, 0], [1, 1, 0], [2, 2, np.nan]),
    ],
)
def test_the_hand_that_is_seen_longest(first: list[int], second: list[int], values: list[float]) -> None:
    found = longest_seen(hand_pair(first, second))
    np.testing.assert_array_equal(found, np.broadcast_to(np.array(values)[:, None, None], (3, 21, 3)))


def test_a_folder_of_photos_is_told_to_be_a_clip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def source(path: Path, frames: int) -> Source:
        return Source(path, path.name, frames, lambda: Landmarks(np.zeros((1, 21, 3), np.float32), "hand"))

    (tmp_path / "photo.jpg").write_bytes(b"")
    (tmp_path / "photos").mkdir()
    print_folders([source(tmp_path / "photo.jpg", 1), source(tmp_path / "photos", 1200)])
    what = "the 1,200 pictures of this folder are read as the frames of one clip"
    assert (
        capsys.readouterr().err == f"note: {tmp_path / 'photos'}: {what}; name the files for a letter each\n"
    )


def test_of_landmarks_of_both_hands_the_one_seen_more_is_read(predict: Predict, tmp_path: Path) -> None:
    hand = np.random.default_rng(0).normal(size=(1, 21, 3)).astype(np.float32)
    both = np.concatenate([np.full_like(hand, np.nan), hand], 1)
    (one,) = written(tmp_path, {"one": hand}, "hand")
    (two,) = written(tmp_path, {"two": both}, "hands")
    found = [json.loads(predict("hand_letters", file, "--json")[1])["top"] for file in (one, two)]
    assert found[0] == found[1]
