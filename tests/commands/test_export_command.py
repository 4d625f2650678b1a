"""`signkit export`: the whole folder or nothing, what is refused and why, and the folder afterwards."""

import copy
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from images import write_images
from predicting import VIDEO_RECIPE, Predict, exported
from tiny import CTC, FEATURES, write_corpus
from tracing import unchecked_shapes

import signkit
from signkit import OperationalError, UserError
from signkit.cli.app import main
from signkit.config.recipe_file import load_recipe
from signkit.config.registry import config_class
from signkit.models.export import TrainedModel, read_export, write_export
from signkit.models.onnx import cases, folder, smaller
from signkit.models.onnx.graphs import WHY_NOT, graph_of
from signkit.models.onnx.landmark_graph import LandmarkGraph
from signkit.train.setup import prepare

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")
ENCODER = {"name": "squeezeformer", "width": 16, "blocks": 1, "heads": 2, "kernel": 5, "coordinates": 2}
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def traced() -> Iterator[None]:
    with unchecked_shapes():
        yield


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("export") / "corpus")


@pytest.fixture(scope="module")
def run(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(tmp_path_factory.mktemp("run"), corpus, {**CTC, "encoder": ENCODER})


@pytest.fixture(scope="module")
def written(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of it, not to be changed."""
    with unchecked_shapes():
        return signkit.export(run, tmp_path_factory.mktemp("written") / "out").folder


@pytest.fixture
def out(written: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(written, tmp_path / "out"))


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["signkit", *map(str, words)])
        with pytest.raises(SystemExit) as leaving:
            main()
        captured = capsys.readouterr()
        return int(leaving.value.code or 0), captured.out, captured.err

    return call


def refused(run: Path, target: Path, **options: Any) -> str:
    """The message of a user's mistake; nothing is written."""
    before = sorted(target.parent.iterdir())
    with pytest.raises(UserError) as caught:
        signkit.export(run, target, **options)
    assert sorted(target.parent.iterdir()) == before
    return str(caught.value)


def test_the_command_prints_the_folder(run: Path, tmp_path: Path, command: Command) -> None:
    target = tmp_path / "a" / "out"
    status, out, error = command("export", run, target, "--to", "onnx")
    assert (status, out) == (0, f"{target}\n")
    start = f"{target / 'model.onnx'}: float32, 0.1 MB; probabilities differ from the model's by up to "
    assert error.startswith(start) and error.endswith(" (0.0001 is allowed)\n")
    assert command("export", run, target)[::2] == (
        2,
        f"error: {target}: has an export already; --force replaces it\n",
    )
    status, out, error = command("export", run, target, "--precision", "int8", "--force", "--json")
    plain = json.loads(out)
    assert (status, error, plain["folder"], plain["precision"]) == (0, "", str(target), "int8")
    assert plain["outputs"] == ["log_probabilities"] and plain["bound"] == 0.1
    assert 0 < plain["difference"] < 0.1
    assert plain["size"] == (target / "model.onnx").stat().st_size
    assert json.loads((target / "model.json").read_text(encoding="utf-8"))["precision"] == "int8"


def test_where_it_may_not_be_written(run: Path, tmp_path: Path, command: Command) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "mine.jpg").touch()
    (tmp_path / "empty").mkdir()
    assert refused(run, tmp_path / "photos", force=True) == (
        f"{tmp_path / 'photos'}: is a folder of other files; give a new one"
    )
    assert refused(run, tmp_path / "photos" / "mine.jpg") == (
        f"{tmp_path / 'photos' / 'mine.jpg'}: is a file; give a folder"
    )
    assert refused(run, tmp_path / "x", to="tflite") == "to: 'tflite' is none of onnx, web"
    assert refused(run, tmp_path / "x", precision="int4") == (
        "precision: 'int4' is none of float32, float16, int8"
    )
    assert signkit.export(run, tmp_path / "empty").folder == tmp_path / "empty"
    again = refused(tmp_path / "empty", tmp_path / "again")
    assert again == f"{tmp_path / 'empty'}: is exported already; give the run itself"


@pytest.mark.parametrize(("precision", "share"), [("float16", 0.5), ("int8", 0.25)])
def test_smaller_weights(
    precision: Any, share: float, run: Path, written: Path, corpus: Path, tmp_path: Path
) -> None:
    """The large weights take that share of the bytes, and the graph computes nearly the same."""
    found = signkit.export(run, tmp_path / "small", precision=precision)
    whole, small = (onnx.load(each / "model.onnx") for each in (written, found.folder))
    sizes = {each.name: len(each.raw_data) for each in small.graph.initializer}
    large = [
        each
        for each in whole.graph.initializer
        if each.data_type == onnx.TensorProto.FLOAT and len(each.dims) > 1 and np.prod(each.dims) >= 1024
    ]
    assert large and not {each.name for each in large} & sizes.keys()
    ending = {"float16": "half", "int8": "int8"}[precision]
    for each in large:
        assert sizes[f"{each.name}.{ending}"] == share * len(each.raw_data)
    assert 0 < found.difference <= folder.BOUNDS[precision]
    points = np.load(corpus / "test0.npz")["landmarks"]
    one, other = (signkit.load(each).posteriors(points).probabilities for each in (run, found.folder))
    assert 0 < np.abs(one - other).max() <= folder.BOUNDS[precision]
    golden = json.loads((found.folder / "golden.json").read_text(encoding="utf-8"))
    assert golden["tolerance"] == found.difference + 1e-4


def test_eight_bits_have_a_scale_for_each_row_of_the_better_axis() -> None:
    rows = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    rows *= np.linspace(0.2, 2, 64, dtype=np.float32)[:, None]
    rows[2] = 0
    for weights, axis in ((rows, 0), (rows.T.copy(), 1)):
        parts = [*smaller._in_bytes("w", weights, onnx)]
        whole, scale = (onnx.numpy_helper.to_array(each) for each in parts[:2])
        assert whole.dtype == np.dtype(np.int8) and scale.shape[axis] == 64 and scale.size == 64
        assert np.all(np.abs(whole * scale - weights) <= scale / 2 * (1 + 1e-5))


def test_weights_beyond_what_half_precision_can_hold() -> None:
    weights = np.array([[1e6, -1e6, 1.0]], dtype=np.float32)
    half, _ = smaller._in_half("w", weights, onnx)
    assert onnx.numpy_helper.to_array(half).tolist() == [[65504.0, -65504.0, 1.0]]


@pytest.mark.parametrize(
    ("precision", "how"), [("float32", ""), ("float16", " in float16"), ("int8", " in int8")]
)
def test_a_graph_that_differs_is_not_written(
    precision: Any, how: str, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "BOUNDS", {**folder.BOUNDS, precision: 1e-12})
    with pytest.raises(OperationalError) as caught:
        signkit.export(run, tmp_path / "out", precision=precision)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'out'}: the graph{how} differs from the model by up to ")
    assert message.endswith(", more than 1e-12; nothing is written")
    assert [*tmp_path.iterdir()] == []


