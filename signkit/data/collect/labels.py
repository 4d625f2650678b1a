"""What the folders of clips say: ``LABEL/clip.mp4``, or ``SPLIT/LABEL/clip.mp4``."""

from collections.abc import Sequence

from signkit.data.collect.entry import SPLIT_NAMES, Entry, id_of, one_gloss
from signkit.data.collect.names import NAMED, note_spaces
from signkit.data.collect.search import Clip
from signkit.errors import UserError

HINT = "--pattern says what names mean, such as '{gloss}_{take}.mp4' or '{signer}/{gloss}/{take}.mp4'"


def entries_by_folder(clips: Sequence[Clip], notes: list[str]) -> list[Entry]:
    """A row for each clip: its folder is its gloss, and the one above that its split if there is one.

    Args:
        notes: lines for the user are added.

    Raises:
        UserError: clips in no folder, all in one, in too many, or below one that is no split; some with a
            split and some without.
    """
    loose = [clip for clip in clips if not _fits(clip)]
    if loose:
        shown = ", ".join(clip.path.as_posix() for clip in loose[:NAMED])
        more = f" and {len(loose) - NAMED} more" if len(loose) > NAMED else ""
        what = f"{len(loose)} of {len(clips)} clips are not in LABEL/ or SPLIT/LABEL/: {shown}{more}"
        raise UserError("manifest", what, HINT)
    with_split = [clip for clip in clips if len(clip.path.parts) == 3]
    if with_split and len(with_split) < len(clips):
        flat = next(clip for clip in clips if len(clip.path.parts) == 2)
        what = f"{with_split[0].path} has a split and {flat.path} has none"
        raise UserError("manifest", what, HINT)
    if len(labels := {clip.path.parts[-2] for clip in clips}) == 1:
        raise UserError("manifest", f"all clips are in a folder {labels.pop()!r}, which is no gloss", HINT)
    spaced: dict[str, str] = {}
    entries = []
    for clip in clips:
        label = clip.path.parts[-2]
        gloss = one_gloss(label)
        if " " in label:
            spaced[label] = gloss
        split = SPLIT_NAMES[clip.path.parts[0].lower()] if with_split else ""
        entries.append(Entry(id_of(clip.stem), clip.path.as_posix(), gloss, split))
    note_spaces(spaced, notes)
    return entries


def _fits(clip: Clip) -> bool:
    parts = clip.path.parts
    return len(parts) == 2 or (len(parts) == 3 and parts[0].lower() in SPLIT_NAMES)
