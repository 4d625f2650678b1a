"""The synthetic corpus: its bits, its grammar's laws, and what is in a clip."""

import hashlib
import pickle
from collections import Counter, defaultdict
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from signkit.data.corpora.configs import SyntheticConfig
from signkit.data.layouts import layout
from signkit.data.synthetic import draw, grammar, holistic, lexicon
from signkit.data.synthetic.avatar import FPS
from signkit.data.synthetic.corpus import read
from signkit.errors import UserError

SMALL = SyntheticConfig(train=30, dev=8, test=8, extra_sentences=40)
GOLDEN = {
    "train-00000": "67d11901790244bba9c68b9958a333ebe28c01e4aa1d4ce630b2ff06fedec031",
    "dev-00003": "b735a90919ebad88a99dd69c3181d00e2a8c26e230f6773b184b1040852c5e2c",
    "test-00007": "0111d02fa78c0b557854306b6469e0ffd81e5a499a46e8ff1fe932fe35fad811",
}


def digest(points):
    return hashlib.sha256(points.astype("<f4").tobytes()).hexdigest()


def test_clips_have_the_same_bits_everywhere():
    samples = {sample.id: sample for sample in read(SMALL).samples}
    # NaN is written in one way, as its bits are not fixed by arithmetic.
    found = {name: digest(np.nan_to_num(samples[name].load().points, nan=-9.0)) for name in GOLDEN}
    assert found == GOLDEN


def test_draws_have_the_same_bits_everywhere():
    bits = draw.stream(1, 2)
    assert draw.words(bits, 2).tolist() == [8271799387826207682, 7948369750201702571]
    assert draw.uniform(bits, 2).tolist() == [0.4199991293921922, 0.2770233766931318]
    assert [draw.below(bits, 10) for _ in range(8)] == [8, 0, 0, 8, 6, 2, 5, 9]
    assert draw.shuffled(bits, "abcdef") == ["d", "c", "b", "e", "a", "f"]
    assert draw.bell(bits, 3).tolist() == [0.09266006670130132, 0.016782413678073684, 0.1827565206045347]


def test_bell_has_mean_0_and_variance_1():
    numbers = draw.bell(draw.stream(5), 100_000)
    assert abs(numbers.mean()) < 0.01
    assert abs(numbers.var() - 1) < 0.01


def test_options_of_equal_value_give_equal_corpora_and_another_seed_another():
    first, second, other = read(SMALL), read(SMALL), read(replace(SMALL, seed=2))
    assert first.samples == second.samples
    assert first.extra_text == second.extra_text
    assert first.fingerprint == second.fingerprint != other.fingerprint
    assert first.samples != other.samples
    assert digest(first.samples[0].load().points) == digest(second.samples[0].load().points)


def test_more_training_clips_begin_with_the_same_ones():
    few, many = read(SMALL), read(replace(SMALL, train=60, extra_sentences=0))
    assert many.split("train")[:30] == few.split("train")
    assert many.split("dev") == few.split("dev")
    assert digest(many.samples[29].load().points) == digest(few.samples[29].load().points)


def test_a_clip_keeps_its_bits_after_pickling():
    sample = read(SMALL).samples[3]
    again = pickle.loads(pickle.dumps(sample))
    assert digest(again.load().points) == digest(sample.load().points)


@pytest.mark.parametrize("signs", [12, 40, 300])
def test_clips_are_as_announced(signs):
    corpus = read(replace(SMALL, signs=signs, homonyms=0.16, dev=4, test=4))
    assert (corpus.layout, corpus.width) == ("holistic", 3)
    assert len(layout("holistic").points) == holistic.POINTS
    for sample in corpus.samples:
        signal = sample.load()
        assert signal.points.shape == (sample.frames, 543, 3)
        assert signal.points.dtype == np.float32
        assert (signal.layout, signal.fps) == ("holistic", FPS)
        assert tuple(segment.gloss for segment in sample.segments) == sample.reference
        assert 3 <= len(sample.reference) <= 8
        assert sample.text.endswith(" .")
        ends = [0, *(segment.end for segment in sample.segments)]
        for segment, before in zip(sample.segments, ends, strict=False):
            assert segment.start - before in (2, 3, 4, 5)
            assert 4 <= segment.end - segment.start <= 12
        assert 0 < sample.frames - ends[-1] <= 8


