"""WLASL as it unpacks: isolated signs of American Sign Language, up to 2,000 glosses.

    WLASL_v0.3.json      [{"gloss": "book", "instances": [{"video_id": "69241", "split": "train",
                         "signer_id": 118, "frame_start": 1, "frame_end": -1, …}, …]}, …]
    videos/69241.mp4

The glosses are in the order of their numbers of clips, so that WLASL100 is the first hundred. Frames count
from 1; -1 is the last one. The authors' script cuts the videos; a file with at least ``frame_end`` frames is
not cut yet, and the sign's frames are taken out of it.
Source: Li et al., WACV 2020 and https://github.com/dxli94/WLASL.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from signkit.data.corpora.clip_files import ListedClip, stock_of_clips, usable_clips
from signkit.data.corpora.configs import WlaslConfig
from signkit.data.corpora.official import LANDMARKS, Lists, Stock, tree
from signkit.errors import UserError
from signkit.runtime.files import plainly, read_text
from signkit.text.vocabulary import composed
from signkit.types import Corpus

SPLITS_OF = {"train": "train", "val": "dev", "test": "test"}
VIDEOS = (".mp4", ".mkv", ".webm", ".mov", ".avi", ".swf")


def read(config: WlaslConfig) -> Corpus:
    """The corpus of the unpacked folder; ids are the numbers of the videos.

    Raises:
        UserError: no such folder; all faults of the list; videos that are missing, if those are refused.
    """
    return usable_clips(take_stock(config), config.missing, config.root)


def take_stock(config: WlaslConfig) -> Stock:
    """What there is, without refusing what is missing.

    Raises:
        UserError: the folder is not WLASL's, or its list is no JSON of glosses.
    """
    given = Path(config.root)
    root = tree((given, given / "start_kit", given / "WLASL"), [config.file])
    folder = Path(config.landmarks) if config.landmarks else root / config.videos
    endings = LANDMARKS if config.landmarks else VIDEOS
    files = _files(folder, endings)
    lists = Lists()
    clips, first = [], dict[str, str]()
    for place, gloss, entry in _entries(root / config.file, config.glosses, lists):
        try:
            clip = _clip(place, gloss, entry, folder, files, endings[0])
        except UserError as fault:
            lists.faults.append(fault)
            continue
        if (before := first.setdefault(clip.id, clip.label)) is not clip.label:
            lists.faults.append(UserError(place, f"video {clip.id} is there twice, first as {before!r}"))
        else:
            clips.append(clip)
    name = f"wlasl{config.glosses or ''}"
    return stock_of_clips(name, clips, lists, str(root), config, None)


def _entries(file: Path, glosses: int, lists: Lists) -> Iterator[tuple[str, str, Any]]:
    """The instances of the first so many glosses, each with its place and its gloss in one word."""
    text = read_text(file)
    lists.digest.update(text.encode())
    try:
        signs = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(str(file), f"not JSON: {error}") from error
    if not isinstance(signs, list) or not signs:
        raise UserError(str(file), "is no list of glosses with their instances")
    for number, sign in enumerate(signs[: glosses or None], 1):
        gloss = sign.get("gloss") if isinstance(sign, dict) else None
        instances = sign.get("instances") if isinstance(sign, dict) else None
        if not isinstance(gloss, str) or not gloss.strip() or not isinstance(instances, list):
            lists.faults.append(UserError(f"{file}: entry {number}", "has no gloss, or no list of instances"))
            continue
        word = "_".join(composed(gloss).split())
        for place, entry in enumerate(instances, 1):
            yield f"{file}: {word}, instance {place}", word, entry


def _clip(where: str, gloss: str, entry: Any, folder: Path, files: dict[str, str], ending: str) -> ListedClip:
    """An instance of a gloss.

    Raises:
        UserError: it lacks its video or its split, or its frames are no interval.
    """
    if not isinstance(entry, dict):
        raise UserError(where, "is no JSON object")
    video, split, signer = entry.get("video_id"), entry.get("split"), entry.get("signer_id", -1)
    if not isinstance(video, str | int) or isinstance(video, bool) or not str(video).strip():
        raise UserError(where, f"video_id is {json.dumps(video)}, not the name of a video")
    if split not in SPLITS_OF:
        raise UserError(where, f"split {json.dumps(split)} is none of train, val, test")
    start, end = entry.get("frame_start", 1), entry.get("frame_end", -1)
    if not _whole(start) or not _whole(end) or start < 1 or not (end == -1 or end >= start):
        raise UserError(where, f"frames {json.dumps(start)} to {json.dumps(end)} are no interval from 1 on")
    name = str(video).strip()
    known = _whole(signer) and signer >= 0
    return ListedClip(
        id=name,
        label=gloss,
        where=where,
        path=folder / files[name] if name in files else None,
        expected=folder / f"{name}{ending}",
        signer=str(signer) if known else "",
        split=SPLITS_OF[split],
        part=None if end == -1 else (start - 1, end),
    )


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _files(folder: Path, endings: tuple[str, ...]) -> dict[str, str]:
    """The files of a folder by their names without the ending.

    Raises:
        UserError: there is no such folder.
    """
    with plainly(folder, "read"):
        if not folder.is_dir():
            raise UserError(str(folder), "there is no such folder", "`data.videos` names that of the videos")
        names = sorted(os.listdir(folder))
    parted = (os.path.splitext(name) for name in names)
    return {stem: f"{stem}{ending}" for stem, ending in parted if ending.lower() in endings}
