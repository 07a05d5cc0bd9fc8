"""Vectors on the axes along which they differ most."""

import numpy as np
from scipy.linalg import eigh

from data.columns.arrays import FloatArray


def principal_axes(vectors: FloatArray, count: int) -> FloatArray:
    """Return (k, min(count, n, k)) orthonormal columns, the directions in which (n, k) vectors are largest."""
    width = vectors.shape[1]
    kept = min(count, *vectors.shape)
    if not kept:
        return np.zeros((width, 0), dtype=np.float32)
    _, directions = eigh((vectors.T @ vectors).astype(np.float64), subset_by_index=(width - kept, width - 1))
    return np.ascontiguousarray(directions[:, ::-1], dtype=np.float32)  # the largest first


def along(vectors: FloatArray, axes: FloatArray) -> FloatArray:
    """Return (n, r) coordinates on the axes, scaled back to the vectors' length: cosines are those within the axes."""
    kept = vectors @ axes
    length = np.sqrt(np.einsum("nk,nk->n", vectors, vectors) / np.maximum(np.einsum("nk,nk->n", kept, kept), 1e-12))
    return np.asarray(kept * length[:, None], dtype=np.float32)
