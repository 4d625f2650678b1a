"""The structure of a version of signkit: rooms, arrows between them, floors, circles, lines, comments.

    python benchmarks/structure.py [FOLDER of a checkout …]

A room is a module or a package directly below `signkit`; an arrow is an import from one room to another,
whatever number of modules it joins; a room stands one floor above the highest room that it imports; a circle
is a set of rooms that import each other. Lines are those of Python files below `signkit`; a comment is a line
with one, those of tools aside; functions are counted with their docstrings.
"""

import ast
import io
import statistics
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

FOR_TOOLS = ("noqa", "type:", "fmt:")


def main() -> None:
    for root in sys.argv[1:] or ["."]:
        package = Path(root, "signkit")
        files = sorted(path for path in package.rglob("*.py") if "assets" not in path.parts)
        print(f"{root}:")
        for name, value in {**rooms(package, files), **sizes(package, files)}.items():
            print(f"  {name:28} {value}")


def rooms(package: Path, files: list[Path]) -> dict[str, object]:
    """Rooms, arrows, floors and circles."""
    known = {room_of(package, path) for path in files} - {"__init__"}
    arrows: dict[str, set[str]] = {room: set() for room in known}
    for path in files:
        room = room_of(package, path)
        if room in known:
            arrows[room] |= {other for other in imported(path, known) if other in known and other != room}
    floors, circles = dict.fromkeys(arrows, 0), False
    for _ in range(len(arrows) + 1):  # longest paths; what still moves after that is a circle
        higher = {room: 1 + max((floors[o] for o in others), default=0) for room, others in arrows.items()}
        circles, floors = higher != floors, higher
    return {
        "rooms": len(arrows),
        "arrows": sum(map(len, arrows.values())),
        "circles": "some" if circles else "none",
        "floors": "-" if circles else max(floors.values()),
    }


def room_of(package: Path, path: Path) -> str:
    return path.relative_to(package).parts[0].removesuffix(".py")


def imported(path: Path, known: set[str]) -> Iterator[str]:
    """The rooms that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "signkit":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("signkit."):
            yield str(node.module).split(".")[1]
        elif isinstance(node, ast.Import):
            yield from (a.name.split(".")[1] for a in node.names if a.name.startswith("signkit."))


def sizes(package: Path, files: list[Path]) -> dict[str, object]:
    """Lines of files and functions, comments, docstrings."""
    lines = {path: path.read_text(encoding="utf-8").count("\n") for path in files}
    functions: dict[str, int] = {}
    comments = documented = public = 0
    for path in files:
        text = path.read_text(encoding="utf-8")
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        comments += sum(
            t.type == tokenize.COMMENT and not t.string.lstrip("# ").startswith(FOR_TOOLS) for t in tokens
        )
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                if not node.name.startswith("_"):
                    public += 1
                    documented += ast.get_docstring(node) is not None
                if not isinstance(node, ast.ClassDef):
                    name = f"{path.relative_to(package)}:{node.name}"
                    functions[name] = int(node.end_lineno or 0) - node.lineno + 1
    used = [count for count in lines.values() if count]
    largest_file = max(lines, key=lambda path: lines[path])
    largest = max(functions, key=lambda name: functions[name])
    return {
        "files, lines": f"{len(used)}, {sum(used):,}",
        "file, median and largest": f"{statistics.median(used):g}, {lines[largest_file]} "
        f"({largest_file.relative_to(package)})",
        "function, median and largest": f"{statistics.median(functions.values()):g}, {functions[largest]} "
        f"({largest})",
        "comments a hundred lines": f"{100 * comments / sum(used):.1f}",
        "public with docstring": f"{100 * documented / public:.0f} %",
    }


if __name__ == "__main__":
    main()
