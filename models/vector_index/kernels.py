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
