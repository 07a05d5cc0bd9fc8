"""Vectors of a collection's records in 8 bits: a quarter of the memory, and similarities that differ by a thousandth."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from data.columns.arrays import load_mmap
from models.encoder.static import quantise


@dataclass(frozen=True)
class RecordVectors:
    """`codes` (n, d) int8 and one factor per record, (n,) float32: a vector is `codes[i] * factors[i]`."""

    codes: NDArray[np.int8]
    factors: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Check that both arrays fit each other.

        Raises:
            ValueError: they do not.

        """
        if self.codes.ndim != 2 or self.codes.dtype != np.int8 or self.factors.shape != self.codes.shape[:1]:
            raise ValueError(
                f"codes of shape {self.codes.shape} and type {self.codes.dtype} do not fit factors of shape "
                f"{self.factors.shape}; they must be an int8 matrix and one factor per row"
            )

    @classmethod
    def of(cls, vectors: NDArray[np.float32]) -> Self:
        """Bring vectors (n, d) to 8 bits."""
        return cls(*quantise(vectors))

    @classmethod
    def none(cls, n: int) -> Self:
        """Return vectors of no dimensions of n records: all similarities are 0."""
        return cls(np.zeros((n, 0), dtype=np.int8), np.zeros(n, dtype=np.float32))

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def known(self) -> NDArray[np.bool_]:
        """(n,) which records have a vector; one without text has none."""
        return np.asarray(self.codes.any(axis=1), dtype=np.bool_)

    def take(self, rows: NDArray[np.integer]) -> "RecordVectors":
        """Return the given rows, in that order."""
        return RecordVectors(self.codes[rows], self.factors[rows])

    @staticmethod
    def concat(parts: Sequence["RecordVectors"]) -> "RecordVectors":
        """Return the rows of all parts, one after the other."""
        return RecordVectors(
            np.vstack([part.codes for part in parts]), np.concatenate([part.factors for part in parts])
        )

    def save(self, directory: Path) -> None:
        """Write both arrays into `directory`, which is created."""
        directory.mkdir(parents=True)
        np.save(directory / "codes.npy", self.codes)
        np.save(directory / "factors.npy", self.factors)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what `save` wrote, mapped into memory."""
        return cls(load_mmap(directory / "codes.npy"), load_mmap(directory / "factors.npy"))

    def vectors(self, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return the vectors of `rows`, shape (rows, d)."""
        taken: NDArray[np.float32] = self.codes[rows].astype(np.float32)
        taken *= self.factors[rows, None]
        return taken

    def similarities(self, vector: NDArray[np.float32], rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return the inner products of `vector` (d,) with the vectors of `rows`, shape (rows,)."""
        # Row by row: a matrix product would let a pair's similarity hang on how many others are asked for with it.
        products: NDArray[np.float32] = np.vecdot(self.codes[rows].astype(np.float32), vector)
        products *= self.factors[rows]
        return products
