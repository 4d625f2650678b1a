"""One signer of several people in the picture: one person for the whole clip, by place and size."""

import warnings

import numpy as np
import numpy.typing as npt

from signkit.data.layouts import Layout

CUT = 25.0
"""What it costs to change from one person to another: as much as being the most prominent for 25 frames."""
STILL = 0.25
"""Steps, in sizes of the person, that cost nothing; one of 1 or more costs `CUT`."""
MEMORY = 50
"""Frames after which a signer who was not seen may be taken up again without cost."""
Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]


def one_signer(people: Floats, layout: Layout) -> tuple[Floats, int]:
    """The points of the signer [frames, points, coordinates], and the number of frames with several people.

    Where nobody else is ever seen, it is who is seen. Else each person in a frame counts as much as is seen
    of them and as they are large, both against the most in the clip, from 0 to 1. From one frame to the next
    the step is the mean distance of the body's points, in sizes of the person: up to `STILL` it costs
    nothing, from 1 on `CUT`. Of all ways through the clip the one that is worth the most is taken (Viterbi),
    and it may pass over frames: those in which only somebody else is seen for a moment have no points. So two
    people are not mixed up, while a cut to another place costs once. The rule is this project's.

    Args:
        people: [frames, people, points, coordinates] in any order of people, NaN where a point is missing.
    """
    seen: Bools = np.asarray(~np.isnan(people).any(-1))
    there: Bools = np.asarray(seen.any(-1))
    several = int((there.sum(1) > 1).sum())
    if not several:
        chosen = np.where(there.any(1), there.argmax(1), -1)
    else:
        body = list(layout.parts.get("body", range(len(layout.points))))
        with np.errstate(over="ignore", invalid="ignore"):  # infinite points are refused later
            chosen = _best_path(people[:, :, body, :2], seen[:, :, body], _worth(people, seen), there)
    points = people[np.arange(len(people)), chosen]
    points[chosen < 0] = np.nan
    return points, several


def several_people(frames: int, of: int) -> tuple[str, ...]:
    """The note of a clip with several people in it, if there are any."""
    if not frames:
        return ()
    return (f"several people in {frames:,} of {of:,} frames: one of them is followed, see docs/landmarks.md",)


def _worth(people: Floats, seen: Bools) -> Floats:
    """How prominent each person of a frame is [frames, people], from 0 to 1."""
    count = seen.sum(-1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of those who are not there
        size = np.nan_to_num(np.nanmax(people[..., 1], -1) - np.nanmin(people[..., 1], -1))
    return np.asarray((count / count.max() + size / max(float(size.max()), 1e-9)) / 2, np.float32)


def _best_path(body: Floats, seen: Bools, worth: Floats, there: Bools) -> npt.NDArray[np.int64]:
    """The person of each frame, -1 where nobody is taken: the path that is worth the most.

    Args:
        body: x and y [frames, people, points, 2]. seen: which are there [frames, people, points].
        there: who is there at all [frames, people].
    """
    frames, most = there.shape
    filled = np.where(seen[..., None], body, np.float32(0))
    size = _sizes(filled, seen)
    best = np.where(there, worth, -np.inf)  # of the paths that end with a person [frames, people]
    before = np.full((frames, most), -1)  # the place of the person before, counted through all frames
    record, record_at = -np.inf, -1  # the best path that ended more than `MEMORY` frames ago
    for frame in np.flatnonzero(there.any(1)).tolist():
        if frame > MEMORY:
            old = frame - MEMORY - 1
            if best[old].max() > record:
                record, record_at = best[old].max(), old * most + int(best[old].argmax())
        first = max(0, frame - MEMORY)
        if frame == first:
            continue
        cost = CUT * np.clip((_steps(filled, seen, size, first, frame) - STILL) / (1 - STILL), 0, 1)
        gains = (best[first:frame, :, None] - cost).reshape(-1, most)
        from_ = gains.argmax(0)
        gain, at = gains[from_, np.arange(most)], first * most + from_
        at = np.where(record > gain, record_at, at)
        gain = np.maximum(gain, record)
        follows = there[frame] & (gain > 0)
        best[frame] += np.where(follows, gain, 0)
        before[frame] = np.where(follows, at, -1)
    chosen = np.full(frames, -1)
    place = int(best.argmax())
    while place >= 0:
        frame, person = divmod(place, most)
        chosen[frame] = person
        place = int(before[frame, person])
    return chosen


def _sizes(filled: Floats, seen: Bools) -> Floats:
    """Each person's size [frames, people]: the root mean square distance from their middle; at least a
    tenth of the median, as of a single point there is none."""
    count = np.maximum(seen.sum(-1), 1)
    middle = filled.sum(2) / count[..., None]
    apart = np.where(seen[..., None], filled - middle[:, :, None], 0)
    size = np.sqrt((apart**2).sum((2, 3)) / count)
    usual = float(np.median(size[size > 0])) if (size > 0).any() else 1.0
    return np.asarray(np.maximum(size, usual / 10), np.float32)


def _steps(filled: Floats, seen: Bools, size: Floats, first: int, frame: int) -> Floats:
    """Mean distance of the points that both have, in sizes [frames before, people, people now]; that of
    their middles where they have none in common."""
    before, now = slice(first, frame), slice(frame, frame + 1)
    both = seen[before, :, None] & seen[now, None]
    x, y = (filled[before, :, None, :, axis] - filled[now, None, :, :, axis] for axis in (0, 1))
    apart = np.sqrt(x * x + y * y)
    common = both.sum(-1)
    step = (apart * both).sum(-1) / np.maximum(common, 1)
    if not common.all():
        middle = filled[first : frame + 1].sum(2) / np.maximum(seen[first : frame + 1].sum(-1), 1)[..., None]
        away = np.linalg.norm(middle[:-1, :, None] - middle[-1], axis=-1)
        step = np.where(common > 0, step, away)
    return np.asarray(step / np.maximum(size[before, :, None], size[now, None]), np.float32)
