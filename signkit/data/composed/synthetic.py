"""Words spelled by a synthetic hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signkit.data.composed.timeline import REST, SPACE, Piece, blended, course_of, mixed, shifts
from signkit.data.synthetic import hand_clip
from signkit.data.synthetic.draw import Array, stream
from signkit.data.synthetic.hand_clip import Motion, Person, Stage
from signkit.data.synthetic.hand_table import POSTURES, Posture

RELAXED = Posture(
    bends=((15.0, 25.0), (20.0, 30.0), (25.0, 35.0), (30.0, 40.0)), at=(5,), offset=(0.3, -0.1, 0.15)
)
"""The hand before and after a word."""


@dataclass(frozen=True, slots=True)
class Speller:
    """A person, and how they form each letter.

    Attributes:
        number: of the person.
    """

    number: int
    person: Person
    postures: Mapping[str, Posture]


def draw_speller(number: int, variation: float, key: tuple[int, ...]) -> Speller:
    """The person of a number; every fifth is left-handed. A person forms a letter in one way."""
    postures = {
        letter.lower(): hand_clip.variant(letter, stream(*key, number, place))
        for place, letter in enumerate(POSTURES, 1)
    }
    postures |= {REST: RELAXED, SPACE: RELAXED}
    return Speller(number, hand_clip.draw_person(number, stream(*key, number, 0), variation), postures)


def film(speller: Speller, pieces: Sequence[Piece], stage: Stage, bits: np.random.PCG64) -> Array:
    """The hand as the camera sees it, see `signkit.data.synthetic.hand_clip.filmed`: [frames, 21, 3]."""
    moves = [
        hand_clip.move(speller.postures[piece.letter], speller.person, stage, piece.frames, bits, whole=True)
        for piece in pieces
    ]
    starts = np.cumsum([0, *(piece.frames for piece in pieces[:-1])])
    places = [
        start + np.arange(piece.frames, dtype=np.float64) for start, piece in zip(starts, pieces, strict=True)
    ]
    course = course_of(pieces, places)
    motion = Motion(
        points=blended(np.concatenate([each.points for each in moves]), course),
        turn=mixed(np.concatenate([each.turn for each in moves]), course),
        place=mixed(np.concatenate([each.place for each in moves]), course) + shifts(pieces, course, bits),
    )
    return hand_clip.filmed(motion, bits)


def spell(
    speller: Speller, pieces: Sequence[Piece], stage: Stage, key: tuple[int, ...]
) -> npt.NDArray[np.float32]:
    """Points [frames, 21, 3] of a word, as a tracker finds them in a picture."""
    bits = stream(*key)
    return hand_clip.tracked(film(speller, pieces, stage, bits), speller.person, stage, bits)
