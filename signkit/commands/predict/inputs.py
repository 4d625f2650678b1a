"""The inputs of `signkit predict`: files of landmarks or features, videos, and folders of frames."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath

from signkit.commands.predict.linked import Linked, linked_video
from signkit.data.corpora.configs import ManifestConfig
from signkit.data.corpora.table import fail_together
from signkit.data.landmark_files import is_landmarks, landmark_header, read_landmarks
from signkit.data.missing import Missing
from signkit.data.video import open_clip
from signkit.errors import SignkitError, UserError
from signkit.runtime.files import read_text
from signkit.types import VIDEO, Clip, Signal, Video

TRACKED = ("holistic", "hands")
"""Landmark layouts that can be tracked in a video."""


@dataclass(frozen=True, slots=True)
class Input:
    """An input.

    Attributes:
        file: the path as it was given.
        name: the name of output files for it, relative to their folder and without a suffix.
    """

    file: Path
    name: str


@dataclass(frozen=True, slots=True)
class Source:
    """An input that has been opened.

    Attributes:
        file: the path as it was given.
        name: the name of output files for it.
        frames: their number.
        load: returns the signal that the model reads.
        clip: the video, if the input is one.
        linked: of landmarks, their video.
    """

    file: Path
    name: str
    frames: int
    load: Callable[[], Signal] = field(repr=False, compare=False)
    clip: Clip | None = None
    linked: Linked | None = None

    @property
    def pictures(self) -> Clip | None:
        """What glosses are burnt into."""
        return self.clip if self.linked is None else self.linked.clip


@dataclass(slots=True)
class Failures:
    """Inputs that cannot be used.

    Attributes:
        stop: whether the first one ends the command; otherwise they are collected and left out.
        messages: the errors by file.
    """

    stop: bool
    messages: dict[Path, str] = field(default_factory=dict)

    def add(self, file: Path, error: SignkitError) -> None:
        """Record an error, or raise it if the command stops at the first one."""
        if self.stop:
            raise error
        self.messages[file] = str(error)


def named_inputs(paths: Sequence[Path], list_file: Path | None) -> list[Input]:
    """All inputs in order. An input of the command line is named by its file, one of a list by its path
    relative to the list's folder.

    Raises:
        UserError: there are no inputs, or the list cannot be read.
    """
    inputs = [Input(path, _own_name(path)) for path in paths]
    inputs += _listed(list_file) if list_file else ()
    if not inputs:
        hint = "name videos or files of landmarks, or a list of them with --list FILE"
        raise UserError("predict", "no inputs", hint)
    return inputs


def opened(
    inputs: Sequence[Input], layout: str, pictures: bool, failures: Failures, missing: Missing = "nan"
) -> list[Source]:
    """Open the inputs that the model can read, by their headers. All of a user's mistakes are reported
    together.

    Args:
        layout: what the model reads: a landmark layout, "" for features, or `VIDEO`.
        pictures: whether images are needed, to burn glosses into, whatever the model reads.
        failures: collects the inputs that cannot be used.
        missing: how landmarks that were not seen are marked (`as_missing`), as in the run's corpus.

    Raises:
        UserError, OperationalError: an input cannot be used, and `failures` stops at the first.
    """
    sources, faults = [], []
    for each in inputs:
        try:
            sources.append(_source(each, layout, pictures, missing))
        except UserError as fault:
            faults.append(fault)
            failures.messages[each.file] = str(fault)
        except SignkitError as error:
            failures.add(each.file, error)
    if failures.stop:
        fail_together(faults, "predict")
    return sources


def _source(each: Input, layout: str, pictures: bool, missing: Missing) -> Source:
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
    linked = linked_video(each.file, header.video, header.frames, pictures)
    load = partial(read_landmarks, each.file, missing=missing)
    return Source(each.file, each.name, header.frames, load, linked=linked)


def missing_of(data: object) -> Missing:
    """How the corpus of a run marks landmarks that were not seen.

    Args:
        data: the section of the run's recipe.
    """
    return data.missing if isinstance(data, ManifestConfig) else "nan"


def _wanted(layout: str) -> str:
    return {VIDEO: "video", "": "features"}.get(layout, f"landmarks of layout {layout!r}")


def _own_name(path: Path) -> str:
    """The name of a file without its suffix, the whole name of a folder; for a sequence in a file both
    names."""
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
