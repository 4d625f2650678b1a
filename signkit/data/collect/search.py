"""Folders and the clips in them, found by their names."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from signkit.data.landmark_files import FILES
from signkit.data.landmark_files.openpose import FRAME
from signkit.data.video.folder import ENDINGS
from signkit.runtime.files import plainly

VIDEOS = (
    ".3gp", ".avi", ".flv", ".gif", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts",
    ".webm", ".wmv",
)  # fmt: skip
"""Endings by which a folder is searched; a file that is named may have any."""
BURNT = ".glosses.mp4"
"""How videos end that `signkit predict --burn` writes: they show their glosses, so they are no clips."""
BURNT_VIDEO = "video with burnt glosses"
"""Why such a video is skipped."""
KINDS = ("video", "npz", "pose", "parquet", "openpose")
"""What a clip may be; a folder of frames is video."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip that was found.

    Attributes:
        path: below the folder that was searched, with slashes.
        kind: one of `KINDS`.
        folder: whether it is a folder of frames.
    """

    path: PurePosixPath
    kind: str
    folder: bool = False

    @property
    def stem(self) -> PurePosixPath:
        """The path without the ending of a file."""
        return self.path if self.folder else self.path.with_suffix("")


@dataclass(frozen=True, slots=True)
class Contents:
    """The visible files of a folder, sorted by what they are.

    Attributes:
        files: that are a clip each.
        pictures: frames of video.
        keypoints: frames of OpenPose's.
        burnt: videos that `signkit predict` wrote glosses into.
    """

    folder: Path
    files: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
    keypoints: tuple[str, ...] = ()
    burnt: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def is_clip(self) -> bool:
        """Whether the folder itself is a clip: it has frames, and no clips."""
        return bool(self.pictures or self.keypoints) and not self.files


@dataclass(slots=True)
class Skipped:
    """Files that do not become rows, by the reason why."""

    names: dict[str, list[str]] = field(default_factory=dict)

    def add(self, reason: str, name: str) -> None:
        """Count a file, or whatever else is left out."""
        self.names.setdefault(reason, []).append(name)


def find_clips(root: Path, skipped: Skipped, read: tuple[str, ...] = ()) -> list[Clip]:
    """The clips below a folder by their paths: videos, folders of frames, files and folders of landmarks.

    What begins with a dot is hidden, and passed over. Links are followed.

    Args:
        skipped: other files are added.
        read: endings of files that are read otherwise, so not skipped.

    Raises:
        OperationalError: a folder cannot be read.
    """
    clips: list[Clip] = []
    with plainly(root, "read"):
        for contents in folder_contents(root):
            clips += _clips_in(contents, root, skipped, read)
    return sorted(clips, key=lambda clip: clip.path.as_posix())


def _clips_in(contents: Contents, root: Path, skipped: Skipped, read: tuple[str, ...]) -> Iterator[Clip]:
    here = PurePosixPath(contents.folder.relative_to(root).as_posix())
    is_clip = contents.is_clip and contents.folder != root
    if is_clip and _usable(here, skipped):
        yield Clip(here, "video" if contents.pictures else "openpose", folder=True)
    for name in contents.files:
        ending = PurePosixPath(name).suffix.lower()
        if _usable(here / name, skipped):
            yield Clip(here / name, "video" if ending in VIDEOS else ending[1:])
    for name in contents.burnt:
        skipped.add(BURNT_VIDEO, (here / name).as_posix())
    for name in (*contents.others, *(() if is_clip else (*contents.pictures, *contents.keypoints))):
        if not name.lower().endswith(read):
            ending = PurePosixPath(name).suffix.lower() or "no ending"
            skipped.add(f"no clip ({ending})", (here / name).as_posix())


def _usable(path: PurePosixPath, skipped: Skipped) -> bool:
    """Whether a manifest can name the path: it is UTF-8, and separates folders by slashes."""
    name = path.as_posix()
    try:
        name.encode()
    except UnicodeEncodeError:
        skipped.add("name is not UTF-8", name.encode(errors="backslashreplace").decode())
        return False
    if "\\" in name or "\n" in name or "\r" in name or name != name.strip():
        skipped.add("name has a backslash or a line break, or begins or ends with a space", repr(name))
        return False
    return True


def folder_contents(root: Path, endings: tuple[str, ...] = (*VIDEOS, *FILES)) -> Iterator[Contents]:
    """A folder and those below it, as `folders`, with their files sorted.

    Args:
        endings: of the files that are clips.

    Raises:
        OSError: one of them cannot be read.
    """
    for here, names in folders(root):
        kinds: dict[str, list[str]] = {}
        for name in names:
            lower = name.lower()
            if lower.endswith(BURNT):
                kind = "burnt"
            elif lower.endswith(endings):
                kind = "files"
            elif lower.endswith(ENDINGS):
                kind = "pictures"
            else:
                kind = "keypoints" if FRAME.search(name) else "others"
            kinds.setdefault(kind, []).append(name)
        yield Contents(here, **{kind: tuple(names) for kind, names in kinds.items()})


def folders(folder: Path, above: frozenset[str] = frozenset()) -> Iterator[tuple[Path, list[str]]]:
    """A folder and those below it, links too, each with its visible files.

    Args:
        above: where the folders above really are, since a link may lead back to one of them.

    Raises:
        OSError: one of them cannot be read.
    """
    place = os.path.realpath(folder)
    if place in above:
        return
    with os.scandir(folder) as listing:
        entries = sorted((each.name, each.is_dir()) for each in listing if not each.name.startswith("."))
    yield folder, [name for name, is_folder in entries if not is_folder]
    for name, is_folder in entries:
        if is_folder:
            yield from folders(folder / name, above | {place})
