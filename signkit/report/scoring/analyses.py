"""The analyses of one system on the page: words, lengths, signers, what train had."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from signkit.eval.analyses import Analyses, LengthBin, Part
from signkit.eval.confusions import Counted, OutOfVocabulary, TokenCounts
from signkit.eval.figures import metric
from signkit.report.numbers import Unit, counted, number, round_up, sentence_case, span, visible, whole
from signkit.report.sections import Bar, Bars, Cell, Group, Matrix, Paragraph, Row, Section, Table

TOKENS = 300


def analyses(result: Analyses, unit: str = "word", name: str = "") -> tuple[Section, ...]:
    """All analyses of a system; `name` is empty where there is one system only."""
    of = f" of {name}" if name else ""
    parts: list[Section] = []
    if result.confusions:
        parts.append(Group(_confused(result, unit), f"Confused {unit}s{of}", side_by_side=True))
    if result.deleted or result.inserted:
        parts.append(
            Group(tuple(_edited(result, unit)), f"Deleted and inserted {unit}s{of}", side_by_side=True)
        )
    if result.tokens.tokens:
        parts.append(_tokens(result.tokens, unit, of))
    if result.lengths:
        parts.append(Group(_lengths(result.lengths, unit), f"By length of the reference{of}"))
    if result.signers:
        parts.append(_parts(result.signers, f"By signer{of}", "Signer", unit))
    if result.seen:
        parts.append(_parts(result.seen, f"Sentences seen in train{of}", "In train", unit))
    if result.vocabulary is not None:
        title = f"{unit.title()}s that train does not have{of}"
        parts.append(Group(tuple(_unknown(result.vocabulary, unit)), title))
    return tuple(parts)


def _confused(result: Analyses, unit: str) -> tuple[Section, ...]:
    most = max(c.count for c in result.confusions)
    rows: list[Row] = [
        (
            visible(c.reference),
            visible(c.hypothesis),
            Cell("", find=_find(c.reference, c.hypothesis)),
            Cell(whole(c.count), c.count, share=c.count / most),
            _share(c.count / c.occurrences),
        )
        for c in result.confusions
    ]
    columns = ("Reference", "Recognised", "Sentences", "Times", "Share")
    caption = f"Most confused {unit}s, with their share of the reference {unit}'s occurrences"
    grid = Matrix(
        tuple(map(visible, result.grid.tokens)),
        result.grid.counts,
        f"How often the {unit} of a row was recognised as the {unit} of a column; correct in outline",
    )
    return Table(columns, rows, caption=caption, words=3), grid


def _edited(result: Analyses, unit: str) -> Iterator[Table]:
    for words, kind, side in (
        (result.deleted, "deleted", "references"),
        (result.inserted, "inserted", "hypotheses"),
    ):
        if words:
            caption = f"Most {kind} {unit}s, of their occurrences in the {side}"
            rows: list[Row] = list(_edited_rows(words, kind == "deleted"))
            yield Table((unit.title(), "Sentences", "Times", "Share"), rows, caption=caption, words=2)


def _edited_rows(words: Sequence[Counted], deleted: bool) -> Iterator[Row]:
    most = max(c.count for c in words)
    for c in words:
        find = _find(c.token, "") if deleted else _find("", c.token)
        times = Cell(whole(c.count), c.count, share=c.count / most)
        yield visible(c.token), Cell("", find=find), times, _share(c.share)


def _find(reference: str, hypothesis: str) -> str:
    """What finds the sentences with an error; "" stands for no word."""
    return f"{visible(reference) or '***'}→{visible(hypothesis) or '***'}"


def _tokens(counts: TokenCounts, unit: str, of: str) -> Table:
    """What became of the words, those with the most errors first, in a part that opens."""
    errors = counts.references - counts.correct + counts.inserted
    order = np.lexsort((-counts.references, -errors))[:TOKENS]
    names = ("references", "correct", "substituted", "deleted", "inserted")
    columns = np.stack([getattr(counts, name) for name in names], axis=1)[order].tolist()
    shares = np.stack([counts.recall, counts.precision], axis=1)[order].tolist()
    rows: list[Row] = [
        (visible(counts.tokens[i]), *map(_count, numbers), *map(_share, both))
        for i, numbers, both in zip(order.tolist(), columns, shares, strict=True)
    ]
    head = (
        unit.title(),
        "In references",
        "Correct",
        "Substituted",
        "Deleted",
        "Inserted",
        "Recall",
        "Precision",
    )
    summary = f"{counted(len(order), unit)}, those with the most errors first"
    if more := len(counts.tokens) - len(order):
        summary += f"; {counted(more, unit)} with no more errors left out"
    return Table(head, rows, f"Every {unit}{of}", folded=summary)


def _lengths(lengths: Sequence[LengthBin], unit: str) -> tuple[Section, ...]:
    rows: list[Row] = [
        (
            Cell(_between(x), x.first),
            _count(x.sentences),
            _count(x.words),
            _count(x.errors),
            _share(x.value),
            Cell(span(x.low, x.high), x.low),
        )
        for x in lengths
    ]
    columns = ("Length", "Sentences", f"{unit.title()}s", "Errors", f"Errors a {unit}", "95 % interval")
    table = Table(columns, rows, caption="By length of the reference", folded="As a table")
    return _bars(lengths, unit), table


def _bars(lengths: Sequence[LengthBin], unit: str) -> Bars:
    """Errors a word by length: a bar and its interval for each bin, with the number of its sentences."""
    top = round_up(max((x for b in lengths for x in (b.value, b.high) if not math.isnan(x)), default=1.0))
    bars = tuple(
        Bar(_between(b), b.value, number(b.value, "points", 1), b.low, b.high, whole(b.sentences))
        for b in lengths
    )
    ticks = tuple((tick, number(tick, digits=0 if top > 0.02 else 2)) for tick in (0.0, top / 2, top))
    alt = f"Errors a {unit} by the number of {unit}s of the reference; the table below has the figures"
    note = (
        f"Errors a {unit} by the {unit}s of the reference, above the number of sentences. "
        "Lines are 95 % intervals."
    )
    return Bars(bars, top, ticks, alt, note)


def _between(b: LengthBin) -> str:
    return str(b.first) if b.first == b.last else f"{b.first}–{b.last}"


def _parts(parts: Sequence[Part], title: str, head: str, unit: str) -> Table:
    """The metrics of parts of the sentences."""
    metrics = [metric(name) for name in parts[0].values]
    tops = {
        m.name: max((p.values[m.name] for p in parts if p.values[m.name] > 0), default=1.0) for m in metrics
    }

    def cell(value: float, top: float, unit: Unit) -> Cell:
        return Cell(number(value, unit), value, share=None if math.isnan(value) else value / top)

    rows: list[Row] = [
        (
            p.name,
            _count(p.sentences),
            _count(p.words),
            *(cell(p.values[m.name], tops[m.name], m.unit) for m in metrics),
        )
        for p in parts
    ]
    columns = (head, "Sentences", f"{unit.title()}s", *(sentence_case(m.title) for m in metrics))
    return Table(columns, rows, title)


def _unknown(v: OutOfVocabulary, unit: str) -> Iterator[Section]:
    if not v.unknown_words:
        yield Paragraph(f"Train has every {unit} of the references.")
        return
    share, types = v.unknown_words / v.words, v.unknown_types / v.types
    yield Paragraph(
        f"{counted(v.unknown_words, unit)} of {whole(v.words)} ({number(share)}) and "
        f"{counted(v.unknown_types, 'type')} of {whole(v.types)} ({number(types)}) are not in train. "
        f"Of these {unit}s {whole(v.correct)} were recognised, {whole(v.substituted)} taken for others, "
        f"{whole(v.deleted)} missed. The hypotheses have {counted(v.hypothesised, unit)} "
        "that train does not have."
    )
    rows: list[Row] = [(visible(c.token), _count(c.occurrences), _count(c.count)) for c in v.most]
    yield Table((unit.title(), "Times", "Correct"), rows, caption="The most frequent first")


def _count(value: int) -> Cell:
    return Cell(whole(value), value)


def _share(value: float) -> Cell:
    return Cell(number(value), value)
