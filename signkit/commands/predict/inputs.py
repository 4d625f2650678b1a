"""What is to be recognised: files of landmarks or features, videos and folders of frames, each opened."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath

from signkit.data.corpora.table import fail_together
from signkit.data.landmark_files import is_landmarks, landmark_header, read_landmarks
from signkit.data.video import open_clip
from signkit.errors import SignkitError, UserError
from signkit.runtime.files import read_text
from signkit.types import VIDEO, Clip, Signal, Video

TRACKED = ("holistic", "hands")
"""Layouts whose points can be tracked in a video."""


@dataclass(frozen=True, slots=True)
class Input:
    """A path as it was given, and what the files that are made of it are called: without an ending, below
    their folder."""

    file: Path
    name: str


@dataclass(frozen=True, slots=True)
class Source:
    """An input that can be read.

    Attributes:
        load: gives the signal that the model reads.
        clip: the pictures, where there are any.
    """

    file: Path
    name: str
    frames: int
    load: Callable[[], Signal] = field(repr=False, compare=False)
    clip: Clip | None = None


@dataclass(slots=True)
class Failures:
    """Inputs that cannot be used: the first one ends everything, or each is noted and left out."""

    stop: bool
    messages: dict[Path, str] = field(default_factory=dict)

    def add(self, file: Path, error: SignkitError) -> None:
        """Raises the error, if one is to end everything."""
        if self.stop:
            raise error
        self.messages[file] = str(error)


def named_inputs(paths: Sequence[Path], list_file: Path | None) -> list[Input]:
    """All inputs in their order. One that is named goes by its own name, a line of a list by its path below
    the list's folder.

    Raises:
        UserError: there are none, or the list cannot be read.
    """
    found = [Input(path, _own_name(path)) for path in paths]
    found += _listed(list_file) if list_file else ()
    if not found:
        hint = "name videos or files of landmarks, or a list of them with --list FILE"
        raise UserError("predict", "no inputs", hint)
    return found


def opened(inputs: Sequence[Input], layout: str, pictures: bool, failures: Failures) -> list[Source]:
    """Those that can be read and are what the model reads, as their headers tell. All faults are found before
    the first one ends everything.

    Args:
        layout: what the model reads: a landmark layout, "" for features, or `VIDEO`.
        pictures: whether pictures are wanted, whatever the model reads.

    Raises:
        UserError: an input cannot be used and that is to end everything; OperationalError likewise.
    """
    sources, faults = [], []
    for each in inputs:
        try:
            sources.append(_source(each, layout, pictures))
        except UserError as fault:
            faults.append(fault)
            failures.messages[each.file] = str(fault)
        except SignkitError as error:
            failures.add(each.file, error)
    if failures.stop:
        fail_together(faults, "predict")
    return sources


def _source(each: Input, layout: str, pictures: bool) -> Source:
    where = str(each.file)
    if not is_landmarks(each.file):
        clip = open_clip(each.file, where)
        if layout != VIDEO and layout not in TRACKED:
            hint = f"in a video only the points of {' or '.join(TRACKED)} are tracked"
            raise UserError(where, f"has video, not {_wanted(layout)}", hint if layout else "")
        return Source(each.file, each.name, clip.frames, partial(Video, clip), clip)
    header = landmark_header(each.file, where)
    if header.layout != layout:
        raise UserError(where, f"has {_wanted(header.layout)}, not {_wanted(layout)}")
    if pictures:
        raise UserError(where, "has no pictures that glosses could be burnt into", "leave out --burn")
    return Source(each.file, each.name, header.frames, partial(read_landmarks, each.file))


def _wanted(layout: str) -> str:
    return {VIDEO: "video", "": "features"}.get(layout, f"landmarks of layout {layout!r}")


def _own_name(path: Path) -> str:
    """The name of a file without its ending, of a folder the whole; of a sequence in a file both."""
    name = path.name or path.resolve().name
    if ".parquet#" in name.lower():
        file, _, sequence = name.partition("#")
        return f"{Path(file).stem}-{sequence}"
    return name if os.path.isdir(path) else Path(name).stem


def _listed(path: Path) -> Iterator[Input]:
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if name := line.strip():
            if "\0" in name:
                raise UserError(f"{path}:{number}", "has the character 0, which no path has")
            file = path.parent / name
            windows = PureWindowsPath(name)
            below = not windows.anchor and ".." not in windows.parts
            folder = PurePosixPath(name).parent if below else PurePosixPath()
            yield Input(file, (folder / _own_name(file)).as_posix())
