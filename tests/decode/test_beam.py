"""Beam search against enumeration of every path, and against a plain CTC prefix beam search."""

import inspect
import math
from typing import Any

import numpy as np
import pytest
import torch
from slow_search import INF, RandomRows, enumerate_paths, plain_beam

from signkit.decode import Candidate, beam_search, checks, constant_context_logits, greedy_search
from signkit.decode.context_logits import checked_context_logits
from signkit.decode.single import single_search

TOPOLOGIES = ("ctc", "monotonic", "rnnt")


def logits(*shape, seed=0, scale=2.0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape) * scale)


@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize("scale", [1.0, 0.3])
def test_wide_beam_equals_enumeration(topology, scale):
    rows, lengths = RandomRows(3, seed=5), torch.tensor([4, 2, 3] if topology != "rnnt" else [3, 2, 1])
    acoustic = logits(3, 4, 3, seed=1)
    found = beam_search(
        acoustic,
        lengths,
        rows,
        topology=topology,
        beam=200,
        nbest=200,
        top_k=3,
        context_scale=scale,
        max_symbols=2,
    )
    for candidates, a, length in zip(found, acoustic, lengths.tolist(), strict=True):
        exact = enumerate_paths(a[:length], rows.row, topology, 2, scale)
        assert {c.tokens for c in candidates} == set(exact)
        for c in candidates:
            assert math.isclose(c.score, exact[c.tokens], abs_tol=1e-9)
        assert (
            math.isclose(sum(math.exp(c.score) for c in candidates), 1.0, abs_tol=1e-9) or topology == "rnnt"
        )
        assert [c.score for c in candidates] == sorted((c.score for c in candidates), reverse=True)
    assert len(set(rows.asked)) == len(rows.asked), "a history was asked for twice"


def test_rnnt_of_one_symbol_a_chunk_is_not_monotonic():
    rows, acoustic = RandomRows(3, seed=2), logits(1, 3, 3)
    options = dict(beam=50, top_k=3, max_symbols=1)
    rnnt = beam_search(acoustic, torch.tensor([3]), rows, topology="rnnt", **options)[0][0]
    assert math.isclose(
        rnnt.score, enumerate_paths(acoustic[0], rows.row, "rnnt", 1)[rnnt.tokens], abs_tol=1e-9
    )
    monotonic = beam_search(acoustic, torch.tensor([3]), rows, topology="monotonic", **options)[0][0]
    assert monotonic.score > rnnt.score


@pytest.mark.parametrize("beam", range(1, 9))
def test_constant_row_is_ctc_prefix_beam_search(beam):
    row, acoustic, lengths = logits(6, seed=9), logits(4, 9, 6, seed=beam), torch.tensor([9, 5, 1, 7])
    found = beam_search(acoustic, lengths, constant_context_logits(row), beam=beam, nbest=beam, top_k=6)
    for candidates, a, length in zip(found, acoustic, lengths.tolist(), strict=True):
        frames = (a[:length] + row).log_softmax(1).tolist()
        expected = plain_beam([lambda history, frame=frame: frame for frame in frames], beam)
        assert [c.tokens for c in candidates] == [tokens for tokens, _ in expected]
        np.testing.assert_allclose([c.score for c in candidates], [s for _, s in expected], rtol=0, atol=1e-9)


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_constant_rows_equal_the_same_row_given_for_every_history(topology):
    row, acoustic, lengths = logits(30, seed=9), logits(3, 12, 30, seed=4), torch.tensor([12, 12, 4])
    options = dict(topology=topology, beam=5, nbest=5, top_k=4, length_reward=0.5)
    constant = beam_search(acoustic, lengths, constant_context_logits(row), **options)
    called = beam_search(acoustic, lengths, lambda labels, n: row.expand(len(n), -1), **options)
    for one, other in zip(constant, called, strict=True):
        assert [(c.tokens, c.chunks) for c in one] == [(c.tokens, c.chunks) for c in other]
        np.testing.assert_allclose([c.score for c in one], [c.score for c in other], rtol=0, atol=1e-12)


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_three_times_the_beam_is_as_good_as_all_glosses(topology):
    rows, acoustic, lengths = RandomRows(40), logits(4, 10, 40, scale=0.7), torch.tensor([10, 10, 9, 3])
    some = beam_search(acoustic, lengths, rows, topology=topology, beam=4, nbest=4, top_k=12)
    assert some == beam_search(acoustic, lengths, rows, topology=topology, beam=4, nbest=4, top_k=1000)
    few = beam_search(acoustic, lengths, rows, topology=topology, beam=4, nbest=4, top_k=1)
    assert few != some


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_length_reward_is_added_for_each_gloss(topology):
    rows, acoustic, lengths = RandomRows(3), logits(1, 3, 3), torch.tensor([3])
    options = dict(topology=topology, beam=300, nbest=300, top_k=3, max_symbols=2)
    plain = {c.tokens: c.score for c in beam_search(acoustic, lengths, rows, **options)[0]}
    rewarded = beam_search(acoustic, lengths, rows, length_reward=0.7, **options)[0]
    for c in rewarded:
        assert math.isclose(c.score, plain[c.tokens] + 0.7 * len(c.tokens), abs_tol=1e-9)


