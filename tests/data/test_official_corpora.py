"""Official folders: what is read of them, and each way they can be incomplete, word for word."""

import pickle
import shutil
from pathlib import Path

import numpy as np
import official
import pytest

from signkit.config.registry import build, config_class
from signkit.data.corpora import csl_daily, phoenix2014, phoenix2014t
from signkit.data.corpora.configs import CslDailyConfig, Phoenix2014Config, Phoenix2014tConfig
from signkit.data.corpora.frame_folders import _are_even, count_all
from signkit.data.landmark_files import pose
from signkit.errors import OperationalError, UserError, UserErrors
from signkit.types import VIDEO, Landmarks, Video


@pytest.fixture
def multi(tmp_path: Path) -> Path:
    return official.phoenix2014(tmp_path) / "phoenix-2014-multisigner"


def read2014(root: Path, **options: object):
    return phoenix2014.read(Phoenix2014Config(root=str(root), **options))


def test_phoenix2014_as_it_unpacks(multi: Path) -> None:
    corpus = read2014(multi.parent)
    assert (corpus.name, corpus.layout, corpus.width) == ("phoenix2014", VIDEO, 3)
    assert [(s.id, s.split, s.signer, s.frames) for s in corpus.samples] == [
        ("monday-0", "train", "Signer01", 3),
        ("monday-1", "train", "Signer05", 2),
        ("tuesday-0", "dev", "Signer05", 2),
        ("friday-0", "test", "Signer05", 4),
    ]
    assert corpus.samples[0].source == f"{multi}/annotations/manual/train.corpus.csv:2"
    signal = corpus.samples[3].load()
    assert isinstance(signal, Video) and (signal.clip.frames, signal.clip.fps) == (4, 25.0)
    assert signal.clip.read(np.array([0, 3]))[:, 0, 0].tolist() == [[0, 0, 0], [30, 30, 30]]


def test_glosses_of_train_are_cleaned_as_hypotheses_are_and_others_not(multi: Path) -> None:
    references = {s.id: " ".join(s.reference) for s in read2014(multi).samples}
    assert references["monday-0"] == "__ON__ NORD REGEN"
    assert references["monday-1"] == "SONNE KOMMEN"
    official.lines(
        multi / "annotations/manual/dev.corpus.csv",
        [official.PHOENIX_HEADER, "tuesday-0|tuesday-0/1/*.png|Signer05|loc-NORD  SCHNEE SCHNEE"],
    )
    assert read2014(multi).samples[2].reference == ("loc-NORD", "SCHNEE", "SCHNEE")
    as_written = read2014(multi, clean=False).samples[0].reference
    assert as_written == ("__ON__", "loc-NORD", "REGEN", "REGEN")


def test_the_release_its_folder_and_the_part_itself_are_the_same_corpus(tmp_path: Path, multi: Path) -> None:
    shutil.copytree(
        tmp_path / "phoenix-2014-multisigner", tmp_path / "up/phoenix2014-release/phoenix-2014-multisigner"
    )
    prints = {read2014(root).fingerprint for root in (tmp_path, multi, tmp_path / "up")}
    assert len(prints) == 1


def test_the_fingerprint_tells_a_changed_list_and_a_lost_frame(multi: Path) -> None:
    before = read2014(multi).fingerprint
    (multi / official.FRAMES / "train/monday-0/1/fn000001-0.png").unlink()
    fewer = read2014(multi).fingerprint
    file = multi / "annotations/manual/test.corpus.csv"
    file.write_text(file.read_text().replace("SONNE", "MOND"))
    assert len({before, fewer, read2014(multi).fingerprint}) == 3


