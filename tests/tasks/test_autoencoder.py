"""Autoencoder and forest: laws, arrays that predict as scikit-learn does, and predicting without it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
from images import write_images

import signkit
from signkit.config.recipe_file import load_recipe
from signkit.errors import UserError
from signkit.models.configs import AutoencoderForestConfig
from signkit.models.fitted import Fitted, Forest, Logistic
from signkit.tasks.autoencoder import report
from signkit.tasks.autoencoder.fit import fit
from signkit.testing import check_task

pytest.importorskip("sklearn")

SMALL = (
    "train.batch_size=4",
    "train.warmup_steps=0",
    "train.precision=float32",
    "video.resize=16",
    "video.crop=16",
    "encoder.channels=[4,8]",
    "encoder.width=12",
    "model.channels=[8,4]",
    "model.size=16",
    "model.trees=[5,9]",
    "model.strengths=[0.1,1]",
)


def vectors(classes: list[int], count: int = 30, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Clouds of float32 vectors that overlap."""
    rng = np.random.default_rng(seed)
    targets = np.repeat(classes, count)
    return rng.normal(size=(len(targets), 7)).astype(np.float32) + targets[:, None] % 3, targets


@pytest.mark.parametrize("classifier", ["forest", "logistic"])
@pytest.mark.parametrize("classes", [[0, 1], [0, 1, 2, 3], [1, 3]])
def test_arrays_predict_as_scikit_learn(classifier: str, classes: list[int]) -> None:
    """Two classes, several, and those of which some have no sample."""
    x, y = vectors(classes)
    config = AutoencoderForestConfig(classifier=classifier, trees=(20,), strengths=(0.5,))  # type: ignore[arg-type]
    found = fit(x, y, [""] * len(x), 4, config, seed=3)
    module: Fitted = (Forest if classifier == "forest" else Logistic)(4)
    module.fill(found.arrays)
    others, _ = vectors([0, 1, 2], 200, seed=9)
    ours = module(torch.from_numpy(others)).exp().numpy()
    theirs = np.zeros((len(others), 4))
    theirs[:, classes] = found.estimator.predict_proba(others)
    if classifier == "forest":
        np.testing.assert_array_equal(
            ours, np.exp(np.log(theirs, where=theirs > 0, out=np.full_like(theirs, -np.inf)))
        )
    np.testing.assert_allclose(ours, theirs, atol=1e-12)
    np.testing.assert_array_equal(ours.argmax(1), theirs.argmax(1))
    assert [np.array(classes)[i] for i in theirs[:, classes].argmax(1)] == found.estimator.predict(
        others
    ).tolist()


def test_a_classifier_that_is_not_fitted_finds_all_equal() -> None:
    assert torch.equal(Forest(4)(torch.zeros(2, 3)).exp(), torch.full((2, 4), 0.25, dtype=torch.float64))


def test_the_grid_is_tried_by_signers_where_there_are_enough() -> None:
    x, y = vectors([0, 1, 2])
    config = AutoencoderForestConfig(trees=(3, 30), depths=(1, 0), folds=3)
    signers = [f"s{number % 3}" for number in range(len(x))]
    found = fit(x, y, signers, 3, config, seed=1)
    assert found.validation == "3 folds of signers"
    assert [each.values for each in found.tried] == [
        {"trees": trees, "depth": depth} for trees in (3, 30) for depth in (1, 0)
    ]
    best = max(each.accuracy for each in found.tried)
    assert found.chosen == next(each.values for each in found.tried if each.accuracy == best)
    assert fit(x, y, ["", *signers[1:]], 3, config, seed=1).validation == "3 folds at random"


def test_a_class_with_one_sample_is_not_cross_validated() -> None:
    x, y = vectors([0, 1])
    found = fit(
        np.concatenate([x, x[:1]]), np.append(y, 2), [""] * 61, 3, AutoencoderForestConfig(trees=(2, 3)), 1
    )
    assert (found.validation, found.tried, found.chosen) == ("", (), {"trees": 2, "depth": 0})
    assert report.fit_notes(found, AutoencoderForestConfig()) == [
        "forest: trees 2, depth unlimited, not cross-validated"
    ]


def test_what_does_not_converge_is_said() -> None:
    x, y = vectors([0, 1, 2])
    config = AutoencoderForestConfig(classifier="logistic", strengths=(1e-6, 1000.0), iterations=3)
    found = fit(x, y, [""] * len(x), 3, config, seed=1)
    assert [each.converged for each in found.tried] == [True, False] and not found.converged
    accuracy = max(each.accuracy for each in found.tried)
    assert found.chosen == {"C": 1000.0}
    assert report.fit_notes(found, config) == [
        f"logistic: C 1000.0, {100 * accuracy:.1f} % in cross-validation (3 folds at random)",
        "warning: not converged in 3 iterations while choosing: C 1000.0",
        "warning: the logistic regression that is used has not converged in 3 iterations; "
        "raise model.iterations",
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": ()}, "channels: a decoder needs at least one convolution"),
        ({"size": 40}, "size: 40 cannot be doubled up to, 4 times; take a multiple of 16"),
        ({"trees": ()}, "trees: names no value"),
        ({"strengths": (1.0, 0.0)}, "strengths: 0 leaves nothing to be learnt"),
    ],
)
def test_options_that_cannot_be(options: dict[str, tuple[float, ...]], message: str) -> None:
    with pytest.raises(UserError) as caught:
        AutoencoderForestConfig(**options)  # type: ignore[arg-type]
    assert str(caught.value) == message


@pytest.mark.slow
@pytest.mark.parametrize("classifier", ["forest", "logistic"])
def test_the_recipe_holds_to_the_laws_of_a_task(classifier: str, tmp_path: Path) -> None:
    root = write_images(tmp_path / "letters", size=16)
    changes = [*SMALL, f"data.root={root}", f"model.classifier={classifier}"]
    outcome = check_task(load_recipe("letters_autoencoder_forest", changes))
    assert {score.name for score in outcome.scores} >= {"accuracy", "reconstruction_error"}


@pytest.mark.slow
def test_a_run_and_predicting_without_scikit_learn(tmp_path: Path) -> None:
    root = write_images(tmp_path / "letters", size=16, count=20)
    changes = [
        *SMALL,
        f"data.root={root}",
        "model.trees=[30,40]",
        "train.max_steps=60",
        "train.eval_every=30",
        f"run.dir={tmp_path}",
    ]
    done = signkit.run("letters_autoencoder_forest", changes)
    scores = {(score.split, score.name): score.value for score in done.scores}
    assert scores["test", "accuracy"] > 0.8
    assert 0 < scores["test", "reconstruction_error"] < 0.32
    page = (done.folder / "report.html").read_text(encoding="utf-8")
    assert "Reconstructions" in page and "Classifier of the latent vectors" in page
    assert json.loads((done.folder / "fit.json").read_text())["cross_validation"] == "3 folds at random"
    images = [str(root / name) for name in ("A/A0.png", "B/B0.png")]
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "import signkit\n"
        f"found = signkit.load({str(done.folder)!r}).predict({images!r})\n"
        "print(*(each.text for each in found))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["A", "B"]
    refused = tiny.signkit("decode", done.folder, "--set", "decode.average=2")
    assert (refused.status, refused.err.splitlines()[-1]) == (
        2,
        "error: decode.average: cannot be changed: a part of the model was fitted to the weights of the "
        "training; train again with it",
    )
