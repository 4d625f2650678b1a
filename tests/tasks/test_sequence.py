"""Attention models as a task: what fits together, and what CTC cannot learn."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from signkit.config.recipe_file import load_recipe
from signkit.data.loader import eval_batches
from signkit.decode.attention import find_texts
from signkit.decode.configs import AttentionSearchConfig
from signkit.errors import OperationalError, UserError
from signkit.models.export import TrainedModel
from signkit.train.setup import Prepared, prepare

RECIPE = """
data: {name: composed, train: 6, dev: 3, test: 2, people: 4}
text: {unit: character}
landmarks: {origin: clip, scale: none}
encoder:
  name: hand
  width: 8
  layers: 1
  local_temporal: {kind: dilated, width: 8, dilations: [1], stride: 2}
model: {name: attention, width: 8, layers: 1, heads: 2, feed_forward: 16}
train: {losses: [{name: next_token}], batch_size: 3}
decode: {beam: 2, longest: 40, length_reward: 0.5}
"""
BOTH = ("model.head=both", "train.losses=[{name: next_token}, {name: ctc, weight: 0.3}]")


def prepared(folder: Path, *changes: str) -> Prepared:
    file = folder / "attention.yaml"
    file.write_text(RECIPE, encoding="utf-8")
    return prepare(load_recipe(str(file), changes))


def trained(of: Prepared) -> TrainedModel:
    return TrainedModel(of.recipe, of.spec, of.model.eval())


def test_augmentation_leaves_ctc_its_chunks(tmp_path: Path) -> None:
    shrunk = ("augment.resample=1", "augment.resample_from=0.2", "augment.resample_to=0.3")
    of = prepared(tmp_path, *BOTH, *shrunk)
    dataset = of.datasets["train"]
    batch = dataset.collate([dataset.example(i, epoch=0) for i in range(len(dataset))])
    weights = of.task.weights(of.model, batch)
    assert (weights["ctc"] > 0).all()
    assert (batch.lengths < torch.tensor([each.frames for each in dataset.samples])).all()


def test_clips_that_ctc_cannot_learn_are_counted(tmp_path: Path) -> None:
    of, said = prepared(tmp_path, *BOTH, "decode.longest=1000"), list[str]()
    samples = [replace(each, reference=each.reference * 9) for each in of.datasets["train"].samples]
    dataset = of.task.dataset(samples[:2], of.spec, model=of.model, say=said.append)
    what = "clips of train have fewer chunks than CTC needs for their text"
    assert said == [f"2 of 2 {what}: they train the decoder only"]
    weights = of.task.weights(of.model, dataset.collate([dataset.example(0), dataset.example(1)]))
    assert (weights["ctc"] == 0).all() and (weights["next_token"] > 0).all()


def test_texts_that_could_not_be_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="6 targets of train are longer than decode.longest, 1; raise"):
        prepared(tmp_path, "decode.longest=1", "train.too_long=skip")


def test_a_level_that_the_encoder_has_not(tmp_path: Path) -> None:
    losses = "train.losses=[{name: next_token}, {name: ctc, level: slow}]"
    with pytest.raises(UserError) as error:
        prepared(tmp_path, "model.head=both", losses)
    assert error.value.where == "train.losses.1.level"
    assert error.value.what == "the encoder has no level 'slow'"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (BOTH, "one of this run and other has a CTC head and the other has none"),
        (
            ("data.video=16", "encoder={name: cnn, channels: [4], width: 8}"),
            "it reads video",
        ),
    ],
    ids=["head", "signal"],
)
def test_an_ensemble_that_does_not_fit(changes: tuple[str, ...], message: str, tmp_path: Path) -> None:
    one, other = prepared(tmp_path), prepared(tmp_path, *changes, "video.resize=16", "video.crop=16")
    one.task.recipe = replace(one.recipe, decode=replace(one.recipe.decode, ensemble=("other",)))  # type: ignore[attr-defined,call-arg]
    with pytest.raises(UserError, match=message):
        one.task.check([trained(one), trained(other)], lambda: one.corpus)


def test_greedy_search_has_no_reward() -> None:
    config = AttentionSearchConfig(length_reward=2.0)
    assert config.greedy().length_reward == 0
    greedy = AttentionSearchConfig(beam=1)
    assert greedy.idle(ctc=True) == {"length_norm", "length_reward", "source_weight"}
    assert greedy.idle(ctc=False) == {*AttentionSearchConfig.tuned}
    assert AttentionSearchConfig(readings=2).idle(ctc=True) == set()


def test_a_reward_changes_nothing_in_greedy_search(tmp_path: Path) -> None:
    of = prepared(tmp_path)

    def found(reward: float) -> list[Any]:
        config = replace(of.recipe.decode, beam=1, length_reward=reward)  # type: ignore[call-arg]
        results = find_texts([of.model], eval_batches(of.datasets["dev"], 3), config)  # type: ignore[arg-type]
        return [(each.candidates[0].tokens, each.candidates[0].score) for each in results.values()]

    assert found(5.0) == found(0.0)


def test_the_mode_is_restored_when_weights_are_damaged(tmp_path: Path) -> None:
    of = prepared(tmp_path)
    model = of.model.train()
    with torch.no_grad():
        next(iter(model.encoder.parameters())).fill_(torch.nan)  # type: ignore[union-attr,operator]
    with pytest.raises(OperationalError, match="its weights have diverged or are damaged"):
        find_texts([model], eval_batches(of.datasets["dev"], 3), of.recipe.decode)  # type: ignore[arg-type]
    assert model.training
