"""Glosses and a text from one encoder."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import signkit

from signkit.config.recipe_file import load_recipe
from signkit.errors import UserError
from signkit.testing import check_task
from signkit.train.setup import Prepared, prepare

SMALL = (
    "data.train=8",
    "data.dev=3",
    "data.test=2",
    "data.signs=12",
    "data.signers=4",
    "encoder.channels=[4]",
    "encoder.fusion_width=8",
    "encoder.local_temporal.width=8",
    "encoder.global_temporal.width=4",
    "model.width=8",
    "model.heads=2",
    "model.layers=1",
    "model.feed_forward=8",
    "train.batch_size=4",
    "train.warmup_steps=0",
    "decode.beam=2",
    "decode.longest=40",
)


def prepared(*changes: str) -> Prepared:
    return prepare(load_recipe("sign2text_joint", [*SMALL, *changes]))


@pytest.mark.slow
def test_it_holds_to_the_laws() -> None:
    outcome = check_task(load_recipe("sign2text_joint", [*SMALL, "train.too_long=skip"]))
    assert {"bleu4", "wer_glosses"} <= {each.name for each in outcome.scores}
    assert {*outcome.spec.outputs} == {"text", "gloss"}
    found = outcome.predictions["dev"][0]
    assert {*found.outputs} == {"text", "gloss"}


def test_each_head_has_its_targets() -> None:
    ready = prepared()
    spec, dataset = ready.spec, ready.datasets["train"]
    batch = dataset.collate([dataset.example(0), dataset.example(1)])
    sample = dataset.samples[0]
    assert spec.glosses is not None and not set(spec.glosses.tokens[2:]) & set(spec.vocabulary.tokens[2:])
    assert spec.vocabulary.decode(batch.targets[0, : batch.target_lengths[0]].tolist()) == sample.reference
    assert spec.glosses.decode(batch.glosses[0, : batch.gloss_lengths[0]].tolist()) == sample.glosses
    assert batch.of_glosses.targets is batch.glosses
    assert ready.model.output.bias.shape == (len(spec.glosses),)
    assert ready.model.decoder.embedding.num_embeddings == len(spec.vocabulary)


def test_glosses_train_the_encoder_through_ctc() -> None:
    """Other glosses of a clip change the loss of CTC and not that of the decoder."""
    ready = prepared()
    dataset, task, model = ready.datasets["train"], ready.task, ready.model.eval()
    batch = dataset.collate([dataset.example(0)])
    other = batch.of_glosses.targets.roll(1, 1)
    with torch.no_grad():
        one, two = (task.loss(model, model, each, 0.5) for each in (batch, replace(batch, glosses=other)))
    assert torch.equal(one["next_token"].total, two["next_token"].total)
    assert not torch.equal(one["ctc"].total, two["ctc"].total)


def test_a_run_writes_both(tmp_path: Path) -> None:
    changes = [
        *SMALL,
        "train.max_steps=2",
        "train.eval_every=0",
        f"run.dir={tmp_path}",
        "train.too_long=skip",
    ]
    done = signkit("run", "sign2text_joint", *(word for each in changes for word in ("--set", each)))
    assert done.status == 0, done.err
    line: dict[str, Any] = json.loads((done.run / "decode" / "dev.jsonl").read_text().splitlines()[0])
    assert {"id", "tokens", "text", "score", "gloss"} <= line.keys()
    assert {"tokens", "text", "times"} <= line["gloss"].keys()
    rows = json.loads((done.run / "scores.json").read_text())["metrics"]
    assert {(row["name"], row["split"]) for row in rows} >= {("wer_glosses", "dev"), ("wer_glosses", "test")}
    assert (done.run / "export" / "gloss.vocabulary.json").is_file()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (("data.reference=gloss",), "model.ctc: 8 of 8 clips of train have no glosses next to their text"),
        (
            ("decode.ctc_weight=0.5",),
            "--set decode.ctc_weight=0.5: `decode.ctc_weight`: has no effect: the CTC head writes glosses",
        ),
        (
            ("model.head=attention", "train.losses=[{name: next_token}]"),
            "`model.ctc`: is of the CTC head, and the model has none; model.head: both",
        ),
    ],
)
def test_what_does_not_go_together(changes: tuple[str, ...], message: str) -> None:
    with pytest.raises(UserError) as caught:
        prepared(*changes)
    assert message in str(caught.value)
