"""Vectors on the axes along which they differ most."""

import numpy as np

from data.columns.arrays import FloatArray


def principal_axes(vectors: FloatArray, count: int) -> FloatArray:
    """Return (k, min(count, n, k)) orthonormal columns, the directions in which (n, k) vectors are largest."""
    values, directions = np.linalg.eigh((vectors.T @ vectors).astype(np.float64))
    kept = np.argsort(-values)[: min(count, len(vectors))]
    return np.ascontiguousarray(directions[:, kept], dtype=np.float32)


def along(vectors: FloatArray, axes: FloatArray) -> FloatArray:
    """Return (n, r) coordinates on the axes, scaled back to the vectors' length: cosines are those within the axes."""
    kept = vectors @ axes
    length = np.sqrt(np.einsum("nk,nk->n", vectors, vectors) / np.maximum(np.einsum("nk,nk->n", kept, kept), 1e-12))
    return np.asarray(kept * length[:, None], dtype=np.float32)
