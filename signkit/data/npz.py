"""npz files of landmarks or features: their header without their data, and all of them. Never pickle.

Arrays: ``landmarks`` [frames, points, 2 or 3] (NaN where missing) with ``layout``, and if there are
any ``confidence`` [frames, points] (0 where missing); or ``features`` [frames, width]. Either may have
``fps``. Landmarks may have ``times`` [frames], the seconds at which each frame is shown, where the rate
varies, and ``video``, the path of the video they are of, relative to the file's folder.
"""

import contextlib
import math
import threading
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from signkit.data.array_advice import LAYOUTS, OBJECTS, advice
from signkit.data.landmarks import settled
from signkit.data.layouts import layout
from signkit.data.missing import Missing
from signkit.errors import OperationalError, UserError
from signkit.types import USUAL_FPS, Features, Landmarks, Signal

# What zipfile, zlib and numpy raise for bytes that are not what they should be.
DAMAGED = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, SyntaxError,
    tokenize.TokenError,
)  # fmt: skip
MOST_TEXT = 4096  # bytes of `layout` and `fps`
# numpy reads an array's header with ast.literal_eval, and early releases of CPython 3.11 and 3.12 count the
# depth of its recursion for all threads together: two at once end in a SystemError (gh-106905).
_LITERALS = threading.Lock()


@dataclass(frozen=True, slots=True)
class NpzHeader:
    """What a file says of itself.

    Attributes:
        layout: "" for features. width: coordinates a point, or numbers a vector.
        checksum: of the zip's own checksums, cheap and enough to see that a file has changed.
        fps: frames a second; None of a file that does not say.
        video: that the landmarks are of, relative to the file's folder; "" where it is not said.
    """

    frames: int
    layout: str
    width: int
    checksum: int
    fps: float | None = None
    video: str = ""


def read_header(path: Path, where: str = "") -> NpzHeader:
    """The header of a file; its data are not read.

    Args:
        where: what a message begins with, the path if empty.

    Raises:
        UserError: not an npz file, a missing, misshapen or truncated array, Python objects, no
            frames, an unknown layout, or a number of points that is not the layout's.
        OperationalError: it cannot be read.
    """
    where = where or str(path)
    with _opened(path, where) as archive:
        checksum = zlib.crc32(repr(sorted((i.filename, i.CRC) for i in archive.infolist())).encode())
        if "features.npy" in archive.namelist() and "landmarks.npy" not in archive.namelist():
            frames, width = _shape(archive, "features", 2, where)
            return NpzHeader(_some(frames, where), "", width, checksum, _fps(archive, where))
        frames, points, width = _shape(archive, "landmarks", 3, where)
        known = layout(_text(archive, "layout", where, "the name of a layout"), where)
        name, wanted = known.name, len(known.points)
        if points != wanted:
            other = f"{points} are those of {LAYOUTS[points]!r}" if points in LAYOUTS else ""
            if frames == wanted and not other:
                other = f"frames come first: [{points}, {frames}, {width}], not [{frames}, {points}, {width}]"
            raise UserError(where, f"layout {name!r} has {wanted} points but the file has {points}", other)
        if width not in (2, 3):
            what = f"a point has 2 or 3 coordinates, not {width}"
            raise UserError(where, what, advice((frames, points, width)))
        if "confidence.npy" in archive.namelist():
            shape = _shape(archive, "confidence", 2, where)
            if shape != (frames, points):
                what = f"`confidence` is {list(shape)} but `landmarks` has {frames} frames of {points} points"
                raise UserError(where, what)
        if "times.npy" in archive.namelist() and (shape := _shape(archive, "times", 1, where)) != (frames,):
            raise UserError(where, f"`times` has {shape[0]} numbers but `landmarks` {frames} frames")
        rate = _fps(archive, where)
        named = "video.npy" in archive.namelist()
        video = _text(archive, "video", where, "a path") if named else ""
        return NpzHeader(_some(frames, where), name, width, checksum, rate, video)


