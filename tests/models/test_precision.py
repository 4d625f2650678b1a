"""What is computed in half precision, and what never is."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
import torch
from tiny import C2ST, TEMPORAL, write_corpus, write_recipe

from signkit.commands import run as run_module
from signkit.config.recipe_file import load_recipe
from signkit.data.loader import eval_batches, train_steps
from signkit.errors import UserError
from signkit.models.export import TrainedModel
from signkit.models.precision import compute_in, in_float32, is_emulated, precision_on, tf32
from signkit.runtime.checkpoint import Progress
from signkit.runtime.progress import Watch
from signkit.runtime.signals import Stop
from signkit.train.loop import Ended, accelerator, make_optimizer, update
from signkit.train.setup import Prepared, prepare

JOINT = {
    "encoder": C2ST["encoder"],
    "model": {"name": "attention", "width": 8, "layers": 1, "heads": 2, "feed_forward": 8, "head": "both"},
    "decode": {"name": "attention", "beam": 2},
    "train": {**C2ST["train"], "losses": [{"name": "next_token"}, {"name": "ctc"}]},
}
LSTM = {**C2ST, "context": {"name": "lstm", "width": 8}}
ONE_LEVEL = {
    **C2ST,
    "encoder": {"name": "kinematic", **TEMPORAL, "global_temporal": {"layers": 0}},
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("precision") / "corpus")


def prepared(corpus: Path, base: dict[str, Any]) -> Prepared:
    return prepare(load_recipe(str(write_recipe(corpus.parent / "tiny.yaml", corpus, base))))


def logits(ready: Prepared) -> dict[str, torch.Tensor]:
    """Everything that a loss or a search reads."""
    batch = next(eval_batches(ready.datasets["dev"], 4))
    output = ready.model.eval()(batch)
    if hasattr(output, "next"):
        return {"next": output.next, **output.ctc.levels}
    return {"context": output.context, "auxiliary": output.auxiliary, **output.levels}


@pytest.mark.parametrize("base", [LSTM, JOINT], ids=["c2st", "joint"])
def test_logits_are_single_precision(corpus: Path, base: dict[str, Any]) -> None:
    """In bf16 they differ a little from those in float32, by which the parts' precision is seen, and are
    float32; computed in float32 again they are the same to the bit."""
    ready = prepared(corpus, base)
    single = logits(ready)
    compute_in(ready.model, "bf16")
    half = logits(ready)
    compute_in(ready.model, "float32")
    again = logits(ready)
    for name, expected in single.items():
        assert half[name].dtype == torch.float32, name
        torch.testing.assert_close(half[name], expected, atol=0.1, rtol=0.05)
        assert again[name].equal(expected)
        # All of bf16's numbers end in 16 zero bits, those of an output layer in float32 hardly ever.
        ends = half[name].detach().contiguous().view(torch.int32) & 0xFFFF
        if name not in {"auxiliary", "context"}:  # the context's LSTM computes in float32
            assert not half[name].equal(expected) and float((ends == 0).double().mean()) < 0.5, name


def test_equal_levels_stay_one_tensor(corpus: Path) -> None:
    """By which losses know that there is one level."""
    ready = prepared(corpus, ONE_LEVEL)
    compute_in(ready.model, "bf16")
    found = logits(ready)
    assert found["chunk"] is found["video"]


class Pair(NamedTuple):
    levels: dict[str, torch.Tensor]
    more: tuple[torch.Tensor, ...]


class Pairing(torch.nn.Linear):
    def forward(self, x: torch.Tensor) -> Pair:  # type: ignore[override]
        found = super().forward(x)
        return Pair({"chunk": found}, (found,))


def test_tuples_are_single_precision() -> None:
    """As an encoder of another package may return them."""
    model: Any = torch.nn.ModuleDict({"encoder": Pairing(3, 2)})
    compute_in(model, "bf16")
    found = model["encoder"](torch.ones(1, 3))
    assert found.levels["chunk"].dtype == torch.float32
    assert found.more[0] is found.levels["chunk"]


def test_the_precision_of_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """`auto` is that of the training, on a card that has it; on a CPU only what a recipe names."""
    assert precision_on("cpu", "auto") == precision_on("cpu", "auto", "bf16") == "float32"
    assert precision_on("cpu", "bf16") == "bf16"
    for instructions, slow in (("AVX2", True), ("AVX512", False)):
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda found=instructions: found)
        assert is_emulated("bf16", "cpu") == slow
        assert not is_emulated("float32", "cpu") and not is_emulated("bf16", "cuda")
    has = True
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: has)
    assert precision_on("cuda", "auto") == precision_on("cuda:1", "auto", "bf16") == "bf16"
    assert precision_on("cuda", "auto", "float32") == precision_on("cuda", "float32", "bf16") == "float32"
    has = False
    assert precision_on("cuda", "auto", "bf16") == "float32"
    with pytest.raises(UserError) as caught:
        precision_on("cpu", "fp16")
    assert str(caught.value) == (
        "train.precision: fp16 needs a GPU with CUDA, and this is computed on a CPU; "
        "take float32, or bf16 if the CPU has AVX-512"
    )


def test_a_decoding_may_have_another(corpus: Path) -> None:
    ready = prepared(corpus, {**C2ST, "train": {**C2ST["train"], "precision": "bf16"}})
    trained = TrainedModel(ready.recipe, ready.spec, ready.model)
    trained.to("cpu")
    assert ready.model.encoder.computes_in == "bf16"
    path = str(corpus.parent / "tiny.yaml")
    other = load_recipe(path, ["decode.precision=float32"])
    TrainedModel(other, ready.spec, ready.model).to("cpu")
    assert ready.model.encoder.computes_in == "float32"
    assert "forward" not in ready.model.encoder.__dict__


def test_a_model_is_checked_where_it_will_compute(corpus: Path) -> None:
    """Else a GPU would be refused what a CPU does not have."""
    recipe, seen = prepared(corpus, C2ST).recipe, list[str]()
    engine: Any = SimpleNamespace(device=torch.device("meta"), is_main_process=True, num_processes=1)
    run_module._begin(
        recipe,
        lambda: corpus,
        lambda: None,
        engine,
        lambda ready: seen.append(next(ready.model.parameters()).device.type),
    )
    assert seen == ["meta"]


def test_a_context_is_pre_trained_in_float32(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the recipe names another precision, with which the model was checked before."""
    monkeypatch.setattr(run_module, "train", lambda *_: Ended("finished", Progress()))
    weights = list[torch.Tensor]()
    for precision in ("float32", "bf16"):
        context = {"name": "lstm", "width": 8, "pretrain_steps": 2}
        ready = prepared(corpus, {**C2ST, "context": context})
        recipe = replace(ready.recipe, train=replace(ready.recipe.train, precision=precision))
        ready, engine = replace(ready, recipe=recipe), accelerator(recipe.train)
        TrainedModel(recipe, ready.spec, ready.model).to(engine.device)
        run_module._train(ready, tmp_path, engine, Watch(tmp_path, main=False), Stop(), precision)  # type: ignore[arg-type]
        weights += [weight.clone() for weight in ready.model.context.parameters()]
        assert ready.model.encoder.computes_in == precision
    half = len(weights) // 2
    assert all(one.equal(other) for one, other in zip(weights[:half], weights[half:], strict=True))


