"""Train, dev and test of collections that name no splits, or whose splits are not wanted: folds."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from signkit.config.strict_yaml import Range
from signkit.errors import UserError

if TYPE_CHECKING:  # options are imported to check a recipe, which needs no arrays
    import numpy as np

RANDOM_NOTE = "split at random: signers are in several splits, so scores say nothing of new signers"
UNKNOWN_NOTE = "split at random, since signers are not known: scores say nothing of new signers"


@dataclass(frozen=True, kw_only=True)
class FoldsConfig:
    """The options of corpora that are divided into folds."""

    split: Literal["auto", "given", "signer", "random"] = "auto"
    """By whole signers, at random within each label, or as given by the data. `auto`: as given where it is,
    otherwise by signers where all are known, otherwise at random."""
    folds: Annotated[int, Range(3, 1000)] = 5
    """Parts, where the split is not given. One of them is test, the next one dev, the others train."""
    fold: Annotated[int, Range(0)] = 0
    """Which part is test."""
    fold_seed: Annotated[int, Range(0)] = 1
    """Decides what is in which part."""
    near_duplicates: Literal["report", "refuse", "allow"] = "report"
    """A clip of dev or test that is nearly one of another split with the same gloss, such as the next frame
    of one film: named by runs and by `signkit data check`; an error; or meant."""

    def __post_init__(self) -> None:
        if self.fold >= self.folds:
            raise UserError("fold", f"{self.fold} is not one of the {self.folds} folds, which begin with 0")


def split_by_folds(
    where: str,
    config: FoldsConfig,
    *,
    labels: Sequence[str],
    signers: Sequence[str],
    given: Sequence[str] = (),
) -> tuple[list[str], tuple[str, ...]]:
    """The split of each clip, and notes of what the user should know of it.

    Args:
        where: for messages.
        labels: of each clip.
        signers: of each clip; "" where it is not known.
        given: the splits that the data name, of each clip; empty: none.

    Raises:
        UserError: the split that the recipe wants is not there, or there are fewer signers than folds.
    """
    how, known = config.split, all(signers)
    if how == "auto":
        how = "given" if given else "signer" if known and len(set(signers)) >= config.folds else "random"
    if how == "given":
        if not given:
            raise UserError(where, "has no splits of its own", "`split: signer` or `split: random`")
        return list(given), ()
    import numpy as np

    rng = np.random.default_rng(config.fold_seed)
    if how == "random":
        parts = _within_labels(labels, config.folds, rng)
        notes: tuple[str, ...] = (RANDOM_NOTE if known else UNKNOWN_NOTE,)
    else:
        if not known:
            what = f"the signer of {sum(not each for each in signers)} of {len(signers)} clips is not known"
            raise UserError(where, what, "`split: random` does without, and its scores mean less")
        parts, notes = _of_signers(where, signers, config.folds, rng), ()
    named = {config.fold: "test", (config.fold + 1) % config.folds: "dev"}
    return [named.get(part, "train") for part in parts], notes


def _of_signers(where: str, signers: Sequence[str], folds: int, rng: "np.random.Generator") -> list[int]:
    """The part of each clip: the signer with most clips goes to the smallest part, and so on."""
    counts = Counter(signers)
    if len(counts) < folds:
        what = f"has {len(counts)} signers for {folds} folds"
        raise UserError(where, what, f"`folds: {len(counts)}`" if len(counts) > 2 else "`split: random`")
    names = sorted(counts)
    shuffled = [names[place] for place in rng.permutation(len(names))]
    sizes, part_of = [0] * folds, dict[str, int]()
    for name in sorted(shuffled, key=lambda each: -counts[each]):
        part = sizes.index(min(sizes))
        part_of[name] = part
        sizes[part] += counts[name]
    return [part_of[signer] for signer in signers]


def _within_labels(labels: Sequence[str], folds: int, rng: "np.random.Generator") -> list[int]:
    """The part of each clip: those of a label are dealt out in turn, so that each part has its share."""
    order = sorted(rng.permutation(len(labels)).tolist(), key=lambda place: labels[place])
    parts = [0] * len(labels)
    for turn, place in enumerate(order):
        parts[place] = turn % folds
    return parts
