"""A navigable small-world graph (Malkov, Yashunin 2018): four times the memory of the codes, and no other use here.

Kept for comparison and for those who want no training step. A graph search loses its way where the rows near the query
are not allowed, so under a filter that leaves out more than a tenth all allowed rows are scanned exactly.
"""

from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import faiss
import numpy as np
from numpy.typing import NDArray

from models.vector_index.exact import reorder, scan

_NEIGHBOURS = 32
_CONSTRUCTION = 100  # candidates kept while a vector is linked
_SEARCH = 250  # candidates kept by a search, at least; and
_SEARCH_FACTOR = 3  # so many times k
_LEAST_ALLOWED = 0.9  # share of the rows


class HnswSegment:
    """Vectors in a graph of near neighbours; see the module."""

    kind: ClassVar[Literal["hnsw"]] = "hnsw"

    def __init__(self, vectors: NDArray[np.float32], index: Any) -> None:
        self.vectors = vectors
        self._index = index

    @classmethod
    def build(cls, vectors: NDArray[np.float32]) -> Self:
        """Link `vectors` (n, d) into a graph, which holds a copy of them."""
        index = faiss.IndexHNSWFlat(vectors.shape[1], _NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = _CONSTRUCTION
        index.add(vectors)
        return cls(vectors, index)

    def search(
        self, queries: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return about the k best positions (q, k), and their exact inner products (q, k), among the allowed."""
        total = len(self.vectors)
        count = total if allowed is None else int(np.count_nonzero(allowed))
        if count < _LEAST_ALLOWED * total or _SEARCH_FACTOR * k >= count:
            return scan(self.vectors, queries, k, None if allowed is None else np.flatnonzero(allowed))
        selector = None
        if allowed is not None:
            bits = np.packbits(allowed, bitorder="little")  # must outlive the search: FAISS keeps a pointer
            selector = faiss.IDSelectorBitmap(len(bits), faiss.swig_ptr(bits))
        depth = max(_SEARCH, _SEARCH_FACTOR * k) + total - count  # all that may be met and must be passed over
        parameters = faiss.SearchParametersHNSW(efSearch=depth, sel=selector)  # type: ignore[attr-defined]
        found = self._index.search(queries, k, params=parameters)[1]
        if np.any(found < 0):
            return scan(self.vectors, queries, k, None if allowed is None else np.flatnonzero(allowed))
        return reorder(self.vectors, queries, k, found)

    def save(self, directory: Path) -> None:
        """Write the graph with its copy of the vectors."""
        faiss.write_index(self._index, str(directory / "hnsw.faiss"))

    @classmethod
    def load(cls, directory: Path, vectors: NDArray[np.float32], *, memory_map: bool) -> Self:
        """Read what `save` wrote; with `memory_map` FAISS maps the file and copies nothing where its format allows."""
        index = faiss.read_index(str(directory / "hnsw.faiss"), faiss.IO_FLAG_MMAP_IFC if memory_map else 0)
        return cls(vectors, index)
