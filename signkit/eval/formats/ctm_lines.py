"""The lines of a CTM that are not a plain word with its times: words of any kind, and alternatives."""

from collections.abc import Iterator

from signkit.errors import UserError
from signkit.eval.alternatives import NOTHING
from signkit.eval.formats.stm import seconds

Track = tuple[str, str]
Word = tuple[Track, float, float, str]
"""Recording and channel, begin and middle in seconds, and the word."""
LINE = "a CTM line is `recording channel begin duration word [confidence]`"
BEGIN, OR, END = TAGS = ("<ALT_BEGIN>", "<ALT>", "<ALT_END>")


def read_word(where: str, fields: list[str]) -> Word:
    """One word with its times, from the fields of its line.

    Raises:
        UserError: the line has a fault.
    """
    if len(fields) < 5:
        what = "has 1 field" if len(fields) == 1 else f"has {len(fields)} fields"
        raise UserError(where, what, LINE)
    begin, duration = seconds(where, "begin", fields[2]), seconds(where, "duration", fields[3])
    if len(fields) > 5 and fields[5].upper() != "NA":
        try:
            float(fields[5])
        except ValueError as error:
            raise UserError(where, f"{fields[5]!r} is no confidence", LINE) from error
    return (fields[0], fields[1]), begin, begin + duration / 2, fields[4]


def read_group(source: str, numbered: Iterator[tuple[int, str]], number: int, fields: list[str]) -> Word:
    """Alternatives as one word ``{ A / B C / @ }``, from the line after ``<ALT_BEGIN>`` to ``<ALT_END>``.

    sclite gives alternatives to a segment as a whole, by the latest middle of a word in them.

    Args:
        source: name of the file, for messages.
        numbered: its further lines, with their numbers.
        number: the line of ``<ALT_BEGIN>``.
        fields: the fields of that line.

    Raises:
        UserError: the line is not ``<ALT_BEGIN>``, the alternatives are not closed or hold others, their
            words are of another recording or cannot stand in them, or one that is not the last is empty.
    """
    first = f"{source}:{number}"
    if fields[4].upper() != BEGIN:
        raise UserError(first, f"{fields[4]} follows no {BEGIN}")
    track = fields[0], fields[1]
    begins: list[float] = []
    middles = [0.0]
    alternatives: list[list[str]] = [[]]
    fault: UserError | None = None
    for at, line in numbered:
        fields = line.split(None, 6)
        if not fields or fields[0][0] == ";":
            continue
        tag = fields[4].upper() if len(fields) > 4 else ""
        if tag == END:
            if fault is not None:
                raise fault
            texts = [" ".join(words) or NOTHING for words in alternatives]
            return track, min(begins, default=0.0), max(middles), f"{{ {' / '.join(texts)} }}"
        try:
            if tag == BEGIN:
                raise UserError(
                    f"{source}:{at}", f"{tag} stands inside alternatives, which begin in line {number}"
                )
            if tag == OR:
                if not alternatives[-1]:
                    hint = f"write `{NOTHING}` where there may be no word"
                    raise UserError(f"{source}:{at}", "an alternative is empty", hint)
                alternatives.append([])
                continue
            key, begin, middle, word = read_word(f"{source}:{at}", fields)
            if key != track:
                raise UserError(
                    f"{source}:{at}", f"{' '.join(key)} stands inside alternatives of {' '.join(track)}"
                )
            if not {"{", "/", "}"}.isdisjoint(word):
                raise UserError(f"{source}:{at}", f"the word {word!r} cannot stand in alternatives")
        except UserError as error:
            fault = fault or error
            continue
        begins.append(begin)
        middles.append(middle)
        alternatives[-1].append(word)
    raise UserError(first, f"{BEGIN} has no {END}")
