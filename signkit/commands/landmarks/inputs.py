"""What is to be tracked, and where its landmarks go."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from signkit.data.collect.search import VIDEOS, folder_contents
from signkit.data.corpora.table import fail_together
from signkit.data.video.folder import KINDS
from signkit.data.video.open import frames_meant
from signkit.errors import UserError
from signkit.runtime.files import plainly, read_text
from signkit.runtime.paths import on_disk, refuse_address


@dataclass(frozen=True, slots=True)
class Input:
    """A clip, and the file below the output folder, without its ending, that is made of it."""

    path: Path
    output: str


def find_inputs(paths: Sequence[Path], list_file: Path | None) -> list[Input]:
    """All clips that are meant, in order.

    A video that is named, and a folder of frames, goes by its own name; what is found in a folder by its
    path below that folder; a line of a list by its path as it is written there.

    Raises:
        UserError: nothing is meant, something is not there, a folder without clips, or two clips that would
            be written to one file.
    """
    inputs: list[Input] = []
    faults: list[UserError] = []
    for path, below in (*((path, "") for path in paths), *(_listed(list_file) if list_file else ())):
        try:
            inputs += _clips(path, below)
        except UserError as fault:
            faults.append(fault)
    faults += _collisions(inputs)
    fail_together(faults, "landmarks")
    if not inputs:
        raise UserError("landmarks", "no inputs", "name videos, folders, or a list of them with --list FILE")
    return inputs


def _listed(path: Path) -> Iterator[tuple[Path, str]]:
    for number, line in enumerate(read_text(path).split("\n"), 1):
        name = line.strip()
        if not name:
            continue
        refuse_address(name, f"{path}:{number}")
        if PureWindowsPath(name).anchor or ".." in PureWindowsPath(name).parts:
            hint = "write paths relative to the list's folder"
            raise UserError(f"{path}:{number}", f"{name!r} is not below the list's folder", hint)
        clip = on_disk(frames_meant(path.parent / name)[0])
        yield clip, clip.relative_to(path.parent).parent.as_posix()


def _clips(path: Path, below: str) -> list[Input]:
    """A clip, or those of a folder. Names begin with a dot where they are hidden, and are passed over."""
    path, _ = frames_meant(path)
    name = path.resolve().name if path.name in ("", "..") else path.name
    clips: list[Input] = []
    with plainly(path, "read"):
        if not path.is_dir():
            if not path.exists():
                raise UserError(str(path), "there is no such file")
            return [_input(path, below, Path(name).stem)]
        for contents in folder_contents(path, VIDEOS):
            here, within = contents.folder, contents.folder.relative_to(path)
            clips += [
                _input(here / each, below, (within / Path(each).stem).as_posix()) for each in contents.files
            ]
            if contents.pictures and not contents.files:
                clips.append(_input(here, below, name if here == path else within.as_posix()))
    if not clips:
        raise UserError(str(path), f"holds no videos and no folders of frames ({KINDS})")
    return clips


def _input(path: Path, below: str, name: str) -> Input:
    return Input(path, (PurePosixPath(below) / name).as_posix())


def _collisions(inputs: Sequence[Input]) -> list[UserError]:
    first: dict[str, Input] = {}
    faults = []
    for each in inputs:
        other = first.setdefault(each.output.lower(), each)  # some file systems take case for nothing
        if other is not each:
            what = f"would be written to the same file as {other.path}, {each.output}"
            hint = "name the folder that holds both, or a list of relative paths"
            twice = other.path == each.path
            faults.append(
                UserError(str(each.path), "is named twice" if twice else what, "" if twice else hint)
            )
    return faults
