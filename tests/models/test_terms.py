"""The terms of a training's loss: the right logits, levels and labels, and nothing from what does not fit."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from signkit.config.registry import build
from signkit.data.batch import Batch
from signkit.errors import UserError
from signkit.models.losses.configs import CstConfig, CtcConfig, FrameCeConfig, KlConfig
from signkit.models.losses.cst import cst_loss
from signkit.models.losses.functions import check_per_sample
from signkit.models.losses.kl import kl_loss
from signkit.models.losses.logits import Proposals, SplitLogits
from signkit.models.losses.stc import edit_distances, stc_terms
from signkit.models.losses.terms import Term

VOCABULARY = 5
TARGETS = torch.tensor([[1, 2, 0], [3, 3, 4]])
LENGTHS, CHUNKS = torch.tensor([2, 3]), torch.tensor([5, 4])


def batch() -> Batch:
    """Two samples of 10 and 8 frames; glosses of frames 2 to 4 and 6 to 9 of the first are known."""
    labels = torch.full((2, 10), -100)
    labels[0, 2:5], labels[0, 6:10] = 1, 2
    return Batch(
        ids=("a", "b"),
        inputs=torch.zeros(2, 10, 3),
        seen=torch.ones(2, 10, 1, dtype=torch.bool),
        lengths=torch.tensor([10, 8]),
        targets=TARGETS,
        target_lengths=LENGTHS,
        frame_labels=labels,
        fps=torch.tensor([25.0, 25.0]),
    )


def logits(*, one_level: bool = False, chunks: Tensor = CHUNKS) -> SplitLogits:
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator).requires_grad_()

    chunk = draw(2, 5, VOCABULARY)
    return SplitLogits(
        levels={"chunk": chunk, "video": chunk if one_level else draw(2, 5, VOCABULARY)},
        context=draw(2, 4, VOCABULARY),
        bias=draw(VOCABULARY),
        lengths=chunks,
        centres=torch.tensor([0, 2, 4, 6, 8]),
        auxiliary=torch.zeros(2),
    )


def propose(found: SplitLogits) -> Proposals:
    """Two hypotheses for the first sample, one for the second."""
    tokens = torch.tensor([[[1, 3], [2, 0]], [[3, 4], [0, 0]]])
    contexts = found.context[:, None, :3].expand(2, 2, 3, VOCABULARY)
    valid = torch.tensor([[True, True], [True, False]])
    return Proposals(tokens, torch.tensor([[2, 1], [2, 0]]), valid, contexts)


def value(config: object, found: SplitLogits, topology: str = "ctc") -> Tensor:
    term: Term = build(config, topology=topology)  # type: ignore[arg-type]
    return term(found, batch(), lambda acoustic, nbest: propose(found))


@pytest.mark.parametrize("topology", ["ctc", "monotonic", "rnnt"])
@pytest.mark.parametrize("level", ["video", "chunk", "both"])
def test_cst_is_summed_over_its_levels(level: str, topology: str) -> None:
    found = logits()
    each = {
        name: cst_loss(acoustic, found.context, TARGETS, CHUNKS, LENGTHS, topology=topology)
        for name, acoustic in (("video", found.levels["video"]), ("chunk", found.levels["chunk"]))
    }
    expected = each["video"] + each["chunk"] if level == "both" else each[level]
    torch.testing.assert_close(value(CstConfig(level=level), found, topology), expected)  # type: ignore[arg-type]


def test_one_level_counts_once() -> None:
    """Without a global module there is one level, and nothing to distil."""
    found = logits(one_level=True)
    for both, one in (
        (CstConfig(), CstConfig(level="chunk")),
        (CtcConfig(), CtcConfig(level="video")),
    ):
        torch.testing.assert_close(value(both, found), value(one, found))
    assert value(KlConfig(), found).tolist() == [0.0, 0.0]


def test_ctc_reads_the_bias_and_no_context() -> None:
    found = logits()
    expected = F.ctc_loss(
        (found.levels["video"] + found.bias).log_softmax(2).transpose(0, 1),
        TARGETS,
        CHUNKS,
        LENGTHS,
        reduction="none",
    )
    torch.testing.assert_close(value(CtcConfig(level="video"), found), expected)
    constant = replace(found, context=found.bias.expand(2, 4, VOCABULARY))
    torch.testing.assert_close(value(CstConfig(level="video"), constant), expected, rtol=1e-5, atol=1e-5)


def test_kl_teaches_the_chunk_level() -> None:
    found = logits()
    expected = kl_loss(
        found.levels["chunk"],
        found.context,
        found.levels["video"],
        found.context,
        TARGETS,
        CHUNKS,
        LENGTHS,
        temperature=8.0,
    )
    taught = value(KlConfig(), found)
    torch.testing.assert_close(taught, expected)
    taught.sum().backward()
    assert found.levels["video"].grad is None
    assert found.levels["chunk"].grad is not None


@pytest.mark.parametrize("topology", ["ctc", "monotonic", "rnnt"])
def test_what_cst_has_computed_kl_does_not_compute_again(
    topology: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, both = logits(), logits()
    value(KlConfig(), alone, topology).sum().backward()
    value(CstConfig(), both, topology)
    monkeypatch.setattr("signkit.models.losses.kl.node_posteriors", None)
    value(KlConfig(), both, topology).sum().backward()
    for expected, found in ((alone.levels["chunk"], both.levels["chunk"]), (alone.context, both.context)):
        torch.testing.assert_close(found.grad, expected.grad, rtol=1e-5, atol=1e-7)


def test_frame_labels_are_taken_at_the_chunks_centres() -> None:
    """Chunks 1 and 2 stand for gloss 1, chunks 3 and 4 for gloss 2; of the second sample nothing is known."""
    found = logits()
    expected = F.cross_entropy((found.levels["video"] + found.bias)[0, 1:5], torch.tensor([1, 1, 2, 2]))
    result = value(FrameCeConfig(), found)
    torch.testing.assert_close(result, torch.stack([expected, torch.zeros(())]))


def test_frames_between_glosses_as_blanks() -> None:
    """In the first sample, of which some are known, up to its end; the labels are a path of CTC's then."""
    found = replace(logits(), centres=torch.tensor([0, 3, 5, 8, 13]))
    result = value(FrameCeConfig(between="blank"), found)
    rows = (found.levels["video"] + found.bias)[0, :4]
    expected = F.cross_entropy(rows, torch.tensor([0, 1, 0, 2]))
    torch.testing.assert_close(result, torch.stack([expected, torch.zeros(())]))
    ctc = value(CtcConfig(level="video"), replace(found, lengths=torch.tensor([4, 4])))[0]
    assert ctc < 4 * expected


