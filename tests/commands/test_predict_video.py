"""`signkit predict` on videos and frames, read as they are or tracked on the way."""

import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from predicting import HOLISTIC_RECIPE, VIDEO_RECIPE, Predict, exported, write_manifest
from tiny import write_corpus, write_npz

pytest.importorskip("av", reason="av is not installed: the extra `video`")
if find_spec("timm") is None:  # imported by one door alone, see signkit.models.torchvision_mend
    pytest.skip("timm is not installed: the extra `video`", allow_module_level=True)

from media import cut, moving, write_frames, write_video

from signkit.commands.predict.inputs import Failures, opened
from signkit.commands.predict.named import named_inputs
from signkit.commands.predict.options import Outputs
from signkit.commands.predict.outputs import check_outputs
from signkit.data.layouts import layout
from signkit.data.tracking.jobs import Failure, Job
from signkit.data.video import open_clip
from signkit.errors import UserError
from signkit.text.eaf import parse_eaf

RealData = Callable[[str], Path]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three files of video, a folder of frames, and a manifest of all."""
    folder = tmp_path_factory.mktemp("video") / "clips"
    for number in range(3):
        write_video(folder / f"clip{number}.mp4", moving(18 + 3 * number, 48, 64))
    write_frames(folder / "frames.d", moving(20, 48, 64))
    return write_manifest(folder, ["clip0.mp4", "clip1.mp4", "clip2.mp4", "frames.d"])


@pytest.fixture(scope="module")
def run(clips: Path) -> Path:
    """A model of video."""
    return exported(clips.parent / "video", clips, VIDEO_RECIPE)


@pytest.fixture(scope="module")
def holistic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of landmarks that can be tracked."""
    folder = tmp_path_factory.mktemp("holistic")
    rng = np.random.default_rng(0)
    for number in range(3):
        points = rng.normal(size=(20, len(layout("holistic").points), 3)) * 50 + 200
        write_npz(folder / f"{number}.npz", points, "holistic")
    return exported(folder, write_manifest(folder, ["0.npz", "1.npz", "2.npz"]), HOLISTIC_RECIPE)


