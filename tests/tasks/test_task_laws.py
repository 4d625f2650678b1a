"""Every built-in recipe, made small, holds to the laws of a task; outside of its folder no line names one."""

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from images import write_images
from media import moving, write_frames
from seq2seq_checkpoints import write_checkpoint
from small_recipes import COMPOSED, MICT, SINGLE, SQUEEZEFORMER, TRANSFORMER, WRITTEN
from tiny import write_corpus, write_text
from translated import write_pairs

from signkit.config.assets import asset, names
from signkit.config.recipe import Recipe
from signkit.config.recipe_file import is_of_ngrams, load_recipe
from signkit.config.registry import component_name, config_class, registered
from signkit.data.corpora.configs import ManifestConfig
from signkit.models.assemble import assemble
from signkit.tasks.language.task import Language
from signkit.testing import check_task
from signkit.train.task import Evaluation, Term
from signkit.types import Label, Prediction, Score

ROOT = Path(__file__).resolve().parents[2]
SMALL = (
    "train.batch_size=4",
    "train.accumulate=1",
    "train.warmup_steps=0",
    "train.precision=float32",
    "train.init_from=",
    "train.too_long=skip",
)
SIZES = {"width": 8, "layers": 1, "heads": 2, "feed_forward": 16, "positions": 64, "dropout": 0.1}
NARROW = ("encoder.local_temporal.width=8", "encoder.global_temporal.width=4")
GCN = ("encoder.channels=[4]", "encoder.fusion_width=8", *NARROW)
KINEMATIC = NARROW
TIMM = ("encoder.backbone=test_convnext", "encoder.weights=none", "video.resize=36", "video.crop=32", *NARROW)
SYNTHETIC = (
    "data.train=8",
    "data.dev=3",
    "data.test=2",
    "data.extra_sentences=8",
    "data.homonyms=0.2",
    "data.signs=12",
)
SPLITS = ("data.train=8", "data.dev=3", "data.test=2")
MADE_UP = {"synthetic": SYNTHETIC, "composed": (*SPLITS, *COMPOSED)}
HAND = ("encoder.width=8", *NARROW)
POINTS = ("encoder.width=8", "encoder.global_temporal.width=4", "model.width=8", "sampling.frames=12")
LANGUAGE_MODELS = [
    name
    for name in names("lm")
    if not is_of_ngrams(asset("lm", name)) and "model" in asset("lm", name).read_text(encoding="utf-8")
]


RECOGNISERS = [
    name for name in SINGLE if load_recipe(name, check_paths=False).task in ("recognition", "sequence")
]


@pytest.mark.slow
@pytest.mark.parametrize("name", RECOGNISERS)
def test_a_recipe_of_a_recogniser(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if name != "quickstart":  # drawn once: it takes longer than all the rest
        for module in ("tasks.transcripts.picture", "report.reliability"):
            monkeypatch.setattr(f"signkit.{module}.saved", nothing_drawn)
    whole = load_recipe(name, ["train.init_from="], check_paths=False)
    changes = [*SMALL, "decode.beam=2", *parts_of(whole, tmp_path), *context_of(whole, tmp_path)]
    if whole.task == "sequence":
        of_text = getattr(whole.data, "reference", "gloss") == "text"
        changes.append(f"decode.longest={40 if of_text else 4}")  # weights at random have no end
    if getattr(whole.data, "written", False):
        pairs = f"data={{name: parallel, root: {write_pairs(tmp_path / 'pairs')}}}"
        recipe = load_recipe(name, [*changes, pairs])
    elif (corpus := component_name("corpora", whole.data)) in MADE_UP:
        recipe = load_recipe(name, [*changes, *MADE_UP[corpus]])
    else:
        root = corpus_like(whole, tmp_path)
        recipe = load_recipe(name, changes, check_paths=False)
        recipe = replace(recipe, data=ManifestConfig(root=str(root)))
    check_task(recipe)


@pytest.mark.slow
def test_the_recipe_of_letters() -> None:
    sizes = ("data.train=2", "data.dev=1", "data.test=1", "data.people=4", "encoder.width=8")
    outcome = check_task(load_recipe("hand_letters", [*SMALL, *sizes]))
    assert outcome.spec.signal.layout == "hand"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("signs_conv_transformer", ("encoder.width=8", "sampling.frames=4")),
        ("signs_gcn", GCN),
        ("signs_teach", ("encoder.width=8", "sampling.frames=4")),
    ],
)
def test_a_recipe_of_signs(name: str, sizes: tuple[str, ...], tmp_path: Path) -> None:
    recipe = load_recipe(name, [*SMALL, *sizes], check_paths=False)
    outcome = check_task(replace(recipe, data=ManifestConfig(root=str(corpus_like(recipe, tmp_path)))))
    assert outcome.spec.outputs["gloss"].names == ("RED", "RED BLUE", "RED BLUE GREEN")  # type: ignore[union-attr]


