"""Splits of clips into train, dev and test, the same for a seed (this project).

By gloss: clips are ordered gloss by gloss, at random within one, and dev and test are taken from that order
at even distances, so that each gloss has its share in each split, give or take a clip. One clip of each gloss
is set aside for train first. By signer: whole signers are dealt out many times at random; the deal is taken
whose splits are closest to the sizes that are wanted and have the fewest glosses that train has not.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from signkit.data.collect.entry import Entry
from signkit.errors import UserError

DEALS = 300
HELD_OUT = ("dev", "test")


def split_entries(entries: Sequence[Entry], shares: dict[str, float], *, by: str, seed: int) -> list[Entry]:
    """The entries with their splits, in the order given.

    Segments of one clip that overlap are in one split.

    Args:
        shares: of ``dev`` and of ``test`` in all clips.
        by: ``gloss`` or ``signer``.

    Raises:
        UserError: a share that is none; by signer: a clip without a signer, or fewer signers than splits.
    """
    for name, share in shares.items():
        if not 0 <= share < 1:
            raise UserError(f"--{name}", f"{share:g} is no share of the clips", "such as 0.1")
    if sum(shares.values()) >= 1:
        raise UserError("--dev", "and --test leave nothing for train")
    rng = np.random.default_rng(seed)
    groups = _together(entries) if by == "gloss" else _of_signers(entries)
    deal = _by_gloss if by == "gloss" else _by_signers
    splits = deal([[entries[place] for place in group] for group in groups], shares, rng)
    split_of = {place: split for group, split in zip(groups, splits, strict=True) for place in group}
    return [replace(entry, split=split_of[place]) for place, entry in enumerate(entries)]


def _together(entries: Sequence[Entry]) -> list[list[int]]:
    """Places of entries: each alone, but segments of a clip that overlap together."""
    of_path: dict[str, list[int]] = {}
    for place, entry in enumerate(entries):
        of_path.setdefault(entry.path, []).append(place)
    groups: list[list[int]] = []
    for places in of_path.values():
        end = -1
        for place in sorted(places, key=lambda place: entries[place].start or 0):
            entry = entries[place]
            start, until = entry.start or 0, np.inf if entry.end is None else entry.end
            if start < end:
                groups[-1].append(place)
            else:
                groups.append([place])
            end = max(end, until) if start < end else until  # type: ignore[assignment]
    return groups


def _by_gloss(
    groups: Sequence[Sequence[Entry]], shares: dict[str, float], rng: np.random.Generator
) -> list[str]:
    glosses = [[gloss for entry in group for gloss in entry.glosses] for group in groups]
    counts = Counter(gloss for some in glosses for gloss in set(some))
    rarest = [min(some, key=lambda gloss: (counts[gloss], gloss)) for some in glosses]
    order = sorted(
        rng.permutation(len(groups)).tolist(), key=lambda place: (counts[rarest[place]], rarest[place])
    )
    splits = ["train"] * len(groups)
    has: set[str] = set()
    free = []
    for place in order:  # rare glosses first: what they need for train, frequent ones then often have
        if has.issuperset(glosses[place]):
            free.append(place)
        has.update(glosses[place])
    wanted = {name: share * len(groups) for name, share in shares.items()}
    scale = min(1.0, len(free) / max(sum(wanted.values()), 1e-9))
    for name in HELD_OUT:
        taken = _evenly(free, min(len(free), round(scale * wanted[name])), rng)
        for place in taken:
            splits[place] = name
        free = [place for place in free if splits[place] == "train"]
    return splits


def _evenly(places: Sequence[int], count: int, rng: np.random.Generator) -> list[int]:
    """So many of a sequence, at even distances from a random beginning."""
    if not count:
        return []
    step = len(places) / count
    return [places[int(step * (number + offset))] for offset in [rng.random()] for number in range(count)]


def _of_signers(entries: Sequence[Entry]) -> list[list[int]]:
    of_signer: dict[str, list[int]] = {}
    for place, entry in enumerate(entries):
        if not entry.signer:
            hint = "the pattern's {signer}, or a tier's participant, names them"
            raise UserError("--by", f"signer: {entry.path} has no signer", hint)
        of_signer.setdefault(entry.signer, []).append(place)
    return [of_signer[name] for name in sorted(of_signer)]


def _by_signers(
    groups: Sequence[Sequence[Entry]], shares: dict[str, float], rng: np.random.Generator
) -> list[str]:
    wanted = {"train": 1 - sum(shares.values()), **{name: share for name, share in shares.items() if share}}
    if len(groups) == 1 < len(wanted):
        what = f"signer: all clips are of one signer, {groups[0][0].signer!r}, who can be in one split only"
        raise UserError("--by", what, "--by gloss divides the clips of a signer")
    if len(groups) < len(wanted):
        what = f"signer: {len(groups)} signers cannot be in {len(wanted)} splits, each in one"
        raise UserError("--by", what, "leave out a split with --dev 0 or --test 0")
    sizes = np.array([len(group) for group in groups])
    glosses = [{gloss for entry in group for gloss in entry.glosses} for group in groups]
    deals = [_deal(sizes, wanted, rng) for _ in range(DEALS)]
    return min(deals, key=lambda deal: _cost(deal, glosses, sizes, wanted))


def _deal(sizes: npt.NDArray[np.int64], wanted: dict[str, float], rng: np.random.Generator) -> list[str]:
    """Signers in random order, each to the split that lacks the most clips; every split gets one."""
    lacks = {name: share * int(sizes.sum()) for name, share in wanted.items()}
    empty = [*wanted]
    splits = [""] * len(sizes)
    order = rng.permutation(len(sizes)).tolist()
    for done, place in enumerate(order):
        choice = empty if len(order) - done <= len(empty) else [*wanted]
        name = max(choice, key=lambda split: lacks[split])
        lacks[name] -= int(sizes[place])
        splits[place] = name
        empty = [split for split in empty if split != name]
    return splits


def _cost(
    deal: list[str], glosses: Sequence[set[str]], sizes: npt.NDArray[np.int64], wanted: dict[str, float]
) -> float:
    """How far the splits' shares are from what is wanted, and the share of glosses that train lacks."""
    split = np.array(deal)
    apart = sum(abs(sizes[split == name].sum() / sizes.sum() - share) for name, share in wanted.items())
    known = set().union(*(some for some, name in zip(glosses, deal, strict=True) if name == "train"))
    every = set().union(*glosses)
    return float(apart) + 1 - len(known) / len(every)
