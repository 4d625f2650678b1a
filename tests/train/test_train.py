"""The loop's laws: rates, averages, updates, stopping, and numbers that are none."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tiny import FEATURES, write_corpus, write_recipe
from torch import nn
from torch.amp import GradScaler

from signkit.config.recipe import EvalConfig, Recipe, TrainConfig
from signkit.config.recipe_file import load_recipe
from signkit.data.batch import Batch
from signkit.data.loader import Step, train_steps
from signkit.decode.configs import LatticeConfig
from signkit.decode.lattice import recognise
from signkit.errors import OperationalError, UserError
from signkit.models.losses.configs import CstConfig, CtcConfig, FrameCeConfig, KlConfig
from signkit.runtime import checkpoint
from signkit.tasks.recognition import task as recognition
from signkit.tasks.transcripts import base as transcripts
from signkit.train import loop
from signkit.train.loop import (
    Ended,
    accelerator,
    average,
    learning_rate,
    make_optimizer,
    set_learning_rate,
    swapped_weights,
    train,
    update,
)
from signkit.train.setup import Prepared, prepare
from signkit.train.task import Evaluation, task_of
from signkit.types import Hypothesis


def rates(steps: int, **options: Any) -> list[float]:
    config = TrainConfig(losses=(), lr=1.0, max_steps=steps, **options)
    return [learning_rate(config, step) for step in range(1, steps + 1)]


def test_constant() -> None:
    assert rates(3, schedule="constant") == [1.0, 1.0, 1.0]


def test_warm_up() -> None:
    assert rates(6, schedule="constant", warmup_steps=4) == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


def test_cosine() -> None:
    """Half a cosine over what follows the warm-up, down to zero."""
    expected = [0.5, 1.0, *(0.5 * (1 + math.cos(math.pi * n / 4)) for n in range(1, 5))]
    assert rates(6, schedule="cosine", warmup_steps=2) == expected
    assert rates(6, schedule="cosine", warmup_steps=2)[-1] == 0.0


def test_steps() -> None:
    """After half and three quarters of the run a tenth each."""
    found = rates(8, schedule="step", milestones=(0.5, 0.75), gamma=0.1)
    assert found == pytest.approx([1.0] * 4 + [0.1] * 2 + [0.01] * 2)


def test_a_warm_up_longer_than_the_run() -> None:
    assert rates(2, schedule="cosine", warmup_steps=4) == [0.25, 0.5]


class Small(nn.Module):
    """An encoder and something else, with weights and biases."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Linear(2, 3)
        self.output = nn.Linear(3, 2)
        self.frozen = nn.Linear(1, 1).requires_grad_(False)
        self.register_buffer("count", torch.tensor(3))


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_groups_of_the_optimizer(name: str) -> None:
    """The encoder has a rate of its own, vectors do not decay, what is frozen is left out."""
    model = Small()
    options = {
        "optimizer": name,
        "lr": 0.5,
        "encoder_lr_scale": 0.1,
        "weight_decay": 0.3,
        "schedule": "constant",
    }
    config = TrainConfig(losses=(), **options)  # type: ignore[arg-type]
    optimizer = make_optimizer(model, config)
    set_learning_rate(optimizer, config, 1)
    found = {
        weight: (group["lr"], group["weight_decay"])
        for group in optimizer.param_groups
        for weight in group["params"]
    }
    assert found == {
        model.encoder.weight: (0.05, 0.3),
        model.encoder.bias: (0.05, 0.0),
        model.output.weight: (0.5, 0.3),
        model.output.bias: (0.5, 0.0),
    }


def test_average() -> None:
    averaged = {"weight": torch.tensor([1.0, 2.0]), "count": torch.tensor(1)}
    average(averaged, {"weight": torch.tensor([3.0, 2.0]), "count": torch.tensor(5)}, 0.75)
    assert averaged["weight"].tolist() == [1.5, 2.0]
    assert averaged["count"].item() == 5


