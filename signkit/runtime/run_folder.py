"""The folder of a run: creating or finding it, locking it, and recording the run's status."""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from signkit.config.pipeline import Pipeline
from signkit.config.recipe import Recipe
from signkit.config.recipe_file import find_recipe, load_recipe, resolved
from signkit.config.registry import providers
from signkit.config.strict_yaml import package_comment, packages_in
from signkit.config.yaml_write import differences
from signkit.errors import OperationalError, UserError
from signkit.runtime.files import plainly, write_json, write_text
from signkit.runtime.hardware import gpu

ENDED = ("finished", "interrupted", "failed")
"""States of a run whose session has come to its end."""
BRIEFLY = 0.5
"""Seconds that the lock of a run's folder is waited for."""
LAUNCH = "launch.txt"
"""Has the id of the launch by torchrun that began the run, so that restarted processes find it."""
MAY_DIFFER = ("run",)
"""Sections of a recipe that may change when a run is resumed."""


def new_folder(recipe: Recipe | Pipeline, ref: str) -> Path:
    """Create ``<run.dir>/<recipe>/<time>-<hash>/`` with the recipe as given and as resolved.

    Args:
        recipe: of the run.
        ref: the recipe's file or name, to be copied.

    Raises:
        OperationalError: the folder cannot be written.
    """
    text = resolved(recipe)
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    parent = Path(recipe.run.dir) / recipe.name
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    for number in range(1000):
        folder = parent / (f"{stamp}-{digest}" + (f"-{number}" if number else ""))
        try:
            folder.mkdir(parents=True)
            break
        except FileExistsError:
            if not parent.is_dir():
                raise OperationalError(f"{parent}: is not a folder") from None
        except OSError as error:
            raise OperationalError(f"{folder}: cannot be created: {error.strerror}") from error
    _begin(folder, find_recipe(ref)[0].read_text(encoding="utf-8-sig"), text)
    return folder


def stage_folder(pipeline: Path, recipe: Recipe) -> Path:
    """The folder of a stage within that of its pipeline, created if it does not exist.

    Raises:
        UserError: the stage was begun with another recipe.
        OperationalError: the folder cannot be written.
    """
    folder = pipeline / recipe.name
    if (folder / "resolved.yaml").is_file():
        check_same_recipe(folder, recorded_recipe(folder, recipe.name), recipe)
        return folder
    shutil.rmtree(folder, ignore_errors=True)  # left by a process that was killed before the run was recorded
    with plainly(folder, "created"):
        folder.mkdir()
    _begin(folder, resolved(recipe), resolved(recipe))
    return folder


def _begin(folder: Path, given: str, text: str) -> None:
    """Write the record of a run into its new folder."""
    try:
        write_text(folder / "recipe.yaml", given)
        write_json(folder / "status.json", {"state": "created"})
        if launch():
            write_text(folder / LAUNCH, f"{launch()}\n")
        write_text(folder / "resolved.yaml", text)  # last, because its presence marks a run
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def launch() -> str:
    """The id of the launch by torchrun of which this process is one (its `--rdzv-id`); "" if it has none."""
    found = os.environ.get("TORCHELASTIC_RUN_ID", "")
    return "" if found == "none" else found  # torchrun's word for an id that was not given


def check_same_recipe(folder: Path, old: Recipe | Pipeline, recipe: Recipe | Pipeline) -> None:
    """Compare a recipe with the one that a run was started with, except for `MAY_DIFFER`.

    Raises:
        UserError: they differ; the message has the differences.
    """
    if changed := differences(old, recipe, ignore=MAY_DIFFER):
        lines = "".join(f"\n  {line}" for line in changed)
        what = "was begun with another recipe; take the change back, or start a new run:"
        raise UserError(str(folder), what + lines)


def check_same_data(folder: Path, fingerprint: str) -> None:
    """Compare the fingerprint of the data with that of the data that a run was started with.

    Raises:
        UserError: they differ, so a resumed run would not compute the same numbers.
    """
    try:
        before = json.loads((folder / "env.json").read_text(encoding="utf-8"))["data"]
    except (OSError, ValueError, KeyError, TypeError):
        return  # the run ended before it had read its data
    if before != fingerprint:
        what = "was begun with other data: the files of the corpus have changed since"
        raise UserError(str(folder), what, "restore them, or start a new run")


