"""What is tuned is what is decoded: the internal language model with the context's scale, faults in time."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from tiny import C2ST, CTC, write_corpus, write_recipe

from signkit.config.recipe_file import load_recipe
from signkit.data.loader import eval_batches
from signkit.decode.configs import LatticeConfig
from signkit.decode.external.build import ExternalModels, build_external
from signkit.decode.external.configs import InternalConfig, NgramConfig
from signkit.decode.lattice import acoustic_logits, find
from signkit.errors import UserError
from signkit.models.ensemble import Mixture
from signkit.models.export import TrainedModel
from signkit.tasks.recognition import searched
from signkit.tasks.recognition.searched import CachedRescorer, SearchedSplit
from signkit.tasks.transcripts.external import train_text
from signkit.train.reopen import Reopened
from signkit.train.setup import Prepared, prepare
from signkit.train.task import Searchable


def reopened(folder: Path, *prepared: Prepared) -> Reopened:
    """As if runs were opened again, the others joined with the first."""
    first = prepared[0]
    models = tuple(TrainedModel(each.recipe, each.spec, each.model) for each in prepared)
    return Reopened(folder, first, models)


def with_decode(opened: Reopened, decode: LatticeConfig) -> Reopened:
    """The run with another search."""
    recipe = replace(opened.recipe, decode=decode)
    models = (replace(opened.models[0], recipe=recipe), *opened.models[1:])
    return replace(opened, prepared=replace(opened.prepared, recipe=recipe), models=models)


def encoded(opened: Reopened, tuned: list[str]) -> SearchedSplit:
    """Dev, to be searched again and again."""
    prepared = opened.prepared
    assert isinstance(prepared.task, Searchable)
    found = prepared.task.searched(
        opened.models,
        prepared.datasets["dev"],
        tuned,
        corpus=lambda: prepared.corpus,
        on_progress=lambda done: None,
    )
    assert isinstance(found, SearchedSplit)
    return found


def external(opened: Reopened, decode: LatticeConfig) -> ExternalModels:
    """The language models of a search, as `signkit decode` makes them."""
    prepared = opened.prepared
    text = train_text(lambda: prepared.corpus, prepared.vocabulary)
    return build_external(decode, vocabulary=prepared.vocabulary, model=prepared.model, text=text)


pytestmark = pytest.mark.slow

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Reopened:
    """A run of fresh weights."""
    folder = tmp_path_factory.mktemp("tune")
    recipe = load_recipe(str(write_recipe(folder / "tiny.yaml", write_corpus(folder / "corpus"), C2ST)))
    return reopened(folder, prepare(recipe))


PARTS = LatticeConfig(
    beam=6,
    fusion=(NgramConfig(order=2, weight=0.4), InternalConfig(weight=-0.7), InternalConfig(weight=0.0)),
    rescore=(InternalConfig(weight=-0.3), InternalConfig(weight=0.2, scale=0.4)),
)


@pytest.mark.parametrize("scale", [1.0, 0.25, 0.0])
def test_a_trial_is_a_decoding(opened: Reopened, scale: float) -> None:
    """After other trials too, with the context's scale in what is subtracted."""
    prepared = opened.prepared
    run = encoded(with_decode(opened, PARTS), ["decode.context_scale"])
    assert sorted(run.scorers) == ["fusion.0", "rescore.1"]
    run.search(replace(PARTS, context_scale=0.6))
    decode = replace(PARTS, context_scale=scale)
    parts = external(opened, decode)
    batches = eval_batches(prepared.datasets["dev"], decode.batch_size)
    expected = find(prepared.model, batches, decode, fusion=parts.fusion, rescorers=parts.rescorers)
    found = run.search(decode, nbest=None)
    assert list(found) == [sample.id for sample in prepared.datasets["dev"].samples]
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
    decode = LatticeConfig(
        beam=4, fusion=(NgramConfig(order=2, weight=0.4),), ensemble=("2",), ensemble_mean="probabilities"
    )
    opened = with_decode(reopened(tmp_path, one, two), decode)
    run = encoded(opened, ["decode.acoustic_scale"])
    decode = replace(decode, acoustic_scale=0.6)
    batches = eval_batches(one.datasets["dev"], decode.batch_size)
    expected = find(model, batches, decode, fusion=external(opened, decode).fusion)
    found = run.search(decode, nbest=None)
    assert found == {name: expected[name].candidates for name in found}
    assert found != run.search(replace(decode, acoustic_scale=1.0), nbest=None)


def test_a_fault_is_told_before_the_encoder_runs(opened: Reopened, monkeypatch: pytest.MonkeyPatch) -> None:
    def ran(*_: object) -> None:
        raise AssertionError("the encoder ran")

    monkeypatch.setattr(searched, "logits_of", ran)
    decode = replace(PARTS, fusion=(NgramConfig(file="gone.arpa"),))
    with pytest.raises(UserError) as caught:
        encoded(with_decode(opened, decode), [])
    assert str(caught.value) == "gone.arpa: there is no such file"


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    class Lengths:
        def totals(self, sequences: list[tuple[int, ...]]) -> np.ndarray:
            return np.array([-float(len(each)) for each in sequences])

    monkeypatch.setattr(searched, "MAX_CACHED_SEQUENCES", 3)
    cached = CachedRescorer(Lengths())
    assert cached.totals([(2,), (3,), (4, 4)]).tolist() == [-1, -1, -2]
    assert cached.totals([(2,), (5, 5, 5)]).tolist() == [-1, -3]
    assert sorted(cached._known) == [(2,), (5, 5, 5)]
