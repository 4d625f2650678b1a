"""Models exported to ONNX: every kind has the results of its run, in onnxruntime and by `signkit.load`."""

import base64
import copy
import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import translated
import yaml
from images import write_images
from PIL import Image
from predicting import exported
from tiny import C2ST, CTC, TEMPORAL, write_corpus
from tracing import unchecked_shapes

import signkit
from signkit.config.recipe import VideoConfig
from signkit.config.recipe_file import load_recipe
from signkit.data.video.array import ArrayClip
from signkit.data.video.fit import read_fitted
from signkit.models.export import TrainedModel, write_export
from signkit.models.onnx import image_graph
from signkit.train.setup import prepare
from signkit.types import Hypothesis, Label, Prediction

runtime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

SMALL: dict[str, dict[str, Any]] = {
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
    "points": {
        "width": 6,
        "local_temporal": {"kind": "dilated", "width": 8, "dilations": [1], "lookahead": 1},
        "global_temporal": {
            "kind": "transformer",
            "layers": 1,
            "width": 8,
            "heads": 2,
            "feed_forward": 8,
            "block": 2,
            "past": 3,
        },
    },
}
CONTEXTS: dict[str, dict[str, Any]] = {
    "lstm": {"width": 8, "layers": 2, "gain": 1.0},
    "embedding": {"width": 8, "gain": 1.0},
    "bert": {"card": "bert.yaml", "adaptor_width": 6, "gain": 1.0},
    "none": {},
}


@pytest.fixture(autouse=True)
def traced() -> Iterator[None]:
    with unchecked_shapes():
        yield


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("onnx") / "corpus")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_images(tmp_path_factory.mktemp("images"), "ABC", 3, size=24, signers=3)


