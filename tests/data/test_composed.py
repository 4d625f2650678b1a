"""The corpus `composed`: words and their splits, transitions, recordings, and pictures of the hand."""

import csv
import dataclasses
import hashlib
import pickle
from itertools import pairwise

import numpy as np
import pytest
from letter_recordings import LETTERS, write_recordings

from signkit.data.composed import hand_video, recordings, synthetic, timeline
from signkit.data.composed.corpus import read
from signkit.data.composed.hand_video import draw_hand
from signkit.data.composed.timeline import Piece
from signkit.data.corpora.configs import ComposedConfig
from signkit.data.synthetic.draw import stream
from signkit.data.synthetic.hand_clip import PARENT, Stage
from signkit.data.synthetic.video import draw_look
from signkit.errors import UserError
from signkit.testing import check_corpus
from signkit.types import Landmarks, Video

SMALL = {"train": 12, "dev": 4, "test": 4, "people": 8}
STILL = Stage(0.0, 0.0, 0.0)
GOLDEN = {
    "train-00000": "6702b1fa294aa808",
    "dev-00003": "ec5eec4930c8945a",
    "test-00001": "d8ad847acd8b6f49",
}
FRAMES = "f64879ea9238bbdf"
FINGERPRINTS = ["7c9771c744a4bad1", "203dd20d1946e9be"]
"""Of key points, and of frames of 48 pixels."""


def corpus(**options):
    return read(ComposedConfig(**{**SMALL, **options}))


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


def fault(**options):
    with pytest.raises(UserError) as caught:
        corpus(**options)
    return str(caught.value)


def pieces(text="hello", **options):
    return timeline.draw_pieces(text, **{"fps": 25.0, "rate": 4.0, "bits": stream(1), **options})


def bones(points):
    return np.linalg.norm(points - points[..., PARENT, :], axis=-1)


def test_the_corpus():
    found = corpus()
    assert (found.layout, found.width, len(found.samples)) == ("hand", 3, 20)
    for sample in found.samples:
        signal = sample.load()
        assert isinstance(signal, Landmarks) and (signal.layout, signal.fps) == ("hand", 25.0)
        assert signal.points.shape == (sample.frames, 21, 3) and np.isfinite(signal.points).all()
        assert "".join(segment.gloss for segment in sample.segments) == sample.text
        assert sample.text == " ".join(sample.reference)
        assert all(first.end < second.start for first, second in pairwise(sample.segments))
        assert sample.segments[-1].end < sample.frames
    check_corpus(ComposedConfig(**SMALL))


def test_equal_options_equal_bits():
    samples = {sample.id: sample for sample in corpus().samples}
    assert {name: digest(samples[name].load().points) for name in GOLDEN} == GOLDEN
    assert digest(pickle.loads(pickle.dumps(samples["dev-00003"])).load().points) == GOLDEN["dev-00003"]
    assert corpus(seed=2).fingerprint != corpus().fingerprint


def test_splits_share_neither_words_nor_people():
    found = corpus(train=300, dev=60, test=60, phrases=0.5)
    parts = [found.split(split) for split in ("train", "dev", "test")]
    spelled = [{word for sample in part for word in sample.reference} for part in parts]
    people = [{sample.signer for sample in part} for part in parts]
    for sets in (spelled, people):
        assert not (sets[0] & sets[1] or sets[0] & sets[2] or sets[1] & sets[2])
    assert all(3 <= len(word) <= 8 for word in set.union(*spelled))
    assert set("".join(set.union(*spelled))) == set(LETTERS.lower())
    counts = [len(sample.reference) for sample in found.samples]
    assert 0.4 < np.mean([count > 1 for count in counts]) < 0.6 and max(counts) == 3
    held_out = [word for part in parts[1:] for sample in part for word in sample.reference]
    assert len(held_out) == len(set(held_out))


