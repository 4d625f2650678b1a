"""When each letter of a word is held, and how the hand gets from one to the next.

A clip is a row of pieces, each a part of a recording, with transitions between them. A transition follows the
profile of the least jerk (Flash and Hogan 1985), which hands have when they move from one place to another:

    piece       rest   rest>h   h h h   h>i   i i   i>rest   rest
    along       0      0 to 1   0       0 to 1 0     0 to 1   0
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signkit.data.synthetic.draw import Array, between, one
from signkit.data.synthetic.hand_clip import PARENT, from_bones
from signkit.types import Segment

REST, SPACE = "", " "
"""The hand before and after all, and between two words."""
MOVING = "jz"
MOVING_LONGER = 2.2
"""Letters that move take so many times as long."""
LEAST_MOVING = 4
"""Frames of a letter that moves."""
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Piece:
    """A letter, a space or a rest.

    Attributes:
        frames: for which it is held.
        after: frames of the transition to the next piece.
    """

    letter: str
    frames: int
    after: int


@dataclass(frozen=True, slots=True)
class Course:
    """Where each frame of a clip comes from.

    Attributes:
        piece: the piece that is held, or the one before a transition [frames].
        along: how far the transition has come [frames], 0 while a piece is held.
        first, second: frames of recordings [frames]. share: of the second in their mixture [frames].
    """

    piece: Indices
    along: Array
    first: Indices
    second: Indices
    share: Array


def draw_pieces(text: str, fps: float, rate: float, bits: np.random.PCG64) -> tuple[Piece, ...]:
    """The timing of a word or phrase.

    Args:
        rate: letters a second, of a usual signer.
    """
    period = fps / (rate * between(bits, 0.8, 1.25))

    def drawn(low: float, high: float) -> int:
        return max(1, int(period * between(bits, low, high) + 0.5))

    pieces = [Piece(REST, 1, drawn(0.5, 1.0))]
    for letter in text:
        if letter == SPACE:
            pieces.append(Piece(SPACE, drawn(0.5, 1.2), drawn(0.6, 1.0)))
            continue
        held = drawn(0.3, 0.75)
        if letter in MOVING:
            held = max(LEAST_MOVING, int(MOVING_LONGER * held))
        pieces.append(Piece(letter, held, drawn(0.3, 0.65)))
    return (*pieces, Piece(REST, 1, 0))


def total_frames(pieces: Sequence[Piece]) -> int:
    """Frames of the whole clip."""
    return sum(piece.frames + piece.after for piece in pieces)


def segments(pieces: Sequence[Piece]) -> tuple[Segment, ...]:
    """When each letter and each space is held."""
    found, start = [], 0
    for piece in pieces:
        if piece.letter != REST:
            found.append(Segment(piece.letter, start, start + piece.frames))
        start += piece.frames + piece.after
    return tuple(found)


def course_of(pieces: Sequence[Piece], places: Sequence[Array]) -> Course:
    """The frames of a clip.

    Args:
        places: of each piece the frames of recordings [its frames]; fractions lie between two of them, but
            the first and the last are whole.
    """
    parts: list[tuple[Array, ...]] = []
    for number, (piece, place) in enumerate(zip(pieces, places, strict=True)):
        low = np.floor(place)
        parts.append((np.full(len(place), number), 0 * low, low, np.ceil(place), place - low))
        if piece.after:
            along = least_jerk(np.arange(1, piece.after + 1) / (piece.after + 1))
            ends = np.full((2, piece.after), [[place[-1]], [places[number + 1][0]]])
            parts.append((np.full(piece.after, number), along, *ends, along))
    numbers, along, low, high, share = map(np.concatenate, zip(*parts, strict=True))
    held, first, second = (each.astype(np.int64) for each in (numbers, low, high))
    return Course(held, along, first, second, share)


def least_jerk(time: Array) -> Array:
    """From 0 to 1 with neither speed nor acceleration at the ends, for times from 0 to 1."""
    return time * time * time * (10 + time * (6 * time - 15))


def mixed(values: Array, course: Course) -> Array:
    """Values of the recordings' frames [recorded, ...] along the course [frames, ...]."""
    first, second = values[course.first], values[course.second]
    share = course.share.reshape(-1, *[1] * (values.ndim - 1))
    return np.asarray(first + share * (second - first), dtype=np.float64)


def blended(points: npt.NDArray[np.floating], course: Course) -> Array:
    """Hands [recorded, 21, 3] along the course [frames, 21, 3]: the wrist, the directions of the bones and
    their lengths are mixed, so that no finger shrinks on its way."""
    first, second = (points[of].astype(np.float64) for of in (course.first, course.second))
    share = course.share[:, None, None]
    wrist = first[:, :1] + share * (second[:, :1] - first[:, :1])
    bones, others = first - first[:, PARENT], second - second[:, PARENT]
    lengths, other_lengths = length(bones), length(others)
    bones = bones + share * (others - bones)
    bones = bones * ((lengths + share * (other_lengths - lengths)) / np.maximum(length(bones), 1e-9))
    return wrist + from_bones(bones)


def shifts(pieces: Sequence[Piece], course: Course, bits: np.random.PCG64) -> Array:
    """The movement of the whole hand that is part of no letter: [frames, 1, 3], in the hand's unit of length.

    It comes up from a rest and goes back, moves to the side from letter to letter, and slides or bounces
    between two that are alike.
    """
    out, slides = between(bits, 0.0, 0.12), one(bits) < 0.5
    aside, down, bounces = np.zeros(len(pieces)), np.zeros(len(pieces)), np.zeros(len(pieces))
    for number, piece in enumerate(pieces):
        before = pieces[number - 1] if number else piece
        if piece.letter in (REST, SPACE):
            down[number] = between(bits, 0.4, 1.0) if piece.letter == REST else between(bits, 0.2, 0.4)
            aside[number] = 0.0 if piece.letter == SPACE else aside[number - 1]
            continue
        aside[number] = aside[number - 1] - out
        if piece.letter == before.letter:
            amount = between(bits, 0.25, 0.5)
            aside[number] -= amount * slides
            bounces[number - 1] = amount * (not slides)
    at, following = course.piece, np.minimum(course.piece + 1, len(pieces) - 1)
    moved = np.zeros((len(at), 1, 3))
    for axis, places in enumerate((aside, down)):
        moved[:, 0, axis] = places[at] + course.along * (places[following] - places[at])
    moved[:, 0, 1] += 4 * bounces[at] * course.along * (1 - course.along)
    return moved


def length(vectors: Array) -> Array:
    """Of vectors [..., 3]: [..., 1]; a sum of three by hand, whose order no library changes."""
    square = vectors * vectors
    return np.asarray(np.sqrt(square[..., :1] + square[..., 1:2] + square[..., 2:]), dtype=np.float64)