ATTENTION = """
data: {name: synthetic, train: 8, dev: 3, test: 2, signs: 12, extra_sentences: 8}
text: {unit: character}
landmarks: {points: hands}
encoder:
  name: kinematic
  local_temporal: {kind: dilated, width: 8, dilations: [1, 2]}
  global_temporal: {layers: 0}
model: {name: attention, width: 8, layers: 1, heads: 2, feed_forward: 16, noise: 0.1}
train: {losses: [{name: next_token, smoothing: 0.1}]}
decode: {beam: 3, longest: 30}
"""
BOTH = (
    "model.head=both",
    "model.backwards=0.3",
    "train.losses=[{name: next_token}, {name: ctc, weight: 0.3}]",
    "decode.fusion=[{name: ngram, weight: 0.3}]",
)


@pytest.mark.slow
@pytest.mark.parametrize("changes", [(), BOTH], ids=["attention", "both"])
def test_attention_models(changes: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "attention.yaml"
    file.write_text(ATTENTION, encoding="utf-8")
    outcome = check_task(load_recipe(str(file), [*SMALL, *changes]))
    assert {"cer", "cer_greedy", "calibration_error"} <= {each.name for each in outcome.scores}


IMAGES = (
    "video.resize=36",
    "video.crop=32",
    "train.batch_size=4",
    "train.accumulate=1",
    "train.warmup_steps=0",
)
BACKBONE = ("encoder.backbone=test_resnet", "encoder.weights=none")
CNN = ("encoder.channels=[4,8]", "encoder.width=8")
OF_IMAGES = {
    "letters_cnn": CNN,
    "digits_cnn": CNN,
    "letters_transfer": BACKBONE,
    "letters_mobilenet": BACKBONE,
    "letters_autoencoder_forest": (*CNN, "model.channels=[8,4]", "model.size=32", "model.trees=[3,5]"),
}
"""Recipes that read a folder of images, and how they are made small."""


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_IMAGES)
def test_a_recipe_of_images(name: str, tmp_path: Path) -> None:
    if name == "letters_autoencoder_forest":
        pytest.importorskip("sklearn")
    root = write_images(tmp_path / "images", "ABC", 6, size=36)
    changes = (*IMAGES, "train.precision=float32", f"data.root={root}", *OF_IMAGES[name])
    outcome = check_task(load_recipe(name, changes))
    assert outcome.spec.outputs["gloss"].names == ("A", "B", "C")


def test_every_recipe_of_images_is_among_them() -> None:
    recipes = {name: load_recipe(name, check_paths=False) for name in SINGLE}
    found = {name for name, each in recipes.items() if component_name("corpora", each.data) == "images"}
    assert found == set(OF_IMAGES)


@pytest.mark.parametrize("name", LANGUAGE_MODELS)
def test_a_recipe_of_a_language_model(name: str, tmp_path: Path) -> None:
    text = write_text(tmp_path / "text", train=10, dev=4)
    changes = [*SMALL, *(f"data.{split}=[{text / f'{split}.txt'}]" for split in ("train", "dev", "test"))]
    whole = load_recipe(f"lm/{name}.yaml", changes)
    check_task(load_recipe(f"lm/{name}.yaml", [*changes, *context_of(whole, tmp_path)]))


