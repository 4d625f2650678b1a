"""A training that has collapsed to blanks is told from one that begins with them."""

from collections.abc import Iterable

import pytest
import torch

from signkit.config.recipe import TrainConfig
from signkit.config.registry import config_class
from signkit.models.losses.logits import SplitLogits
from signkit.tasks.recognition.blanks import CollapseWatch, blank_figures

CTC = (config_class("losses", "ctc")(),)


def config(**options: object) -> TrainConfig:
    return TrainConfig(losses=CTC, **options)  # type: ignore[arg-type]


def warned(rows: Iterable[tuple[float, float, float]], **options: object) -> dict[int, str]:
    """The warnings by their step, for the loss, the share of non-blanks and the information of each step."""
    watch, found = CollapseWatch(config(**options)), {}
    for step, (loss, non_blank, information) in enumerate(rows, 1):
        if line := watch.see(step, {"loss": loss, "non_blank": non_blank, "information": information}):
            found[step] = line
    return found


def collapsed(step: int) -> tuple[float, float, float]:
    return 30 + 80 / step, 0.0, 0.001


def test_a_collapsed_training_is_warned_of_once() -> None:
    found = warned(map(collapsed, range(1, 400)), lr=1e-3)
    assert len(found) == 1 and 150 <= min(found) <= 200
    ((step, line),) = found.items()
    assert line == (
        f"warning: step {step}: in the last 50 steps the outputs were blanks almost throughout, and nothing "
        "is being learnt any more: the training has collapsed. Begin again with train.lr=1e-4 and "
        "train.warmup_steps=100, or with train.optimizer=sgd, train.lr=1e-2, train.momentum=0.0 and "
        "train.clip=5.0"
    )


def test_a_symbol_now_and_then_is_a_collapse_too() -> None:
    """As the full network ended: less than a symbol a word, the same whatever is seen."""
    rows = (
        (16.0 - 0.5 * (step > 100), 0.2 * (step % 2), min(0.09, 0.06 + step / 3000)) for step in range(1, 200)
    )
    assert len(warned(rows, lr=1e-3)) == 1


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ({"optimizer": "sgd", "lr": 1e-2, "momentum": 0.9},
         "Begin again with train.lr=1e-2, train.momentum=0.0 and train.clip=5.0"),
        ({"lr": 3e-3, "warmup_steps": 80},
         "Begin again with train.lr=1e-4 and train.warmup_steps=160, or with train.optimizer=sgd, "
         "train.lr=1e-2, train.momentum=0.0 and train.clip=5.0"),
    ],
)  # fmt: skip
def test_the_advice_is_not_what_the_recipe_has(options: dict[str, object], advice: str) -> None:
    (line,) = warned(map(collapsed, range(1, 300)), **options).values()
    assert line.endswith(f"the training has collapsed. {advice}")


HEALTHY = {
    "information that grows": lambda step: (30.0, 0.0, 0.001 * 1.01**step),
    "information enough": lambda step: (30.0, 0.0, 0.2),
    "a loss that falls": lambda step: (100 * 0.998**step, 0.0, 0.001),
    "symbols": lambda step: (30.0, 0.3, 0.001),
}


@pytest.mark.parametrize("sign", HEALTHY)
def test_a_healthy_training_is_not(sign: str) -> None:
    assert not warned(map(HEALTHY[sign], range(1, 400)), lr=1e-3)


@pytest.mark.parametrize("options", [{"lr": 1e-4}, {"optimizer": "sgd", "lr": 1e-2, "momentum": 0.0}])
def test_a_low_learning_rate_may_just_be_slow(options: dict[str, object]) -> None:
    assert not warned(map(collapsed, range(1, 400)), **options)


def test_nothing_is_said_before_the_warm_up_is_over() -> None:
    assert min(warned(map(collapsed, range(1, 900)), warmup_steps=500)) > 550


def test_the_figures_of_a_batch() -> None:
    """Padding has no effect; the information is that of brute force, and 0 where all chunks are equal."""
    torch.manual_seed(0)
    level, bias = torch.randn(2, 5, 4), torch.randn(4)
    level[1, 1:3] = level[1, 0]
    lengths = torch.tensor([5, 3])
    context, none = torch.zeros(2, 1, 4), torch.zeros(2)
    logits = SplitLogits({"video": level}, context, bias, lengths, torch.arange(5), none)
    figures = blank_figures(logits, torch.tensor([2, 4]))
    p = (level[0] + bias).softmax(1)
    expected = (p / 5 * (p / p.mean(0)).log()).sum()
    torch.testing.assert_close(figures["information"], torch.stack([expected, torch.tensor(0.0)]))
    best = (level + bias).argmax(2)
    counts = [int((best[i, :n] != 0).sum()) for i, n in enumerate((5, 3))]
    assert figures["non_blank"].tolist() == [counts[0] / 2, counts[1] / 4]
