"""The search of an attention decoder, against the enumeration of all texts."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from signkit.decode.attention import attention_search
from signkit.decode.configs import AttentionSearchConfig
from signkit.decode.ctc_prefix import Prefixes
from signkit.decode.scorer import Fused
from signkit.decode.token_places import rising_places
from signkit.models.attention import AttentionModel, Encoded
from signkit.models.text_decoder import TextDecoder

VOCAB, FEATURES, LONGEST = 4, 6, 3
CONFIG = AttentionSearchConfig(beam=60, nbest=60, longest=LONGEST, length_norm=0.0, ctc_weight=0.0)
LENGTHS = torch.tensor([6, 4])


def model(seed: int = 1, vocab: int = VOCAB) -> AttentionModel:
    torch.manual_seed(seed)
    sizes = dict(width=8, layers=2, heads=2, feed_forward=16, dropout=0.0)
    net = TextDecoder(vocab, FEATURES, **sizes)
    torch.nn.init.normal_(net.output.weight, std=1.5)
    return AttentionModel(encoder=None, decoder=net, backwards=None, output=None, noise=0.0).eval()


def encoded(seed: int = 2, ctc: bool = False, lengths: torch.Tensor = LENGTHS) -> Encoded:
    generator = torch.Generator().manual_seed(seed)
    size = int(lengths.max())
    features = torch.randn(len(lengths), size, FEATURES, generator=generator)
    logits = 2 * torch.randn(len(lengths), size, VOCAB, generator=generator)
    nothing = torch.zeros(len(lengths))
    return Encoded(features, lengths, torch.arange(size), nothing, logits if ctc else None)


def exact(net: AttentionModel, of: Encoded, clip: int) -> dict[tuple[int, ...], float]:
    """log P of every text of at most `LONGEST` tokens by the decoder, its end included."""
    mask = torch.arange(of.features.shape[1]) < of.lengths[clip]
    memory = net.decoder.memory(of.features[clip : clip + 1], mask[None])
    found = {}
    for length in range(LONGEST + 1):
        for text in itertools.product(range(1, VOCAB), repeat=length):
            tokens = torch.tensor([text], dtype=torch.long).reshape(1, -1)
            log = net.decoder(tokens, memory).double().log_softmax(2)[0]
            path = (*text, 0)
            found[text] = sum(log[place, token].item() for place, token in enumerate(path))
    return found


def ctc_exact(of: Encoded, clip: int, text: tuple[int, ...]) -> float:
    assert of.ctc is not None
    log_p = of.ctc[clip : clip + 1].double().log_softmax(2)
    state = Prefixes.empty(log_p, of.lengths[clip : clip + 1], 1)
    for token in text:
        state = state.chosen(torch.tensor([[0]]), torch.tensor([[token]]))
    return state.ended().item()


class Bigrams:
    """A `Scorer` of pairs of tokens: log P of a token after another; a state is the last token."""

    start = 0

    def __init__(self) -> None:
        self.table = np.log(np.random.default_rng(5).dirichlet(np.ones(VOCAB), VOCAB)).astype(np.float32)

    def advance(self, states, tokens):
        return tokens

    def rows(self, states):
        return self.table[states]

    def ends(self, states):
        return self.table[states, 0].astype(np.float64)


def search(*args, **options):
    with torch.no_grad():
        return attention_search(*args, **options)


def test_a_wide_beam_finds_every_text_with_its_score() -> None:
    net, of = model(), encoded()
    for clip, found in enumerate(search([net], [of], CONFIG)):
        expected = exact(net, of, clip)
        assert {each.tokens for each in found} == set(expected)
        for each in found:
            assert math.isclose(each.score, expected[each.tokens], abs_tol=1e-4)
        assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)


def test_ctc_takes_part() -> None:
    net, of = model(), encoded(ctc=True)
    config = replace(CONFIG, ctc_weight=0.4)
    for clip, found in enumerate(search([net], [of], config)):
        expected = exact(net, of, clip)
        for each in found:
            both = 0.6 * expected[each.tokens] + 0.4 * ctc_exact(of, clip, each.tokens)
            assert math.isclose(each.score, both, abs_tol=1e-4)
    alone = search([net], [of], replace(CONFIG, ctc_weight=1.0))
    for clip, found in enumerate(alone):
        for each in found:
            assert math.isclose(each.score, ctc_exact(of, clip, each.tokens), abs_tol=1e-9)


def test_external_models_and_rewards_take_part() -> None:
    net, of, bigrams = model(), encoded(), Bigrams()
    config = replace(CONFIG, length_reward=0.7)
    for clip, found in enumerate(search([net], [of], config, fusion=[Fused(bigrams, 0.5)])):
        expected = exact(net, of, clip)
        for each in found:
            pairs = zip((0, *each.tokens), (*each.tokens, 0), strict=True)
            text = sum(float(bigrams.table[pair]) for pair in pairs)
            wanted = expected[each.tokens] + 0.5 * text + 0.7 * len(each.tokens)
            assert math.isclose(each.score, wanted, abs_tol=1e-4)


def test_lengths_are_normalised() -> None:
    net, of = model(), encoded()
    plain, normed = (search([net], [of], replace(CONFIG, length_norm=norm)) for norm in (0.0, 1.0))
    scores = {each.tokens: each.score for each in plain[0]}
    for each in normed[0]:
        assert math.isclose(each.score, scores[each.tokens] / ((5 + len(each.tokens) + 1) / 6), abs_tol=1e-9)


def test_probabilities_of_an_ensemble_are_averaged() -> None:
    nets, of = [model(1), model(7)], [encoded(2), encoded(3)]
    (first, *_), _ = search(nets, of, CONFIG)
    log = 0.0
    for place, token in enumerate((*first.tokens, 0)):
        p = 0.0
        for net, each in zip(nets, of, strict=True):
            memory = net.decoder.memory(each.features[:1], torch.ones(1, 6, dtype=torch.bool))
            tokens = torch.tensor([first.tokens[:place]], dtype=torch.long).reshape(1, -1)
            p += net.decoder(tokens, memory).double().softmax(2)[0, place, token].item() / 2
        log += math.log(p)
    assert math.isclose(first.score, log, abs_tol=1e-4)


@pytest.mark.parametrize("beam", [1, 2, 5])
def test_a_clip_has_the_same_texts_alone(beam: int) -> None:
    net, of = model(), encoded(ctc=True)
    config = replace(CONFIG, beam=beam, nbest=1, ctc_weight=0.3)
    together = search([net], [of], config)
    for clip, length in enumerate(LENGTHS.tolist()):
        assert of.ctc is not None
        one = Encoded(
            of.features[clip : clip + 1, :length],
            of.lengths[clip : clip + 1],
            of.centres[:length],
            of.auxiliary[clip : clip + 1],
            of.ctc[clip : clip + 1, :length],
        )
        (alone,) = search([net], [one], config)
        assert [each.tokens for each in alone] == [each.tokens for each in together[clip]]
        for one_of, other in zip(alone, together[clip], strict=True):
            assert math.isclose(one_of.score, other.score, abs_tol=1e-5)
            assert one_of.chunks == other.chunks


def test_greedy_search_takes_the_best_token_each_time_and_is_as_sure() -> None:
    net, of = model(), encoded()
    for clip, (found,) in enumerate(search([net], [of], CONFIG.greedy())):
        mask = torch.arange(6) < of.lengths[clip]
        memory = net.decoder.memory(of.features[clip : clip + 1], mask[None])
        tokens: list[int] = []
        shares = []
        while len(tokens) < LONGEST:
            history = torch.tensor([tokens], dtype=torch.long).reshape(1, -1)
            p = net.decoder(history, memory)[0, -1].double().softmax(0)
            if p.argmax() == 0:
                break
            tokens.append(int(p.argmax()))
            shares.append(p.max().item())
        assert found.tokens == tuple(tokens)
        assert found.confidences == pytest.approx(shares, abs=1e-5)
        assert list(found.chunks) == sorted(found.chunks)
        assert all(chunk < of.lengths[clip] for chunk in found.chunks)


def test_what_external_models_forbid_is_not_found() -> None:
    class Nothing(Bigrams):
        def __init__(self) -> None:
            self.table = np.full((VOCAB, VOCAB), -np.inf, dtype=np.float32)

    (first, *rest), _ = search([model()], [encoded()], CONFIG, fusion=[Fused(Nothing(), 1.0)])
    assert not rest
    assert (first.tokens, first.score) == ((), -math.inf)


def test_places_never_go_back_and_are_the_best_of_these() -> None:
    generator = torch.Generator().manual_seed(4)
    scores = torch.randn(5, 3, 4, generator=generator).double()
    lengths = torch.tensor([3, 3, 2, 1, 3])
    found = rising_places(scores, lengths)
    for text, length in enumerate(lengths.tolist()):
        paths = [p for p in itertools.product(range(4), repeat=length) if list(p) == sorted(p)]
        sums = {p: sum(scores[text, u, s].item() for u, s in enumerate(p)) for p in paths}
        assert tuple(found[text, :length].tolist()) == max(sums, key=sums.__getitem__)


def test_times_are_those_of_ctc_where_it_takes_part() -> None:
    logits = torch.full((1, 6, VOCAB), -9.0)
    logits[0, :, 0] = 0.0
    for frame, token in ((1, 2), (4, 3)):
        logits[0, frame, token] = 9.0
    of = Encoded(torch.zeros(1, 6, FEATURES), torch.tensor([6]), torch.arange(6), torch.zeros(1), logits)
    ((first, *_),) = search([model()], [of], replace(CONFIG, ctc_weight=0.9))
    assert (first.tokens, first.chunks) == ((2, 3), (1, 4))