def test_a_chunk_beyond_the_clip_has_no_label() -> None:
    """The last chunk's centre may lie in the padding, or after the longest clip."""
    found = replace(logits(), centres=torch.tensor([1, 4, 7, 10, 13]))
    expected = F.cross_entropy((found.levels["video"] + found.bias)[0, 1:3], torch.tensor([1, 2]))
    torch.testing.assert_close(value(FrameCeConfig(), found)[0], expected)


@pytest.mark.parametrize("mode", ["path", "risk"])
def test_the_sequence_level_term(mode: str) -> None:
    found = logits()
    proposals = propose(found)
    reference = cst_loss(found.levels["video"], found.context, TARGETS, CHUNKS, LENGTHS)
    others = torch.stack(
        [
            cst_loss(
                found.levels["video"],
                proposals.contexts[:, n],
                proposals.tokens[:, n],
                CHUNKS,
                proposals.lengths[:, n],
            )
            for n in range(2)
        ],
        1,
    )
    distances = edit_distances(proposals.tokens, proposals.lengths, TARGETS, LENGTHS)
    expected = stc_terms(reference, others, distances, proposals.valid, mode)
    result = value(CstConfig(level="video", stc=mode), found)  # type: ignore[arg-type]
    torch.testing.assert_close(result, expected)


CONFIGS = (
    CstConfig(),
    CstConfig(stc="path"),
    CstConfig(stc="risk"),
    CtcConfig(),
    KlConfig(),
    FrameCeConfig(level="both"),
)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: f"{type(c).__name__} {getattr(c, 'stc', '')}")
def test_what_does_not_fit_has_no_part(config: CstConfig) -> None:
    """The second reference needs 4 chunks and has 3: masked as the training does, no gradient is NaN, and
    the first sample's is what it is alone."""
    found = logits(chunks=torch.tensor([5, 3]))
    fits = torch.tensor([True, False])
    torch.where(fits, value(config, found), 0.0).sum().backward()
    grads = [t.grad for t in (found.levels["chunk"], found.levels["video"], found.context, found.bias)]
    assert any(grad is not None for grad in grads)
    assert all(bool(grad.isfinite().all()) for grad in grads if grad is not None)
    assert all(not grad[1].any() for grad in grads[:3] if grad is not None)
    alone = logits()
    value(config, alone)[0].backward()
    for ours, theirs in zip(
        grads, (alone.levels["chunk"], alone.levels["video"], alone.context, alone.bias), strict=True
    ):
        if ours is not None and theirs.grad is not None:
            torch.testing.assert_close(ours[0], theirs.grad[0])


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (torch.tensor(1.0), "a Tensor [] of torch.float32"),
        (torch.zeros(1), "a Tensor [1] of torch.float32"),
        (torch.zeros(4, dtype=torch.long), "a Tensor [4] of torch.int64"),
        (1.0, "a float"),
        ([0.0] * 4, "a list"),
        (None, "None"),
    ],
)
def test_a_loss_is_one_number_a_sample(value: object, found: str) -> None:
    """A scalar would count for every sample of the batch."""
    with pytest.raises(UserError) as caught:
        check_per_sample(value, 4, "the task's loss `loss`", "its `total` is")
    assert str(caught.value) == (
        f"the task's loss `loss`: its `total` is {found}, not one floating-point number a sample, [4]; "
        "a mean over the batch is taken afterwards"
    )
    check_per_sample(torch.zeros(4), 4, "the task's loss `loss`", "its `total` is")
