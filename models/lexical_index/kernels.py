"""Compiled loops over postings. They release the interpreter lock, and their machine code is cached on disk."""

import numba
import numpy as np
from numpy.typing import NDArray


@numba.njit(nogil=True, cache=True)
def accumulate(  # noqa: PLR0917
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    weights: NDArray[np.float32],
    documents: NDArray[np.int32],
    impacts: NDArray[np.float32],
    count: int,
) -> NDArray[np.float32]:
    """Return the scores (count,) of all documents: the sum of `weights[t] * impact` over their words t of the query.

    Word t's postings are `documents[starts[t]:ends[t]]` with `impacts` at the same places.
    """
    scores = np.zeros(count, dtype=np.float32)
    for term in range(len(starts)):
        weight = weights[term]
        for place in range(starts[term], ends[term]):
            scores[documents[place]] += weight * impacts[place]
    return scores


@numba.njit(nogil=True, cache=True)
def accumulate_at(  # noqa: PLR0917
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    weights: NDArray[np.float32],
    documents: NDArray[np.int32],
    impacts: NDArray[np.float32],
    positions: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Return the scores (m,) of the documents at `positions` (m,), ascending, found in each list by binary search."""
    scores = np.zeros(len(positions), dtype=np.float32)
    for term in range(len(starts)):
        weight = weights[term]
        low = starts[term]
        end = ends[term]
        for i in range(len(positions)):
            wanted = positions[i]
            high = end
            while low < high:
                middle = (low + high) >> 1
                if documents[middle] < wanted:
                    low = middle + 1
                else:
                    high = middle
            if low == end:
                break
            if documents[low] == wanted:
                scores[i] += weight * impacts[low]
    return scores
