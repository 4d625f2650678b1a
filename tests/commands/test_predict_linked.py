"""Files of landmarks that remember their video and the times of its frames."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from predicting import Predict, exported
from tiny import CTC, write_corpus

pytest.importorskip("av", reason="av is not installed: the extra `video`")

from media import moving, write_frames, write_video

from signkit.data.landmark_files import landmark_header, read_landmarks
from signkit.data.tracking import extract as extracting
from signkit.data.tracking.extract import Options, content, extract
from signkit.data.tracking.tracker import Tracked
from signkit.data.video import open_clip
from signkit.errors import UserError
from signkit.types import Clip, Landmarks


@dataclass(frozen=True)
class Uneven:
    """A clip of which the rate varies."""

    clip: Clip
    seconds: np.ndarray = field(compare=False)
    fps: float = 20.0

    @property
    def frames(self) -> int:
        return self.clip.frames

    def read(self, *args: Any) -> np.ndarray:
        return self.clip.read(*args)


class Tracker:
    """Sees the left hand in every frame."""

    def track(self, frames: Any) -> Tracked:
        count = len([*frames])
        points = np.full((count, 42, 3), np.nan, np.float32)
        points[:, :21] = np.random.default_rng(0).uniform(5, 40, (count, 21, 3))
        return Tracked(points, (~np.isnan(points[..., 0])).astype(np.float32), (64, 48))


def tracked(source: Path, output: Path) -> Path:
    extract(Tracker(), source, output, Options(model="hands"), lambda frames: None)  # type: ignore[arg-type]
    return output


@pytest.mark.parametrize("frames", [False, True], ids=["video", "folder of frames"])
def test_the_landmarks_of_a_clip_name_it(frames: bool, tmp_path: Path) -> None:
    if frames:
        source = tmp_path / "clips" / "Ü b"
        write_frames(source, moving(6, 48, 64))
    else:
        source = write_video(tmp_path / "clips" / "Ü b.mp4", moving(6, 48, 64))
    file = tracked(source, tmp_path / "out" / "below" / "a.npz")
    assert landmark_header(file).video == f"../../clips/{source.name}"
    with np.load(file) as arrays:
        assert sorted(arrays) == ["confidence", "fps", "landmarks", "layout", "video"]
    signal = read_landmarks(file)
    assert isinstance(signal, Landmarks) and signal.times is None


def test_frames_keep_their_own_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_video(tmp_path / "a.mp4", moving(6, 48, 64))
    seconds = np.array([0, 0.03, 0.07, 0.1, 0.2, 0.3])
    monkeypatch.setattr(extracting, "open_clip", lambda path, **to: Uneven(open_clip(path, **to), seconds))
    signal = read_landmarks(tracked(source, tmp_path / "a.npz"))
    assert isinstance(signal, Landmarks) and signal.times is not None
    assert np.array_equal(signal.times, seconds) and signal.fps == 20.0


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"times": np.arange(5.0)}, "`times` has 5 numbers but `landmarks` 6 frames"),
        ({"times": np.zeros((6, 1))}, "`times` must be [frames], not [6, 1]"),
        ({"times": np.array([0, 1, 2, 2, 3, 4.0])}, "`times` must be seconds that rise from frame to frame"),
        (
            {"times": np.array([0, 1, 2, np.nan, 3, 4.0])},
            "`times` must be seconds that rise from frame to frame",
        ),
        ({"video": np.array(3)}, "`video` must be a path, not 3"),
        ({"video": np.array(["a", "b"])}, "`video` must be one value, not [2]"),
    ],
)
def test_faults_of_times_and_video(arrays: dict[str, np.ndarray], message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", landmarks=np.ones((6, 3, 2)), layout="boston104", **arrays)
    with pytest.raises(UserError) as failed:
        read_landmarks(tmp_path / "a.npz")
    assert str(failed.value) == f"{tmp_path / 'a.npz'}: {message}"


def test_equal_landmarks_are_equal_bytes() -> None:
    points = np.ones((2, 42, 3), np.float32)
    one = Tracked(points, points[..., 0], (64, 48))
    first, again = (content(one, Options(model="hands"), 25.0, None, "a.mp4") for _ in range(2))
    assert first == again


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of three points in two dimensions."""
    folder = tmp_path_factory.mktemp("linked")
    return exported(folder, write_corpus(folder / "corpus"), CTC)


