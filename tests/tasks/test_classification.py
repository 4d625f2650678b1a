"""Classification: heads and their labels, mixed samples, scores, calibration, and whole runs."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny import signkit, write_corpus

from signkit.config.recipe_file import load_recipe
from signkit.data.batch import Batch
from signkit.data.corpora.manifest import read
from signkit.decode.configs import LabelsConfig
from signkit.errors import UserError
from signkit.models.configs import HeadConfig
from signkit.models.losses.configs import CrossEntropyConfig
from signkit.models.losses.labels import MISSING, build_cross_entropy
from signkit.models.spec import Labels, Spec
from signkit.tasks.classification.heads import doubts, encoder_of, labelled, labels_of, learnable
from signkit.tasks.classification.mixing import mix
from signkit.tasks.classification.probabilities import calibrate, prediction
from signkit.tasks.classification.scoring import metrics, scores
from signkit.tasks.classification.task import Classification
from signkit.testing import check_task
from signkit.types import Corpus, Landmarks, Prediction, Sample

HAND, PLACE = Labels(("A", "B", "C")), Labels(("0", "1"))
SPEC = Spec({}, {"hand": HAND, "place": PLACE})


def sample(name: str, split: str = "train", signer: str = "", **labels: str) -> Sample:
    def load() -> Landmarks:
        return Landmarks(np.zeros((3, 21, 3), np.float32), "hand")

    return Sample(name, split, (), 3, load, signer=signer, labels=labels)


def corpus(*samples: Sample) -> Corpus:
    return Corpus("made", samples, "hand", 3)


# ---- heads


def test_the_label_gloss_is_the_reference_unless_there_is_one() -> None:
    signed = replace(sample("a"), reference=("NOT", "KNOW"))
    assert labelled(signed).labels == {"gloss": "NOT KNOW"}
    assert labelled(replace(signed, labels={"gloss": "X"})).labels == {"gloss": "X"}
    assert labelled(sample("a", hand="B")).labels == {"hand": "B"}


def test_classes_are_those_of_train_or_numbers() -> None:
    data = corpus(sample("a", hand="B"), sample("b", hand="A"), sample("c", "dev", hand="C"))
    assert labels_of(HeadConfig(name="hand"), data).names == ("A", "B")
    numbered = corpus(sample("a", place="1"), sample("b", place="0"))
    assert labels_of(HeadConfig(name="place", classes=4), numbered).names == ("0", "1", "2", "3")


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (HeadConfig(name="face"), "model.heads: face: no sample of train has such a label; there are: hand"),
        (HeadConfig(name="hand"), "model.heads: hand: all of train has the label 'A'"),
        (HeadConfig(name="hand", classes=2), "label 'A' is none of the numbers from 0 to 1"),
    ],
)
def test_heads_that_cannot_be_learnt(head: HeadConfig, message: str) -> None:
    data = corpus(sample("a", hand="A"), sample("b", hand="A"), sample("c", "dev", face="X"))
    with pytest.raises(UserError) as caught:
        labels_of(head, data)
    assert message in str(caught.value)


def test_what_is_doubtful_is_said() -> None:
    data = corpus(
        *(sample(f"a{n}", hand="A", place="0") for n in range(3)),
        sample("b", hand="B", place="1"),
        sample("c", hand="C", place="1"),
        sample("d", "dev", hand="A"),
        sample("e", "test", hand="D", place="1"),
        sample("f", "test", hand="A", place="1"),
    )
    assert list(doubts(data, {"hand": HAND, "place": PLACE})) == [
        "head hand: classes with a single sample in train: 2 (B, C)",
        "head hand: test: 1 of 2 samples have classes that train lacks: 1 (D)",
        "head place: no sample of dev has such a label: nothing is scored there",
    ]
    assert list(doubts(data, {"hand": HAND}))[0] == "classes with a single sample in train: 2 (B, C)"


def test_targets_are_numbers_from_one_and_zero_where_missing() -> None:
    encode = encoder_of(SPEC)
    assert encode(sample("a", hand="B", place="0")) == (2, 1)
    assert encode(sample("a", place="1")) == (MISSING, 2)
    assert encode(sample("a", hand="unknown")) == (MISSING, MISSING)
    assert learnable([sample("a", hand="B"), sample("b"), sample("c", hand="X")], SPEC) == (
        [sample("a", hand="B")],
        2,
    )


# ---- the loss


def test_cross_entropy_smooths_and_leaves_out_what_is_missing() -> None:
    logits = torch.tensor([[2.0, 0.0, -1.0], [0.3, 0.2, 0.1]])
    found = build_cross_entropy(CrossEntropyConfig(smoothing=0.3))(logits, torch.tensor([2, MISSING]))
    log = logits[0].log_softmax(0)
    assert found.tolist() == [pytest.approx(float(-(0.7 * log[1] + 0.1 * log.sum()))), 0.0]


def pictures(size: int = 6) -> Batch:
    """Two batches of grey pictures, of one frame; the second has one frame of padding."""
    inputs = torch.arange(size, dtype=torch.uint8)[:, None, None, None, None] * 20
    seen = torch.ones(size, 2, 1, dtype=torch.bool)
    seen[:, 1] = False
    return Batch(
        ids=tuple(map(str, range(size))),
        inputs=inputs.expand(size, 2, 16, 16, 3) * seen[..., None, None],
        seen=seen,
        lengths=torch.ones(size, dtype=torch.long),
        targets=torch.tensor([[1], [2], [3], [MISSING], [1], [2]])[:size],
        target_lengths=torch.ones(size, dtype=torch.long),
        frame_labels=torch.zeros(size, 2, dtype=torch.long),
        fps=torch.full((size,), 25.0),
    )


@pytest.mark.parametrize("options", [{"mixup": 0.4}, {"cutmix": 1.0}, {"mixup": 0.4, "cutmix": 1.0}])
def test_a_mixed_picture_has_the_shares_that_its_loss_has(options: dict[str, float]) -> None:
    batch = pictures()
    for seed in range(20):
        torch.manual_seed(seed)
        mixed = mix(batch, CrossEntropyConfig(**options))
        assert mixed.partner is not None
        mean = mixed.batch.inputs[:, 0].double().mean((1, 2, 3))
        own, other = batch.inputs[:, 0, 0, 0, 0].double(), batch.inputs[mixed.partner, 0, 0, 0, 0].double()
        assert mean.tolist() == pytest.approx(
            (mixed.share * own + (1 - mixed.share) * other).tolist(), abs=0.51
        )
        assert not mixed.batch.inputs[:, 1].any()  # padding stays what it is


@pytest.mark.parametrize("seed", range(20))
def test_in_a_box_of_another_picture_moves_what_moves_there(seed: int) -> None:
    """Maps have a place for 2 x 2 pixels; at the box's edge the one at the top left tells whose it is."""
    torch.manual_seed(seed)
    batch = pictures()
    maps = batch.inputs[:, :, ::2, ::2, 0] + 7 * batch.seen[..., None].to(torch.uint8)
    mixed = mix(replace(batch, motion=maps), CrossEntropyConfig(cutmix=1.0)).batch
    assert mixed.motion is not None
    expected = mixed.inputs[:, :, ::2, ::2, 0] + 7 * batch.seen[..., None].to(torch.uint8)
    assert torch.equal(mixed.motion, expected)


