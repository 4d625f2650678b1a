"""Chromium, driven by its DevTools protocol over two pipes: no driver, no port."""

import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
KEYS = {
    "Tab": (9, ""),
    "Enter": (13, "\r"),
    " ": (32, " "),
    "ArrowLeft": (37, ""),
    "ArrowUp": (38, ""),
    "ArrowRight": (39, ""),
    "ArrowDown": (40, ""),
    "Delete": (46, ""),
}
SHIFT = 8
SECONDS = 30


class Browser:
    """A browser with one page.

    Args:
        folder: of its profile.
        options: more options of the command line.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        (theirs, self.ours), (self.answers, back) = os.pipe(), os.pipe()
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 50) for end in (theirs, back)]
        os.close(theirs), os.close(back)
        common = "--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --remote-debugging-pipe"
        common += " --no-first-run --disable-sync --disable-background-networking"
        self.process = subprocess.Popen(
            ["sh", "-c", f'exec "$0" "$@" 3</dev/fd/{ends[0]} 4>/dev/fd/{ends[1]}', str(CHROMIUM),
             *common.split(), f"--user-data-dir={folder}", *options],
            pass_fds=ends, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for end in ends:
            os.close(end)
        self.number, self.rest, self.session = 0, b"", ""
        self.events: list[dict[str, Any]] = []
        """The events of the browser, of the domains that were enabled, in its order."""
        target = self("Target.createTarget", url="about:blank")["targetId"]
        self.session = self("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def __call__(self, method: str, **parameters: Any) -> dict[str, Any]:
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        of = {"sessionId": self.session} if self.session and not method.startswith("Browser.") else {}
        os.write(self.ours, json.dumps({**message, **of}).encode() + b"\0")
        while True:
            while b"\0" not in self.rest:
                assert select.select([self.answers], [], [], SECONDS)[0], f"no answer to {method}"
                read = os.read(self.answers, 1 << 20)
                assert read, "the browser is gone"
                self.rest += read
            one, self.rest = self.rest.split(b"\0", 1)
            answer = json.loads(one)
            if answer.get("id") == self.number:
                assert "error" not in answer, answer
                return dict(answer["result"])
            self.events.append(answer)

    def open(self, path: Path) -> None:
        self("Page.navigate", url="about:blank")
        self("Page.navigate", url=path.as_uri())
        while self.value("document.readyState + location.protocol") != "completefile:":
            pass

    def value(self, expression: str) -> Any:
        """The value of an expression; of a promise, what it resolves to."""
        found = self("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def until(self, expression: str, seconds: float = SECONDS) -> Any:
        """The value of an expression as soon as it is true."""
        end = time.monotonic() + seconds
        while not (found := self.value(expression)):
            assert time.monotonic() < end, f"never true: {expression}"
            time.sleep(0.05)
        return found

    def press(self, key: str, on: str = "", *, shift: bool = False) -> None:
        """Press a key, on the element of a selector if one is given."""
        if on:
            self.value(f"document.querySelector({json.dumps(on)}).focus()")
        code, text = KEYS[key]
        given = {"key": key, "windowsVirtualKeyCode": code, **({"text": text} if text else {})}
        given |= {"modifiers": SHIFT} if shift else {}
        self("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **given)
        self("Input.dispatchKeyEvent", type="keyUp", **given)

    def close(self) -> None:
        try:
            self("Browser.close")
            self.process.wait(SECONDS)
        finally:
            self.process.kill()
            self.process.wait()
            os.close(self.ours)
            os.close(self.answers)
