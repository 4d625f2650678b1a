"""Synthetic hands: the kinematic model's laws, the alphabet, and the corpus made of them."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from signkit.data.augment import mirrored
from signkit.data.corpora.configs import SyntheticHandsConfig
from signkit.data.layouts import layout
from signkit.data.synthetic import hand, hand_clip
from signkit.data.synthetic.draw import stream
from signkit.data.synthetic.hand_clip import Stage
from signkit.data.synthetic.hand_corpus import read
from signkit.data.synthetic.hand_table import POSTURES
from signkit.errors import UserError
from signkit.testing import check_corpus

SMALL = SyntheticHandsConfig(train=3, dev=1, test=1, people=8)
BONES = hand.draw_bones(stream(3))
MEAN = hand.draw_bones(stream(0), 0.0)
GOLDEN = {
    "train-A-00000": "9077f33833835d52",
    "dev-J-00000": "0cb9e6558e1ba515",
    "test-Z-00000": "d158d8a930d988a2",
}
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CHAINS = tuple((finger + i, finger + i + 1) for finger in range(1, 21, 4) for i in range(3))
STRAIGHT = np.zeros((1, 4, 3)), np.zeros((1, 4))
FRONT = {"yaw": np.zeros(1), "pitch": np.zeros(1), "roll": np.zeros(1)}


def lengths(points):
    """Of the bones [..., 15], the thumb's first."""
    first, second = zip(*CHAINS, strict=True)
    return np.linalg.norm(points[..., first, :] - points[..., second, :], axis=-1)


def performed(letter, frames=12, *, person=0, stage=Stage(1.0, 0.0, 0.0), number=1, way=0):  # noqa: B008
    who = hand_clip.draw_person(person, stream(5, person), stage.variation)
    return hand_clip.perform(POSTURES[letter][way], who, stage, frames, (7, number))


def test_cosine_and_sine():
    degrees = np.linspace(-720, 720, 1441)
    cosine, sine = hand.cosine_sine(degrees)
    np.testing.assert_allclose(cosine, np.cos(np.radians(degrees)), atol=1e-13)
    np.testing.assert_allclose(sine, np.sin(np.radians(degrees)), atol=1e-13)


def test_stretched_fingers_lie_in_the_palm_along_y():
    points = hand.fingers(MEAN, *STRAIGHT)[0]
    np.testing.assert_allclose(points[12], (0.04, 2.0, 0.0), atol=1e-12)
    np.testing.assert_allclose(points[[8, 16, 20], 0], points[[5, 13, 17], 0], atol=1e-12)
    np.testing.assert_allclose(points[5:, 2], 0, atol=1e-12)


def test_a_joint_bends_out_of_the_palm():
    flexion = np.zeros((1, 4, 3))
    flexion[:, 0, 0] = 90.0  # the index, at its root
    straight, bent = hand.fingers(MEAN, *STRAIGHT)[0], hand.fingers(MEAN, flexion, np.zeros((1, 4)))[0]
    np.testing.assert_allclose(bent[8, 1], bent[5, 1], atol=1e-12)
    assert bent[8, 2] == pytest.approx(0.91, abs=1e-3)
    np.testing.assert_array_equal(bent[9:], straight[9:])


@pytest.mark.parametrize("joint", range(3))
def test_joints_stop_at_their_limits(joint):
    for limit, beyond in zip(hand.FLEXION[joint], (-400.0, 400.0), strict=True):
        at, over = np.zeros((1, 4, 3)), np.zeros((1, 4, 3))
        at[..., joint], over[..., joint] = limit, limit + beyond
        np.testing.assert_array_equal(
            hand.fingers(BONES, over, np.zeros((1, 4))), hand.fingers(BONES, at, np.zeros((1, 4)))
        )
    wide = hand.fingers(BONES, np.zeros((1, 4, 3)), np.full((1, 4), 400.0))
    np.testing.assert_array_equal(
        wide, hand.fingers(BONES, np.zeros((1, 4, 3)), np.full((1, 4), hand.FAN[1]))
    )