def test_the_body_is_where_mediapipe_has_it():
    corpus = read(replace(SMALL, noise=0.0, gaps=0.0))
    names = layout("holistic").points
    for sample in corpus.samples[:10]:
        points = sample.load().points
        missing = np.isnan(points).any(2)
        legs = [i for i, name in enumerate(names) if 25 <= i < 33]
        assert missing[:, legs].all()
        assert not np.delete(missing, legs, axis=1).any()
        place = np.nan_to_num(points).mean(0)
        assert (np.nanmin(points[..., :2]) > 0) and (np.nanmax(points[..., :2]) < 1)
        assert place[12, 0] < place[11, 0]  # the right shoulder is on the picture's left
        assert place[0, 1] < place[11, 1] < place[23, 1]
        np.testing.assert_allclose(place[33 + 1, :2], place[0, :2], atol=1e-6)  # the tip of the nose
        assert place[33 + 61, 0] < place[33 + 291, 0] and place[33 + 13, 1] < place[33 + 14, 1]
        assert place[33 + 105, 1] < place[33 + 159, 1] < place[33 + 145, 1] < place[33 + 1, 1]
        np.testing.assert_array_equal(points[:, [15, 16], :2], points[:, [501, 522], :2])  # wrists
        assert (points[:, [501, 522], 2] == 0).all()


def test_gaps_are_the_share_asked_for_and_take_a_whole_hand():
    corpus = read(replace(SMALL, gaps=0.3, train=120))
    lost = [np.isnan(sample.load().points).any(2) for sample in corpus.samples]
    for start in (501, 522):
        share = np.concatenate([clip[:, start] for clip in lost]).mean()
        assert abs(share - 0.3) < 0.03
        assert all((clip[:, start : start + 21] == clip[:, start : start + 1]).all() for clip in lost)
    none = read(replace(SMALL, gaps=1.0)).samples[0].load().points
    assert np.isnan(none[:, 501:]).all()


def test_noise_moves_points_by_its_share_of_the_shoulders():
    still = read(replace(SMALL, noise=0.0, gaps=0.0)).samples[:20]
    noisy = read(replace(SMALL, noise=0.1, gaps=0.0)).samples[:20]
    ratios = []
    for a, b in zip(still, noisy, strict=True):
        clean, moved = a.load().points, b.load().points
        width = np.hypot(*(clean[0, 11] - clean[0, 12])[:2])
        ratios.append((moved - clean)[:, 501:, :2].std() / width)
    assert 0.08 < np.mean(ratios) < 0.12


def test_dev_and_test_sentences_are_new_and_different():
    corpus = read(SMALL)
    held_out = [sample.reference for sample in (*corpus.split("dev"), *corpus.split("test"))]
    assert len(set(held_out)) == len(held_out) == 16
    assert not set(held_out) & {sample.reference for sample in corpus.split("train")}
    assert not set(held_out) & set(corpus.extra_text)
    assert len(corpus.extra_text) == 40


def test_signers_are_shared_or_unseen_as_asked():
    shared = read(replace(SMALL, signers=3))
    for split in ("train", "dev", "test"):
        assert {s.signer for s in shared.split(split)} <= {"signer-1", "signer-2", "signer-3"}
    unseen = read(replace(SMALL, signers=8, unseen_signers=True))
    sets = [{s.signer for s in unseen.split(split)} for split in ("train", "dev", "test")]
    assert sets[1] <= {"signer-9", "signer-10"} and sets[2] <= {"signer-11", "signer-12"}
    assert not sets[0] & (sets[1] | sets[2])