def read_npz(path: str | Path, fps: float = USUAL_FPS, missing: Missing = "nan") -> Signal:
    """The signal of a file, checked: landmarks with NaN where a point is missing, or features.

    Args:
        fps: frames a second of a file that does not say.
        missing: how landmarks that were not seen are marked, in addition to NaN and a confidence of 0.

    Raises:
        UserError: as `read_header`; an infinite coordinate, NaN or infinity in features, no point or
            no hand ever seen, damaged data.
        OperationalError: it cannot be read.
    """
    path, where = Path(path), str(path)
    header = read_header(path)
    fps = header.fps or fps
    with _opened(path, where) as archive:
        if not header.layout:
            vectors = _array(archive, "features")
            bad = np.argwhere(~np.isfinite(vectors).all(1))
            if len(bad):
                raise UserError(where, f"`features` has NaN or infinity in frame {bad[0, 0]}")
            return Features(vectors, fps)
        points, times = _array(archive, "landmarks"), _times(archive, where)
        if "confidence.npy" in archive.namelist():
            points[~(_array(archive, "confidence") > 0)] = np.nan
    points, notes = settled(points, layout(header.layout, where), where, missing=missing)
    return Landmarks(points, header.layout, fps, times, notes)


def array_shapes(path: Path, names: Sequence[str]) -> list[tuple[int, int]]:
    """The frames and widths of arrays of two dimensions; their data are not read.

    Raises:
        UserError: not an npz file, a missing, misshapen or truncated array, Python objects.
        OperationalError: it cannot be read.
    """
    with _opened(path, str(path)) as archive:
        shapes = [_shape(archive, name, 2, str(path)) for name in names]
    return [(frames, width) for frames, width in shapes]


def read_arrays(path: Path, names: Sequence[str]) -> list[npt.NDArray[np.float32]]:
    """Arrays by name, without a check of their shapes.

    Raises:
        UserError: not an npz file, or its data are damaged.
        OperationalError: it cannot be read.
    """
    with _opened(path, str(path)) as archive:
        return [_array(archive, name) for name in names]


@contextlib.contextmanager
def _opened(path: Path, where: str) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except FileNotFoundError as error:
        raise UserError(where, "there is no such file") from error
    except IsADirectoryError as error:
        raise UserError(where, "is a folder, not an npz file") from error
    except DAMAGED as error:
        hint = f"it may be truncated or damaged ({error})"
        raise UserError(where, "not a readable npz file", hint) from error
    except OSError as error:
        raise OperationalError(f"{where}: cannot be read: {error.strerror or error}") from error


def _shape(archive: zipfile.ZipFile, name: str, axes: int, where: str) -> tuple[int, ...]:
    """The shape of an array, from its header; the archive must hold as many bytes as that needs."""
    with _member(archive, name, where) as (file, size):
        shape, dtype = _npy_header(file)
        start = file.tell()
    if dtype.hasobject:
        raise UserError(where, f"`{name}` holds Python objects, which are never read", OBJECTS)
    if dtype.kind not in "fiu":
        raise UserError(where, f"`{name}` must be numbers, not {dtype}")
    if len(shape) != axes:
        form = {
            "landmarks": "[frames, points, 2 or 3]",
            "confidence": "[frames, points]",
            "times": "[frames]",
        }.get(name, "[frames, width]")
        what = f"`{name}` must be {form}, not {list(shape)}"
        raise UserError(where, what, advice(shape) if name == "landmarks" else "")
    if size - start != math.prod(shape) * dtype.itemsize:
        what = f"`{name}` is truncated: {size - start} bytes for the shape {list(shape)} of {dtype}"
        raise UserError(where, what)
    return shape


def _npy_header(file: zipfile.ZipExtFile) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    try:
        with _LITERALS:
            shape, _, dtype = read(file)
    except TypeError as error:  # numpy sorts the keys of a wrong header
        raise ValueError("wrong header of an array") from error
    return shape, dtype