def language_model(folder: Path) -> Recipe:
    text = write_text(folder / "text", train=10, dev=4)
    changes = [*SMALL, *(f"data.{split}=[{text / f'{split}.txt'}]" for split in ("train", "dev", "test"))]
    return load_recipe("lm/gloss_lstm.yaml", [*changes, "context.width=8", "model.width=8"])


def uneven(task: Any, model: Any, batch: Any) -> Any:
    return {"loss": torch.full((len(batch.ids),), 1 / len(batch.ids))}


def negative(task: Any, model: Any, batch: Any) -> Any:
    return {"loss": -torch.ones(len(batch.ids))}


def computed(task: Any, model: Any, batch: Any) -> Any:
    return {"loss": model(batch).detach().sum((1, 2)).exp()}


def mean(task: Any, model: Any, forward: Any, batch: Any, share: float) -> Any:
    return {"loss": Term(forward(batch).square().mean().expand(len(batch.ids)) / len(batch.ids) ** 2)}


def unseeded(task: Any, spec: Any) -> Any:
    model = assemble(task.recipe, spec)
    torch.nn.init.normal_(model.output.bias)  # type: ignore[union-attr, arg-type]
    return model


def unused(task: Any, spec: Any) -> Any:
    model = assemble(task.recipe, spec)
    model.more = torch.nn.Parameter(torch.zeros(1))
    return model


def learning(task: Any, model: Any, dataset: Any, spec: Any, step: int, say: Any) -> Any:
    with torch.no_grad():
        model.output.bias += 1
    return Evaluation(1.0)


def by_batch(
    task: Any, models: Any, batches: Any, *, corpus: Any, on_progress: Any, scored: bool = False
) -> Any:
    done = 0
    for batch in batches:
        done += len(batch.ids)
        on_progress(done)
        for name in batch.ids:
            yield Prediction(name, {"text": Label(str(len(batch.ids)), 1.0)})


