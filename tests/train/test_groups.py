"""`train.groups`: parts of a model with a rate of their own, or none at all."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import FEATURES, write_corpus, write_recipe
from torch import nn

from signkit.config.recipe import ParameterGroup, TrainConfig
from signkit.config.recipe_file import load_recipe
from signkit.data.loader import train_steps
from signkit.errors import UserError
from signkit.models.losses.configs import CtcConfig
from signkit.train.loop import accelerator, held_back, make_optimizer, set_learning_rate, update
from signkit.train.setup import prepare


class Small(nn.Module):
    """An encoder of two parts whose names begin alike, heads and a parameter of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.ModuleDict({"front": nn.Linear(2, 3), "frontier": nn.Linear(3, 3)})
        self.heads = nn.ModuleDict({"slow": nn.Linear(3, 2)})
        self.output = nn.Linear(3, 2)
        self.marks = nn.Parameter(torch.zeros(2, 3))


def config(*groups: ParameterGroup, **options: Any) -> TrainConfig:
    losses = (CtcConfig(),)
    return TrainConfig(losses=losses, lr=0.5, schedule="constant", weight_decay=0.3, groups=groups, **options)


def rates(*groups: ParameterGroup, **options: Any) -> dict[str, tuple[float, float]]:
    """Rate and weight decay of every parameter that is trained; no parameter is in two groups."""
    model, chosen = Small(), config(*groups, **options)
    optimizer = make_optimizer(model, chosen)
    set_learning_rate(optimizer, chosen, 1)
    names = {parameter: name for name, parameter in model.named_parameters()}
    trained = [(names[p], group) for group in optimizer.param_groups for p in group["params"]]
    assert len({name for name, _ in trained}) == len(trained)
    assert {name for name, _ in trained} == {n for n, p in model.named_parameters() if p.requires_grad}
    return {name: (group["lr"], group["weight_decay"]) for name, group in trained}


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_a_scale_of_a_part(name: str) -> None:
    """In place of the encoder's; vectors do not decay whatever their rate."""
    groups = (
        ParameterGroup(parts=("encoder.front", "marks"), lr_scale=0.5),
        ParameterGroup(parts=("heads.slow",), lr_scale=2.0),
    )
    assert rates(*groups, encoder_lr_scale=0.1, optimizer=name) == {
        "encoder.front.weight": (0.25, 0.3),
        "encoder.front.bias": (0.25, 0.0),
        "encoder.frontier.weight": (0.05, 0.3),
        "encoder.frontier.bias": (0.05, 0.0),
        "heads.slow.weight": (1.0, 0.3),
        "heads.slow.bias": (1.0, 0.0),
        "output.weight": (0.5, 0.3),
        "output.bias": (0.5, 0.0),
        "marks": (0.25, 0.3),
    }


def test_the_first_group_that_names_a_part_counts() -> None:
    groups = (
        ParameterGroup(parts=("encoder.front",), lr_scale=0.5),
        ParameterGroup(parts=("encoder",), lr_scale=2.0),
    )
    found = rates(*groups)
    assert found["encoder.front.weight"][0] == 0.25
    assert found["encoder.frontier.weight"][0] == 1.0
    found = rates(*reversed(groups))
    assert found["encoder.front.weight"][0] == found["encoder.frontier.weight"][0] == 1.0


def test_what_is_frozen_is_not_trained() -> None:
    groups = (ParameterGroup(parts=("encoder.front",)), ParameterGroup(parts=("encoder",), freeze=True))
    assert {*rates(*groups)} == {
        "encoder.front.weight",
        "encoder.front.bias",
        "heads.slow.weight",
        "heads.slow.bias",
        "output.weight",
        "output.bias",
        "marks",
    }


def test_groups_of_no_part() -> None:
    with pytest.raises(UserError) as caught:
        rates(ParameterGroup(parts=("output", "encoder.fron")))
    assert str(caught.value) == (
        "train.groups: the model has no part 'encoder.fron'; it has marks, encoder, heads, output"
    )
    everything = ("encoder", "heads", "output", "marks")
    with pytest.raises(UserError) as caught:
        rates(ParameterGroup(parts=everything, freeze=True))
    assert str(caught.value) == "train.groups: nothing is left to be trained; freeze fewer parts"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("groups") / "corpus", features=True)


