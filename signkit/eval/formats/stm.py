"""STM, NIST's segment time mark format: ``recording channel speaker begin end [<labels>] words``."""

import re
from array import array
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from signkit.errors import UserError
from signkit.eval.formats.textlines import note, settle
from signkit.eval.transcripts import Segment, Transcripts

COMMENTS = (";;", "**")  # sclite skips both
IGNORED = ("IGNORE_TIME_SEGMENT_IN_SCORING", "IGNORETIMESEGMENTINSCORING")
LABELS = re.compile(r"<(?:[oO]|[nN][aA]|\w*(?:,\w*)+)>")
"""What labels of a segment look like: ``<o,f0,female>``, ``<o>``, ``<NA>``."""
OPEN_END = 3.4028235e38  # largest 32-bit float, in which sclite stores times: more is infinite there


def read_stm(source: str, lines: list[str]) -> Transcripts:
    """The segments of an STM file, including those that sclite ignores (see `ignored`).

    The id is the recording if each has only one segment in the file, else ``recording-channel-begin-end``,
    spelled as in the file. A first word that begins with ``<`` is taken for labels, as by sclite; a note
    tells where it looks like a word.

    Raises:
        UserError: a line has too few fields, a time is no number, or an end lies before its begin.
    """
    recordings: list[str] = []
    channels: list[str] = []
    signers: list[str] = []
    begins: list[float] = []
    ends: list[float] = []
    texts: list[str] = []
    numbers = array("l")
    faults: list[UserError] = []
    shared: dict[str, str] = {}  # one string object for each distinct name, to save memory
    share = shared.setdefault
    begin_text = end_text = ""
    begin = end = 0.0
    for number, line in enumerate(lines, 1):
        fields = line.split(None, 5)
        if not fields or fields[0][:2] in COMMENTS:
            continue
        if len(fields) < 5:
            note(faults, _too_short(f"{source}:{number}", len(fields)), source)
            continue
        # the same times as in the line before, as for another channel, are not parsed again
        if fields[3] != begin_text or fields[4] != end_text:
            try:
                begin, end = _times(f"{source}:{number}", fields[3], fields[4])
            except UserError as fault:
                note(faults, fault, source)
                continue
            begin_text, end_text = fields[3], fields[4]
        recordings.append(fields[0])
        channels.append(share(fields[1], fields[1]))
        signers.append(share(fields[2], fields[2]))
        begins.append(begin)
        ends.append(end)
        texts.append(_words(fields[5]) if len(fields) == 6 else "")
        numbers.append(number)
    settle(faults)
    ids = recordings if len(set(recordings)) == len(recordings) else [_long_id(lines[n - 1]) for n in numbers]
    segments = tuple(map(Segment, recordings, channels, begins, ends))
    return Transcripts(
        source,
        "stm",
        tuple(ids),
        tuple(texts),
        numbers,
        tuple(signers),
        segments,
        notes=_labels_left_out(source, lines, numbers),
    )


def ignored(reference: Transcripts) -> frozenset[str]:
    """Ids of the segments that are marked to be left out of scoring, with the words in their time."""
    if reference.format != "stm":
        return frozenset()
    likely = [place for place, text in enumerate(reference.texts) if "GNORE" in text or "gnore" in text]
    return frozenset(
        reference.ids[place]
        for place in likely
        if any(mark in reference.texts[place].upper() for mark in IGNORED)
    )


def ignored_note(reference: Transcripts, left_out: AbstractSet[str]) -> tuple[str, ...]:
    """A note on the segments that are left out of scoring."""
    if not left_out:
        return ()
    what = "1 segment is" if len(left_out) == 1 else f"{len(left_out)} segments are"
    name = next(name for name in reference.ids if name in left_out)
    return (
        f"{reference.source}: {what} left out of scoring, with the words in that time, as "
        f"IGNORE_TIME_SEGMENT_IN_SCORING says ({name})",
    )


def _words(rest: str) -> str:
    """The words of a segment, without labels."""
    if rest[0] == "<":
        rest = rest.partition(rest.split(None, 1)[0])[2].lstrip()
    return rest.rstrip()


def _labels_left_out(source: str, lines: list[str], numbers: Sequence[int]) -> tuple[str, ...]:
    """A note on first words that were left out as labels but do not look like any, such as ``<unk>``."""
    found: dict[str, int] = {}
    count = 0
    for number in numbers:
        line = lines[number - 1]
        if "<" not in line:
            continue
        first = line.split(None, 6)[5:6]
        if first and first[0][0] == "<" and not LABELS.fullmatch(first[0]):
            found.setdefault(first[0], number)
            count += 1
    if not found:
        return ()
    examples = ", ".join(f"{word} in line {line}" for word, line in list(found.items())[:3])
    what = "1 segment begins" if count == 1 else f"{count} segments begin"
    return (
        f"{source}: {what} with a word in <…>, which an STM takes as labels of the segment, as sclite "
        f"does, and not as a word: {examples}",
    )


def _times(where: str, begin_text: str, end_text: str) -> tuple[float, float]:
    begin, end = seconds(where, "begin", begin_text), seconds(where, "end", end_text)
    if not begin <= end:
        raise UserError(where, f"the end {end_text} lies before the begin {begin_text}")
    return begin, end if end <= OPEN_END else float("inf")


def seconds(where: str, name: str, text: str) -> float:
    """Parse a time in seconds.

    Raises:
        UserError: the text is no number.
    """
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if value != value or "_" in text:
        raise UserError(where, f"the {name} {text!r} is not a time in seconds")
    return value


def _too_short(where: str, fields: int) -> UserError:
    what = "has 1 field" if fields == 1 else f"has {fields} fields"
    return UserError(where, what, "an STM line is `recording channel speaker begin end words`")


def _long_id(line: str) -> str:
    recording, channel, _, begin, end = line.split(None, 5)[:5]
    return f"{recording}-{channel}-{begin}-{end}"
