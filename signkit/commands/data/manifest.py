"""`signkit data manifest`: write the manifest of a folder's clips, and show what became of them."""

import json
import shlex

from signkit.data.collect.build import BuiltManifest
from signkit.types import SPLITS

NAMED = 3
"""Names that a reason shows, at most; glosses are more."""
GLOSSES = 10


def show_manifest(built: BuiltManifest, as_json: bool) -> int:
    """Print what was written, what was skipped, and the next command; or one JSON object.

    Returns:
        The exit status, 0.
    """
    unseen = {split: built.unseen(split) for split in SPLITS[1:]}
    if as_json:
        print(json.dumps(_plain(built, unseen), ensure_ascii=False))
    else:
        _print(built, unseen)
    return 0


def _counts(built: BuiltManifest) -> dict[str, dict[str, int]]:
    counts = {}
    for split in SPLITS:
        entries = built.split(split)
        counts[split] = {
            "clips": len(entries),
            "glosses": len({gloss for entry in entries for gloss in entry.glosses}),
            "signers": len({entry.signer for entry in entries if entry.signer}),
        }
    return counts


def _plain(built: BuiltManifest, unseen: dict[str, dict[str, int]]) -> dict[str, object]:
    return {
        "manifest": str(built.file), "splits": _counts(built), "skipped": built.skipped,
        "not_in_train": unseen, "notes": built.notes,
    }  # fmt: skip


def _print(built: BuiltManifest, unseen: dict[str, dict[str, int]]) -> None:
    from signkit.report.sections import Lines, Table
    from signkit.report.terminal import print_sections

    columns = ("clips", "glosses", "signers")
    rows = [(split, *(f"{part[name]:,}" for name in columns)) for split, part in _counts(built).items()]
    lines = [*built.notes]
    for split, glosses in unseen.items():
        if glosses:
            count = f"{len(glosses)} gloss{'es' * (len(glosses) > 1)}"
            lines.append(f"{split} has {count} that train has not: {_few([*glosses], GLOSSES)}")
    for reason, names in built.skipped.items():
        lines.append(f"skipped, {reason}: {len(names)} ({_few(names, NAMED)})")
    root, name = built.file.parent, built.file.name
    more = "" if name == "manifest.csv" else f" --set data.file={shlex.quote(name)}"
    lines += [
        f"written: {built.file}",
        f"next: signkit data check manifest --root {shlex.quote(str(root))}{more}",
    ]
    print_sections([Table(("split", *columns), rows, str(root)), Lines(tuple(lines))])


def _few(names: "tuple[str, ...] | list[str]", most: int) -> str:
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")