def test_words_of_a_file(tmp_path):
    lines = ["Ada Lovelace", "", "  new   york ", "new york", *(f"word{chr(97 + i)}" for i in range(20))]
    (tmp_path / "w.txt").write_text("\n".join(lines), encoding="utf-8")
    found = corpus(words=str(tmp_path / "w.txt"), train=40)
    parts = [{sample.text for sample in found.split(split)} for split in ("train", "dev", "test")]
    assert set.union(*parts) == set(lines[4:]) | {"ada lovelace", "new york"}
    assert [len(part) for part in parts] == [18, 2, 2]
    (tmp_path / "w.txt").write_text("ada\nc3po\n", encoding="utf-8")
    assert fault(words=str(tmp_path / "w.txt")) == (
        f"{tmp_path / 'w.txt'}:2: 'c3po' has something else than letters A to Z and spaces"
    )
    (tmp_path / "w.txt").write_text("c3po\nada\nr2d2\n", encoding="utf-8")
    assert [line.partition(" ")[0] for line in fault(words=str(tmp_path / "w.txt")).splitlines()] == [
        f"{tmp_path / 'w.txt'}:1:",
        f"{tmp_path / 'w.txt'}:3:",
    ]
    (tmp_path / "w.txt").write_text("ada\nAda\nbo\n", encoding="utf-8")
    assert fault(words=str(tmp_path / "w.txt")) == (
        f"{tmp_path / 'w.txt'}: has 2 different lines, and train, dev and test need one each"
    )


def test_too_few_words():
    assert fault(longest=1, shortest=1, dev=40) == (
        "data.longest: too few words have 1 to 1 letters for so many clips of dev; "
        "take more letters or fewer clips"
    )


def test_the_profile_of_a_transition():
    """At rest at both ends: speed and acceleration vanish; symmetric."""
    time = np.linspace(0, 1, 1001)
    along = timeline.least_jerk(time)
    np.testing.assert_allclose(along + along[::-1], 1, atol=1e-12)
    speed = np.diff(along) * 1000
    assert speed[0] < 1e-4 and speed[-1] < 1e-4 and speed.max() == pytest.approx(1.875, abs=1e-4)
    assert (speed > 0).all()


def test_a_course():
    """Two frames of one recording, three of a transition, one of another, between two of its frames."""
    row = (Piece("a", 2, 3), Piece("b", 3, 0))
    course = timeline.course_of(row, [np.array([4.0, 5.0]), np.array([8.0, 8.5, 9.0])])
    assert course.piece.tolist() == [0, 0, 0, 0, 0, 1, 1, 1]
    assert course.first.tolist() == [4, 5, 5, 5, 5, 8, 8, 9]
    assert course.second.tolist() == [4, 5, 8, 8, 8, 8, 9, 9]
    np.testing.assert_allclose(course.along, [0, 0, 53 / 512, 0.5, 459 / 512, 0, 0, 0])
    np.testing.assert_allclose(course.share, [0, 0, 53 / 512, 0.5, 459 / 512, 0, 0.5, 0])
    assert timeline.total_frames(row) == 8


def test_bones_keep_their_lengths_on_the_way():
    speller = synthetic.draw_speller(3, 1.0, (1,))
    row = pieces("vox")
    moves = [synthetic.hand_clip.shape(speller.postures[letter], speller.person.bones) for letter in "vox"]
    course = timeline.course_of(
        (Piece("v", 1, 5), Piece("o", 1, 5), Piece("x", 1, 0)), [np.array([float(i)]) for i in range(3)]
    )
    found = timeline.blended(np.stack(moves), course)
    np.testing.assert_allclose(found[[0, 6, 12]], moves, atol=1e-12)
    np.testing.assert_allclose(bones(found), np.broadcast_to(bones(moves[0]), (13, 21)), atol=1e-9)
    points = synthetic.spell(speller, row, STILL, (1, 2))
    assert np.abs(np.diff(points, axis=0)).max() < 0.3  # in pictures: nothing jumps


