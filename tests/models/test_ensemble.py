"""Ensembles: logits averaged, and models that do not go together refused."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import C2ST, CTC, FEATURES, write_corpus, write_lm_recipe, write_recipe, write_text

from signkit.config.recipe import Recipe
from signkit.config.recipe_file import load_recipe
from signkit.data.loader import eval_batches
from signkit.decode.lattice import acoustic_logits, logits_of, recognise, search
from signkit.errors import UserError
from signkit.models.ensemble import Ensemble, Mixture
from signkit.models.export import TrainedModel, read_export, write_export
from signkit.models.losses.logits import SplitLogits
from signkit.models.protocol import Recogniser
from signkit.runtime import checkpoint
from signkit.tasks.recognition.ensemble import joined
from signkit.train.reopen import with_ensemble
from signkit.train.setup import Prepared, prepare


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("ensemble") / "corpus")


PARTS: tuple[Callable[[SplitLogits], torch.Tensor], ...] = (
    lambda logits: logits.levels["chunk"],
    lambda logits: logits.levels["video"],
    lambda logits: logits.context,
    lambda logits: logits.bias,
    lambda logits: logits.auxiliary,
)


def fresh(corpus: Path, tmp_path: Path, seed: int, base: dict[str, Any] = C2ST) -> tuple[Recipe, Prepared]:
    recipe = load_recipe(str(write_recipe(tmp_path / f"{seed}.yaml", corpus, base, seed=seed)))
    return recipe, prepare(recipe)


def exported(run: Path, recipe: Recipe, prepared: Prepared) -> Path:
    """A finished run with fresh weights."""
    write_export(run / "export", TrainedModel(recipe, prepared.spec, prepared.model))
    return run


@pytest.mark.parametrize("second", [C2ST, CTC], ids=["c2st", "ctc"])
def test_logits_are_means(corpus: Path, tmp_path: Path, second: dict[str, Any]) -> None:
    (_, one), (_, two) = fresh(corpus, tmp_path, 1), fresh(corpus, tmp_path, 2, second)
    models = [one.model.eval(), two.model.eval()]
    both = Ensemble(models).eval()
    assert isinstance(both, Recogniser)
    assert not both.context_free
    batch = next(eval_batches(one.datasets["dev"], 4))
    with torch.no_grad():
        found, each = both(batch), [model(batch) for model in models]
        for part in PARTS:
            assert part(found).allclose((part(each[0]) + part(each[1])) / 2, atol=1e-6)
        assert found.lengths.equal(each[0].lengths)
        each = [model.last_context_logits(batch.targets, batch.target_lengths) for model in models]
        mean = both.last_context_logits(batch.targets, batch.target_lengths)
        assert mean.allclose((each[0] + each[1]) / 2, atol=1e-6)


@pytest.mark.parametrize("base", [C2ST, CTC], ids=["c2st", "ctc"])
@pytest.mark.parametrize("beam", [1, 4])
def test_a_model_with_itself_is_itself(corpus: Path, tmp_path: Path, base: dict[str, Any], beam: int) -> None:
    """To the bit: the mean of two equal numbers is that number."""
    recipe, prepared = fresh(corpus, tmp_path, 1, base)
    decode = load_recipe(str(tmp_path / "1.yaml"), [f"decode.beam={beam}"]).decode
    alone, both = (
        recognise(model, eval_batches(prepared.datasets["dev"], 4), prepared.vocabulary, decode)
        for model in (prepared.model, Ensemble([prepared.model, prepared.model]))
    )
    assert alone == both


def test_topologies_that_differ_are_no_ensemble(corpus: Path, tmp_path: Path) -> None:
    base = {**C2ST, "model": {"name": "c2st", "topology": "monotonic"}}
    models = [fresh(corpus, tmp_path, 1)[1].model, fresh(corpus, tmp_path, 2, base)[1].model]
    with pytest.raises(ValueError, match=r"topologies \['ctc', 'monotonic'\]: one is needed"):
        Ensemble(models)


LEVELS = {**CTC, "train": {**CTC["train"], "losses": [{"name": "ctc", "level": "both"}]}}


@pytest.mark.parametrize("level", ["video", "chunk", "sum"])
def test_probabilities_are_means(corpus: Path, tmp_path: Path, level: str) -> None:
    """Of what each model alone would be decoded by; the acoustic scale comes after."""
    (_, one), (_, two) = fresh(corpus, tmp_path, 1, LEVELS), fresh(corpus, tmp_path, 2, LEVELS)
    models = [one.model.eval(), two.model.eval()]
    both = Mixture(models, partial(acoustic_logits, level=level)).eval()
    assert isinstance(both, Recogniser)
    batch = next(eval_batches(one.datasets["dev"], 4))
    with torch.no_grad():
        logits, each = both(batch), [model(batch) for model in models]
        first, second = (acoustic_logits(own, level).softmax(2) for own in each)
        assert not torch.allclose(first, second, atol=1e-3)
        assert acoustic_logits(logits, level).exp().allclose((first + second) / 2, atol=1e-6)
        assert logits.lengths.equal(each[0].lengths)
        assert not both.last_context_logits(batch.targets, batch.target_lengths).any()
        assert both.context_logits(batch.targets, batch.target_lengths).shape == logits.context.shape
        decode = load_recipe(
            str(tmp_path / "1.yaml"), ["decode.beam=1", f"decode.level={level}", "decode.acoustic_scale=0.5"]
        ).decode
        scaled = ((first + second) / 2).sqrt()
        best = (scaled / scaled.sum(2, keepdim=True)).amax(2).log()
        found = search(both, logits_of(both, batch), decode)
    for place, [candidate] in enumerate(found):
        expected = best[place, : int(logits.lengths[place])].sum().item()
        assert candidate.score == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("beam", [1, 4])
def test_probabilities_of_a_model_with_itself(corpus: Path, tmp_path: Path, beam: int) -> None:
    _, prepared = fresh(corpus, tmp_path, 1, CTC)
    decode = load_recipe(str(tmp_path / "1.yaml"), [f"decode.beam={beam}"]).decode
    twice = Mixture([prepared.model, prepared.model], partial(acoustic_logits, level="video"))
    alone, both = (
        recognise(model, eval_batches(prepared.datasets["dev"], 4), prepared.vocabulary, decode)
        for model in (prepared.model, twice)
    )
    for name, best in alone.items():
        assert both[name].tokens == best.tokens
        assert both[name].score == pytest.approx(best.score, abs=1e-4)


def test_probabilities_need_models_without_context(corpus: Path, tmp_path: Path) -> None:
    other = exported(tmp_path / "other", *fresh(corpus, tmp_path, 2, C2ST))
    run = exported(tmp_path / "run", *fresh(corpus, tmp_path, 1, CTC))
    assert refusal(run, other, "probabilities") == (
        f"decode.ensemble_mean: is probabilities, and those of {other} depend on the glosses before, by its "
        "context; logits can be averaged"
    )
    assert refusal(other, run, "probabilities") == (
        "decode.ensemble_mean: is probabilities, and those of this run depend on the glosses before, by its "
        "context; logits can be averaged"
    )
    found = read_export(run)
    decode = replace(found.recipe.decode, ensemble=(str(run),), ensemble_mean="probabilities")
    assert isinstance(together(replace(found, recipe=replace(found.recipe, decode=decode))), Mixture)
    with pytest.raises(
        ValueError, match="probabilities are averaged of models without context, at least one"
    ):
        Mixture([], partial(acoustic_logits, level="video"))


STRIDE = {
    **C2ST,
    "encoder": {
        **C2ST["encoder"],
        "local_temporal": {"kind": "dilated", "width": 8, "dilations": [1, 2], "stride": 4},
    },
}

LETTERS = {**C2ST, "text": {"unit": "character"}, "train": {**C2ST["train"], "too_long": "skip"}}


@pytest.mark.parametrize(
    ("base", "message"),
    [
        (
            {**C2ST, "model": {"name": "c2st", "topology": "rnnt"}},
            "its topology is rnnt, this one's ctc",
        ),
        (STRIDE, "its encoder returns another number of chunks (1 and 2 for 3 frames)"),
        (
            {**C2ST, "landmarks": {"scale": "none"}},
            "its `landmarks` are chosen or normalised otherwise",
        ),
        (LETTERS, "its unit is the character, this one's the gloss"),
    ],
)
def test_what_does_not_go_together(corpus: Path, tmp_path: Path, base: dict[str, Any], message: str) -> None:
    other = exported(tmp_path / "other", *fresh(corpus, tmp_path, 2, base))
    run = exported(tmp_path / "run", *fresh(corpus, tmp_path, 1))
    assert refusal(run, other) == f"decode.ensemble: {other} cannot be averaged with this run: {message}"


def test_another_vocabulary(corpus: Path, tmp_path: Path) -> None:
    manifest = write_corpus(tmp_path / "corpus") / "manifest.csv"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("WHO", "WHAT"), encoding="utf-8")
    other = exported(tmp_path / "other", *fresh(tmp_path / "corpus", tmp_path, 2))
    run = exported(tmp_path / "run", *fresh(corpus, tmp_path, 1))
    message = "another vocabulary (4 tokens against 4, 3 in both)"
    assert refusal(run, other) == f"decode.ensemble: {other} cannot be averaged with this run: {message}"


def test_features_and_landmarks(corpus: Path, tmp_path: Path) -> None:
    features = write_corpus(tmp_path / "corpus", features=True)
    other = exported(tmp_path / "other", *fresh(features, tmp_path, 2, FEATURES))
    run = exported(tmp_path / "run", *fresh(corpus, tmp_path, 1))
    message = "it reads features 6 wide, this one boston104 2 wide"
    assert refusal(run, other) == f"decode.ensemble: {other} cannot be averaged with this run: {message}"


def test_a_language_model_is_no_recogniser(corpus: Path, tmp_path: Path) -> None:
    recipe = load_recipe(str(write_lm_recipe(tmp_path / "lm.yaml", write_text(tmp_path / "text"))))
    other = exported(tmp_path / "other", recipe, prepare(recipe))
    run = exported(tmp_path / "run", *fresh(corpus, tmp_path, 1))
    what = f"{other} is a model of another task, language"
    assert refusal(run, other) == f"decode.ensemble: {what}"


def together(trained: TrainedModel) -> Any:
    """A run's model with the others of its recipe."""
    return joined(with_ensemble(trained))


