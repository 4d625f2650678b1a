"""`signkit live`: a model on what a camera sees, in a page of this machine or on the terminal."""

import json
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from signkit.commands.live.server import serving
from signkit.commands.live.site import check_assets, is_exported, site_of
from signkit.errors import UserError
from signkit.models.onnx.names import MAY_CHANGE
from signkit.runtime.files import checked_folder
from signkit.runtime.runs import RunRef, find_run
from signkit.runtime.signals import Interrupted, stop_on_signals

PORT = 8000


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """What the command line says.

    Attributes:
        port: of the page.
        video, camera: what the terminal reads in place of a page; one of them or none.
        threshold: the probability above which a symbol is typed on the terminal.
        hold: seconds for which it has to be the likeliest.
        stable_after: of a stream: chunks after which a word on the terminal no longer changes.
    """

    port: int = PORT
    video: Path | None = None
    camera: int | None = None
    threshold: float = 0.7
    hold: float = 0.8
    stable_after: int = 8
    as_json: bool = False


def run_live(run: str, options: LiveOptions) -> int:
    """Serve the page until Ctrl-C, or print what a camera or a video shows; returns the exit status.

    Raises:
        UserError: the port is taken, the page's libraries were not built, the model cannot be exported, the
            page cannot track what it reads, or a source cannot be read.
    """
    if options.video is not None and options.camera is not None:
        raise UserError("--camera", "is given with --video", "give one of them")
    with stop_on_signals():
        try:
            if options.video is not None or options.camera is not None:
                return _on_terminal(run, options)
            with live(run, port=options.port) as url:
                if options.as_json:
                    print(json.dumps({"event": "serving", "url": url}), flush=True)
                else:
                    print("for this machine alone; Ctrl-C ends", file=sys.stderr)
                    print(url, flush=True)
                threading.Event().wait()
        except Interrupted:
            pass  # it has no other end
    return 0


@contextmanager
def live(run: RunRef, *, port: int = PORT) -> Iterator[str]:
    """Serve the page of a model on 127.0.0.1 for as long as the block runs; yields its address.

    Args:
        run: a finished run as `signkit.load` takes it, which is exported to a temporary folder; or the folder
            of an export.
        port: 0 takes one that is free.

    Raises:
        UserError: the port is taken, the page's libraries were not built, or the model cannot be exported, or
            read by the page.
        OperationalError: the export is damaged.
    """
    check_assets("signkit live")
    with exported(run) as folder, serving(site_of(folder), port) as url:
        yield url


@contextmanager
def exported(run: RunRef) -> Iterator[Path]:
    """The folder of an export; of a run it is written, and deleted after the block.

    Raises:
        UserError: it is neither, or the model cannot be exported.
        OperationalError: the export is damaged.
    """
    found = find_run(run)
    if is_exported(found):
        checked_folder(found, free=MAY_CHANGE)
        yield found
        return
    from signkit.commands.export.verb import export

    with tempfile.TemporaryDirectory(prefix="signkit-") as folder:
        yield export(found, Path(folder) / "model").folder


def _on_terminal(run: str, options: LiveOptions) -> int:
    from signkit.commands.live.reader import Hold
    from signkit.commands.live.streamed import live_stream
    from signkit.commands.live.terminal import read_aloud, read_stream

    source = options.video if options.camera is None else options.camera
    assert source is not None
    found = find_run(run)
    if not is_exported(found) and (stream := live_stream(found, options.stable_after)) is not None:
        return read_stream(stream, source, run, options.as_json)
    hold = Hold(options.threshold, options.hold)
    with exported(run) as folder:
        return read_aloud(folder, source, hold, run, options.as_json)
