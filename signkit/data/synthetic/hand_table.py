"""The postures of a right hand for the 26 letters of the ASL alphabet, with the variants in common use.

Written down for this project from descriptions of the manual alphabet. Angles are in degrees, lengths in the
unit of `signkit.data.synthetic.hand`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

Pair = tuple[float, float]
Place = tuple[float, float, float]
Angles = tuple[Pair, Pair, Pair]


@dataclass(frozen=True, kw_only=True)
class Posture:
    """One way to form a letter.

    Attributes:
        bends: of index, middle, ring and little finger: the flexion of the first and the second joint.
        fan: of each finger to the thumb's side.
        at, offset: the thumb's tip is at the mean of these points, and so far from it.
        bulge: the direction to which the thumb's joints stand out.
        turn: the lowest and the highest yaw, pitch and roll.
        ends: of a letter that moves: ranges of the last yaw, pitch and roll, of which one is drawn.
        path: of a letter that moves: places of the hand on the way, x to the right and y down.
        share: among the variants of the letter.
    """

    bends: tuple[Pair, Pair, Pair, Pair]
    fan: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    at: tuple[int, ...] = (0,)
    offset: Place = (0.0, 0.0, 0.0)
    bulge: Place = (1.0, 0.0, -0.2)
    turn: Angles = ((-25.0, 35.0), (-35.0, 35.0), (-25.0, 25.0))
    ends: tuple[Angles, ...] = ()
    path: tuple[Pair, ...] = ()
    share: float = 1.0


OUT, FIST, OVER = (4.0, 5.0), (62.0, 100.0), (48.0, 95.0)
ASIDE = ((10.0, 95.0), (-15.0, 25.0), (-20.0, 35.0))  # the palm to the side, as a C is shown
ACROSS = ((130.0, 215.0), (-20.0, 30.0), (60.0, 120.0))  # fingers to the side, the hand's back to the camera
FLAT = ((55.0, 130.0), (-20.0, 30.0), (55.0, 115.0))  # fingers to the side, the palm down
BENT = ((50.0, 115.0), (-20.0, 30.0), (-25.0, 30.0))  # the knuckles up, the first joints bent to the side
DOWN = ((-40.0, 50.0), (95.0, 170.0), (-30.0, 40.0))  # the fingers forward and down
BELOW = ((110.0, 205.0), (-25.0, 25.0), (130.0, 195.0))  # the fingers down, the hand's back to the camera
OPPOSED = (0.3, -1.0, 0.3)
SCOOPED = (
    ((-20.0, 50.0), (45.0, 95.0), (-40.0, 40.0)),
    ((-10.0, 40.0), (50.0, 95.0), (-95.0, -40.0)),
    ((100.0, 170.0), (-10.0, 30.0), (30.0, 90.0)),
    ((30.0, 90.0), (0.0, 40.0), (50.0, 110.0)),
)  # the end of a J: the little finger to the camera, to the side, or the palm to the signer
HOOK = ((0.0, 0.0), (-0.1, 0.8), (0.0, 1.4), (0.5, 1.5), (0.9, 1.1))

FISTS = (FIST, FIST, FIST, FIST)
POINTING = (OUT, FIST, FIST, FIST)
TWO = (OUT, OUT, FIST, FIST)
TOGETHER = (-3.0, 0.0, 3.0, 8.0)
ON_RING, ON_MIDDLE = (15,), (11,)
IN_FRONT = (0.03, 0.05, 0.1)

POSTURES: Mapping[str, tuple[Posture, ...]] = {
    "A": (
        Posture(bends=FISTS, at=(6,), offset=(0.18, 0.02, -0.15)),
        Posture(bends=FISTS, at=(5,), offset=(0.16, 0.42, 0.12), share=0.5),
        Posture(bends=FISTS, at=(5,), offset=(0.3, 0.45, 0.05), share=0.5),
    ),
    "B": (
        Posture(bends=(OUT,) * 4, fan=TOGETHER, offset=(0.02, 0.72, 0.2)),
        Posture(bends=(OUT,) * 4, fan=TOGETHER, offset=(0.14, 0.85, 0.15)),
    ),
    "C": (Posture(bends=((30.0, 45.0),) * 4, offset=(0.28, 0.7, 0.75), bulge=OPPOSED, turn=ASIDE),),
    "D": (
        Posture(
            bends=(OUT, *((55.0, 60.0),) * 3),
            at=(12,),
            offset=(0.03, 0.0, 0.04),
            bulge=(0.6, -0.6, 0.3),
            turn=((-15.0, 80.0), (-15.0, 30.0), (-25.0, 25.0)),
        ),
        Posture(
            bends=(OUT, *((65.0, 80.0),) * 3), at=(12,), offset=(0.06, 0.04, 0.06), bulge=(0.8, -0.4, 0.3)
        ),
    ),
    "E": (
        Posture(bends=((15.0, 100.0),) * 4, at=(12, 16), offset=(0.0, -0.12, 0.0)),
        Posture(bends=((35.0, 105.0),) * 4, at=(12, 16), offset=(-0.08, -0.08, 0.02)),
    ),
    "F": (
        Posture(
            bends=((50.0, 60.0), *((8.0, 8.0),) * 3),
            fan=(0.0, 6.0, -4.0, -14.0),
            at=(8,),
            offset=(0.0, 0.0, 0.03),
            bulge=(0.6, -0.6, 0.3),
            turn=((-30.0, 50.0), (-15.0, 30.0), (-25.0, 25.0)),
        ),
    ),
    "G": (
        Posture(bends=((10.0, 5.0), FIST, FIST, FIST), at=(6,), offset=(0.06, -0.05, 0.25), turn=ACROSS),
        Posture(bends=((80.0, 5.0), FIST, FIST, FIST), at=(6,), offset=(0.1, 0.1, 0.0), turn=BENT),
        Posture(
            bends=((15.0, 5.0), FIST, FIST, FIST), at=(6,), offset=(0.06, -0.05, 0.25), turn=FLAT, share=0.5
        ),
    ),
    "H": (
        Posture(bends=TWO, fan=(-3.0, 2.0, 0.0, 0.0), at=(14,), offset=(0.05, 0.0, 0.12), turn=ACROSS),
        Posture(
            bends=((80.0, 5.0), (80.0, 5.0), FIST, FIST),
            fan=(-3.0, 2.0, 0.0, 0.0),
            at=(10,),
            offset=(0.1, 0.0, 0.0),
            turn=BENT,
        ),
        Posture(
            bends=TWO, fan=(-3.0, 2.0, 0.0, 0.0), at=(14,), offset=(0.05, 0.0, 0.12), turn=FLAT, share=0.5
        ),
    ),
    "I": (
        Posture(bends=(FIST, FIST, FIST, OUT), fan=(0.0, 0.0, 0.0, -6.0), at=ON_MIDDLE, offset=IN_FRONT),
        Posture(bends=(FIST, FIST, FIST, OUT), fan=(0.0, 0.0, 0.0, -6.0), at=(6,), offset=(0.1, 0.0, -0.05)),
    ),
    "J": (
        Posture(
            bends=(FIST, FIST, FIST, OUT),
            fan=(0.0, 0.0, 0.0, -6.0),
            at=ON_MIDDLE,
            offset=IN_FRONT,
            ends=SCOOPED,
            path=HOOK,
        ),
        Posture(
            bends=(FIST, FIST, FIST, (15.0, 15.0)),
            fan=(0.0, 0.0, 0.0, -6.0),
            at=(6,),
            offset=(0.15, 0.05, -0.1),
            ends=SCOOPED,
            path=HOOK,
        ),
    ),
    "K": (
        Posture(
            bends=((5.0, 5.0), (35.0, 8.0), FIST, FIST),
            fan=(6.0, -5.0, 0.0, 0.0),
            at=(6, 10),
            offset=(0.0, -0.08, 0.06),
        ),
        Posture(
            bends=((5.0, 5.0), (15.0, 8.0), FIST, FIST),
            fan=(9.0, -8.0, 0.0, 0.0),
            at=(6, 10),
            offset=(0.0, -0.12, 0.08),
        ),
    ),
    "L": (Posture(bends=POINTING, at=(1,), offset=(0.72, 0.42, 0.05)),),
    "M": (
        Posture(bends=(OVER, OVER, OVER, FIST), at=(14, 18), offset=(0.03, -0.08, -0.04)),
        Posture(bends=(OVER, OVER, OVER, FIST), at=(14,), offset=(-0.02, -0.1, -0.08)),
        Posture(
            bends=(*((80.0, 35.0),) * 3, FIST),
            at=(14, 18),
            offset=(0.03, -0.1, 0.0),
            turn=((-30.0, 40.0), (-10.0, 70.0), (-25.0, 25.0)),
        ),
    ),
    "N": (
        Posture(bends=(OVER, OVER, FIST, FIST), at=(10, 14), offset=(0.02, -0.08, -0.02)),
        Posture(bends=(OVER, OVER, FIST, FIST), at=(10, 14), offset=(0.02, 0.02, -0.02)),
        Posture(
            bends=(*((80.0, 35.0),) * 2, FIST, FIST),
            at=(10, 14),
            offset=(0.03, -0.1, 0.0),
            turn=((-30.0, 40.0), (-10.0, 70.0), (-25.0, 25.0)),
        ),
    ),
    "O": (
        Posture(bends=((50.0, 55.0),) * 4, at=(8, 12), offset=(0.0, 0.0, 0.03), bulge=OPPOSED, turn=ASIDE),
        Posture(bends=((40.0, 60.0),) * 4, at=(8, 12), offset=(0.0, -0.08, 0.06), bulge=OPPOSED, turn=ASIDE),
    ),
    "P": (
        Posture(
            bends=((10.0, 8.0), (50.0, 8.0), FIST, FIST),
            fan=(4.0, -3.0, 0.0, 0.0),
            at=(10,),
            offset=(0.08, -0.1, 0.02),
            turn=DOWN,
        ),
        Posture(
            bends=((10.0, 8.0), (60.0, 8.0), FIST, FIST),
            fan=(4.0, -3.0, 0.0, 0.0),
            at=(10,),
            offset=(0.08, -0.1, 0.02),
            turn=((50.0, 140.0), (-20.0, 30.0), (80.0, 155.0)),
        ),
    ),
    "Q": (
        Posture(bends=((15.0, 5.0), FIST, FIST, FIST), at=(6,), offset=(0.06, -0.05, 0.25), turn=DOWN),
        Posture(bends=((15.0, 5.0), FIST, FIST, FIST), at=(6,), offset=(0.06, -0.05, 0.25), turn=BELOW),
    ),
    "R": (
        Posture(
            bends=((0.0, 5.0), (8.0, 8.0), FIST, FIST),
            fan=(-15.0, 8.0, 0.0, 0.0),
            at=ON_RING,
            offset=IN_FRONT,
        ),
        Posture(
            bends=((10.0, 8.0), (0.0, 5.0), FIST, FIST),
            fan=(-10.0, 13.0, 0.0, 0.0),
            at=ON_RING,
            offset=IN_FRONT,
        ),
    ),
    "S": (
        Posture(bends=FISTS, at=(10, 14), offset=(-0.1, -0.22, 0.04)),
        Posture(bends=FISTS, at=(10,), offset=(-0.1, -0.22, 0.05)),
    ),
    "T": (
        Posture(bends=(OVER, FIST, FIST, FIST), at=(6, 10), offset=(0.0, 0.03, -0.02)),
        Posture(bends=((60.0, 85.0), FIST, FIST, FIST), at=(6, 10), offset=(0.02, -0.04, 0.02)),
    ),
    "U": (Posture(bends=TWO, fan=(-3.0, 3.0, 0.0, 0.0), at=ON_RING, offset=IN_FRONT),),
    "V": (Posture(bends=TWO, fan=(13.0, -10.0, 0.0, 0.0), at=ON_RING, offset=IN_FRONT),),
    "W": (
        Posture(
            bends=(OUT, OUT, OUT, FIST), fan=(13.0, 0.0, -13.0, 0.0), at=(19,), offset=(0.03, 0.05, 0.08)
        ),
    ),
    "X": (
        Posture(bends=((20.0, 80.0), FIST, FIST, FIST), at=ON_MIDDLE, offset=IN_FRONT),
        Posture(bends=((35.0, 65.0), FIST, FIST, FIST), at=ON_MIDDLE, offset=IN_FRONT),
        Posture(bends=((8.0, 32.0), FIST, FIST, FIST), at=ON_MIDDLE, offset=IN_FRONT),
        Posture(
            bends=((20.0, 80.0), FIST, FIST, FIST),
            at=ON_MIDDLE,
            offset=IN_FRONT,
            turn=((20.0, 90.0), (-15.0, 30.0), (-20.0, 45.0)),
        ),
    ),
    "Y": (
        Posture(
            bends=(FIST, FIST, FIST, (10.0, 5.0)),
            fan=(0.0, 0.0, 0.0, -22.0),
            at=(1,),
            offset=(0.7, 0.52, 0.05),
        ),
    ),
    "Z": (
        Posture(
            bends=((10.0, 8.0), FIST, FIST, FIST),
            at=ON_MIDDLE,
            offset=IN_FRONT,
            turn=((-25.0, 60.0), (0.0, 55.0), (-50.0, 50.0)),
            path=((0.0, 0.0), (-1.3, 0.0), (0.1, 1.2), (-1.2, 1.3)),
        ),
    ),
}
