"""Scores as text in the layout of sclite's reports, for scripts that read those.

Columns are as wide as sclite makes them, which counts bytes of UTF-8.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from signkit.eval.alternatives import sclite_case
from signkit.eval.transcripts import CORRECT, DELETION, INSERTION, Aligned, Pairs
from signkit.report.scoring.sclite_summary import signers

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
