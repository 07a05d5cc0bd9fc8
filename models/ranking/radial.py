"""Compiled loops of the radial kernel. They release the interpreter lock; their code is cached on disk."""

import numba
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


@numba.njit(nogil=True, cache=True, fastmath=True)
def fast_exp(x: np.float32) -> np.float32:
    """Return exp(x) for x <= 0, to a relative error of 4e-6: 2^k · 2^f with f in [0, 1] by a polynomial.

    Unlike the library's it has no branches and no call, so that loops over it are vectorised: a tenth of the time.
    """
    power = max(x * np.float32(1.44269504), np.float32(-125))
    k = np.int32(power) - np.int32(1)
    f = power - np.float32(k)
    part = np.float32(2.18775048e-04)
    part = part * f + np.float32(1.23878215e-03)
    part = part * f + np.float32(9.68458045e-03)
    part = part * f + np.float32(5.54804263e-02)
    part = part * f + np.float32(2.40230502e-01)
    part = part * f + np.float32(6.93146929e-01)
    part = part * f + np.float32(1.0)
    return part * np.int32((k + np.int32(127)) << np.int32(23)).view(np.float32)


@numba.njit(nogil=True, cache=True, fastmath={"contract", "reassoc", "arcp"})
def from_products(products: FloatArray, of_left: FloatArray, of_right: FloatArray, sharpness: np.float32) -> None:
    """Turn inner products (n, r) into exp(-sharpness · squared distance / 2), where they are.

    `of_left` (n,) and `of_right` (r,) are half the squared lengths of both sides' vectors.
    """
    for i in range(len(products)):
        line, own = products[i], of_left[i]
        for j in range(len(of_right)):
            line[j] = fast_exp(sharpness * min(line[j] - own - of_right[j], np.float32(0)))
