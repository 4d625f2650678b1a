"""What a path is that was given as a run and is none, and what to give in its place."""

import json
from collections.abc import Iterator
from pathlib import Path

from signkit.config.assets import names
from signkit.config.suggest import nearest
from signkit.errors import UserError
from signkit.runtime.runs import RUNS, of_runs, run_folders

RECIPE = "resolved.yaml"
"""The file that marks a run."""
MANIFESTS = ("manifest.csv", "manifest.tsv", "manifest.jsonl", "manifest.json")
LISTS = "`signkit runs` lists the runs"


def no_run(path: Path, option: str = "") -> UserError:
    """The error for a path that is not the folder of a run, or is that of a run that is not finished.

    Args:
        option: of the command line that names the path; "" for an argument.
    """
    what, hint = _about(path)
    return UserError(f"{option} {path}".strip(), what, hint)


def _about(path: Path) -> tuple[str, str]:
    """What a path is, and what to give."""
    if not path.exists():
        return _missing(str(path))
    if (path / RECIPE).is_file():
        return "the run is not finished", "`signkit run RECIPE --resume auto` continues it"
    for run in _around(path):
        return f"is a part of the run {run}, and not a run", f"give {run}"
    if path.is_file():
        if path.suffix in (".yaml", ".yml"):
            what = "is a recipe, and not a run"
            return what, f"`signkit run {path}` runs it and prints the folder of its run"
        return "is a file, and not the folder of a run", LISTS
    return _folder(path)


def _missing(name: str) -> tuple[str, str]:
    if name in names("recipes"):
        return "is a recipe that has no run here", f"`signkit run {name}` makes one"
    listed = [each.relative_to(RUNS) for each in run_folders(Path(RUNS))]
    known = dict.fromkeys(text for each in listed for text in (each.parts[0], each.name, each.as_posix()))
    near = nearest(name, known)
    return "there is no run of this name, and no such folder", f"did you mean `{near}`?" if near else LISTS


def _folder(folder: Path) -> tuple[str, str]:
    if (folder / "model.onnx").is_file():
        what = "is a model exported to ONNX, which is enough for `predict` and `signkit.load`"
        return what, "this needs the run itself"
    if (folder / "config.json").is_file() and (folder / "model.safetensors").is_file():
        named = folder.absolute().name == "export"
        hint = f"give {folder.parent}" if named else "rename it to `export` in a folder, and give that folder"
        return "is the export of a run, which is named by the folder around it", hint
    if (folder / "scores.json").is_file():
        run = _run_of(folder / "scores.json")
        return f"has results of {run or 'a run'}, and not a run", f"give {run}" if run else LISTS
    if (folder / "export").is_dir():
        what = "has only the export of a run, which is enough for `predict`, `evaluate` and `signkit.load`"
        return what, "this needs the whole folder of the run"
    if inside := run_folders(folder):
        return of_runs(folder, inside)
    if manifest := next((name for name in MANIFESTS if (folder / name).is_file()), ""):
        return f"is a corpus ({manifest}), and not a run", LISTS
    if recipes := sorted(folder.glob("*.yaml")):
        more = ", …" * (len(recipes) > 1)
        what = f"is a folder of recipes ({recipes[0].name}{more}), and not a run"
        return what, f"`signkit run {recipes[0]}` runs one"
    what = "is not the folder of a run" if any(folder.iterdir()) else "is an empty folder, and not a run"
    return what, LISTS


def _around(path: Path) -> Iterator[Path]:
    """The run that a path is in, if it is in one."""
    here = Path.cwd()
    for above in path.absolute().parents:
        if (above / RECIPE).is_file():
            yield above.relative_to(here) if not path.is_absolute() and here in above.parents else above
            return


def _run_of(scores: Path) -> str:
    """The run whose results these are."""
    try:
        return str(json.loads(scores.read_text(encoding="utf-8"))["run"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
