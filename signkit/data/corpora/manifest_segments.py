"""The column `segments` of a manifest: when each gloss of a row begins and ends."""

import json
import math
import re
from typing import Any

from signkit.data.corpora.media import Media, frame_at
from signkit.data.corpora.table import Row
from signkit.errors import UserError
from signkit.types import Segment

SEGMENTS = "segments"
SPAN = re.compile(r"(\d+(?:\.\d*)?)-(\d+(?:\.\d*)?)")
FORM = "a begin and an end a gloss, in seconds of the file: 0.33-0.7 0.77-1.2"


def segments_of(row: Row, reference: tuple[str, ...], media: Media) -> tuple[Segment, ...]:
    """The segments of a row's glosses; none where the cell is empty or not there.

    Frames are those nearest to the times; a gloss has one at least.

    Raises:
        UserError: the cell cannot be read, has more or fewer spans than there are glosses, or they are not
            one after the other within the clip.
    """
    spans = row.cells.get(SEGMENTS, "").split()
    if not spans:
        return ()
    if len(spans) != len(reference):
        what = f"{SEGMENTS} has {len(spans)} spans, and there are {len(reference)} glosses"
        raise UserError(row.where, what, FORM)
    offset, found, before = frame_at(media.begin, media), list[Segment](), 0
    for gloss, span in zip(reference, spans, strict=True):
        if not (numbers := SPAN.fullmatch(span)):
            raise UserError(row.where, f"{SEGMENTS} has {span!r}, no span", FORM)
        start, end = (frame_at(float(seconds), media) - offset for seconds in numbers.groups())
        end = min(end, media.frames) if end == media.frames + 1 else end  # often a frame after the clip
        if not before <= start < end <= media.frames:
            what = f"{gloss} at {span} s is not after the gloss before it" if 0 <= start < before else ""
            what = what or f"{gloss} at {span} s has no frame, or is not in the clip"
            raise UserError(row.where, what)
        found.append(Segment(gloss, start, end))
        before = end
    return tuple(found)


def as_cell(where: str, value: object) -> str:
    """Spans of JSON, a list of [begin, end], as the cell of a table.

    Raises:
        UserError: it is none.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, str):
        return value
    pairs: list[Any] = value if isinstance(value, list) else [value]
    if not all(map(_is_span, pairs)):
        raise UserError(where, f"{SEGMENTS} is {json.dumps(value)}, no list of [begin, end]", FORM)
    return " ".join(f"{begin}-{end}" for begin, end in pairs)


def _is_span(pair: Any) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and all(type(each) in (int, float) for each in pair)