def test_letters_that_are_alike():
    """Between two of them the hand slides to the side, or bounces: it goes down and comes back."""
    row, seen = (Piece("l", 2, 5), Piece("l", 2, 0)), set()
    course = timeline.course_of(row, [np.array([0.0, 1.0]), np.array([0.0, 1.0])])
    for seed in range(12):
        moved = timeline.shifts(row, course, stream(seed))[:, 0]
        slid, bounced = moved[0, 0] - moved[-1, 0], moved[4, 1]
        assert (0.25 <= slid <= 0.65 and bounced == 0) or (slid <= 0.12 and 0.25 <= bounced <= 0.5)
        np.testing.assert_array_equal(moved[[0, 1, 7, 8], 1], 0)
        seen.add(bounced == 0)
    assert seen == {True, False}


def test_timing():
    """Faster spelling has fewer frames a letter; J and Z take longer; fps scales all."""
    slow, fast = (timeline.total_frames(pieces("bananas", rate=rate)) for rate in (2.0, 6.0))
    assert 2.3 < slow / fast < 3.5
    held = {letter: np.mean([pieces(letter, bits=stream(i))[1].frames for i in range(50)]) for letter in "jk"}
    assert held["j"] > 1.8 * held["k"]
    assert timeline.total_frames(pieces(fps=50.0)) == pytest.approx(
        2 * timeline.total_frames(pieces()), rel=0.1
    )
    assert [piece.letter for piece in pieces("a b")] == ["", "a", " ", "b", ""]


def test_recordings_spell(tmp_path):
    """Without variation each letter that is held is a frame of a recording, but for place and size."""
    root = write_recordings(tmp_path)
    found = corpus(root=str(root), test_recorder="b", dev_recorder="d", synthetic=0.0, stretch=0.0)
    assert found.notes == ("train is spelled by a, c", "dev is spelled by d", "test is spelled by b")
    assert {sample.signer for sample in found.split("train")} == {"a", "c"}
    assert {sample.signer for sample in found.split("test")} == {"b"}
    recorded = recordings.read(root)
    sample = found.split("test")[0]
    points = sample.load().points
    assert points.shape == (sample.frames, 21, 3) and np.isfinite(points).all()
    for segment in sample.segments:
        if segment.gloss in "jz ":
            continue
        shape = points[segment.start] - points[segment.start, :1]
        shape /= np.linalg.norm(shape)
        nearest = [
            np.abs(shape - (each - each[:1]) / np.linalg.norm(each - each[:1])).max()
            for start, frames in recorded.letters["b"][segment.gloss]
            for each in recorded.points[start : start + frames]
        ]
        assert min(nearest) < 1e-5
    check_corpus(ComposedConfig(**SMALL, root=str(root)))


def test_recorders_by_default(tmp_path):
    root = str(write_recordings(tmp_path, {"p1": LETTERS, "p2": LETTERS[:-2], "p3": LETTERS}))
    found = corpus(root=root, synthetic=0.5, train=40)
    assert found.notes == (
        "train is spelled by p2",
        "dev is spelled by p1",
        "test is spelled by p3",
        "p2 has no recording of y, z: words without are spelled",
    )
    by_p2 = [sample for sample in found.split("train") if sample.signer == "p2"]
    assert 8 < len(by_p2) < 32
    assert not set("yz") & {letter for sample in by_p2 for letter in sample.text}


def test_a_recording_with_gaps(tmp_path):
    """Frames without a hand are filled from those around them, or cut off at the ends; missing depth is 0."""
    points = np.zeros((12, 21, 3)) + np.arange(12)[:, None, None]
    points[:, 1:, 1] += np.arange(1, 21)
    points[[0, 1, 4, 5, 11]] = np.nan
    points[..., 2] = np.nan
    np.savez(tmp_path / "landmarks.npz", xyz=points)
    rows = "signer,label,offset,frames\nann,A,0,12\nann,B,0,2\n"
    (tmp_path / "index.csv").write_text(rows, encoding="utf-8")
    found = recordings.read(tmp_path)
    assert (found.handless, {**found.letters["ann"]}) == (1, {"a": ((0, 9),)})
    x = found.points[:9, 0, 0]
    np.testing.assert_allclose(np.diff(x), np.diff(x)[0], rtol=1e-5)
    assert (found.points[..., 2] == 0).all()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"test_recorder": "x"}, "data.test_recorder: there is no recorder 'x'; there are: a, b, c, d"),
        (
            {"test_recorder": "a", "dev_recorder": "a"},
            "data.dev_recorder: 'a' is the recorder of test",
        ),
    ],
)
def test_recorders_that_cannot_be(options, told, tmp_path):
    assert fault(root=str(write_recordings(tmp_path, dict.fromkeys("abcd", "ABC"))), **options) == told


