"""The Python API: lazy, the same answers as the commands, and errors in words."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from media import moving, write_frames
from predicting import VIDEO_RECIPE, exported, write_manifest
from tiny import C2ST, FEATURES, LM, write_corpus, write_lm_recipe, write_recipe, write_text

import signkit
from signkit import UserError
from signkit.cli.app import main
from signkit.data.npz import read_npz
from signkit.data.video import open_clip
from signkit.decode import beam_search, constant_context_logits, greedy_search
from signkit.types import Landmarks


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained C2ST over hand tracks, its corpus beside it."""
    folder = tmp_path_factory.mktemp("api")
    return exported(folder, write_corpus(folder / "corpus"), C2ST)


@pytest.fixture
def model(run: Path) -> signkit.LoadedModel:
    return signkit.load(run)


def clips(run: Path) -> list[Path]:
    return [run.parent / "corpus" / f"test{number}.npz" for number in range(3)]


def points(path: Path) -> Any:
    return read_npz(path).points  # type: ignore[union-attr]


def test_importing_it_imports_nothing_heavy() -> None:
    code = """
import sys
import signkit
heavy = ("torch", "numpy", "signkit.api", "signkit.eval", "yaml")
assert not [name for name in heavy if name in sys.modules]
assert {"load", "run", "score", "losses", "decode", "testing", "UserError"} <= {*dir(signkit)}
assert signkit.score(["A B"], ["A"])["wer"].value == 0.5
assert signkit.losses.__name__ == "signkit.losses" and "cst_loss" in dir(signkit.losses)
assert "torch" not in sys.modules
assert signkit.losses.cst_loss is __import__("signkit.models.losses.cst", fromlist=["x"]).cst_loss
for module in (signkit, signkit.losses):
    try:
        module.nothing
    except AttributeError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "module 'signkit' has no attribute 'nothing'",
        "module 'signkit.losses' has no attribute 'nothing'",
    ]


def test_the_same_as_the_command(
    run: Path,
    model: signkit.LoadedModel,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.argv", ["signkit", "predict", str(run), "--json", *map(str, clips(run))])
    with pytest.raises(SystemExit):
        main()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [json.loads(json.dumps(each.plain())) for each in model.predict(clips(run))] == lines


def test_an_array_a_signal_and_a_path_are_the_same(run: Path, model: signkit.LoadedModel) -> None:
    path = clips(run)[0]
    array = points(path)
    expected = model.predict(path).outputs["text"].plain()
    for clip in (
        str(path),
        array,
        array.astype(np.float64),
        torch.tensor(array),
        Landmarks(array, "boston104"),
    ):
        assert model.predict(clip).outputs["text"].plain() == expected
    assert [each.text for each in model.predict([array, path])] == [expected["text"]] * 2
    assert model.predict([]) == []


def test_times_follow_the_rate(run: Path, model: signkit.LoadedModel) -> None:
    array = points(clips(run)[0])
    slow, fast = (model.posteriors(array, fps=fps) for fps in (10, 50))
    np.testing.assert_allclose(slow.times, 5 * fast.times)
    assert np.array_equal(slow.probabilities, fast.probabilities)


def test_posteriors_are_the_encoders_distributions(run: Path, model: signkit.LoadedModel) -> None:
    array = points(clips(run)[0])
    found, both = model.posteriors(array), model.posteriors([array[:5], array])
    assert found.probabilities.shape == (len(found.times), len(model.vocabulary))
    np.testing.assert_allclose(found.probabilities.sum(1), 1, rtol=1e-5)
    np.testing.assert_allclose(both[1].probabilities, found.probabilities, atol=1e-6)
    assert both[0].times.tolist() == found.times[: len(both[0].times)].tolist()
    # Without the context, greedy search takes the best symbol of each chunk.
    alone = signkit.load(run, beam=1, decode={"context_scale": 0.0}).predict(array)
    path = found.probabilities.argmax(1)
    new = [int(s) for s, before in zip(path, [0, *path[:-1]], strict=True) if s not in (0, before)]
    assert alone.outputs["text"].tokens == model.vocabulary.decode(new)  # type: ignore[union-attr]


def test_features_and_video(tmp_path: Path) -> None:
    write_corpus(tmp_path / "features" / "corpus", features=True)
    features = signkit.load(exported(tmp_path / "features", tmp_path / "features" / "corpus", FEATURES))
    vectors = np.random.default_rng(0).normal(size=(9, 6))
    assert features.predict(vectors).id == "clip"
    with pytest.raises(UserError) as caught:
        features.predict(vectors[None])
    assert str(caught.value) == "clip: the model reads features, [frames, 6], not float64 [1, 9, 6]"

    frames = [write_frames(tmp_path / f"clip{n}", moving(9 + n, 48, 64)) for n in range(3)]
    manifest = write_manifest(tmp_path, [path.name for path in frames])
    video = signkit.load(exported(tmp_path / "video", manifest, VIDEO_RECIPE))
    pixels = open_clip(frames[0]).read(np.arange(9))
    assert video.predict(pixels).outputs["text"] == replace(
        video.predict(frames[0]).outputs["text"], id="clip"
    )
    with pytest.raises(UserError) as caught:
        video.predict(pixels / 255)
    assert str(caught.value) == (
        "clip: the model reads video, uint8 [frames, height, width, 3], not float64 [9, 48, 64, 3]"
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            lambda m, a: m.predict(a[0]),
            "clip: the model reads landmarks of layout 'boston104', [frames, points, 2], not float32 [3, 2]",
        ),
        (
            lambda m, a: m.predict([a, 3]),
            "clips[1]: is a int, which is no clip; give an array of numpy, or a path",
        ),
        (lambda m, a: m.predict("no.npz"), "no.npz: there is no such file"),
        (lambda m, a: m.predict(a[:0]), "clip: sample 'clip' has no frames"),
        (lambda m, a: m.predict([a, a * np.nan]), "clips[1]: no point is seen in any frame"),
        (
            lambda m, a: signkit.load("nowhere"),
            "nowhere: there is no run of this name, and no such folder; `signkit runs` lists the runs",
        ),
        (
            lambda m, a: signkit.run("quickstrat"),
            "quickstrat: no built-in recipe has this name; did you mean `quickstart`?",
        ),
        (
            lambda m, a: signkit.run("quickstart", "train.lr=1"),
            "overrides: is one string, 'train.lr=1', and not a list; […] around it makes one",
        ),
        (
            lambda m, a: signkit.score("A B", ["A"]),
            "references: is 'A B', and not a list of sentences or a dict of them by id; "
            "a list of one sentence is ['A B']",
        ),
        (
            lambda m, a: signkit.score(["A"], Path("x.stm")),
            "hypotheses: is PosixPath('x.stm'), and not a list of sentences or a dict of them by id; "
            "`signkit score` reads files",
        ),
        (
            lambda m, a: signkit.score({"A B"}, ["A B"]),
            "references: is a set, whose sentences have no order; give a list",
        ),
        (
            lambda m, a: signkit.score([1], ["A"]),
            "references, sentence 1: is 1, which is neither text nor words",
        ),
    ],
)
def test_what_is_wrong_is_said(
    run: Path, model: signkit.LoadedModel, wrong: Callable[[Any, Any], object], message: str
) -> None:
    with pytest.raises(UserError) as caught:
        wrong(model, points(clips(run)[0]))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"decode": {"beem": 3}}, "--set decode.beem=3: unknown key `decode.beem`; did you mean `beam`?"),
        ({"decode": {"beam": object()}}, "decode.beam: has a object; numbers, texts, lists and dicts only"),
        ({"device": "tpu9"}, "device: 'tpu9' cannot be used: "),
    ],
)
def test_a_wrong_setting_is_said(run: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as caught:
        signkit.load(run, **options)
    assert str(caught.value).startswith(message)


def test_settings_go_through_the_recipes_validator(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "tuned.yaml"
    file.write_text("decode: {length_reward: 0.25}\n", encoding="utf-8")
    found = signkit.load(run, beam=3, decode=file).recipe.decode
    assert (found.beam, found.length_reward) == (3, 0.25)  # type: ignore[attr-defined]
    fused = signkit.load(
        run, decode={"beam": np.int64(4), "fusion": [{"name": "lexicon", "file": str(file)}]}
    )
    assert fused.recipe.decode.beam == 4  # type: ignore[attr-defined]
    assert fused.recipe.decode.fusion[0].file == str(file)  # type: ignore[attr-defined]


@pytest.mark.slow
def test_a_gpu_that_cannot_be_used(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named where nobody has named a device."""

    def full(*_: object) -> None:
        raise RuntimeError("CUDA error: out of memory\nmore")

    monkeypatch.setattr("signkit.models.export.TrainedModel.to", full)
    with pytest.raises(UserError) as caught:
        signkit.load(run)
    assert str(caught.value) == "device: 'cuda' cannot be used: CUDA error: out of memory"


