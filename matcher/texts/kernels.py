"""Compiled loops that compare one text with many. They release the interpreter lock; their code is cached on disk."""

import numba
import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.integer]
Floats = NDArray[np.float32]


@numba.njit(nogil=True, cache=True)
def hop(
    columns: Ints, weights: Floats, indptr: Ints, indices: Ints, data: Floats, sums: Floats
) -> tuple[NDArray[np.int32], Floats]:
    """Return columns and values of the sparse row (columns, weights) times a CSR matrix.

    All numbers are positive; each column of the result occurs once, in no order. `sums` (as long as the matrix is wide, or
    longer) is scratch: zeros before and after.
    """
    bound = 0
    for column in columns:
        bound += indptr[column + 1] - indptr[column]
    touched = np.empty(bound, dtype=np.int32)
    count = 0
    for i in range(len(columns)):
        for p in range(indptr[columns[i]], indptr[columns[i] + 1]):
            if sums[indices[p]] == 0:
                touched[count] = indices[p]
                count += 1
            sums[indices[p]] += weights[i] * data[p]
    reached = np.empty(count, dtype=np.float32)
    for i in range(count):
        reached[i] = sums[touched[i]]
        sums[touched[i]] = 0
    return touched[:count], reached


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
    indptr: Ints,
    indices: Ints,
    data: Floats,
    rows: Ints,
    slot: NDArray[np.int32],
    table: Floats,
    weighted: int,
    sums: Floats,
) -> None:
    """Add to `sums` (n, c) those of the table over the columns of the CSR matrix' `rows` (n,).

    The first `weighted` sums weigh by the row's values, the others count what is there.
    """
    for i in range(len(rows)):
        for p in range(indptr[rows[i]], indptr[rows[i] + 1]):
            line = slot[indices[p]]
            if line != 0:
                for c in range(weighted):
                    sums[i, c] += data[p] * table[line, c]
                for c in range(weighted, table.shape[1]):
                    sums[i, c] += table[line, c]


@numba.njit(nogil=True, cache=True)
def totals(indptr: Ints, indices: Ints, rows: Ints, values: Floats, sums: Floats) -> None:
    """Write to `sums` (n,) those of `values` (width,) over the columns that are in the CSR matrix' `rows` (n,)."""
    for i in range(len(rows)):
        total = np.float32(0)
        for p in range(indptr[rows[i]], indptr[rows[i] + 1]):
            total += values[indices[p]]
        sums[i] = total
