"""Alignment of many pairs at once, with the very results of `signkit.eval.alignment.align`.

Pairs of like lengths go through their tables of least costs side by side, a row of all tables at a time,
and then walk back side by side. Equal ends need no table: a pair of equal last tokens is always the move
that is taken first.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from signkit.errors import UserError
from signkit.eval.alignment import SCLITE, Costs
from signkit.eval.transcripts import DELETION, INSERTION, SUBSTITUTION, Aligned, Ints, Pairs, Ragged

CELLS = 2_000_000
"""Cells of the tables held at once, unless one pair alone has more."""
LARGEST = 400_000_000
"""Cells of the largest table: 20,000 tokens against 20,000."""
SIDE_BY_SIDE = 4096
FEW_SIDE_BY_SIDE = 64
"""Below this many pairs side by side they are better treated one after another."""
NARROW = 4
"""A table that is this many times as high as wide, and higher than `SIDE_BY_SIDE`, is turned."""
FEW = 256

DIAGONAL, INSERT, DELETE = range(3)

Lengths = npt.NDArray[np.int64]
Kinds = npt.NDArray[np.int8]
Sums = npt.NDArray[np.integer]


def align_pairs(pairs: Pairs, costs: Costs = SCLITE) -> Aligned:
    """Align every pair at least cost, with sclite's choice among equal alignments.

    Raises:
        UserError: a pair is too long to align (over 400 million cells).
    """
    references, hypotheses = pairs.references, pairs.hypotheses
    ends = _equal_ends(references, hypotheses)
    rows, columns = references.lengths - ends, hypotheses.lengths - ends
    for place in np.flatnonzero((rows + 1) * (columns + 1) > LARGEST)[:1].tolist():
        what = f"too long to align: {rows[place]} tokens against {columns[place]}"
        raise UserError(f"sentence {pairs.ids[place]!r}", what, "split it")
    last = np.cumsum(rows + columns)
    first = last.copy()
    moves = np.zeros(last[-1] if len(last) else 0, dtype=np.int8)
    for chunk in _chunks(rows, columns):
        left = _side_by_side(references, chunk, rows[chunk])
        right = _side_by_side(hypotheses, chunk, columns[chunk])
        table = _best_moves(left, right, costs)
        first[chunk] = _walk_back(table, rows[chunk], columns[chunk], moves, first[chunk])
    return _aligned(pairs, moves, first, last, ends)


def _equal_ends(references: Ragged, hypotheses: Ragged) -> Lengths:
    """How many last tokens of each pair are equal."""
    ends = np.zeros(len(references), dtype=np.int64)
    most = np.minimum(references.lengths, hypotheses.lengths)
    left, right = references.offsets[1:], hypotheses.offsets[1:]
    active = np.flatnonzero(most > 0)
    while len(active) > FEW:
        done = ends[active] + 1
        same = references.values[left[active] - done] == hypotheses.values[right[active] - done]
        active = active[same]
        ends[active] += 1
        active = active[ends[active] < most[active]]
    for i in active.tolist():
        shared = slice(int(most[i]))
        other = np.flatnonzero(references[i][::-1][shared] != hypotheses[i][::-1][shared])
        ends[i] = other[0] if len(other) else most[i]
    return ends


def _chunks(rows: Lengths, columns: Lengths) -> Iterator[npt.NDArray[np.intp]]:
    """Places of pairs of like lengths, as many as may be held at once, without those that need no table."""
    order = np.lexsort((columns, rows))
    order = order[(rows + columns)[order] > 0]
    start = 0
    while start < len(order):
        size = SIDE_BY_SIDE
        chunk = order[start : start + size]
        while size > 1 and len(chunk) * (rows[chunk].max() + 1) * (columns[chunk].max() + 1) > CELLS:
            size //= 2
            chunk = order[start : start + size]
        yield chunk
        start += len(chunk)


def _side_by_side(sequences: Ragged, chunk: npt.NDArray[np.intp], lengths: Lengths) -> Ints:
    """Tokens of some sequences, [longest, sequences]; what lies past a sequence's end is never looked at."""
    places = sequences.offsets[chunk] + np.arange(lengths.max())[:, None]
    return sequences.values.take(places, mode="clip") if len(sequences.values) else places.astype(np.int32)


def _best_moves(left: Ints, right: Ints, costs: Costs) -> Kinds:
    """The last move of the best alignment of every pair of beginnings: [rows + 1, columns + 1, pairs]."""
    if len(left) > len(right) * NARROW + SIDE_BY_SIDE:  # a row at a time: better few rows than many
        turned = Costs(costs.substitution, insertion=costs.deletion, deletion=costs.insertion)
        return _table(right, left, turned, along=DELETE).transpose(1, 0, 2)
    return _table(left, right, costs, along=INSERT)