def test_too_few_recorders_and_letters(tmp_path):
    root = tmp_path / "two"
    write_recordings(root, {"a": "ABC", "b": "ABC"})
    assert fault(root=str(root)) == f"{root}: has 2 recorders, and train, dev and test need one each"
    root = tmp_path / "three"
    write_recordings(root, dict.fromkeys("abc", "QZ"))
    assert fault(root=str(root), synthetic=0.0) == (
        f"{root}: b: the letters that were recorded spell too few words; take fewer clips or other words"
    )


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("a,?,0,2", "index.csv:2: label '?' is no letter from A to Z"),
        ("a,A,0,9", "index.csv:2: frames 0 to 9 are not in landmarks.npz, which has 4"),
        ("a,A,x,2", "index.csv:2: offset is 'x', not a whole number"),
    ],
)
def test_rows_that_are_wrong(row, told, tmp_path):
    np.savez(tmp_path / "landmarks.npz", xyz=np.zeros((4, 21, 3)))
    (tmp_path / "index.csv").write_text(f"signer,label,offset,frames\n{row}\n", encoding="utf-8")
    assert fault(root=str(tmp_path)) == f"{tmp_path}/{told}"


def test_points_that_are_wrong(tmp_path):
    (tmp_path / "index.csv").write_text("signer,label,offset,frames\n", encoding="utf-8")
    file = tmp_path / "landmarks.npz"
    np.savez(file, xyz=np.zeros((4, 20, 3)))
    assert fault(root=str(tmp_path)) == f"{file}: `xyz` must be numbers [frames, 21, 3], not [4, 20, 3]"
    file.write_bytes(b"not a zip")
    assert fault(root=str(tmp_path)) == f"{file}: is no npz file with the array `xyz`"


def test_options_that_do_not_fit():
    for options, told in (
        ({"shortest": 9}, "shortest: 9 is more than longest, 8"),
        (
            {"words": "w.txt", "phrases": 0.5},
            "phrases: is of words that are made up, and those of a file are spelled; leave out it, or words",
        ),
        (
            {"video": 64, "root": "x"},
            "video: shows the synthetic hand, and recordings have no pictures; leave out root",
        ),
        ({"dev_recorder": "x"}, "test_recorder: there are recorders in recordings only; set root"),
    ):
        with pytest.raises(UserError) as caught:
            ComposedConfig(**options)
        assert str(caught.value) == told


def test_video_of_the_same_clips():
    """The same words, people and timing as the key points; frames with the same bits anywhere."""
    points, video = corpus(), corpus(video=48)
    assert (video.layout, video.width) == ("video", 3)
    for first, second in zip(points.samples, video.samples, strict=True):
        assert (first.id, first.text, first.signer, first.segments, first.frames) == (
            second.id, second.text, second.signer, second.segments, second.frames,
        )  # fmt: skip
    signal = video.samples[0].load()
    assert isinstance(signal, Video) and signal.clip.fps == 25.0
    frames = signal.clip.read(np.arange(signal.clip.frames))
    assert frames.shape == (video.samples[0].frames, 48, 48, 3)
    assert digest(frames) == FRAMES
    assert video.fingerprint != points.fingerprint