def test_a_language_model_recognises_nothing(tmp_path: Path) -> None:
    recipe = write_lm_recipe(tmp_path / "lm.yaml", write_text(tmp_path / "text"), LM, max_steps=1)
    result = signkit.run(recipe)
    assert [each.name for each in result.scores][:1] == ["perplexity"]
    with pytest.raises(UserError) as caught:
        signkit.load(result.folder)
    assert str(caught.value) == (
        f"{result.folder}: is a language model, which recognises nothing; see `signkit lm score`"
    )


@pytest.mark.slow
def test_runs_one_after_another(tmp_path: Path, run: Path) -> None:
    """Also of another precision, in which it is evaluated too; the result's scores are those of the file."""
    recipe = write_recipe(tmp_path / "tiny.yaml", run.parent / "corpus")
    first = signkit.run(recipe, ["train.max_steps=1"])
    second = signkit.run(recipe, ["train.max_steps=2", "train.precision=bf16"])
    assert first.folder != second.folder
    written = json.loads((first.folder / "scores.json").read_text(encoding="utf-8"))["metrics"]
    assert [(each.name, each.value) for each in first.scores] == [(r["name"], r["value"]) for r in written]
    assert (first.state, first.stages) == ("finished", {})
    assert json.loads((second.folder / "env.json").read_text(encoding="utf-8"))["precision"] == "bf16"

    def scores(*overrides: str) -> dict[tuple[str, str], float]:
        (done,) = signkit.evaluate(second, overrides=overrides)
        return {(each.name, each.split): each.value for each in done.outcome.scores}

    own = {(each.name, each.split): each.value for each in second.scores}
    again = scores()
    assert again.items() <= own.items() and len(again) > 8
    key = ("calibration_error_raw", "dev")
    single = scores("decode.precision=float32")[key]
    assert single == pytest.approx(own[key], abs=0.01) and single != own[key]


