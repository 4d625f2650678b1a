"""Every built-in recipe, made small, holds to the laws of a task; outside of its folder no line names one."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from small_recipes import LANGUAGE_MODELS, OF_IMAGES, SINGLE, SMALL, small_recipe

from signkit.config.recipe import Recipe
from signkit.config.recipe_file import load_recipe
from signkit.config.registry import component_name, config_class, registered
from signkit.models.assemble import assemble
from signkit.tasks.language.task import Language
from signkit.testing import check_task
from signkit.train.task import Evaluation, Term
from signkit.types import Label, Prediction, Score

ROOT = Path(__file__).resolve().parents[2]
RECOGNISERS = [
    name for name in SINGLE if load_recipe(name, check_paths=False).task in ("recognition", "sequence")
]


@pytest.mark.slow
@pytest.mark.parametrize("name", RECOGNISERS)
def test_a_recipe_of_a_recogniser(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if name != "quickstart":  # drawn once: it takes longer than all the rest
        for module in ("tasks.transcripts.picture", "report.reliability"):
            monkeypatch.setattr(f"signkit.{module}.saved", nothing_drawn)
    check_task(small_recipe(name, tmp_path, *SMALL))


@pytest.mark.slow
def test_the_recipe_of_letters(tmp_path: Path) -> None:
    outcome = check_task(small_recipe("hand_letters", tmp_path, *SMALL))
    assert outcome.spec.signal.layout == "hand"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["signs_conv_transformer", "signs_gcn", "signs_teach"])
def test_a_recipe_of_signs(name: str, tmp_path: Path) -> None:
    outcome = check_task(small_recipe(name, tmp_path, *SMALL))
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


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_IMAGES)
def test_a_recipe_of_images(name: str, tmp_path: Path) -> None:
    if name == "letters_autoencoder_forest":
        pytest.importorskip("sklearn")
    outcome = check_task(small_recipe(name, tmp_path, *SMALL))
    assert outcome.spec.outputs["gloss"].names == ("A", "B", "C")


def test_every_recipe_of_images_is_among_them() -> None:
    recipes = {name: load_recipe(name, check_paths=False) for name in SINGLE}
    found = {name for name, each in recipes.items() if component_name("corpora", each.data) == "images"}
    assert found == set(OF_IMAGES)


@pytest.mark.parametrize("name", LANGUAGE_MODELS)
def test_a_recipe_of_a_language_model(name: str, tmp_path: Path) -> None:
    check_task(small_recipe(f"lm/{name}.yaml", tmp_path, *SMALL))


def language_model(folder: Path) -> Recipe:
    return small_recipe("lm/gloss_lstm.yaml", folder, *SMALL, "context.width=8", "model.width=8")


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