@contextlib.contextmanager
def _member(archive: zipfile.ZipFile, name: str, where: str) -> Iterator[tuple[zipfile.ZipExtFile, int]]:
    try:
        info = archive.getinfo(f"{name}.npy")
    except KeyError as error:
        raise UserError(where, f"no array `{name}`", _listed(archive)) from error
    with archive.open(info) as file:
        yield cast(zipfile.ZipExtFile, file), info.file_size


def _listed(archive: zipfile.ZipFile) -> str:
    """The arrays of an archive with their shapes, and what can be done with the largest."""
    shapes: dict[str, tuple[int, ...]] = {}
    for name in sorted(name for name in archive.namelist() if name.endswith(".npy")):
        with archive.open(name) as file:
            shape, dtype = _npy_header(cast(zipfile.ZipExtFile, file))
        if dtype.hasobject:
            return f"there is {name.removesuffix('.npy')}, of Python objects; {OBJECTS}"
        shapes[name.removesuffix(".npy")] = shape
    if not shapes:
        return "there are: none"
    there = ", ".join(f"{name} {list(shape)}" for name, shape in shapes.items())
    return f"there are: {there}; {advice(max(shapes.values(), key=math.prod))}"


def bare_shape(path: Path) -> tuple[tuple[int, ...], bool] | None:
    """Of a ``.npy`` file the shape, and whether it holds Python objects; None where it cannot be read."""
    try:
        with open(path, "rb") as file:
            shape, dtype = _npy_header(cast(zipfile.ZipExtFile, file))
    except (OSError, *DAMAGED):
        return None
    return shape, dtype.hasobject


def read_npy(archive: zipfile.ZipFile, name: str) -> npt.NDArray[Any]:
    """An array of an archive as numpy reads it, from several threads too.

    Raises:
        KeyError: there is no such array.
        Exception: one of `DAMAGED`.
    """
    with archive.open(f"{name}.npy") as file, _LITERALS:
        return np.lib.format.read_array(file, allow_pickle=False)


def _array(archive: zipfile.ZipFile, name: str) -> npt.NDArray[np.float32]:
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(read_npy(archive, name), dtype=np.float32)


def _scalar(archive: zipfile.ZipFile, name: str, where: str) -> Any:
    with _member(archive, name, where) as (file, size):
        shape, dtype = _npy_header(file)
    if dtype.hasobject:
        raise UserError(where, f"`{name}` holds Python objects, which are never read")
    if math.prod(shape) != 1 or size > MOST_TEXT:
        raise UserError(where, f"`{name}` must be one value, not {list(shape)}")
    return read_npy(archive, name).reshape(()).item()


def _text(archive: zipfile.ZipFile, name: str, where: str, what: str) -> str:
    text = _scalar(archive, name, where)
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    if not isinstance(text, str):
        raise UserError(where, f"`{name}` must be {what}, not {text!r}")
    return text


def _times(archive: zipfile.ZipFile, where: str) -> npt.NDArray[np.float64] | None:
    if "times.npy" not in archive.namelist():
        return None
    times: npt.NDArray[np.float64] = np.asarray(read_npy(archive, "times"), dtype=np.float64)
    if not (np.isfinite(times).all() and (np.diff(times) > 0).all()):
        raise UserError(where, "`times` must be seconds that rise from frame to frame")
    return times


def _fps(archive: zipfile.ZipFile, where: str) -> float | None:
    if "fps.npy" not in archive.namelist():
        return None
    fps = _scalar(archive, "fps", where)
    if not isinstance(fps, (int, float)) or not 0 < fps < math.inf:
        raise UserError(where, f"`fps` must be a positive number, not {fps!r}")
    return float(fps)


def _some(frames: int, where: str) -> int:
    if frames == 0:
        raise UserError(where, "has no frames")
    return frames
