"""Synthetic video: its frames, the shapes of official folders, equal bits for equal seeds."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from tiny import signkit

from signkit.commands.data.synth import read_size, synthesise
from signkit.config.registry import build
from signkit.data.corpora.configs import (
    CslDailyConfig,
    ManifestConfig,
    Phoenix2014Config,
    Phoenix2014tConfig,
    SyntheticConfig,
)
from signkit.data.synthetic import corpus as synthetic
from signkit.data.synthetic import video as synth_video
from signkit.data.synthetic.folders import LAYOUTS, LayoutOptions, write_layout
from signkit.data.synthetic.video import draw_look, film, stroke
from signkit.errors import UserError
from signkit.types import Corpus, Landmarks, Video

SMALL = dict(train=6, dev=5, test=5, glosses=12, size=(16, 16), seed=4)
CLIPS = SyntheticConfig(
    seed=4, train=6, dev=5, test=5, extra_sentences=0, signs=12, homonyms=0.0, signers=5, noise=0.0, gaps=0.0
)


def points_of(number: int) -> np.ndarray:
    signal = synthetic.read(CLIPS).samples[number].load()
    assert isinstance(signal, Landmarks)
    return signal.points


def read(root: Path, layout: str) -> Corpus:
    configs = {
        "phoenix2014": Phoenix2014Config,
        "phoenix2014t": Phoenix2014tConfig,
        "csl_daily": CslDailyConfig,
        "mp4": ManifestConfig,
    }
    corpus: Corpus = build(configs[layout](root=str(root)))
    return corpus


def digest(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    parts = [(str(path.relative_to(folder)), path.read_bytes()) for path in files]
    return hashlib.sha256(repr(parts).encode()).hexdigest()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_synthetic_folder_is_read_as_the_official_one(layout: str, tmp_path: Path) -> None:
    if layout == "mp4":
        pytest.importorskip("av")
    counts: list[int] = []
    write_layout(tmp_path, LayoutOptions(layout=layout, **SMALL), counts.append)
    assert counts == [*range(1, 17)]
    corpus, source = read(tmp_path, layout), synthetic.read(CLIPS)
    assert [s.reference for s in corpus.samples] == [s.reference for s in source.samples]
    assert [s.frames for s in corpus.samples] == [s.frames for s in source.samples]
    assert [s.split for s in corpus.samples] == [s.split for s in source.samples]
    numbers = [int(s.signer.rpartition("-")[2]) for s in source.samples]
    named = {"csl_daily": "{0}", "mp4": "signer-{1}"}.get(layout, "Signer{1:02d}")
    assert [s.signer for s in corpus.samples] == [named.format(n - 1, n) for n in numbers]
    signal = corpus.samples[2].load()
    assert isinstance(signal, Video)
    drawn = film(points_of(2), draw_look(numbers[2] - 1, 4), (16, 16))
    read_back = signal.clip.read(np.arange(len(drawn)))
    if layout.startswith("phoenix"):
        assert np.array_equal(read_back, drawn)
    else:  # JPEG and H.264 keep about what was drawn
        assert np.abs(read_back.astype(int) - drawn).mean() < 8


def test_the_part_without_signer_5(tmp_path: Path) -> None:
    write_layout(tmp_path, LayoutOptions(layout="phoenix2014", **SMALL))
    corpus = build(Phoenix2014Config(root=str(tmp_path), part="si5"))
    assert {s.signer for s in corpus.split("train")}.isdisjoint({"Signer05"})
    assert {s.signer for s in (*corpus.split("dev"), *corpus.split("test"))} == {"Signer05"}
    whole = {s.id: s.split for s in read(tmp_path, "phoenix2014").samples}
    assert all(whole[s.id] == s.split for s in corpus.samples)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_equal_seeds_give_equal_files(layout: str, tmp_path: Path) -> None:
    if layout == "mp4":
        pytest.importorskip("av")
    few = dict(SMALL, train=2, dev=1, test=1)
    prints = []
    for name, seed in (("a", 4), ("b", 4), ("c", 5)):
        write_layout(tmp_path / name, LayoutOptions(layout=layout, **{**few, "seed": seed}))
        prints.append(digest(tmp_path / name))
    assert prints[0] == prints[1] != prints[2]


def test_frames_are_the_same_on_any_machine() -> None:
    frames = film(points_of(0), draw_look(1, 3), (32, 24))
    assert frames.shape == (len(points_of(0)), 32, 24, 3)
    found = hashlib.sha256(frames.tobytes()).hexdigest()
    assert found == "a5e311585b2a1de8b75a0c427f7ddf98ed40927e744d57fdefcef796b1fbdf98"


def test_frames_do_not_depend_on_how_many_are_drawn_together(monkeypatch: pytest.MonkeyPatch) -> None:
    points, look = points_of(0), draw_look(0, 1)
    whole = film(points, look, (20, 20))
    monkeypatch.setattr(synth_video, "BLOCK", 7)
    assert np.array_equal(film(points, look, (20, 20)), whole)


def test_a_stroke_covers_what_lies_within_its_radius() -> None:
    canvas = np.zeros((2, 9, 9, 3), dtype=np.float32)
    start = np.array([[2.5, 4.5], [4.5, 1.5]], dtype=np.float32)
    end = np.array([[6.5, 4.5], [4.5, 1.5]], dtype=np.float32)
    stroke(canvas, start, end, np.full(2, 0.5, np.float32), np.array([100, 0, 0], np.float32))
    line, dot = canvas[..., 0]
    assert line[4].tolist() == [0, 0, 100, 100, 100, 100, 100, 0, 0] and line.sum() == 500
    assert dot[1, 4] == 100 and dot.sum() == 100


def test_a_stroke_outside_the_picture_leaves_it_as_it_is() -> None:
    canvas = np.full((1, 8, 8, 3), 7, dtype=np.float32)
    far = np.array([[-40.0, 90.0]], dtype=np.float32)
    stroke(canvas, far, far + 3, np.full(1, 2.0, np.float32), np.array([255, 0, 0], np.float32))
    assert np.array_equal(canvas, np.full((1, 8, 8, 3), 7, dtype=np.float32))


def test_signers_look_different_and_a_signer_always_the_same() -> None:
    looks = [draw_look(number, 1) for number in range(5)]
    assert len({(look.skin, look.hair, look.shirt) for look in looks}) == 5
    assert looks == [draw_look(number, 1) for number in range(5)]


@pytest.mark.parametrize(
    ("word", "size"), [("210x260", (260, 210)), ("64", (64, 64)), ("16x2048", (2048, 16))]
)
def test_sizes_are_width_by_height(word: str, size: tuple[int, int]) -> None:
    assert read_size(word) == size


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("big", "'big' is no size; write 210x260, width by height, or 64"),
        ("64x", "'64x' is no size; write 210x260, width by height, or 64"),
        ("15", "'15' is not from 16 to 2048 pixels"),
        ("64x4000", "'64x4000' is not from 16 to 2048 pixels"),
    ],
)
def test_sizes_that_are_none(word: str, why: str) -> None:
    with pytest.raises(UserError) as caught:
        read_size(word)
    assert str(caught.value) == f"--size: {why}"


def test_the_command_makes_a_folder_or_none(tmp_path: Path) -> None:
    out = tmp_path / "made"
    words = ["data", "synth", "--layout", "csl_daily", out, "--train", 3, "--dev", 1, "--test", 1]
    done = signkit(*words, "--glosses", 12, "--size", 16, "--json")
    assert (done.status, done.err) == (0, "")
    assert json.loads(done.out) == {
        "folder": str(out), "corpus": "csl_daily", "clips": {"train": 3, "dev": 1, "test": 1}, "seed": 1,
    }  # fmt: skip
    before = digest(out)
    again = signkit(*words)
    assert (again.status, again.err) == (2, f"error: {out}: is there already; choose a new folder\n")
    assert digest(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_a_made_folder_without_si5_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of two signers none is the fifth."""
    options = LayoutOptions(layout="phoenix2014", signers=2, **{**SMALL, "train": 2, "dev": 1, "test": 1})
    assert synthesise(tmp_path / "two", options) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"4 clips are in {tmp_path / 'two'}: corpus phoenix2014, data.root={tmp_path / 'two'}",
        "without the part SI5: signer 5 is not in every split; ask for more clips",
    ]
    assert synthesise(tmp_path / "five", LayoutOptions(layout="phoenix2014", signers=5, **SMALL)) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_what_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="^--size: 17x16 is odd, which mp4 cannot have; take even numbers$"):
        synthesise(tmp_path / "made", LayoutOptions(layout="mp4", **{**SMALL, "size": (16, 17)}))
    with pytest.raises(UserError, match="^data.signs: dev and test need 1100 different sentences"):
        synthesise(tmp_path / "made", LayoutOptions(layout="csl_daily", **{**SMALL, "dev": 1095}))
    assert list(tmp_path.iterdir()) == []