def test_weights_that_were_moved_are_averaged(recipe: Recipe, tmp_path: Path) -> None:
    """An evaluation may move the model, after which its weights lie elsewhere."""
    recipe = changed(recipe, ema=0.9, max_steps=3, eval_every=1)
    found = list[checkpoint.State]()
    for moves in (False, True):
        ready = prepare(recipe)

        def evaluate(step: int, ready: Prepared = ready, moves: bool = moves) -> Evaluation:
            if moves:
                ready.model.double().float()
            return Evaluation(0.5)

        def steps(start: int, ready: Prepared = ready) -> Iterator[Step]:
            return train_steps(ready.datasets["train"], 4, 1, start_step=start)

        folder, engine = tmp_path / str(moves), accelerator(recipe.train)
        train(ready.task, ready.model, recipe.train, steps, evaluate, folder, Told(), engine, lambda: False)
        found.append(load_file(folder / "step_000003" / "averaged.safetensors"))
    assert all(weight.equal(found[1][name]) for name, weight in found[0].items())


@pytest.mark.parametrize("fails", [False, True])
def test_swapped_weights_come_back_to_the_bit(fails: bool) -> None:
    model = Small()
    own = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    averaged = {name: tensor + 1 for name, tensor in own.items()}

    def look() -> None:
        with swapped_weights(model, averaged):
            assert all(tensor.equal(averaged[name]) for name, tensor in model.state_dict().items())
            if fails:
                raise ZeroDivisionError

    if fails:
        with pytest.raises(ZeroDivisionError):
            look()
    else:
        look()
    assert all(tensor.equal(own[name]) for name, tensor in model.state_dict().items())
    with swapped_weights(model, None):
        assert all(tensor.equal(own[name]) for name, tensor in model.state_dict().items())


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("train") / "corpus", features=True)


@pytest.fixture
def recipe(corpus: Path, tmp_path: Path) -> Recipe:
    return load_recipe(str(write_recipe(tmp_path / "tiny.yaml", corpus, FEATURES)))


def one_update(
    ready: Prepared, config: TrainConfig, data: Step, scaler: GradScaler | None = None
) -> tuple[dict[str, float], int]:
    engine = accelerator(config)
    optimizer = engine.prepare(make_optimizer(ready.model, config))
    set_learning_rate(optimizer, config, 1)
    task = task_of(replace(ready.recipe, train=config))
    return update(ready.model.train(), ready.model, optimizer, data, config, task, engine, scaler=scaler)


def first_step(ready: Prepared, accumulate: int = 1) -> Step:
    return next(train_steps(ready.datasets["train"], 4, 1, accumulate=accumulate))


@pytest.mark.parametrize("accumulate", [2, 4])
def test_parts_make_the_update_of_the_whole(recipe: Recipe, accumulate: int) -> None:
    """To rounding, for a model without BatchNorm, whose statistics are of a part."""
    whole, parts = prepare(recipe), prepare(recipe)
    config = replace(recipe.train, optimizer="sgd", schedule="constant")
    expected, _ = one_update(whole, config, first_step(whole))
    figures, _ = one_update(parts, config, first_step(parts, accumulate))
    assert figures == pytest.approx(expected, rel=1e-5, abs=1e-7)
    theirs = whole.model.state_dict()
    for name, weight in parts.model.state_dict().items():
        torch.testing.assert_close(weight, theirs[name], rtol=1e-5, atol=1e-6)


def test_scaled_gradients(recipe: Recipe) -> None:
    """By a power of two: they are clipped as they are without, and make the same step to the bit. Of infinite
    ones only the scale is changed, unless it is not what makes them so."""
    config = replace(recipe.train, clip=0.01)
    plain, scaled = prepare(recipe), prepare(recipe)
    data, scaler = first_step(plain, accumulate=2), GradScaler("cpu", init_scale=2.0**10)
    assert one_update(scaled, config, data, scaler) == one_update(plain, config, data)
    own = {name: weight.clone() for name, weight in scaled.model.state_dict().items()}
    assert all(weight.equal(own[name]) for name, weight in plain.model.state_dict().items())

    scaler = GradScaler("cpu", init_scale=2.0**127)
    figures, _ = one_update(scaled, config, data, scaler)
    assert (figures["loss_scale"], scaler.get_scale()) == (2.0**127, 2.0**126)
    assert "gradient_norm" not in figures
    assert all(weight.equal(own[name]) for name, weight in scaled.model.state_dict().items())

    next(scaled.model.parameters()).register_hook(lambda gradient: gradient * math.inf)
    with pytest.raises(OperationalError) as caught:
        one_update(scaled, config, data, GradScaler("cpu", init_scale=0.5))
    assert str(caught.value) == "step 1: the gradient is not a number; a lower train.lr may help"