@pytest.mark.slow
def test_a_recipe_of_stages(tmp_path: Path, run: Path) -> None:
    """Each has a result; those of the last one are the pipeline's."""
    content = yaml.safe_load(write_recipe(tmp_path / "tiny.yaml", run.parent / "corpus").read_text())
    changes = ["stages.0.train.max_steps=1", "stages.1.train.max_steps=1", "stages.1.train.precision=bf16"]
    stages = [{"name": name, **{k: v for k, v in content.items() if k != "run"}} for name in ("one", "two")]
    path = tmp_path / "both.yaml"
    path.write_text(json.dumps({"stages": stages, "run": content["run"]}), encoding="utf-8")
    result = signkit.run(path, changes)
    assert [*result.stages] == ["one", "two"]
    assert result.state == result.stages["one"].state == "finished"
    assert result.scores == result.stages["two"].scores and len(result.scores) > 4
    assert signkit.load(result.stages["two"].folder).recipe.train.precision == "bf16"
    assert result.stages["two"].folder == result.folder / "two"
    # What is finished is not run again.
    assert signkit.run(path, changes, resume=str(result.folder)) == result


@pytest.mark.parametrize("search", [beam_search, greedy_search])
def test_searches_take_arrays_and_need_no_context(search: Callable[..., Any]) -> None:
    logits = torch.randn(3, 7, 5, generator=torch.Generator().manual_seed(0))
    lengths = torch.tensor([7, 0, 4])
    expected = search(logits, lengths, constant_context_logits(torch.zeros(5)))
    arrays = np.flip(np.flip(logits.numpy(), 1), 1)
    arrays.flags.writeable = False
    assert search(logits, lengths) == expected
    assert search(arrays, lengths.numpy()) == search(arrays, [7, 0, 4]) == expected
    for ours, theirs in zip(search(logits.log_softmax(2), lengths), expected, strict=True):
        assert ours[0].tokens == theirs[0].tokens
        assert ours[0].score == pytest.approx(theirs[0].score, abs=1e-5)


def test_paths_may_be_texts(run: Path, tmp_path: Path) -> None:
    """What docs name and what readers of corpora call takes a path as a text or a `Path`, with one result."""
    from signkit.data.landmark_files import is_landmarks, landmark_header, read_landmarks
    from signkit.eval.formats import read
    from signkit.lm import estimate, load, save

    clip = run.parent / "corpus" / "test0.npz"
    assert is_landmarks(str(clip)) and landmark_header(str(clip)) == landmark_header(clip)
    assert np.array_equal(read_landmarks(str(clip)).points, points(clip), equal_nan=True)  # type: ignore[union-attr]
    frames = write_frames(tmp_path / "frames", np.zeros((3, 8, 8, 3), np.uint8))
    assert open_clip(str(frames)).frames == open_clip(frames).frames == 3
    (tmp_path / "ref.txt").write_text("A B\n", encoding="utf-8")
    assert read(str(tmp_path / "ref.txt")).ids == read(tmp_path / "ref.txt").ids
    save(str(tmp_path / "m.arpa"), estimate([["A", "B"]], 2).grams)
    assert load(str(tmp_path / "m.arpa")).words == load(tmp_path / "m.arpa").words
    protocol = tmp_path / "own.yaml"
    protocol.write_text("metrics: [wer]\n", encoding="utf-8")
    for name in (protocol, str(protocol)):
        assert signkit.score(["A"], ["B"], name)["wer"].value == 1.0