@pytest.fixture
def predict(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Predict:
    return Predict(monkeypatch, capsys)


def landmarks(path: Path, **about: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    points = np.random.default_rng(1).normal(0, 50, (20, 3, 2)).astype(np.float32)
    np.savez(path, landmarks=points, layout=np.array("boston104"), fps=25.0, **about)
    return path


def test_the_video_of_landmarks_is_linked_and_burnt(predict: Predict, run: Path, tmp_path: Path) -> None:
    write_video(tmp_path / "clips" / "a.mp4", moving(20, 48, 64))
    file = landmarks(tmp_path / "tracked" / "a.npz", video=np.array("../clips/a.mp4"))
    status, _, err = predict(run, file, "--elan", tmp_path / "out", "--burn", tmp_path / "out")
    assert (status, "note" in err) == (0, False)
    media = re.search('RELATIVE_MEDIA_URL="([^"]*)"', (tmp_path / "out" / "a.eaf").read_text("utf-8"))
    assert media is not None and media[1] == "../clips/a.mp4"
    assert open_clip(tmp_path / "out" / "a.glosses.mp4").frames == 20


def test_a_video_that_is_not_there_is_named(predict: Predict, run: Path, tmp_path: Path) -> None:
    gone = landmarks(tmp_path / "gone.npz", video=np.array("clips/a.mp4"))
    silent = landmarks(tmp_path / "silent.npz")
    status, _, err = predict(run, gone, silent, "--elan", tmp_path / "out")
    why = {gone: f"its video {tmp_path}/clips/a.mp4 is not there", silent: "the file does not name its video"}
    assert status == 0
    for file, reason in why.items():
        assert f"note: {file}: its annotations name no video: {reason}\n" in err
        assert "MEDIA_URL" not in (tmp_path / "out" / f"{file.stem}.eaf").read_text("utf-8")
        refusal = predict.refuses(run, file, "--burn", tmp_path / "burnt")
        what = f"{file}: has no pictures that glosses could be burnt into: {reason}"
        assert f"{what}; leave out --burn, or give the video itself" in refusal
    assert not (tmp_path / "burnt").exists()


def test_a_video_that_has_changed_is_not_burnt_into(predict: Predict, run: Path, tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.mp4", moving(12, 48, 64))
    file = landmarks(tmp_path / "a.npz", video=np.array("a.mp4"))
    refusal = predict.refuses(run, file, "--burn", tmp_path / "burnt")
    assert f"{file}: has 20 frames, but its video {video} has 12; track the video again" in refusal


@pytest.mark.parametrize("missing", ["zero", "nan"])
def test_missing_points_are_read_as_the_run_read_them(missing: str, predict: Predict, tmp_path: Path) -> None:
    """Zeros and NaN give one prediction where the corpus has zeros for missing points, and only there."""
    recipe = {**CTC, "landmarks": {"origin": "none", "scale": "none"}}
    run = exported(tmp_path / "run", write_corpus(tmp_path / "corpus"), recipe, missing=missing)
    points = np.random.default_rng(1).normal(0, 50, (20, 3, 2)).astype(np.float32)
    outputs = []
    for name, value in (("nan", np.nan), ("zero", 0.0)):
        points[4:15, 1] = value
        np.savez(tmp_path / f"{name}.npz", landmarks=points, layout="boston104", fps=25.0)
        status, out, _ = predict(run, tmp_path / f"{name}.npz", "--json")
        outputs.append({**json.loads(out), "id": ""})
        assert status == 0
    assert (outputs[0] == outputs[1]) is (missing == "zero")