@pytest.mark.parametrize(
    ("target", "reached"), [((0.1, 0.9, 0.4), True), ((0.3, 5.0, 0.0), False), ((0.26, 0.19, 0.06), False)]
)
def test_the_thumb_reaches_its_target_or_points_at_it(target, reached):
    points = hand.fingers(BONES, *STRAIGHT)
    way = np.array(target) - BONES.thumb_root
    hand.add_thumb(BONES, points, np.array([target]), np.array([[1.0, 0.0, 0.0]]))
    found = points[0, 4] - BONES.thumb_root
    assert np.allclose(found, way, atol=1e-9) == reached
    assert found @ way == pytest.approx(np.linalg.norm(found) * np.linalg.norm(way))
    np.testing.assert_allclose(lengths(points)[0, :3], BONES.thumb)
    bend = np.diff(points[0, 1:5], axis=0)
    for first, second in zip(bend, bend[1:], strict=False):
        cosine = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
        assert cosine >= np.cos(np.radians(hand.THUMB_BEND)) - 1e-9


def test_turns():
    """By a right angle, of points at the thumb's side (right), at the fingers (up), and before the palm."""
    points = np.eye(3)[None]

    def turned(**angle):
        return (
            hand.turned(points, **{**FRONT, **{k: np.array([v]) for k, v in angle.items()}})[0].round(9) + 0.0
        )

    right, up, near = (1, 0, 0), (0, -1, 0), (0, 0, -1)
    left, down, far = (-1, 0, 0), (0, 1, 0), (0, 0, 1)
    np.testing.assert_array_equal(turned(), (right, up, near))
    np.testing.assert_array_equal(turned(pitch=90.0), (right, near, down))
    np.testing.assert_array_equal(turned(yaw=90.0), (far, up, right))
    np.testing.assert_array_equal(turned(roll=90.0), (down, right, near))
    np.testing.assert_array_equal(turned(yaw=180.0), (left, up, far))


def test_turns_keep_lengths():
    shape = hand_clip.shape(POSTURES["F"][0], BONES)[None]
    angles = [np.array([angle]) for angle in (31.0, -47.0, 112.0)]
    np.testing.assert_allclose(lengths(hand.turned(shape, *angles)), lengths(shape), rtol=1e-12)


def test_every_letter_has_its_postures():
    assert "".join(POSTURES) == LETTERS
    for ways in POSTURES.values():
        assert all(0 <= point < hand.POINTS for way in ways for point in way.at)


@pytest.mark.parametrize("letter", "AFJMZ")
def test_bones_are_as_long_in_every_frame(letter):
    """Before camera and tracker, however the hand moves."""
    who = hand_clip.draw_person(2, stream(5, 2), 1.0)
    sway = hand_clip._shaped(POSTURES[letter][0], who, Stage(1.0, 0.0, 0.0), 9, stream(1))
    assert np.ptp(sway, axis=0).max() > 0.01
    expected = np.concatenate([who.bones.thumb, who.bones.phalanges.ravel()])
    np.testing.assert_allclose(lengths(sway), np.tile(expected, (9, 1)), rtol=1e-9)


def test_a_left_hand_is_the_mirror_of_a_right_one(monkeypatch):
    """Person 4 is left-handed; the place in the picture is drawn for both alike."""
    left = performed("K", person=4)
    monkeypatch.setattr(hand_clip, "LEFT_HANDED_EVERY", 10)
    right = performed("K", person=4)
    wrist = [points - points[:, :1] for points in (left, right)]
    np.testing.assert_allclose(wrist[0], mirrored(wrist[1], layout("hand")), atol=1e-6)


def test_nearest_posture_is_the_right_letter():
    """Each posture in its usual turn, of the hand of someone: the nearest of all postures of a mean hand, by
    the points in three dimensions, is one of the same letter."""
    ways = [(letter, way) for letter, forms in POSTURES.items() for way in range(len(forms))]

    def seen(letter, way, shape):
        middle = [np.array([sum(pair) / 2]) for pair in POSTURES[letter][way].turn]
        if POSTURES[letter][way].ends:  # J and I differ in their movement
            middle = [np.array([sum(pair) / 2]) for pair in POSTURES[letter][way].ends[0]]
        points = hand.turned(shape[None], *middle)[0]
        return (points - points.mean(0)).ravel()

    clean = np.stack([seen(*each, hand_clip.shape(POSTURES[each[0]][each[1]], MEAN)) for each in ways])
    small = 0.3
    for number, each in enumerate(ways):
        bones = hand.draw_bones(stream(number), small)
        varied = seen(*each, hand_clip.shape(POSTURES[each[0]][each[1]], bones))
        nearest = ways[int(((clean - varied) ** 2).sum(1).argmin())]
        assert nearest[0] == each[0], f"{each} is taken for {nearest}"


def test_only_j_and_z_travel():
    for letter in "AJMZ":
        ways = [np.ptp(performed(letter, 16, number=n)[:, 0, :2], axis=0).max() for n in range(12)]
        assert (max(ways) > 0.1) == (letter in "JZ")