def test_si5_reads_the_multisigners_frames_or_its_own(multi: Path) -> None:
    release = official.phoenix2014(multi.parent, "si5")
    alone = release / "phoenix-2014-signerindependent-SI5"
    for root in (release, alone, multi):
        corpus = read2014(root, part="si5")
        assert corpus.name == "phoenix2014-si5"
        assert [(s.id, s.split) for s in corpus.samples] == [
            ("monday-0", "train"), ("tuesday-0", "dev"), ("friday-0", "test"),
        ]  # fmt: skip
    shutil.copytree(multi / official.FRAMES, alone / official.FRAMES)
    shutil.rmtree(multi)
    assert [s.frames for s in read2014(release, part="si5").samples] == [3, 2, 4]


def test_a_part_is_found_from_within_its_folder(multi: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release = official.phoenix2014(multi.parent, "si5")
    alone = release / "phoenix-2014-signerindependent-SI5"
    for folder in (alone, multi, release):
        monkeypatch.chdir(folder)
        assert len(read2014(Path("."), part="si5").samples) == 3
    monkeypatch.chdir(alone / "annotations")
    assert len(read2014(Path(".."), part="si5").samples) == 3
    (alone / official.FRAMES).mkdir(parents=True)  # as an archive without frames leaves it
    assert len(read2014(alone, part="si5").samples) == 3


def test_leaving_out_and_another_folder_of_frames(multi: Path) -> None:
    shutil.move(multi / official.FRAMES, multi / "features/fullFrame-256x256px")
    corpus = read2014(multi, frames="fullFrame-256x256px", leave_out=("monday-1",))
    assert [s.id for s in corpus.samples] == ["monday-0", "tuesday-0", "friday-0"]


def test_the_broken_clip_is_left_out_unless_asked_for(multi: Path) -> None:
    name = "13April_2011_Wednesday_tagesschau_default-14"
    rows = [
        official.PHOENIX_HEADER,
        f"{name}|{name}/1/*.png|Signer05|REGEN",
        "monday-0|monday-0/1/*.png|S|WIND",
    ]
    official.lines(multi / "annotations/manual/train.corpus.csv", rows)
    official.pictures(multi / official.FRAMES / "train" / name / "1", 2)
    assert [s.id for s in read2014(multi).split("train")] == ["monday-0"]
    assert [s.id for s in read2014(multi, leave_out=()).split("train")] == [name, "monday-0"]


def test_phoenix2014t_as_it_unpacks(tmp_path: Path) -> None:
    official.phoenix2014t(tmp_path)
    corpus = phoenix2014t.read(Phoenix2014tConfig(root=str(tmp_path)))
    first = corpus.samples[0]
    assert (first.id, first.signer, first.frames) == ("monday-0", "Signer01", 3)
    assert first.text == 'der "regen" kommt'
    assert first.reference == ("NORD", "REGEN")  # __ON__ is a marker here
    inner = tmp_path / "PHOENIX-2014-T" / official.FRAMES / "train/monday-0"
    official.pictures(inner / "1", 5)
    assert phoenix2014t.read(Phoenix2014tConfig(root=str(tmp_path))).samples[0].frames == 3
    for frame in inner.glob("*.png"):
        frame.unlink()
    assert phoenix2014t.read(Phoenix2014tConfig(root=str(tmp_path))).samples[0].frames == 5


def test_the_real_frames_of_phoenix2014t(tmp_path: Path, real_data) -> None:
    real = real_data("phoenix2014t_mini") / "PHOENIX-2014-T"
    manual = tmp_path / "annotations/manual"
    for split in ("train", "dev", "test"):
        name = f"PHOENIX-2014-T.{split}.corpus.csv"
        header, row = (real / "annotations/manual" / name).read_text().splitlines()
        official.lines(manual / name, [header, f"{split}-{row}"])  # the same name in each split is a fault
    (tmp_path / "features").symlink_to(real / "features")
    corpus = phoenix2014t.read(Phoenix2014tConfig(root=str(tmp_path)))
    assert [(s.split, s.frames, len(s.reference), s.signer) for s in corpus.samples] == [
        ("train", 2, 11, "Signer01"), ("dev", 2, 11, "Signer01"), ("test", 2, 11, "Signer01"),
    ]  # fmt: skip
    signal = corpus.samples[1].load()
    assert isinstance(signal, Video) and signal.clip.read(np.array([0, 1])).shape == (2, 260, 210, 3)


def test_the_real_folder_has_one_name_in_all_splits(real_data) -> None:
    root = real_data("phoenix2014t_mini")
    manual = root / "PHOENIX-2014-T/annotations/manual"
    with pytest.raises(UserErrors) as caught:
        phoenix2014t.read(Phoenix2014tConfig(root=str(root)))
    name = "25October_2010_Monday_tagesschau-17"
    first = f"{manual}/PHOENIX-2014-T.train.corpus.csv:2"
    assert [str(fault) for fault in caught.value.faults] == [
        f"{manual}/PHOENIX-2014-T.{split}.corpus.csv:2: {name} is there twice, first in {first}"
        for split in ("dev", "test")
    ]


def test_csl_daily_from_its_pickle_and_from_its_text_are_the_same(tmp_path: Path) -> None:
    root = official.csl_daily(tmp_path)
    text = csl_daily.read(CslDailyConfig(root=str(root)))
    assert [(s.id, s.split, s.reference, s.signer, s.text) for s in text.samples] == [
        (name, split, tuple(glosses.split()), name[12], words)
        for name, split, glosses, words, _ in official.CSL
    ]
    signal = text.samples[0].load()
    assert isinstance(signal, Video) and (signal.clip.frames, signal.clip.fps) == (3, 30.0)
    data = pickle.dumps({"info": official.LABELS, "gloss_map": ["你们", "好"]})
    (root / "sentence_label/csl2020ct_v2.pkl").write_bytes(data)
    (root / "sentence_label/video_map.txt").unlink()
    kept = csl_daily.read(CslDailyConfig(root=str(root)))
    assert [(s.id, s.reference, s.signer, s.text, s.frames) for s in kept.samples] == [
        (s.id, s.reference, s.signer, s.text, s.frames) for s in text.samples
    ]


@pytest.mark.parametrize(
    "frames", ["sentence_frames-512x512/frames_512x512", "sentence/frames_512x512", "frames_512x512"]
)
def test_csl_dailys_frames_are_found_where_they_usually_are(tmp_path: Path, frames: str) -> None:
    root = official.csl_daily(tmp_path, frames)
    assert [s.frames for s in csl_daily.read(CslDailyConfig(root=str(root))).samples] == [3, 2, 2, 2]
    assert len(csl_daily.read(CslDailyConfig(root=str(root / "sentence_label"))).samples) == 4
    assert len(csl_daily.read(CslDailyConfig(root=str(root), frames=frames)).samples) == 4


def test_csl_dailys_frames_are_found_where_only_a_few_are_unpacked(tmp_path: Path) -> None:
    """Of several hundred names the one whose frames are there."""
    root = official.csl_daily(tmp_path, "frames_512x512")
    more = [f"S{number:06d}_P0000_T00|train" for number in range(1000, 1400)]
    file = root / "sentence_label/split_1.txt"
    file.write_text(file.read_text() + "".join(f"{line}\n" for line in more))
    for name, *_ in official.CSL[:3]:
        shutil.rmtree(root / "frames_512x512" / name)
    stock = csl_daily.take_stock(CslDailyConfig(root=str(root)))
    assert [s.id for s in stock.corpus.samples] == [official.CSL[3][0]]


def test_csl_dailys_misnamed_video_is_the_one_that_has_a_label(tmp_path: Path) -> None:
    root = official.csl_daily(tmp_path)
    file = root / "sentence_label/split_1.txt"
    file.write_text(file.read_text().replace("S000007_P0003_T00", "S000005_P0004_T00"))
    sample = csl_daily.read(CslDailyConfig(root=str(root))).samples[1]
    assert (sample.id, sample.split, sample.reference) == ("S000007_P0003_T00", "train", ("他", "谁"))


def test_landmarks_in_place_of_frames(tmp_path: Path, multi: Path) -> None:
    shutil.rmtree(multi / "features")
    places = {"train/monday-0/1": 7, "train/monday-1": 6, "tuesday-0": 5, "test/friday-0/1": 9}
    for place, frames in places.items():
        path = tmp_path / "points" / f"{place}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        points = np.zeros((frames, 21, 3), dtype=np.float32) + np.arange(21, dtype=np.float32)[:, None]
        np.savez(path, landmarks=points, layout="hand")
    corpus = read2014(multi, landmarks=str(tmp_path / "points"))
    assert (corpus.layout, corpus.width) == ("hand", 3)
    assert [s.frames for s in corpus.samples] == [7, 6, 5, 9]
    (tmp_path / "points/tuesday-0.npz").unlink()
    missing = f"{tmp_path}/points/dev/tuesday-0/1.npz: there is no such file; it is that of "
    assert (
        fault_of(multi, landmarks=str(tmp_path / "points"))
        == missing + f"{multi}/annotations/manual/dev.corpus.csv:2"
    )


def landmarks(folder: Path, places: dict[str, int], fps: float = 25.0) -> str:
    """Files of one hand, of so many frames each."""
    for place, frames in places.items():
        path = folder / f"{place}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        points = np.zeros((frames, 21, 3), dtype=np.float32) + np.arange(21, dtype=np.float32)[:, None]
        np.savez(path, landmarks=points, layout="hand", fps=fps)
    return str(folder)


def test_landmarks_of_pictures_have_the_corpuss_frames_a_second(tmp_path: Path) -> None:
    """CSL-Daily has 30; what was made of its pictures says 25, as of any folder."""
    root = official.csl_daily(tmp_path)
    points = landmarks(tmp_path / "points", {name: frames for name, *_, frames in official.CSL})
    signal = csl_daily.read(CslDailyConfig(root=str(root), landmarks=points)).samples[0].load()
    assert isinstance(signal, Landmarks) and signal.fps == 30.0


def test_the_fingerprint_tells_landmarks_that_were_made_anew(tmp_path: Path, multi: Path) -> None:
    places = {"train/monday-0/1": 3, "train/monday-1/1": 2, "dev/tuesday-0/1": 2, "test/friday-0/1": 4}
    points = landmarks(tmp_path / "points", places)
    before = read2014(multi, landmarks=points).fingerprint
    assert read2014(multi, landmarks=points).fingerprint == before
    file = tmp_path / "points/dev/tuesday-0/1.npz"
    np.savez(file, landmarks=np.ones((2, 21, 3), np.float32), layout="hand")
    assert read2014(multi, landmarks=points).fingerprint != before


def test_landmarks_of_frames_in_a_folder_1(tmp_path: Path) -> None:
    """Of a copy of 2014 T that has one, `signkit landmarks` makes NAME/1.npz."""
    root = official.phoenix2014t(tmp_path)
    names = {f"{split}/{row[0]}/1": row[3] for split, rows in official.ROWS.items() for row in rows}
    points = landmarks(tmp_path / "points", names)
    corpus = phoenix2014t.read(Phoenix2014tConfig(root=str(root), landmarks=points))
    assert [s.frames for s in corpus.samples] == [3, 2, 2, 4]


def test_landmarks_as_pose_files(tmp_path: Path, multi: Path) -> None:
    points = np.random.default_rng(1).random((3, 543, 3), dtype=np.float32) * 200
    data = pose.content(points, np.ones((3, 543), np.float32), "holistic", 25.0, (210, 260))
    for place in ("train/monday-0/1", "train/monday-1/1", "dev/tuesday-0/1", "test/friday-0/1"):
        path = tmp_path / "points" / f"{place}.pose"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    corpus = read2014(multi, landmarks=str(tmp_path / "points"))
    assert (corpus.layout, corpus.width) == ("holistic", 3)
    assert [s.frames for s in corpus.samples] == [3, 3, 3, 3]
    signal = corpus.samples[0].load()
    assert isinstance(signal, Landmarks) and signal.points.shape == (3, 543, 3)


def fault_of(root: Path, **options: object) -> str:
    with pytest.raises(UserError) as caught:
        read2014(root, **options)
    return str(caught.value)


def test_a_folder_that_is_not_the_release(tmp_path: Path) -> None:
    lists = " or ".join(f"annotations/manual/{split}.corpus.csv" for split in ("train", "dev", "test"))
    inner = "phoenix-2014-multisigner"
    assert fault_of(tmp_path) == (
        f"{tmp_path}: no {lists} in it; nor in {tmp_path}/{inner}, {tmp_path}/phoenix2014-release/{inner}"
    )


def test_a_list_that_is_missing_and_one_with_other_columns(multi: Path) -> None:
    manual = multi / "annotations/manual"
    (manual / "dev.corpus.csv").unlink()
    official.lines(manual / "test.corpus.csv", ["id|signer|annotation", "friday-0|Signer05|SONNE"])
    assert fault_of(multi).splitlines() == [
        f"{manual}/dev.corpus.csv: there is no such file",
        f"{manual}/test.corpus.csv:1: column missing: folder; there are: id, signer, annotation",
    ]


def test_every_fault_of_the_rows_is_named(multi: Path) -> None:
    file = multi / "annotations/manual/train.corpus.csv"
    rows = [
        "monday-0|monday-0/1/*.png|S|A",
        "|x/1/*.png|S|A",
        "monday-1|monday-1/1/*.png|S| ",
        "monday-0|monday-0|S|B",
        "far|../../etc/*.png|S|A",
        "/etc/far|x/1/*.png|S|A",
        "nil\0|nil/1/*.png|S|A",
        "nil|ni\0l/1/*.png|S|A",
    ]
    official.lines(file, [official.PHOENIX_HEADER, *rows])
    assert fault_of(multi).splitlines() == [
        f"{file}:3: the name is empty",
        f"{file}:4: monday-1 has no gloss",
        f"{file}:6: the frames of far are said to be in train/../../etc, which is not below the folder",
        f"{file}:7: /etc/far is a path, not a name",
        f"{file}:8: the name or the folder has the character 0",
        f"{file}:9: the name or the folder has the character 0",
        f"{file}:5: monday-0 is there twice, first in line 2",
    ]
    official.lines(file, [official.PHOENIX_HEADER, "a|b|c"])
    assert fault_of(multi) == f"{file}:2: the row has 3 cells, the header 4"
    official.lines(file, [official.PHOENIX_HEADER])
    assert fault_of(multi) == f"{file}: the list has no rows"


def test_a_word_that_the_rules_do_not_take_is_named_by_its_line(tmp_path: Path) -> None:
    manual = official.phoenix2014t(tmp_path) / "PHOENIX-2014-T/annotations/manual"
    file, dev = (manual / f"PHOENIX-2014-T.{split}.corpus.csv" for split in ("train", "dev"))
    file.write_text(file.read_text().replace("SONNE", "A" * 300))
    dev.unlink()
    with pytest.raises(UserErrors) as caught:
        phoenix2014t.read(Phoenix2014tConfig(root=str(tmp_path)))
    why = "the rule `markers` takes words of at most 250 characters, and here is one of 300"
    assert str(caught.value).splitlines() == [
        f"{file}:3: protocol phoenix2014t: {why}",
        f"{dev}: there is no such file",
    ]


def test_what_cannot_be_looked_at_is_said_so(tmp_path: Path, multi: Path) -> None:
    """Here by its name's length; without the permission it is the same."""
    long = "x" * 300
    with pytest.raises(OperationalError, match=f"{long}: cannot be read: File name too long$"):
        read2014(tmp_path / long)
    with pytest.raises(OperationalError, match=f"{long}: cannot be read: File name too long$"):
        read2014(multi, frames=long)
    row = f"{long}|tuesday-0/1/*.png|Signer05|SCHNEE"
    official.lines(multi / "annotations/manual/dev.corpus.csv", [official.PHOENIX_HEADER, row])
    with pytest.raises(OperationalError, match=f"{long}.npz: cannot be read: File name too long$"):
        read2014(multi, landmarks=str(tmp_path))


def test_missing_frames_are_refused_together(multi: Path) -> None:
    frames = multi / official.FRAMES
    shutil.rmtree(frames / "train/monday-0")
    for picture in (frames / "train/monday-1/1").iterdir():
        picture.unlink()
    shutil.rmtree(frames / "test")
    manual = multi / "annotations/manual"
    assert fault_of(multi).splitlines() == [
        f"{frames}/test: there is no such folder; it is that of 1 samples of test",
        f"{frames}/train/monday-0/1: there is no such folder; it is that of {manual}/train.corpus.csv:2",
        f"{frames}/train/monday-1/1: the folder has no frames (png, jpg, webp, bmp, tif); "
        f"it is that of {manual}/train.corpus.csv:3",
    ]


def test_a_gap_in_the_frames_is_found_before_a_run_begins(multi: Path) -> None:
    folder = multi / official.FRAMES / "train/monday-0/1"
    (folder / "fn000001-0.png").rename(folder / "fn000007-0.png")
    gap = f"{folder}: frame 1 is missing: fn000001-0.png and others (2 gaps)"
    (folder / "fn000003-0.png").write_bytes(b"")
    assert fault_of(multi) == f"{gap}; complete the folder, or renumber its frames"
    assert [s.id for s in read2014(multi, missing="skip").split("train")] == ["monday-1"]
    (folder / "fn000003-0.png").rename(folder / "fn000001-0.jpg")
    assert fault_of(multi) == f"{folder}: the folder has frames of two kinds, png and jpg"


@pytest.mark.parametrize(
    ("names", "even"),
    [
        (["images0001.png", "images0003.png", "images0002.png"], True),
        (["x.avi_pid0_fn000000-0.png", "x.avi_pid0_fn000010-0.png"], False),
        ([f"x.avi_pid0_fn{number:06d}-0.png" for number in range(11)], True),
        ([f"x.avi_pid0_fn{number:06d}-0.png" for number in range(90, 111)], True),
        (["000000.jpg"], False),  # one number is no row; it is looked at
        (["9.png", "10.png"], False),
        (["000000.jpg", "000001.png"], False),
        (["0.png", "1.jpg", "2.png"], False),
        (["2.png", "a.png"], False),
    ],
)
def test_names_that_count_evenly_are_not_looked_at_again(names: list[str], even: bool) -> None:
    assert _are_even(names) is even


def test_missing_frames_of_train_can_be_left_out_and_are_named(multi: Path) -> None:
    frames = multi / official.FRAMES
    shutil.rmtree(frames / "train/monday-0")
    corpus = read2014(multi, missing="skip")
    assert [s.id for s in corpus.samples] == ["monday-1", "tuesday-0", "friday-0"]
    row = f"{multi}/annotations/manual/train.corpus.csv:2"
    assert corpus.left_out == (f"{frames}/train/monday-0/1: there is no such folder; it is that of {row}",)
    shutil.rmtree(frames / "dev/tuesday-0")
    row = f"{multi}/annotations/manual/dev.corpus.csv:2"
    assert fault_of(multi, missing="skip") == (
        f"{frames}/dev/tuesday-0/1: there is no such folder; it is that of {row}"
    )


def test_all_of_train_missing_is_no_corpus(multi: Path) -> None:
    shutil.rmtree(multi / official.FRAMES / "train")
    what = f"{multi}/{official.FRAMES}/train: there is no such folder; it is that of 2 samples of train"
    assert fault_of(multi, missing="skip") == f"{multi}: there is no sample of train; {what}"


def csl_fault(root: Path) -> str:
    with pytest.raises(UserError) as caught:
        csl_daily.read(CslDailyConfig(root=str(root)))
    return str(caught.value)


def test_an_unknown_split_and_a_name_without_a_label(tmp_path: Path) -> None:
    root = official.csl_daily(tmp_path)
    file = root / "sentence_label/split_1.txt"
    file.write_text(file.read_text().replace("|dev", "|validation") + "S999999_P0000_T00|test\n")
    assert csl_fault(root).splitlines() == [
        f"{file}:4: split 'validation' is none of train, dev, test",
        f"{file}:6: S999999_P0000_T00 has no label in {root}/sentence_label/video_map.txt",
    ]


class Sly:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("it was executed",)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "damaged or truncated before byte 0"),
        (pickle.dumps({"info": official.LABELS}, protocol=4)[:400], "damaged or truncated before byte 400"),
        (b"not a pickle", "it is none"),
        (
            pickle.dumps({"info": [{"name": Sly()}]}, protocol=4),
            "it names builtins.print, before byte 51",
        ),
        (
            pickle.dumps({"info": [{"name": Sly()}]}, protocol=2),
            "it names __builtin__.print, before byte 52",
        ),
    ],
)
def test_a_pickle_that_is_damaged_or_holds_an_object(
    tmp_path: Path, data: bytes, why: str, capfd: pytest.CaptureFixture[str]
) -> None:
    root = official.csl_daily(tmp_path)
    file = root / "sentence_label/csl2020ct_v2.pkl"
    file.write_bytes(data)
    hint = "such a file holds lists, dicts, text and numbers; without it video_map.txt is read"
    assert csl_fault(root) == f"{file}: not a pickle of plain data: {why}; {hint}"
    assert capfd.readouterr() == ("", "")


