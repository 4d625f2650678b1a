"""From batches to hypotheses: options that reach the search, confidences, scores that are no numbers."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import torch
from tiny import C2ST, CTC, write_corpus, write_recipe

from signkit.config.recipe_file import load_recipe
from signkit.data.batch import Batch
from signkit.data.loader import eval_batches
from signkit.decode.configs import LatticeConfig
from signkit.decode.lattice import find, hypotheses, recognise
from signkit.decode.scorer import Fused
from signkit.errors import OperationalError, UserError
from signkit.train.setup import Prepared, prepare

Ints = npt.NDArray[np.int64]


@pytest.fixture(scope="module", params=[C2ST, CTC], ids=["c2st", "ctc"])
def prepared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("recognise")
    path = write_recipe(folder / "tiny.yaml", write_corpus(folder / "corpus"), request.param)
    return prepare(load_recipe(str(path)))


def batches(prepared: Prepared) -> Iterator[Batch]:
    return eval_batches(prepared.datasets["dev"], 3)


class Constant:
    """A scorer that says the same of every token; one state."""

    start = 0

    def __init__(self, value: float, width: int) -> None:
        self.value, self.width = value, width

    def advance(self, states: Ints, tokens: Ints) -> Ints:
        return np.zeros_like(states)

    def rows(self, states: Ints) -> npt.NDArray[np.float32]:
        return np.full((len(states), self.width), self.value, dtype=np.float32)

    def ends(self, states: Ints) -> npt.NDArray[np.float64]:
        return np.zeros(len(states))


def test_greedy_search_of_the_same_logits(prepared: Prepared) -> None:
    """To the bit what it finds alone, whatever stands beside the beam; the encoder runs once a batch."""
    config = LatticeConfig(beam=4, acoustic_scale=0.7, length_reward=0.3, temperature=2.0)
    fusion = [Fused(Constant(0.5, len(prepared.vocabulary)), 2.0)]
    alone = find(prepared.model, batches(prepared), config.greedy())
    beam = find(prepared.model, batches(prepared), config, fusion=fusion)
    ran: list[int] = []
    hook = prepared.model.register_forward_hook(lambda *_: ran.append(1))
    both = find(prepared.model, batches(prepared), config, fusion=fusion, with_greedy=True)
    hook.remove()
    assert len(ran) == len([*batches(prepared)]) > 1
    assert {name: [each.greedy] for name, each in both.items()} == {
        name: each.candidates for name, each in alone.items()
    }
    assert {name: replace(each, greedy=None) for name, each in both.items()} == beam


def test_a_constant_scorer_is_a_length_reward(prepared: Prepared) -> None:
    config = LatticeConfig(beam=6)
    fusion = [Fused(Constant(0.5, len(prepared.vocabulary)), 2.0)]
    fused = recognise(prepared.model, batches(prepared), prepared.vocabulary, config, fusion=fusion)
    rewarded = recognise(
        prepared.model, batches(prepared), prepared.vocabulary, replace(config, length_reward=1.0)
    )
    assert {i: h.tokens for i, h in fused.items()} == {i: h.tokens for i, h in rewarded.items()}
    for name, best in fused.items():
        assert best.score == pytest.approx(rewarded[name].score, abs=1e-6)


def test_scorers_may_forget_between_searches(prepared: Prepared) -> None:
    class Counting(Constant):
        forgotten = 0

        def forget(self) -> None:
            self.forgotten += 1

    scorer = Counting(0.5, len(prepared.vocabulary))
    find(prepared.model, batches(prepared), LatticeConfig(beam=2), fusion=[Fused(scorer, 1.0)])
    assert scorer.forgotten == len([*batches(prepared)]) == 2


def test_a_rescorer_changes_the_order_only(prepared: Prepared) -> None:
    class Longest:
        def totals(self, sequences: list[tuple[int, ...]]) -> npt.NDArray[np.float64]:
            return np.array([float(len(each)) for each in sequences])

    config = LatticeConfig(beam=6, nbest=6)
    plain = find(prepared.model, batches(prepared), config)
    again = find(prepared.model, batches(prepared), config, rescorers=[(Longest(), 100.0)])
    for name, each in plain.items():
        before, after = each.candidates, again[name].candidates
        assert sorted(c.tokens for c in before) == sorted(c.tokens for c in after)
        lengths = [len(c.tokens) for c in after]
        assert lengths == sorted(lengths, reverse=True)
        scores = {c.tokens: c.score for c in before}
        assert all(c.score == pytest.approx(scores[c.tokens] + 100 * len(c.tokens)) for c in after)


def test_the_acoustic_scale_is_a_factor_of_the_logits(prepared: Prepared) -> None:
    """As if the encoder had given these."""
    model = prepared.model
    config = LatticeConfig(beam=6, context_scale=0.0)
    scaled = recognise(model, batches(prepared), prepared.vocabulary, replace(config, acoustic_scale=0.5))
    with torch.no_grad():
        before = {name: tensor.clone() for name, tensor in model.output.state_dict().items()}
        for tensor in model.output.state_dict().values():
            tensor.mul_(0.5)
        halved = recognise(model, batches(prepared), prepared.vocabulary, config)
        model.output.load_state_dict(before)
    assert {i: h.tokens for i, h in scaled.items()} == {i: h.tokens for i, h in halved.items()}


@pytest.mark.parametrize("beam", [1, 6])
def test_confidences(prepared: Prepared, beam: int) -> None:
    """One a token, from 0 to 1; a high temperature makes every voter count the same."""
    config = LatticeConfig(beam=beam, nbest=min(beam, 2))
    found = find(prepared.model, batches(prepared), config)
    for temperature in (0.1, 1.0, 100.0):
        for name, best in hypotheses(found, prepared.vocabulary, config, temperature).items():
            assert len(best.others) == len(found[name].candidates[1 : config.nbest])
            assert len(best.confidences) == len(best.tokens)
            assert all(0 <= sure <= 1 for sure in best.confidences)
            assert all(other.confidences == () for other in best.others)


def test_greedy_search_takes_nothing_beside(prepared: Prepared) -> None:
    config = LatticeConfig(beam=1)
    fusion = [Fused(Constant(0.0, len(prepared.vocabulary)), 1.0)]
    with pytest.raises(UserError) as caught:
        recognise(prepared.model, batches(prepared), prepared.vocabulary, config, fusion=fusion)
    assert str(caught.value) == (
        "decode.beam: is 1, greedy search, which has no place for decode.fusion and decode.rescore; "
        "a wider beam, such as 8, or none of them"
    )
    assert LatticeConfig(beam=8, nbest=4, temperature=2.0, context_scale=0.5).greedy() == LatticeConfig(
        beam=1, context_scale=0.5
    )


def test_a_scorer_that_gives_no_numbers(prepared: Prepared) -> None:
    fusion = [Fused(Constant(float("nan"), len(prepared.vocabulary)), 1.0)]
    with pytest.raises(OperationalError, match=r"^decode.fusion or decode.rescore: .*\(Constant\)"):
        recognise(
            prepared.model, batches(prepared), prepared.vocabulary, LatticeConfig(beam=2), fusion=fusion
        )


def test_a_model_that_gives_no_numbers(prepared: Prepared) -> None:
    bias = prepared.model.output.bias
    before = bias.detach().clone()
    with torch.no_grad():
        bias[2] = float("nan")
    with pytest.raises(OperationalError) as caught:
        recognise(prepared.model, batches(prepared), prepared.vocabulary, LatticeConfig())
    with torch.no_grad():
        bias.copy_(before)
    what = "the model's scores are not numbers; its weights have diverged or are damaged"
    assert str(caught.value).startswith("sample 'dev") and str(caught.value).endswith(f"': {what}")
