"""Numbers for the records of pairs, for demands by their names, and for some rows out of many."""

import numpy as np
from numpy.typing import NDArray

from matcher.collection.columns import RecordColumns


def numbered(rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Return the different rows (u,) and which of them each one is (n,); if all are different, or all the same, as given."""
    if len(rows) and (rows == rows[0]).all():
        return rows[:1], np.zeros(len(rows), dtype=np.intp)
    if len(set(rows.tolist())) == len(rows):
        return rows, np.arange(len(rows))
    return np.unique(rows, return_inverse=True)


def same(rows: NDArray[np.int64]) -> list[NDArray[np.intp]]:
    """Return the places (m,) of each of the different rows (n,), the lowest row first; none of no rows."""
    if not len(rows) or (rows == rows[0]).all():
        return [np.arange(len(rows))] if len(rows) else []
    order = np.argsort(rows, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(rows[order])) + 1)


def number_demands(cards: RecordColumns, d: NDArray[np.int64]) -> tuple[dict[str, int], NDArray[np.int64]]:
    """Return names of the demands that occur and (n,) their numbers; demands of one title or body have one number."""
    unique, inverse = np.unique(d, return_inverse=True)
    group = cards.take(unique).identity_groups()
    number = np.unique(group, return_inverse=True)[1]
    keys = {key: int(number[i]) for i, row in enumerate(unique) for key in cards.identity(int(row))}
    return keys, number[inverse].astype(np.int64)


def spread_over(start: int, end: int, most: int) -> NDArray[np.int64]:
    """Return at most `most` of the rows from `start` to `end`, evenly spread."""
    n = min(end - start, most)
    return start + np.arange(n, dtype=np.int64) * (end - start) // max(n, 1)
