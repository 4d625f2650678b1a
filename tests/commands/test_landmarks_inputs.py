"""What is tracked, where it goes, and what is kept from the last time."""

import json
import os
from pathlib import Path

import pytest

from signkit.commands.landmarks.inputs import find_inputs
from signkit.commands.landmarks.record import Record, Source
from signkit.data.tracking.extract import Options, Summary
from signkit.data.tracking.jobs import Failure
from signkit.errors import OperationalError, UserError, UserErrors


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def outputs(root: Path, *paths: str, listed: Path | None = None) -> list[tuple[str, str]]:
    found = find_inputs([root / path for path in paths], listed)
    return [(each.path.relative_to(root).as_posix(), each.output) for each in found]


def test_the_tree_of_the_outputs(tmp_path: Path) -> None:
    """Below a folder by the path there; a named clip by its own name; hidden files are passed over."""
    touch(tmp_path, "all/b.MP4", "all/a.mov", "all/notes.txt", "all/.c.mp4", "all/.old/d.mp4", "all/logo.png")
    touch(tmp_path, "all/deep/x/images1.png", "all/deep/x/images2.png", "all/deep/e.webm", "one.bin")
    assert outputs(tmp_path, "all", "one.bin") == [
        ("all/a.mov", "a"),
        ("all/b.MP4", "b"),
        ("all/deep/e.webm", "deep/e"),
        ("all/deep/x", "deep/x"),
        ("one.bin", "one"),
    ]
    assert outputs(tmp_path, "all/deep/x") == [("all/deep/x", "x")]


def test_the_folder_one_stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "clip/1.png")
    monkeypatch.chdir(tmp_path / "clip")
    assert [each.output for each in find_inputs([Path(".")], None)] == ["clip"]


def test_the_folder_above_the_one_one_stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "clip/1.png", "clip/notes/a.txt")
    monkeypatch.chdir(tmp_path / "clip" / "notes")
    assert [each.output for each in find_inputs([Path("..")], None)] == ["clip"]


def test_links_to_folders_are_followed_but_not_in_a_circle(tmp_path: Path) -> None:
    touch(tmp_path, "disk/train/a.mp4", "disk/dev/b/1.png")
    (tmp_path / "all").mkdir()
    for name in ("train", "dev"):
        (tmp_path / "all" / name).symlink_to(tmp_path / "disk" / name)
    (tmp_path / "disk/train/up").symlink_to(tmp_path / "all")
    (tmp_path / "disk/train/self").symlink_to(tmp_path / "disk/train")
    assert outputs(tmp_path, "all") == [
        ("all/dev/b", "dev/b"),
        ("all/train/a.mp4", "train/a"),
    ]


def test_what_cannot_be_looked_at_is_said_so(tmp_path: Path, clip: Path) -> None:
    long = "x" * 300
    with pytest.raises(OperationalError, match=f"{long}: cannot be read: File name too long$"):
        find_inputs([tmp_path / long], None)
    with pytest.raises(OperationalError, match=f"{long}/report.jsonl: cannot be read: File name too long$"):
        Record(tmp_path / long)
    with pytest.raises(OperationalError, match=f"{long}.npz: cannot be read: File name too long$"):
        Record(tmp_path).finished(f"{long}.npz", Source.of(clip), OPTIONS)


