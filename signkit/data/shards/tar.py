"""The tar form of a shard: headers that depend on name and size only, so that equal clips are equal bits.

Old ustar headers of 512 bytes; a member's data are filled up to whole blocks of 512 bytes; two empty
blocks end the file. So the place of every member follows from the sizes of those before it.
"""

import tarfile

import numpy as np
import numpy.typing as npt

BLOCK = 512
END = bytes(2 * BLOCK)


def member(name: str, content: bytes) -> bytes:
    """One file of a tar: its header and its content, filled up to a whole block."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    return info.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % BLOCK)


def room(size: int) -> int:
    """Bytes that a member of this size takes."""
    return BLOCK + size + -size % BLOCK


def starts(sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Where the data of members of these sizes begin, which follow one another from place 0."""
    rooms = BLOCK + sizes + -sizes % BLOCK
    return np.asarray(np.cumsum(rooms) - rooms + BLOCK, dtype=np.int64)
