"""The internal language model: the context's own distribution, whatever the histories' company."""

import numpy as np
import pytest
import torch
from fusion_laws import check_laws, message, no_text, total
from torch import nn

from signkit.decode import beam_search
from signkit.decode.configs import LatticeConfig
from signkit.decode.external.build import build_external
from signkit.decode.external.configs import InternalConfig
from signkit.decode.external.internal import build
from signkit.decode.external.walk import StepwiseRescorer
from signkit.decode.lattice import ForgetsStates
from signkit.decode.scorer import Fused
from signkit.errors import UserError
from signkit.models.c2st import C2st
from signkit.models.context.configs import LstmConfig
from signkit.models.context.recurrent import build_lstm
from signkit.models.output_layer import OutputLayer
from signkit.text.vocabulary import Vocabulary

VOCABULARY = Vocabulary.from_references([("A", "B", "C")])
SEQUENCES = [(), (2,), (3,), (2, 3, 4), (2, 3), (4, 4, 4, 4, 2), (3,)]


@pytest.fixture
def model() -> C2st:
    """A transducer without an encoder: it has a context and an output layer with a bias."""
    torch.manual_seed(3)
    config = LstmConfig(width=8)
    context = build_lstm(config, len(VOCABULARY), 6, VOCABULARY)
    for weight in context.parameters():
        nn.init.normal_(weight)
    output = OutputLayer(dim=6, vocabulary=len(VOCABULARY), normalised=False)
    nn.init.normal_(output.bias)
    found = C2st(
        encoder=None, context=context, output=output, heads=nn.ModuleDict(), topology="rnnt", dropout=0.5
    )
    return found.eval()


def built(model, **options):
    return build(InternalConfig(**options), vocabulary=VOCABULARY, model=model, text=no_text())


def by_definition(model: C2st, tokens: tuple[int, ...], scale: float) -> float:
    """log softmax over W (scale b_u) + bias of all but the blank, summed."""
    context = model.context(
        torch.tensor([tokens], dtype=torch.long).reshape(1, -1), torch.tensor([len(tokens)])
    )
    logits = scale * context[0] @ model.output.weight.T + model.output.bias
    log_p = logits[:, 1:].log_softmax(1)
    return sum(float(log_p[place, token - 1]) for place, token in enumerate(tokens))


@pytest.mark.parametrize("scale", [1.0, 0.3, 0.0])
def test_a_sum_is_that_of_the_context_alone(model, scale):
    scorer = built(model, scale=scale)
    for tokens in SEQUENCES:
        with torch.no_grad():
            expected = by_definition(model, tokens, scale)
        assert total(scorer, tokens) == pytest.approx(expected, abs=1e-5)


def test_rows_sum_to_one_without_the_blank_and_no_end_is_scored(model):
    scorer = built(model)
    states = scorer.advance(np.array([scorer.start] * 3), np.array([2, 3, 4]))
    rows = scorer.rows(states).astype(float)
    assert np.exp(rows[:, 1:]).sum(axis=1) == pytest.approx(np.ones(3), abs=1e-6)
    assert rows[:, 0].tolist() == [0.0, 0.0, 0.0]
    assert scorer.ends(states).tolist() == [0.0, 0.0, 0.0]


def test_equal_histories_are_one_state(model):
    scorer = built(model)
    first = scorer.advance(np.array([scorer.start] * 2), np.array([2, 2]))
    again = scorer.advance(np.array([scorer.start]), np.array([2]))
    assert first[0] == first[1] == again[0] != scorer.start


def test_many_histories_are_forgotten_between_searches(model, monkeypatch):
    scorer = built(model)
    assert isinstance(scorer, ForgetsStates)
    before = StepwiseRescorer(scorer).totals(SEQUENCES)
    size = scorer._tree.links.size
    scorer.forget()
    assert scorer._tree.links.size == size > 2
    monkeypatch.setattr("signkit.decode.external.internal.MAX_STATES", size - 1)
    scorer.forget()
    assert scorer._tree.links.size == 2
    assert StepwiseRescorer(scorer).totals(SEQUENCES).tolist() == before.tolist()