@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize("nbest", [1, 3])
def test_nbest_is_the_head_of_the_beam(topology, nbest):
    rows, acoustic, lengths = RandomRows(5), logits(3, 6, 5), torch.tensor([6, 1, 4])
    full = beam_search(acoustic, lengths, rows, topology=topology, beam=6, nbest=6)
    assert beam_search(acoustic, lengths, rows, topology=topology, beam=6, nbest=nbest) == [
        c[:nbest] for c in full
    ]
    for candidates in full:
        assert len({c.tokens for c in candidates}) == len(candidates)
        assert all(len(c.chunks) == len(c.tokens) for c in candidates)


def peaked(*symbols, vocab=5):
    """Logits that leave no doubt."""
    return torch.nn.functional.one_hot(torch.tensor(symbols), vocab).double() * 50


@pytest.mark.parametrize(
    ("topology", "tokens", "chunks"),
    [("ctc", (3, 3, 4, 1), (1, 4, 5, 6)), ("monotonic", (3, 3, 3, 4, 1, 1), (1, 2, 4, 5, 6, 7))],
)
def test_times_are_the_chunks_of_first_emission(topology, tokens, chunks):
    acoustic = peaked(0, 3, 3, 0, 3, 4, 1, 1, 0)[None]
    found = beam_search(
        acoustic, torch.tensor([9]), constant_context_logits(torch.zeros(5).double()), topology=topology
    )
    assert (found[0][0].tokens, found[0][0].chunks) == (tokens, chunks)
    assert abs(found[0][0].score) < 1e-9


def test_rnnt_emits_several_labels_on_one_chunk():
    turns = {(): 3, (3,): 1, (3, 1): 0, (3, 1, 2): 0}

    def rows(labels, lengths):
        histories = [tuple(y[:n]) for y, n in zip(labels.tolist(), lengths.tolist(), strict=True)]
        return torch.cat([peaked(turns.get(history, 0)) for history in histories])

    found = beam_search(torch.zeros(1, 4, 5).double(), torch.tensor([4]), rows, topology="rnnt")
    assert (found[0][0].tokens, found[0][0].chunks) == ((3, 1), (0, 0))


@pytest.mark.parametrize(("topology", "most"), [("ctc", 12), ("monotonic", 12), ("rnnt", 12 * 5)])
def test_one_call_of_rows_a_step(topology, most):
    rows = RandomRows(50)
    beam_search(logits(5, 12, 50), torch.tensor([12, 3, 7, 12, 1]), rows, topology=topology, beam=6)
    assert len(rows.sizes) <= most
    assert rows.sizes[0] == 1, "the empty history is shared by the batch"


def test_constant_rows_are_not_called():
    class Refuses(type(constant_context_logits(torch.zeros(4)))):
        def __call__(self, labels, lengths):
            raise AssertionError("called")

    assert len(beam_search(logits(2, 3, 4), torch.tensor([3, 3]), Refuses(torch.zeros(4).double()))) == 2