def test_left_handed_signers_sign_with_the_left():
    corpus = read(replace(SMALL, train=60, noise=0.0, gaps=0.0))
    for sample in corpus.split("train"):
        points = sample.load().points
        left, right = (points[:, wrist, 1].min() for wrist in (501, 522))
        if sample.signer == "signer-5":
            assert left <= right + 0.02
        else:
            assert right <= left + 0.02


@pytest.mark.parametrize(("signs", "share"), [(12, 0.2), (40, 0.2), (40, 0.6), (100, 0.4), (2000, 0.5)])
def test_homonyms_are_the_share_asked_for_in_pairs_of_one_form(signs, share):
    language = grammar.build(signs, share)
    homonyms = [word for word in language.words if word.decider]
    pairs = round(share * signs / 2)
    assert len(homonyms) == 2 * pairs
    assert len(language.words) == len({word.gloss for word in language.words}) == signs
    assert language.forms == signs - pairs
    assert {word.form for word in language.words} == set(range(language.forms))
    for first, second in zip(homonyms[::2], homonyms[1::2], strict=True):
        assert first.form == second.form and first.role == second.role
        assert (first.decider, first.side, second.side) == (second.decider, 0, 1)


def test_sentences_agree_over_a_distance():
    language = grammar.build(40, 0.4)
    bits = draw.stream(3)
    distances = set()
    for _ in range(500):
        sentence = grammar.draw_sentence(language, bits)
        topic, subject, *rest = sentence.words
        assert (topic.role, subject.role) == ("topic", "subject")
        for place, word in enumerate(rest, 2):
            if word.decider == "topic":
                assert word.side == topic.side
                distances.add(place)
            elif word.decider == "subject":
                assert word.side == subject.side
                distances.add(place - 1)
            if word.role == "closer":
                assert word is sentence.words[-1] and word.plural == subject.plural
    assert distances == {1, 2, 3, 4, 5, 6}


def test_what_follows_a_homonym_does_not_tell_it():
    language = grammar.build(40, 0.2)
    free = [word for word in language.words if word.role in grammar.CONTENT and not word.decider]
    for sides in ((0, 0), (0, 1), (1, 0), (1, 1)):
        for word in free:
            assert language.choices[(word.role, *sides)].count(word) == 1
    for closer in language.closers:
        assert {word.side for word in language.subjects if word.plural == closer.plural} == {0, 1}


def test_homonyms_are_a_sixth_of_running_text():
    language = grammar.build(40, 0.2)
    bits = draw.stream(4)
    words = [word for _ in range(2000) for word in grammar.draw_sentence(language, bits).words]
    assert abs(sum(bool(word.decider) for word in words) / len(words) - 1 / 6) < 0.02


def test_spoken_sentences():
    language = grammar.build(40, 0.2)
    bits = draw.stream(9)
    assert [grammar.draw_sentence(language, bits).text for _ in range(3)] == [
        "as for school , the man brings the pen and brings the desk .",
        "as for work , the man loses .",
        "as for school , the man loses the urgent bed quickly .",
    ]


def test_signs_differ_in_three_choices():
    signs = lexicon.draw_lexicon(36, draw.stream(1, 0))
    codes = lexicon._spread_codes(36, draw.stream(1, 0))
    different = (codes[:, None] != codes[None]).sum(2)
    assert different[~np.eye(36, dtype=bool)].min() == 3
    assert signs.hands.shape == signs.opened.shape == (38, 21, 3)


def test_many_signs_still_differ():
    codes = lexicon._spread_codes(2000, draw.stream(1, 0))
    assert len(np.unique(codes, axis=0)) == 2000


def test_too_many_homonyms_are_refused():
    with pytest.raises(UserError) as error:
        read(replace(SMALL, signs=12, homonyms=0.5))
    message = "data.homonyms: 6 of 12 glosses cannot be homonyms, only 4 can be paired; use at most 0.33"
    assert str(error.value) == message


