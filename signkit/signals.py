"""Ctrl-C and SIGTERM: the first asks to finish the step and save, the second ends at once."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class Stop:
    """Whether a signal has asked to stop, and which.

    Attributes:
        signal: its number, 0 for none.
    """

    signal: int = 0

    def __call__(self) -> bool:
        return self.signal != 0

    @property
    def exit_code(self) -> int:
        """130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + self.signal


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Catch SIGINT and SIGTERM for a while."""
    stop = Stop()

    def asked(number: int, _: FrameType | None) -> None:
        if stop.signal:
            os._exit(128 + number)
        stop.signal = number

    old = {number: signal.signal(number, asked) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