def test_a_folder_that_cannot_be_read_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "all/a.mp4", "all/closed/b.mp4")
    look = os.scandir

    def scandir(path: Path) -> object:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return look(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(OperationalError, match="all: cannot be read: Permission denied$"):
        find_inputs([tmp_path / "all"], None)


def test_a_list_keeps_its_paths(tmp_path: Path) -> None:
    touch(tmp_path, "a/x.mp4", "b/x.mp4", "b/frames/1.jpg", "c/d/y.mp4")
    (tmp_path / "list.txt").write_text("a/x.mp4\n\n  b/x.mp4\nb/frames\nc\n", encoding="utf-8")
    assert outputs(tmp_path, listed=tmp_path / "list.txt") == [
        ("a/x.mp4", "a/x"),
        ("b/x.mp4", "b/x"),
        ("b/frames", "b/frames"),
        ("c/d/y.mp4", "d/y"),
    ]
    (tmp_path / "list.txt").write_text("a/x.mp4\n../x.mp4\n", encoding="utf-8")
    with pytest.raises(UserError) as failed:
        find_inputs([], tmp_path / "list.txt")
    hint = "write paths relative to the list's folder"
    assert (
        str(failed.value) == f"{tmp_path / 'list.txt'}:2: '../x.mp4' is not below the list's folder; {hint}"
    )


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    touch(tmp_path, "a/x.mp4", "b/x.mkv", "empty/notes.txt")
    paths = [tmp_path / name for name in ("a", "no.mp4", "b", "empty", "a/x.mp4")]
    with pytest.raises(UserErrors) as failed:
        find_inputs(paths, None)
    hint = "name the folder that holds both, or a list of relative paths"
    assert str(failed.value).splitlines() == [
        f"{tmp_path / 'no.mp4'}: there is no such file",
        f"{tmp_path / 'empty'}: holds no videos and no folders of frames (png, jpg, webp, bmp, tif)",
        f"{tmp_path / 'b/x.mkv'}: would be written to the same file as {tmp_path / 'a/x.mp4'}, x; {hint}",
        f"{tmp_path / 'a/x.mp4'}: is named twice",
    ]
    with pytest.raises(UserError) as alone:
        find_inputs([], None)
    hint = "name videos, folders, or a list of them with --list FILE"
    assert str(alone.value) == f"landmarks: no inputs; {hint}"


FOUND = Summary(40, 25.0, {"pose": 1.0, "left hand": 0.51234})
OPTIONS = Options()


def finished(folder: Path, clip: Path) -> Record:
    """A record of one clip that is done, with its file."""
    touch(folder, "x.npz")
    record, source = Record(folder), Source.of(clip)
    record.begin("x.npz", source)
    record.end("x.npz", source, OPTIONS, FOUND)
    return record


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    touch(tmp_path, "clips/x.mp4")
    return tmp_path / "clips" / "x.mp4"


def test_a_file_is_kept_while_nothing_changes(tmp_path: Path, clip: Path) -> None:
    finished(tmp_path / "out", clip)
    record, source = Record(tmp_path / "out"), Source.of(clip)
    assert record.finished("x.npz", source, OPTIONS)
    line = json.loads((tmp_path / "out" / "report.jsonl").read_text().splitlines()[-1])
    assert (line["bytes"], line["modified"]) == (1, clip.stat().st_mtime_ns)  # nanoseconds
    assert not record.finished("x.npz", source, Options(fill="linear"))
    os.utime(clip, ns=(1, 1))
    assert not record.finished("x.npz", Source.of(clip), OPTIONS)
    os.utime(clip, ns=(source.modified, source.modified))
    assert record.finished("x.npz", Source.of(clip), OPTIONS)
    clip.write_bytes(b"longer")
    os.utime(clip, ns=(source.modified, source.modified))
    assert not record.finished("x.npz", Source.of(clip), OPTIONS)
    (tmp_path / "out" / "x.npz").unlink()
    assert not record.finished("x.npz", source, OPTIONS)


def test_the_usual_rate_as_earlier_versions_recorded_it(tmp_path: Path, clip: Path) -> None:
    """What they tracked is not tracked again; a rate that is stated is another matter."""
    record, source = finished(tmp_path / "out", clip), Source.of(clip)
    assert not record.finished("x.npz", source, Options(fps=25.0))
    record.end("x.npz", source, Options(fps=25.0), FOUND)
    assert record.finished("x.npz", source, OPTIONS)
    record.end("x.npz", source, Options(fps=30.0), FOUND)
    assert not record.finished("x.npz", source, OPTIONS)


def test_pictures_of_a_folder_by_their_ending(tmp_path: Path) -> None:
    """As the lists of PHOENIX have it; and frames of more kinds."""
    touch(tmp_path, "a/1/1.png", "b/1.webp", "c/1.bmp")
    (tmp_path / "list.txt").write_text("a/1/*.png\n", encoding="utf-8")
    inputs = find_inputs([tmp_path / "b" / "*.webp", tmp_path / "c"], tmp_path / "list.txt")
    assert [(each.path, each.output) for each in inputs] == [
        (tmp_path / "b", "b"),
        (tmp_path / "c", "c"),
        (tmp_path / "a" / "1", "a/1"),
    ]


def test_addresses_in_a_list(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("https://example.org/a.mp4\n", encoding="utf-8")
    with pytest.raises(UserError) as caught:
        find_inputs([], tmp_path / "list.txt")
    what = "is a web address, not a file; download it first; nothing is fetched"
    assert str(caught.value) == f"{tmp_path / 'list.txt'}:1: {what}"


def test_a_folder_of_frames_has_changed_when_a_frame_has(tmp_path: Path) -> None:
    touch(tmp_path, "clip/1.png", "clip/2.png")
    before = Source.of(tmp_path / "clip")
    assert before.bytes == 2
    os.utime(tmp_path / "clip" / "1.png", ns=(before.modified + 9, before.modified + 9))
    assert Source.of(tmp_path / "clip").modified == before.modified + 9


def test_a_clip_that_is_gone_is_not_finished(tmp_path: Path, clip: Path) -> None:
    """A link that leads nowhere."""
    record = finished(tmp_path / "out", clip)
    link = tmp_path / "link.mp4"
    link.symlink_to(clip)
    assert record.finished("x.npz", Source.of(link), OPTIONS)
    clip.unlink()
    gone = Source.of(link)
    assert gone == Source(str(clip), 0, 0)
    assert not record.finished("x.npz", gone, OPTIONS)


def test_what_was_not_finished_or_failed_is_done_again(tmp_path: Path, clip: Path) -> None:
    source = Source.of(clip)
    record = finished(tmp_path / "out", clip)
    record.begin("x.npz", source)
    assert not Record(tmp_path / "out").finished("x.npz", source, OPTIONS)
    record.end("x.npz", source, OPTIONS, Failure("x.mp4: is damaged"))
    assert not Record(tmp_path / "out").finished("x.npz", source, OPTIONS)
    assert Record(tmp_path / "out").entries["x.npz"]["error"] == "x.mp4: is damaged"


def test_a_clip_that_has_moved_is_the_same_clip(tmp_path: Path, clip: Path) -> None:
    record = finished(tmp_path / "out", clip)
    moved = clip.rename(tmp_path / "x.mp4")
    assert record.finished("x.npz", Source.of(moved), OPTIONS)


def test_files_of_others_are_not_replaced(tmp_path: Path, clip: Path) -> None:
    record = finished(tmp_path / "out", clip)
    touch(tmp_path, "other/x.mp4", "out/y.npz")
    hint = "choose another --out, or delete the file"
    with pytest.raises(UserError) as failed:
        record.finished("x.npz", Source.of(tmp_path / "other" / "x.mp4"), OPTIONS)
    what = f"was made from {clip}, not from {tmp_path / 'other' / 'x.mp4'}"
    assert str(failed.value) == f"{tmp_path / 'out' / 'x.npz'}: {what}; {hint}"
    with pytest.raises(UserError) as failed:
        record.finished("y.npz", Source.of(clip), OPTIONS)
    what = "is there already, and report.jsonl does not know it"
    assert str(failed.value) == f"{tmp_path / 'out' / 'y.npz'}: {what}; {hint}"


def test_a_record_that_was_cut_short_is_read(tmp_path: Path, clip: Path) -> None:
    """At the end it has a line an output."""
    record = finished(tmp_path / "out", clip)
    path = tmp_path / "out" / "report.jsonl"
    assert len(path.read_text(encoding="utf-8").splitlines()) == 2
    with open(path, "a", encoding="utf-8") as file:
        file.write('{"output": "x.npz", "inp')
    again = Record(tmp_path / "out")
    assert again.entries == record.entries and again.entries["x.npz"]["left_hand"] == 0.5123
    again.close()
    assert len(path.read_text(encoding="utf-8").splitlines()) == 1
    assert Record(tmp_path / "out").entries == record.entries


def test_a_record_that_was_cut_short_within_a_letter_is_gone_on_with(tmp_path: Path, clip: Path) -> None:
    """What is written next begins a line of its own, though the process is killed before the end."""
    record = finished(tmp_path / "out", clip)
    path = tmp_path / "out" / "report.jsonl"
    with open(path, "ab") as file:
        file.write('{"output": "ü'.encode()[:-1])
    again = Record(tmp_path / "out")
    assert again.entries == record.entries
    touch(tmp_path, "out/y.npz")
    again.end("y.npz", Source.of(clip), OPTIONS, FOUND)
    assert Record(tmp_path / "out").entries == again.entries
    assert [*again.entries] == ["x.npz", "y.npz"]


def test_a_line_of_another_form_is_passed_over(tmp_path: Path, clip: Path) -> None:
    record = finished(tmp_path / "out", clip)
    with open(tmp_path / "out" / "report.jsonl", "a") as file:
        file.write('{"output": "x.npz"}\n{"output": "x.npz", "input": 3}\n[1]\n')
    assert Record(tmp_path / "out").entries == record.entries


@pytest.mark.parametrize("name", ["a\u2028b", "a\x85b", os.fsdecode(b"gr\xfc\xdfe")])
def test_names_of_any_letters_are_known_again(tmp_path: Path, name: str) -> None:
    """Those that break lines elsewhere, and those that are not UTF-8."""
    clip = tmp_path / f"{name}.mp4"
    clip.write_bytes(b"x")
    record, source = Record(tmp_path / "out"), Source.of(clip)
    record.begin(f"{name}.npz", source)
    record.end(f"{name}.npz", source, OPTIONS, FOUND)
    (tmp_path / "out" / f"{name}.npz").write_bytes(b"x")
    assert Record(tmp_path / "out").finished(f"{name}.npz", source, OPTIONS)
    record.close()
    assert Record(tmp_path / "out").finished(f"{name}.npz", source, OPTIONS)
