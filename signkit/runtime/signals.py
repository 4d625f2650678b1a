"""Ctrl-C and SIGTERM: during training the first one finishes the step and saves; a second one ends at
once."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupted(KeyboardInterrupt):
    """A signal arrived where nothing has to be finished. It is no `Exception`, so that no library swallows
    it."""


class Stop:
    """A signal handler. Calling it returns whether a signal has arrived.

    Outside of `finishing` a signal raises `Interrupted` wherever the program is. That is safe because files
    on disk are complete at any moment. A second signal ends the process immediately.

    Attributes:
        signal: the number of the signal; 0 for none.
    """

    def __init__(self) -> None:
        self.signal = 0
        self._finishing = False
        self._process = os.getpid()

    def __call__(self) -> bool:
        return self.signal != 0

    @property
    def exit_code(self) -> int:
        """130 for Ctrl-C, 143 for SIGTERM or if another process received the signal."""
        return 128 + (self.signal or signal.SIGTERM)

    @contextmanager
    def finishing(self) -> Iterator[None]:
        """Signals do not raise within the block; the code in it has to check for them now and then."""
        self._finishing = True
        try:
            yield
        finally:
            self._finishing = False

    def handle(self, number: int, _: FrameType | None) -> None:
        """Handle a signal. Processes that load data inherit the handler; they leave stopping to this
        process."""
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
    """Handle SIGINT and SIGTERM within the block. Only the main thread may set handlers; in others this does
    nothing."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    old = {number: signal.signal(number, stop.handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def _show_cursor() -> None:
    """Show the terminal's cursor, which progress bars hide."""
    if os.isatty(2):
        os.write(2, b"\x1b[?25h\n")
