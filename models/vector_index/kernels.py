"""A compiled loop over vectors. It releases the interpreter lock, and its machine code is cached on disk."""

import numba
import numpy as np
from numpy.typing import NDArray


@numba.njit(nogil=True, cache=True, fastmath=True)
def products_at(
    vectors: NDArray[np.float32], query: NDArray[np.float32], positions: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return the inner products (m,) of `query` (d,) with `vectors` (n, d) at `positions` (m,), without copying them."""
    products = np.empty(len(positions), dtype=np.float32)
    for i in range(len(positions)):
        vector = vectors[positions[i]]
        total = np.float32(0)
        for j in range(len(query)):
            total += vector[j] * query[j]
        products[i] = total
    return products


@numba.njit(nogil=True, cache=True)
def lists_needed(
    order: NDArray[np.int64], weights: NDArray[np.float64], least: float, needed: NDArray[np.int64]
) -> None:
    """Write to `needed` (q,) how many of each query's lists in `order` (q, lists) it takes to weigh `least` together."""
    for query in range(len(order)):
        reached, taken = 0.0, 0
        while taken < order.shape[1]:
            reached += weights[order[query, taken]]
            taken += 1
            if reached >= least:
                break
        needed[query] = taken


@numba.njit(nogil=True, cache=True)
def shares_near(
    order: NDArray[np.int64],
    sizes: NDArray[np.float64],
    weights: NDArray[np.float64],
    near: float,
    density: NDArray[np.float64],
) -> None:
    """Write to `density` (q,) how much more of the `near` vectors around each query is allowed than of all.

    `order` (q, lists) are the lists nearest to each query first, `sizes` (lists,) their vectors, `weights` (lists,) those
    of them that are allowed. The nearest list counts in any case.
    """
    total, allowed = sizes.sum(), max(weights.sum(), 1.0)
    for query in range(len(order)):
        held = sizes[order[query, 0]]
        kept = weights[order[query, 0]]
        place = 1
        while place < order.shape[1] and held + sizes[order[query, place]] <= near:
            held += sizes[order[query, place]]
            kept += weights[order[query, place]]
            place += 1
        density[query] = kept / allowed / max(held / total, 1.0 / total)
