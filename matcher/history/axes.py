"""Vectors on the axes along which they differ most."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.linalg import eigh

from data.columns.arrays import FloatArray
from matcher.collection.encoded import EncodedRecords
from matcher.history.numbering import spread_over
from matcher.history.vectors import achievement_vectors, demand_vectors

AXES_ROWS = 4096  # records that the axes are fitted on
AXES = 128  # principal axes that vectors of known demands and achievements are kept on


@dataclass(frozen=True)
class HistoryAxes:
    """Principal axes (k, r) of all demands' vectors and (l, s) of all achievements', the same for every history of a bundle."""

    demands: FloatArray
    achievements: FloatArray

    @classmethod
    def of(cls, demands: EncodedRecords, achievements: EncodedRecords) -> Self:
        """Return the axes of both sides' records, at most `AXES`, fitted on `AXES_ROWS` records of each."""
        wanted = demand_vectors(demands.texts, spread_over(0, len(demands), AXES_ROWS))
        offered = achievement_vectors(achievements.texts, spread_over(0, len(achievements), AXES_ROWS))
        return cls(principal_axes(wanted, AXES), principal_axes(offered, AXES))


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
