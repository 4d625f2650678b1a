"""What the losses refuse, each with the argument, the sample and the value; and what they still accept."""

import inspect
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from signkit.losses import cst_loss, ctc_loss, frame_cross_entropy, kl_loss, stc_loss
from signkit.models.losses import frame_ce, kl, stc
from signkit.models.losses.checks import NotANumber

LOSSES = ("cst", "ctc", "kl", "stc")
WRONG = [
    ("input_lengths", [9, 4, 3], "input_lengths of sample 0 is 9; there are 5 chunks"),
    ("input_lengths", [5, 4, -3], "input_lengths of sample 2 is -3; it cannot be negative"),
    ("input_lengths", [5.0, 4.0, 3.0], "input_lengths must be whole numbers, not torch.float32"),
    ("target_lengths", [2, 3, 1], "target_lengths of sample 1 is 3; there are 2 labels"),
    ("target_lengths", [2, -1, 1], "target_lengths of sample 1 is -1; it cannot be negative"),
    ("target_lengths", [True, True, True], "target_lengths must be whole numbers, not torch.bool"),
    ("targets", [[1, 2], [1, 0], [2, 0]], "targets of sample 1 is 0 at index 1, the blank"),
    ("targets", [[1, 2], [1, 1], [4, 0]], "targets of sample 2 is 4 at index 0, not one of 4 symbols"),
    ("targets", [[1, -2], [1, 1], [2, 0]], "targets of sample 0 is -2 at index 1, not one of 4 symbols"),
    ("targets", [[1.0, 2.0], [1.0, 1.0], [2.0, 0.0]], "targets must be whole numbers, not torch.float32"),
    ("targets", [1, 2, 1], "targets must be [batch, labels], not [3]"),
    ("targets", [[1, 2], [1, 1]], "targets has 2 samples; acoustic has 3"),
    ("input_lengths", [5, 4], "input_lengths has 2 samples; acoustic has 3"),
]  # fmt: skip


def given() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {
        "acoustic": torch.randn(3, 5, 4, generator=generator),
        "context": torch.randn(3, 3, 4, generator=generator),
        "targets": torch.tensor([[1, 2], [1, 1], [2, 0]]),
        "input_lengths": torch.tensor([5, 4, 3]),
        "target_lengths": torch.tensor([2, 2, 1]),
    }


def call(loss: str, arguments: dict[str, Tensor], **options: Any) -> Tensor:
    """A loss without the shape checks of the tests, which would come first."""
    parts = list(arguments.values())
    plain: Callable[..., Tensor] = inspect.unwrap(
        {"cst": cst_loss, "ctc": ctc_loss, "kl": kl_loss, "stc": stc_loss}[loss]
    )
    if loss == "kl":
        parts = [torch.zeros_like(parts[0]), torch.zeros_like(parts[1]), *parts]
    if loss == "stc":
        options["hypotheses"] = torch.tensor([[[1], [3]]]).expand(3, 2, 1)
        options["hypothesis_lengths"] = torch.ones(3, 2, dtype=torch.long)
        options["hypothesis_contexts"] = torch.zeros(3, 2, 2, 4)
        options["valid"] = torch.tensor([[True, False]]).expand(3, 2)
    return plain(*parts, **options)


