"""A recogniser's errors, learnt and made again."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from signkit.config.recipe import SourceConfig
from signkit.data.recogniser_errors import PRIOR, learn, learn_from
from signkit.errors import UserError
from signkit.eval.alignment import align

TRUE = ["A B C", "A B D", "B C D", "A C D", "A B C"]
HEARD = ["A X C", "A D", "B C D", "A C Y D", "A X C"]  # B taken for X twice, deleted once; Y inserted


def pairs(true: list[str] = TRUE, heard: list[str] = HEARD) -> list[tuple[list[str], list[str]]]:
    return [(one.split(), other.split()) for one, other in zip(true, heard, strict=True)]


def test_what_is_counted() -> None:
    errors = learn(pairs())
    assert errors.average == (1 / 15, 2 / 15)
    assert errors.insertions == 1 / 15
    assert errors.rate == pytest.approx(4 / 15)
    # B is there four times; the average is added PRIOR times
    assert errors.rates["B"] == pytest.approx(
        ((1 + PRIOR / 15) / (4 + PRIOR), (2 + PRIOR * 2 / 15) / (4 + PRIOR))
    )
    assert errors.rates["A"][0] == pytest.approx((PRIOR / 15) / (4 + PRIOR))
    assert (errors.substitutes["B"].words, errors.inserted.words) == (("X",), ("Y",))


def test_errors_are_as_frequent_as_is_asked_for() -> None:
    """On sentences like those it was learnt from, counted as they were."""
    errors, rng = learn(pairs()), np.random.default_rng(1)
    for share in (0.1, 0.3):
        wrong = sum(
            align(one, errors.made(one, share, rng)).errors for _ in range(1500) for one, _ in pairs()
        )
        assert wrong / (1500 * 15) == pytest.approx(share, rel=0.12)


def test_errors_are_those_of_the_recogniser() -> None:
    errors, rng = learn(pairs()), np.random.default_rng(2)
    found = Counter(word for _ in range(2000) for word in errors.made(("A", "B"), 0.3, rng))
    assert set(found) == {"A", "B", "X", "Y"}
    assert found["B"] < found["A"] and found["X"] > found["Y"]


def test_nothing_is_left_empty() -> None:
    errors = learn(pairs(["A"] * 9 + ["A B"], [""] * 9 + ["A B"]))
    rng = np.random.default_rng(3)
    assert {errors.made(("A",), 1.0, rng) for _ in range(50)} == {("A",)}


def test_files(tmp_path: Path) -> None:
    (tmp_path / "true").write_text("\n".join(TRUE) + "\n", encoding="utf-8")
    (tmp_path / "heard").write_text("\n".join(HEARD) + "\n", encoding="utf-8")
    assert learn_from(tmp_path / "true", tmp_path / "heard").rates == learn(pairs()).rates
    (tmp_path / "short").write_text("A\n", encoding="utf-8")
    with pytest.raises(UserError) as caught:
        learn_from(tmp_path / "true", tmp_path / "short")
    assert str(caught.value) == (
        f"{tmp_path}/short: has 1 sentences, and {tmp_path}/true has 5; "
        "the n-th one is what was recognised of the n-th"
    )
    with pytest.raises(UserError, match="there are no errors to learn"):
        learn_from(tmp_path / "true", tmp_path / "true")


def test_options() -> None:
    with pytest.raises(UserError, match=r"^source\.errors: are learnt from two files of the same sentences"):
        SourceConfig(errors=0.2)
    with pytest.raises(UserError, match=r"^source\.recognised: has no effect without source\.errors"):
        SourceConfig(recognised=("a", "b"))
