"""Compiled loops that compare one text with many. They release the interpreter lock; their code is cached on disk."""

import numba
import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.integer]
Floats = NDArray[np.float32]


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
def number_columns(indptr: Ints, indices: Ints, rows: Ints, slot: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the different columns of the CSR matrix' `rows` (n,), and write to `slot` (width,) of each its place from 1.

    `slot` is zero elsewhere. Who is done with it writes zeros there again.
    """
    bound = 0
    for row in rows:
        bound += indptr[row + 1] - indptr[row]
    columns = np.empty(bound, dtype=np.int32)
    used = 0
    for row in rows:
        for p in range(indptr[row], indptr[row + 1]):
            if slot[indices[p]] == 0:
                columns[used] = indices[p]
                used += 1
                slot[indices[p]] = used
    return columns[:used]


@numba.njit(nogil=True, cache=True)
def word_table(
    words: Ints,
    weights: Floats,
    reach: np.float32,
    idf: Floats,
    forward_indptr: Ints,
    forward: Ints,
    forward_data: Floats,
    backward_indptr: Ints,
    backward: Ints,
    backward_data: Floats,
    demand_leads: bool,
    slot: NDArray[np.int32],
    used: int,
    sums: Floats,
) -> Floats:
    """Return (1 + used, 4) what a text's `words` and their `weights` are worth to the words in `slot`, by their places.

    Columns: the text's own weights; once associated, over `reach` (as the demand's words reach, else as they are reached); the
    same twice; inverse document frequencies of its own words. Only words with a place in `slot` (width,) are looked at, which
    is what makes the second step cheap. `sums` (width,) is scratch: zeros before and after.
    """
    table = np.zeros((1 + used, 4), dtype=np.float32)
    bound = 0
    for column in words:
        bound += forward_indptr[column + 1] - forward_indptr[column]
    touched = np.empty(bound, dtype=np.int32)
    count = 0
    for i in range(len(words)):
        place = slot[words[i]]
        if place != 0:
            table[place, 0] = weights[i]
            table[place, 3] = idf[words[i]]
        for p in range(forward_indptr[words[i]], forward_indptr[words[i] + 1]):
            if sums[forward[p]] == 0:
                touched[count] = forward[p]
                count += 1
            sums[forward[p]] += weights[i] * forward_data[p]
        if not demand_leads:
            for p in range(backward_indptr[words[i]], backward_indptr[words[i] + 1]):
                place = slot[backward[p]]
                if place != 0:
                    table[place, 1] += weights[i] * backward_data[p]
    for i in range(count):
        word = touched[i]
        mass = sums[word] / reach
        sums[word] = 0
        place = slot[word]
        if demand_leads and place != 0:
            table[place, 1] = mass
        for p in range(backward_indptr[word], backward_indptr[word + 1]):
            place = slot[backward[p]]
            if place != 0:
                table[place, 2] += mass * backward_data[p]
    return table


@numba.njit(nogil=True, cache=True)
def totals(indptr: Ints, indices: Ints, rows: Ints, values: Floats, sums: Floats) -> None:
    """Write to `sums` (n,) those of `values` (width,) over the columns that are in the CSR matrix' `rows` (n,)."""
    for i in range(len(rows)):
        total = np.float32(0)
        for p in range(indptr[rows[i]], indptr[rows[i] + 1]):
            total += values[indices[p]]
        sums[i] = total