def refusal(run: Path, other: Path, mean: str = "logits") -> str:
    found = read_export(run)
    decode = replace(found.recipe.decode, ensemble=(str(other),), ensemble_mean=mean)
    recipe = replace(found.recipe, decode=decode)
    with pytest.raises(UserError) as caught:
        together(replace(found, recipe=recipe))
    return str(caught.value)


def test_the_mean_of_checkpoints(tmp_path: Path) -> None:
    """Of weights; a count is the last one's."""
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    states = []
    for step in (1, 2, 4):
        torch.manual_seed(step)
        state = {
            name: torch.randn_like(tensor) if tensor.is_floating_point() else torch.tensor(step)
            for name, tensor in model.state_dict().items()
        }
        checkpoint.save(tmp_path, checkpoint.Progress(step=step), state, None, optimizer)
        states.append(state)
    mean = checkpoint.mean_weights(tmp_path, [2, 4])
    assert set(mean) == set(states[0])
    for name, tensor in mean.items():
        expected = (states[1][name] + states[2][name]) / 2 if tensor.is_floating_point() else states[2][name]
        assert tensor.dtype == states[2][name].dtype
        assert tensor.allclose(expected)
    only = checkpoint.mean_weights(tmp_path, [4])
    assert all(only[name].equal(states[2][name]) for name in only)
