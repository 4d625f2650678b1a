"""What is tuned is what is decoded: the internal language model with the context's scale, faults in time."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from tiny import C2ST, CTC, write_corpus, write_recipe

from signkit.commands.tune import cached
from signkit.commands.tune.cached import Remembered, encode_split
from signkit.decode.configs import LatticeConfig
from signkit.config.recipe_file import load_recipe
from signkit.data.loader import eval_batches
from signkit.decode.external.configs import InternalConfig, NgramConfig
from signkit.decode.lattice import acoustic_logits, find
from signkit.errors import UserError
from signkit.models.ensemble import Mixture
from signkit.tasks.recognition.external import beside
from signkit.tasks.recognition.reopened import Reopened
from signkit.tasks.recognition.scored import scoring_protocol
from signkit.train.setup import prepare


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Reopened:
    """A run of fresh weights."""
    folder = tmp_path_factory.mktemp("tune")
    recipe = load_recipe(str(write_recipe(folder / "tiny.yaml", write_corpus(folder / "corpus"), C2ST)))
    return Reopened(folder, recipe, scoring_protocol(recipe), prepare(recipe), 0)


PARTS = LatticeConfig(
    beam=6,
    fusion=(NgramConfig(order=2, weight=0.4), InternalConfig(weight=-0.7), InternalConfig(weight=0.0)),
    rescore=(InternalConfig(weight=-0.3), InternalConfig(weight=0.2, scale=0.4)),
)


@pytest.mark.parametrize("scale", [1.0, 0.25, 0.0])
def test_a_trial_is_a_decoding(opened: Reopened, scale: float) -> None:
    """After other trials too, with the context's scale in what is subtracted."""
    prepared = opened.prepared
    ready = replace(opened, recipe=replace(opened.recipe, decode=PARTS))
    run = encode_split(ready, "dev", ["decode.context_scale"])
    assert sorted(run.scorers) == ["fusion.0", "rescore.1"]
    run.search(replace(PARTS, context_scale=0.6))
    decode = replace(PARTS, context_scale=scale)
    parts = beside(decode, prepared)
    batches = eval_batches(prepared.examples["dev"], decode.batch_size)
    expected = find(prepared.model, batches, decode, fusion=parts.fusion, rescorers=parts.rescorers)
    found = run.search(decode, nbest=None)
    assert list(found) == [sample.id for sample in prepared.examples["dev"].samples]
    for name, beam in found.items():
        best = expected[name].candidates
        assert [(c.tokens, c.chunks) for c in beam] == [(c.tokens, c.chunks) for c in best]
        assert [c.score for c in beam] == pytest.approx([c.score for c in best], abs=1e-6)


def test_a_trial_with_an_ensemble_of_probabilities(tmp_path: Path) -> None:
    """Is a decoding too: what is cached are the mean's logs, and the acoustic scale comes after."""
    corpus = write_corpus(tmp_path / "corpus")
    recipes = [load_recipe(str(write_recipe(tmp_path / f"{n}.yaml", corpus, CTC, seed=n))) for n in (1, 2)]
    one, two = map(prepare, recipes)
    model = Mixture([one.model, two.model], partial(acoustic_logits, level="video"))
    prepared = replace(one, model=model)
    decode = LatticeConfig(beam=4, fusion=(NgramConfig(order=2, weight=0.4),))
    ready = Reopened(tmp_path, replace(recipes[0], decode=decode), scoring_protocol(recipes[0]), prepared, 0)
    run = encode_split(ready, "dev", ["decode.acoustic_scale"])
    decode = replace(decode, acoustic_scale=0.6)
    batches = eval_batches(prepared.examples["dev"], decode.batch_size)
    expected = find(model, batches, decode, fusion=beside(decode, prepared).fusion)
    found = run.search(decode, nbest=None)
    assert found == {name: expected[name].candidates for name in found}
    assert found != run.search(replace(decode, acoustic_scale=1.0), nbest=None)


def test_a_fault_is_told_before_the_encoder_runs(opened: Reopened, monkeypatch: pytest.MonkeyPatch) -> None:
    def encoded(*_: object) -> None:
        raise AssertionError("the encoder ran")

    monkeypatch.setattr(cached, "logits_of", encoded)
    decode = replace(PARTS, fusion=(NgramConfig(file="gone.arpa"),))
    with pytest.raises(UserError) as caught:
        encode_split(replace(opened, recipe=replace(opened.recipe, decode=decode)), "dev", [])
    assert str(caught.value) == "gone.arpa: there is no such file"


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    class Lengths:
        def totals(self, sequences: list[tuple[int, ...]]) -> np.ndarray:
            return np.array([-float(len(each)) for each in sequences])

    monkeypatch.setattr(cached, "MANY", 3)
    remembered = Remembered(Lengths())
    assert remembered.totals([(2,), (3,), (4, 4)]).tolist() == [-1, -1, -2]
    assert remembered.totals([(2,), (5, 5, 5)]).tolist() == [-1, -3]
    assert sorted(remembered._known) == [(2,), (5, 5, 5)]