def test_a_recipe_says_them(corpus: Path, tmp_path: Path) -> None:
    path = write_recipe(
        tmp_path / "tiny.yaml", corpus, FEATURES, groups=[{"parts": ["encoder"], "freeze": True}]
    )
    assert load_recipe(str(path)).train.groups == (ParameterGroup(parts=("encoder",), freeze=True),)
    for change, message in (
        (
            "train.groups=[{parts: []}]",
            "`train.groups.0.parts`: names no part of the model; such as [encoder]",
        ),
        ("train.groups=[{freeze: true}]", "missing key `train.groups.0.parts`"),
        (
            "train.groups=[{parts: [encoder], lr_scale: -1}]",
            "`train.groups.0.lr_scale` must be at least 0, not `-1`",
        ),
    ):
        with pytest.raises(UserError) as caught:
            load_recipe(str(path), [change])
        assert str(caught.value) == f"--set {change}: {message}"


def test_a_frozen_part_stays_as_it_is(corpus: Path, tmp_path: Path) -> None:
    """And all the others move."""
    path = write_recipe(
        tmp_path / "tiny.yaml", corpus, FEATURES, groups=[{"parts": ["encoder"], "freeze": True}]
    )
    ready = prepare(load_recipe(str(path)))
    before = {name: weight.detach().clone() for name, weight in ready.model.named_parameters()}
    engine = accelerator(ready.recipe.train)
    model, optimizer = engine.prepare(ready.model, make_optimizer(ready.model, ready.recipe.train))
    set_learning_rate(optimizer, ready.recipe.train, 1)
    step = next(train_steps(ready.datasets["train"], 4, 1))
    update(model, model, optimizer, step, ready.recipe.train, ready.task, engine)
    same = {name for name, weight in ready.model.named_parameters() if weight.equal(before[name])}
    assert same == {name for name in before if name.startswith("encoder.")}


def test_a_part_that_is_frozen_for_a_while(corpus: Path, tmp_path: Path) -> None:
    """It stays as it is, without a gradient and without momentum, and then moves as if nothing had been."""
    path = write_recipe(
        tmp_path / "tiny.yaml",
        corpus,
        FEATURES,
        groups=[{"parts": ["encoder"], "freeze": True, "until": 0.5}],
        max_steps=4,
        schedule="constant",
        warmup_steps=0,
    )
    ready = prepare(load_recipe(str(path)))
    engine = accelerator(ready.recipe.train)
    model, optimizer = engine.prepare(ready.model, make_optimizer(ready.model, ready.recipe.train))
    steps = train_steps(ready.datasets["train"], 4, 1)
    moved = []
    for number in range(4):
        before = {name: weight.detach().clone() for name, weight in ready.model.named_parameters()}
        set_learning_rate(optimizer, ready.recipe.train, number + 1)
        update(model, model, optimizer, next(steps), ready.recipe.train, ready.task, engine)
        named = ready.model.named_parameters()
        changed = {name for name, weight in named if not weight.equal(before[name])}
        moved.append(any(name.startswith("encoder.") for name in changed))
        assert changed - {name for name in before if name.startswith("encoder.")}
        known = optimizer.state
        assert all((p in known) == p.requires_grad for p in ready.model.parameters())
    assert moved == [False, False, True, True]


def test_processes_that_exchange_gradients_throw_them_away() -> None:
    """They agreed at the start on what they exchange, so every parameter goes on having a gradient."""
    chosen = config(ParameterGroup(parts=("encoder",), freeze=True, until=0.25))
    model = Small()
    optimizer = make_optimizer(model, chosen)
    held = held_back(optimizer, 0.24, alone=False)
    assert {id(p) for p in held} == {id(p) for p in model.encoder.parameters()}
    assert all(p.requires_grad for p in model.parameters())
    assert held_back(optimizer, 0.25, alone=False) == []
    for group in optimizer.param_groups:
        del group["until"]  # as in a checkpoint of an earlier version
    assert held_back(optimizer, 0.0, alone=True) == []


def test_the_end_of_what_is_not_frozen() -> None:
    with pytest.raises(UserError) as caught:
        ParameterGroup(parts=("encoder",), until=0.5)
    assert str(caught.value) == "until: says how long parts are frozen; it needs `freeze: true`"
    everything = ("encoder", "heads", "output", "marks")
    with pytest.raises(UserError) as caught:
        rates(ParameterGroup(parts=everything, freeze=True, until=0.5))
    assert str(caught.value) == "train.groups: nothing is left to be trained; freeze fewer parts"
