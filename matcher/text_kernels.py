"""Compiled loops that hold one text against many. They release the interpreter lock; their code is cached on disk."""

import numba
import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.integer]
Floats = NDArray[np.float32]


@numba.njit(nogil=True, cache=True)
def hop(
    columns: Ints, weights: Floats, indptr: Ints, indices: Ints, data: Floats, width: int
) -> tuple[NDArray[np.int32], Floats]:
    """Return columns and values of the sparse row (columns, weights) times a CSR matrix with `width` columns.

    All numbers are positive; a column of the result stands once, in no order.
    """
    bound = 0
    for column in columns:
        bound += indptr[column + 1] - indptr[column]
    sums = np.zeros(width, dtype=np.float32)
    touched = np.empty(bound, dtype=np.int32)
    count = 0
    for i in range(len(columns)):
        for p in range(indptr[columns[i]], indptr[columns[i] + 1]):
            if sums[indices[p]] == 0:
                touched[count] = indices[p]
                count += 1
            sums[indices[p]] += weights[i] * data[p]
    touched = touched[:count]
    return touched, sums[touched]


@numba.njit(nogil=True, cache=True)
def reach(
    row_indptr: Ints, row_indices: Ints, row_data: Floats, indptr: Ints, indices: Ints, data: Floats, width: int
) -> Floats:
    """Return (n,) lengths of n sparse rows, each multiplied by a CSR matrix with `width` columns."""
    lengths = np.zeros(len(row_indptr) - 1, dtype=np.float32)
    sums = np.zeros(width, dtype=np.float32)
    for row in range(len(lengths)):
        for q in range(row_indptr[row], row_indptr[row + 1]):
            for p in range(indptr[row_indices[q]], indptr[row_indices[q] + 1]):
                sums[indices[p]] += row_data[q] * data[p]
        squares = np.float32(0)
        for q in range(row_indptr[row], row_indptr[row + 1]):
            for p in range(indptr[row_indices[q]], indptr[row_indices[q] + 1]):
                squares += sums[indices[p]] * sums[indices[p]]
                sums[indices[p]] = 0
        lengths[row] = np.sqrt(squares)
    return lengths


@numba.njit(nogil=True, cache=True)
def place(columns: Ints, values: Floats, at: int, slot: NDArray[np.int32], table: Floats, used: int) -> int:
    """Write a sparse row into column `at` of `table` (slots, c), giving each new column a slot; return slots used.

    `slot` (width,) holds the slot of a column, 0 if it has none.
    """
    for i in range(len(columns)):
        if slot[columns[i]] == 0:
            slot[columns[i]] = used
            used += 1
        table[slot[columns[i]], at] = values[i]
    return used


@numba.njit(nogil=True, cache=True, fastmath=True)
def gather(
    indptr: Ints, indices: Ints, data: Floats, rows: Ints, slot: NDArray[np.int32], table: Floats, weighted: int
) -> Floats:
    """Return (n, c) sums of the table over the columns of the CSR matrix' `rows` (n,).

    The first `weighted` sums weigh by the row's values, the others count what is there.
    """
    sums = np.zeros((len(rows), table.shape[1]), dtype=np.float32)
    for i in range(len(rows)):
        for p in range(indptr[rows[i]], indptr[rows[i] + 1]):
            line = slot[indices[p]]
            if line != 0:
                for c in range(weighted):
                    sums[i, c] += data[p] * table[line, c]
                for c in range(weighted, table.shape[1]):
                    sums[i, c] += table[line, c]
    return sums


@numba.njit(nogil=True, cache=True)
def totals(indptr: Ints, indices: Ints, rows: Ints, values: Floats) -> Floats:
    """Return (n,) sums of `values` (width,) over the columns that stand in the CSR matrix' `rows` (n,)."""
    sums = np.zeros(len(rows), dtype=np.float32)
    for i in range(len(rows)):
        for p in range(indptr[rows[i]], indptr[rows[i] + 1]):
            sums[i] += values[indices[p]]
    return sums


@numba.njit(nogil=True, cache=True)
def heaviest_words(
    indptr: Ints, indices: Ints, data: Floats, rows: Ints, k: int, width: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
    """Return the k heaviest columns of each of the CSR matrix' `rows` (n,), of equal ones the first.

    Returns (n + 1,) bounds, the numbers of the columns one row after the other, and the different columns by number.
    """
    bounds = np.zeros(len(rows) + 1, dtype=np.int64)
    for i in range(len(rows)):
        bounds[i + 1] = bounds[i] + min(indptr[rows[i] + 1] - indptr[rows[i]], k)
    number = np.zeros(width, dtype=np.int32)
    kept = np.empty(bounds[-1], dtype=np.int32)
    different = np.empty(bounds[-1], dtype=np.int32)
    found = 0
    for i in range(len(rows)):
        start, end = indptr[rows[i]], indptr[rows[i] + 1]
        bound, ties = np.float32(-1), 0
        if end - start > k:
            bound = np.sort(data[start:end])[end - start - k]
            ties = k
            for value in data[start:end]:
                ties -= value > bound
        at = bounds[i]
        for p in range(start, end):
            if data[p] < bound or (data[p] == bound and ties == 0):
                continue
            ties -= data[p] == bound
            if number[indices[p]] == 0:
                different[found] = indices[p]
                found += 1
                number[indices[p]] = found
            kept[at] = number[indices[p]] - 1
            at += 1
    return bounds, kept, different[:found]


@numba.njit(nogil=True, cache=True, fastmath=True)
def align(
    bounds: NDArray[np.int64], words: NDArray[np.int32], weight: Floats, cosine: Floats, lead_weight: Floats
) -> Floats:
    """Return how well the words of one text find partners in n others by their vectors, (n, 4).

    The words of the n texts stand in `words` from `bounds[i]` to `bounds[i + 1]` and number the rows of `weight` (w,)
    and `cosine` (w, l), the cosines to the l words of the lead, which weigh `lead_weight` (l,). The columns: weighted
    mean over the lead's words of the cosine to the nearest word of the text; the same over the text's words; largest
    weight × that cosine over the lead's words; the same over the text's words. 0 where a text has no words.
    """
    scores = np.zeros((len(bounds) - 1, 4), dtype=np.float32)
    width = cosine.shape[1]
    if width == 0:
        return scores
    total_lead = lead_weight.sum()
    closest = np.empty(width, dtype=np.float32)
    for i in range(len(bounds) - 1):
        if bounds[i] == bounds[i + 1]:
            continue
        closest[:] = -2
        total, back, best = np.float32(0), np.float32(0), np.float32(-1e30)
        for p in range(bounds[i], bounds[i + 1]):
            line = cosine[words[p]]
            nearest = np.float32(-2)
            for c in range(width):
                nearest = max(nearest, line[c])
                closest[c] = max(closest[c], line[c])
            total += weight[words[p]]
            back += weight[words[p]] * nearest
            best = max(best, weight[words[p]] * nearest)
        forth, best_lead = np.float32(0), np.float32(-1e30)
        for c in range(width):
            forth += lead_weight[c] * closest[c]
            best_lead = max(best_lead, lead_weight[c] * closest[c])
        scores[i, 0], scores[i, 1], scores[i, 2], scores[i, 3] = forth / total_lead, back / total, best_lead, best
    return scores