@pytest.mark.parametrize(
    ("method", "fault", "message"),
    [
        ("weights", uneven, "the weights of `loss` depend on the other samples"),
        ("weights", negative, "a weight of `loss` is negative or infinite"),
        (
            "weights",
            computed,
            "the weights of the loss are computed by the model; they must be known before it runs",
        ),
        ("loss", mean, "the loss of a batch is "),
        ("model", unseeded, "two models of a seed differ in ['output.bias']"),
        ("model", unused, "no gradient reaches more when 0% of the run is done"),
        ("evaluate", learning, "the evaluation changes ['output.bias']"),
        ("predict", by_batch, "the prediction of "),
    ],
)
def test_a_fault_is_found(
    method: str, fault: Any, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = language_model(tmp_path)
    monkeypatch.setattr(Language, method, fault)
    if method == "predict":
        monkeypatch.setattr(Language, "score", lambda *args, **options: [Score("perplexity", 1.0, args[3])])
    with pytest.raises(AssertionError) as caught:
        check_task(recipe)
    assert str(caught.value).startswith(message)


def nothing_drawn(path: Path, draw: Any) -> Path:
    path.write_bytes(b"")
    return path


def parts_of(recipe: Recipe, folder: Path) -> tuple[str, ...]:
    if recipe.encoder is None:  # the checkpoint has one
        return (f"model.checkpoint={write_checkpoint(folder / 'checkpoint')}",)
    return encoder_of(recipe)


def encoder_of(recipe: Recipe) -> tuple[str, ...]:
    name = component_name("encoders", recipe.encoder)  # type: ignore[arg-type]
    attending = {"squeezeformer": SQUEEZEFORMER, "landmark_transformer": TRANSFORMER}
    video = {"timm": TIMM, "mict_ranet": MICT}
    written = {"text": WRITTEN}
    points = {"gcn": GCN, "kinematic": KINEMATIC, "hand": HAND, "points": POINTS}
    return {**points, **video, **attending, **written}[name]


def context_of(recipe: Recipe, folder: Path) -> tuple[str, ...]:
    context: Any = recipe.context
    if hasattr(context, "card"):
        (folder / "card.yaml").write_text("\n".join(f"{key}: {value}" for key, value in SIZES.items()))
        more = ("context.pretrain_steps=1",) if context.pretrain_steps else ()
        return (f"context.card={folder / 'card.yaml'}", *more)
    return ("context.width=8",) if hasattr(context, "width") else ()


def corpus_like(recipe: Recipe, folder: Path) -> Path:
    """A manifest of clips of the kind that the recipe's encoder reads."""
    if component_name("corpora", recipe.data) == "boston104":
        return write_corpus(folder / "corpus", train=8, dev=3, test=2)
    rows = ["id,path,gloss,split"]
    for number in range(11):
        split = "train" if number < 7 else "dev" if number < 9 else "test"
        glosses = " ".join(("RED", "BLUE", "GREEN")[: 1 + number % 3])
        if component_name("encoders", recipe.encoder) in ("timm", "mict_ranet"):  # type: ignore[arg-type]
            path = write_frames(folder / f"{number}", moving(12 + number, 24, 24))
        else:
            path = folder / f"{number}.npz"
            points = np.random.default_rng(number).normal(size=(12 + number, 543, 3)).astype(np.float32)
            np.savez(path, landmarks=points, layout=np.array("holistic"))
        rows.append(f"c{number},{path.name},{glosses},{split}")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def test_no_line_outside_of_its_folder_names_a_task() -> None:
    """No import of a task, no look at its type, no comparison with its name. Options say their task by a
    class variable, and entry points lead to it; that is all. Scoring, which knows nothing of models, has
    tables of words such as `sequence`."""
    tasks = {name: config_class("tasks", name).__name__ for name in registered("tasks")}
    of_tasks, of_words = ROOT / "signkit" / "tasks", ROOT / "signkit" / "eval"
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted((ROOT / "signkit").rglob("*.py"))
        if not {of_tasks, of_words} & {*path.parents}
        for line in named(ast.parse(path.read_text(encoding="utf-8")), tasks)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("from signkit.tasks.language import task", [1]),
        ("import signkit.tasks.recognition.task", [1]),
        ("from signkit.tasks.configs import LanguageConfig", [1]),
        ("import_module('signkit.tasks.language.task')", [1]),
        ("x = 1\nif recipe.task == 'language':\n    pass", [2]),
        ("name in ('recognition', 'other')", [1]),
        ("match task:\n    case 'language':\n        pass", [2]),
        ("type(task).__name__ == 'Recognition'", [1]),
        ("{'language': 1}[recipe.task]", [1]),
        ("task: ClassVar[str] = 'language'", []),
        ("class A:\n    task: ClassVar[str] = 'recognition'", []),
        ("task = 'language'", [1]),
        ("'sign language recognition'", []),
    ],
)
def test_the_search_finds_what_names_one(code: str, lines: list[int]) -> None:
    tasks = {"language": "LanguageConfig", "recognition": "RecognitionConfig"}
    assert [*named(ast.parse(code), tasks)] == lines


def named(tree: ast.AST, tasks: dict[str, str]) -> Iterator[int]:
    """Lines that import from tasks (without which no look at a type is possible), or have the name of one or
    of its class as a text."""
    texts = {*tasks, *tasks.values(), *(config.removesuffix("Config") for config in tasks.values())}
    said = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign) and ast.unparse(node).startswith("task: ClassVar[str] = ")
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom | ast.Import):
            modules = (
                [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
            )
            if any(module.startswith("signkit.tasks") for module in modules):
                yield node.lineno
        elif isinstance(node, ast.Constant) and isinstance(text := node.value, str) and id(node) not in said:
            yield from [node.lineno] * (text in texts or text.startswith("signkit.tasks."))