def test_an_output_layer_within() -> None:
    layer, x = torch.nn.Linear(3, 2), torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    expected = layer(x)
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(x).dtype == torch.bfloat16
        assert in_float32(layer, x).equal(expected)


def allowed() -> tuple[bool, bool]:
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


def test_rounded_products(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only in the parts of a model and in the backward pass, in which `tf32(False)` leaves them out."""
    before = allowed()
    with pytest.raises(ZeroDivisionError), tf32(True):
        assert allowed() == (True, True)
        with tf32(False):
            assert allowed() == (False, False)
        assert allowed() == (True, True)
        raise ZeroDivisionError
    assert allowed() == before

    ready, seen = prepared(corpus, C2ST), dict[str, tuple[bool, bool]]()

    def looks(name: str) -> Any:
        return lambda *_: seen.__setitem__(name, allowed())

    model = ready.model
    model.encoder.register_forward_hook(looks("before"))  # is called outside of `forward`
    model.encoder.frames.register_forward_hook(looks("encoder"))
    model.output.register_forward_hook(looks("output"))
    next(model.encoder.parameters()).register_hook(looks("backward"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    compute_in(model, "float32", rounded=True)
    monkeypatch.undo()
    config = replace(ready.recipe.train, tf32=True)
    step = next(train_steps(ready.datasets["train"], 4, 1))
    engine, optimizer = accelerator(config), make_optimizer(model, config)
    update(model, model, engine.prepare(optimizer), step, config, ready.task, engine)
    assert seen == {"before": before, "encoder": (True, True), "output": before, "backward": (True, True)}
    assert allowed() == before
