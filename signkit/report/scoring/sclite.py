"""Scores as text in the layout of sclite's reports, for scripts that read those.

Columns are as wide as sclite makes them, which counts bytes of UTF-8.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from signkit.eval.networks import sclite_case
from signkit.eval.transcripts import CORRECT, DELETION, INSERTION, SUBSTITUTION, Aligned, Pairs
from signkit.report.scoring.sclite_summary import percent, rounded, signers, sys_text

__all__ = ["dtl_text", "pra_text", "sys_text"]

LINE = 1000
"""Bytes after which an alignment goes on in further lines."""
ASTERISKS = 40
MARKS = "", "S", "D", "I"


def pra_text(title: str, pairs: Pairs, aligned: Aligned, *, case_sensitive: bool = False) -> str:
    """The alignments (``.pra``): the words of each pair under each other, and what became of them.

    Unless case counts, correct words are in lower case and errors in upper case; A to Z only, as in sclite.
    """
    names, signer = signers(pairs)
    lines = [
        "",
        "",
        "\t\tDUMP OF SYSTEM ALIGNMENT STRUCTURE",
        "",
        f"System name:   {title}",
        "",
        "Speakers: ",
    ]
    lines += [f"   {i:2d}:  {name}" for i, name in enumerate(names)] + [""]
    words = _shown(pairs.tokens, case_sensitive)
    counts, offsets = aligned.counts.tolist(), aligned.offsets.tolist()
    for i, name in enumerate(names):
        places = np.flatnonzero(signer == i).tolist()
        lines.append(f"Speaker sentences {i:3d}:  {name}   #utts: {len(places)}")
        for place in places:
            scores = " ".join(map(str, counts[place]))
            lines += [f"id: ({pairs.ids[place]})", f"Scores: (#C #S #D #I) {scores}"]
            lines += ["Attributes: Case_sensitve "] if case_sensitive else []
            lines += _alignment(aligned, slice(offsets[place], offsets[place + 1]), words)
            lines.append("")
    return "\n".join(lines) + "\n\n"


def dtl_text(title: str, pairs: Pairs, aligned: Aligned, *, case_sensitive: bool = False) -> str:
    """The detailed report (``.dtl``): totals, confusion pairs and the words of each kind of error."""
    total = aligned.counts.sum(axis=0)
    correct, substitutions, deletions, insertions = (int(count) for count in total)
    words, errors = correct + substitutions + deletions, substitutions + deletions + insertions
    sentences = len(pairs.ids)
    wrong = [int((aligned.counts[:, kind] > 0).sum()) for kind in (SUBSTITUTION, DELETION, INSERTION)]
    any_wrong = int((aligned.errors > 0).sum())
    lines = [
        f"DETAILED OVERALL REPORT FOR THE SYSTEM: {title}\n\nSENTENCE RECOGNITION PERFORMANCE\n",
        f" sentences                                        {sentences:4d}",
        f" with errors                            {percent(any_wrong, sentences)}%   ({any_wrong:4d})\n",
    ]
    for what, count in zip(("substitions ", "deletions   ", "insertions  "), wrong, strict=True):
        lines.append(f"   with {what}                    {percent(count, sentences)}%   ({count:4d})")
    lines.append("\n\nWORD RECOGNITION PERFORMANCE\n")
    for what, count, end in (
        ("Total Error ", errors, "\n"),
        ("Correct     ", correct, "\n"),
        ("Substitution", substitutions, ""),
        ("Deletions   ", deletions, ""),
        ("Insertions  ", insertions, ""),
    ):
        lines.append(f"Percent {what}      =  {percent(count, words)}%   ({count:4d}){end}")
    accuracy = f"{rounded(100 - errors / words * 100):5.1f}" if words else "UNDEF"
    lines += [
        f"Percent Word Accuracy     =  {accuracy}%\n\n",
        f"Ref. words                =           ({words:4d})",
        f"Hyp. words                =           ({correct + substitutions + insertions:4d})",
        f"Aligned words             =           ({words + insertions:4d})\n",
    ]
    return "\n".join(lines) + "\n" + _lists(pairs, aligned, case_sensitive)


Shown = list[tuple[str, str, int]]


def _shown(tokens: Sequence[str], case_sensitive: bool) -> Shown:
    """Each token where it is correct, where it is not, and its bytes; the last is that of no token."""
    shown = []
    for token in tokens:
        right, wrong = (token, token) if case_sensitive else (sclite_case(token), _upper(token))
        shown.append((right, wrong, len(token.encode())))
    return [*shown, ("", "", 0)]


def _upper(text: str) -> str:
    return text.encode().upper().decode()


def _alignment(aligned: Aligned, steps: slice, words: Shown) -> list[str]:
    """The lines REF, HYP and Eval of one pair; none where both are empty."""
    columns = list(_columns(aligned, steps, words))
    lines: list[str] = []
    used = 0
    while used < len(columns):
        start, go_on = ("", "") if not used else (">> ", "\n")
        end, length = used, 9 if used else 6
        while length < LINE and end < len(columns):
            length += 1 + columns[end][3]
            end += 1
        end = end if end == len(columns) else max(end - 1, used + 1)
        part = columns[used:end]
        for name, cell in (("REF:  ", 0), ("HYP:  ", 1), ("Eval: ", 2)):
            lines.append(
                (go_on if cell == 0 else "") + start + name + "".join(str(column[cell]) for column in part)
            )
        used = end
    return lines


def _columns(aligned: Aligned, steps: slice, words: Shown) -> Iterator[tuple[str, str, str, int]]:
    """Reference, hypothesis and mark of each step, padded with blanks, and their bytes without the last."""
    kinds = aligned.kinds[steps].tolist()
    numbers = aligned.references[steps].tolist(), aligned.hypotheses[steps].tolist()
    for kind, r, h in zip(kinds, *numbers, strict=True):
        form = 0 if kind == CORRECT else 1
        reference, hypothesis = words[r][form], words[h][form]
        left, right = words[r][2], words[h][2]
        if kind == INSERTION:
            left = min(right, ASTERISKS)
            reference = "*" * left
        elif kind == DELETION:
            right = min(left, ASTERISKS)
            hypothesis = "*" * right
        width = max(left, right)
        mark = MARKS[kind]
        yield (
            reference + " " * (width - left + 1),
            hypothesis + " " * (width - right + 1),
            mark + " " * (width - len(mark) + 1),
            width,
        )


def _lists(pairs: Pairs, aligned: Aligned, case_sensitive: bool) -> str:
    """The words of each kind of error, the most frequent first."""
    tokens = pairs.tokens if case_sensitive else tuple(sclite_case(token) for token in pairs.tokens)
    kinds, references, hypotheses = aligned.kinds, aligned.references, aligned.hypotheses

    def words(numbers: npt.NDArray[np.int32], kind: int) -> Iterable[str]:
        return (tokens[number] for number in numbers[kinds == kind].tolist())

    confused = zip(words(references, SUBSTITUTION), words(hypotheses, SUBSTITUTION), strict=True)
    parts = [
        _list("CONFUSION PAIRS", (f"{left} ==> {right}" for left, right in confused)),
        _list("INSERTIONS", words(hypotheses, INSERTION)),
        _list("DELETIONS", words(references, DELETION)),
        _list("SUBSTITUTIONS", words(references, SUBSTITUTION)),
    ]
    note = "\n* NOTE: The 'Substitution' words are those reference words\n"
    parts[-1] += note + "        for which the recognizer supplied an incorrect word.\n"
    parts.append(_list("FALSELY RECOGNIZED", words(hypotheses, SUBSTITUTION)))
    note = "\n* NOTE: The 'Falsely Recognized' words are those hypothesis words\n"
    parts[-1] += note + "        which the recognizer incorrectly substituted for a reference word.\n"
    return "\n\n".join(parts[:3]) + "\n\n" + "\n\n".join(parts[3:]) + "\n"


def _list(title: str, words: Iterable[str]) -> str:
    counts = Counter(words)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    lines = [f"{title:<30}   Total                 ({len(counts)})"]
    lines += [f"{'':<30}   With >=  1 occurrences ({len(counts)})", ""]
    lines += [f"{i + 1:4d}: {count:4d}  ->  {word}" for i, (word, count) in enumerate(ordered)]
    return "\n".join([*lines, "     -------", f"     {counts.total():5d}", "", ""])
