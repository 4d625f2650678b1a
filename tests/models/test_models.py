"""The models: split logits that add up, the same weights for a seed, a gradient for every weight."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import C2ST, CTC, RANDOM, write_corpus, write_recipe

from signkit.config.recipe_file import load_recipe
from signkit.data.loader import train_steps
from signkit.decode.beam import beam_search
from signkit.decode.greedy import greedy_search
from signkit.decode.lattice import decoder_context
from signkit.errors import UserError
from signkit.models.assemble import assemble
from signkit.models.output_layer import OutputLayer
from signkit.models.protocol import Recogniser
from signkit.tasks.recognition.proposals import proposer
from signkit.train.setup import Prepared, prepare


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("models") / "corpus")


def prepared(corpus: Path, tmp_path: Path, base: dict[str, Any]) -> Prepared:
    return prepare(load_recipe(str(write_recipe(tmp_path / "tiny.yaml", corpus, base))))


def a_batch(ready: Prepared) -> Any:
    return next(train_steps(ready.datasets["train"], 4, 1)).parts[0]


ONE_LEVEL = {**C2ST, "encoder": {**C2ST["encoder"], "global_temporal": {"layers": 0}}}
NORMALISED = {**C2ST, "model": {"name": "c2st", "normalised": True}}
NO_CONTEXT = {**C2ST, "context": {"name": "none"}}
WIDE = {**CTC, "encoder": {**C2ST["encoder"], "global_temporal": {"layers": 1, "width": 5}}}
LSTM = {**C2ST, "context": {"name": "lstm", "width": 8}}
BERT = {**C2ST, "context": {"name": "bert", "adaptor_width": 4}}
ALL = {
    "c2st": C2ST, "one level": ONE_LEVEL, "normalised": NORMALISED, "no context": NO_CONTEXT, "lstm": LSTM,
    "bert": BERT, "lift pooling": RANDOM, "ctc": CTC, "ctc, two widths": WIDE,
}  # fmt: skip


@pytest.fixture(params=ALL, ids=list(ALL))
def ready(request: pytest.FixtureRequest, corpus: Path, tmp_path: Path) -> Prepared:
    return prepared(corpus, tmp_path, ALL[request.param])


def test_split_logits_add_up(ready: Prepared) -> None:
    """levels[…][s] + context[u] = W (l_s + b_u) + bias, at both levels, whatever the biases."""
    model, batch = ready.model.eval(), a_batch(ready)
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for layer in (model.output, *model.heads.values()):
            layer.bias.normal_(generator=generator)
    assert isinstance(model, Recogniser)
    logits, encoded = model(batch), model.encoder(batch)
    assert logits.lengths.equal(encoded.lengths)
    assert logits.context.shape == (4, batch.targets.shape[1] + 1, len(ready.vocabulary))
    for level in ("chunk", "video"):
        ours, features = logits.levels[level], encoded.levels[level]
        layer = dict(model.heads).get(level, model.output)
        assert features.shape[2] == layer.weight.shape[1]
        history = 0.0 if model.context_free else model.context(batch.targets, batch.target_lengths)[:, None]
        whole = layer(features[:, :, None] + history) + layer.bias
        joint = ours[:, :, None] + logits.context[:, None]
        torch.testing.assert_close(joint, whole.expand_as(joint), rtol=1e-4, atol=1e-5)


def test_last_context_logits_are_those_of_the_whole_history_without_bias(ready: Prepared) -> None:
    """What decoding adds is what training added."""
    model, batch = ready.model.eval(), a_batch(ready)
    every = model.context_logits(batch.targets, batch.target_lengths)
    last = every[torch.arange(4), batch.target_lengths] - model.output.bias
    found = model.last_context_logits(batch.targets, batch.target_lengths)
    torch.testing.assert_close(found, last, rtol=1e-4, atol=1e-5)


def test_every_weight_has_a_gradient(ready: Prepared) -> None:
    """In every step, so that several processes agree on what there is to be summed."""
    model, batch = ready.model.train(), a_batch(ready)
    logits = model(batch)
    (logits.auxiliary + logits.anchor()).sum().backward()
    assert [name for name, weight in model.named_parameters() if weight.grad is None] == []


def test_a_seed_makes_the_weights(corpus: Path, tmp_path: Path) -> None:
    """Without touching the global generator; the encoder's are the same whatever the context."""
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, again, other = (prepared(corpus, tmp_path, base) for base in (C2ST, C2ST, LSTM))
    assert torch.get_rng_state().equal(before)
    ours, theirs = first.model.state_dict(), again.model.state_dict()
    assert all(ours[name].equal(theirs[name]) for name in ours)
    third = other.model.encoder.state_dict()
    assert all(weight.equal(third[name]) for name, weight in first.model.encoder.state_dict().items())
    recipe = load_recipe(str(tmp_path / "tiny.yaml"), ["train.seed=2"])
    fourth = assemble(recipe, first.spec).encoder.state_dict()
    assert any(not weight.equal(fourth[name]) for name, weight in first.model.encoder.state_dict().items())


