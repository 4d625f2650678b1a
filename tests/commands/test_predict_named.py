"""What `signkit predict` finds: clips of folders, rows of manifests, rates; and what is no clip."""

import json
import os
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from predicting import Predict, exported
from tiny import CTC, write_corpus, write_npz

import signkit
from signkit.cli.app import main
from signkit.commands.predict.named import Input, named_inputs, searched
from signkit.errors import UserError
from signkit.text.eaf import parse_eaf
from signkit.types import VIDEO, Hypothesis, Landmarks


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a model that has learned nothing, and the corpus beside it."""
    folder = tmp_path_factory.mktemp("named")
    return exported(folder, write_corpus(folder / "corpus"), CTC)


@pytest.fixture
def predict(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Predict:
    return Predict(monkeypatch, capsys)


def put(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def found(folder: Path, layout: str, *more: Path) -> list[tuple[str, str, str]]:
    inputs = searched(named_inputs([folder, *more], None), layout)
    return [(os.path.relpath(each.file, folder), each.name, each.key) for each in inputs]


# Folders.


def test_clips_of_a_folder(tmp_path: Path) -> None:
    """With those below; hidden files and others are passed over."""
    put(tmp_path / "b.mp4", tmp_path / "sub" / "a.v1.MOV", tmp_path / "notes.txt", tmp_path / ".hidden.mp4")
    put(*(tmp_path / "frames" / f"{n}.webp" for n in range(3)))
    assert found(tmp_path, VIDEO) == [
        ("b.mp4", "b", "b"),
        ("frames", "frames", "frames"),
        ("sub/a.v1.MOV", "sub/a.v1", "sub/a.v1"),
    ]
    assert found(tmp_path, "holistic") == found(tmp_path, VIDEO)  # to be tracked


def test_what_is_no_clip_is_counted(tmp_path: Path) -> None:
    put(*(tmp_path / name for name in ("a.npz", "b.npy", "c/d.npy", "c/e.CSV", "c/f.npz", "g", ".hidden")))
    skipped = Counter[str]()
    searched([Input(tmp_path, "x")], "boston104", skipped)
    assert skipped == {".npy": 2, ".csv": 1, "no ending": 1}
    put(tmp_path / "frames/0001.png", tmp_path / "frames/0002.png")
    frames = Counter[str]()
    searched([Input(tmp_path / "frames", "x")], VIDEO, frames)
    assert not frames


def test_videos_with_burnt_glosses_are_passed_over(tmp_path: Path) -> None:
    """So results may lie with the clips."""
    put(tmp_path / "a.mp4", tmp_path / "a.glosses.mp4", tmp_path / "out" / "b.Glosses.MP4")
    skipped = Counter[str]()
    assert searched([Input(tmp_path, "x")], VIDEO, skipped) == [Input(tmp_path / "a.mp4", "a", "a")]
    assert skipped == {".glosses.mp4": 2}
    assert [each.file for each in named_inputs([tmp_path / "a.glosses.mp4"], None)] == [
        tmp_path / "a.glosses.mp4"  # but not where it is named
    ]


def test_accents_may_be_composed_or_not(predict: Predict, run: Path, tmp_path: Path) -> None:
    """On the command line, in a list and in a manifest; the name is that on the disk."""
    names = [unicodedata.normalize(form, "Grüße") for form in ("NFC", "NFD")]
    for there, given in (names, names[::-1]):
        folder = tmp_path / str(there == names[0])
        (folder / there).mkdir(parents=True)
        file = folder / there / f"{there}.npz"
        file.write_bytes((run.parent / "corpus" / "test0.npz").read_bytes())
        (folder / "l.txt").write_text(f"{given}/{given}.npz\n", encoding="utf-8")
        (folder / "m.csv").write_text(f"id,path\na,{given}/{given}.npz\n", encoding="utf-8")
        for words, key in (
            ([folder / given / f"{given}.npz"], str(file)),
            ([folder / given], there),
            (["--list", folder / "l.txt"], str(file)),
            (["--list", folder / "m.csv"], "a"),
        ):
            status, out, error = predict(run, *words)
            assert (status, out.split("\t")[0], error) == (0, key, "")


def test_of_landmarks_and_their_videos_the_model_reads_one(tmp_path: Path) -> None:
    put(
        tmp_path / "a.mp4",
        tmp_path / "a.npz",
        tmp_path / "b.pose",
        tmp_path / "c" / "x_000000000000_keypoints.json",
    )
    assert [name for _, name, _ in found(tmp_path, "holistic")] == ["a", "b", "c"]
    assert found(tmp_path, VIDEO) == [("a.mp4", "a", "a")]


@pytest.mark.parametrize("name", ["0001.png", "x_000000000000_keypoints.json", "1/0001.png"])
def test_a_folder_that_is_a_clip(tmp_path: Path, name: str) -> None:
    put(tmp_path / "clip" / name)
    clip = tmp_path / "clip"
    for kind in (VIDEO, "openpose"):
        assert found(clip, kind) == [(".", "clip", str(clip))]


def test_folders_of_phoenix(tmp_path: Path) -> None:
    """Frames that lie in a folder 1 alone go by the name above; numbered clips by their numbers."""
    put(tmp_path / "train" / "A" / "1" / "1.png", tmp_path / "train" / "B" / "1.png")
    put(tmp_path / "dev" / "1" / "1.png", tmp_path / "dev" / "2" / "1.png")
    assert [name for _, name, _ in found(tmp_path, VIDEO)] == ["dev/1", "dev/2", "train/A", "train/B"]


def test_folders_of_a_list(tmp_path: Path) -> None:
    put(tmp_path / "x" / "y" / "a.mp4", tmp_path / "x" / "frames" / "1.png", tmp_path / "b.mp4")
    (tmp_path / "list.txt").write_text("x\nb.mp4\nx/frames/*.png\n")
    inputs = searched(named_inputs([], tmp_path / "list.txt"), VIDEO)
    assert [each.key for each in inputs] == [
        "x/frames", "x/y/a", str(tmp_path / "b.mp4"), str(tmp_path / "x" / "frames")
    ]  # fmt: skip


def test_a_folder_without_clips_and_two_of_one_name(tmp_path: Path) -> None:
    put(tmp_path / "empty" / "notes.txt", tmp_path / "p" / "a.mp4", tmp_path / "q" / "a.mp4")
    with pytest.raises(UserError) as caught:
        found(tmp_path / "empty", VIDEO, tmp_path / "p", tmp_path / "q")
    kinds = "videos, files of landmarks or features, or folders of frames (png, jpg, webp, bmp, tif)"
    assert str(caught.value).splitlines() == [
        f"{tmp_path / 'empty'}: holds no clips; {kinds}",
        f"{tmp_path / 'q/a.mp4'}: has the name of {tmp_path / 'p/a.mp4'}, a; "
        "name the folder above both, or rename one",
    ]


def test_a_folder_is_predicted(predict: Predict, run: Path, tmp_path: Path) -> None:
    corpus = run.parent / "corpus"
    for name in ("test0", "test1"):
        (tmp_path / "in" / "deep").mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / "deep" / f"{name}.npz").write_bytes((corpus / f"{name}.npz").read_bytes())
    put(tmp_path / "in" / "deep" / "a.npy")
    status, out, err = predict(
        run, tmp_path / "in", "--captions", tmp_path / "out", "--captions-format", "srt"
    )
    assert "note: files passed over, which are no clips: .npy: 1\n" in err
    assert status == 0
    one_by_one = [predict(run, corpus / f"{name}.npz")[1].split("\t")[1] for name in ("test0", "test1")]
    assert [line.split("\t") for line in out.splitlines()] == [
        ["deep/test0", one_by_one[0].strip()],
        ["deep/test1", one_by_one[1].strip()],
    ]
    assert sorted(path.name for path in (tmp_path / "out" / "deep").iterdir()) == ["test0.srt", "test1.srt"]


# Manifests.


def test_ids_are_those_of_a_manifest(
    predict: Predict, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the predictions can be scored against it."""
    manifest = run.parent / "corpus" / "manifest.csv"
    status, out, error = predict(run, "--list", manifest, "--json")
    assert (status, error) == (0, "")
    rows = [line.split(",") for line in manifest.read_text().splitlines()[1:]]
    assert [json.loads(line)["id"] for line in out.splitlines()] == [row[0] for row in rows]
    (tmp_path / "hyp.jsonl").write_text(out)
    monkeypatch.setattr("sys.argv", ["signkit", "score", str(manifest), str(tmp_path / "hyp.jsonl")])
    with pytest.raises(SystemExit) as leaving:
        main()
    assert leaving.value.code == 0


