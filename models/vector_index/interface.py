"""What a vector index offers to the engine, and what a base segment offers to the index."""

from pathlib import Path
from typing import Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

IndexKind = Literal["auto", "exact", "ivf"]


class VectorIndex(Protocol):
    """An index of vectors addressed by row, a dense non-negative integer.

    Any number of threads may search while others write: a search sees the state before or after a write, never a part
    of it, and neither waits. Writers are serialised.
    """

    @property
    def dimension(self) -> int:
        """Length of every vector."""

    def __len__(self) -> int:
        """Return the number of live rows."""

    def add(self, rows: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        """Store `vectors` (n, dimension), L2-normalised, under `rows` (n,); a row that exists is replaced.

        Of a row named twice in one call the last vector counts. Searches that start after the return see all of it.

        Raises InputError for a negative row, a wrong shape or a vector that is not finite.
        """

    def remove(self, rows: NDArray[np.int64]) -> None:
        """Forget `rows` (n,); rows that are not there are ignored."""

    def search(
        self, queries: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return rows (q, k) int64 and inner products (q, k) float32 nearest to `queries` (q, dimension), best first.

        `allowed[row]` says whether a row may be returned; rows beyond its end may not, its excess is ignored. Whenever
        k allowed live rows exist k are returned; missing places hold row -1 and score -inf.

        Raises InputError for k < 1, a wrong shape or a mask that is not one-dimensional bool.
        """

    def save(self, directory: Path) -> None:
        """Write the index into `directory`, which is created; files there of the same names are overwritten."""

    @classmethod
    def load(cls, directory: Path, *, memory_map: bool = True) -> Self:
        """Read what `save` wrote; with `memory_map` processes on one machine share its pages.

        Raises BundleError if a file is missing, damaged or of another format version.
        """


class Segment(Protocol):
    """An immutable set of vectors with an algorithm to search them; addressed by position 0..n-1."""

    @property
    def kind(self) -> Literal["exact", "ivf"]:
        """Name of the algorithm."""

    @property
    def vectors(self) -> NDArray[np.float32]:
        """The vectors (n, d)."""

    @classmethod
    def build(cls, vectors: NDArray[np.float32]) -> Self:
        """Build from `vectors` (n, d) float32, C-contiguous; they are kept, not copied."""

    def search(
        self, queries: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return positions (q, k) and inner products (q, k), best first, only positions where `allowed` (n,) holds.

        Missing places hold -1 and -inf, and only where fewer than k positions are allowed.
        """

    def save(self, directory: Path) -> None:
        """Write what the algorithm adds to the vectors."""

    @classmethod
    def load(cls, directory: Path, vectors: NDArray[np.float32], *, memory_map: bool) -> Self:
        """Read what `save` wrote; `vectors` (n, d) are those it was built from."""
