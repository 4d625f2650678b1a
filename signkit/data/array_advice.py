"""What to do with arrays that are not as `signkit.data.npz` has them: a line by their shape."""

from collections.abc import Sequence

LAYOUTS = {543: "holistic", 137: "openpose", 42: "hands", 21: "hand"}
"""Layouts by their points, where the number tells."""
PARTS = {
    1662: "33 points of the pose x 4, 468 of the face x 3, 21 of each hand x 3",
    1629: "543 points of the layout 'holistic' x 3",
    1086: "543 points of the layout 'holistic' x 2",
    258: "33 points of the pose x 4, 21 of each hand x 3",
    225: "33 points of the pose x 3, 21 of each hand x 3",
    150: "33 points of the pose x 2, 21 of each hand x 2",
    411: "137 points of the layout 'openpose' x 3, of which the third is the confidence",
    274: "137 points of the layout 'openpose' x 2",
    126: "42 points of the layout 'hands' x 3",
    84: "42 points of the layout 'hands' x 2",
    63: "21 points of the layout 'hand' x 3",
    42: "21 points of the layout 'hand' x 2",
}
"""Numbers a frame that scripts around MediaPipe and OpenPose are known to write."""
PAGE = 'docs/landmarks.md, "Arrays of your own", shows how'
OBJECTS = (
    "frames with different numbers of points became Python objects: give every frame all points of its "
    f"layout, NaN where one is missing; {PAGE}"
)


def advice(shape: Sequence[int]) -> str:
    """How an array of this shape becomes `landmarks`, as far as the shape tells."""
    if len(shape) == 2 and shape[1] in PARTS:
        return f"{shape[1]} numbers a frame are probably {PARTS[shape[1]]}; {PAGE}"
    if len(shape) == 3 and shape[2] in (2, 3) and shape[1] in LAYOUTS:
        return f"write it with np.savez(FILE, landmarks=array, layout='{LAYOUTS[shape[1]]}', fps=25)"
    if len(shape) == 3 and shape[2] in (2, 3) and shape[1] == 75:
        return f"75 points are probably 33 of the pose and 21 of each hand; {PAGE}"
    if len(shape) == 3 and shape[2] == 4:
        return "if the fourth number is a confidence, write it as `confidence` [frames, points]"
    if len(shape) == 4:
        return "if the second axis is of people, write one of them"
    return PAGE