@pytest.fixture
def predict(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Predict:
    return Predict(monkeypatch, capsys)


def test_videos_and_frames_with_all_that_is_written(
    predict: Predict, run: Path, clips: Path, tmp_path: Path
) -> None:
    """All outputs have the same glosses; a file is as if it were alone; the burnt video has all frames."""
    files = [clips / "clip2.mp4", clips / "frames.d"]
    words = ("--captions", tmp_path / "vtt", "--elan", tmp_path / "eaf", "--burn", tmp_path / "mp4")
    status, out, error = predict(run, *files, "--json", *words)
    assert (status, error) == (0, "")
    for file, name, line in zip(files, ("clip2", "frames.d"), out.splitlines(), strict=True):
        found = json.loads(line)
        assert (found["id"], len(found["times"])) == (str(file), len(found["tokens"]))
        assert found["tokens"] and {*found["tokens"]} <= {"HOUSE", "JOHN", "READ"}
        captions = (tmp_path / "vtt" / f"{name}.vtt").read_text(encoding="utf-8").split("\n\n")
        assert [block.splitlines()[-1] for block in captions[1:]] == found["tokens"]
        annotations = (tmp_path / "eaf" / f"{name}.eaf").read_text(encoding="utf-8")
        assert [t for t in found["tokens"] if f"<ANNOTATION_VALUE>{t}<" not in annotations] == []
        assert (f'MEDIA_URL="file://{file}"' in annotations) == file.is_file()
        assert ("MEDIA_DESCRIPTOR" in annotations) == file.is_file()
        burnt = open_clip(tmp_path / "mp4" / f"{name}.glosses.mp4")
        whole = open_clip(file)
        assert (burnt.frames, burnt.fps) == (whole.frames, whole.fps)
        assert burnt.read(np.arange(1)).shape == (1, 48, 64, 3)
        _, alone, _ = predict(run, file, "--json")
        assert json.loads(alone)["tokens"] == found["tokens"]


def test_a_video_that_cannot_be_decoded(predict: Predict, run: Path, clips: Path, tmp_path: Path) -> None:
    """Whether that shows at once or when its frames are decoded."""
    torn = cut(Path(shutil.copy(clips / "clip0.mp4", tmp_path / "torn.mp4")), 0.5)
    frames = write_frames(tmp_path / "frames", moving(9, 48, 64))
    (frames / "images0004.png").write_bytes(b"\x89PNG\r\n\x1a\n no more")
    messages = [
        f"{torn}: is not a readable video; it may be truncated or damaged",
        f"{frames}: frame 3 (images0004.png) cannot be decoded; it may be truncated or damaged",
    ]
    for file, message in zip((torn, frames), messages, strict=True):
        assert predict.refuses(run, clips / "clip1.mp4", file, "--elan", tmp_path) == f"error: {message}\n"
    assert not [*tmp_path.glob("*.eaf")]
    words = (run, frames, torn, clips / "clip1.mp4", "--on-error", "skip", "--elan", tmp_path)
    status, out, error = predict(*words)
    assert (status, out) == (2, predict(run, clips / "clip1.mp4")[1])
    assert error.splitlines() == [f"error: {m}" for m in messages] + ["error: 2 of 3 inputs left out"]
    assert [path.name for path in tmp_path.glob("*.eaf")] == ["clip1.eaf"]


def test_what_a_model_reads(predict: Predict, run: Path, clips: Path, tmp_path: Path) -> None:
    """A model of video refuses landmarks; one of landmarks that cannot be tracked refuses video."""
    points = write_npz(tmp_path / "a.npz", np.ones((9, 3, 2)) + np.arange(3)[:, None])
    said = f"error: {points}: has landmarks of layout 'boston104', not video\n"
    assert predict.refuses(run, points) == said
    other = exported(tmp_path / "boston", write_corpus(tmp_path / "corpus"), HOLISTIC_RECIPE)
    file = clips / "clip0.mp4"
    hint = "in a video only the points of holistic, hands or hand are tracked"
    said = f"error: {file}: has video, not landmarks of layout 'boston104'; {hint}\n"
    assert predict.refuses(other, file) == said


def test_names_of_what_is_written(tmp_path: Path) -> None:
    """Lines of a list keep their folders, so that frames which all lie in folders `1` differ."""
    names = ["a.b/1", "clips/x.y.mp4", "p.parquet#12", "../up/z.mp4", str(tmp_path / "far.pose")]
    (tmp_path / "a.b" / "1").mkdir(parents=True)
    (tmp_path / "list.txt").write_text("\n".join(names), encoding="utf-8")
    found = named_inputs([tmp_path / "a.b"], tmp_path / "list.txt")
    assert [each.name for each in found] == ["a.b", "a.b/1", "clips/x.y", "p-12", "z", "far"]
    assert found[1].file == tmp_path / "a.b" / "1"


# Landmarks on the way.


@pytest.mark.parametrize("name", ["a" * 300, "a" * 300 + ".npz", "a" * 300 + ".pose", "loop", "loop/a.mp4"])
def test_paths_that_the_system_refuses(tmp_path: Path, name: str) -> None:
    """They are left out in words, as other inputs that cannot be read."""
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "list.txt").write_text(name + "\n", encoding="utf-8")
    inputs, failures = named_inputs((), tmp_path / "list.txt"), Failures(stop=False)
    check_outputs(inputs, Outputs(captions=tmp_path / "seen"))
    assert opened(inputs, "holistic", False, failures) == []
    why = "Too many levels of symbolic links" if name.startswith("loop") else "File name too long"
    assert failures.messages == {str(inputs[0].file): f"{inputs[0].file}: cannot be read: {why}"}


