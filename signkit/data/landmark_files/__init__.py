"""Files of landmarks, whoever wrote them, in one layout system.

npz (`signkit.data.npz`), ``.pose`` of pose-format, folders of OpenPose's JSON, and the parquet files of two
public collections, ``FILE.parquet`` or ``FILE.parquet#SEQUENCE`` where a file holds several.
"""

import os
from collections.abc import Callable
from pathlib import Path

from signkit.data.array_advice import OBJECTS, PAGE, advice
from signkit.data.missing import Missing
from signkit.data.npz import NpzHeader, bare_shape, read_header, read_npz
from signkit.data.video.folder import ENDINGS
from signkit.errors import UserError
from signkit.runtime.files import plainly
from signkit.types import USUAL_FPS, Signal

__all__ = ["is_landmarks", "landmark_header", "read_landmarks"]

FILES = (".npz", ".pose", ".parquet")
OTHERS = {
    ".npy": "a bare array",
    ".pkl": "a pickle",
    ".pickle": "a pickle",
    ".joblib": "a pickle",
    ".pt": "a pickle of PyTorch",
    ".pth": "a pickle of PyTorch",
    ".h5": "an HDF5 file",
    ".hdf5": "an HDF5 file",
    ".mat": "a file of MATLAB",
}
"""Files that people have landmarks in and that are not read: messages that say what to do."""


def is_landmarks(path: str | Path) -> bool:
    """Whether a path leads to landmarks or features and not to video: by its ending, or as a folder with JSON
    files and no pictures. It need not be of a kind that can be read.

    Raises:
        OperationalError: the folder cannot be read.
    """
    path = Path(path)
    name = _name(path)
    if name.endswith((*FILES, *OTHERS)) or not os.path.isdir(path):
        return name.endswith((*FILES, *OTHERS))
    with plainly(path, "read"):
        endings = {file.suffix.lower() for file in path.iterdir()}
    return ".json" in endings and not endings & {*ENDINGS}


def landmark_header(path: str | Path, where: str = "") -> NpzHeader:
    """What a file says of itself; its points are not read.

    Args:
        where: what a message begins with, the path if empty.

    Raises:
        UserError: not there, of no known kind, damaged, without frames.
        OperationalError: it cannot be read.
    """
    path, where = Path(path), where or str(path)
    header, _ = _kind(path, where)
    return header(path, where)


def read_landmarks(path: str | Path, *, fps: float | None = None, missing: Missing = "nan") -> Signal:
    """Landmarks with NaN where a point is missing (or, of an npz, features), checked.

    Args:
        fps: frames a second of a file that does not say; None: `USUAL_FPS`. Folders of OpenPose's and parquet
            never say, an npz may leave it out, a ``.pose`` always says.
        missing: how points that were not seen are marked, in addition to NaN and a confidence of 0, see
            `as_missing`.

    Raises:
        UserError: as `landmark_header`; an infinite coordinate, no point or no hand ever seen.
        OperationalError: it cannot be read.
    """
    path = Path(path)
    return _kind(path, str(path))[1](path, fps or USUAL_FPS, missing)


def _kind(
    path: Path, where: str
) -> tuple[Callable[[Path, str], NpzHeader], Callable[[Path, float, Missing], Signal]]:
    """The two readers of a path, by its ending."""
    name = _name(path)
    if name.endswith(".npz"):
        return read_header, read_npz
    if name.endswith(".pose"):
        from signkit.data.landmark_files import pose

        return pose.read_header, lambda path, fps, missing: pose.read(path, missing)
    if name.endswith(".parquet"):
        from signkit.data.landmark_files import parquet

        return parquet.read_header, parquet.read
    if os.path.isdir(path):
        from signkit.data.landmark_files import openpose

        return openpose.read_header, openpose.read
    if not os.path.exists(path):
        raise UserError(where, "there is no such file")
    if (kind := OTHERS.get(path.suffix.lower())) is not None:
        raise _another_kind(path, kind, where)
    raise UserError(where, "is no npz, .pose, .parquet, nor a folder of OpenPose's JSON files")


def _another_kind(path: Path, kind: str, where: str) -> UserError:
    write = "load it and write np.savez(FILE, landmarks=array, layout=…, fps=25)"
    if "pickle" in kind:
        return UserError(where, f"is {kind}, which is never read, as it may run code", f"{write}; {PAGE}")
    bare = bare_shape(path) if kind == OTHERS[".npy"] else None
    if bare is None:
        return UserError(where, f"is {kind}, which is not read", f"{write}; {PAGE}")
    shape, objects = bare
    what = f"is {kind}, {list(shape)}, which does not say its layout"
    return UserError(where, what, OBJECTS if objects else advice(shape))


def _name(path: Path) -> str:
    """The name in small letters, without the sequence in a file."""
    name = path.name.lower()
    return name.partition("#")[0] if ".parquet#" in name else name