def test_what_moves_in_either_of_two_mixed_pictures_moves() -> None:
    torch.manual_seed(0)
    maps = torch.randint(256, (6, 2, 8, 8), dtype=torch.uint8)
    mixed = mix(replace(pictures(), motion=maps), CrossEntropyConfig(mixup=1.0))
    assert mixed.batch.motion is not None
    assert torch.equal(mixed.batch.motion[:, 0], torch.maximum(maps, maps[mixed.partner])[:, 0])
    assert torch.equal(mixed.batch.motion[:, 1], maps[:, 1])  # padding stays what it is


def test_the_loss_of_a_mixed_sample_is_that_of_both_labels() -> None:
    torch.manual_seed(3)
    mixed = mix(pictures(), CrossEntropyConfig(mixup=1.0))
    assert mixed.partner is not None
    logits = torch.randn(6, 3)
    compute = build_cross_entropy(CrossEntropyConfig())
    found = mixed.loss(compute, logits, 0)
    targets, log = pictures().targets[:, 0], logits.log_softmax(1)
    for row in range(6):
        own, other = int(targets[row]), int(targets[mixed.partner[row]])
        if own == MISSING:
            assert found[row] == 0
            continue
        other = other if other != MISSING else own
        expected = -mixed.share * log[row, own - 1] - (1 - mixed.share) * log[row, other - 1]
        assert float(found[row]) == pytest.approx(float(expected), rel=1e-5)