def fresh(folder: Path, content: dict[str, Any]) -> Path:
    """A run's folder with the export of a fresh model."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tiny.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    recipe = load_recipe(str(folder / "tiny.yaml"))
    found = prepare(recipe)
    write_export(folder / "run" / "export", TrainedModel(recipe, found.spec, found.model))
    return folder / "run"


def classifier(folder: Path, corpus: Path, **more: Any) -> Path:
    """Of the first gloss of each clip, on frames of it."""
    content: dict[str, Any] = copy.deepcopy(CTC) | {
        "data": {"name": "manifest", "root": str(corpus)},
        "sampling": {"frames": 9},
        "landmarks": {"hand": "signing", "origin": "frame"},
        "encoder": {"name": "squeezeformer", **SMALL["squeezeformer"], "stride": 2},
        "model": {"name": "classifier", "pooling": "attention"},
        "decode": {"name": "labels", "temperature": 0.7},
    }
    content["train"] = {**content["train"], "losses": [{"name": "cross_entropy"}]}
    content.pop("context", None)
    return fresh(folder, content | more)


def of_images(folder: Path, images: Path, encoder: dict[str, Any], video: dict[str, Any]) -> Path:
    content = {
        "data": {"name": "images", "root": str(images)},
        "video": video,
        "encoder": encoder,
        "model": {"name": "classifier"},
        "train": {"losses": [{"name": "cross_entropy"}], "max_steps": 1, "batch_size": 4},
        "decode": {"name": "labels", "top": 3},
    }
    return fresh(folder, content)


def clips(corpus: Path) -> list[np.ndarray]:
    points: np.ndarray = np.load(corpus / "test0.npz")["landmarks"].copy()
    points[3, 1] = np.nan
    return [points[:frames] for frames in (1, 2, 3, len(points))]


def array(plain: dict[str, Any]) -> np.ndarray:
    """An array as `golden.json` has it."""
    content = np.frombuffer(
        base64.b64decode(plain["base64"]), dtype=np.dtype(plain["dtype"]).newbyteorder("<")
    )
    return content.reshape(plain["shape"])


def outputs(file: Path, *given: np.ndarray) -> dict[str, np.ndarray]:
    session = runtime.InferenceSession(file, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_outputs()]
    inputs = [each.name for each in session.get_inputs()]
    return dict(zip(names, session.run(None, dict(zip(inputs, given, strict=True))), strict=True))


def shares(logits: np.ndarray) -> np.ndarray:
    return torch.from_numpy(logits.copy()).softmax(-1).numpy()


def golden_holds(folder: Path) -> None:
    """What the folder says of the model is what its graphs compute."""
    golden = json.loads((folder / "golden.json").read_text(encoding="utf-8"))
    assert len(golden["cases"]) == 3
    for case in golden["cases"]:
        found = outputs(folder / "model.onnx", array(case["input"]))
        assert found.keys() == case["outputs"].keys()
        for name, plain in case["outputs"].items():
            expected = array(plain)
            assert found[name].shape == expected.shape
            assert np.abs(shares(found[name]) - shares(expected)).max() <= golden["tolerance"]


def same(one: Prediction, other: Prediction) -> None:
    assert one.outputs.keys() == other.outputs.keys()
    for name, left in one.outputs.items():
        right = other.outputs[name]
        assert left.text == right.text
        if isinstance(left, Label) and isinstance(right, Label):
            assert [each for each, _ in left.top] == [each for each, _ in right.top]
            assert np.allclose([p for _, p in left.top], [p for _, p in right.top], atol=1e-4)
        else:
            assert isinstance(left, Hypothesis) and isinstance(right, Hypothesis)
            assert (left.tokens, left.times) == (right.tokens, right.times)
            assert np.isclose(left.score, right.score, atol=1e-3)
            assert np.allclose(left.confidences, right.confidences, atol=1e-3)


def predicts_the_same(run: Path, folder: Path, given: list[Any], **options: Any) -> None:
    one, other = (signkit.load(each, **options).predict(given) for each in (run, folder))
    for left, right in zip(one, other, strict=True):
        same(left, right)


@pytest.mark.parametrize("encoder", SMALL)
def test_a_recogniser(encoder: str, corpus: Path, tmp_path: Path) -> None:
    run = exported(tmp_path / "run", corpus, {**CTC, "encoder": {"name": encoder, **SMALL[encoder]}})
    found = signkit.export(run, tmp_path / "out")
    assert found.folder == tmp_path / "out" and found.outputs == ("log_probabilities",)
    assert found.size == (tmp_path / "out" / "model.onnx").stat().st_size and found.difference < 1e-4
    model, other = signkit.load(run), signkit.load(tmp_path / "out")
    for points in clips(corpus):
        logs = outputs(tmp_path / "out" / "model.onnx", points[None])["log_probabilities"]
        expected = model.posteriors(points)
        assert logs.shape == (1, *expected.probabilities.shape)
        assert np.allclose(np.exp(logs[0]), expected.probabilities, atol=1e-4)
        again = other.posteriors(points)
        assert np.allclose(again.probabilities, expected.probabilities, atol=1e-4)
        assert np.array_equal(again.times, expected.times)
    golden_holds(tmp_path / "out")
    predicts_the_same(run, tmp_path / "out", clips(corpus))
    predicts_the_same(run, tmp_path / "out", clips(corpus), decode={"beam": 4, "length_reward": 0.5})


def test_what_is_said_of_a_recogniser(corpus: Path, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    run = exported(tmp_path / "run", corpus, {**CTC, "encoder": {"name": "kinematic", **SMALL["kinematic"]}})
    folder = signkit.export(run, tmp_path / "out").folder
    described = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    tokens = list(signkit.load(run).vocabulary.tokens)
    expected = {
        "name": "tiny",
        "task": "recognition",
        "outputs": {"log_probabilities": tokens},
        "unit": "gloss",
        "blank": 0,
        "frames_per_chunk": 4,
        "first_chunk_centre": 1,
        "fps": 25.0,
        "temperature": 1.0,
        "precision": "float32",
    }
    assert {key: described[key] for key in expected} == expected
    given = described["input"]
    assert (given["kind"], given["layout"], given["width"]) == ("landmarks", "boston104", 2)
    assert len(given["points"]) == 3
    about = {each.key: each.value for each in onnx.load(folder / "model.onnx").metadata_props}
    assert about["name"] == "tiny" and json.loads(about["outputs"]) == described["outputs"]
    names = {each.name for each in folder.iterdir()}
    texts = {"README.md", "SHA256SUMS", "config.json", "golden.json", "recipe.yaml", "vocabulary.json"}
    assert names == {*texts, "model.json", "model.onnx"}


@pytest.mark.parametrize(
    ("context", "topology"), [*((name, "ctc") for name in CONTEXTS), ("lstm", "rnnt"), ("lstm", "monotonic")]
)
def test_a_recogniser_with_a_context(context: str, topology: str, corpus: Path, tmp_path: Path) -> None:
    """Its search asks the second graph, with the internal language model of the context, too."""
    card = tmp_path / "bert.yaml"
    card.write_text("{width: 16, layers: 2, heads: 2, feed_forward: 24, positions: 7, dropout: 0.1}")
    options = {name: str(card) if name == "card" else value for name, value in CONTEXTS[context].items()}
    content = {
        **C2ST,
        "context": {"name": context, **options},
        "model": {"name": "c2st", "topology": topology},
    }
    run = exported(tmp_path / "run", corpus, content)
    folder = signkit.export(run, tmp_path / "out").folder
    assert {"model.onnx", "context.onnx"} <= {each.name for each in folder.iterdir()}
    assert json.loads((folder / "model.json").read_text(encoding="utf-8"))["topology"] == topology
    golden_holds(folder)
    golden = json.loads((folder / "golden.json").read_text(encoding="utf-8"))["context"]
    found = outputs(folder / "context.onnx", array(golden["history"]), array(golden["lengths"]))["context"]
    assert np.allclose(found, array(golden["context"]), atol=1e-4)
    for decode in ({}, {"beam": 4}, {"beam": 4, "fusion": [{"name": "internal", "weight": -0.3}]}):
        predicts_the_same(run, folder, clips(corpus), decode=decode)


def test_the_context_of_every_history(corpus: Path, tmp_path: Path) -> None:
    """The opened graph keeps the laws of a recogniser: one history at a time or many, the bias between its
    two answers."""
    run = exported(tmp_path / "run", corpus, {**C2ST, "context": {"name": "lstm", "gain": 1.0, "width": 8}})
    folder = signkit.export(run, tmp_path / "out").folder
    one, other = (signkit.load(each)._models[0].model for each in (run, folder))
    history, lengths = torch.tensor([[2, 3, 4], [5, 0, 0], [0, 0, 0]]), torch.tensor([3, 1, 0])
    with torch.no_grad():
        assert torch.allclose(
            one.last_context_logits(history, lengths), other.last_context_logits(history, lengths), atol=1e-5
        )
        assert torch.allclose(
            one.context_logits(history[:1], lengths[:1]),
            other.context_logits(history[:1], lengths[:1]),
            atol=1e-5,
        )
        empty = history[:, :0], lengths * 0
        assert torch.allclose(one.context_logits(*empty), other.context_logits(*empty), atol=1e-5)


def test_a_classifier_with_sampled_frames(corpus: Path, tmp_path: Path) -> None:
    single = write_corpus(tmp_path / "corpus", signs_a_clip=(1, 1))
    run = classifier(tmp_path / "cls", single)
    folder = signkit.export(run, tmp_path / "out").folder
    described = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    assert described["task"] == "classification" and described["temperature"] == 0.7
    assert "blank" not in described and described["input"]["frames"] == 9
    golden_holds(folder)
    predicts_the_same(run, folder, [*clips(single), single / "test1.npz"])


VIDEOS = [
    {"resize": 24, "crop": 20},
    {"resize": 24, "crop": 20, "fit": "pad"},
    {"resize": 24, "crop": 24, "fit": "pad", "interpolation": "bicubic"},
    {"resize": 24, "crop": 17, "fit": "short"},
    {"resize": 33, "crop": 20, "fit": "short", "interpolation": "bicubic"},
]


@pytest.mark.parametrize("video", VIDEOS, ids=str)
def test_images_of_any_size(video: dict[str, Any], images: Path, tmp_path: Path) -> None:
    """From the pixels of files as they are, and of arrays."""
    encoder = {"name": "cnn", "channels": [4, 8], "width": 16, "grey": video["crop"] == 17}
    run = of_images(tmp_path / "run", images, encoder, video)
    folder = signkit.export(run, tmp_path / "out").folder
    described = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    crop = video["crop"]
    expected = {"name": "image", "kind": "image", "size": [crop, crop], "resize": video["resize"]}
    assert described["input"] == {**expected, "fit": video.get("fit", "stretch")}
    assert described["outputs"] == {"gloss": ["A", "B", "C"]}
    golden_holds(folder)
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (31, 77, 3), dtype=np.uint8)).save(tmp_path / "wide.png")
    other = rng.integers(0, 256, (1, 50, 40, 3), dtype=np.uint8)
    predicts_the_same(run, folder, [tmp_path / "wide.png", images / "s0" / "A" / "A0.png", other])


def test_a_backbone_of_timm(images: Path, tmp_path: Path) -> None:
    if find_spec("timm") is None:  # not imported: see signkit.models.torchvision_mend
        pytest.skip("timm is not installed")
    temporal = {"local_temporal": {"kind": "none"}, "global_temporal": {"layers": 0}}
    encoder = {"name": "timm", "backbone": "test_efficientnet", "weights": "none", **temporal}
    run = of_images(tmp_path / "run", images, encoder, {"resize": 40, "crop": 32, "fit": "pad"})
    folder = signkit.export(run, tmp_path / "out").folder
    golden_holds(folder)
    predicts_the_same(run, folder, [images / "s0" / "B" / "B0.png", images / "s1" / "C" / "C1.png"])


@pytest.mark.parametrize("fit", ["stretch", "pad", "short"])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_resizing_in_a_graph_is_that_of_files_to_the_bit(fit: Any, interpolation: Any) -> None:
    """Smaller and larger, with sides that divide and that do not, and a single pixel; of what shrinks to less
    than a quarter hardly a pixel differs, by one."""
    video = VideoConfig(resize=64, crop=57, fit=fit, interpolation=interpolation)
    rng = np.random.default_rng(1)
    for height, width in ((1, 1), (20, 31), (64, 64), (97, 120), (64, 250), (711, 200)):
        pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        whole = read_fitted(ArrayClip(pixels[None], 25.0), np.arange(1), video)[0]
        top, left = (round((side - 57) / 2) for side in whole.shape[:2])
        found = image_graph.fitted(torch.from_numpy(pixels), video).numpy()
        apart = np.abs(found - whole[top : top + 57, left : left + 57])
        assert apart.max() <= (height > 700) and (apart > 0).mean() < 1e-3


DECODERS: dict[str, dict[str, Any]] = {
    "transformer": {"heads": 2, "feed_forward": 16, "layers": 2},
    "gru": {"network": "gru", "layers": 2},
    "both heads": {"heads": 2, "feed_forward": 16, "layers": 1, "head": "both", "tied": True},
}


@pytest.mark.parametrize("decoder", DECODERS)
def test_an_attention_model(decoder: str, corpus: Path, tmp_path: Path) -> None:
    """Its texts, scores and times by any search, though the graph keeps nothing from token to token."""
    losses = [{"name": "next_token"}, *([{"name": "ctc"}] if decoder == "both heads" else [])]
    content = copy.deepcopy(CTC) | {
        "data": {"name": "manifest", "root": str(corpus)},
        "encoder": {"name": "squeezeformer", **SMALL["squeezeformer"]},
        "model": {"name": "attention", "width": 8, "dropout": 0.0, **DECODERS[decoder]},
        "decode": {"beam": 3, "longest": 6},
    }
    content["train"] = {**content["train"], "losses": losses}
    content.pop("context", None)
    run = fresh(tmp_path / "run", content)
    folder = signkit.export(run, tmp_path / "out").folder
    described = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    tokens = list(signkit.load(run).vocabulary.tokens)
    assert (described["task"], described["end"], described["symbols"]) == ("sequence", 0, tokens)
    assert list(described["outputs"]) == ["features", *(["ctc"] if decoder == "both heads" else [])]
    golden = json.loads((folder / "golden.json").read_text(encoding="utf-8"))["decoder"]
    found = outputs(folder / "decoder.onnx", array(golden["tokens"]), array(golden["features"]))
    for name in ("logits", "attention"):
        assert np.allclose(found[name], array(golden[name]), atol=1e-4)
    golden_holds(folder)
    for decode in ({}, {"beam": 1}, {"beam": 2, "length_norm": 0.0}):
        predicts_the_same(run, folder, clips(corpus), decode=decode)


@pytest.mark.parametrize("kind", ["transformer", "conv_transformer", "gru"])
def test_a_translator(kind: str, tmp_path: Path) -> None:
    """Of written sources; `signkit translate` takes the folder, too."""
    content = yaml.safe_load(
        translated.RECIPE.replace("ROOT", str(translated.write_pairs(tmp_path / "pairs")))
    )
    content.pop("run")
    content["encoder"]["global_temporal"]["kind"] = kind
    run = fresh(tmp_path / "run", content)
    folder = signkit.export(run, tmp_path / "out").folder
    given = json.loads((folder / "model.json").read_text(encoding="utf-8"))["input"]
    source = signkit.load(run).spec.source
    assert source is not None and given["symbols"] == list(source.tokens)
    assert (given["name"], given["kind"], given["unit"]) == ("tokens", "text", "gloss")
    golden_holds(folder)
    sentences = ["MORGEN", "HEUTE NORD WIND", "MORGEN SUED REGEN XYZ"]
    one, other = (signkit.load(each).translate(sentences) for each in (run, folder))
    for left, right in zip(one, other, strict=True):
        assert (left.tokens, left.times) == (right.tokens, right.times)
        assert np.isclose(left.score, right.score, atol=1e-3)
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert 'model.translate("GLOSS GLOSS").text' in card and "- Input `tokens`: int64 [1, words]" in card