def test_a_graph_for_one_length_alone(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As tracing makes it of a model that takes a number of frames for a constant."""
    fixed, forward = torch.zeros(1, cases.TRACED_FRAMES, 1), LandmarkGraph.forward
    monkeypatch.setattr(
        LandmarkGraph,
        "forward",
        lambda self, points: {name: each + fixed for name, each in forward(self, points).items()},
    )
    with pytest.raises(OperationalError) as caught:
        signkit.export(run, tmp_path / "out")
    assert str(caught.value) == (
        "the graph's output 'log_probabilities' has [1, 50, 6] of a golden input, and the model [1, 1, 6]; "
        "it is not written"
    )
    monkeypatch.setattr(cases, "GOLDEN_FRAMES", ())
    monkeypatch.setattr(cases, "FRAMES", (2,))
    with pytest.raises(OperationalError, match="^the graph cannot take 2 frames: "):
        signkit.export(run, tmp_path / "out")
    assert [*tmp_path.iterdir()] == []


def test_a_model_that_cannot_be_traced(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        LandmarkGraph, "forward", lambda self, points: {"log_probabilities": points.cumprod(1).lgamma()}
    )
    with pytest.raises(OperationalError, match="^the model cannot be written as a graph: "):
        signkit.export(run, tmp_path / "out")


def test_what_cannot_be_exported(run: Path, corpus: Path, tmp_path: Path) -> None:
    vectors = write_corpus(tmp_path / "vectors", features=True)
    content = {**FEATURES, "model": {"name": "ctc"}, "train": CTC["train"]}
    features = exported(tmp_path / "features", vectors, content)
    message = f"{features}: the model reads feature vectors; models of landmarks can be exported"
    assert refused(features, tmp_path / "out") == message
    assert refused(tmp_path / "nothing", tmp_path / "out").startswith(
        f"{tmp_path / 'nothing'}: there is no run"
    )
    trained = read_export(run)
    decode, sampling = trained.recipe.decode, trained.recipe.sampling
    timed = "`sampling.how: timed` depends on the frames a second, which are no input of a graph"
    sampled = "`sampling.frames` of what writes texts: the times of chunks would depend on the clip's length"
    several = "`decode.ensemble` averages several runs, and a graph has one model; export one of them"
    for key, value, message in (
        ("decode", replace(decode, ensemble=("a", "b")), several),
        ("sampling", replace(sampling, how="timed", seconds=0.1), timed),
        ("sampling", replace(sampling, frames=8), sampled),
    ):
        with pytest.raises(UserError) as caught:
            graph_of(replace(trained, recipe=replace(trained.recipe, **{key: value})), run)  # type: ignore[arg-type]
        assert str(caught.value) == f"{run}: {message}"


@pytest.mark.parametrize("name", WHY_NOT)
def test_models_of_other_kinds(name: str, run: Path) -> None:
    trained = read_export(run)
    recipe = copy.copy(trained.recipe)
    options = {"checkpoint": "a name"} if name == "seq2seq" else {}
    object.__setattr__(recipe, "model", config_class("models", name)(**options))  # unchecked, as a whole
    other = replace(trained, recipe=recipe)
    with pytest.raises(UserError) as caught:
        graph_of(other, run)
    assert str(caught.value) == (
        f"{run}: a model `{name}` cannot be exported: {WHY_NOT[name]}; "
        "`ctc`, `c2st`, `attention` and `classifier` can"
    )


def test_video(tmp_path: Path) -> None:
    if find_spec("timm") is None:  # not imported: see signkit.models.torchvision_mend
        pytest.skip("timm is not installed")
    from media import moving, write_frames
    from predicting import write_manifest

    for number in range(2):
        write_frames(tmp_path / "clips" / f"c{number}", moving(6 + number, 40, 40))
    run = exported(tmp_path / "video", write_manifest(tmp_path / "clips", ["c0", "c1"]), VIDEO_RECIPE)
    hint = "classifiers of single images (`data: {name: images}`) can be exported"
    assert refused(run, tmp_path / "out") == (
        f"{run}: the model reads video, whose frames a graph would take all at once; {hint}"
    )


def test_a_folder_that_is_cut_short(out: Path, corpus: Path) -> None:
    """Nothing is computed by half a graph. The card is the user's, and files may be added."""
    (out / "README.md").write_text("mine", encoding="utf-8")
    (out / ".gitattributes").touch()
    assert signkit.load(out).predict(corpus / "test0.npz").id
    content = (out / "model.onnx").read_bytes()
    (out / "model.onnx").write_bytes(content[: len(content) // 2])
    with pytest.raises(OperationalError) as caught:
        signkit.load(out)
    assert str(caught.value) == f"{out / 'model.onnx'}: damaged (its SHA-256 is not the one in SHA256SUMS)"
    (out / "model.onnx").unlink()
    with pytest.raises(OperationalError) as caught:
        signkit.load(out)
    assert str(caught.value) == f"{out / 'model.onnx'}: missing"
    (out / "SHA256SUMS").unlink()
    with pytest.raises(OperationalError, match="SHA256SUMS: missing or unreadable; this folder is not whole"):
        signkit.load(out)


@pytest.mark.parametrize("content", ["{}", "[", '{"input": 1}'])
def test_a_description_that_is_none(content: str, out: Path) -> None:
    from signkit.runtime.files import sha256

    sums = (out / "SHA256SUMS").read_text(encoding="utf-8")
    old = sha256(out / "model.json")
    (out / "model.json").write_text(content, encoding="utf-8")
    (out / "SHA256SUMS").write_text(sums.replace(old, sha256(out / "model.json")), encoding="utf-8")
    with pytest.raises(OperationalError) as caught:
        signkit.load(out)
    assert str(caught.value) == f"{out / 'model.json'}: is not the description of an exported model"


def test_the_other_verbs(
    out: Path, run: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`predict` takes the folder for a run; what needs a run says so."""
    predict = Predict(monkeypatch, capsys)
    clip = corpus / "test0.npz"
    ours, theirs = (json.loads(predict(each, clip, "--json")[1]) for each in (out, run))
    assert ours["tokens"] == theirs["tokens"] and ours["times"] == theirs["times"]
    assert ours["score"] == pytest.approx(theirs["score"], abs=1e-3)
    with pytest.raises(UserError) as caught:
        signkit.evaluate(out, corpus)
    what = "is a model exported to ONNX, which is enough for `predict` and `signkit.load`"
    assert str(caught.value) == f"{out}: {what}; this needs the run itself"


def test_what_is_fixed_in_a_graph(out: Path) -> None:
    assert signkit.load(out, decode={"acoustic_scale": 0.5}).recipe.decode.acoustic_scale == 0.5  # type: ignore[attr-defined]
    assert signkit.load(out).recipe.decode.precision == "float32"  # by which no GPU is asked for
    for key, value in (("level", "chunk"), ("average", 2), ("ensemble", ["a"]), ("precision", "bf16")):
        with pytest.raises(UserError) as caught:
            signkit.load(out, decode={key: value})
        assert str(caught.value) == (
            f"decode.{key}: is fixed in a model that was exported to ONNX; "
            "use the run itself, or export it again with that"
        )


def test_language_models_come_along(corpus: Path, tmp_path: Path) -> None:
    """The search of the folder is that of the run, wherever the model's file is by then."""
    from signkit.commands.lm import train_lm

    (tmp_path / "text.txt").write_text("HOUSE JOHN READ\nWHO READ HOUSE\nJOHN WHO\n", encoding="utf-8")
    settings = [f"data.text=[{tmp_path / 'text.txt'}]", "lm.order=2", "lm.discount_fallback=[0.5,1,1.5]"]
    train_lm("ngram", settings, tmp_path / "lm.arpa", as_json=True)
    ngram = {"name": "ngram", "file": str(tmp_path / "lm.arpa"), "weight": 0.7}
    content = {**CTC, "encoder": ENCODER, "decode": {"beam": 4, "fusion": [ngram]}}
    run = exported(tmp_path / "run", corpus, content)
    clips = [corpus / f"test{number}.npz" for number in range(3)]
    before = signkit.load(run).predict(clips)
    plain = signkit.load(run, decode={"fusion": []}).predict(clips)
    out = signkit.export(run, tmp_path / "out").folder
    (tmp_path / "lm.arpa").unlink()
    moved = out.rename(tmp_path / "elsewhere")
    for one, other, without in zip(before, signkit.load(moved).predict(clips), plain, strict=True):
        left, right, bare = (each.plain() for each in (one, other, without))
        assert left["tokens"] == right["tokens"]
        assert left["score"] == pytest.approx(right["score"], abs=1e-3) and left["score"] != bare["score"]


def test_clips_of_several_frames_are_no_images(tmp_path: Path) -> None:
    images = write_images(tmp_path / "images", "AB", 3, size=16, signers=3)
    content = {
        "data": {"name": "images", "root": str(images)},
        "video": {"resize": 16, "crop": 16},
        "encoder": {"name": "cnn", "channels": [4], "width": 8},
        "model": {"name": "classifier"},
        "train": {"losses": [{"name": "cross_entropy"}], "max_steps": 1, "batch_size": 2},
        "decode": {"name": "labels"},
    }
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    recipe = load_recipe(str(tmp_path / "tiny.yaml"))
    found = prepare(recipe)
    write_export(tmp_path / "run" / "export", TrainedModel(recipe, found.spec, found.model))
    out = signkit.export(tmp_path / "run", tmp_path / "out").folder
    with pytest.raises(UserError) as caught:
        signkit.load(out).predict(np.zeros((2, 20, 20, 3), np.uint8))
    assert str(caught.value) == "clip: has 2 frames, and the model reads single images"
    card = (out / "README.md").read_text(encoding="utf-8")
    assert "- Input `image`: uint8 [height, width, 3], RGB of any size, which the graph resizes" in card
    assert "- Output `gloss`, log-probabilities [1, classes]; 2: `A`, `B`\n" in card


def test_the_model_card(run: Path, tmp_path: Path) -> None:
    """With the scores of the run, if it has some; the licence is the user's to fill in."""
    whole = Path(shutil.copytree(run, tmp_path / "run"))
    row = {
        "name": "wer",
        "value": 0.25,
        "split": "dev",
        "signature": "",
        "note": "",
        "low": None,
        "high": None,
    }
    (whole / "scores.json").write_text(json.dumps({"metrics": [row]}), encoding="utf-8")
    card = (signkit.export(whole, tmp_path / "out").folder / "README.md").read_text(encoding="utf-8")
    header = yaml.safe_load(card.split("---")[1])
    assert header == {"library_name": "signkit", "tags": ["sign-language", "recognition"], "license": None}
    assert "# tiny\n" in card and "| dev | word error rate | 25.00 % |" in card
    assert "encoder `squeezeformer`, model `ctc`" in card and "corpus `manifest`" in card
    assert "- Output `log_probabilities`, log-probabilities [1, chunks, symbols]; 6: `" in card


def test_without_the_packages(run: Path, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    message = "an exported model: needs the package onnxruntime; pip install 'signkit[web]'"
    with pytest.raises(UserError) as caught:
        signkit.load(out)
    assert str(caught.value) == message
    assert refused(run, tmp_path / "x") == message
    monkeypatch.setitem(sys.modules, "onnx", None)
    message = "signkit export: needs the package onnx; pip install 'signkit[web]'"
    assert refused(run, tmp_path / "x") == message


@pytest.mark.slow
def test_no_address_is_looked_up(run: Path, corpus: Path, tmp_path: Path) -> None:
    """By the calls of the whole process and of those it starts."""
    strace, log = shutil.which("strace"), tmp_path / "calls"
    if strace is None or subprocess.run([strace, "-o", log, "true"], capture_output=True).returncode:
        pytest.skip("needs strace, and that it may be used")
    out, clip = tmp_path / "out", corpus / "test0.npz"
    paths = f"run, out, clip = {str(run)!r}, {str(out)!r}, {str(clip)!r}"
    code = f"import signkit; {paths}; signkit.export(run, out); signkit.load(out).predict(clip)"
    calls = ["-f", "-e", "trace=network", "-o", str(log)]
    done = subprocess.run([strace, *calls, sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = log.read_text(encoding="utf-8").splitlines()
    assert any("exited with 0" in line for line in lines)
    assert [line for line in lines if "AF_INET" in line] == []


def test_a_model_of_another_package(run: Path) -> None:
    trained = replace(read_export(run), model=torch.nn.Identity())
    with pytest.raises(UserError) as caught:
        graph_of(trained, run)
    assert str(caught.value) == (
        f"{run}: a model `ctc` cannot be exported: it is of a kind that export does not know; "
        "`ctc`, `c2st`, `attention` and `classifier` can"
    )
