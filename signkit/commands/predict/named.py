"""What `signkit predict` is to read: paths, lines of a list, rows of a manifest, and the clips of folders."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath, PureWindowsPath

from signkit.data.collect.search import BURNT, folder_contents, folders
from signkit.data.corpora.manifest_rows import manifest_rows, manifest_text, row_path
from signkit.data.corpora.media import Numbers, numbers_of
from signkit.data.corpora.table import fail_together
from signkit.data.landmark_files import is_landmarks
from signkit.data.video.folder import KINDS
from signkit.data.video.open import frames_meant
from signkit.data.video.still import STILLS
from signkit.errors import UserError
from signkit.runtime.files import plainly, read_text
from signkit.runtime.paths import on_disk, path_of
from signkit.types import VIDEO

MANIFESTS = (".csv", ".tsv", ".json", ".jsonl", ".ndjson")
"""Endings of a list that has ids as well as paths."""
WHOLE = Numbers(None, None, None)


@dataclass(frozen=True, slots=True)
class Input:
    """An input.

    Attributes:
        file: its path.
        name: the name of output files for it, relative to their folder and without a suffix.
        id: of its prediction; the path if empty.
        numbers: its rate and the part of it that is meant, as a manifest may say.
        within: its path below the folder of its list, without a suffix; what the names of clips begin with
            that are found in it, if it is a folder of clips.
    """

    file: Path
    name: str
    id: str = ""
    numbers: Numbers = WHOLE
    within: str = ""

    @property
    def key(self) -> str:
        """What tells it from others."""
        return self.id or str(self.file)

    @property
    def is_part(self) -> bool:
        """Whether it is a segment of its file."""
        return self.numbers.start is not None or self.numbers.end is not None

    @property
    def annotations(self) -> str:
        """The name of captions and annotations for it, which count from the beginning of its file: all
        segments of a file share them."""
        return self.within if self.is_part else self.name


def named_inputs(paths: Sequence[Path], list_file: Path | None) -> list[Input]:
    """All inputs in order. An input of the command line is named by its file, one of a list by its path
    relative to the list's folder, one of a manifest by its id.

    Raises:
        UserError: there are no inputs, or the list cannot be read.
    """
    inputs = [Input(path, _own_name(path)) for path in map(_meant, paths)]
    if list_file is not None:
        manifest = list_file.suffix.lower() in MANIFESTS
        inputs += _manifest(list_file) if manifest else _listed(list_file)
    if not inputs:
        hint = "name videos or files of landmarks, or a list of them with --list FILE"
        raise UserError("predict", "no inputs", hint)
    return inputs


def searched(
    inputs: Sequence[Input], layout: str, skipped: Counter[str] | None = None, stills: bool = False
) -> list[Input]:
    """The inputs with the clips of folders in place of folders that are no clips themselves.

    A folder is searched with those below it. Its clips are named, and their predictions too, by their paths
    below it without endings. For a model of video they are videos and folders of frames; for another files
    and folders of landmarks or features or, where there are none, videos and folders of frames. For a model
    of single images every image is one, named by its whole path below the folder.

    Args:
        layout: what the model reads: a landmark layout, "" for features, or `VIDEO`.
        skipped: counts files of folders that are no clips, by their endings.
        stills: whether the model reads single images.

    Raises:
        UserError: a folder without clips, or two clips of one name.
        OperationalError: a folder cannot be read.
    """
    found: list[Input] = []
    faults: list[UserError] = []
    skipped = Counter() if skipped is None else skipped
    for each in inputs:
        if not os.path.isdir(each.file) or each.id:
            found.append(each)
            continue
        if stills:
            images = _images(each.file, skipped)
            if not images:
                faults.append(UserError(str(each.file), "holds no images", ", ".join(STILLS)))
            for image in images:
                name = (PurePosixPath(each.within) / image.relative_to(each.file)).as_posix()
                found.append(Input(image, name, name))
            continue
        clips = _clips(each.file, skipped)
        if not clips:
            hint = f"videos, files of landmarks or features, or folders of frames ({KINDS})"
            faults.append(UserError(str(each.file), "holds no clips", hint))
        for clip in _read_by(clips, layout):
            name = (PurePosixPath(each.within) / _below(each.file, clip)).as_posix()
            found.append(each if clip == each.file else Input(clip, name, name))
    first: dict[str, Input] = {}
    for each in found:
        other = first.setdefault(each.key, each)
        if (other.file, other.numbers) != (each.file, each.numbers):
            what = f"has the name of {other.file}, {each.key}"
            faults.append(UserError(str(each.file), what, "name the folder above both, or rename one"))
    fail_together(faults, "predict")
    return found


def _images(folder: Path, skipped: Counter[str]) -> list[Path]:
    """The image files of a folder and those below it."""
    found: list[Path] = []
    with plainly(folder, "read"):
        for here, names in folders(folder):
            images = [name for name in names if name.lower().endswith(STILLS)]
            found += [here / name for name in images]
            others = set(names).difference(images)
            skipped.update(Path(name).suffix.lower() or "no ending" for name in others)
    return found


def _clips(folder: Path, skipped: Counter[str]) -> list[Path]:
    """The clips of a folder; itself if it is one."""
    clips: list[Path] = []
    with plainly(folder, "read"):
        for contents in folder_contents(folder):
            clips += [contents.folder / name for name in contents.files]
            if contents.is_clip:
                clips.append(contents.folder)
            skipped.update(Path(name).suffix.lower() or "no ending" for name in contents.others)
            skipped.update({BURNT: len(contents.burnt)} if contents.burnt else {})
    return [folder] if clips == [folder / "1"] else clips


def _read_by(clips: Sequence[Path], layout: str) -> list[Path]:
    """Those that a model reads; all where it reads none, so that each is refused."""
    landmarks = [clip for clip in clips if is_landmarks(clip)]
    videos = [clip for clip in clips if clip not in set(landmarks)]
    return (videos or landmarks) if layout == VIDEO else (landmarks or videos)


def _below(folder: Path, clip: Path) -> str:
    """The name of a clip in a folder: its path there, without an ending, and without the folder 1 in which
    PHOENIX has its frames."""
    path = clip.relative_to(folder)
    if not os.path.isdir(clip):
        return path.with_suffix("").as_posix()
    beside = [name for name in os.listdir(clip.parent) if not name.startswith(".")]
    alone = path.name == "1" and beside == ["1"]
    return (path.parent if alone else path).as_posix()


def _meant(path: Path) -> Path:
    """The folder of ``FOLDER/*.png``; another path as the disk spells it."""
    return on_disk(frames_meant(path)[0])


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
            file = _meant(path.parent / path_of(name))
            windows = PureWindowsPath(name)
            below = not windows.anchor and ".." not in windows.parts
            folder = file.relative_to(path.parent).parent.as_posix() if below else ""
            name = (PurePosixPath(folder) / _own_name(file)).as_posix()
            yield Input(file, name, within=name)


def _manifest(path: Path) -> Iterator[Input]:
    """The rows of a manifest: only their ids and paths, and rates and segments if it has them."""
    faults: list[UserError] = []
    inputs: dict[str, Input] = {}
    for row in manifest_rows(path, manifest_text(path), ("id", "path")):
        try:
            if isinstance(row, UserError):
                raise row
            name = row.cells["id"].strip()
            if not name or name in inputs:
                raise UserError(row.where, f"id {name!r} is used twice" if name else "the id is empty")
            each = Input(row_path(row, path.parent), name, name, numbers_of(row))
            if each.is_part:
                folder = each.file.relative_to(path.parent).parent
                each = replace(each, within=(folder / _own_name(each.file)).as_posix())
            inputs[name] = each
        except UserError as fault:
            faults.append(fault)
    fail_together(faults, str(path))
    yield from inputs.values()
