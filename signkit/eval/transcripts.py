"""Transcripts as they were read, and pairs of them as they are compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from signkit.errors import UserError

Ints = npt.NDArray[np.int32]
Offsets = npt.NDArray[np.int64]


class Segment(NamedTuple):
    """Where an utterance lies in a recording: seconds, end exclusive (infinite where it is open)."""

    recording: str
    channel: str
    begin: float
    end: float


@dataclass(frozen=True)
class Transcripts:
    """The utterances of one file, in its order, uncleaned.

    Attributes:
        source: the file's name, for messages.
        format: as `signkit.eval.formats.FORMATS` names it.
        ids: one an utterance, unique.
        texts: the words of each as the file has them, joined by blanks; "" for none.
        lines: the line of the file where each stands, counted from 1.
        signers: of each; empty where the format has none.
        segments: of each; empty where the format has no times.
        a_word_a_line: whether each word had a line of its own, as in a CTM. Clean-up rules see lines, so
            with this they see a word at a time.
    """

    source: str
    format: str
    ids: tuple[str, ...]
    texts: tuple[str, ...]
    lines: Sequence[int]
    signers: tuple[str, ...] = ()
    segments: tuple[Segment, ...] = ()
    a_word_a_line: bool = False

    def __post_init__(self) -> None:
        if not len(self.ids) == len(self.texts) == len(self.lines):
            raise ValueError(
                f"{len(self.ids)} ids, {len(self.texts)} texts, {len(self.lines)} lines: {self.source}"
            )
        if len(set(self.ids)) < len(self.ids):
            first: dict[str, int] = {}
            for name, line in zip(self.ids, self.lines, strict=True):
                if name in first:
                    raise UserError(
                        f"{self.source}:{line}", f"id {name!r} is used twice", f"first in line {first[name]}"
                    )
                first[name] = line

    @cached_property
    def index(self) -> dict[str, int]:
        """The place of each id."""
        return {name: place for place, name in enumerate(self.ids)}

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Ragged:
    """Sequences of token numbers laid end to end.

    Attributes:
        values: int32 [tokens of all].
        offsets: int64 [sequences + 1]; sequence i is ``values[offsets[i]:offsets[i + 1]]``.
    """

    values: Ints
    offsets: Offsets

    @property
    def lengths(self) -> Offsets:
        """Tokens of each sequence: [sequences]."""
        return np.diff(self.offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, place: int) -> Ints:
        return self.values[self.offsets[place] : self.offsets[place + 1]]


@dataclass(frozen=True, slots=True)
class Pairs:
    """References and hypotheses in the units of a metric, cleaned, ready to be aligned.

    Attributes:
        ids: of the references, in their order.
        references: token numbers.
        hypotheses: token numbers, in the order of the references.
        tokens: the token of each number; numbers of equal tokens are equal, also where case is ignored.
        signers: of each pair; empty where they are not known.
    """

    ids: tuple[str, ...]
    references: Ragged
    hypotheses: Ragged
    tokens: tuple[str, ...]
    signers: tuple[str, ...] = ()

    def words(self, numbers: Ints) -> tuple[str, ...]:
        """The tokens of some numbers."""
        return tuple(self.tokens[number] for number in numbers)


CORRECT, SUBSTITUTION, DELETION, INSERTION = range(4)


@dataclass(frozen=True, slots=True)
class Aligned:
    """Alignments of many pairs, laid end to end.

    Attributes:
        counts: int64 [pairs, 4]: correct, substitutions, deletions, insertions.
        offsets: int64 [pairs + 1]; the steps of pair i are ``offsets[i]`` to ``offsets[i + 1]``.
        kinds: int8 [steps]: 0 to 3 in the order of `counts`.
        references: int32 [steps]: token number of the reference, -1 for an insertion.
        hypotheses: int32 [steps]: token number of the hypothesis, -1 for a deletion.
    """

    counts: npt.NDArray[np.int64]
    offsets: Offsets
    kinds: npt.NDArray[np.int8]
    references: Ints
    hypotheses: Ints

    @property
    def errors(self) -> npt.NDArray[np.int64]:
        """Substitutions, deletions and insertions of each pair: [pairs]."""
        return np.asarray(self.counts[:, 1:].sum(axis=1))

    @property
    def words(self) -> npt.NDArray[np.int64]:
        """Reference tokens of each pair: correct, substituted or deleted: [pairs]."""
        return np.asarray(self.counts[:, :3].sum(axis=1))
