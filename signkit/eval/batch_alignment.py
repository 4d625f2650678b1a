"""Alignment of many pairs at once, with exactly the results of `signkit.eval.alignment.align`.

Pairs of similar lengths are processed together: their tables of least costs are filled side by side, one row
of all tables at a time, and traced back side by side, one move of all pairs at a time. The common suffix of a
pair needs no table, because the trace back always prefers to pair equal last tokens.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from signkit.errors import UserError
from signkit.eval.alignment import SCLITE, Costs
from signkit.eval.transcripts import DELETION, INSERTION, SUBSTITUTION, Aligned, Ints, Pairs, Ragged

CELLS = 2_000_000
"""Most cells of tables in memory at once, unless a single pair has more."""
LARGEST = 400_000_000
"""Most cells of a single table: 20,000 tokens against 20,000."""
SIDE_BY_SIDE = 4096
"""Most pairs processed together."""
FEW_SIDE_BY_SIDE = 64
"""With fewer pairs than this, loops over pairs are faster than loops over columns or moves."""
NARROW = 4
"""Tables are transposed if their height exceeds this many times the width by more than `SIDE_BY_SIDE`."""
FEW = 256
"""With fewer pairs than this, common suffixes are found pair by pair."""

DIAGONAL, INSERT, DELETE = range(3)

Lengths = npt.NDArray[np.int64]
Kinds = npt.NDArray[np.int8]
Sums = npt.NDArray[np.integer]


def align_pairs(pairs: Pairs, costs: Costs = SCLITE) -> Aligned:
    """Align every pair at least cost; of equal costs, the alignment that sclite takes.

    Raises:
        UserError: a pair is too long to align (its table has more than `LARGEST` cells).
    """
    references, hypotheses = pairs.references, pairs.hypotheses
    ends = _equal_ends(references, hypotheses)
    rows, columns = references.lengths - ends, hypotheses.lengths - ends
    for place in np.flatnonzero((rows + 1) * (columns + 1) > LARGEST)[:1].tolist():
        what = f"too long to align: {rows[place]} tokens against {columns[place]}"
        raise UserError(f"sentence {pairs.ids[place]!r}", what, "split it")
    # Each pair has room for rows + columns moves in one common array, the most that it can need. The trace
    # back writes them from the end of that room; `first` is where they begin.
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
    """The length of the common suffix of each pair: [pairs]."""
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
    """Groups of pairs of similar lengths that may be processed together, without pairs that need no table."""
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
    """The tokens of some sequences, [longest, sequences]; values past a sequence's end are never used."""
    places = sequences.offsets[chunk] + np.arange(lengths.max())[:, None]
    return sequences.values.take(places, mode="clip") if len(sequences.values) else places.astype(np.int32)


def _best_moves(left: Ints, right: Ints, costs: Costs) -> Kinds:
    """The last move of the best alignment of every two prefixes: [rows + 1, columns + 1, pairs]."""
    if len(left) > len(right) * NARROW + SIDE_BY_SIDE:  # the loop is over rows: make them few
        turned = Costs(costs.substitution, insertion=costs.deletion, deletion=costs.insertion)
        return _table(right, left, turned, along=DELETE).transpose(1, 0, 2)
    return _table(left, right, costs, along=INSERT)


def _table(left: Ints, right: Ints, costs: Costs, along: int) -> Kinds:
    """`_best_moves`; `along` is the move along a row: INSERT, or DELETE if the table is transposed."""
    rows, columns, pairs = len(left), len(right), left.shape[1]
    most = (rows + columns + 1) * max(costs.substitution, costs.insertion, costs.deletion)
    # the narrowest type that holds every cost: the loop is bound by memory
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
        # Only the moves are stored, not the costs. The order of preference is that of the values: DIAGONAL 0,
        # INSERT 1, DELETE 2, so the move is the sum of two tests, "not diagonal" and "nor insert".
        not_diagonal = row[1:] != diagonal
        not_insert = row[1:] != (row[:-1] + insertion if along == INSERT else above[1:] + deletion)
        np.add(not_diagonal, not_diagonal & not_insert, out=moves[i + 1, 1:], dtype=np.int8)
        above, row = row, above
    return moves


def _insert(row: Sums, insertion: np.integer, slope: Sums) -> None:
    """Take insertions along a row [columns + 1, pairs] into account, in place."""
    if row.shape[1] >= FEW_SIDE_BY_SIDE:
        for j in range(len(row) - 1):  # column by column, for all pairs at once
            np.minimum(row[j + 1], row[j] + insertion, out=row[j + 1])
    else:  # few and long: a running minimum along the row, see `signkit.eval.alignment`
        np.add(np.minimum.accumulate(row - slope[:, None], axis=0), slope[:, None], out=row)


def _walk_back(table: Kinds, rows: Lengths, columns: Lengths, moves: Kinds, at: Lengths) -> Lengths:
    """Trace back: write the moves of each pair's best alignment so that they end before index `at`.

    Returns the index of each pair's first move.
    """
    width, pairs = table.shape[1], table.shape[2]
    if pairs < FEW_SIDE_BY_SIDE:
        return np.array([_walk_alone(table, pair, rows, columns, moves, at) for pair in range(pairs)])
    # cell (row, column, pair) has the flat index (row * width + column) * pairs + pair; a move goes back by
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
        going = cell >= pairs  # the first `pairs` cells are row 0, column 0: done
        active, cell = active[going], cell[going]
    return first


def _walk_alone(table: Kinds, pair: int, rows: Lengths, columns: Lengths, moves: Kinds, at: Lengths) -> int:
    """`_walk_back` for one pair in plain Python, which is faster for few pairs."""
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
    """The alignments one after another: for each pair its moves, then its common suffix."""
    lengths = last - first + ends
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    kinds = np.zeros(offsets[-1], dtype=np.int8)
    kinds[_within(offsets[:-1], offsets[:-1] + last - first, len(kinds))] = np.array(
        [0, INSERTION, DELETION], dtype=np.int8
    )[moves[_within(first, last, len(moves))]]
    # Every step but an insertion consumes one token of the reference, so the references fill those steps in
    # order; the same for hypotheses. A paired step whose tokens differ is a substitution.
    references, hypotheses = (np.full(len(kinds), -1, dtype=np.int32) for _ in range(2))
    references[kinds != INSERTION] = pairs.references.values
    hypotheses[kinds != DELETION] = pairs.hypotheses.values
    kinds[(kinds == 0) & (references != hypotheses)] = SUBSTITUTION
    place = np.repeat(np.arange(len(lengths)) * 4, lengths)
    counts = np.bincount(place + kinds, minlength=4 * len(lengths)).reshape(-1, 4)
    return Aligned(counts, offsets, kinds, references, hypotheses)


def _within(first: Lengths, last: Lengths, size: int) -> npt.NDArray[np.bool_]:
    """Which of `size` indices lie in one of the disjoint intervals from `first` to `last`, exclusive."""
    # +1 where an interval begins, -1 where one ends: the running sum is 1 inside
    edges = np.bincount(first, minlength=size + 1) - np.bincount(last, minlength=size + 1)
    return np.asarray(np.cumsum(edges[:-1]) > 0)