def test_rows_forgotten_for_want_of_room_are_asked_for_again():
    rows, acoustic, lengths = RandomRows(8), logits(1, 12, 8), torch.tensor([12])
    alone = beam_search(acoustic, lengths, rows, topology="rnnt", beam=4, nbest=4)
    assert len(rows.asked) > len(set(rows.asked))
    roomy = RandomRows(8)  # the room grows with the batch, what is needed does not
    many = acoustic.expand(50, -1, -1)
    assert beam_search(many, lengths.expand(50), roomy, topology="rnnt", beam=4, nbest=4) == alone * 50
    assert len(roomy.asked) == len(set(roomy.asked))


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_ties_go_to_the_lower_token_whatever_the_batch(topology):
    acoustic, lengths = torch.zeros(3, 3, 5), torch.tensor([1, 3, 1])
    found = beam_search(
        acoustic, lengths, constant_context_logits(torch.zeros(5)), topology=topology, beam=4, nbest=4
    )
    assert found[0] == found[2]
    tokens = [c.tokens for c in found[0]]
    assert tokens == [(), (1,), (2,), (3,)]


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_impossible_labels(topology):
    acoustic = logits(2, 3, 4)
    acoustic[0, :, 1:] = -INF
    acoustic[1, :, 2] = -INF
    found = beam_search(acoustic, torch.tensor([3, 3]), RandomRows(4), topology=topology, beam=8, nbest=8)
    assert [c.tokens for c in found[0]] == [()]
    assert len(found[1]) == 8 and all(2 not in c.tokens and c.score > -INF for c in found[1])


def test_nothing_is_possible():
    acoustic = torch.tensor([[[0.0, -INF, -INF]]])
    row = torch.tensor([-INF, 0.0, 0.0])
    nothing = [[Candidate(tokens=(), score=-INF, chunks=())]]
    assert beam_search(acoustic, torch.tensor([1]), constant_context_logits(row)) == nothing
    assert beam_search(acoustic, torch.tensor([1]), lambda labels, n: row.expand(len(n), -1)) == nothing


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_short_inputs(topology):
    rows, options = RandomRows(3), dict(topology=topology, beam=50, nbest=50, max_symbols=1)
    assert beam_search(logits(1, 0, 3), torch.tensor([0]), rows, **options) == [[Candidate((), 0.0, ())]]
    assert beam_search(logits(0, 2, 3), torch.tensor([], dtype=torch.long), rows, **options) == []
    found = beam_search(logits(2, 1, 3), torch.tensor([1, 0]), rows, **options)
    assert {c.tokens for c in found[0]} == {(), (1,), (2,)}
    assert found[1] == [Candidate((), 0.0, ())]


def test_another_blank():
    order = [3, 0, 1, 2]  # where each index goes when the blank is the last one
    acoustic, lengths = logits(2, 5, 4), torch.tensor([5, 4])
    first = beam_search(acoustic, lengths, constant_context_logits(torch.zeros(4).double()), nbest=4)
    moved = beam_search(
        acoustic[..., [1, 2, 3, 0]],
        lengths,
        constant_context_logits(torch.zeros(4).double()),
        nbest=4,
        blank=3,
    )
    for a, b in zip(first, moved, strict=True):
        assert [tuple(order[t] for t in c.tokens) for c in a] == [c.tokens for c in b]
        np.testing.assert_allclose([c.score for c in a], [c.score for c in b], atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_lower_precision(dtype):
    acoustic = (logits(2, 6, 5) * 8).round() / 8
    found = beam_search(acoustic.to(dtype), torch.tensor([6, 5]), constant_context_logits(torch.zeros(5)))
    exact = beam_search(acoustic, torch.tensor([6, 5]), constant_context_logits(torch.zeros(5).double()))
    for a, b in zip(found, exact, strict=True):
        assert a[0].tokens == b[0].tokens and math.isclose(a[0].score, b[0].score, abs_tol=1e-4)


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_wide_beam_score_is_the_loss(topology):
    cst = pytest.importorskip("signkit.models.losses.cst")
    rows, acoustic, lengths = RandomRows(4, seed=3), logits(3, 4, 4, seed=6), torch.tensor([4, 3, 4])
    found = beam_search(acoustic, lengths, rows, topology=topology, beam=700, max_symbols=6)
    best = [c[0] for c in found]
    longest = max(len(c.tokens) for c in best)
    targets = torch.tensor([[*c.tokens, *[0] * (longest - len(c.tokens))] for c in best])
    context = torch.stack(
        [torch.stack([rows.row(c.tokens[: min(u, len(c.tokens))]) for u in range(longest + 1)]) for c in best]
    )
    target_lengths = torch.tensor([len(c.tokens) for c in best])
    loss = cst.cst_loss(acoustic, context, targets, lengths, target_lengths, topology=topology)
    np.testing.assert_allclose([-c.score for c in best], loss.tolist(), rtol=0, atol=1e-9)


@pytest.mark.parametrize("value", [float("nan"), INF])
def test_faulty_logits_are_named(value):
    acoustic = logits(3, 4, 5)
    acoustic[2, 1, 3] = value
    with pytest.raises(
        ValueError, match=r"^row 2 of the batch has NaN or \+inf in chunk 1, or no possible label$"
    ):
        beam_search(acoustic, torch.tensor([4, 4, 2]), constant_context_logits(torch.zeros(5)))
    assert len(beam_search(acoustic, torch.tensor([4, 4, 1]), constant_context_logits(torch.zeros(5)))) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"topology": "lattice"}, "unknown topology 'lattice'; known: ctc, monotonic, rnnt"),
        ({"beam": 2, "nbest": 3}, "need 1 <= nbest <= beam and top_k >= 1, not nbest 3, beam 2, top_k 32"),
        ({"top_k": 0}, "need 1 <= nbest <= beam and top_k >= 1, not nbest 1, beam 8, top_k 0"),
        ({"blank": 5}, "blank 5 is not in a vocabulary of 5, or nothing else is"),
        ({"max_symbols": 0}, "need max_symbols >= 1 and context_scale >= 0, not 0 and 1.0"),
        ({"context_scale": -1.0}, "need max_symbols >= 1 and context_scale >= 0, not 4 and -1.0"),
    ],
)
def test_options_out_of_range(options, message):
    with pytest.raises(ValueError) as error:
        beam_search(logits(1, 2, 5), torch.tensor([2]), constant_context_logits(torch.zeros(5)), **options)
    assert str(error.value) == message


