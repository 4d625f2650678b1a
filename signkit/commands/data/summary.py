"""What a prepared corpus holds, as `signkit data prepare` prints it at its end."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from signkit.data.shards.index import INDEX, Header, file_sizes, read_index, read_refused
from signkit.errors import UserErrors
from signkit.types import SPLITS


def print_summary(folder: Path, header: Header, as_json: bool) -> None:
    """Print a table, the recipe that reads the folder, and where it is; or one JSON object.

    Raises:
        UserErrors: the index is damaged.
    """
    entries, faults = read_index(folder)
    if faults:
        raise UserErrors(faults)
    refused = read_refused(folder)
    splits: dict[str, dict[str, Any]] = {}
    for name in (*SPLITS, "all"):
        clips = [entry for entry in entries if name in (entry.split, "all")]
        left_out = len(header.left_out) if name in ("train", "all") else 0
        splits[name] = {
            "clips": len(clips),
            "frames": sum(entry.frames for entry in clips),
            "hours": round(sum(entry.frames / entry.fps for entry in clips) / 3600, 4),
            "bytes": sum(entry.bytes for entry in clips),
            "refused": left_out + sum(name in (each.split, "all") for each in refused),
        }
    files = len(file_sizes(entries))
    if not as_json:
        _print_table(folder, header, files, splits)
        return
    figures = {"folder": str(folder), "corpus": header.name, "format": header.format, "files": files}
    left = {"refused": [asdict(each) for each in refused], "left_out": header.left_out}
    print(json.dumps({**figures, "splits": splits, **left}))


def _print_table(folder: Path, header: Header, files: int, splits: dict[str, dict[str, Any]]) -> None:
    from rich import box
    from rich.table import Table

    from signkit.report.terminal import console

    out = console()
    what = f"{header.size} x {header.size} pixels" if header.layout == "video" else header.layout
    title = f"{header.name}, {what} in {files} {'shards' if header.format == 'shards' else 'files'}"
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("split")
    for name in ("clips", "frames", "hours", "size", "left out"):
        table.add_column(name, justify="right")
    for name, part in splits.items():
        size, hours = size_text(part["bytes"]), f"{part['hours']:.2f}"
        cells = (part["clips"], part["frames"], hours, size, part["refused"])
        table.add_row(name, *map(str, cells), end_section=name == SPLITS[-1])
    out.print(title)
    out.print(table)
    out.print(f"a recipe reads it with  data: {{name: shards, root: {folder}}}")
    out.print(str(folder / INDEX))


def size_text(size: int) -> str:
    """Bytes as a reader has them."""
    if size < 1000:
        return f"{size} B"
    power = 1 + (size >= 10**6) + (size >= 10**9)
    return f"{size / 1000**power:.1f} {('KB', 'MB', 'GB')[power - 1]}"