def test_a_grammar_too_small_for_dev_and_test_is_refused():
    with pytest.raises(UserError) as error:
        read(replace(SMALL, signs=12, dev=200, test=200))
    assert str(error.value) == (
        "data.signs: dev and test need 400 different sentences, more than 12 signs make easily; "
        "take more signs or smaller dev and test"
    )


SIGNS = SyntheticConfig(
    isolated=True, signs=40, homonyms=0, signers=8, unseen_signers=True, train=90, dev=40, test=40
)


def test_single_signs_have_the_labels_of_their_form():
    """Each is signed as often as any other but for one, and equal glosses have equal labels."""
    corpus = read(SIGNS)
    assert corpus.extra_text == ()
    for split, least in (("train", 2), ("dev", 1), ("test", 1)):
        counts = Counter(sample.reference for sample in corpus.split(split))
        assert len(counts) == 40
        assert {*counts.values()} <= {least, least + 1}
    seen = {}
    for sample in corpus.samples:
        assert len(sample.reference) == 1
        assert [segment.gloss for segment in sample.segments] == [*sample.reference]
        assert seen.setdefault(sample.reference, sample.labels) == sample.labels
        assert [*sample.labels] == [*lexicon.CHOICES]
        assert all(value in lexicon.CHOICES[name] for name, value in sample.labels.items())
    rows = [tuple(labels.values()) for labels in seen.values()]
    apart = [sum(a != b for a, b in zip(x, y, strict=True)) for x, y in combinations(rows, 2)]
    assert min(apart) >= lexicon.LEAST_DIFFERENCE
    assert [len(values) for values in lexicon.CHOICES.values()] == [*lexicon.SIZES]


def test_labels_are_what_the_avatar_does():
    """In the middle of a sign: the height of the wrist, that of the other one, and the index finger."""
    heights, others, fingers = defaultdict(list), defaultdict(list), {0.0: [], 1.0: []}
    for sample in read(replace(SIGNS, noise=0.0, gaps=0.0)).samples:
        segment, labels = sample.segments[0], sample.labels
        points = sample.load().points[(segment.start + segment.end - 1) // 2]
        left_handed = int(sample.signer.removeprefix("signer-")) % 5 == 0
        hand, other = (points[start : start + 21] for start in ((501, 522) if left_handed else (522, 501)))
        width = np.hypot(*(points[11] - points[12])[:2])
        shoulders = (points[11, 1] + points[12, 1]) / 2
        heights[labels["location"]].append((hand[0, 1] - shoulders) / width)
        others[labels["symmetry"]].append((other[0, 1] - shoulders) / width)
        curl = lexicon.HANDSHAPES[lexicon.CHOICES["hand_shape"].index(labels["hand_shape"])][1]
        if curl in fingers and labels["movement"] != "opening":
            fingers[curl].append(np.linalg.norm(hand[8] - hand[5]) / width)
    mean = {name: np.mean(found) for name, found in heights.items()}
    assert mean["forehead"] < mean["cheek"] < mean["chin"] < mean["chest"] < mean["belly"]
    assert min(others["one_handed"]) > max(others["on_base"])
    assert min(fingers[0.0]) > max(fingers[1.0])


def test_homonyms_of_single_signs_look_alike():
    corpus = read(replace(SIGNS, homonyms=0.2))
    labels = {sample.reference: tuple(sample.labels.values()) for sample in corpus.samples}
    assert len(labels) == 40
    assert len({*labels.values()}) == 36


def test_the_fingerprint_of_sentences_is_that_of_earlier_versions():
    assert read(SMALL).fingerprint == ("2278c372fa8280aee42c76d0eba9d73d8fcb54945eae570f07136bb238c70ac7")
    assert read(replace(SMALL, isolated=True)).fingerprint != read(SMALL).fingerprint
