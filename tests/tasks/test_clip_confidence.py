"""The confidence of a clip's text: learnt from the held-out texts of other runs, and used in decoding."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from signkit.config.recipe_file import load_recipe
from signkit.data.loader import eval_batches
from signkit.decode.attention import find_texts
from signkit.decode.expected import highest_expected
from signkit.errors import UserError
from signkit.models.clip_confidence import ClipConfidence, confidence_loss
from signkit.models.export import TrainedModel, read_export, write_export
from signkit.tasks.sequence.held_out import held_out_scores
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
decode: {beam: 2, longest: 40}
"""


def run_with(folder: Path, texts: dict[str, tuple[str, str]]) -> Path:
    """What a run leaves of dev: references and what was decoded, by the clips' ids."""
    (folder / "decode").mkdir(parents=True)
    for place, name in enumerate(("dev.references.jsonl", "dev.jsonl")):
        lines = [json.dumps({"id": clip, "text": pair[place]}) for clip, pair in texts.items()]
        (folder / "decode" / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def prepared(folder: Path, runs: list[Path], *changes: str) -> Prepared:
    file = folder / "attention.yaml"
    file.write_text(RECIPE, encoding="utf-8")
    taught = [f"model.confidence_from={json.dumps([str(run) for run in runs])}", "model.confidence=0.02"]
    return prepare(load_recipe(str(file), [*taught, *changes]))


def train_ids(folder: Path) -> list[str]:
    file = folder / "plain.yaml"
    file.write_text(RECIPE, encoding="utf-8")
    return [each.id for each in prepare(load_recipe(str(file))).corpus.split("train")]


def test_scores_of_held_out_texts(tmp_path: Path) -> None:
    """(N - D) / N of the characters, not below 0; the mean where two runs have a clip."""
    one = run_with(
        tmp_path / "1", {"a": ("new york", "new work"), "b": ("hi", "hello there"), "c": ("é", "")}
    )
    two = run_with(tmp_path / "2", {"a": ("new york", "new york"), "d": ("asl", "asl")})
    assert held_out_scores([str(one), str(two)]) == {"a": (7 / 8 + 1) / 2, "b": 0.0, "c": 0.0, "d": 1.0}


def test_a_run_without_texts(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        held_out_scores([str(tmp_path)])
    assert str(caught.value) == (
        f"model.confidence_from: {tmp_path} has no texts of dev; name finished runs that decode dev, one of "
        "each fold"
    )


def test_the_loss_is_cross_entropy_with_the_score() -> None:
    logits = torch.tensor([0.3, -2.0, 1.5])
    losses = confidence_loss(logits, ("a", "b", "c"), {"a": 0.25, "c": 1.0})
    p = logits.sigmoid()
    expected = -0.25 * p[0].log() - 0.75 * (1 - p[0]).log(), torch.tensor(0.0), -p[2].log()
    torch.testing.assert_close(losses, torch.stack(expected))


def test_it_reads_the_first_vector() -> None:
    """As the winner's, a weight for each number of it and a bias."""
    head, features = ClipConfidence(208), torch.randn(2, 5, 208)
    assert sum(each.numel() for each in head.parameters()) == 209
    other = torch.cat([features[:, :1], torch.randn(2, 7, 208)], 1)
    torch.testing.assert_close(head(features), head(other))
    torch.testing.assert_close(head(features), F.linear(features[:, 0], *head.parameters())[:, 0])


def test_a_term_of_the_clips_that_have_a_score(tmp_path: Path) -> None:
    ids = train_ids(tmp_path)
    run = run_with(tmp_path / "run", dict.fromkeys(ids[:4], ("ab", "ac")))
    of = prepared(tmp_path, [run])
    assert "4 of 6 clips of train teach the confidence" in of.notes
    dataset = of.datasets["train"]
    batch = dataset.collate([dataset.example(i) for i in range(6)])
    weights = of.task.weights(of.model, batch)["confidence"]
    assert weights.tolist() == [1, 1, 1, 1, 0, 0]
    of.model.eval()
    term = of.task.loss(of.model, of.model, batch, 0.0)["confidence"]
    logits = of.model.encode(batch).confidence
    torch.testing.assert_close(term.total[:4], 0.02 * F.binary_cross_entropy_with_logits(
        logits[:4], torch.full((4,), 0.5), reduction="none"))  # fmt: skip
    assert term.total[4:].tolist() == [0, 0]


def test_it_learns_which_texts_will_be_wrong(tmp_path: Path) -> None:
    """Some steps of the head alone tell clips of a score of 1 from those of 0."""
    ids = train_ids(tmp_path)
    run = run_with(tmp_path / "run", {name: ("ab", "ab" if n % 2 else "xy") for n, name in enumerate(ids)})
    of = prepared(tmp_path, [run])
    dataset = of.datasets["train"]
    batch = dataset.collate([dataset.example(i) for i in range(6)])
    of.model.eval()
    optimizer = torch.optim.Adam(of.model.parameters(), lr=0.02)
    for _ in range(60):
        optimizer.zero_grad()
        of.task.loss(of.model, of.model, batch, 0.0)["confidence"].total.sum().backward()
        optimizer.step()
    sure = of.model.encode(batch).confidence.sigmoid()
    assert (sure[1::2] > 0.5).all() and (sure[::2] < 0.5).all()


@pytest.mark.parametrize(("beam", "expected"), [(1, "none"), (2, "none"), (4, "chrf")])
def test_doubted_texts_are_replaced(beam: int, expected: str, tmp_path: Path) -> None:
    """Of the clips below the least confidence, and of no other; the export has the head and does the same."""
    ids = train_ids(tmp_path)
    run = run_with(tmp_path / "run", dict.fromkeys(ids, ("ab", "ab")))
    text = prepare(load_recipe(str(tmp_path / "plain.yaml"))).corpus.split("train")[0].text
    of = prepared(
        tmp_path, [run], f"decode.beam={beam}", f"decode.doubtful={text}", f"decode.expected={expected}"
    )
    batches = [*eval_batches(of.datasets["dev"], 3)]
    of.model.eval()
    with torch.no_grad():
        sure = {
            name: float(value)
            for batch in batches
            for name, value in zip(batch.ids, of.model.encode(batch).confidence.sigmoid(), strict=True)
        }
    least = sorted(sure.values())[1]
    decode = replace(of.recipe.decode, doubt=least)  # type: ignore[call-arg]
    trained = TrainedModel(replace(of.recipe, decode=decode), of.spec, of.model)
    write_export(tmp_path / "done" / "export", trained)
    plain = find_texts([of.model], batches, of.recipe.decode)  # type: ignore[arg-type]
    for each in (trained, read_export(tmp_path / "done")):
        of.task.recipe = each.recipe  # type: ignore[attr-defined]
        found = of.task.predict([each], batches, corpus=lambda: of.corpus, on_progress=lambda done: None)
        texts = {each.id: each.text for each in found}
        vocabulary, usual = of.spec.vocabulary, {}
        for name, result in plain.items():
            best, *_ = (
                result.candidates
                if expected == "none"
                else highest_expected(result.candidates, vocabulary, "chrf")
            )
            usual[name] = "".join(vocabulary.decode(best.tokens))
        assert texts == {name: text if sure[name] < least else usual[name].strip() for name in sure}
        assert sum(sure[name] < least for name in sure) == 1
        again = of.task.searched([each], of.datasets["dev"], (), corpus=lambda: of.corpus, on_progress=print)  # type: ignore[attr-defined]
        tuned = again.search(decode)
        assert {
            name: "".join(vocabulary.decode(best.tokens)).strip() for name, (best,) in tuned.items()
        } == texts


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            ["model.confidence=0.1"],
            "`model.confidence`: is learnt from texts of runs; confidence_from: [RUN, RUN]",
        ),
        (
            ["model.confidence_from=[.]"],
            "`model.confidence_from`: teaches a head that has no weight; confidence: 0.02",
        ),
        (["decode.doubt=0.1"], "`decode.doubt`: has no effect: the model has no confidence; leave it out"),
    ],
)
def test_what_does_not_fit(changes: list[str], message: str, tmp_path: Path) -> None:
    file = tmp_path / "attention.yaml"
    file.write_text(RECIPE, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        load_recipe(str(file), changes)
    assert message in str(caught.value)


def test_runs_of_other_clips(tmp_path: Path) -> None:
    run = run_with(tmp_path / "run", {"other": ("ab", "ab")})
    with pytest.raises(UserError) as caught:
        prepared(tmp_path, [run])
    assert str(caught.value) == (
        "model.confidence_from: the runs have none of the clips of train in their dev; name a run of each "
        "fold of train"
    )


def test_a_text_that_the_model_cannot_write(tmp_path: Path) -> None:
    run = run_with(tmp_path / "run", dict.fromkeys(train_ids(tmp_path), ("ab", "ab")))
    of = prepared(tmp_path, [run], "decode.doubt=0.1", "decode.doubtful=Ω")
    with pytest.raises(UserError) as caught:
        of.task.check([TrainedModel(of.recipe, of.spec, of.model)], lambda: of.corpus)
    assert str(caught.value) == "decode.doubtful: has 'Ω', which the model cannot write"