def test_a_list_with_the_character_0(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("a.mp4\nb\0.mp4\n", encoding="utf-8")
    with pytest.raises(UserError) as error:
        named_inputs((), tmp_path / "list.txt")
    assert str(error.value) == f"{tmp_path / 'list.txt'}:2: has the character 0, which no path has"


def test_mediapipe_is_not_installed(
    predict: Predict, holistic: Path, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    said = f"error: {clips / 'clip1.mp4'}: needs the package mediapipe; pip install 'signkit[landmarks]'\n"
    points = holistic.parent / "0.npz"
    for policy in ("stop", "skip"):
        assert predict.refuses(holistic, points, clips / "clip1.mp4", "--on-error", policy) == said


@pytest.mark.parametrize(
    ("failure", "code"),
    [("frame 3 cannot be decoded; it may be truncated or damaged", 2), ("the process was killed", 1)],
)
def test_a_clip_that_cannot_be_tracked(
    predict: Predict, holistic: Path, clips: Path, monkeypatch: pytest.MonkeyPatch, failure: str, code: int
) -> None:
    """Its worker says so, or dies; nothing more is tracked, or all the others are."""
    files = [clips / "clip0.mp4", clips / "clip1.mp4", holistic.parent / "0.npz"]
    tracked: list[Path] = []

    def track_all(jobs: list[Job], workers: int) -> Iterator[tuple[Job, object]]:
        for job in jobs:
            yield job, None
            yield job, 3
            tracked.append(job.source)
            yield job, Failure(f"{job.source}: {failure}", killed=code == 1)

    monkeypatch.setattr("signkit.commands.predict.tracking.track_all", track_all)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    assert predict(holistic, *files) == (code, "", f"error: {files[0]}: {failure}\n")
    assert tracked == files[:1]
    status, out, error = predict(holistic, *files, "--on-error", "skip")
    assert (status, out) == (2, predict(holistic, files[2])[1])
    assert error.splitlines() == [
        f"error: {files[0]}: {failure}",
        f"error: {files[1]}: {failure}",
        "error: 2 of 3 inputs left out",
    ]
    assert tracked[1:] == files[:2]


@pytest.mark.slow
def test_nobody_is_in_the_video(predict: Predict, holistic: Path, clips: Path) -> None:
    pytest.importorskip("mediapipe", reason="mediapipe is not installed: the extra `landmarks`")
    file, points = clips / "clip0.mp4", holistic.parent / "0.npz"
    status, out, error = predict(holistic, file, points, "--on-error", "skip")
    assert (status, out) == (2, predict(holistic, points)[1])
    assert error.endswith(f"error: {file}: no point is seen in any frame\nerror: 1 of 2 inputs left out\n")


def test_segments_of_a_video_are_annotated_in_one_file(
    predict: Predict, run: Path, clips: Path, tmp_path: Path
) -> None:
    """It links the video and counts from its beginning; each burnt video has the frames of its segment."""
    folder = tmp_path / "data"
    for name in ("a.mp4", "deep/b.mp4"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((clips / "clip2.mp4").read_bytes())
    seconds = open_clip(clips / "clip2.mp4").frames / open_clip(clips / "clip2.mp4").fps
    half = seconds / 2
    (folder / "m.csv").write_text(
        f"id,path,start,end\none,a.mp4,,{half}\ntwo,a.mp4,{half},\nb2,deep/b.mp4,{half},\nwhole,deep/b.mp4,,\n"
    )
    out = tmp_path / "out"
    words = ("--elan", out, "--captions", out, "--burn", out, "--json")
    status, printed, error = predict(run, "--list", folder / "m.csv", *words)
    assert (status, error) == (0, "")
    found = {each["id"]: each for each in map(json.loads, printed.splitlines())}
    assert all(each["tokens"] for each in found.values())
    written = {path.relative_to(out).as_posix() for path in out.rglob("*.*")}
    annotations = ("a.eaf", "a.vtt", "deep/b.eaf", "deep/b.vtt", "whole.eaf", "whole.vtt")
    assert written == {*annotations, *(f"{name}.glosses.mp4" for name in ("one", "two", "b2", "whole"))}
    first = round(half * 25) / 25
    wanted = {
        "a": [*_timed(found["one"]), *_timed(found["two"], first)],
        "deep/b": _timed(found["b2"], first),
        "whole": _timed(found["whole"]),
    }
    for name, timed in wanted.items():
        file = parse_eaf(name, (out / f"{name}.eaf").read_bytes())
        video = folder / f"{'deep/b' if name == 'whole' else name}.mp4"
        assert [media.url for media in file.media] == [f"file://{video}"]
        glosses = file.tiers[0].annotations
        assert [(each.text, each.start) for each in glosses] == timed
        assert all(one.end <= other.start for one, other in pairwise(glosses))
        starts = re.findall(r"(\S+) --> ", (out / f"{name}.vtt").read_text())
        assert starts == [f"00:00:0{each.start // 1000}.{each.start % 1000:03}" for each in glosses]
    assert open_clip(out / "one.glosses.mp4").frames + open_clip(out / "two.glosses.mp4").frames == (
        open_clip(folder / "a.mp4").frames
    )


def _timed(found: dict[str, Any], begin: float = 0.0) -> list[tuple[str, int]]:
    """The glosses of a prediction with milliseconds of the video; a millisecond is missing of two at once."""
    return [
        (token, round(1000 * time) + round(1000 * begin))
        for token, time in zip(found["tokens"], found["times"], strict=True)
    ]


@pytest.mark.slow
def test_videos_are_tracked_as_by_the_verb(
    predict: Predict, holistic: Path, tmp_path: Path, real_data: RealData, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The glosses, times and confidences are those of the files that `signkit landmarks` makes."""
    pytest.importorskip("mediapipe", reason="mediapipe is not installed: the extra `landmarks`")
    from signkit.commands.landmarks.verb import landmarks
    from signkit.data.tracking.extract import Options

    videos = real_data("colour_sign_videos") / "videos"
    files = [videos / "smede_0004.mp4", videos / "plavo_0000.mp4"]
    status, out, _ = predict(holistic, *files, "--json", "--captions", tmp_path, "--burn", tmp_path)
    assert status == 0
    assert landmarks(files, None, tmp_path, Options(), 2, False) == 0
    predict.capsys.readouterr()
    _, other, _ = predict(holistic, *(tmp_path / f"{file.stem}.npz" for file in files), "--json")
    for one, two, file in zip(
        *(map(json.loads, text.splitlines()) for text in (out, other)), files, strict=True
    ):
        assert one.pop("id") == str(file)
        assert two.pop("id") == str(tmp_path / f"{file.stem}.npz")
        assert one.pop("score") == pytest.approx(two.pop("score"), abs=1e-3)
        assert one.pop("confidences") == pytest.approx(two.pop("confidences"), abs=1e-3)
        assert one == two and one["tokens"]
        assert open_clip(tmp_path / f"{file.stem}.glosses.mp4").frames == open_clip(file).frames


# Real files.


def test_files_of_pose(predict: Predict, holistic: Path, real_data: RealData) -> None:
    files = sorted(real_data("pose_samples").glob("*.pose"))
    assert len(files) == 6
    status, out, error = predict(holistic, *files)
    assert (status, error) == (0, "")
    assert [line.split("\t")[0] for line in out.splitlines()] == [str(file) for file in files]


def test_real_videos(predict: Predict, run: Path, tmp_path: Path, real_data: RealData) -> None:
    """All are read; captions lie within the clips."""
    files = sorted(real_data("colour_sign_videos").glob("videos/*_0000.mp4"))[:3]
    files += sorted(p for p in real_data("fingerspelling_videos").rglob("*.mp4"))[:1]
    assert len(files) == 4
    status, _, error = predict(run, *files, "--captions", tmp_path)
    assert (status, error) == (0, "")
    for file in files:
        clip = open_clip(file)
        lines = (tmp_path / f"{file.stem}.vtt").read_text(encoding="utf-8").splitlines()
        times = [line.split(" --> ") for line in lines if "-->" in line]
        ends = [float(end[:2]) * 3600 + float(end[3:5]) * 60 + float(end[6:]) for _, end in times]
        assert ends and ends == sorted(ends) and ends[-1] <= clip.frames / clip.fps + 0.001
