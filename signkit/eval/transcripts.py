"""Records of evaluation: transcripts as read, pairs of them as token numbers, and their alignments."""

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
    """Where an utterance lies in a recording, in seconds; the end is exclusive, and may be infinite."""

    recording: str
    channel: str
    begin: float
    end: float


@dataclass(frozen=True)
class Transcripts:
    """The utterances of one file, in the file's order, before clean-up.

    Attributes:
        source: the file's name, for messages.
        format: one of `signkit.eval.formats.FORMATS`.
        ids: id of each utterance, unique.
        texts: words of each utterance as in the file, joined by blanks; "" for none.
        lines: line of each utterance in the file, counted from 1.
        signers: signer of each utterance; empty if the format has none.
        segments: times of each utterance; empty if the format has none.
        a_word_a_line: whether each word had a line of its own, as in a CTM. Clean-up rules are applied to
            lines, so then they are applied to each word.
        ctm_alternatives: whether a CTM has alternatives; they are written as in an STM, ``{ A / B }``.
        notes: what the reader of the scores should know about the file, a sentence each.

    Raises:
        UserError: an id occurs twice.
    """

    source: str
    format: str
    ids: tuple[str, ...]
    texts: tuple[str, ...]
    lines: Sequence[int]
    signers: tuple[str, ...] = ()
    segments: tuple[Segment, ...] = ()
    a_word_a_line: bool = False
    ctm_alternatives: bool = False
    notes: tuple[str, ...] = ()

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

    @property
    def with_alternatives(self) -> bool:
        """Whether ``{ A / B }`` in a text are alternatives, and not words."""
        return self.format in ("stm", "trn") or self.ctm_alternatives

    @cached_property
    def index(self) -> dict[str, int]:
        """The place of each id."""
        return {name: place for place, name in enumerate(self.ids)}

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Ragged:
    """Sequences of token numbers in one array, one after another.

        sequences  [5, 7], [], [5]        values [5, 7, 5]    offsets [0, 2, 2, 3]

    Attributes:
        values: int32 [tokens of all sequences].
        offsets: int64 [sequences + 1]; sequence i is ``values[offsets[i]:offsets[i + 1]]``.
    """

    values: Ints
    offsets: Offsets

    @property
    def lengths(self) -> Offsets:
        """Number of tokens of each sequence: [sequences]."""
        return np.diff(self.offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, place: int) -> Ints:
        return self.values[self.offsets[place] : self.offsets[place + 1]]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Cleaned references and hypotheses as token numbers, ready to be aligned.

    Attributes:
        ids: ids of the references.
        references: token numbers of the references.
        hypotheses: token numbers of the hypotheses, in the order of the references.
        tokens: the token of each number. Tokens that count as equal (for example regardless of case) have the
            same number.
        signers: signer of each pair; empty if they are not known.
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
    """Alignments of many pairs, their steps in common arrays, one pair after another.

    Attributes:
        counts: int64 [pairs, 4], correct tokens, substitutions, deletions, insertions.
        offsets: int64 [pairs + 1]; the steps of pair i are ``offsets[i]`` to ``offsets[i + 1]``.
        kinds: int8 [steps], `CORRECT`, `SUBSTITUTION`, `DELETION` or `INSERTION`.
        references: int32 [steps], token number of the reference; -1 for an insertion.
        hypotheses: int32 [steps], token number of the hypothesis; -1 for a deletion.
    """

    counts: npt.NDArray[np.int64]
    offsets: Offsets
    kinds: npt.NDArray[np.int8]
    references: Ints
    hypotheses: Ints

    @property
    def errors(self) -> npt.NDArray[np.int64]:
        """Number of substitutions, deletions and insertions of each pair: [pairs]."""
        return np.asarray(self.counts[:, 1:].sum(axis=1))

    @property
    def words(self) -> npt.NDArray[np.int64]:
        """Number of reference tokens (correct, substituted or deleted) of each pair: [pairs]."""
        return np.asarray(self.counts[:, :3].sum(axis=1))
