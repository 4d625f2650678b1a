"""Graphs of models on landmarks: what onnxruntime makes of them, and what cannot be exported."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from jaxtyping import config
from predicting import exported
from tiny import C2ST, CTC, FEATURES, TEMPORAL, write_corpus

import signkit
from signkit import UserError
from signkit.config.recipe_file import load_recipe
from signkit.errors import OperationalError
from signkit.models import onnx_export
from signkit.models.export import TrainedModel, write_export
from signkit.models.onnx.landmark_graph import LandmarkGraph
from signkit.train.setup import prepare

SMALL = {
    "squeezeformer": {"width": 16, "blocks": 2, "heads": 2, "kernel": 5, "coordinates": 2},
    "landmark_transformer": {
        "width": 8,
        "layers": 1,
        "heads": 2,
        "feed_forward": 8,
        "kernel": 3,
        "coordinates": 2,
    },
    "conv_transformer": {"width": 8, "stages": 1, "kernel": 3, "heads": 2},
    "kinematic": {
        "local_temporal": {"kind": "tcn", "width": 8},
        "global_temporal": {"layers": 1, "width": 4},
    },
    "gcn": {"channels": [4], "fusion_width": 8, **TEMPORAL},
}


@pytest.fixture(autouse=True)
def unchecked_shapes() -> Iterator[None]:
    """Sizes are tensors while a graph is traced, which no annotation of a shape knows."""
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("onnx") / "corpus")


def recogniser(folder: Path, corpus: Path, encoder: str, **more: Any) -> Path:
    return exported(folder, corpus, {**CTC, "encoder": {"name": encoder, **SMALL[encoder]}, **more})


def classifier(folder: Path, corpus: Path) -> Path:
    """A fresh model of the first gloss of each clip, on frames of it."""
    folder.mkdir(parents=True, exist_ok=True)
    content: dict[str, Any] = copy.deepcopy(CTC) | {
        "data": {"name": "manifest", "root": str(corpus)},
        "sampling": {"frames": 9},
        "landmarks": {"hand": "signing", "origin": "frame"},
        "encoder": {"name": "squeezeformer", **SMALL["squeezeformer"], "stride": 2},
        "model": {"name": "classifier", "pooling": "attention"},
    }
    content["train"] = {**content["train"], "losses": [{"name": "cross_entropy"}]}
    content.pop("decode", None)
    content.pop("context", None)
    (folder / "tiny.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    recipe = load_recipe(str(folder / "tiny.yaml"))
    found = prepare(recipe)
    write_export(folder / "run" / "export", TrainedModel(recipe, found.spec, found.model))
    return folder / "run"


def clip(corpus: Path) -> np.ndarray:
    points: np.ndarray = np.load(corpus / "test0.npz")["landmarks"].copy()
    points[3, 1] = np.nan
    return points


def outputs(file: Path, points: np.ndarray) -> dict[str, np.ndarray]:
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(file, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_outputs()]
    return dict(zip(names, session.run(None, {"points": points[None]}), strict=True))


@pytest.mark.parametrize("encoder", SMALL)
def test_a_recogniser(encoder: str, corpus: Path, tmp_path: Path) -> None:
    """The graph gives the posteriors of `signkit.load`, and says what its columns are."""
    onnx = pytest.importorskip("onnx")
    run = recogniser(tmp_path / "run", corpus, encoder)
    graph = signkit.export_onnx(run, tmp_path / "out" / "model.onnx")
    assert graph.file == tmp_path / "out" / "model.onnx"
    assert graph.size == graph.file.stat().st_size
    assert graph.outputs == ("log_probabilities",) and graph.difference < 1e-4
    points, model = clip(corpus), signkit.load(run)
    for frames in (1, 2, 3, len(points)):
        found = outputs(graph.file, points[:frames])["log_probabilities"]
        expected = model.posteriors(points[:frames]).probabilities
        assert found.shape == (1, *expected.shape)
        assert np.allclose(np.exp(found[0]), expected, atol=1e-4)
    about = {each.key: each.value for each in onnx.load(graph.file).metadata_props}
    assert about["layout"] == "boston104"
    assert json.loads(about["symbols"]) == {"log_probabilities": list(model.vocabulary.tokens)}


def test_a_classifier_with_sampled_frames(corpus: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    single = write_corpus(tmp_path / "corpus", signs_a_clip=(1, 1))
    run = classifier(tmp_path / "cls", single)
    graph = signkit.export_onnx(run, tmp_path / "model.onnx")
    assert graph.outputs == ("gloss",)
    found = outputs(graph.file, clip(single))["gloss"]
    prediction = signkit.load(run).predict(single / "test0.npz")
    names = signkit.load(run).spec.outputs["gloss"].names  # type: ignore[union-attr]
    assert found.shape == (1, len(names))
    assert np.exp(found).sum() == pytest.approx(1, abs=1e-5)
    assert names[int(found.argmax())] == prediction.text


def test_eight_bits(corpus: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    run = recogniser(tmp_path / "run", corpus, "landmark_transformer")
    whole = signkit.export_onnx(run, tmp_path / "whole.onnx")
    small = signkit.export_onnx(run, tmp_path / "small.onnx", int8=True)
    assert 0 < small.difference < 0.2 and small.difference > whole.difference
    points = clip(corpus)
    found, exact = (outputs(each.file, points)["log_probabilities"] for each in (small, whole))
    assert np.abs(np.exp(found) - np.exp(exact)).max() < 0.2


def test_a_graph_that_is_wrong_is_not_written(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxruntime")
    run = recogniser(tmp_path / "run", corpus, "squeezeformer")
    monkeypatch.setattr(
        onnx_export, "_expected", lambda *_: {"log_probabilities": np.zeros((1, 1, 6), np.float32)}
    )
    monkeypatch.setattr(onnx_export, "CHECKED", (1,))
    with pytest.raises(OperationalError) as caught:
        signkit.export_onnx(run, tmp_path / "model.onnx")
    start = f"{tmp_path / 'model.onnx'}: the graph differs from the model by up to "
    assert str(caught.value).startswith(start)
    assert str(caught.value).endswith("more than 0.0001; it is not written")
    assert not (tmp_path / "model.onnx").exists()


def test_a_graph_for_one_length_alone(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As tracing makes it of a model that takes a number of frames for a constant."""
    pytest.importorskip("onnxruntime")
    run = recogniser(tmp_path / "run", corpus, "squeezeformer")
    fixed = torch.zeros(1, onnx_export.TRACED, 1)
    forward = LandmarkGraph.forward
    monkeypatch.setattr(
        LandmarkGraph,
        "forward",
        lambda self, points: {name: each + fixed for name, each in forward(self, points).items()},
    )
    with pytest.raises(OperationalError) as caught:
        signkit.export_onnx(run, tmp_path / "model.onnx")
    message = str(caught.value)
    assert message == (
        "the graph's output 'log_probabilities' has [1, 50, 6] of 1 frames, and the model [1, 1, 6]; "
        "it is not written"
    )
    monkeypatch.setattr(onnx_export, "CHECKED", (2,))
    with pytest.raises(OperationalError, match="the graph cannot take 2 frames: "):
        signkit.export_onnx(run, tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()


def test_a_model_that_cannot_be_traced(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnx")
    run = recogniser(tmp_path / "run", corpus, "squeezeformer")
    monkeypatch.setattr(
        LandmarkGraph, "forward", lambda self, points: {"log_probabilities": points.cumprod(1).lgamma()}
    )
    with pytest.raises(OperationalError, match="the model cannot be written as a graph: "):
        signkit.export_onnx(run, tmp_path / "model.onnx")


@pytest.mark.parametrize(
    ("base", "features", "message"),
    [
        (C2ST, False, "export_onnx: a model `c2st` cannot be exported; `ctc` and `classifier` can"),
        (
            {**FEATURES, "model": {"name": "ctc"}, "train": CTC["train"]},
            True,
            "export_onnx: the model reads feature vectors; models on landmarks can be exported",
        ),
    ],
    ids=["context", "features"],
)
def test_what_cannot_be_exported(base: Any, features: bool, message: str, tmp_path: Path) -> None:
    run = exported(tmp_path / "run", write_corpus(tmp_path / "corpus", features=features), base)
    with pytest.raises(UserError) as caught:
        signkit.export_onnx(run, tmp_path / "model.onnx")
    assert str(caught.value) == message


def test_without_the_package(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    run = recogniser(tmp_path / "run", corpus, "squeezeformer")
    with pytest.raises(UserError) as caught:
        signkit.export_onnx(run, tmp_path / "model.onnx")
    assert str(caught.value) == "export_onnx: needs the package onnx; pip install 'signkit[web]'"
    assert not (tmp_path / "model.onnx").exists()