def test_lengths_and_rows_that_do_not_fit():
    acoustic = logits(2, 3, 5)
    with pytest.raises(ValueError, match=r"^row 1 of the batch has length 4, which is not from 0 to 3$"):
        beam_search(acoustic, torch.tensor([3, 4]), constant_context_logits(torch.zeros(5)))
    with pytest.raises(ValueError, match=r"^context rows have the shape \[1, 4\], not \[1, 5\]$"):
        beam_search(acoustic, torch.tensor([3, 3]), constant_context_logits(torch.zeros(4)))
    row = torch.full((5,), float("nan"))
    with pytest.raises(ValueError, match=r"^a context row holds NaN or \+inf, or forbids every label$"):
        beam_search(acoustic, torch.tensor([3, 3]), lambda labels, n: row.expand(len(n), -1))


@pytest.mark.parametrize("search", [beam_search, greedy_search, single_search])
@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (
            {"acoustic": [[[0.0, 1.0]]]},
            TypeError,
            "acoustic must be a tensor or an array [batch, chunks, vocab], not a list",
        ),
        (
            {"acoustic": np.array([[["a", "b"]]])},
            TypeError,
            "acoustic must be numbers, not <U1",
        ),
        ({"acoustic": torch.zeros(2, 3)}, ValueError, "acoustic must be [batch, chunks, vocab], not [2, 3]"),
        ({"lengths": [2]}, ValueError, "lengths must be one for each of the 2 rows, not [1]"),
        ({"lengths": 2}, ValueError, "lengths must be one for each of the 2 rows, not []"),
        ({"lengths": [2.7, 3.0]}, TypeError, "lengths must be whole numbers, not torch.float32"),
        ({"lengths": ["2", "3"]}, TypeError, "lengths must be whole numbers [batch], not ['2', '3']"),
        (
            {"context": torch.zeros(1, 4)},
            TypeError,
            "context must be a function of histories and their lengths, not a Tensor",
        ),
    ],
)
def test_arguments_of_another_type_or_shape(
    monkeypatch: pytest.MonkeyPatch,
    search: Any,
    change: dict[str, Any],
    kind: type[Exception],
    message: str,
) -> None:
    """Without the shape checks of the tests, which would come first."""
    plain = inspect.unwrap(checks.as_tensors)
    monkeypatch.setitem(plain.__globals__, "_as_lengths", inspect.unwrap(checks._as_lengths))
    monkeypatch.setitem(inspect.unwrap(search).__globals__, "as_tensors", plain)
    arguments = {"acoustic": torch.zeros(2, 3, 4), "lengths": [3, 2], "context": None} | change
    with pytest.raises(kind) as caught:
        inspect.unwrap(search)(**arguments)
    assert str(caught.value) == message


def test_a_context_that_gives_no_tensor() -> None:
    with pytest.raises(TypeError, match=r"^context gives a list, not a tensor \[1, 4\]$"):
        inspect.unwrap(checked_context_logits)([[0.0] * 4], (1, 4), 1.0)