def test_the_scale_is_resumed(recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """fp16 on a CPU is refused; with that left out, the scaler's state goes on where it was."""
    recipe = changed(recipe, precision="fp16", max_steps=3, eval_every=0, save_every=0)
    with pytest.raises(UserError) as caught:
        trained(recipe, tmp_path / "c", [0.5])
    assert str(caught.value).startswith("train.precision: fp16 needs a GPU with CUDA")
    monkeypatch.setattr(loop, "precision_on", lambda device, asked: "float32")
    monkeypatch.setattr(loop, "GradScaler", partial(GradScaler, init_scale=2.0**20, growth_interval=2))
    ended, _ = trained(recipe, tmp_path / "c", [0.5], lambda told: told.steps[-1] == 1)
    found = checkpoint.progress(tmp_path / "c", 1).scaler
    assert (found["scale"], found["_growth_tracker"]) == (2.0**20, 1)
    trained(recipe, tmp_path / "c", [0.5])
    found = checkpoint.progress(tmp_path / "c", 3).scaler
    assert (found["scale"], found["_growth_tracker"]) == (2.0**21, 1)


def test_the_gradient_is_clipped(recipe: Recipe) -> None:
    """Its norm is shown as it was; the step of SGD has the length of rate times limit."""
    ready = prepare(recipe)
    before = torch.cat([weight.detach().clone().flatten() for weight in ready.model.parameters()])
    options = {"optimizer": "sgd", "momentum": 0.0, "weight_decay": 0.0, "schedule": "constant"}
    config = replace(recipe.train, lr=0.1, clip=0.5, **options)  # type: ignore[arg-type]
    figures, _ = one_update(ready, config, first_step(ready))
    after = torch.cat([weight.detach().flatten() for weight in ready.model.parameters()])
    assert figures["gradient_norm"] > 0.5
    assert float((after - before).norm()) == pytest.approx(0.05, rel=1e-4)


def test_terms_count_in_their_share_of_the_run(recipe: Recipe) -> None:
    ready = prepare(recipe)
    first, second = recipe.train.losses
    losses = (replace(first, end=0.5), replace(second, start=0.5))  # type: ignore[type-var]
    config = replace(recipe.train, losses=losses, max_steps=4)
    found = []
    for number in range(4):
        figures, _ = one_update(ready, config, replace(first_step(ready), step=number))
        found.append(set(figures) - {"loss", "gradient_norm", "lr", "non_blank", "information"})
    assert found == [{"cst"}, {"cst"}, {"kl"}, {"kl"}]


def test_terms_are_named_as_in_the_recipe(recipe: Recipe) -> None:
    ready = prepare(recipe)
    config = replace(recipe.train, losses=(CtcConfig(), FrameCeConfig()))
    figures, _ = one_update(ready, config, first_step(ready))
    assert set(figures) == {"ctc", "frame_ce", "loss", "gradient_norm", "lr", "non_blank", "information"}


def shortened(data: Step, place: int) -> Step:
    """A step of whose samples one has too few frames for its reference."""
    (batch,) = data.parts
    lengths = batch.lengths.clone()
    lengths[place] = 1
    target_lengths = batch.target_lengths.clone()
    target_lengths[place] = max(2, int(target_lengths[place]))
    targets = batch.targets.clamp(min=1)  # what was padding is read now
    changed = replace(batch, lengths=lengths, targets=targets, target_lengths=target_lengths)
    return replace(data, parts=(changed,))


def test_a_reference_that_does_not_fit_is_counted(recipe: Recipe) -> None:
    """It has no part in the loss, and no weight becomes NaN."""
    ready = prepare(recipe)
    figures, skipped = one_update(ready, recipe.train, shortened(first_step(ready), 0))
    assert skipped == 1
    assert all(math.isfinite(value) for value in figures.values())
    assert all(bool(weight.isfinite().all()) for weight in ready.model.parameters())


def test_a_loss_that_is_no_number(recipe: Recipe) -> None:
    """The samples are named, and the weights stay as they were."""
    ready = prepare(recipe)
    data = first_step(ready)
    (batch,) = data.parts
    inputs = batch.inputs.clone()
    inputs[1, 0] = torch.nan
    before = {name: weight.clone() for name, weight in ready.model.state_dict().items()}
    bad: Batch = replace(batch, inputs=inputs)
    config = replace(recipe.train, losses=(CtcConfig(level="chunk"),))
    with pytest.raises(OperationalError) as caught:
        one_update(ready, config, replace(data, parts=(bad,)))
    assert str(caught.value) == (
        f"step 1: the loss of `ctc` is not a number (samples {batch.ids[1]}); "
        "a lower train.lr or train.clip may help"
    )
    assert all(weight.equal(before[name]) for name, weight in ready.model.state_dict().items())


def test_a_gradient_that_is_no_number(recipe: Recipe) -> None:
    """The loss is one all the same; the weights stay as they were."""
    ready = prepare(recipe)
    weight = ready.model.output.weight
    weight.register_hook(lambda grad: grad * math.inf)
    before = weight.detach().clone()
    with pytest.raises(OperationalError) as caught:
        one_update(ready, recipe.train, first_step(ready))
    assert str(caught.value) == "step 1: the gradient is not a number; a lower train.lr may help"
    assert weight.detach().equal(before)


class Told:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.scores: list[tuple[int, float, bool]] = []

    def stepped(self, step: int, figures: dict[str, float]) -> None:
        self.steps.append(step)

    def evaluated(self, step: int, score: float, best: bool) -> None:
        self.scores.append((step, score, best))


def trained(
    recipe: Recipe,
    folder: Path,
    scores: list[float],
    stop: Callable[[Told], bool] = lambda told: False,
    counts_from: int = 1,
) -> tuple[Ended, Told]:
    """A training whose dev scores are given; from the newest checkpoint of the folder on.

    Args:
        counts_from: the first step whose score may be the best one.
    """
    ready, told, left = prepare(recipe), Told(), iter(scores)

    def steps(start: int) -> Iterator[Step]:
        return train_steps(ready.datasets["train"], 4, 1, start_step=start)

    config = recipe.train
    evaluate = (lambda step: Evaluation(next(left), step >= counts_from)) if scores else None
    engine = accelerator(config)
    ended = train(ready.task, ready.model, config, steps, evaluate, folder, told, engine, lambda: stop(told))
    return ended, told


def changed(recipe: Recipe, **options: Any) -> Recipe:
    return replace(recipe, train=replace(recipe.train, **options))


def test_the_last_step(recipe: Recipe, tmp_path: Path) -> None:
    """Evaluated though it is not a multiple, and saved though nothing is to be saved between."""
    recipe = changed(recipe, max_steps=5, eval_every=2, save_every=0, keep=1)
    ended, told = trained(recipe, tmp_path / "c", [0.5, 0.25, 0.75])
    assert (ended.how, ended.progress.step) == ("finished", 5)
    assert told.steps == [1, 2, 3, 4, 5]
    assert told.scores == [(2, 0.5, True), (4, 0.25, True), (5, 0.75, False)]
    assert (ended.progress.best, ended.progress.best_step, ended.progress.stale) == (0.25, 4, 1)
    assert checkpoint.steps(tmp_path / "c") == [4, 5]


def test_a_step_ends_before_the_next_one_fails(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose batches are made meanwhile: it is counted and saved."""

    def two(*given: Any, **options: Any) -> Iterator[Step]:
        yield from islice(own(*given, **options), 2)
        raise UserError("clip.npz", "cannot be read")

    own = train_steps
    monkeypatch.setitem(globals(), "train_steps", two)
    recipe = changed(recipe, max_steps=4, eval_every=0, save_every=2)
    with pytest.raises(UserError):
        trained(recipe, tmp_path / "c", [])
    assert checkpoint.steps(tmp_path / "c") == [2]
    ended, _ = trained(recipe, tmp_path / "d", [], stop=lambda told: len(told.steps) == 2)
    assert ended.how == "interrupted"


def test_an_equal_score_is_no_better(recipe: Recipe, tmp_path: Path) -> None:
    recipe = changed(recipe, max_steps=2, eval_every=1)
    _, told = trained(recipe, tmp_path / "c", [0.5, 0.5])
    assert told.scores == [(1, 0.5, True), (2, 0.5, False)]


def late(start: float) -> tuple[Any, ...]:
    return CtcConfig(end=start), CstConfig(start=start), KlConfig()


@pytest.mark.parametrize("start", [0.1, 0.29, 0.3, 0.55, 0.57, 0.7])
def test_when_the_context_begins(recipe: Recipe, monkeypatch: pytest.MonkeyPatch, start: float) -> None:
    """With the first step whose loss has the term, and from the start where there is no such term."""
    ready = prepare(recipe)
    monkeypatch.setattr(recognition, "recognise", lambda *_: {"dev0": Hypothesis("dev0", (), "", 0.0, ())})
    monkeypatch.setattr(transcripts, "selection_value", lambda *_, **__: 0.5)

    def counts(losses: tuple[Any, ...]) -> list[bool]:
        task = task_of(changed(recipe, losses=losses, max_steps=100))
        found = [
            task.evaluate(ready.model, ready.datasets["dev"], ready.spec, step, lambda _: None)
            for step in range(1, 101)
        ]
        assert {each.value for each in found} == {0.5}
        return [each.counts for each in found]

    assert counts(late(start)) == [start <= done / 100 for done in range(100)]
    assert all(counts((CtcConfig(),)))
    assert all(counts((CstConfig(start=0.5), CstConfig())))


def test_scores_before_the_context_are_no_candidates(recipe: Recipe, tmp_path: Path) -> None:
    """They are of another search; neither are they counted by the patience."""
    recipe = changed(recipe, losses=late(0.5), max_steps=4, eval_every=1, patience=2)
    ended, told = trained(recipe, tmp_path / "c", [0.1, 0.2, 0.5, 0.4], counts_from=3)
    assert told.scores == [(1, 0.1, False), (2, 0.2, False), (3, 0.5, True), (4, 0.4, True)]
    assert (ended.how, ended.progress.best, ended.progress.best_step) == ("finished", 0.4, 4)


def test_dev_is_judged_by_what_is_trained(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the context until a loss has it; that is said once."""
    scales: list[float] = []
    said: list[str] = []

    def watched(model: Any, batches: Any, vocabulary: Any, decode: LatticeConfig) -> Any:
        scales.append(decode.context_scale)
        return recognise(model, batches, vocabulary, decode)

    monkeypatch.setattr(recognition, "recognise", watched)
    recipe = changed(recipe, losses=late(0.5), max_steps=4)
    recipe = replace(recipe, decode=replace(recipe.decode, context_scale=1.25))  # type: ignore[call-arg]
    ready = prepare(recipe)
    for step in (1, 2, 3, 4):
        ready.task.evaluate(ready.model, ready.datasets["dev"], ready.spec, step, said.append)
    assert scales == [0.0, 0.0, 1.25, 1.25]
    told = "dev is judged without the context until a loss with it begins"
    assert [message for message in said if "empty" not in message] == [told]


@pytest.mark.parametrize(
    ("metrics", "name"),
    [("letter_accuracy, wer", "letter_accuracy"), ("aslfr", "aslfr"), ("bleu, wer", "bleu4")],
)
def test_of_these_more_is_better(recipe: Recipe, tmp_path: Path, metrics: str, name: str) -> None:
    """The highest value of dev is the best, and patience ends where it does not rise any more."""
    protocol = tmp_path / "mine.yaml"
    protocol.write_text(f"metrics: [{metrics}]\n", encoding="utf-8")
    recipe = replace(recipe, eval=EvalConfig(protocol=str(protocol)))
    assert task_of(recipe).selection.name == name
    recipe = changed(recipe, max_steps=9, eval_every=1, patience=2, save_every=0, keep=1)
    ended, told = trained(recipe, tmp_path / "c", [0.4, 0.25, 0.5, 0.5, 0.45])
    assert told.scores == [
        (1, 0.4, True),
        (2, 0.25, False),
        (3, 0.5, True),
        (4, 0.5, False),
        (5, 0.45, False),
    ]
    assert (ended.how, ended.progress.best, ended.progress.best_step) == ("stopped early", 0.5, 3)
    assert checkpoint.steps(tmp_path / "c") == [3, 5]


def test_without_dev(recipe: Recipe, tmp_path: Path) -> None:
    ended, told = trained(changed(recipe, max_steps=2), tmp_path / "c", [])
    assert (ended.how, ended.progress.best, told.scores) == ("finished", None, [])


def test_patience(recipe: Recipe, tmp_path: Path) -> None:
    """Two evaluations without a better score; asked again, nothing more is trained."""
    recipe = changed(recipe, max_steps=9, eval_every=1, patience=2, save_every=0)
    ended, _ = trained(recipe, tmp_path / "c", [0.5, 0.4, 0.45, 0.4])
    assert (ended.how, ended.progress.step, ended.progress.best_step) == ("stopped early", 4, 2)
    again, told = trained(recipe, tmp_path / "c", [0.1])
    assert (again, told.steps) == (ended, [])


def test_asked_to_stop(recipe: Recipe, tmp_path: Path) -> None:
    """After the step it is saved; the training goes on there, and at its end there is nothing to do."""
    recipe = changed(recipe, max_steps=4, eval_every=0, save_every=0)
    ended, told = trained(recipe, tmp_path / "c", [0.5], lambda told: told.steps[-1] == 2)
    assert (ended.how, ended.progress.step, told.steps) == ("interrupted", 2, [1, 2])
    assert checkpoint.steps(tmp_path / "c") == [2]
    ended, told = trained(recipe, tmp_path / "c", [0.5])
    assert (ended.how, told.steps) == ("finished", [3, 4])
    ended, told = trained(recipe, tmp_path / "c", [0.5])
    assert (ended.how, ended.progress.step, told.steps) == ("finished", 4, [])


def test_samples_that_count_more(recipe: Recipe) -> None:
    """The loss, and its terms, are means over the samples of all parts by their factors; factors of 1 change
    nothing."""
    ready = prepare(recipe)
    ready.model.eval()  # without dropout a sample gives the same in every call
    config = replace(recipe.train, optimizer="sgd", lr=0.0, weight_decay=0.0)
    data, engine = first_step(ready, accumulate=2), accelerator(config)
    optimizer = engine.prepare(make_optimizer(ready.model, config))
    names = [name for batch in data.parts for name in batch.ids]

    def figures(importance: dict[str, float] | None) -> dict[str, float]:
        model, task = ready.model, ready.task
        found, skipped = update(model, model, optimizer, data, config, task, engine, importance)
        assert skipped == 0
        return found

    assert figures(dict.fromkeys(names, 1.0)) == figures(None)
    alone = {name: figures({other: float(other == name) for other in names}) for name in names}
    factors = dict(zip(names, (0.5, 2.0, 3.0, 1.0), strict=True))
    found = figures(factors)
    for key in ("loss", "cst", "kl"):
        mean = sum(factors[name] * alone[name][key] for name in names) / sum(factors.values())
        assert found[key] == pytest.approx(mean, rel=1e-5)
        assert len({alone[name][key] for name in names}) == 4
