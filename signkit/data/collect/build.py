"""A manifest of a folder's clips, written next to them: `build_manifest`."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal

from signkit.data.collect.annotations import EAF, entries_by_tier
from signkit.data.collect.entry import Entry
from signkit.data.collect.labels import entries_by_folder
from signkit.data.collect.names import entries_by_name, read_pattern
from signkit.data.collect.search import BURNT, BURNT_VIDEO, KINDS, Clip, Skipped, find_clips
from signkit.data.collect.splits import split_entries
from signkit.data.corpora.table import fail_together
from signkit.errors import UserError
from signkit.runtime.files import plainly, write_text
from signkit.types import SPLITS

SHARE = 0.1
"""Of dev, and of test, unless the user says otherwise."""
WHY_SHORT = {"gloss": "a clip of each gloss stays in train", "signer": "all clips of a signer stay together"}
"""Why a split may be smaller than wanted, by what the splits are balanced by."""
Kind = Literal["video", "npz", "pose", "parquet", "openpose"]


@dataclass(frozen=True, slots=True)
class BuiltManifest:
    """A manifest that was written.

    Attributes:
        file: its path.
        entries: its rows.
        skipped: names of what did not become a row, by the reason why.
        notes: lines for the user.
    """

    file: Path
    entries: tuple[Entry, ...]
    skipped: dict[str, tuple[str, ...]]
    notes: tuple[str, ...]

    def split(self, name: str) -> tuple[Entry, ...]:
        """The rows of a split."""
        return tuple(entry for entry in self.entries if entry.split == name)

    def unseen(self, split: str) -> dict[str, int]:
        """How often a split has each gloss that train has not, the most frequent first."""
        known = {gloss for entry in self.split("train") for gloss in entry.glosses}
        counts = Counter(gloss for entry in self.split(split) for gloss in entry.glosses)
        return {gloss: count for gloss, count in counts.most_common() if gloss not in known}


def build_manifest(
    folder: str | Path,
    *,
    pattern: str = "",
    tiers: Sequence[str] = (),
    kind: Kind | None = None,
    by: Literal["gloss", "signer"] = "gloss",
    dev: float | None = None,
    test: float | None = None,
    seed: int = 0,
    unmatched: Literal["refuse", "skip"] = "refuse",
    file: str = "manifest.csv",
    force: bool = False,
) -> BuiltManifest:
    """Write the manifest of a folder's clips into it, whole or not at all; clips are found, not opened.

    What is signed comes from a clip's name by `pattern`, from the annotations in `tiers`, or, with neither,
    from its folder: ``LABEL/clip.mp4`` or ``SPLIT/LABEL/clip.mp4``.

    Args:
        folder: of the clips; paths in the manifest are below it.
        pattern: of names, such as ``{gloss}_{signer}_{take}.mp4``; see
            `signkit.data.collect.names.read_pattern`.
        tiers: of ELAN's files; each annotation becomes a row with ``start`` and ``end`` in seconds.
        kind: of the clips, where there are several.
        by: what the splits are balanced by; ``signer``: no signer is in two splits.
        dev: its share of the clips, and that of ``test``; None: 0.1. Not where names or folders have a split.
        seed: of the splits: the same for the same clips.
        unmatched: clips whose name does not match the pattern are refused, or left out and counted.
        file: the manifest's name.
        force: replace a manifest that is there.

    Raises:
        UserError: there is no such folder, a manifest that is there, nothing to be a row, names that do not
            match, clips of several kinds, ids that are not unique, splits that cannot be made.
        OperationalError: the folder cannot be read or written.
    """
    root = Path(folder)
    out = _out(root, file, force)
    if tiers and pattern:
        raise UserError("--tier", "and --pattern exclude each other", "annotations say the glosses")
    skipped, notes = Skipped(), list[str]()
    clips = find_clips(root, skipped, read=(EAF,) if tiers else ())
    if not clips and not tiers:
        hint = f"videos with burnt glosses (NAME{BURNT}) are no clips" if BURNT_VIDEO in skipped.names else ""
        raise UserError(str(root), "holds no clips: no videos, folders of frames, or landmarks", hint)
    entries = _entries(root, clips, pattern, tiers, kind, unmatched == "skip", skipped, notes)
    entries = _unique(entries)
    given = [entry for entry in entries if entry.split]
    if given and (dev is not None or test is not None or by != "gloss"):
        raise UserError("--dev", "--test and --by are for clips whose names do not say their split")
    if not given:
        shares = {"dev": SHARE if dev is None else dev, "test": SHARE if test is None else test}
        entries = split_entries(entries, shares, by=by, seed=seed)
        notes += [*_short(entries, shares, by), *_shared(entries)]
    if not any(entry.split == "train" for entry in entries):
        raise UserError(str(root), "no clip is in train")
    order = {name: place for place, name in enumerate(SPLITS)}
    entries = sorted(entries, key=lambda entry: order[entry.split])
    write_text(out, _table(entries))
    found = {reason: tuple(names) for reason, names in skipped.names.items()}
    return BuiltManifest(out, tuple(entries), found, tuple(notes))


def _short(entries: Sequence[Entry], shares: dict[str, float], by: str) -> list[str]:
    """Splits that are much smaller than was wanted."""
    counts = Counter(entry.split for entry in entries)
    notes = []
    for name, share in shares.items():
        wanted, there = share * len(entries), counts[name]
        if share and (there == 0 or there < wanted - max(1.5, wanted / 4)):
            why = f", not {round(wanted)}: {WHY_SHORT[by]}"
            if round(wanted) == 0:
                why = f": {share:g} of {_clips(len(entries))} is less than one"
            notes.append(f"{name} has {_clips(there)}{why}")
    return notes


def _clips(count: int) -> str:
    return f"{count or 'no'} clip{'s' * (count != 1)}"


def _shared(entries: Sequence[Entry]) -> list[str]:
    """Signers who are in train and held out too."""
    trained = {entry.signer for entry in entries if entry.signer and entry.split == "train"}
    both = trained & {entry.signer for entry in entries if entry.split != "train"}
    if not both:
        return []
    if len({entry.signer for entry in entries}) == 1:
        return [f"all clips are of one signer, {min(both)}: scores do not tell how others are recognised"]
    of = f"{len(both)} of {len(trained)} signers of train {'is' if len(both) == 1 else 'are'}"
    return [f"{of} in dev or test too; --by signer parts them"]


def _out(root: Path, file: str, force: bool) -> Path:
    if PurePosixPath(file).name != file or not file.lower().endswith(".csv"):
        raise UserError("--file", f"{file!r} is no name of a .csv", "it is written into the folder")
    with plainly(root, "read"):
        if not root.is_dir():
            raise UserError(str(root), "there is no such folder")
        if (root / file).exists() and not force:
            raise UserError(str(root / file), "is there already", "--force replaces it")
    return root / file


def _entries(
    root: Path, clips: list[Clip], text: str, tiers: Sequence[str], kind: str | None, skip: bool,
    skipped: Skipped, notes: list[str],
) -> list[Entry]:  # fmt: skip
    if tiers:
        is_video = any(clip.kind == "video" for clip in clips)
        chosen = clips and _of_kind(clips, kind or ("video" if is_video else None), skipped)
        return entries_by_tier(root, chosen, tiers, skipped, notes)
    if text:
        form = read_pattern(text)
        if form.ending and kind is None:
            return entries_by_name(clips, form, skip=skip, skipped=skipped, notes=notes)
        chosen = _of_kind(clips, kind, skipped)
        return entries_by_name(chosen, form, skip=skip, skipped=skipped, notes=notes)
    return entries_by_folder(_of_kind(clips, kind, skipped), notes)


def _of_kind(clips: list[Clip], kind: str | None, skipped: Skipped) -> list[Clip]:
    """The clips of one kind: a manifest has one."""
    counts = Counter(clip.kind for clip in clips)
    if kind is None and len(counts) > 1:
        there = ", ".join(f"{count} {name}" for name, count in counts.items())
        raise UserError("manifest", f"there are clips of several kinds: {there}", "choose one with --kind")
    if kind is not None and kind not in counts:
        if kind not in KINDS:
            raise UserError("--kind", f"{kind!r} is none of {', '.join(KINDS)}")
        raise UserError("--kind", f"there are no clips of the kind {kind}", f"there are: {', '.join(counts)}")
    for clip in clips:
        if kind is not None and clip.kind != kind:
            skipped.add(f"another kind ({clip.kind})", clip.path.as_posix())
    return [clip for clip in clips if kind in (None, clip.kind)]


def _unique(entries: Sequence[Entry]) -> list[Entry]:
    """The entries with ids of their own: names, with their folders and their endings where it takes these."""
    short = [replace(entry, id=entry.id.rpartition("/")[2]) for entry in entries]
    if len({entry.id for entry in short}) == len(short):
        return short
    counts = Counter(entry.id for entry in entries)
    entries = [
        replace(entry, id="_".join(entry.path.split()))
        if counts[entry.id] > 1 and entry.start is None
        else entry
        for entry in entries
    ]
    first: dict[str, Entry] = {}
    faults = []
    for entry in entries:
        other = first.setdefault(entry.id, entry)
        if other is not entry:
            faults.append(UserError(entry.path, f"its id would be {entry.id!r}, as that of {other.path}"))
    fail_together(faults, "manifest")
    return list(entries)


def _table(entries: Sequence[Entry]) -> str:
    """The manifest as CSV; of the columns that need not be there those that have something in them."""
    rows = [
        {
            "id": entry.id, "path": entry.path, "gloss": entry.gloss, "split": entry.split,
            "signer": entry.signer, "text": entry.text,
            "start": "" if entry.start is None else f"{entry.start / 1000:.3f}",
            "end": "" if entry.end is None else f"{entry.end / 1000:.3f}",
        }
        for entry in entries
    ]  # fmt: skip
    columns = [name for name in rows[0] if any(row[name] for row in rows)]
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()
