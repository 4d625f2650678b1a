"""What a prepared corpus holds, as `signkit data prepare` tells it at its end."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from signkit.data.shards.index import INDEX, Left, Made, file_sizes, read_index
from signkit.errors import UserErrors
from signkit.types import SPLITS


@dataclass(frozen=True, slots=True)
class Part:
    """The figures of a split, or of all: clips and frames that are there, hours, bytes, clips left out."""

    clips: int
    frames: int
    hours: float
    bytes: int
    refused: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What a folder holds."""

    folder: Path
    made: Made
    parts: dict[str, Part]
    files: int
    refused: tuple[Left, ...]


def kept(folder: Path, made: Made, left: Sequence[Left]) -> Kept:
    """The figures of a finished folder, from its index.

    Raises:
        UserErrors: the index is damaged.
    """
    entries, faults = read_index(folder)
    if faults:
        raise UserErrors(faults)
    parts = {}
    for name in (*SPLITS, "all"):
        clips = [entry for entry in entries if name in (entry.split, "all")]
        refused = sum(1 for each in left if name in (each.split, "all"))
        refused += len(made.left_out) if name in ("train", "all") else 0
        hours = round(sum(entry.frames / entry.fps for entry in clips) / 3600, 4)
        size = sum(entry.bytes for entry in clips)
        parts[name] = Part(len(clips), sum(entry.frames for entry in clips), hours, size, refused)
    return Kept(folder, made, parts, len(file_sizes(entries)), tuple(left))


def print_kept(found: Kept, as_json: bool) -> None:
    """Print a table, the recipe that reads the folder, and where it is; or one JSON object."""
    if as_json:
        parts = {name: asdict(part) for name, part in found.parts.items()}
        left = [asdict(each) for each in found.refused]
        values = {"folder": str(found.folder), "corpus": found.made.name, "format": found.made.format}
        print(
            json.dumps(
                {
                    **values,
                    "files": found.files,
                    "splits": parts,
                    "refused": left,
                    "left_out": found.made.left_out,
                }
            )
        )
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
    table = Table(title=f"{found.made.name}, {_form(found)}", box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("split")
    for name in ("clips", "frames", "hours", "size", "left out"):
        table.add_column(name, justify="right")
    for name, part in found.parts.items():
        cells = (part.clips, part.frames, f"{part.hours:.2f}", size_text(part.bytes), part.refused)
        table.add_row(name, *map(str, cells), end_section=name == SPLITS[-1])
    console.print(table)
    console.print(f"a recipe reads it with  data: {{name: shards, root: {found.folder}}}")
    console.print(str(found.folder / INDEX))


def size_text(size: int) -> str:
    """Bytes as a reader has them."""
    for unit in ("B", "KB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size = size / 1000  # type: ignore[assignment]
    return f"{size:.1f} GB"


def _form(found: Kept) -> str:
    made = found.made
    kind = f"{found.files} shards" if made.format == "shards" else f"{found.files} files"
    return (
        f"{made.size} x {made.size} pixels in {kind}"
        if made.layout == "video"
        else f"{made.layout} in {kind}"
    )
