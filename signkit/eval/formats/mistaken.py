"""Texts that hold what is no word: ids, scores, lists written as text, other marks than blanks between words.

All of these would be scored without a complaint. What gives them away is that one side has them and the other
does not, or that no sentence looks like that.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from signkit.errors import UserError
from signkit.eval.transcripts import Transcripts

AS_LINES = "`--format lines` takes all of a line as words"
A_HEADER = f"a header names the columns, `id` and `gloss`; {AS_LINES}"
QUOTED_LIST = re.compile(r"(?:\w+\()?[\[({]\s*[uUbB]?(['\"]).*\1\s*,?\s*[\])}].*", re.DOTALL)
BARE_LIST = re.compile(r"(?:\w+\()?\[[^\[\]]*,[^\[\]]*\](?:[,)].*)?")
NUMBER = re.compile(r"[-+]?\d+\.\d+(?:[eE][-+]?\d+)?|-\d+|\d+[eE]-\d+")
LIKE_STM = re.compile(r"\S+\s+\S+\s+\S+\s+\d+(?:\.\d+)?\s+\d+(?:\.\d+)?(?:[eE]\+\d+)?(?:\s.*)?")
LIKE_LABELS = re.compile(r"\d+\.\d+\s+\d+\.\d+\s+\S.*|\d+\s+\d{4,}\s+\S.*")
LIKE_CTM = re.compile(r"\S+\s+\S+\s+(?:\d+\.\d*\s+\d+\.?\d*|\d+\s+\d+\.\d*)\s+\S+(?:\s+\S+)?")
NUMERAL = re.compile(r"[-+]?\d[\d.,]*[.):]?")
DIGITS = frozenset("0123456789")
BULLET = re.compile(r"[^\w\s<\[({]+")

STRONG = ",/|;、，；／｜؛،"
"""Marks that no sentence has between all of its words."""
NOTED = ",/|;"
"""Those that no script without blanks has in its sentences."""
WEAK = "+_-&·"
"""Marks that join the parts of one gloss too."""


def check_plain(sides: Sequence[Transcripts], *, of_files: bool = True) -> None:
    """Refuse plain lines that have ids, numbers of fields or times as words.

    Args:
        sides: reference and hypotheses; only those without ids are looked at.
        of_files: whether they may be lines of a file of another format.

    Raises:
        UserError: it says what the lines begin or end with, and which format reads it.
    """
    reference = sides[0]
    for side in sides:
        if of_files and side.format == "lines":
            _refuse_another_format(side, _option(side, reference))
    if any(side.format != "lines" for side in sides):
        return
    for hypothesis in sides[1:]:
        _refuse_common_ids(reference, hypothesis)
        for side, other in ((hypothesis, reference), (reference, hypothesis)):
            _refuse_ids(side, other, _option(side, reference))


def check_words(
    reference: Transcripts, hypotheses: Sequence[Transcripts], *, separated: bool
) -> tuple[str, ...]:
    """Refuse texts that are lists, begin or end with scores, or have other marks than blanks between words.

    Args:
        reference: the reference.
        hypotheses: the hypotheses.
        separated: whether the user told which marks are between words.

    Returns:
        Notes on marks that may be between words.

    Raises:
        UserError: it says what the texts hold.
    """
    notes: dict[str, str] = {}  # by mark
    for side in (reference, *hypotheses):
        _refuse_lists(side, reference if side is not reference else hypotheses[0] if hypotheses else side)
    for hypothesis in hypotheses:
        if not hypothesis.a_word_a_line:
            _refuse_scores(hypothesis, reference)
        if not separated:
            for side, other in ((reference, hypothesis), (hypothesis, reference)):
                for mark, what in _check_separators(side, other):
                    notes.setdefault(mark, what)
    return tuple(notes.values())


def separated(transcripts: Transcripts, marks: str) -> Transcripts:
    """The utterances with blanks in place of the marks between words; texts with alternatives stay."""
    if not marks.strip():
        return transcripts
    table = str.maketrans(dict.fromkeys(marks.strip(), " "))
    texts = (
        text if transcripts.with_alternatives and "{" in text else " ".join(text.translate(table).split())
        for text in transcripts.texts
    )
    return replace(transcripts, texts=tuple(texts))


def _option(side: Transcripts, reference: Transcripts) -> str:
    """The option that names the format of a side."""
    return "--reference-format" if side is reference else "--hyp-format"


def _refuse_another_format(side: Transcripts, option: str) -> None:
    """Refuse lines that are all of another format by their look."""
    lines = [text for text in side.texts if text]
    if not lines:
        return
    for pattern, name, what in (
        (LIKE_STM, "stm", "recording, channel, signer, begin and end"),
        (LIKE_CTM, "ctm", "recording, channel, begin and duration"),
        (LIKE_LABELS, "", "times"),
    ):
        if all(map(pattern.fullmatch, lines)):
            raise UserError(side.source, f"its lines begin with {what}", _ways(name, option))
    behind = [line[max(line.rfind("("), 0) :] for line in lines]
    if _distinct(behind) and all(map(_is_id_behind, behind)):
        raise UserError(side.source, f"its lines end with ids ({behind[0]!r})", _ways("trn", option))
    tabs = {line.count("\t") for line in lines}
    if len(lines) > 1 and len(tabs) == 1 and min(tabs) > 1:
        raise UserError(
            side.source,
            f"its lines have {min(tabs) + 1} fields between tabs, and no header",
            A_HEADER,
        )


def _is_id_behind(text: str) -> bool:
    """Whether a text is an id in parentheses, ``(week-01)``, and not a word, ``(UH)``."""
    inner = text[1:-1]
    return (
        text[0] == "("
        and text[-1] == ")"
        and len(inner.split()) == 1
        and bool({*inner} & {*DIGITS, "_", "-"})
    )


def _refuse_common_ids(reference: Transcripts, hypothesis: Transcripts) -> None:
    """Refuse lines of both sides that begin with the same ids."""
    left, right = ([text for text in side.texts if text] for side in (reference, hypothesis))
    names, others = _ids(_first_words(left)), _ids(_first_words(right))
    if (
        not names
        or {*map(str.casefold, names)} != {*map(str.casefold, others)}
        or not _distinct(names)
        or not _distinct(others)
    ):
        return
    tabbed = all(re.match(r"\S+\t", text) for text in (*left, *right))
    named = len(names) > 1 and (names != others or all(map(DIGITS.intersection, names)))
    if tabbed or named:
        what = f"its lines begin with ids ({others[0]!r}), as those of the reference"
        joined = others != _first_words(right)
        raise UserError(hypothesis.source, what, A_HEADER if joined else _ways("kaldi", "--format"))


def _refuse_ids(side: Transcripts, other: Transcripts, option: str) -> None:
    """Refuse lines that begin with ids where those of the other file do not."""
    lines = [text for text in side.texts if text]
    firsts, words = _first_words(lines), _words(other.texts)
    names = _ids(firsts)
    if not names or not words or not {*map(str.casefold, names)}.isdisjoint(words):
        return
    if len({*names}) == 1 < len(names) and BULLET.fullmatch(names[0]):
        what = f"its lines begin with {names[0]!r}, and those of {other.source} do not"
        raise UserError(side.source, what, AS_LINES)
    if not _distinct(names):
        return
    tabbed = all(re.match(r"\S+\t", line) for line in lines) and not any("\t" in t for t in other.texts)
    numbered = all(map(DIGITS.intersection, names)) and not all(map(NUMERAL.fullmatch, names))
    counted = [name.rstrip(".):") for name in names] == [str(n) for n in range(1, len(names) + 1)]
    pairs = [
        (one.split()[1:2], two.split()[:1])
        for one, two in zip(side.texts, other.texts, strict=False)
        if one and two
    ]
    shifted = 2 * sum(one == two for one, two in pairs) >= len(pairs) > 0
    if tabbed or ((numbered or counted) and (len(names) > 1 or shifted)) or (shifted and len(names) > 1):
        what = f"its lines begin with ids ({names[0]!r}), and those of {other.source} do not"
        raise UserError(side.source, what, A_HEADER if names != firsts else _ways("kaldi", option))


def _refuse_scores(hypothesis: Transcripts, reference: Transcripts) -> None:
    """Refuse texts that all begin, or all end, with a number that looks like a score."""
    for place, verb in ((0, "begins"), (-1, "ends")):
        ours, theirs = (
            (text.split()[place] for text in side.texts if text) for side in (hypothesis, reference)
        )
        first, second = next(ours, ""), next(ours, "")
        if not NUMBER.fullmatch(first) or not (NUMBER.fullmatch(second) or (not second and first[0] in "+-")):
            continue
        if all(map(NUMBER.fullmatch, ours)) and not any(map(NUMBER.fullmatch, theirs)):
            what = f"each of its texts {verb} with a number ({first!r}), which looks like a score"
            raise UserError(hypothesis.source, what, "leave it out: it would count as a word")


def _refuse_lists(side: Transcripts, other: Transcripts) -> None:
    """Refuse texts that are lists of a programming language."""
    texts = [text for text in side.texts if text and text not in ("[]", "()", "{}")]
    found = [text for text in texts if text[-1] in "])}" and QUOTED_LIST.fullmatch(text)]
    if 2 * len(found) < len(texts) or not found:
        found = [text for text in texts if text[-1] in "])" and BARE_LIST.fullmatch(text)]
        if not found or any(" " in text and not BARE_LIST.fullmatch(text) for text in texts):
            return
        if any(map(BARE_LIST.fullmatch, other.texts)):
            return
    place = side.texts.index(found[0])
    raise UserError(
        f"{side.source}:{side.lines[place]}",
        f"the text is a list written as text ({found[0][:60]})",
        "write its words with blanks between them: RAIN NORTH",
    )


def _check_separators(side: Transcripts, other: Transcripts) -> list[tuple[str, str]]:
    """Refuse other marks than blanks between the words of one side.

    Returns:
        Marks that may be between words, as the other side has them too or has no blanks, each with a note.
    """
    notes = []
    signs = {*"\n".join(side.texts)}
    for mark in STRONG + WEAK:
        if mark not in signs or not _parts_words(side, mark):
            continue
        marked = [text for text in side.texts if mark in text]
        option = f"`--separator '{mark}'` splits words there, `--separator ' '` does not"
        parts = {part.casefold() for text in marked for part in text.replace(mark, " ").split()}
        blanks = any(" " in text for text in other.texts)
        share = len(parts & _words(other.texts)) / len(parts)
        if not _parts_words(other, mark) and blanks and share >= (0.25 if mark in STRONG else 1.0):
            what = f"has `{mark}` between words ({marked[0][:60]}), where {other.source} has blanks"
            raise UserError(side.source, what, option)
        if mark in NOTED:
            what = f"{side.source} has `{mark}` between words ({marked[0][:60]})"
            notes.append((mark, f"{what}, but only blanks part words; {option}"))
    return notes


def _parts_words(side: Transcripts, mark: str) -> bool:
    """Whether a mark stands where blanks stand in other texts."""
    if side.with_alternatives and mark == "/" and any("{" in text for text in side.texts):
        return False
    return _spaced(side.texts, mark) or (mark in STRONG and _joined(side.texts, mark))


def _joined(texts: Sequence[str], mark: str) -> bool:
    """Whether words are joined by a mark without blanks, ``RAIN,NORTH``, at least as often as by blanks."""
    whole = "\n".join(texts)
    if whole.count(mark) < whole.count(" "):
        return False
    sign = re.escape(mark)
    between = re.compile(rf"(?<=[^\W\d]){sign}(?=\w)|(?<=\w){sign}(?=[^\W\d])")
    joins = blanks = several = with_join = 0
    for text in texts:
        found = len(between.findall(text))
        if found < text.count(mark) - len(re.findall(rf"(?<=\d){sign}(?=\d)|^\s*{sign}|{sign}\s*$", text)):
            return False  # a mark with a blank beside it: a sentence
        joins, blanks = joins + found, blanks + text.count(" ")
        with_join += found > 0
        several += found > 0 or " " in text
    return joins > 0 and joins >= blanks and 2 * with_join >= several


def _spaced(texts: Sequence[str], mark: str) -> bool:
    """Whether a mark follows every word but the last, ``RAIN, NORTH, SUN``, or a weak one joins words."""
    most, longer, parted = 0, 0, 0
    for text in texts:
        parts = [part.strip() for part in text.split(mark)]
        if len(parts) > 1 and not parts[-1]:
            parts.pop()
        if any(len(part.split()) != 1 for part in parts):
            if text.strip():
                return False
            continue
        if mark in WEAK and " " in text:
            return False
        most, longer, parted = max(most, len(parts)), longer + (len(parts) > 2), parted + (len(parts) > 1)
    if mark in WEAK:
        return parted > 1
    return most > 2 and (longer > 1 or all(text == text.upper() for text in texts))


def _ways(format: str, option: str) -> str:
    """What to do about plain lines that are of a format, "" for one that is not read."""
    if not format:
        return f"an stm or a ctm has times; {AS_LINES}"
    line = {"kaldi": "`id words`", "trn": "`words (id)`"}.get(format, "such lines")
    return f"`{option} {format}` reads {line}; `--format lines` takes them as words"


def _first_words(lines: Iterable[str]) -> list[str]:
    return [line.split(None, 1)[0] for line in lines]


def _ids(names: list[str]) -> list[str]:
    """Words without what follows a comma, colon or the like in all of them: ``w1`` of ``w1,RAIN``."""
    parts = [re.split(r"[,:;=]", name, maxsplit=1) for name in names]
    return [part[0] for part in parts] if all(len(part) > 1 and part[0] for part in parts) else names


def _distinct(names: Sequence[str]) -> bool:
    return len({*names}) == len(names)


def _words(texts: Iterable[str]) -> set[str]:
    return {word.casefold() for text in texts for word in text.split()}
