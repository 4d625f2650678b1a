"""Runs on disk: found by their names, and listed with their states, without importing torch.

The folder of a run is ``runs/<recipe>/<time>-<hash>``. A recipe of stages has a folder like that, with the
folder of a run for each stage in it.
"""

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeAlias

from filelock import FileLock, Timeout

from signkit.errors import UserError
from signkit.runtime.run_folder import content, seconds_spent, state

RUNS = "runs"
"""Where runs are, by default."""
CARRIED = Path(__file__).parents[1] / "models" / "carried"
"""The folder of trained models that come with signkit, each with an export as a run has."""
LATEST = "latest"
"""The name of the newest finished run."""
DEEPEST = 3
"""Levels of folders that are searched for runs: recipe, run, stage."""
SHOWN = 5
"""Runs named in a message, at most."""
_STAMP, _TIME = re.compile(r"\d{8}-\d{6}"), "%Y%m%d-%H%M%S"
_STAGES = re.compile(r"^stages:", re.MULTILINE)
_MAX_STEPS = re.compile(r"^  max_steps: (\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Run:
    """What the folder of a run says about it.

    Attributes:
        folder: of the run.
        name: its path below the folder of all runs: ``<recipe>/<time>-<hash>``.
        recipe: the recipe's name; of a stage the recipe of stages and the stage.
        state: ``finished``, ``running``, ``interrupted`` (killed too: ``signkit run --resume`` continues it),
            ``failed``, or ``unknown``.
        error: why it failed.
        begun: when, local time.
        seconds: how long its sessions took together, the last one up to its last record
            (`signkit.runtime.run_folder.seconds_spent`); None if not known.
        step, max_steps: training steps done, and of the recipe.
        size: bytes on disk.
    """

    folder: Path
    name: str
    recipe: str
    state: str
    error: str
    begun: str
    seconds: float | None
    step: int
    max_steps: int
    size: int


class HasFolder(Protocol):
    """A result of a function of signkit that has the folder of its run or of its results, or None."""

    @property
    def folder(self) -> Path | None: ...


RunRef: TypeAlias = str | os.PathLike[str] | HasFolder
"""A run as `find_run` takes it."""


def find_run(ref: RunRef) -> Path:
    """The folder of the run that a user names.

    Args:
        ref: a folder (of a run, of an export, of results); ``latest``, the newest finished run of ``runs``;
            ``quickstart/latest`` or ``FOLDER/latest``, that of a recipe or below a folder; or the
            beginning of a run's name, with its recipe or without, that no other run has; or an object that
            has its folder, such as `signkit.run` returns. The name of a model that signkit carries is that
            model (`carried`), unless there is a folder of that name.

    Returns:
        The folder; of a recipe of stages that of its last stage. A name that fits nothing is returned as it
        is, for the message of whatever wants to open it.

    Raises:
        UserError: the name fits several runs, no run is finished, or it is a folder of several runs.
    """
    if not isinstance(ref, str | os.PathLike):
        if ref.folder is None:
            what = f"{ref!r} has no folder: its results were not written, or its run was not begun"
            raise UserError("run", what)
        ref = ref.folder
    text, path = os.fspath(ref), Path(ref)
    if path.exists():
        return _opened(path) if path.is_dir() else path
    if path.name == LATEST:
        return _latest(path.parent, text)
    if text in carried():
        return CARRIED / text
    there = [(run, run.relative_to(RUNS).parts) for run in run_folders(Path(RUNS))]
    found = [run for run, parts in there if _join(parts[:-1]) == text.rstrip("/")]  # a recipe
    is_recipe = bool(found)
    if not found and text:
        found = [run for run, parts in there if any(_join(parts[n:]).startswith(text) for n in (0, 1))]
        if path.parent.is_dir():  # the beginning of a path, of runs that may be elsewhere
            found += [run for run in run_folders(path.parent) if run.as_posix().startswith(path.as_posix())]
    found = list(dict.fromkeys(found))
    if len(found) > 1 and not _are_stages(found):
        names = ", ".join(map(str, found[:SHOWN])) + ", …" * (len(found) > SHOWN)
        if is_recipe:
            hint = f"name one of them, or {text.rstrip('/')}/{LATEST}, the newest finished one"
            raise UserError(text, f"is a recipe with {len(found)} runs: {names}", hint)
        raise UserError(text, f"is the beginning of {len(found)} runs: {names}", "name one of them")
    return found[-1] if found else path


def carried() -> tuple[str, ...]:
    """The names of the trained models that signkit carries, sorted."""
    return tuple(sorted(path.parent.name for path in CARRIED.glob("*/export")))


def _join(parts: Sequence[str]) -> str:
    return "/".join(parts)


def _are_stages(runs: Sequence[Path]) -> bool:
    """Whether runs are stages of one recipe of stages."""
    return len({run.parent for run in runs}) == 1 and _is_of_stages(runs[0].parent)


def _opened(folder: Path) -> Path:
    """A folder that is there: of a recipe of stages, its last stage."""
    if (folder / "resolved.yaml").is_file() or (folder / "scores.json").is_file():
        stages = run_folders(folder) if _is_of_stages(folder) else []
        return stages[-1] if stages else folder
    inside = [] if (folder / "export").is_dir() else run_folders(folder)
    if inside:
        raise UserError(str(folder), *of_runs(folder, inside))
    return folder


def of_runs(folder: Path, inside: list[Path]) -> tuple[str, str]:
    """About a folder of several runs: which to give."""
    if len(inside) == 1:
        return "is the folder around a run, and not a run", f"give {inside[0]}"
    if latest(inside) is None:
        what = f"is a folder of {len(inside)} runs, of which none is finished"
        return what, f"`signkit runs {folder}` lists them"
    what = f"is a folder of {len(inside)} runs, and not a run"
    return what, f"{folder / LATEST} is the newest finished one, `signkit runs {folder}` lists them"


def _latest(parent: Path, ref: str) -> Path:
    """The newest finished run below a folder, or of a recipe in ``runs``."""
    below = parent if parent != Path() and parent.is_dir() else RUNS / parent
    if (run := latest(run_folders(below))) is None:
        raise UserError(ref, f"there is no finished run in {below}", f"`signkit runs {below}` lists them")
    return run


def latest(runs: list[Path]) -> Path | None:
    """The newest finished one of some runs, in the order of `run_folders`; None if none is finished."""
    return next((run for run in reversed(runs) if state(run) == "finished"), None)


def run_folders(folder: Path) -> list[Path]:
    """All runs below a folder, the oldest first; of a recipe of stages, its stages."""
    return sorted(_walk(folder, DEEPEST), key=_age)


def _walk(folder: Path, depth: int) -> Iterator[Path]:
    try:
        inside = [Path(each.path) for each in os.scandir(folder) if each.is_dir() and each.name[0] != "."]
    except OSError:  # it is no folder, or not ours to read
        return
    for path in inside:
        if (path / "resolved.yaml").is_file() and not _is_of_stages(path):
            yield path
        elif depth > 1:
            yield from _walk(path, depth - 1)


def _is_of_stages(folder: Path) -> bool:
    try:
        return bool(_STAGES.search((folder / "resolved.yaml").read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError):
        return False


def _age(run: Path) -> tuple[str, int, str]:
    """The sort key of runs: the time in the name, then that of the first file."""
    created = (run / "resolved.yaml").stat().st_mtime_ns
    return _begun(run, created), created, run.name


def _begun(run: Path, created: int) -> str:
    """When a run began, as ``20261128-143000``: by its name or that of its stages' folder, or else by its
    first file."""
    named = next((stamp for name in (run.name, run.parent.name) if (stamp := _stamp(name))), "")
    return named or datetime.fromtimestamp(created / 1e9).strftime(_TIME)


def _stamp(name: str) -> str:
    """The time that a folder's name begins with; "" if it begins with none."""
    match = _STAMP.match(name)
    try:
        return datetime.strptime(match[0], _TIME).strftime(_TIME) if match else ""
    except ValueError:  # digits that are no time
        return ""


def describe(run: Path, base: Path) -> Run:
    """What the folder of a run says about it.

    Args:
        base: the folder of all runs.
    """
    status = content(run / "status.json")
    created = (run / "resolved.yaml").stat().st_mtime_ns
    match = _MAX_STEPS.search((run / "resolved.yaml").read_text(encoding="utf-8", errors="replace"))
    name = run.relative_to(base).as_posix()
    in_stages = bool(_stamp(run.parent.name))
    above = run.parents[1].name if in_stages else run.parent.name
    return Run(
        folder=run,
        name=name,
        recipe=f"{above}/{run.name}" if in_stages else above,
        state=_present_state(run),
        error=str(status.get("error", "")),
        begun=datetime.strptime(_begun(run, created), _TIME).isoformat(sep=" "),
        seconds=seconds_spent(run),
        step=_step(run),
        max_steps=int(match[1]) if match else 0,
        size=_size(run),
    )


def _present_state(run: Path) -> str:
    """The state in ``status.json``; that of a run whose process is gone is ``interrupted``."""
    known = state(run)
    return "interrupted" if known in ("created", "running") and not _is_held(run) else known


def _is_held(run: Path) -> bool:
    """Whether a process has the run's folder locked."""
    if not (run / ".lock").is_file():
        return False
    lock = FileLock(run / ".lock")
    try:
        with lock.acquire(timeout=0):
            return False
    except Timeout:
        return True
    except OSError:  # a folder that is not ours to write in
        return True


def _step(run: Path) -> int:
    """The last step in ``metrics.jsonl``."""
    try:
        with open(run / "metrics.jsonl", "rb") as file:
            file.seek(max(0, os.path.getsize(run / "metrics.jsonl") - 4096))
            lines = file.read().splitlines()
    except OSError:
        return 0
    for line in reversed(lines):  # the very last one may be incomplete
        try:
            return int(json.loads(line)["step"])
        except (ValueError, KeyError, TypeError):
            continue
    return 0


def _size(folder: Path) -> int:
    total = 0
    for place, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.lstat(os.path.join(place, name)).st_size
            except OSError:  # removed meanwhile, as checkpoints are
                continue
    return total
