"""A user's own corpus: a manifest of clips with their glosses, and a file or folder for each clip.

The manifest is a CSV (comma or tab, with a header) or a JSONL, in UTF-8. Columns: ``id``, ``path``
(below the manifest's folder), ``gloss`` (separated by spaces; in JSONL a list too), ``split``
(train, dev or test), and if wanted ``text``, ``signer``, ``fps``, and ``start`` and ``end`` of a segment.
A path leads to landmarks or features (`signkit.data.npz`, `signkit.data.landmark_files`) or to video
(`signkit.data.video`), see `signkit.data.corpora.media`.
"""

import hashlib
import json
from pathlib import Path, PurePosixPath, PureWindowsPath

from signkit.data.corpora.configs import ManifestConfig
from signkit.data.corpora.media import NUMBERS, Media, numbers_of, open_media, segment_of
from signkit.data.corpora.table import Row, fail_together, read_rows
from signkit.errors import UserError
from signkit.runtime.files import read_text
from signkit.text.vocabulary import composed
from signkit.types import SPLITS, USUAL_FPS, VIDEO, Corpus, Sample

COLUMNS = ("id", "path", "gloss", "split")
OPTIONAL = ("text", "signer", *NUMBERS)


def read(config: ManifestConfig) -> Corpus:
    """The corpus of a manifest. Every fault of it is found, each with its line.

    Raises:
        UserError: of the manifest, not UTF-8, not readable as a table, columns missing, no row of
            train; of a row, an empty cell, an unknown split, an id used twice or in two splits, a path
            that is not below the folder, a file that cannot be used (see `landmark_header`, `open_clip`) or
            has another layout than the first, a segment that is not in it (see `segment_of`); a signer in
            two splits, when `signer_independent` is claimed. A file of
            train that cannot be used is left out if the recipe says so.
    """
    root = Path(config.root)
    file = root / config.file
    text = read_text(file)
    rows = _rows(file, text, config.signer_independent)
    faults: list[UserError] = []
    samples: list[Sample] = []
    media: list[Media] = []
    left_out: list[str] = []
    opened: dict[tuple[Path, float], Media] = {}
    first: dict[str, Row] = {}
    for row in rows:
        try:
            _check_id(row, first)
            path, numbers = _path(row, root), numbers_of(row)
            where = f"{row.where}: {row.cells['path']}"
            try:
                clip = _clip(opened, path, where, numbers.fps or config.fps or USUAL_FPS)
            except UserError as fault:
                if config.damaged == "refuse" or row.cells["split"].strip() != "train":
                    raise
                left_out.append(str(fault))
                continue
            medium = segment_of(clip, numbers, where)
            samples.append(_sample(row, medium))
            media.append(medium)
            _check_same_kind(row, media, samples)
        except UserError as fault:
            faults.append(fault)
    if config.signer_independent:
        faults += _signer_faults(rows)
    fail_together(faults, str(file))
    if not any(sample.split == "train" for sample in samples):
        what = "no file of train can be used" if left_out else "no row has the split train"
        raise UserError(str(file), what, left_out[0] if left_out else "")
    held_out = {sample.reference for sample in samples if sample.split != "train"}
    more = _extra_text(root, config.extra_text)
    digest = hashlib.sha256(text.encode())
    digest.update(repr([medium.checksum for medium in media]).encode())
    digest.update(repr(more).encode())
    return Corpus(
        name=file.stem,
        samples=tuple(samples),
        layout=media[0].layout,
        width=media[0].width,
        extra_text=tuple(sentence for sentence in more if sentence not in held_out),
        fingerprint=digest.hexdigest(),
        left_out=tuple(left_out),
    )


def _clip(opened: dict[tuple[Path, float], Media], path: Path, where: str, fps: float) -> Media:
    """A clip, opened once however many segments of it there are."""
    if (path, fps) not in opened:
        opened[path, fps] = open_media(path, where, fps)
    return opened[path, fps]


def _rows(file: Path, text: str, need_signer: bool) -> list[Row]:
    columns = (*COLUMNS, "signer") if need_signer else COLUMNS
    if file.suffix in (".jsonl", ".ndjson"):
        rows = _json_rows(file, text, columns)
    else:
        delimiter = "\t" if "\t" in text.partition("\n")[0] else ","
        rows = read_rows(file, text, columns, delimiter)
    if not rows:
        raise UserError(str(file), "the manifest has no rows")
    return rows


