"""The summary by signer in the layout of sclite's ``.sys``."""

import math

import numpy as np
import numpy.typing as npt

from signkit.eval.transcripts import Aligned, Pairs

PAGE = 80

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def sys_text(title: str, pairs: Pairs, aligned: Aligned) -> str:
    """The summary by signer (``.sys``): percentages of the reference words of each.

    A signer without reference words has counts, marked ``*``, and no part in mean, S.D. and median
    (sclite itself leaves out the wrong ones where two such signers follow each other).
    """
    names, signer = signers(pairs)
    sums = _sums(aligned, signer, len(names))
    words = sums[:, 1:4].sum(axis=1)
    rows = [
        [f" {name} ", f"{sums[i, 0]:5d}", f"{words[i]:5d}", *_figures(sums[i])]
        for i, name in enumerate(names)
    ]
    total = sums.sum(axis=0)
    last = [[" Sum/Avg", f"{total[0]:5d}", f"{total[1:4].sum():5d}", *_figures(total, summed=True)]]
    header = [" SPKR", " # Snt", "# Wrd", "Corr", " Sub", " Del", " Ins", " Err", "S.Err"]
    table = _table(title, header, rows, last, _spread(sums, words))
    notes = (
        "\n* No Reference words for this/these speaker(s).  Word counts supplied\n"
        "  rather than percents.\n"
        "# No Reference words for this/these speaker(s).  NCE not computable.\n"
        "+ Speaker(s) with no reference data is ignored\n"
    )
    heading = _centred("SYSTEM SUMMARY PERCENTAGES by SPEAKER", PAGE)
    return f"\n\n\n{heading}\n\n{table}{notes if (words == 0).any() else ''}"


def signers(pairs: Pairs) -> tuple[list[str], npt.NDArray[np.intp]]:
    """Names in the order in which they first occur, and which each pair has."""
    if not pairs.signers:
        return (["all"] if pairs.ids else []), np.zeros(len(pairs.ids), dtype=np.intp)
    number: dict[str, int] = {}
    signer = [number.setdefault(name, len(number)) for name in pairs.signers]
    return list(number), np.array(signer, dtype=np.intp)


def _sums(aligned: Aligned, signer: npt.NDArray[np.intp], signers: int) -> Ints:
    """Sentences, correct, substituted, deleted, inserted words, wrong sentences: [signers, 6]."""
    wrong = (aligned.errors > 0).astype(np.int64)
    statistics = np.column_stack((np.ones(len(wrong), dtype=np.int64), aligned.counts, wrong))
    sums = np.zeros((signers, 6), dtype=np.int64)
    np.add.at(sums, signer, statistics)
    return sums


def _figures(sums: Ints, *, summed: bool = False) -> list[str]:
    """Corr, Sub, Del, Ins, Err, S.Err of one row of sums."""
    sentences, correct, substitutions, deletions, insertions, wrong = (int(n) for n in sums)
    words = correct + substitutions + deletions
    counts = (correct, substitutions, deletions, insertions, substitutions + deletions + insertions)
    if words or summed:
        figures = [f"{rounded(_share(count, words)):5.1f} " for count in counts]
    else:
        figures = [f"{count:5d}*" for count in counts]
    return [*figures, f"{rounded(_share(wrong, sentences)):5.1f} "]


def _spread(sums: Ints, words: Ints) -> list[list[str]]:
    """Mean, standard deviation (over n - 1) and median of the signers."""
    with_words = sums[words > 0].astype(np.float64)
    counts = np.column_stack((with_words[:, 1:5], with_words[:, 2:5].sum(axis=1)))
    percents = counts / words[words > 0, None] * 100.0
    columns: list[Floats] = [
        sums[:, 0].astype(np.float64),
        words.astype(np.float64),
        *percents.T,
        sums[:, 5] / np.maximum(sums[:, 0], 1) * 100.0,
    ]
    mark = "+" if len(with_words) < len(sums) else " "
    marks = [" ", " ", *mark * 5, " "]
    return [
        [name, *(f"{rounded(figure(column)):5.1f}{end}" for column, end in zip(columns, marks, strict=True))]
        for name, figure in ((" Mean ", _mean), (" S.D. ", _deviation), ("Median", _median))
    ]


def _mean(values: Floats) -> float:
    return math.fsum(values) / len(values) if len(values) else 0.0


def _deviation(values: Floats) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0


def _median(values: Floats) -> float:
    return float(np.median(values)) if len(values) else 0.0


def _table(
    title: str, header: list[str], rows: list[list[str]], total: list[list[str]], spread: list[list[str]]
) -> str:
    """The framed table; what a long title needs more is shared among the columns."""
    every = [header, *rows, *total, *spread]
    sizes = [max(len(row[c]) for row in every) for c in range(len(header))]
    more = max(0, len(title) - sum(sizes) - len(sizes) + 1)
    edges = [int(rounded(more * c / len(sizes), 0)) for c in range(len(sizes) + 1)]
    added = [stop - start for start, stop in zip(edges, edges[1:], strict=False)]
    between = ["|", " ", "|", *" " * 5, ""]
    width = sum(sizes) + more + len(sizes) - 1

    def line(cells: list[str], left: bool) -> str:
        texts = [
            " " * (extra // 2)
            + (cell.ljust(size) if left and c == 0 else _centred(cell, size))
            + " " * (extra - extra // 2)
            for c, (cell, size, extra) in enumerate(zip(cells, sizes, added, strict=True))
        ]
        return "|" + "".join(text + gap for text, gap in zip(texts, between, strict=True)) + "|"

    dashes = [
        "-" * (size + extra) + gap.replace("|", "+").replace(" ", "-")
        for size, extra, gap in zip(sizes, added, between, strict=True)
    ]
    flat, crossed, double = f"|{'-' * width}|", f"|{''.join(dashes)}|", f"|{'=' * width}|"
    lines = [f",{'-' * width}.", f"|{_centred(title, width)}|", flat, line(header, True)]
    for row in rows:
        lines += [crossed, line(row, True)]
    lines += [double, *(line(row, True) for row in total), double, *(line(row, False) for row in spread)]
    lines.append(f"`{'-' * width}'")
    indent = " " * (max(0, PAGE - width - 2) // 2)
    return "".join(f"{indent}{text}\n" for text in lines)


def _share(part: int, whole: int) -> float:
    """Percent; 0 of nothing, as sclite has it."""
    return part / whole * 100.0 if whole else 0.0


def rounded(value: float, digits: int = 1) -> float:
    """Halves away from zero."""
    scale = 10.0**digits
    return math.trunc(value * scale + math.copysign(0.5, value)) / scale


def _centred(text: str, width: int) -> str:
    left = max(0, width - len(text)) // 2
    return (" " * left + text).ljust(width)
