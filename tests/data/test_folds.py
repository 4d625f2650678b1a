"""Folds: by whole signers, at random within labels, or as given."""

from collections import Counter

import pytest

from signkit.data.corpora.folds import RANDOM_NOTE, UNKNOWN_NOTE, FoldsConfig, split_by_folds
from signkit.errors import UserError

LABELS = [label for label in "ABCD" for _ in range(25)]
SIGNERS = [f"s{number % 5}" for number in range(100)]


def parts(**options: object) -> tuple[list[str], tuple[str, ...]]:
    config = FoldsConfig(**options)  # type: ignore[arg-type]
    return split_by_folds("there", config, labels=LABELS, signers=SIGNERS)


def test_each_signer_is_in_one_split_and_tests_are_every_one_once() -> None:
    tested = []
    for fold in range(5):
        splits, notes = parts(fold=fold)
        assert notes == ()
        of = {
            signer: {s for s, each in zip(splits, SIGNERS, strict=True) if each == signer}
            for signer in SIGNERS
        }
        assert all(len(found) == 1 for found in of.values())
        assert Counter(next(iter(found)) for found in of.values()) == {"train": 3, "dev": 1, "test": 1}
        tested += [signer for signer, found in of.items() if found == {"test"}]
    assert sorted(tested) == sorted(set(SIGNERS))


def test_signers_of_unequal_size_make_parts_of_like_size() -> None:
    signers = ["big"] * 40 + ["b"] * 20 + ["c"] * 20 + ["d"] * 10 + ["e"] * 10
    splits, _ = split_by_folds("there", FoldsConfig(folds=3), labels=["A"] * 100, signers=signers)
    assert sorted(Counter(splits).values()) == [30, 30, 40]


def test_at_random_every_split_has_its_share_of_each_label() -> None:
    splits, notes = parts(split="random")
    assert notes == (RANDOM_NOTE,)
    for label in "ABCD":
        found = Counter(s for s, each in zip(splits, LABELS, strict=True) if each == label)
        assert found == {"train": 15, "dev": 5, "test": 5}
    assert parts(split="random")[0] == splits
    assert parts(split="random", fold_seed=2)[0] != splits


def test_without_signers_it_is_at_random_and_said() -> None:
    splits, notes = split_by_folds("there", FoldsConfig(), labels=LABELS, signers=[""] * 100)
    assert notes == (UNKNOWN_NOTE,)
    assert Counter(splits) == {"train": 60, "dev": 20, "test": 20}


def test_given_splits_come_first_unless_others_are_wanted() -> None:
    given = ["train"] * 99 + ["test"]
    for how in ("auto", "given"):
        config = FoldsConfig(split=how)  # type: ignore[arg-type]
        assert split_by_folds("there", config, labels=LABELS, signers=SIGNERS, given=given) == (given, ())
    splits, _ = split_by_folds(
        "there", FoldsConfig(split="signer"), labels=LABELS, signers=SIGNERS, given=given
    )
    assert Counter(splits)["test"] == 20


def test_what_cannot_be() -> None:
    with pytest.raises(UserError, match="5 is not one of the 5 folds"):
        FoldsConfig(fold=5)
    with pytest.raises(UserError, match="there: has no splits of its own"):
        parts(split="given")
    with pytest.raises(UserError, match="there: the signer of 100 of 100 clips is not known"):
        split_by_folds("there", FoldsConfig(split="signer"), labels=LABELS, signers=[""] * 100)
    with pytest.raises(UserError, match="there: has 5 signers for 6 folds"):
        parts(split="signer", folds=6)