def _json_rows(file: Path, text: str, columns: tuple[str, ...]) -> list[Row]:
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        where = f"{file}:{number}"
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UserError(where, f"not JSON: {error}") from error
        if not isinstance(record, dict):
            raise UserError(where, "not a JSON object")
        missing = [column for column in columns if column not in record]
        if missing:
            word = "key" if len(missing) == 1 else "keys"
            raise UserError(where, f"{word} missing: {', '.join(missing)}", f"there are: {', '.join(record)}")
        known = (*COLUMNS, *OPTIONAL)
        rows.append(Row(where, {key: _json_cell(where, key, record[key]) for key in known if key in record}))
    return rows


def _json_cell(where: str, key: str, value: object) -> str:
    if key == "gloss" and isinstance(value, list):
        spaced = [gloss for gloss in value if not isinstance(gloss, str) or gloss.split() != [gloss]]
        if spaced:
            raise UserError(where, f"gloss has {json.dumps(spaced[0])}, which is not one gloss")
        return " ".join(value)
    if isinstance(value, str):
        return value
    if key in NUMBERS and isinstance(value, float):
        return repr(value)
    if key in ("id", "signer", *NUMBERS) and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise UserError(where, f"{key} is {json.dumps(value)}, not text")


def _check_id(row: Row, first: dict[str, Row]) -> None:
    name = row.cells["id"].strip()
    if not name:
        raise UserError(row.where, "the id is empty")
    before = first.setdefault(name, row)
    if before is row:
        return
    line = before.where.rpartition(":")[2]
    splits = before.cells["split"].strip(), row.cells["split"].strip()
    if splits[0] != splits[1]:
        what = f"id {name!r} is in two splits, {splits[0]} in line {line} and {splits[1]} here"
        raise UserError(row.where, what)
    raise UserError(row.where, f"id {name!r} is used twice, first in line {line}")


def _path(row: Row, root: Path) -> Path:
    path = row.cells["path"].strip()
    if not path:
        raise UserError(row.where, "the path is empty")
    if "\0" in path:
        raise UserError(row.where, f"path {path!r} has the character 0, which no path has")
    windows = PureWindowsPath(path)
    if PurePosixPath(path).is_absolute() or windows.anchor or ".." in windows.parts:
        raise UserError(row.where, f"path {path!r} is not below the manifest's folder")
    return root / path


def _sample(row: Row, media: Media) -> Sample:
    glosses = tuple(composed(row.cells["gloss"]).split())
    if not glosses:
        raise UserError(row.where, "the gloss is empty")
    split = row.cells["split"].strip()
    if split not in SPLITS:
        raise UserError(row.where, f"split {split!r} is none of train, dev, test")
    return Sample(
        id=row.cells["id"].strip(),
        split=split,
        reference=glosses,
        frames=media.frames,
        load=media.load,
        source=row.where,
        signer=row.cells.get("signer", "").strip(),
        text=row.cells.get("text", "").strip(),
        fps=media.fps,
    )


def _check_same_kind(row: Row, media: list[Media], samples: list[Sample]) -> None:
    kinds = []
    for medium in (media[0], media[-1]):
        kind = f"layout {medium.layout!r}" if medium.layout else "features"
        kinds.append(VIDEO if medium.layout == VIDEO else f"{kind} of width {medium.width}")
    if kinds[0] != kinds[1]:
        line = samples[0].source.rpartition(":")[2]
        path = row.cells["path"].strip()
        raise UserError(row.where, f"{path} has {kinds[1]}, but line {line} has {kinds[0]}")


def _signer_faults(rows: list[Row]) -> list[UserError]:
    """A row that names no signer, and a signer's first row in a second split."""
    faults = []
    first: dict[str, str] = {}
    hint = "signer_independent claims that no signer is in two splits"
    for row in rows:
        signer, split = row.cells["signer"].strip(), row.cells["split"].strip()
        if not signer:
            faults.append(UserError(row.where, "the signer is empty", hint))
        elif first.setdefault(signer, split) != split:
            what = f"signer {signer!r} is in {first[signer]} and in {split}"
            faults.append(UserError(row.where, what, hint))
    return faults


def _extra_text(root: Path, name: str) -> tuple[tuple[str, ...], ...]:
    if not name:
        return ()
    return tuple(
        tuple(line.split()) for line in composed(read_text(root / name)).splitlines() if line.strip()
    )