# ---- scores


def predictions(*rows: tuple[str, list[float], list[float]]) -> list[Prediction]:
    return [
        prediction(name, {"hand": np.log(hand), "place": np.log(place)}, SPEC, 2, 1.0)
        for name, hand, place in rows
    ]


def test_scores_of_two_heads_by_hand() -> None:
    """A head is scored where its label is known; the first figures are the means of the heads."""
    found = predictions(
        ("a", [0.7, 0.2, 0.1], [0.9, 0.1]),
        ("b", [0.1, 0.6, 0.3], [0.4, 0.6]),
        ("c", [0.5, 0.1, 0.4], [0.8, 0.2]),
        ("d", [0.2, 0.1, 0.7], [0.3, 0.7]),
    )
    samples = [
        sample("a", "dev", hand="A", place="0"),
        sample("b", "dev", hand="B", place="0"),
        sample("c", "dev", hand="C"),
        sample("d", "dev", hand="D", place="1"),
    ]
    all_scores = scores(found, samples, "dev", SPEC)
    notes = {each.name: each.note for each in all_scores}
    assert (notes["accuracy_hand"], notes["top5_accuracy_place"]) == ("2 of 4 samples", "3 of 3 samples")
    values = {each.name: each.value for each in all_scores}
    assert values["accuracy_hand"] == pytest.approx(2 / 4)
    assert values["accuracy_place"] == pytest.approx(2 / 3)
    assert values["accuracy"] == pytest.approx((2 / 4 + 2 / 3) / 2)
    assert values["top5_accuracy_hand"] == pytest.approx(3 / 4)  # D is no class of train
    # hand: A and B have precision and recall 1/2, 1 and 1, 1; C and D are never right.
    assert values["macro_f1_hand"] == pytest.approx((2 * 1 / (1 + 2) + 1 + 0 + 0) / 4)
    assert values["macro_f1_place"] == pytest.approx((2 / 3 + 2 / 3) / 2)
    names = [metric.name for metric in metrics(["hand", "place"])]
    assert names[:4] == ["accuracy", "top5_accuracy", "macro_f1", "accuracy_hand"]
    assert set(values) == set(names)


def test_intervals_are_drawn_over_signers_where_there_are_three() -> None:
    rows = [(f"{n}", [0.7, 0.2, 0.1], [0.9, 0.1]) for n in range(12)]
    found = predictions(*rows)
    right = ["A" if n % 3 else "B" for n in range(12)]
    for signers, by in ((3, "signer"), (2, "sample"), (1, "sample")):
        samples = [sample(f"{n}", "dev", signer=f"s{n % signers}", hand=right[n]) for n in range(12)]
        signature = next(
            s.signature for s in scores(found, samples, "dev", SPEC) if s.name == "accuracy_hand"
        )
        assert f"bootstrap:1000/{by}/" in signature


