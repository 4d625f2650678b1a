"""`signkit landmarks` with MediaPipe itself: files, reports, damage, killed workers, left and right."""

import io
import json
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from signkit.data.landmark_files import read_landmarks
from signkit.data.layouts import layout
from signkit.data.tracking.extract import Options, Summary
from signkit.data.tracking.jobs import Failure, Job, track_all

pytestmark = pytest.mark.slow

pytestmark = pytest.mark.slow

pytest.importorskip("mediapipe", reason="mediapipe is not installed: the extra `landmarks`")
av = pytest.importorskip("av")
PIL_Image = pytest.importorskip("PIL.Image")


def command(*words: object, **options: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "signkit", "landmarks", *map(str, words)],
        capture_output=True, text=True, timeout=500, env={**os.environ, "OMP_NUM_THREADS": "1"}, **options,
    )  # type: ignore[call-overload]  # fmt: skip
    assert isinstance(done, subprocess.CompletedProcess)
    return done


def write_clip(path: Path, frames: int = 6, seed: int = 0) -> Path:
    """A film of a drifting pattern, in which nobody is to be seen."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.random.default_rng(seed).integers(0, 60, (64, 96, 3)).astype(np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(np.roll(picture, number, 1), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_frames(folder: Path, frames: int = 3) -> Path:
    folder.mkdir(parents=True)
    for number in range(frames):
        PIL_Image.fromarray(np.full((48, 64, 3), 40 * number, np.uint8)).save(
            folder / f"images{number:04}.png"
        )
    return folder


def test_a_tree_of_clips_some_of_them_damaged(tmp_path: Path) -> None:
    """All that can be read is done; the rest is named; a second time nothing is done that need not be."""
    write_clip(tmp_path / "in" / "a.mp4")
    write_clip(tmp_path / "in" / "deep" / "b.mp4", frames=9)
    write_frames(tmp_path / "in" / "deep" / "c")
    (tmp_path / "in" / "empty.mp4").write_bytes(b"")
    (tmp_path / "in" / "torn.mp4").write_bytes((tmp_path / "in" / "a.mp4").read_bytes()[:900])
    (tmp_path / "in" / "d").mkdir()
    (tmp_path / "in" / "d" / "1.png").write_bytes(b"no picture")
    done = command(tmp_path / "in", "--out", tmp_path / "out", "--workers", 2, "--fps", 30)
    assert done.returncode == 2
    assert done.stdout.splitlines() == [
        "a.npz\t6\t0.0 %\t0.0 %\t0.0 %\t0.0 %",
        "deep/b.npz\t9\t0.0 %\t0.0 %\t0.0 %\t0.0 %",
        "deep/c.npz\t3\t0.0 %\t0.0 %\t0.0 %\t0.0 %",
    ]
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    named = [f"error: {tmp_path / 'in' / name}: " for name in ("empty.mp4", "torn.mp4", "d")]
    assert [line[: len(name)] for line, name in zip(errors, named, strict=True)] == named
    assert "W0000" not in done.stderr and "INFO" not in done.stderr and "Traceback" not in done.stderr
    files = sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*"))
    assert files == ["a.npz", "deep/b.npz", "deep/c.npz", "report.jsonl"]
    with np.load(tmp_path / "out" / "deep" / "b.npz") as file:
        assert (file["landmarks"].shape, file["confidence"].shape) == ((9, 543, 3), (9, 543))
        assert (str(file["layout"]), float(file["fps"])) == ("holistic", 25.0)
        assert np.isnan(file["landmarks"]).all() and not file["confidence"].any()
    with np.load(tmp_path / "out" / "deep" / "c.npz") as file:
        assert float(file["fps"]) == 30.0  # a folder does not tell

    before = {name: (tmp_path / "out" / name).stat().st_mtime_ns for name in files[:3]}
    write_clip(tmp_path / "in" / "a.mp4", frames=4)
    again = command(tmp_path / "in", "--out", tmp_path / "out", "--workers", 1, "--fps", 30, "--json")
    assert again.returncode == 2
    entries = [json.loads(line) for line in again.stdout.splitlines()]
    assert [(e["output"], e.get("frames"), "error" in e) for e in entries] == [
        ("a.npz", 4, False),
        ("empty.npz", None, True),
        ("torn.npz", None, True),
        ("d.npz", None, True),
        ("deep/b.npz", 9, False),
        ("deep/c.npz", 3, False),
    ]
    after = {name: (tmp_path / "out" / name).stat().st_mtime_ns for name in files[:3]}
    assert {name for name in before if after[name] != before[name]} == {"a.npz"}


def test_a_killed_worker_takes_only_its_clip(tmp_path: Path) -> None:
    clips = [write_clip(tmp_path / f"{name}.mp4", frames=40) for name in "abc"]
    jobs = [Job(clip, tmp_path / "out" / f"{clip.stem}.npz", Options()) for clip in clips]
    ended: dict[str, Summary | Failure] = {}
    for job, event in track_all(jobs, workers=1):
        if isinstance(event, int) and job is jobs[0]:
            (worker,) = multiprocessing.active_children()
            os.kill(worker.pid or 0, signal.SIGKILL)
        elif event is not None and not isinstance(event, int):
            ended[job.source.stem] = event
    why = "the process that tracked it was killed (SIGKILL); memory may have run out, try fewer --workers"
    assert ended["a"] == Failure(f"{clips[0]}: {why}", killed=True)
    nothing = dict.fromkeys(("pose", "face", "left hand", "right hand"), 0.0)
    assert ended["b"] == ended["c"] == Summary(40, 25.0, nothing)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["b.npz", "c.npz"]
    assert multiprocessing.active_children() == []


def test_two_workers_find_what_one_finds(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    """To the bit, in whatever order the clips come: one leaves nothing behind for the next."""
    clips = [
        cut(real_data, tmp_path / f"{name}.mp4", name) for name in ("plavo_0002", "zuta_0001", "crn_0000")
    ]
    found = []
    for order, workers in ((clips, 1), (clips[::-1], 2)):
        out = tmp_path / f"out{workers}"
        events = track_all([Job(clip, out / f"{clip.stem}.npz", Options()) for clip in order], workers)
        assert not [event for _, event in events if isinstance(event, Failure)]
        found.append([(out / f"{clip.stem}.npz").read_bytes() for clip in clips])
    assert found[0] == found[1]


def cut(real_data: Callable[[str], Path], path: Path, name: str, first: int = 18, frames: int = 8) -> Path:
    """A few frames of a real clip, as pictures in a folder of their own."""
    source = real_data("colour_sign_videos") / "videos" / f"{name}.mp4"
    path = path.with_suffix("")
    path.mkdir()
    with av.open(str(source)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if first <= number < first + frames:
                PIL_Image.fromarray(frame.to_ndarray(format="rgb24")).save(path / f"{number:04}.png")
    return path


def test_left_is_the_signers_left(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    """Both models call a hand as the body's wrist beside it is called, and in pixels."""
    clip = cut(real_data, tmp_path / "clip", "bijelo_0000")
    points = {}
    for model in ("holistic", "hands"):
        job = Job(clip, tmp_path / f"{model}.npz", Options(model=model))  # type: ignore[arg-type]
        *_, (_, found) = track_all([job], workers=1)
        assert isinstance(found, Summary) and found.shares["left hand"] > 0.5
        assert found.shares["right hand"] == 0.0
        signal = read_landmarks(job.output)
        points[model] = signal.points  # type: ignore[union-attr]
    holistic, hands = layout("holistic").points, layout("hands").points
    wrists = {
        "body": points["holistic"][:, holistic.index("left_wrist"), :2],
        "holistic": points["holistic"][:, holistic.index("left_hand_wrist"), :2],
        "hands": points["hands"][:, hands.index("left_hand_wrist"), :2],
        "other": points["holistic"][:, holistic.index("right_wrist"), :2],
    }
    nose, chest = (points["holistic"][:, holistic.index(name)] for name in ("nose", "left_shoulder"))
    assert (nose[:, 1] < chest[:, 1]).all()
    assert (chest[:, 0] > points["holistic"][:, holistic.index("right_shoulder"), 0]).all()

    def apart(a: str, b: str) -> float:
        return float(np.nanmedian(np.linalg.norm(wrists[a] - wrists[b], axis=-1)))

    assert apart("holistic", "body") < 30 < 100 < apart("holistic", "other")
    assert apart("holistic", "hands") < 15


