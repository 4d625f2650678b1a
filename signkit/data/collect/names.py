"""What the names of clips say, by a pattern such as ``{gloss}_{signer}_{take}.mp4``."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from signkit.data.collect.entry import SPLIT_NAMES, Entry, id_of, one_gloss
from signkit.data.collect.search import Clip, Skipped
from signkit.errors import UserError
from signkit.text.vocabulary import composed

READ = ("gloss", "glosses", "signer", "split", "text", "id")
"""Fields that become columns; others may have any name and are not used."""
FIELD = re.compile(r"\{([a-z][a-z0-9_]*)(\+?)\}")
ANY_ENDING = re.compile(r"\.(?:\{(?:ext|extension|ending|suffix)\}|\*)$")
"""What stands for the ending of a file where any will do."""
NAMED = 5
"""Names that a message shows, at most."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern of names.

    Attributes:
        parts: folders and the name that it is compared with: the last ones of a path.
        ending: that it ends with, in small letters; "" where it ends with a field: any ending will do.
    """

    text: str
    expression: re.Pattern[str]
    fields: tuple[str, ...]
    parts: int
    ending: str

    def values(self, clip: Clip) -> dict[str, str] | None:
        """The value of each field; None if the path does not match."""
        path = clip.path if self.ending else clip.stem
        name = PurePosixPath(*path.parts[-self.parts :]).as_posix()
        match = self.expression.fullmatch(name)
        return match.groupdict() if match else None


def read_pattern(text: str) -> Pattern:
    """Read a pattern.

    A field is a name in braces. It takes one letter or more, but no ``/`` and not the text between it and the
    next field or the one before it: in ``{gloss}_{signer}`` neither has a ``_``. One field may be marked, as
    ``{gloss+}``, and may have them. A field that is there twice has the same value both times. ``.{ext}`` at
    the end stands for any ending, as does a pattern that has none.

    >>> read_pattern("{gloss+}_{signer}_{take}.mp4").fields
    ('gloss', 'signer', 'take')

    Raises:
        UserError: it has no gloss, a brace is left over, two fields touch, or two are marked.
    """
    form = ANY_ENDING.sub("", text.strip("/"))
    pieces = FIELD.split(form)
    literals, names, marks = pieces[::3], pieces[1::3], pieces[2::3]
    _check(text, literals, names, marks)
    expression = ""
    for place, name in enumerate(names):
        before, after = literals[place], literals[place + 1]
        expression += re.escape(before)
        if name in names[:place]:
            expression += f"(?P={name})"
            continue
        barred = {"/", *(part for part in (before, after) if part and not marks[place])}
        barred -= {before} if place == 0 else set()
        not_here = "|".join(map(re.escape, sorted(barred)))
        expression += rf"(?P<{name}>(?:(?!{not_here}).)+{'' if marks[place] else '?'})"
    expression += f"(?i:{re.escape(literals[-1])})"  # .MP4 is .mp4
    parts = form.count("/") + 1
    ending = PurePosixPath(f"x{literals[-1]}").suffix.lower()
    return Pattern(text, re.compile(expression, re.DOTALL), tuple(dict.fromkeys(names)), parts, ending)


def _check(text: str, literals: Sequence[str], names: Sequence[str], marks: Sequence[str]) -> None:
    example = "for example '{gloss}_{signer}_{take}.mp4'"
    if left := next((part for part in literals if "{" in part or "}" in part), None):
        raise UserError("--pattern", f"{text!r} has {left!r}, which is no field", f"{example}; small letters")
    if any("*" in part for part in literals):
        what = f"{text!r} has a `*`, which stands for itself in a pattern"
        raise UserError("--pattern", what, "a field of any name stands for some letters: {take}")
    if ("gloss" in names) == ("glosses" in names):
        what = "no field {gloss}, nor {glosses}" if "gloss" not in names else "{gloss} and {glosses}"
        raise UserError("--pattern", f"{text!r} has {what}", example)
    touching = [
        f"{{{one}}}{{{two}}}"
        for one, two, between in zip(names, names[1:], literals[1:-1], strict=False)
        if not between
    ]
    if touching:
        what = f"nothing tells where one field of {touching[0]} ends"
        raise UserError("--pattern", what, "put something between them")
    if sum(map(bool, marks)) > 1:
        raise UserError("--pattern", f"{text!r} has more than one field with +", "only one may have all")


def entries_by_name(
    clips: Sequence[Clip], form: Pattern, *, skip: bool, skipped: Skipped, notes: list[str]
) -> list[Entry]:
    """A row for each clip whose path matches.

    Args:
        skip: leave out clips of the pattern's ending that do not match, instead of refusing them.
        notes: lines for the user are added.

    Raises:
        UserError: some do not match, or none does; a split that is none; an id that is there twice.
    """
    entries: list[Entry] = []
    others: list[str] = []
    spaced: dict[str, str] = {}
    for clip in clips:
        name = clip.path.as_posix()
        values = form.values(clip)
        if values is None and form.ending and clip.path.suffix.lower() != form.ending:
            skipped.add(f"not a {form.ending}", name)
        elif values is None:
            others.append(name)
            skipped.add("name does not match the pattern", name)
        else:
            entries.append(_entry(clip, values, spaced))
    if others and not (skip and entries):
        raise _unmatched(form, others, len(others) + len(entries))
    if not entries:
        raise UserError("--pattern", f"no clip matches {form.text!r}", _endings(clips))
    if "id" in form.fields:
        _check_ids(entries)
    note_spaces(spaced, notes)
    return entries


def _check_ids(entries: Sequence[Entry]) -> None:
    first: dict[str, Entry] = {}
    for entry in entries:
        if (other := first.setdefault(entry.id, entry)) is not entry:
            raise UserError("--pattern", f"{{id}} is {entry.id!r} of {other.path} and of {entry.path}")


def note_spaces(spaced: dict[str, str], notes: list[str]) -> None:
    """Tell which labels were changed to be one gloss."""
    if spaced:
        first, gloss = next(iter(spaced.items()))
        notes.append(f"{len(spaced)} labels with spaces are one gloss each: {first!r} is {gloss}")


def _entry(clip: Clip, values: dict[str, str], spaced: dict[str, str]) -> Entry:
    label = values.get("gloss", "")
    gloss = one_gloss(label) if label else " ".join(values["glosses"].split())
    if label and gloss != label and " " in label:
        spaced[label] = gloss
    if not gloss:
        raise UserError(clip.path.as_posix(), "its gloss is empty", "by the pattern it is only spaces")
    split = values.get("split", "").strip()
    if split and split.lower() not in SPLIT_NAMES:
        what = f"its split is {split!r}, which is none of {', '.join(SPLIT_NAMES)}"
        raise UserError(clip.path.as_posix(), what)
    return Entry(
        id=values.get("id", "").strip() or id_of(clip.stem),
        path=clip.path.as_posix(),
        gloss=gloss,
        split=SPLIT_NAMES[split.lower()] if split else "",
        signer=composed(values.get("signer", "").strip()),
        text=values.get("text", "").strip(),
    )


def _unmatched(form: Pattern, names: Sequence[str], total: int) -> UserError:
    shown = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
    what = f"{len(names)} of {total} names do not match {form.text!r}: {shown}"
    hint = "a field holds no text that stands next to it in the pattern, unless it is marked: {gloss+}"
    if not form.ending:
        hint += "; the pattern has no ending, so names are compared without theirs"
    more = "; --unmatched skip leaves such clips out" if len(names) < total else ""
    return UserError("--pattern", what, hint + more)


def _endings(clips: Sequence[Clip]) -> str:
    endings = sorted({clip.path.suffix.lower() or "folders" for clip in clips})
    return f"there are clips of: {', '.join(endings)}"