@pytest.fixture
def unhooked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the losses call each other without the shape checks of the tests."""
    monkeypatch.setattr(kl, "node_posteriors", inspect.unwrap(kl.node_posteriors))
    monkeypatch.setattr(stc, "cst_loss", inspect.unwrap(stc.cst_loss))


@pytest.mark.usefixtures("unhooked")
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("name", "value", "message"), WRONG, ids=[message for *_, message in WRONG])
def test_lengths_and_labels_that_do_not_fit(loss: str, name: str, value: Any, message: str) -> None:
    assert call(loss, given()).isfinite().all()
    with pytest.raises(ValueError) as caught:
        call(loss, given() | {name: torch.tensor(value)})
    assert str(caught.value) == message


@pytest.mark.parametrize("loss", LOSSES)
def test_what_lies_beyond_the_lengths_may_be_anything(loss: str) -> None:
    arguments = given()
    arguments["targets"][2, 1] = 10**6
    assert torch.equal(call(loss, arguments), call(loss, given()))


@pytest.mark.parametrize("loss", ("cst", "ctc"))
def test_another_blank(loss: str) -> None:
    arguments = given() | {"targets": torch.tensor([[0, 2], [1, 1], [2, 0]])}
    assert call(loss, arguments, blank=3).isfinite().all()
    with pytest.raises(ValueError, match=r"^targets of sample 0 is 2 at index 1, the blank$"):
        call(loss, arguments, blank=2)
    with pytest.raises(ValueError, match=r"^blank is 4; there are 4 symbols$"):
        call(loss, arguments, blank=4)


@pytest.mark.parametrize("loss", ("cst", "ctc"))
@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((2, 3, 4), "context has 2 samples; acoustic has 3"),
        ((3, 3, 5), "context has 5 symbols; acoustic has 4"),
        ((3, 4), "context must be floating-point numbers [batch, …, vocab], not torch.float32 [3, 4]"),
    ],
)
def test_a_context_of_another_shape(loss: str, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        call(loss, given() | {"context": torch.zeros(shape)})
    assert str(caught.value) == message


def test_a_teacher_of_another_shape() -> None:
    plain, whole = inspect.unwrap(kl_loss), list(given().values())
    with pytest.raises(
        ValueError, match=r"^teacher_acoustic is \[3, 4, 4\]; student_acoustic is \[3, 5, 4\]$"
    ):
        plain(*whole[:2], whole[0][:, :4], *whole[1:])


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize(("name", "place"), [("acoustic", 2), ("context", 0)])
def test_logits_that_are_no_numbers(loss: str, value: float, name: str, place: int) -> None:
    arguments = given()
    arguments[name][1, place, 3] = value
    with pytest.raises(NotANumber) as caught:
        call(loss, arguments)
    shown = f"teacher_{name}" if loss == "kl" else name
    assert str(caught.value) == f"{shown} of sample 1 is {value} at index {place}"
    assert caught.value.samples == (1,)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_chunk_without_any_possible_symbol(loss: str) -> None:
    arguments = given()
    arguments["acoustic"][0, 1] = -math.inf
    with pytest.raises(NotANumber, match=r"acoustic of sample 0 is -inf at index 1$"):
        call(loss, arguments)


@pytest.mark.parametrize("loss", ("cst", "ctc"))
def test_a_symbol_may_be_impossible(loss: str) -> None:
    arguments = given()
    arguments["acoustic"][1, :, 3] = -math.inf
    assert call(loss, arguments).isfinite().all()


def test_distillation_needs_finite_logits() -> None:
    arguments = given()
    arguments["acoustic"][1, 0, 3] = -math.inf
    with pytest.raises(NotANumber, match=r"^teacher_acoustic of sample 1 is -inf at index 0$"):
        call("kl", arguments)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("hypotheses", [[[1], [0]]] * 3, "hypotheses of sample 0, hypothesis 1 is 0 at index 0, the blank"),
        ("hypothesis_lengths", [[1, 1]] * 2 + [[2, 1]],
         "hypothesis_lengths of sample 2, hypothesis 0 is 2; there are 1 labels"),
        ("hypotheses", [[1, 2]] * 3, "hypotheses must be [3, nbest, labels], not [3, 2]"),
        ("valid", [[True]] * 3, "valid is [3, 1]; hypotheses is [3, 2, 1]"),
        ("valid", [[1, 1]] * 3, "valid must be torch.bool, not torch.int64"),
    ],
)  # fmt: skip
def test_hypotheses_that_do_not_fit(name: str, value: Any, message: str) -> None:
    others = {
        "hypotheses": torch.tensor([[[1], [3]]] * 3),
        "hypothesis_lengths": torch.ones(3, 2, dtype=torch.long),
        "hypothesis_contexts": torch.zeros(3, 2, 2, 4),
        "valid": torch.ones(3, 2, dtype=torch.bool),
    }
    with pytest.raises(ValueError) as caught:
        inspect.unwrap(stc_loss)(*given().values(), **(others | {name: torch.tensor(value)}))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([[1, 4], [0, 2]], "labels of sample 0 is 4 at index 1, not one of 4 symbols"),
        ([[1, 3], [-1, 2]], "labels of sample 1 is -1 at index 0, not one of 4 symbols"),
        ([[1.0, 3.0], [0.0, 2.0]], "labels must be whole numbers, not torch.float32"),
        ([[1, 3, 0], [0, 2, 0]], "labels is [2, 3]; logits is [2, 2, 4]"),
    ],
)
def test_frame_labels_that_do_not_fit(labels: Any, message: str) -> None:
    plain = inspect.unwrap(frame_cross_entropy)
    with pytest.raises(ValueError) as caught:
        plain(torch.zeros(2, 2, 4), torch.tensor(labels))
    assert str(caught.value) == message


def test_frame_logits_and_smoothing_that_do_not_fit() -> None:
    logits, labels = torch.zeros(2, 2, 4), torch.tensor([[1, -100], [3, 2]])
    with pytest.raises(ValueError, match=r"^smoothing is 1\.0; it is at least 0 and below 1$"):
        frame_cross_entropy(logits, labels, 1.0)
    logits[1, 1, 0] = math.nan
    with pytest.raises(NotANumber, match=r"^logits of sample 1 is nan at index 1$"):
        frame_cross_entropy(logits, labels)


@pytest.mark.usefixtures("unhooked")
@pytest.mark.parametrize(
    ("loss", "name"),
    [(loss, name) for loss in LOSSES for name in given() if loss != "kl" or "length" in name],
)
def test_lists_are_no_tensors(loss: str, name: str) -> None:
    arguments = given()
    with pytest.raises(TypeError) as caught:
        call(loss, arguments | {name: arguments[name].tolist()})
    assert str(caught.value) == f"{name} must be a tensor, not a list"


@pytest.mark.parametrize("place", range(4))
def test_logits_of_a_distillation_in_lists(place: int) -> None:
    names = ("student_acoustic", "student_context", "teacher_acoustic", "teacher_context")
    acoustic, context, *reference = given().values()
    logits: list[Any] = [acoustic, context, acoustic, context]
    logits[place] = logits[place].tolist()
    with pytest.raises(TypeError, match=f"^{names[place]} must be a tensor, not a list$"):
        inspect.unwrap(kl_loss)(*logits, *reference)


def test_labels_of_frames_in_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_ce, "_check", inspect.unwrap(frame_ce._check))
    plain: Callable[..., Tensor] = inspect.unwrap(frame_cross_entropy)
    with pytest.raises(TypeError, match=r"^labels must be a tensor, not a list$"):
        plain(torch.zeros(1, 2, 3), [[1, 2]])
