"""The k best of many scores, best first."""

import numpy as np
from numpy.typing import NDArray

_BLOCK = 64
_FEW = 1024  # scores that are as quickly sorted as partitioned


def k_best(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Return the positions of the min(k, n) largest of `scores` (n,), largest first, equal scores by position.

    The k-th largest of the maxima of disjoint blocks is a lower bound of the k-th largest score, so one pass over the
    block maxima leaves few scores to partition.
    """
    count = len(scores)
    if k >= count or count <= _FEW:
        return np.argsort(-scores, kind="stable")[:k]
    candidates: NDArray[np.int64] | None = None
    blocks = count // _BLOCK
    if blocks > 2 * k:
        whole = blocks * _BLOCK
        maxima = np.append(scores[:whole].reshape(blocks, _BLOCK).max(axis=1), scores[whole:])
        bound = np.partition(maxima, len(maxima) - k)[len(maxima) - k]
        candidates = np.flatnonzero(scores >= bound)
        scores = scores[candidates]
    cut = np.partition(scores, len(scores) - k)[len(scores) - k]
    kept = np.flatnonzero(scores >= cut)
    kept = kept[np.argsort(-scores[kept], kind="stable")[:k]]
    return kept if candidates is None else candidates[kept]


def fill(
    positions: NDArray[np.int64], scores: NDArray[np.float32], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return `positions` and `scores` (m <= k,) lengthened to k with -1 and -inf."""
    missing = k - len(positions)
    if missing == 0:
        return positions, scores
    return (
        np.concatenate((positions, np.full(missing, -1, dtype=np.int64))),
        np.concatenate((scores, np.full(missing, -np.inf, dtype=np.float32))),
    )