def test_ctc_needs_no_context(corpus: Path, tmp_path: Path) -> None:
    """One that a recipe has is left out of the model."""
    without = {key: value for key, value in CTC.items() if key != "context"}
    lstm = {**CTC, "context": {"name": "lstm", "width": 8}}
    none, absent, unused = (
        prepared(corpus, tmp_path, base).model.state_dict() for base in (CTC, without, lstm)
    )
    assert none.keys() == absent.keys() == unused.keys()
    assert all(tensor.equal(absent[name]) for name, tensor in none.items())


def test_levels_of_two_widths_are_refused(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        prepared(corpus, tmp_path, {**C2ST, "encoder": WIDE["encoder"]})
    assert str(caught.value) == (
        "encoder: chunk features are 8 wide and video features 10; both are added to the same context; "
        "make global_temporal.width half of local_temporal.width, or equal to it in one direction"
    )


def test_a_normalised_output_layer() -> None:
    """Each symbol's weights have length 1; the bias stays apart."""
    layer = OutputLayer(dim=3, vocabulary=4, normalised=True)
    weights = layer(torch.eye(3)).T
    torch.testing.assert_close(weights.norm(dim=1), torch.ones(4))
    scaled = OutputLayer(dim=3, vocabulary=4, normalised=True)
    scaled.load_state_dict({"weight": layer.weight * 7, "bias": layer.bias})
    torch.testing.assert_close(scaled(torch.eye(3)), layer(torch.eye(3)))


@pytest.mark.parametrize("base", [C2ST, CTC], ids=["c2st", "ctc"])
def test_proposals_are_what_the_search_finds(corpus: Path, tmp_path: Path, base: dict[str, Any]) -> None:
    ready = prepared(corpus, tmp_path, base)
    model, batch = ready.model.eval(), a_batch(ready)
    logits = model(batch)
    found = proposer(model, logits)(logits.levels["video"], 3)
    rows = decoder_context(model, logits.bias)
    acoustic = (logits.levels["video"] + logits.bias).detach()
    expected = beam_search(acoustic, logits.lengths, rows, topology="ctc", beam=6, nbest=3)
    for sample, candidates in enumerate(expected):
        assert int(found.valid[sample].sum()) == len(candidates)
        for rank, candidate in enumerate(candidates):
            length = int(found.lengths[sample, rank])
            assert tuple(found.tokens[sample, rank, :length].tolist()) == tuple(candidate.tokens)
    assert found.contexts.shape == (4, 3, found.tokens.shape[2] + 1, len(ready.vocabulary))
    again = model.context_logits(found.tokens.flatten(0, 1), found.lengths.flatten())
    torch.testing.assert_close(found.contexts.flatten(0, 1), again)
    assert not found.tokens.requires_grad
    assert found.contexts.requires_grad


def test_without_context_c2st_searches_as_ctc(corpus: Path, tmp_path: Path) -> None:
    """Greedy and beam: context none is the same as the model without any."""
    models = [prepared(corpus, tmp_path, base).model.eval() for base in (NO_CONTEXT, CTC)]
    ready = prepared(corpus, tmp_path, CTC)
    models[1].load_state_dict(models[0].state_dict())
    batch = replace(a_batch(ready))
    searched = []
    for model in models:
        logits = model(batch)
        acoustic = (logits.levels["video"] + logits.bias).detach()
        rows = decoder_context(model, logits.bias)
        found = beam_search(acoustic, logits.lengths, rows, topology="ctc", beam=4, nbest=2)
        found += greedy_search(acoustic, logits.lengths, rows, topology="ctc")
        searched.append([[(c.tokens, round(c.score, 4)) for c in row] for row in found])
    assert searched[0] == searched[1]
