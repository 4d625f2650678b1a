"""What ended a process that loads data, by torch's error."""

import re

from signkit.errors import OperationalError


def worker_killed(error: Exception) -> OperationalError | None:
    """What to change, if the system killed a process that loads data because memory ran out."""
    # Torch raises "exited unexpectedly" while it handles the error that has the signal.
    texts = f"{error}\n{error.__cause__}\n{error.__context__}"
    found = re.search(r"DataLoader worker .* killed by signal: (Killed|Bus error)", texts)
    if found is None:
        return None
    if found[1] == "Killed":
        what = "a process that loads data was killed, as happens where memory runs out"
        return OperationalError(f"{what}; take fewer train.workers")
    what = "a process that loads data ended with a bus error: the shared memory (/dev/shm) is full"
    hint = "take fewer train.workers, a smaller decode.frames_per_batch or train.batch_size"
    return OperationalError(f"{what}; {hint}, or a larger /dev/shm (`docker run --shm-size`)")
