"""Levels of an encoder beyond chunk and video: a head of their own, trained, and gone from the export."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from tiny import CTC, FEATURES, TEMPORAL, write_corpus, write_recipe
from torch import Tensor, nn
from torch.nn import functional as F

from signkit.config.recipe_file import load_recipe
from signkit.config.registry import entry_points_of
from signkit.data.batch import Batch
from signkit.data.loader import Step, eval_batches, train_steps
from signkit.errors import UserError
from signkit.models.encoders.configs import FeaturesConfig, GlobalTemporalConfig, LocalTemporalConfig
from signkit.models.encoders.features import build as build_features
from signkit.models.encoders.protocol import Encoder, EncoderOutput
from signkit.models.export import TrainedModel, read_export, write_export
from signkit.models.losses.cst import cst_loss
from signkit.runtime import checkpoint
from signkit.runtime.checkpoint import Progress
from signkit.train.loop import accelerator, make_optimizer, update
from signkit.train.setup import Prepared, prepare
from signkit.train.weights import other_weights

SLOW = 6
"""Width of the third level."""


@dataclass(frozen=True, kw_only=True)
class SlowConfig:
    """Feature vectors, with a third level."""

    factory: ClassVar[str] = "test_levels:build"
    reads: ClassVar[str] = "features"
    local_temporal: LocalTemporalConfig = LocalTemporalConfig()
    global_temporal: GlobalTemporalConfig = GlobalTemporalConfig()


class Slow(nn.Module):
    """The encoder of features, with a level `slow` made of its chunks."""

    reads = "features"

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = inner
        self.pathway = nn.Linear(inner.dims["chunk"], SLOW)
        self.dims = {**inner.dims, "slow": SLOW}
        self.output_lengths, self.chunk_centres = inner.output_lengths, inner.chunk_centres

    def forward(self, batch: Batch) -> EncoderOutput:
        found: EncoderOutput = self.inner(batch)
        slow = self.pathway(found.levels["chunk"])
        inside = torch.arange(slow.shape[1]) < found.lengths[:, None]
        return EncoderOutput(
            {**found.levels, "slow": slow * inside[..., None]}, found.lengths, found.auxiliary
        )


def build(config: SlowConfig, points: Any, width: int) -> Slow:
    parts = {"local_temporal": config.local_temporal, "global_temporal": config.global_temporal}
    return Slow(build_features(FeaturesConfig(**parts), points, width))


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if a package had registered the encoder."""
    usual = metadata.entry_points
    mine = metadata.EntryPoint("slow", "test_levels:SlowConfig", "signkit.encoders")
    monkeypatch.setattr(
        "importlib.metadata.entry_points",
        lambda group: (*usual(group=group), *([mine] if group == mine.group else [])),
    )
    entry_points_of.cache_clear()
    yield
    entry_points_of.cache_clear()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("levels") / "corpus", features=True)


BASES = {"c2st": FEATURES, "ctc": CTC}


def prepared(
    corpus: Path, folder: Path, base: dict[str, Any] = CTC, loss: str = "ctc", level: str = "slow"
) -> Prepared:
    changed = {**base, "encoder": {"name": "slow", **TEMPORAL}}
    path = write_recipe(folder / "tiny.yaml", corpus, changed, losses=[{"name": loss, "level": level}])
    return prepare(load_recipe(str(path)))


def a_step(ready: Prepared) -> Step:
    return next(train_steps(ready.datasets["train"], 4, 1))


def loss_of(ready: Prepared) -> Tensor:
    """The loss of some training samples, without being divided."""
    (batch,) = a_step(ready).parts
    return ready.task.loss(ready.model, ready.model, batch, 0.0)["loss"].total


@pytest.mark.parametrize("base", BASES.values(), ids=list(BASES))
def test_a_third_level_has_a_head_that_is_used_in_training_alone(
    corpus: Path, tmp_path: Path, base: dict[str, Any]
) -> None:
    """Its logits are read with the bias that all logits are read with, whatever its own bias."""
    ready = prepared(corpus, tmp_path, base)
    model, (batch,) = ready.model, a_step(ready).parts
    assert isinstance(model.encoder, Encoder)
    head = model.heads["slow"]
    assert [*model.heads] == ["slow"]
    assert head.weight.shape == (len(ready.vocabulary), SLOW)
    with torch.no_grad():
        head.bias.normal_(generator=torch.Generator().manual_seed(1))
    assert model.eval()(batch).levels.keys() == {"chunk", "video"}
    logits = model.train()(batch)
    assert logits.levels.keys() == {"chunk", "video", "slow"}
    expected = F.linear(model.encoder(batch).levels["slow"], head.weight, head.bias)
    torch.testing.assert_close(logits.levels["slow"] + logits.bias, expected)
    assert logits.float().at("slow")[0].equal(logits.levels["slow"])