def test_the_picture_of_a_hand():
    """In the colour of the skin at each fingertip; a left hand is the mirror image of a right one."""
    speller = synthetic.draw_speller(0, 0.0, (1,))
    look = dataclasses.replace(draw_look(0, 1), skin=(220, 20, 20), wall=(20, 20, 220), shirt=(20, 220, 20))
    points = synthetic.film(speller, (Piece("b", 4, 0),), STILL, stream(5))
    palm = 0.275
    right, left = (draw_hand(points, left, look, 96, palm, (1, 2)).astype(int) for left in (False, True))
    skin = [each[..., 0] > each[..., 2] + 40 for each in (right, left)]
    assert 0.08 < skin[0].mean() < 0.2
    assert abs(skin[0].mean() - skin[1].mean()) < 0.01
    columns = [np.flatnonzero(each[0].any(0)) for each in skin]
    assert abs(np.ptp(columns[0]) - np.ptp(columns[1])) <= 1
    rows = np.flatnonzero(skin[0][0].any(1))
    palms = np.ptp(points[0, :, 1])
    assert 0.25 * palms < np.ptp(rows) / 96 < 0.3 * (palms + 1.2)


def test_the_size_of_the_palm():
    """Pictures of the hand alone: so many times larger. The default changes nothing."""
    speller = synthetic.draw_speller(0, 0.0, (1,))
    look = dataclasses.replace(draw_look(0, 1), skin=(220, 20, 20), wall=(20, 20, 220), shirt=(20, 220, 20))
    points = synthetic.film(speller, (Piece("s", 2, 0),), STILL, stream(5))
    small, large = (draw_hand(points, False, look, 96, palm, (1, 2)).astype(int) for palm in (0.2, 0.4))
    widths = [
        np.ptp(np.flatnonzero((each[0, ..., 0] > each[0, ..., 2] + 40).any(0))) + 1 for each in (small, large)
    ]
    assert widths[1] == pytest.approx(2 * widths[0], abs=2)
    first, second = (corpus(video=48, palm=palm) for palm in (0.275, 0.4))
    assert first.fingerprint == corpus(video=48).fingerprint != second.fingerprint
    frames = [each.samples[0].load().clip.read(np.arange(4)) for each in (first, second)]
    assert digest(frames[0]) != digest(frames[1])


def test_fingerprints_of_default_options():
    """Of runs that are resumed with a later version."""
    assert [corpus(video=side).fingerprint[:16] for side in (0, 48)] == FINGERPRINTS


@pytest.mark.parametrize(("index_is", "seen"), [(-0.5, "index"), (0.5, "middle")])
def test_the_nearer_finger_hides_the_other(index_is, seen):
    """Where two bones cross, the nearer one's colour is seen, whichever comes first in the hand."""
    place = np.full((1, 21, 2), -100, dtype=np.float32)  # out of the picture
    place[0, [5, 6]], place[0, [9, 10]] = [(10, 32), (54, 32)], [(32, 10), (32, 54)]
    depth = np.zeros((1, 21))
    depth[0, [5, 6]], depth[0, [9, 10]] = index_is, -index_is
    colours = {"index": (200, 0, 0), "middle": (0, 0, 200)}
    bones = [(first, second) for first, second, _ in hand_video.TUBES]
    lit = np.zeros((1, len(bones), 3), dtype=np.float32)
    lit[0, bones.index((5, 6))], lit[0, bones.index((9, 10))] = colours["index"], colours["middle"]
    canvas = np.zeros((1, 64, 64, 3), dtype=np.float32)
    hand_video._draw_tubes(canvas, place, depth, lit, np.float32(40))
    np.testing.assert_allclose(canvas[0, 32, 32], colours[seen], atol=5)
    np.testing.assert_allclose(canvas[0, 32, 20], colours["index"], atol=5)
    np.testing.assert_allclose(canvas[0, 20, 32], colours["middle"], atol=5)


def test_real_recordings(real_data):
    """Who lacks which letters, as counted in the table itself."""
    root = real_data("letter_landmarks")
    found = recordings.read(root)
    with (root / "index.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert sorted(found.letters) == sorted({row["signer"] for row in rows})
    kept = sum(len(takes) for letters in found.letters.values() for takes in letters.values())
    assert kept + found.handless == len(rows)
    assert np.isfinite(found.points).all()
