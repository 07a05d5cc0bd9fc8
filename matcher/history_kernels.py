"""Compiled loops over known outcomes. They release the interpreter lock; their code is cached on disk."""

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@numba.njit(nogil=True, cache=True)
def best_three(nearness: Floats, weight: Floats, grades: Floats) -> Floats:
    """Return (n, 3) for nearness (n, t), weighed by `weight` (t,), of n pairs to t outcomes with `grades` (t,).

    Grade of the nearest outcome (the first of equals), how near it is, and the mean grade of the three nearest, each
    weighing exp(12 · nearness).
    """
    n, t = nearness.shape
    found = np.empty((n, 3), dtype=np.float32)
    for row in range(n):
        near0 = near1 = near2 = np.float32(-1e30)
        at0 = at1 = at2 = 0
        for j in range(t):
            near = nearness[row, j] * weight[j]
            if near > near2:
                if near > near1:
                    near2, at2 = near1, at1
                    if near > near0:
                        near1, at1 = near0, at0
                        near0, at0 = near, j
                    else:
                        near1, at1 = near, j
                else:
                    near2, at2 = near, j
        weight1 = np.exp(np.float32(12) * (near1 - near0))
        weight2 = np.exp(np.float32(12) * (near2 - near0))
        total = np.float32(1) + weight1 + weight2
        found[row, 0], found[row, 1] = grades[at0], near0
        found[row, 2] = (grades[at0] + weight1 * grades[at1] + weight2 * grades[at2]) / total
    return found
