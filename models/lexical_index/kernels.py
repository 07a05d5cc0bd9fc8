"""Compiled loops over postings. They release the interpreter lock, and their machine code is cached on disk."""

import numba
import numpy as np
from numpy.typing import NDArray

_BARRED = np.float32(-1e30)  # start of a document that is not allowed: no sum of impacts lifts it above zero
_BLOCK = 64
_HALVINGS = 14
_LEAST = np.float32(1e-20)  # the smallest score that counts as above zero


@numba.njit(nogil=True, cache=True, fastmath=True)
def _block_maxima(scores: NDArray[np.float32], block: int) -> NDArray[np.float32]:
    """Return the largest of each `block` of `scores` (n,) in a row, at least 0."""
    blocks = (len(scores) + block - 1) // block
    maxima = np.empty(blocks, dtype=np.float32)
    for number in range(blocks):
        best = np.float32(0)
        for score in scores[number * block : (number + 1) * block]:
            best = max(best, score)
        maxima[number] = best
    return maxima


@numba.njit(nogil=True, cache=True)
def _reached_by(values: NDArray[np.float32], k: int) -> np.float32:
    """Return a number >= 0 that at least k of `values` (n,) >= 0 reach, close below the k-th largest; 0 if n < k.

    By halving the interval: selection by partitioning is quadratic in numba where many values are equal, as zeros are.
    """
    low = np.float32(0)
    if len(values) < k:
        return low
    high = values.max()
    for _ in range(_HALVINGS):
        middle = (low + high) / np.float32(2)
        reached = 0
        for value in values:
            reached += value >= middle
        if reached >= k:
            low = middle
        else:
            high = middle
    return low


@numba.njit(nogil=True, cache=True)
def _add_at(
    documents: NDArray[np.int32],
    impacts: NDArray[np.float32],
    weight: np.float32,
    positions: NDArray[np.int64],
    scores: NDArray[np.float32],
) -> None:
    """Add weight * impact to the `scores` (m,) of the `positions` (m,), ascending, that one word's postings hold.

    The next position is sought with doubling steps from the last one found.
    """
    end = len(documents)
    low = 0
    for i in range(len(positions)):
        wanted = positions[i]
        step = 1
        while low + step < end and documents[low + step] < wanted:
            low += step
            step *= 2
        high = min(end, low + step + 1)
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


@numba.njit(nogil=True, cache=True)
def candidates(
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    weights: NDArray[np.float32],
    documents: NDArray[np.int32],
    impacts: NDArray[np.float32],
    k: int,
    allowed: NDArray[np.bool_],
    count: int,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return positions (m,), ascending, and scores (m,) > 0 that hold the k best documents and few others.

    A score is the sum of `weights[t] * impact` over the query's words t, whose postings are
    `documents[starts[t]:ends[t]]` with `impacts` at the same places. `allowed` (count,) bars documents; empty allows all.
    """
    scores = np.zeros(count, dtype=np.float32)
    for position in range(len(allowed)):
        scores[position] = np.float32(0) if allowed[position] else _BARRED
    for term in range(len(starts)):
        weight = weights[term]
        for place in range(starts[term], ends[term]):
            scores[np.uint32(documents[place])] += weight * impacts[place]
    # At least k documents reach what k maxima of blocks reach: few others do.
    block = max(1, min(_BLOCK, count // (4 * k)))
    maxima = _block_maxima(scores, block)
    least = max(_reached_by(maxima, k), _LEAST)
    room = 0
    for number in range(len(maxima)):
        room += block * (maxima[number] >= least)
    positions = np.empty(room, dtype=np.int64)
    best = np.empty(room, dtype=np.float32)
    found = 0
    for number in range(len(maxima)):
        if maxima[number] >= least:
            for position in range(number * block, min(count, (number + 1) * block)):
                if scores[position] >= least:
                    positions[found] = position
                    best[found] = scores[position]
                    found += 1
    return positions[:found], best[:found]


@numba.njit(nogil=True, cache=True)
def scores_at(
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    weights: NDArray[np.float32],
    documents: NDArray[np.int32],
    impacts: NDArray[np.float32],
    positions: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Return the scores (m,) of the documents at `positions` (m,), ascending; arguments as in `candidates`."""
    scores = np.zeros(len(positions), dtype=np.float32)
    for term in range(len(starts)):
        held = slice(starts[term], ends[term])
        _add_at(documents[held], impacts[held], weights[term], positions, scores)
    return scores