def test_the_temperature_that_fits_dev_is_used() -> None:
    """Logits that are four times too steep: the fitted temperature is close to four."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 3)) * 1.5
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    drawn = (rng.random((4000, 1)) > shares.cumsum(1)).sum(1)
    spec = Spec({}, {"hand": HAND})
    found = [prediction(str(n), {"hand": 4 * row}, spec, 3, 1.0) for n, row in enumerate(logits)]
    samples = [sample(str(n), "dev", hand="ABC"[label]) for n, label in enumerate(drawn.tolist())]
    done = calibrate({"dev": found}, {"dev": samples}, spec, LabelsConfig())
    assert done.fitted
    assert done.temperature == pytest.approx(4, rel=0.1)
    errors = {each.name: each.value for each in done.scores["dev"]}
    assert errors["calibration_error"] < 0.03 < 0.1 < errors["calibration_error_raw"]
    fixed = calibrate({"dev": found}, {"dev": samples}, spec, LabelsConfig(temperature=2.0))
    assert (fixed.fitted, fixed.temperature) == (False, 2.0)


def test_top_classes_with_their_probabilities() -> None:
    label = prediction("a", {"hand": np.log([0.2, 0.2, 0.6])}, Spec({}, {"hand": HAND}), 2, 1.0).outputs[
        "hand"
    ]
    assert [(name, round(share, 6)) for name, share in label.top] == [("C", 0.6), ("A", 0.2)]  # type: ignore[union-attr]


# ---- runs

ISOLATED = """
data: {name: manifest, root: ROOT}
landmarks: {origin: clip, scale: clip}
encoder: {name: conv_transformer, width: 16, stages: 1, convs: 1, kernel: 5, heads: 2, drop: 0.0}
model: {name: classifier}
train: {losses: [{name: cross_entropy}], max_steps: 60, batch_size: 8, lr: 5e-3, eval_every: 30}
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("isolated")
    root = write_corpus(folder / "corpus", train=24, dev=8, test=8, signs_a_clip=(1, 1))
    file = folder / "isolated.yaml"
    file.write_text(
        ISOLATED.replace("ROOT", str(root)) + f"run: {{dir: {folder / 'runs'}}}\n", encoding="utf-8"
    )
    return file


def test_the_laws_of_tasks(recipe: Path) -> None:
    check_task(load_recipe(recipe, ["train.max_steps=2"]))


@pytest.fixture(scope="module")
def done(recipe: Path) -> Any:
    return signkit("run", recipe)


def test_a_run_learns_and_shows_its_classes(recipe: Path, done: Any) -> None:
    assert done.status == 0, done.err
    assert "24 train, 8 dev, 8 test; 4 gloss" in done.err
    found = json.loads((done.run / "scores.json").read_text(encoding="utf-8"))
    values = {(each["split"], each["name"]): each["value"] for each in found["metrics"]}
    assert values["dev", "accuracy"] == values["test", "top5_accuracy"] == 1.0
    page = (done.run / "report.html").read_text(encoding="utf-8")
    for heading in ("Classes of dev", "Classes of test", "Confidences", "Every class"):
        assert heading in page


def test_predicting_prints_classes_and_evaluating_scores_them(recipe: Path, done: Any) -> None:
    manifest = read(load_recipe(recipe).data)  # type: ignore[arg-type]
    clip = next(each for each in manifest.samples if each.split == "test")
    folder = recipe.parent / "corpus"
    predicted = signkit("predict", done.run, folder / f"{clip.id}.npz", "--json")
    assert predicted.status == 0, predicted.err
    found = json.loads(predicted.out.splitlines()[0])
    assert Path(found["id"]).stem == clip.id
    assert found["tokens"] == list(clip.reference) == [found["label"]]
    assert found["top"][0] == [found["label"], found["confidence"]]
    assert sum(share for _, share in found["top"]) == pytest.approx(1, abs=0.01)  # four classes in all
    evaluated = signkit("evaluate", done.run, "--data", folder, "--split", "test", "--json")
    assert evaluated.status == 0, evaluated.err
    (scored,) = json.loads(evaluated.out)["evaluated"]
    assert {each["name"]: each["value"] for each in scored["metrics"]}["accuracy"] == 1.0


def test_mixing_needs_pictures(recipe: Path) -> None:
    loaded = load_recipe(recipe, ["train.losses.0.mixup=0.2"])
    task = Classification(loaded)
    data = read(loaded.data)  # type: ignore[arg-type]
    spec = task.spec(data, print)
    with pytest.raises(UserError, match=r"train\.losses\.0\.mixup: mixes pictures, and the corpus has none"):
        task.dataset(task.targets(data.split("train"), spec), spec)
