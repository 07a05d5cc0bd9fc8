"""Exhaustive search: every allowed vector is compared. Exact, and the fastest for small sets and small allow-lists."""

from pathlib import Path
from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from models.index_state.selection import fill, k_best
from models.vector_index.kernels import products_at

_GATHERED_SHARE = 0.25
_BATCH_SCORES = 1 << 24  # scores held at once by a batch: 64 MB


def scan(
    vectors: NDArray[np.float32], queries: NDArray[np.float32], k: int, positions: NDArray[np.int64] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the k best positions (q, k) and inner products (q, k) of `queries` (q, d) among `vectors` (n, d).

    `positions` (m,) restricts the search to those positions. Missing places hold -1 and -inf.
    """
    rows = np.full((len(queries), k), -1, dtype=np.int64)
    best = np.full((len(queries), k), -np.inf, dtype=np.float32)
    if len(vectors) == 0 or (positions is not None and len(positions) == 0):
        return rows, best
    # Reading all in order is faster than gathering more than a quarter.
    gathered = positions is not None and len(positions) < _GATHERED_SHARE * len(vectors)
    if gathered and len(queries) == 1 and positions is not None:
        product = products_at(vectors, queries[0], positions)
        chosen = k_best(product, k)
        rows[0], best[0] = fill(positions[chosen], product[chosen], k)
        return rows, best
    candidates = vectors[positions] if gathered else vectors
    step = max(1, _BATCH_SCORES // len(candidates))
    for start in range(0, len(queries), step):
        block = queries[start : start + step]
        products = (candidates @ block[0])[None] if len(block) == 1 else block @ candidates.T
        for offset, product in enumerate(products):
            scores = product if positions is None or gathered else product[positions]
            chosen = k_best(scores, k)
            found = chosen if positions is None else positions[chosen]
            # A matrix product rounds a row by where it is and how many are asked for; equal vectors must stay equal.
            found = np.sort(found)
            exact = products_at(vectors, block[offset], found)
            order = np.argsort(-exact, kind="stable")
            rows[start + offset], best[start + offset] = fill(found[order], exact[order], k)
    return rows, best


class ExactSegment:
    """All vectors, compared one by one; products of batches go through BLAS."""

    kind: ClassVar[Literal["exact"]] = "exact"

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        self.vectors = vectors

    @classmethod
    def build(cls, vectors: NDArray[np.float32]) -> Self:
        """Keep `vectors` (n, d)."""
        return cls(vectors)

    def search(
        self, queries: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the exact k best positions (q, k) and inner products (q, k) among the allowed."""
        return scan(self.vectors, queries, k, None if allowed is None else np.flatnonzero(allowed))

    def save(self, directory: Path) -> None:
        """Write nothing: the vectors are all there is."""

    @classmethod
    def load(cls, directory: Path, vectors: NDArray[np.float32], *, memory_map: bool) -> Self:
        """Return the segment over `vectors`."""
        return cls(vectors)


def reorder(
    vectors: NDArray[np.float32], queries: NDArray[np.float32], k: int, candidates: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the k best positions (q, k) and inner products (q, k) among each query's `candidates` (q, m >= k).

    A candidate -1 is none; missing places hold -1 and -inf.
    """
    rows = np.full((len(queries), k), -1, dtype=np.int64)
    best = np.full((len(queries), k), -np.inf, dtype=np.float32)
    for number, positions in enumerate(candidates):
        held = positions if positions[-1] >= 0 else positions[positions >= 0]
        scores = products_at(vectors, queries[number], held)
        chosen = k_best(scores, k)
        rows[number, : len(chosen)] = held[chosen]
        best[number, : len(chosen)] = scores[chosen]
    return rows, best