def test_a_scale_left_open_is_the_contexts(model):
    """What is subtracted is what was added; one that is named stays."""
    for given, expected in ((None, 0.3), (0.7, 0.7)):
        parts = InternalConfig(scale=given), InternalConfig(scale=given, weight=0.5)
        decode = LatticeConfig(context_scale=0.3, fusion=parts[:1], rescore=parts[1:])
        external = build_external(decode, vocabulary=VOCABULARY, model=model, text=no_text())
        named = StepwiseRescorer(built(model, scale=expected)).totals(SEQUENCES).tolist()
        assert StepwiseRescorer(external.fusion[0].scorer).totals(SEQUENCES).tolist() == named
        assert external.rescorers[0][0].totals(SEQUENCES).tolist() == named


def test_padding_and_many_at_once_change_little(model, monkeypatch):
    scorer = built(model)
    states = []
    for tokens in SEQUENCES:
        state = np.array([scorer.start])
        for token in tokens:
            state = scorer.advance(state, np.array([token]))
        states += state.tolist()
    asked = np.array(states)
    rows = scorer.rows(asked)
    alone = np.concatenate([scorer.rows(asked[i : i + 1]) for i in range(len(asked))])
    np.testing.assert_allclose(rows, alone, atol=1e-6)
    monkeypatch.setattr("signkit.decode.external.internal.BATCH", 2)
    np.testing.assert_allclose(rows, scorer.rows(asked), atol=1e-6)
    assert rows.shape == (len(asked), len(VOCABULARY)) and rows.dtype == np.float32
    assert scorer.rows(asked[:0]).shape == (0, len(VOCABULARY))


def test_weights_that_change_are_followed(model):
    scorer = built(model)
    before = scorer.rows(np.array([scorer.start]))
    with torch.no_grad():
        model.output.bias[2] += 5
    assert scorer.rows(np.array([scorer.start]))[0, 2] > before[0, 2]


def test_subtracting_takes_the_contexts_preference_out(model):
    """Where the frames say nothing, the context decides alone; less its own model, it does not."""
    acoustic = torch.zeros(1, 1, len(VOCABULARY)) + model.output.bias.detach()
    acoustic[0, 0, 0] = -20.0
    scorer = built(model)

    def scores(*fusion: Fused) -> dict[tuple[int, ...], float]:
        found = beam_search(
            acoustic,
            torch.tensor([1]),
            model.last_context_logits,
            topology="monotonic",
            beam=8,
            nbest=8,
            fusion=fusion,
        )
        return {c.tokens: c.score for c in found[0] if c.tokens}

    plain, without = scores(), scores(Fused(scorer, -1.0))
    assert max(plain.values()) - min(plain.values()) > 0.5
    assert max(without.values()) - min(without.values()) < 1e-5


def test_a_recogniser_without_context_has_none():
    class Free:
        context_free = True

    assert message(lambda: built(Free()), UserError) == (
        "decode.fusion: `internal` is the language model in a recogniser's context, and this recogniser "
        "has none; leave it out"
    )


def test_laws(model):
    """Of a context that is read one gloss back, where company changes no bit."""

    class Last(nn.Module):
        context_free, topology, encoder = False, "rnnt", None

        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Parameter(torch.randn(5, 5, generator=torch.Generator().manual_seed(1)))

        def last_context_logits(self, history, lengths):
            padded = torch.cat([torch.zeros(len(history), 1, dtype=torch.long), history], dim=1)
            return self.table[padded[torch.arange(len(history)), lengths]]

        def context_logits(self, history, lengths):
            padded = torch.cat([torch.zeros(len(history), 1, dtype=torch.long), history], dim=1)
            return self.table[padded] + 1.0

    check_laws(built(Last()), len(VOCABULARY), SEQUENCES)