def recorded_recipe(folder: Path, name: str | None = None) -> Recipe:
    """The recipe that a run was started with."""
    return load_recipe(str(folder / "resolved.yaml"), name=name or folder.parent.name, check_paths=False)


def state(folder: Path) -> str:
    """The status of a run: ``created``, ``running``, ``interrupted``, ``failed``, ``finished``, or
    ``unknown``."""
    try:
        return str(json.loads((folder / "status.json").read_text(encoding="utf-8"))["state"])
    except (OSError, ValueError, KeyError, TypeError):
        return "unknown"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock a run's folder within the block. The system releases the lock with the process, however it ends.

    Raises:
        OperationalError: another process has locked it.
    """
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=BRIEFLY)  # `signkit runs` takes it for an instant, to see whether it is free
    except Timeout:
        raise OperationalError(f"{folder}: another process is running there") from None
    except OSError as error:
        raise OperationalError(f"{folder}: cannot be locked: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()


def write_status(folder: Path, state: str, **more: Any) -> None:
    """Record the status of a run in ``status.json``; ``more`` are additional keys."""
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    write_json(folder / "status.json", {"state": state, "time": now, "pid": os.getpid(), **more})


def seconds_spent(folder: Path) -> float | None:
    """How long the sessions of a run took together; None if not known.

    A session that has not ended, or whose process was killed, counts from its beginning to the last line of
    the log. Of versions that recorded no time it is that of the last session.
    """
    status = content(folder / "status.json")
    before = status.get("seconds")
    if isinstance(before, int | float) and status.get("state") in ENDED:
        return float(before)
    try:
        begun = datetime.strptime(str(content(folder / "env.json")["time"]), "%Y-%m-%dT%H:%M:%S%z")
        last = (folder / "log.txt").stat().st_mtime - begun.timestamp()
    except (OSError, KeyError, ValueError):
        return None
    return max(0.0, last) + (before if isinstance(before, int | float) else 0.0)


class Clock:
    """How long a run has taken so far, in seconds, with its earlier sessions."""

    def __init__(self, folder: Path) -> None:
        self.before = seconds_spent(folder) or 0.0
        self._begun = time.monotonic()

    def __call__(self) -> float:
        return round(self.before + time.monotonic() - self._begun, 1)


def content(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty if there is none that can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_environment(
    folder: Path,
    recipe: Recipe,
    fingerprint: str,
    device: str,
    processes: int,
    layout: str = "",
    precision: str = "float32",
) -> None:
    """Record versions, the packages of components and of the layout, git state, hardware and the fingerprint
    of the data in ``env.json``."""
    import torch

    packages = ("signkit", "torch", "numpy", "transformers", "accelerate", "safetensors")
    components = providers(recipe, layout).items()
    write_json(
        folder / "env.json",
        {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "command": sys.argv,
            "python": platform.python_version(),
            "platform": platform.platform(),
            "packages": {name: version(name) for name in packages},
            "components": {f"{group} {name}": each for (group, name), each in components},
            "git": _git_state(),
            "device": device,
            "gpu": gpu(device),
            "precision": precision,
            "processes": processes,
            "threads": torch.get_num_threads(),
            "data": fingerprint,
        },
    )


def record_layout(folder: Path, layout: str) -> None:
    """Note the package of the landmark layout, which is known only when the corpus is read, in
    ``resolved.yaml``."""
    for component, package in providers((), layout).items():
        file, comment = folder / "resolved.yaml", package_comment(*component, package)
        text = file.read_text(encoding="utf-8")
        if component not in packages_in(text):
            write_text(file, comment + text)


def _git_state() -> dict[str, Any] | None:
    here = Path(__file__).parents[1]
    answers = []
    for words in (("rev-parse", "HEAD"), ("status", "--porcelain")):
        try:
            done = subprocess.run(
                ("git", "-C", str(here), *words), capture_output=True, text=True, timeout=20
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        if done.returncode:
            return None
        answers.append(done.stdout.strip())
    return {"commit": answers[0], "changed": bool(answers[1])}