def test_a_manifest_needs_ids_and_paths_alone(tmp_path: Path) -> None:
    (tmp_path / "list.tsv").write_text("path\tid\na/x.npz\tone\na/y.npz\ttwo/2\n")
    assert named_inputs([], tmp_path / "list.tsv") == [
        Input(tmp_path / "a/x.npz", "one", "one"),
        Input(tmp_path / "a/y.npz", "two/2", "two/2"),
    ]
    (tmp_path / "list.jsonl").write_text('{"id": "one", "path": "x.npz", "fps": 50}\n')
    (only,) = named_inputs([], tmp_path / "list.jsonl")
    assert (only.file, only.id, only.numbers.fps) == (tmp_path / "x.npz", "one", 50)


def test_faults_of_a_manifest(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("id,path\na,x.npz\na,y.npz\nb,../z.npz\n,w.npz\n")
    with pytest.raises(UserError) as caught:
        named_inputs([], file)
    assert str(caught.value).splitlines() == [
        f"{file}:3: id 'a' is used twice",
        f"{file}:4: path '../z.npz' is not below the manifest's folder",
        f"{file}:5: the id is empty",
    ]


def test_segments_of_a_clip(predict: Predict, run: Path, tmp_path: Path) -> None:
    """Each is predicted by itself, with times from its own beginning."""
    points = np.load(run.parent / "corpus" / "test0.npz")["landmarks"]
    write_npz(tmp_path / "whole.npz", np.concatenate([points, points]))
    seconds = len(points) / 25
    (tmp_path / "list.csv").write_text(
        f"id,path,start,end\none,whole.npz,0,{seconds}\ntwo,whole.npz,{seconds},\n"
    )
    _, out, _ = predict(run, "--list", tmp_path / "list.csv", "--json")
    one, two = (json.loads(line) for line in out.splitlines())
    _, alone, _ = predict(run, run.parent / "corpus" / "test0.npz", "--json")
    for segment, name in ((one, "one"), (two, "two")):
        assert segment["id"] == name
        assert (segment["tokens"], segment["times"]) == (
            json.loads(alone)["tokens"],
            json.loads(alone)["times"],
        )
    predict(run, "--list", tmp_path / "list.csv", "--elan", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["whole.eaf"]
    annotated = parse_eaf("whole.eaf", (tmp_path / "out" / "whole.eaf").read_bytes()).tiers[0].annotations
    times = [round(1000 * time) for time in one["times"]]
    assert [each.start for each in annotated] == [*times, *(time + round(1000 * seconds) for time in times)]


# Rates and times.


def test_the_rate_of_inputs_that_do_not_say(predict: Predict, run: Path, tmp_path: Path) -> None:
    points = np.load(run.parent / "corpus" / "test0.npz")["landmarks"]
    silent = write_npz(tmp_path / "silent.npz", points)
    np.savez(tmp_path / "says.npz", landmarks=points, layout="boston104", fps=25.0)
    times = {}
    for rate in (None, 50):
        option = ("--fps", rate) if rate else ()
        _, out, _ = predict(run, silent, tmp_path / "says.npz", "--json", *option)
        times[rate] = [json.loads(line)["times"] for line in out.splitlines()]
    assert times[None][0] == times[None][1] == times[50][1]
    assert times[50][0] == pytest.approx([time / 2 for time in times[None][0]], abs=1e-3)


def test_predictions_go_by_the_frames_own_times(run: Path) -> None:
    """Of landmarks, and with them of videos: a token's time is that of its frame."""
    points = np.load(run.parent / "corpus" / "test0.npz")["landmarks"]
    even = Landmarks(points, "boston104", 25.0)
    own = np.cumsum(np.linspace(0.02, 0.3, len(points)))
    model = signkit.load(run)
    plain, varied = model.predict([even, Landmarks(points, "boston104", 25.0, own)])
    frames = np.rint(np.array(_times(plain)) * 25).astype(int)
    assert len(frames) and _times(varied) == pytest.approx(own[frames].tolist(), abs=1e-3)
    assert model.posteriors(Landmarks(points, "boston104", 25.0, own)).times[-1] > len(points) / 25


def _times(prediction: object) -> tuple[float, ...]:
    output = prediction.outputs["text"]  # type: ignore[attr-defined]
    assert isinstance(output, Hypothesis)
    return output.times


# What is no clip.


def test_what_is_no_file(
    predict: Predict, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line each; nothing is opened."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo(tmp_path / "pipe.npz")
    (tmp_path / "list.txt").write_text("a.npz\n")
    address = "is a web address, not a file; download it first; nothing is fetched"
    for given, said in (
        ("https://example.org/a.mp4", f"https://example.org/a.mp4: {address}"),
        ("file:///a.npz", "file:///a.npz: is an address, not a path; write /a.npz"),
        ("/dev/null", "/dev/null: is a device, not a file; record a clip first"),
        ("pipe.npz", "pipe.npz: is a pipe, not a file; write it to a file first"),
        ("", "the command line: a path is empty; is a variable not set?"),
        ("list.txt", "list.txt: is text, not a clip; a list of clips is given by --list FILE"),
    ):
        assert predict.refuses(run, given) == f"error: {said}\n"
    (tmp_path / "addresses.txt").write_text("https://example.org/a.mp4\n")
    assert predict.refuses(run, "--list", "addresses.txt") == f"error: https://example.org/a.mp4: {address}\n"


def test_the_home_folder(
    predict: Predict, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.npz").write_bytes((run.parent / "corpus" / "test0.npz").read_bytes())
    (tmp_path / "list.txt").write_text("~/a.npz\n")
    status, out, _ = predict(run, "~/a.npz", "--elan", "~/out")
    assert (status, out.split("\t")[0]) == (0, str(tmp_path / "a.npz"))
    assert (tmp_path / "out" / "a.eaf").is_file()
    assert predict(run, "--list", "~/list.txt")[1].split("\t")[0] == str(tmp_path / "a.npz")
