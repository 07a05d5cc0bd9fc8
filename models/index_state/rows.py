"""What callers of an index give, checked: rows, masks over rows, numbers of results."""

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError


def checked_rows(rows: NDArray[np.int64], count: int | None = None, kind: str = "entries") -> NDArray[np.int64]:
    """Return `rows` as int64 (n,).

    Raises InputError for another shape, a negative row, or another number than `count` entries of that `kind`.
    """
    rows = np.asarray(rows)
    if rows.ndim != 1 or (len(rows) and not np.issubdtype(rows.dtype, np.integer)):
        raise InputError(f"rows are {rows.dtype} of shape {rows.shape}, must be a list of integers")
    if count is not None and len(rows) != count:
        raise InputError(f"{len(rows)} rows but {count} {kind}; give one row for each")
    if len(rows) and rows.min() < 0:
        raise InputError(f"row {rows.min()} is negative; rows count from 0")
    return rows.astype(np.int64, copy=False)


def check_search(k: int, allowed: NDArray[np.bool_] | None) -> None:
    """Raise InputError for k < 1 or a mask that is not one-dimensional bool."""
    if k < 1:
        raise InputError(f"k is {k}, must be at least 1")
    if allowed is not None and (allowed.ndim != 1 or allowed.dtype != np.bool_):
        raise InputError(f"allowed is {allowed.dtype} of shape {allowed.shape}, must be a bool mask over rows")


def last_of_each(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the places (m,) of the distinct `rows` (n,), ascending by row; of a repeated row the last place."""
    places: NDArray[np.int64] = len(rows) - 1 - np.unique(rows[::-1], return_index=True)[1]
    return places
