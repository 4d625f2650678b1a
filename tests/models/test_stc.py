"""The sequence-level term: edit distances, and how likelihoods are combined."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from signkit.models.losses.cst import cst_loss
from signkit.models.losses.stc import edit_distances, stc_loss, stc_terms

sequences = st.lists(st.integers(1, 3), max_size=6)


def levenshtein(left, right):
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, start=1):
        above, row[0] = row[0], i
        for j, b in enumerate(right, start=1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (a != b))
    return row[-1]


def padded(rows, filler=3):
    longest = max((len(row) for row in rows), default=0)
    return torch.tensor([row + [filler] * (longest - len(row)) for row in rows], dtype=torch.long).reshape(
        len(rows), longest
    )


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(sequences, sequences, sequences), min_size=1, max_size=4))
def test_edit_distances_are_levenshteins(samples):
    references = [reference for reference, _, _ in samples]
    hypotheses = [hypothesis for _, first, second in samples for hypothesis in (first, second)]
    found = edit_distances(
        padded(hypotheses).unflatten(0, (len(samples), 2)),
        torch.tensor([len(hypothesis) for hypothesis in hypotheses]).unflatten(0, (len(samples), 2)),
        padded(references),
        torch.tensor([len(reference) for reference in references]),
    )
    assert found.tolist() == [[levenshtein(a, y), levenshtein(b, y)] for y, a, b in samples]


def test_what_the_modes_are():
    reference, others = torch.tensor([2.0]).double(), torch.tensor([[1.0, 3.0]]).double()
    distances, valid = torch.tensor([[1, 4]]), torch.tensor([[True, True]])
    p = torch.tensor([-2.0, -1.0, -3.0]).double().exp()
    expected = {
        "none": 2.0,
        "path": -(p[0] + p[1] / 2 + p[2] / 5).log().item(),
        "risk": 2.0 + ((p[1] * 1 + p[2] * 4) / p.sum()).log1p().item(),
    }
    for mode, value in expected.items():
        assert stc_terms(reference, others, distances, valid, mode).item() == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("mode", ["path", "risk"])
def test_without_hypotheses_all_modes_are_none(mode):
    reference = torch.tensor([2.0, 700.0])
    cases = [
        (torch.tensor([[1.0], [2.0]]), torch.tensor([[3], [3]]), torch.tensor([[False], [False]])),
        (torch.full((2, 1), torch.inf), torch.tensor([[3], [3]]), torch.tensor([[True], [True]])),
        (torch.tensor([[2.0], [700.0]]), torch.tensor([[0], [0]]), torch.tensor([[True], [True]])),
        (torch.zeros(2, 0), torch.zeros(2, 0, dtype=torch.long), torch.zeros(2, 0, dtype=torch.bool)),
    ]
    for others, distances, valid in cases:
        torch.testing.assert_close(stc_terms(reference, others, distances, valid, mode), reference)


@pytest.mark.parametrize("mode", ["path", "risk"])
def test_what_does_not_fit_leaves_no_nan(mode):
    reference = torch.tensor([torch.inf, 3.0], requires_grad=True)
    others = torch.tensor([[2.0, torch.inf], [torch.inf, 4.0]], requires_grad=True)
    distances, valid = torch.tensor([[1, 2], [1, 2]]), torch.ones(2, 2, dtype=torch.bool)
    loss = stc_terms(reference, others, distances, valid, mode)
    assert loss[0] == torch.inf and loss[1].isfinite()
    loss.sum().backward()
    assert reference.grad.isfinite().all() and others.grad.isfinite().all()
    assert others.grad[0].tolist() == [0.0, 0.0] and others.grad[1, 0] == 0


@pytest.mark.parametrize("mode", ["path", "risk"])
def test_gradcheck(mode):
    reference = torch.tensor([2.0, 5.0], dtype=torch.float64, requires_grad=True)
    others = torch.tensor([[1.0, 3.0], [6.0, 2.0]], dtype=torch.float64, requires_grad=True)
    distances, valid = torch.tensor([[1, 4], [2, 3]]), torch.tensor([[True, True], [True, False]])
    assert torch.autograd.gradcheck(lambda r, o: stc_terms(r, o, distances, valid, mode), (reference, others))


@pytest.mark.parametrize("mode", ["none", "path", "risk"])
def test_the_loss_is_cst_of_reference_and_hypotheses(mode):
    generator = torch.Generator().manual_seed(1)
    acoustic = torch.randn(2, 8, 5, generator=generator, dtype=torch.float64)
    context = torch.randn(2, 4, 5, generator=generator, dtype=torch.float64)
    contexts = torch.randn(2, 3, 4, 5, generator=generator, dtype=torch.float64)
    targets, lengths = torch.tensor([[1, 2, 3], [4, 1, 0]]), torch.tensor([3, 2])
    chunks = torch.tensor([8, 6])
    hypotheses = torch.tensor([[[1, 2, 3], [1, 2, 0], [1, 0, 0]], [[4, 4, 0], [9, 9, 9], [1, 1, 1]]])
    hypothesis_lengths = torch.tensor([[3, 2, 1], [2, 3, 3]])
    valid = torch.tensor([[True, True, True], [True, False, True]])
    found = stc_loss(
        acoustic,
        context,
        targets,
        chunks,
        lengths,
        hypotheses,
        hypothesis_lengths,
        contexts,
        valid,
        mode=mode,
    )
    likelihood = torch.full((2, 3), torch.nan, dtype=torch.float64)
    for row in range(2):
        for n in range(3):
            if valid[row, n]:
                likelihood[row, n] = cst_loss(
                    acoustic[row : row + 1],
                    contexts[row, n : n + 1],
                    hypotheses[row, n : n + 1],
                    chunks[row : row + 1],
                    hypothesis_lengths[row, n : n + 1],
                )[0]
    reference = cst_loss(acoustic, context, targets, chunks, lengths)
    distances = torch.tensor([[0, 1, 2], [1, 0, 2]])
    expected = stc_terms(reference, likelihood, distances, valid & (distances > 0), mode)
    torch.testing.assert_close(found, expected)


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match=r"^unknown stc 'word'; known: none, path, risk$"):
        none = torch.zeros(1, 0)
        stc_terms(torch.zeros(1), none, none.long(), none.bool(), "word")
