"""Clips that are nearly those of another split: what `data check` and runs say of them, by the policy."""

import json
from pathlib import Path
from typing import Any

import media
import numpy as np
import pytest

from signkit.commands.data.check import Options, check_corpus
from signkit.config.recipe_file import load_recipe
from signkit.config.registry import build
from signkit.data.corpora.configs import ManifestConfig
from signkit.errors import UserError
from signkit.train.setup import prepare, say_near_duplicates
from signkit.types import Corpus

ROWS = [("a", "A", "train"), ("b", "B", "train"), ("c", "A", "test"), ("d", "B", "test")]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Clip c is clip a with a little jitter."""
    rng = np.random.default_rng(1)
    points = {name: rng.normal(size=(4, 21, 3)).astype(np.float32) for name in "abd"}
    points["c"] = points["a"] + rng.normal(size=(4, 21, 3)).astype(np.float32) * np.float32(0.005)
    for name, each in points.items():
        np.savez(tmp_path / f"{name}.npz", landmarks=each, layout="hand")
    lines = [f"{name},{name}.npz,{gloss},{split}" for name, gloss, split in ROWS]
    (tmp_path / "manifest.csv").write_text("\n".join(["id,path,gloss,split", *lines]))
    return tmp_path


def checked(root: Path, capsys: pytest.CaptureFixture[str], *sets: str, **options: Any) -> tuple[int, Any]:
    status = check_corpus("manifest", Options(root=root, overrides=sets, as_json=True, **options))
    return status, json.loads(capsys.readouterr().out)


def corpus_of(root: Path) -> Corpus:
    corpus: Corpus = build(ManifestConfig(root=str(root)))
    return corpus


@pytest.mark.parametrize(("policy", "status", "count"), [("report", 0, 1), ("refuse", 2, 1), ("allow", 0, 0)])
def test_check(policy: str, status: int, count: int, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left, found = checked(root, capsys, f"data.near_duplicates={policy}")
    assert (left, len(found["near_duplicates"]), found["complete"]) == (status, count, status == 0)
    for pair in found["near_duplicates"]:
        assert 0 < pair.pop("distance") < 0.01
        places = [f"{root}/manifest.csv:2", f"{root}/manifest.csv:4"]
        assert pair == {"ids": ["a", "c"], "splits": ["train", "test"], "places": places}


def test_the_words_on_a_terminal(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check_corpus("manifest", Options(root=root)) == 0
    out = capsys.readouterr().out
    assert "clips that are nearly those of another split, so that scores mean little: 1\n" in out
    assert f"  {root}/manifest.csv:4: c of test is nearly the same as a of train (" in out


def test_pictures_are_all_compared_and_of_films_those_that_are_looked_at(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["id,path,gloss,split"]
    for name, gloss, split in ROWS:
        film = media.moving(40) if name in "ac" else media.moving(40)[:, ::-1, ::-1]
        media.write_video(root / f"{name}{split}.mp4", film[::-1] if name == "d" else film)
        lines.append(f"{name},{name}{split}.mp4,{gloss},{split}")
    (root / "manifest.csv").write_text("\n".join(lines))
    for frames, expected in (("sample", [["a", "c"]]), ("all", [["a", "c"]]), ("none", [])):
        _, found = checked(root, capsys, frames=frames)
        assert [each["ids"] for each in found["near_duplicates"]] == expected


def test_what_a_run_says(root: Path) -> None:
    said: list[str] = []
    say_near_duplicates(corpus_of(root), "report", said.append)
    (line,) = said
    assert line.startswith(
        "1 clip is nearly the same as one of another split, so scores mean little: "
        f"{root}/manifest.csv:4: c of test is nearly the same as a of train ({root}/manifest.csv:2), distance"
    )
    assert line.endswith(" (`signkit data check` names all)")
    say_near_duplicates(corpus_of(root), "allow", said.append)
    assert len(said) == 1
    with pytest.raises(
        UserError, match=r"^data.near_duplicates: 1 clip is nearly the same as one of another"
    ):
        say_near_duplicates(corpus_of(root), "refuse", said.append)


def test_a_run_says_nothing_where_there_are_none(root: Path) -> None:
    (root / "c.npz").unlink()
    points = np.random.default_rng(2).normal(size=(4, 21, 3)).astype(np.float32)
    np.savez(root / "c.npz", landmarks=points, layout="hand")
    said: list[str] = []
    say_near_duplicates(corpus_of(root), "refuse", said.append)
    assert said == []


def test_a_large_corpus_and_films_are_looked_at_only_where_they_are_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signkit.train.setup.FEW", 3)
    say_near_duplicates(corpus_of(root), "report", pytest.fail)
    with pytest.raises(UserError):
        say_near_duplicates(corpus_of(root), "refuse")


def test_a_recipe_decides_for_its_run(root: Path) -> None:
    sets = [f"data.root={root}", "encoder.width=8", "landmarks.points=all"]
    notes = prepare(load_recipe("signs_conv_transformer", sets)).notes
    assert any("c of test is nearly the same as a of train" in note for note in notes)
    with pytest.raises(UserError, match=r"^data.near_duplicates: "):
        prepare(load_recipe("signs_conv_transformer", [*sets, "data.near_duplicates=refuse"]))
    allowed = prepare(load_recipe("signs_conv_transformer", [*sets, "data.near_duplicates=allow"])).notes
    assert not any("nearly" in note for note in allowed)
