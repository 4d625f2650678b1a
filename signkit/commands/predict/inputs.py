"""The inputs of `signkit predict`: files of landmarks or features, videos, and folders of frames."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import cast

from signkit.commands.predict.linked import Linked, linked_video
from signkit.commands.predict.named import Input
from signkit.data.corpora.configs import ManifestConfig
from signkit.data.corpora.media import by_header, open_media, segment_of
from signkit.data.corpora.table import fail_together
from signkit.data.landmark_files import landmark_header
from signkit.data.landmarks import as_part, longest_seen
from signkit.data.layouts import is_part_of
from signkit.data.missing import Missing
from signkit.data.tracking import TRACKED
from signkit.data.video.folder import open_photo
from signkit.data.video.still import STILLS, StillImage
from signkit.errors import SignkitError, UserError
from signkit.types import VIDEO, Clip, Landmarks, Signal, Video

ONE_HAND = "hand"
"""The layout that is tracked in single pictures too: a letter needs no movement."""
LISTS = (".txt", ".csv", ".tsv", ".jsonl", ".ndjson")
"""Endings of what is a list of clips rather than one."""


@dataclass(frozen=True, slots=True)
class Source:
    """An input that has been opened.

    Attributes:
        file: the path as it was given.
        name: the name of the burnt video for it.
        annotations: the name of captions and annotations for it: segments of one file share them.
        frames: their number.
        load: returns the signal that the model reads.
        clip: the video, if the input is one.
        id: of its prediction; the path if empty.
        linked: of landmarks, their video.
        begin: seconds of its file at which it begins: 0, but of a segment.
    """

    file: Path
    name: str
    frames: int
    load: Callable[[], Signal] = field(repr=False, compare=False)
    clip: Clip | None = None
    id: str = ""
    linked: Linked | None = None
    annotations: str = ""
    begin: float = 0.0

    @property
    def key(self) -> str:
        """What tells it from others."""
        return self.id or str(self.file)

    @property
    def pictures(self) -> Clip | None:
        """What glosses are burnt into."""
        return self.clip if self.linked is None else self.linked.clip


@dataclass(slots=True)
class Failures:
    """Inputs that cannot be used.

    Attributes:
        stop: whether the first one ends the command; otherwise they are collected and left out.
        messages: the errors, by the inputs' keys.
    """

    stop: bool
    messages: dict[str, str] = field(default_factory=dict)

    def add(self, key: str, error: SignkitError) -> None:
        """Record an error, or raise it if the command stops at the first one."""
        if self.stop:
            raise error
        self.messages[key] = str(error)


def opened(
    inputs: Sequence[Input],
    layout: str,
    pictures: bool,
    failures: Failures,
    missing: Missing = "nan",
    fps: float | None = None,
    stills: bool = False,
) -> list[Source]:
    """Open the inputs that the model can read, by their headers. All of a user's mistakes are reported
    together.

    Args:
        layout: what the model reads: a landmark layout, "" for features, or `VIDEO`.
        pictures: whether images are needed, to burn glosses into, whatever the model reads.
        failures: collects the inputs that cannot be used.
        missing: how landmarks that were not seen are marked (`as_missing`), as in the run's corpus.
        fps: frames a second of inputs that do not say.
        stills: whether the model classifies single images (`reads_stills`), so that each file is a clip.

    Raises:
        UserError, OperationalError: an input cannot be used, and `failures` stops at the first.
    """
    sources, faults = [], []
    for each in inputs:
        try:
            sources.append(_still(each) if stills else _source(each, layout, pictures, missing, fps))
        except UserError as fault:
            faults.append(fault)
            failures.messages[each.key] = str(fault)
        except SignkitError as error:
            failures.add(each.key, error)
    if failures.stop:
        fail_together(faults, "predict")
    return sources


def _source(each: Input, layout: str, pictures: bool, missing: Missing, fps: float | None) -> Source:
    where = str(each.file)
    if each.file.suffix.lower() in LISTS and os.path.isfile(each.file):
        raise UserError(where, "is text, not a clip", "a list of clips is given by --list FILE")
    if layout == ONE_HAND and (photo := open_photo(each.file)) is not None:
        return Source(each.file, each.name, 1, partial(Video, photo), photo, id=each.id)
    whole = (open_media if each.is_part else by_header)(each.file, where, each.numbers.fps or fps, missing)
    media = segment_of(whole, each.numbers, where)
    opened = Source(
        each.file, each.name, media.frames, media.load, id=each.id, annotations=each.annotations,
        begin=media.begin,
    )  # fmt: skip
    if media.layout == VIDEO:
        if layout not in (VIDEO, *TRACKED, ONE_HAND) and not is_part_of(layout, "holistic"):
            hint = f"in a video only the points of {', '.join(TRACKED)} or {ONE_HAND} are tracked"
            raise UserError(where, f"has video, not {_wanted(layout)}", hint if layout else "")
        return replace(opened, clip=cast(Video, media.load()).clip)
    if media.layout != layout:
        if not is_part_of("hands" if layout == ONE_HAND else layout, media.layout):
            raise UserError(where, f"has {_wanted(media.layout)}, not {_wanted(layout)}")
        opened = replace(opened, load=partial(_part_of, media.load, layout))
    if each.is_part and pictures:
        raise UserError(where, "is a segment, whose video is not burnt", "leave out --burn")
    linked = linked_video(each.file, landmark_header(each.file, where).video, whole.frames, pictures)
    return replace(opened, linked=linked)


def _part_of(load: Callable[[], Signal], layout: str) -> Signal:
    """The points that the model reads of landmarks with more; a single hand is the one seen more."""
    signal = load()
    if not isinstance(signal, Landmarks):
        return signal
    if layout != ONE_HAND:
        return as_part(signal, layout)
    hands = as_part(signal, "hands")
    return replace(hands, points=longest_seen(hands.points), layout=ONE_HAND)


def _still(each: Input) -> Source:
    """An image as a clip of one frame; it is decoded when it is used."""
    where = str(each.file)
    if os.path.isdir(each.file):
        raise UserError(where, "is a folder, not an image")
    if not os.path.exists(each.file):
        raise UserError(where, "there is no such file")
    if each.file.suffix.lower() in LISTS:
        raise UserError(where, "is text, not an image", "a list of images is given by --list FILE")
    if each.file.suffix.lower() not in STILLS:
        raise UserError(where, "is no image, and the model reads single images", ", ".join(STILLS))
    clip = StillImage(each.file, where)
    return Source(each.file, each.name, 1, partial(Video, clip), clip, each.id)


def reads_stills(data: object) -> bool:
    """Whether the clips of a corpus are image files.

    Args:
        data: the section of the run's recipe.
    """
    return bool(getattr(data, "stills", False))


def missing_of(data: object) -> Missing:
    """How the corpus of a run marks landmarks that were not seen.

    Args:
        data: the section of the run's recipe.
    """
    return data.missing if isinstance(data, ManifestConfig) else "nan"


def _wanted(layout: str) -> str:
    return {VIDEO: "video", "": "features"}.get(layout, f"landmarks of layout {layout!r}")