def test_pose_files_and_filling(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    """A hand that is covered for two frames is filled when that is asked for, and marked."""
    clip = cut(real_data, tmp_path / "clip", "plavo_0002", frames=10)
    outputs = {}
    for name, options in (
        ("npz", Options()),
        ("pose", Options(format="pose")),
        ("fill", Options(fill="linear")),
    ):
        outputs[name] = tmp_path / f"{name}.{options.format}"
        events = [*track_all([Job(clip, outputs[name], options)], workers=1)]
        assert isinstance(events[-1][1], Summary)
    plain, posed, filled = (read_landmarks(path).points for path in outputs.values())  # type: ignore[union-attr]
    np.testing.assert_allclose(posed, plain, rtol=1e-5)
    seen = ~np.isnan(plain)
    assert (~np.isnan(filled) >= seen).all()
    sure = np.load(io.BytesIO(outputs["fill"].read_bytes()))["confidence"]
    was_seen = seen.any(-1)
    assert (sure[was_seen] > 0).all() and (sure[~was_seen] < 0.02).all()


def test_what_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mp4")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.npz").write_bytes(b"mine")
    done = command(clip, "--out", tmp_path / "out")
    what = "is there already, and report.jsonl does not know it; choose another --out, or delete the file"
    assert (done.returncode, done.stdout, done.stderr) == (
        2,
        "",
        f"error: {tmp_path / 'out' / 'a.npz'}: {what}\n",
    )
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["a.npz"]
    done = command("--out", tmp_path / "out")
    hint = "name videos, folders, or a list of them with --list FILE"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"error: landmarks: no inputs; {hint}\n")


def test_an_output_that_cannot_be_written(tmp_path: Path) -> None:
    """The machine's trouble, not the clip's: it stops at once, with status 1."""
    clip = write_clip(tmp_path / "a.mp4")
    (tmp_path / "out").write_text("a file")
    done = command(clip, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {tmp_path / 'out'}") and "Traceback" not in done.stderr
