"""Symbols of HamNoSys 4 for the classes of HearAI's annotations.

The code points are those of the University of Hamburg's font HamNoSysUnicode, in the private use area of
Unicode, and so are the names. Which class has which symbol is defined by HearAI's converter, which makes the
annotations (github.com/hearai/parse-hamnosys, hamnosys_dicts.py). Of smaller numbers of classes, as in
HearAI's recipe of landmarks, no table is published.
"""

from collections.abc import Iterator, Sequence

AROUND = ("u", "ur", "r", "dr", "d", "dl", "l", "ul")
"""Up, up and right, … as the signer sees it."""
WAYS = (*AROUND, "ol", "o", "or", "il", "i", "ir", "ui", "di", "do", "uo")
"""These, and those that lead out to the observer or in to the body."""
BLOCKS: dict[int, Sequence[str]] = {
    0xE000: (
        "fist", "flathand", "finger2", "finger23", "finger23spread", "finger2345", "pinch12", "pinchall",
        "pinch12open", "cee12", "ceeall", "ceeopen", "thumboutmod", "thumbacrossmod", "thumbopenmod",
    ),
    0xE010: ("fingerstraightmod", "fingerbendmod", "fingerhookmod", "doublebent", "doublehooked"),
    0xE020: [f"extfinger{way}" for way in WAYS],
    0xE038: [f"palm{way}" for way in AROUND],
    0xE040: (
        "head", "headtop", "forehead", "eyebrows", "eyes", "nose", "nostrils", "ear", "earlobe", "cheek",
        "lips", "tongue", "teeth", "chin", "underchin", "neck", "shouldertop", "shoulders", "chest",
        "stomach", "belowstomach",
    ),
    0xE058: ("lrbeside", "lrat"),
    0xE060: (
        "upperarm", "elbow", "elbowinside", "lowerarm", "wristback", "wristpulse", "thumbball", "palm",
        "handback", "thumbside", "pinkyside",
    ),
    0xE075: ("fingertip", "fingernail", "fingerpad", "fingermidjoint", "fingerbase", "fingerside"),
    0xE0C7: ("largemod",),
    0xE0D0: ("close", "touch", "interlock", "cross", "armextended", "behind"),
    0xE0E8: ("symmpar", "symmlr"),
}  # fmt: skip
"""The symbols that the classes need, without the "ham" in front, from a code point on."""
NAMES = {start + place: f"ham{name}" for start, names in BLOCKS.items() for place, name in enumerate(names)}


def _each(*codes: int) -> Iterator[tuple[int, ...]]:
    yield from ((code,) for code in codes)


PARALLEL, MIRRORED, STRAIGHT, LARGE = 0xE0E8, 0xE0E9, 0xE010, 0xE0C7
CLASSES: dict[str, tuple[tuple[int, ...], ...]] = {
    "symmetry_operator": (
        (), (MIRRORED, STRAIGHT, LARGE), (PARALLEL, STRAIGHT, LARGE), (MIRRORED, STRAIGHT),
        (PARALLEL, STRAIGHT), (MIRRORED, LARGE), (PARALLEL, LARGE), (MIRRORED,), (PARALLEL,),
    ),
    "hand_shape_base_form": (*_each(*range(0xE000, 0xE00C)),),
    "hand_shape_thumb_position": ((), *_each(0xE00C, 0xE00D, 0xE00E)),
    "hand_shape_bending": ((), *_each(0xE013, 0xE010, 0xE011, 0xE012, 0xE014)),
    "hand_position_finger_direction": (
        *_each(*range(0xE020, 0xE028), 0xE029, 0xE02A, 0xE02D, 0xE02C, 0xE02B, 0xE028),
        *_each(0xE031, 0xE030, 0xE02F, 0xE02E),
    ),
    "hand_position_palm_orientation": (*_each(*range(0xE038, 0xE040)),),
    # Left of the symbol of a place the signs mean its left side, right of it its right side.
    "hand_location_x": ((), *_each(0xE058, 0xE059, 0xE059, 0xE058)),
    "hand_location_y": (
        (), *_each(0xE041, 0xE040, 0xE042, 0xE045, 0xE046, *range(0xE04A, 0xE055), 0xE043, 0xE044),
        *_each(0xE047, 0xE048, 0xE049, 0xE060, 0xE062, 0xE075, 0xE077, 0xE076, 0xE078, 0xE079, 0xE07A),
        *_each(0xE068, 0xE067, 0xE064, 0xE063, 0xE066, 0xE06A, 0xE069),
    ),
    "hand_distance": (*_each(0xE0D0, 0xE0D5, 0xE0D1, 0xE0D4, 0xE0D2, 0xE0D3),),
}  # fmt: skip
"""Of each head the code points of its classes; none where a class means that there is no symbol."""
SIDES = ("", " on the left", " on the left", " on the right", " on the right")


def symbol(head: str, number: int) -> tuple[str, str]:
    """The symbol of a class and its name; both are empty where the class means that there is none.

    >>> symbol("hand_shape_base_form", 1) == ("\\ue001", "hamflathand")
    True
    """
    codes = CLASSES[head][number]
    name = " ".join(NAMES[code] for code in codes)
    return "".join(map(chr, codes)), name + (SIDES[number] if head == "hand_location_x" else "")
