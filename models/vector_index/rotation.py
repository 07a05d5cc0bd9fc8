"""The rotation before product quantisation: every code gets dimensions that carry about the same share of a product.

Eigenvalue allocation (Ge, He, Ke, Sun: Optimized Product Quantization, TPAMI 2014): principal axes are dealt out, the
strongest first, each to the code whose axes have the smallest product of variances so far. For normally distributed
vectors no other rotation loses less. Encoders spread their variance unevenly, so that one code of 4 bits does for four
dimensions what a random rotation needs one for two for.
"""

import numpy as np
from numpy.typing import NDArray

NARROW_CODE = 2  # dimensions that one 4-bit code covers, and
WIDE_CODE = 3  # from
WIDE_FROM = 128  # dimensions on: there enough codes are left to tell vectors apart
_LEAST_VARIANCE = 1e-9  # of the strongest axis; lets axes without variance be dealt out too


def balanced_rotation(sample: NDArray[np.float32], code_dimensions: int) -> NDArray[np.float32]:
    """Return an orthogonal matrix (d, width) float32 for vectors like `sample` (n, d), C-contiguous.

    Columns `c * code_dimensions` and the following are those of code c; width is d rounded up to whole codes, and the
    columns too many are zero. Products are compared, so variance is about the origin. Deterministic.
    """
    dimension = sample.shape[1]
    variance, axes = np.linalg.eigh((sample.T @ sample).astype(np.float64) / max(1, len(sample)))
    codes = -(-dimension // code_dimensions)
    weights = np.log(np.maximum(variance, _LEAST_VARIANCE * max(float(variance[-1]), 1e-30)))
    weights -= weights.min()
    load = np.zeros(codes)
    held = np.zeros(codes, dtype=np.int64)
    rotation = np.zeros((dimension, codes * code_dimensions), dtype=np.float32)
    for axis in range(dimension - 1, -1, -1):  # ascending from eigh
        code = int(np.argmin(np.where(held < code_dimensions, load, np.inf)))
        rotation[:, code * code_dimensions + held[code]] = axes[:, axis]
        held[code] += 1
        load[code] += weights[axis]
    return rotation
