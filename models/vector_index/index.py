"""The index of the engine: an immutable base segment, a small exact delta of recent writes, and tombstones.

The whole state is one immutable snapshot behind one reference, see `LiveState`. When delta and tombstones pass a share
of the base a background thread builds a new base.
"""

import json
from functools import partial
from pathlib import Path
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from data.errors import BundleError, InputError
from models.index_state.live_state import LiveState
from models.index_state.rows import check_search, checked_rows, last_of_each
from models.vector_index.exact import ExactSegment
from models.vector_index.interface import IndexKind, Segment, VectorIndex
from models.vector_index.ivf import IvfSegment
from models.vector_index.snapshot import Snapshot

FORMAT_VERSION = 1
EXACT_LIMIT = 10_000  # up to so many vectors an exact search is as fast as any
LEAST_FOR = {"exact": 0, "ivf": 1_000}

_SEGMENTS: dict[str, type[Segment]] = {"exact": ExactSegment, "ivf": IvfSegment}


def _kind_for(count: int, kind: IndexKind) -> Literal["exact", "ivf"]:
    """Return the kind of base for `count` vectors; too few to train on are searched exactly, whatever was asked."""
    if kind == "auto":
        return "exact" if count <= EXACT_LIMIT else "ivf"
    return "exact" if count < LEAST_FOR[kind] else kind


class SegmentedVectorIndex:
    """A `VectorIndex` over a base segment of any kind; see the module and `VectorIndex` for what it promises."""

    def __init__(self, snapshot: Snapshot, kind: IndexKind) -> None:
        self._kind: IndexKind = kind
        self._state = LiveState(snapshot, partial(_rebuilt, kind), "vector-merge")

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        return int(self._state.now.base.vectors.shape[1])

    @property
    def kind(self) -> Literal["exact", "ivf"]:
        """Algorithm of the present base segment."""
        return self._state.now.base.kind

    def __len__(self) -> int:
        """Return the number of live rows."""
        return self._state.now.live

    def add(self, rows: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        """Store `vectors` (n, dimension) under `rows` (n,); see `VectorIndex.add`."""
        vectors = _checked_vectors(vectors, self.dimension)
        rows = checked_rows(rows, len(vectors), "vectors")
        if len(rows):
            last = last_of_each(rows)
            self._write(rows[last], vectors[last])

    def remove(self, rows: NDArray[np.int64]) -> None:
        """Forget `rows` (n,); see `VectorIndex.remove`."""
        rows = np.unique(checked_rows(rows))
        if len(rows):
            self._write(rows, None)

    def search(
        self, queries: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return rows (q, k) and inner products (q, k), best first; see `VectorIndex.search`."""
        check_search(k, allowed)
        return self._state.now.search(_checked_vectors(queries, self.dimension), k, allowed)

    def save(self, directory: Path) -> None:
        """Write the present state into `directory`; see `VectorIndex.save`."""
        snapshot = self._state.now
        directory.mkdir(parents=True, exist_ok=True)
        snapshot.save(directory)
        header = {"format_version": FORMAT_VERSION, "kind": snapshot.base.kind, "wanted_kind": self._kind}
        (directory / "index.json").write_text(json.dumps(header), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path, *, memory_map: bool = True) -> Self:
        """Read what `save` wrote; see `VectorIndex.load`."""
        try:
            header = json.loads((directory / "index.json").read_text(encoding="utf-8"))
            if header["format_version"] != FORMAT_VERSION:
                raise BundleError(
                    f"vector index in {directory} has format {header['format_version']}, this version reads "
                    f"{FORMAT_VERSION}; run `gongxu build`"
                )
            snapshot = Snapshot.load(directory, _SEGMENTS[header["kind"]], memory_map=memory_map)
            return cls(snapshot, header["wanted_kind"])
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise BundleError(f"vector index in {directory} cannot be read ({error}); run `gongxu build`") from error

    def merge(self) -> None:
        """Build a new base from all live rows now, in this thread; searches and writes go on meanwhile."""
        self._state.merge()

    def wait(self) -> None:
        """Return when no background merge is running.

        Raises the error of a merge that failed.
        """
        self._state.wait()

    def _write(self, rows: NDArray[np.int64], vectors: NDArray[np.float32] | None) -> None:
        """Swap in the snapshot without `rows`, or with `vectors` in their place."""
        self._state.write(rows, lambda snapshot: snapshot.written(rows, vectors))


def _rebuilt(kind: IndexKind, snapshot: Snapshot) -> Snapshot:
    """Return the live rows of a snapshot as a new base; no method, or an index would hold itself and be freed late."""
    rows, vectors = snapshot.live_rows()
    return Snapshot.of(_SEGMENTS[_kind_for(len(rows), kind)].build(vectors), rows)


def build_vector_index(
    vectors: NDArray[np.float32], rows: NDArray[np.int64] | None = None, kind: IndexKind = "auto"
) -> VectorIndex:
    """Return an index of `vectors` (n, d) float32, L2-normalised, under `rows` (n,), by default 0..n-1.

    `kind` "auto" chooses by size, now and at every later merge. The vectors are kept without a copy where they are
    C-contiguous and `rows` ascends: do not write to them afterwards.

    Raises InputError for rows that are negative, repeated or not as many as the vectors, and for vectors not finite.
    """
    vectors = _checked_vectors(vectors, None)
    rows = np.arange(len(vectors), dtype=np.int64) if rows is None else checked_rows(rows, len(vectors), "vectors")
    if np.any(rows[1:] <= rows[:-1]):
        order = np.argsort(rows, kind="stable")
        rows, vectors = rows[order], vectors[order]
        if len(repeated := rows[1:][rows[1:] == rows[:-1]]):
            raise InputError(f"row {repeated[0]} is given twice; rows must be distinct")
    base = _SEGMENTS[_kind_for(len(rows), kind)].build(vectors)
    return SegmentedVectorIndex(Snapshot.of(base, rows), kind)


def load_vector_index(directory: Path, *, memory_map: bool = True) -> VectorIndex:
    """Read the index that `VectorIndex.save` wrote into `directory`.

    Raises BundleError if a file is missing, damaged or of another format version.
    """
    return SegmentedVectorIndex.load(directory, memory_map=memory_map)


def _checked_vectors(vectors: NDArray[np.float32], dimension: int | None) -> NDArray[np.float32]:
    """Return `vectors` as C-contiguous float32 (n, dimension).

    Raises InputError for another shape or a value that is not finite.
    """
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    if vectors.ndim != 2 or (dimension is not None and vectors.shape[1] != dimension):
        wanted = "n" if dimension is None else dimension
        raise InputError(f"vectors have shape {vectors.shape}, must be (count, {wanted})")
    if not np.isfinite(np.sum(vectors, dtype=np.float64)):
        raise InputError("vectors hold a value that is not finite; check the encoder's output")
    return vectors
