"""What is noticed in landmarks that can be used, but may not mean what they should: zeros for missing hands,
several people, z in another unit."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from signkit.data.layouts import layout
from signkit.data.missing import suspicious_frames
from signkit.types import Landmarks

PLACES = {"zero": "are exactly 0", "one_place": "lie at one place"}


@dataclass(frozen=True, slots=True)
class Notice:
    """Something noticed in a clip.

    Attributes:
        kind: notices of one kind are added up to one line (`summed`).
        text: what is noticed, or what to do about it.
        frames: the number of frames that it applies to; 0 where that is not counted.
        source: the clip, as messages name it.
    """

    kind: str
    text: str
    frames: int
    source: str


def notices_of(source: str, landmarks: Landmarks) -> list[Notice]:
    """What is noticed in the landmarks of a clip."""
    found = [Notice(re.sub(r"\d[\d,.]*", "", note), note, 0, source) for note in landmarks.notes]
    for (part, missing), frames in suspicious_frames(landmarks.points, layout(landmarks.layout)).items():
        text = f"{part.replace('_', ' ')}: all points {PLACES[missing]}"
        found.append(
            Notice(
                text, f"a manifest reads them as not seen with `--set data.missing={missing}`", frames, source
            )
        )
    return found


def summed(notices: Sequence[Notice], clips: int) -> tuple[str, ...]:
    """A line for each kind of notice.

    Args:
        clips: that were looked at.
    """
    kinds = dict.fromkeys(notice.kind for notice in notices)
    lines = []
    for kind in kinds:
        alike = [notice for notice in notices if notice.kind == kind]
        first, frames = alike[0], sum(notice.frames for notice in alike)
        count = f"{len(alike):,} of {clips:,} clips, first {first.source}"
        if frames:
            lines.append(f"{kind} in {frames:,} frames of {count}; {first.text}")
        else:
            lines.append(f"{count}: {first.text}")
    return tuple(lines)