def test_a_pickle_of_another_form(tmp_path: Path) -> None:
    root = official.csl_daily(tmp_path)
    file = root / "sentence_label/csl2020ct_v2.pkl"
    form = f"{file}: is not a dict whose `info` is a list of dicts, as CSL-Daily's labels are"
    file.write_bytes(pickle.dumps({"info": []}))
    assert csl_fault(root) == f"{file}: has no labels"
    for value in ([1], {"info": 3}, {"info": [3]}, 5):
        file.write_bytes(pickle.dumps(value))
        assert csl_fault(root) == form
    file.write_bytes(
        pickle.dumps({"info": [{"name": 3}, {"name": "a", "label_gloss": [4]}, *official.LABELS[:3]]})
    )
    assert csl_fault(root).splitlines() == [
        f"{file}: info[0]: name is 3, not a name",
        f"{file}: info[1]: label_gloss of a is no list of glosses",
        f"{root}/sentence_label/split_1.txt:5: S000040_P0008_T00 has no label in {file}",
    ]


def test_frames_are_pictures_that_are_not_hidden(tmp_path: Path) -> None:
    official.pictures(tmp_path, 3)
    for name in ("Thumbs.db", ".DS_Store", "._fn000000-0.png", "note.txt"):
        (tmp_path / name).write_bytes(b"x")
    folders = [tmp_path, tmp_path / "none", tmp_path / "note.txt"]
    assert [counted.frames for counted in count_all(folders)] == [3, -1, -1]


def test_the_corpora_are_registered(multi: Path) -> None:
    assert len(build(config_class("corpora", "phoenix2014")(root=str(multi))).samples) == 4
    assert config_class("corpora", "phoenix2014t") is Phoenix2014tConfig
    assert config_class("corpora", "csl_daily") is CslDailyConfig
