"""The index of the engine: an immutable base segment, a small exact delta of recent writes, and tombstones.

The whole state is one immutable snapshot behind one reference. A search reads the reference once; a writer prepares the
next snapshot and swaps it in. When delta and tombstones pass a share of the base a background thread builds a new base.
"""

import json
import threading
from pathlib import Path
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from data.errors import BundleError, InputError
from models.vector_index.exact import ExactSegment
from models.vector_index.hnsw import HnswSegment
from models.vector_index.interface import IndexKind, Segment, VectorIndex
from models.vector_index.ivf import IvfSegment
from models.vector_index.snapshot import Snapshot

FORMAT_VERSION = 1
EXACT_LIMIT = 10_000  # up to so many vectors an exact search is as fast as any
LEAST_FOR = {"exact": 0, "hnsw": 1, "ivf": 1_000}
MERGE_SHARE = 0.02
MERGE_FLOOR = 1024

_SEGMENTS: dict[str, type[Segment]] = {"exact": ExactSegment, "hnsw": HnswSegment, "ivf": IvfSegment}


def _kind_for(count: int, kind: IndexKind) -> Literal["exact", "hnsw", "ivf"]:
    """Return the kind of base for `count` vectors; too few to train on are searched exactly, whatever was asked."""
    if kind == "auto":
        return "exact" if count <= EXACT_LIMIT else "ivf"
    return "exact" if count < LEAST_FOR[kind] else kind


class SegmentedVectorIndex:
    """A `VectorIndex` over a base segment of any kind; see the module and `VectorIndex` for what it promises."""

    def __init__(self, snapshot: Snapshot, kind: IndexKind) -> None:
        self._snapshot = snapshot
        self._kind: IndexKind = kind
        self._write_lock = threading.Lock()
        self._merge_lock = threading.Lock()
        self._merger: threading.Thread | None = None
        self._merge_error: Exception | None = None
        self._touched: list[NDArray[np.int64]] | None = None  # rows written since the running merge took its snapshot

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        return int(self._snapshot.base.vectors.shape[1])

    @property
    def kind(self) -> Literal["exact", "hnsw", "ivf"]:
        """Algorithm of the present base segment."""
        return self._snapshot.base.kind

    def __len__(self) -> int:
        """Return the number of live rows."""
        return self._snapshot.live

    def add(self, rows: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        """Store `vectors` (n, dimension) under `rows` (n,); see `VectorIndex.add`."""
        rows = _checked_rows(rows)
        vectors = _checked_vectors(vectors, self.dimension)
        if len(rows) != len(vectors):
            raise InputError(f"{len(rows)} rows but {len(vectors)} vectors; give one row per vector")
        if len(rows) == 0:
            return
        last = len(rows) - 1 - np.unique(rows[::-1], return_index=True)[1]
        self._write(rows[last], vectors[last])

    def remove(self, rows: NDArray[np.int64]) -> None:
        """Forget `rows` (n,); see `VectorIndex.remove`."""
        rows = np.unique(_checked_rows(rows))
        if len(rows):
            self._write(rows, None)

    def search(
        self, queries: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return rows (q, k) and inner products (q, k), best first; see `VectorIndex.search`."""
        if k < 1:
            raise InputError(f"k is {k}, must be at least 1")
        if allowed is not None and (allowed.ndim != 1 or allowed.dtype != np.bool_):
            raise InputError(f"allowed is {allowed.dtype} of shape {allowed.shape}, must be a bool mask over rows")
        return self._snapshot.search(_checked_vectors(queries, self.dimension), k, allowed)

    def save(self, directory: Path) -> None:
        """Write the present state into `directory`; see `VectorIndex.save`."""
        snapshot = self._snapshot
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
        with self._merge_lock:
            with self._write_lock:
                started = self._snapshot
                self._touched = []
            try:
                rows, vectors = started.live_rows()
                base = _SEGMENTS[_kind_for(len(rows), self._kind)].build(vectors)
                with self._write_lock:
                    self._snapshot = self._snapshot.rebased(base, rows, self._touched, since=started)
            finally:
                self._touched = None

    def wait(self) -> None:
        """Return when no background merge is running.

        Raises the error of a merge that failed.
        """
        while (merger := self._merger) is not None and merger.is_alive():
            merger.join()
        self._raise_merge_error()

    def _write(self, rows: NDArray[np.int64], vectors: NDArray[np.float32] | None) -> None:
        """Swap in the snapshot without `rows`, or with `vectors` in their place; start a merge where one is due."""
        self._raise_merge_error()
        with self._write_lock:
            self._snapshot = self._snapshot.written(rows, vectors)
            if self._touched is not None:
                self._touched.append(rows)
            elif self._merge_due() and (self._merger is None or not self._merger.is_alive()):
                self._merger = threading.Thread(target=self._merge_while_due, name="vector-merge", daemon=True)
                self._merger.start()

    def _merge_due(self) -> bool:
        """Return whether delta and tombstones have passed their share of the base."""
        return self._snapshot.excess > max(MERGE_FLOOR, int(MERGE_SHARE * len(self._snapshot.base.vectors)))

    def _merge_while_due(self) -> None:
        """Merge until the delta is small; an error is kept for the next writer, since a thread has no caller."""
        try:
            while self._merge_due():
                self.merge()
        except Exception as error:
            self._merge_error = error

    def _raise_merge_error(self) -> None:
        """Raise, once, what stopped the last background merge; the index itself still holds every row."""
        error, self._merge_error = self._merge_error, None
        if error is not None:
            raise error


def build_vector_index(
    vectors: NDArray[np.float32], rows: NDArray[np.int64] | None = None, kind: IndexKind = "auto"
) -> VectorIndex:
    """Return an index of `vectors` (n, d) float32, L2-normalised, under `rows` (n,), by default 0..n-1.

    `kind` "auto" chooses by size, now and at every later merge. The vectors are kept without a copy where they are
    C-contiguous and `rows` ascends: do not write to them afterwards.

    Raises InputError for rows that are negative, repeated or not as many as the vectors, and for vectors not finite.
    """
    vectors = _checked_vectors(vectors, None)
    rows = np.arange(len(vectors), dtype=np.int64) if rows is None else _checked_rows(rows)
    if len(rows) != len(vectors):
        raise InputError(f"{len(rows)} rows but {len(vectors)} vectors; give one row per vector")
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


def _checked_rows(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return `rows` as int64 (n,).

    Raises InputError for another shape or a negative row.
    """
    rows = np.asarray(rows)
    if rows.ndim != 1 or (len(rows) and not np.issubdtype(rows.dtype, np.integer)):
        raise InputError(f"rows are {rows.dtype} of shape {rows.shape}, must be a list of integers")
    if len(rows) and rows.min() < 0:
        raise InputError(f"row {rows.min()} is negative; rows count from 0")
    return rows.astype(np.int64, copy=False)


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