def test_a_ctc_of_the_level_is_that_of_its_head(corpus: Path, tmp_path: Path) -> None:
    ready = prepared(corpus, tmp_path)
    (batch,) = a_step(ready).parts
    found = loss_of(ready)
    with torch.no_grad():
        encoded = ready.model.encoder(batch)
        head = ready.model.heads["slow"]
        log = F.linear(encoded.levels["slow"], head.weight, head.bias).log_softmax(2).transpose(0, 1)
        expected = F.ctc_loss(log, batch.targets, encoded.lengths, batch.target_lengths, reduction="none")
    torch.testing.assert_close(found, expected + encoded.auxiliary)


def test_a_cst_of_the_level_has_the_context(corpus: Path, tmp_path: Path) -> None:
    ready = prepared(corpus, tmp_path, FEATURES, "cst")
    (batch,) = a_step(ready).parts
    with torch.no_grad():
        logits = ready.model.train()(batch)
        acoustic = logits.levels["slow"]
        lattice = (acoustic, logits.context, batch.targets, logits.lengths, batch.target_lengths)
        expected = cst_loss(*lattice, topology="ctc")
    torch.testing.assert_close(loss_of(ready), expected)


@pytest.mark.parametrize("base", BASES.values(), ids=list(BASES))
def test_the_level_trains_what_it_is_made_of(corpus: Path, tmp_path: Path, base: dict[str, Any]) -> None:
    """Its head and its part of the encoder; the layer of the others has a gradient, of zero."""
    ready = prepared(corpus, tmp_path, base)
    ready.model.train()
    loss_of(ready).sum().backward()
    gradients = {name: weight.grad for name, weight in ready.model.named_parameters()}
    assert [name for name, gradient in gradients.items() if gradient is None] == []
    trained = {
        name for name, gradient in gradients.items() if gradient is not None and gradient.abs().max() > 1e-5
    }
    assert {"heads.slow.weight", "heads.slow.bias", "encoder.pathway.weight"} <= trained
    assert not any(name.startswith(("output.", "context.")) for name in trained)


def test_a_level_that_no_loss_names_changes_nothing(corpus: Path, tmp_path: Path) -> None:
    """The loss of video is what it is by hand; the head is there all the same, without a gradient."""
    ready = prepared(corpus, tmp_path, level="video")
    (batch,) = a_step(ready).parts
    ready.model.train()
    found = loss_of(ready)
    found.sum().backward()
    assert not ready.model.heads["slow"].weight.grad.any()
    with torch.no_grad():
        logits = ready.model.eval()(batch)
        log = (logits.levels["video"] + logits.bias).log_softmax(2).transpose(0, 1)
        expected = F.ctc_loss(log, batch.targets, logits.lengths, batch.target_lengths, reduction="none")
    torch.testing.assert_close(found.detach(), expected)


@pytest.mark.parametrize("base", BASES.values(), ids=list(BASES))
def test_an_export_is_without_the_head(corpus: Path, tmp_path: Path, base: dict[str, Any]) -> None:
    """It is in the checkpoints, from which the weights of an export can be taken all the same."""
    ready = prepared(corpus, tmp_path, base)
    engine = accelerator(ready.recipe.train)
    model, optimizer = engine.prepare(ready.model, make_optimizer(ready.model, ready.recipe.train))
    before = model.heads["slow"].weight.detach().clone()
    update(model, model, optimizer, a_step(ready), ready.recipe.train, ready.task, engine)
    assert not model.heads["slow"].weight.equal(before)
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert {"heads.slow.weight", "heads.slow.bias"} <= state.keys()
    checkpoint.save(tmp_path / "checkpoints", Progress(step=1, best=0.5, best_step=1), state, None, optimizer)

    (batch,) = eval_batches(ready.datasets["dev"], 4)
    with torch.no_grad():
        expected = model.eval()(batch)
    write_export(tmp_path / "export", TrainedModel(ready.recipe, ready.spec, model, 1))
    found = read_export(tmp_path)
    assert found.recipe == ready.recipe
    kept = found.model.state_dict()
    assert kept.keys() == state.keys() - {"heads.slow.weight", "heads.slow.bias"}
    assert "pathway" in " ".join(kept)  # what the encoder has of the level is the encoder's
    with torch.no_grad():
        logits = found.model(batch)
        for part in found.model.parameters():
            part.zero_()
    assert logits.levels.keys() == {"chunk", "video"}
    assert all(logits.levels[name].equal(expected.levels[name]) for name in logits.levels)
    assert other_weights(tmp_path, ready.recipe, found) == 1
    assert all(tensor.equal(state[name]) for name, tensor in found.model.state_dict().items())


def test_a_level_that_is_not_there(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        prepared(corpus, tmp_path, level="slwo")
    message = "train.losses.0.level: the encoder has no level 'slwo'; did you mean `slow`?"
    assert str(caught.value) == message
