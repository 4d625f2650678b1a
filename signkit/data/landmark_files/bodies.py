"""The bodies of OpenPose's models, by their number of points, in the layout ``openpose``.

Source: src/openpose/pose/poseParameters.cpp of OpenPose.
"""

import numpy as np
import numpy.typing as npt

from signkit.data.layouts import layout

FINGERS = range(1, 21)
"""Points of a hand without its wrist."""


def places_of_body(points: int) -> npt.NDArray[np.int64] | None:
    """For each point of the layout its place in an array of so many points, -1 where that has none; None
    where no body has so many.

    25: BODY_25. 18: COCO, which has no feet and no middle of the hips. 15: MPI, of which the top of the head
    and the chest have no place here. 135: BODY_135, the whole signer in one array, of which the upper neck
    and the top of the head have no place here, and each wrist two: in the body and in the hand.
    """
    whole = layout("openpose")
    index = {name: place for place, name in enumerate(whole.points)}
    body = [whole.points[place] for place in whole.parts["body"]]
    names: list[str | None]
    if points == 25:
        names = [*body]
    elif points == 18:
        names = [*body[:8], *body[9:19]]
    elif points == 15:
        names = [None, *body[1:8], *body[9:15], None]
    elif points == 135:
        names = _body_135(whole.points)
    else:
        return None
    places = np.full(len(index), -1, np.int64)
    for place, name in enumerate(names):
        if name is not None:
            places[index[name]] = place
    if points == 135:
        for side in ("left", "right"):
            places[index[f"{side}_hand_wrist"]] = places[index[f"{side}_wrist"]]
    return places


def _body_135(points: tuple[str, ...]) -> list[str | None]:
    whole = layout("openpose")
    sides = [
        f"{side}_{name}"
        for name in ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
        for side in ("left", "right")
    ]
    feet = [f"{side}_{name}" for side in ("left", "right") for name in ("big_toe", "small_toe", "heel")]
    hands = [points[whole.parts[hand][finger]] for hand in whole.hands for finger in FINGERS]
    face = [points[place] for place in whole.parts["face"]]
    return ["nose", *sides, None, None, *feet, *hands, *face]