def _table(left: Ints, right: Ints, costs: Costs, along: int) -> Kinds:
    """`_best_moves`; `along` is what a move along a row is, DELETE where the table is turned."""
    rows, columns, pairs = len(left), len(right), left.shape[1]
    most = (rows + columns + 1) * max(costs.substitution, costs.insertion, costs.deletion)
    kind = np.int16 if most < np.iinfo(np.int16).max else np.int32 if most < 2**31 else np.int64
    nothing, substitution, insertion, deletion = (
        kind(cost) for cost in (0, costs.substitution, costs.insertion, costs.deletion)
    )
    moves = np.empty((rows + 1, columns + 1, pairs), dtype=np.int8)
    moves[0], moves[1:, 0] = along, INSERT + DELETE - along
    first: Sums = np.asarray(costs.insertion * np.arange(columns + 1), dtype=kind)
    above = np.repeat(first[:, None], pairs, axis=1)
    row = np.empty_like(above)
    for i in range(rows):
        diagonal = above[:-1] + np.where(right == left[i], nothing, substitution)
        np.add(above, deletion, out=row)
        np.minimum(row[1:], diagonal, out=row[1:])
        _insert(row, insertion, first)
        not_diagonal = row[1:] != diagonal
        not_insert = row[1:] != (row[:-1] + insertion if along == INSERT else above[1:] + deletion)
        np.add(not_diagonal, not_diagonal & not_insert, out=moves[i + 1, 1:], dtype=np.int8)
        above, row = row, above
    return moves


def _insert(row: Sums, insertion: np.integer, slope: Sums) -> None:
    """Lower a row [columns + 1, pairs] to what insertions after a cheaper place cost."""
    if row.shape[1] >= FEW_SIDE_BY_SIDE:
        for j in range(len(row) - 1):  # each waits for the one before it; all pairs at once
            np.minimum(row[j + 1], row[j] + insertion, out=row[j + 1])
    else:  # few pairs, long ones: with the slope of insertions taken out it is a running minimum
        np.add(np.minimum.accumulate(row - slope[:, None], axis=0), slope[:, None], out=row)


def _walk_back(table: Kinds, rows: Lengths, columns: Lengths, moves: Kinds, at: Lengths) -> Lengths:
    """Write the moves of each pair's best alignment before its place `at`; gives where they begin."""
    width, pairs = table.shape[1], table.shape[2]
    if pairs < FEW_SIDE_BY_SIDE:
        return np.array([_walk_alone(table, pair, rows, columns, moves, at) for pair in range(pairs)])
    steps = np.array([(width + 1) * pairs, pairs, width * pairs])  # DIAGONAL, INSERT, DELETE
    flat = table.reshape(-1)
    cell = (rows * width + columns) * pairs + np.arange(pairs)
    first = at.copy()
    active = np.arange(pairs)
    while len(active):
        move = flat[cell]
        first[active] -= 1
        moves[first[active]] = move
        cell = cell - steps[move]
        going = cell >= pairs  # the first `pairs` cells are those where nothing is left
        active, cell = active[going], cell[going]
    return first


def _walk_alone(table: Kinds, pair: int, rows: Lengths, columns: Lengths, moves: Kinds, at: Lengths) -> int:
    """`_walk_back` for one pair, faster where few pairs are long."""
    flat, width = table[:, :, pair].tobytes(), table.shape[1]
    cell = int(rows[pair] * width + columns[pair])
    steps = width + 1, 1, width  # DIAGONAL, INSERT, DELETE
    path = bytearray()
    while cell:
        move = flat[cell]
        path.append(move)
        cell -= steps[move]
    end = int(at[pair])
    moves[end - len(path) : end] = np.frombuffer(path, dtype=np.int8)[::-1]
    return end - len(path)


def _aligned(pairs: Pairs, moves: Kinds, first: Lengths, last: Lengths, ends: Lengths) -> Aligned:
    """The alignments laid end to end: the moves found for each pair, then its equal end."""
    lengths = last - first + ends
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    kinds = np.zeros(offsets[-1], dtype=np.int8)
    kinds[_within(offsets[:-1], offsets[:-1] + last - first, len(kinds))] = np.array(
        [0, INSERTION, DELETION], dtype=np.int8
    )[moves[_within(first, last, len(moves))]]
    references, hypotheses = (np.full(len(kinds), -1, dtype=np.int32) for _ in range(2))
    references[kinds != INSERTION] = pairs.references.values
    hypotheses[kinds != DELETION] = pairs.hypotheses.values
    kinds[(kinds == 0) & (references != hypotheses)] = SUBSTITUTION
    place = np.repeat(np.arange(len(lengths)) * 4, lengths)
    counts = np.bincount(place + kinds, minlength=4 * len(lengths)).reshape(-1, 4)
    return Aligned(counts, offsets, kinds, references, hypotheses)


def _within(first: Lengths, last: Lengths, size: int) -> npt.NDArray[np.bool_]:
    """Which of `size` places lie in one of the intervals, which follow one another."""
    edges = np.bincount(first, minlength=size + 1) - np.bincount(last, minlength=size + 1)
    return np.asarray(np.cumsum(edges[:-1]) > 0)
