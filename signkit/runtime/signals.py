"""Ctrl-C and SIGTERM: in a training the first asks to finish the step and save; a second one ends at once."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupted(KeyboardInterrupt):
    """A signal came where nothing need be finished. No `Exception`, so that no library swallows it."""


class Stop:
    """Whether a signal has asked to stop; call it to be told.

    Outside of `finishing` a signal raises `Interrupted` wherever the program stands: what is on disk is
    whole at any moment. A second signal ends the process on the spot.

    Attributes:
        signal: its number, 0 for none.
    """

    def __init__(self) -> None:
        self.signal = 0
        self._finishing = False
        self._process = os.getpid()

    def __call__(self) -> bool:
        return self.signal != 0

    @property
    def exit_code(self) -> int:
        """130 for Ctrl-C, 143 for SIGTERM, also where another process got it."""
        return 128 + (self.signal or signal.SIGTERM)

    @contextmanager
    def finishing(self) -> Iterator[None]:
        """A stretch that is not broken off: whoever runs in it asks now and then."""
        self._finishing = True
        try:
            yield
        finally:
            self._finishing = False

    def asked(self, number: int, _: FrameType | None) -> None:
        """The signals' handler. Processes that load data inherit it, and leave stopping to this one."""
        if os.getpid() != self._process:
            return
        if self.signal:
            _show_cursor()
            os._exit(128 + number)
        self.signal = number
        if not self._finishing:
            raise Interrupted


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Catch SIGINT and SIGTERM for a while; nothing outside of the main thread, which alone may."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    old = {number: signal.signal(number, stop.asked) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def _show_cursor() -> None:
    """A progress bar hides it."""
    if os.isatty(2):
        os.write(2, b"\x1b[?25h\n")