def test_noise_and_hidden_points():
    """A tracker errs more where a part of the hand hides a point, and most in depth."""
    clean, noisy = (
        np.stack([performed("S", 1, stage=Stage(1.0, noise, 0.0), number=n) for n in range(200)])
        for noise in (0.0, 0.05)
    )
    size = np.linalg.norm(np.ptp(clean, axis=2), axis=-1)[..., None, None]
    error = ((noisy - clean) / size).std((0, 1))
    assert error[:, 2].mean() > 1.5 * error[:, :2].mean()
    assert error[:, :2].min() > 0.005


def test_the_same_bits_everywhere():
    samples = {sample.id: sample for sample in read(SMALL).samples}
    found = {name: hashlib.sha256(samples[name].load().points.tobytes()).hexdigest()[:16] for name in GOLDEN}
    assert found == GOLDEN


def test_the_corpus_holds_to_its_laws():
    corpus = check_corpus(SMALL, samples=3)
    assert (corpus.layout, corpus.width, len(corpus.samples)) == ("hand", 3, 26 * 5)
    assert [sample.reference for sample in corpus.split("dev")] == [(letter,) for letter in LETTERS]
    people = {split: {s.signer for s in corpus.split(split)} for split in ("train", "dev", "test")}
    assert not people["train"] & people["dev"] and not people["dev"] & people["test"]
    frames = [sample.frames for sample in corpus.samples]
    assert (min(frames), max(frames) <= 16) == (1, True)
    assert 0.3 < np.mean(np.array(frames) == 1) < 0.7


def real_points(folder: Path, **changes) -> Path:
    rng = np.random.default_rng(0)
    arrays = {"xyz": rng.random((6, 21, 3), dtype=np.float32), "label": np.array(list("ABCABC"))} | changes
    np.savez(folder / "points.npz", **{name: array for name, array in arrays.items() if array is not None})
    return folder / "points.npz"


def test_real_points_join_train(tmp_path):
    file = real_points(tmp_path)
    config = SyntheticHandsConfig(
        train=1, dev=1, test=0, real=str(file), real_every=2, aspect=0.5, variation=0.0
    )
    corpus = check_corpus(config, samples=60)
    found = [sample for sample in corpus.split("train") if sample.signer == "real"]
    assert [(sample.id, sample.reference) for sample in found] == [
        ("real-000000-0", ("A",)), ("real-000002-0", ("C",)), ("real-000004-0", ("B",))
    ]  # fmt: skip
    given = np.load(file)["xyz"][2]
    points = found[1].load().points[0]
    np.testing.assert_allclose(points[:, :2], given[:, :2] * (1, 0.5), rtol=1e-6)
    np.testing.assert_allclose(points[:, 2], given[:, 2] - given[0, 2], rtol=1e-6)


def test_real_points_alone(tmp_path):
    file = str(real_points(tmp_path))
    assert len(read(SyntheticHandsConfig(train=0, dev=0, test=0, real=file)).samples) == 6
    dev = read(SyntheticHandsConfig(train=1, dev=5, test=0, real=file, real_split="dev")).split("dev")
    assert len(dev) == 6


def test_nothing_to_learn_from():
    with pytest.raises(UserError) as error:
        read(SyntheticHandsConfig(train=0))
    assert str(error.value) == "data.train: train has no samples; take a number above 0, or real points"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"label": None}, "is no npz file with the arrays `xyz` and `label`"),
        ({"xyz": np.zeros((6, 20, 3))}, "`xyz` must be numbers [hands, 21, 3], not [6, 20, 3]"),
        ({"label": np.array(["A"])}, "`label` must be letters [6], not [1]"),
        ({"label": np.array(list("ABCABÄ"))}, "label 'Ä' is no letter from A to Z"),
        ({"xyz": np.full((6, 21, 3), np.nan)}, "hand 0 has a point that is no number"),
    ],
)
def test_real_points_that_cannot_be_used(changes, what, tmp_path):
    file = real_points(tmp_path, **changes)
    with pytest.raises(UserError) as error:
        read(SyntheticHandsConfig(real=str(file)))
    assert error.value.where == str(file)
    assert error.value.what == what


def test_a_file_that_is_no_npz(tmp_path):
    file = tmp_path / "points.npz"
    file.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(UserError, match="is no npz file with the arrays `xyz` and `label`"):
        read(SyntheticHandsConfig(real=str(file)))
