"""Plain text formats: lines of ``id|words``, of ``id words``, or of words alone."""

from array import array

from signkit.errors import UserError
from signkit.eval.formats.textlines import note, settle
from signkit.eval.transcripts import Transcripts


def read_id(source: str, lines: list[str]) -> Transcripts:
    """The utterances of ``id|words`` lines; blank lines are skipped.

    Raises:
        UserError: a line has no ``|``, more than one, or nothing before it.
    """
    ids: list[str] = []
    texts: list[str] = []
    numbers = array("l")
    faults: list[UserError] = []
    for number, line in enumerate(lines, 1):
        name, bar, words = line.partition("|")
        name = name.strip()
        if not name or not bar or "|" in words:
            if line and not line.isspace():
                note(faults, _fault(f"{source}:{number}", line), source)
            continue
        ids.append(name)
        texts.append(words.strip())
        numbers.append(number)
    settle(faults)
    return Transcripts(source, "id", tuple(ids), tuple(texts), numbers)


def read_kaldi(source: str, lines: list[str]) -> Transcripts:
    """The utterances of ``id words`` lines, as in Kaldi's ``text``; blank lines are skipped."""
    ids: list[str] = []
    texts: list[str] = []
    numbers = array("l")
    for number, line in enumerate(lines, 1):
        parts = line.split(None, 1)
        if parts:
            ids.append(parts[0])
            texts.append(parts[1].rstrip() if len(parts) > 1 else "")
            numbers.append(number)
    return Transcripts(source, "kaldi", tuple(ids), tuple(texts), numbers)


def read_plain(source: str, lines: list[str]) -> Transcripts:
    """One utterance a line, with the ids ``1``, ``2``, …; an empty line is an utterance without words."""
    numbers = range(1, len(lines) + 1)
    return Transcripts(
        source, "lines", tuple(map(str, numbers)), tuple(line.strip() for line in lines), numbers
    )


def _fault(where: str, line: str) -> UserError:
    bars = line.count("|")
    if not bars:
        return UserError(where, "has no `|`", "a line is `id|words`")
    if bars == 1:
        return UserError(where, "has an empty id", "a line is `id|words`")
    return UserError(where, f"has {bars + 1} fields", "a line is `id|words`; more columns need a header")
