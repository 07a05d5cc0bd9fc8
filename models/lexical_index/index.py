"""BM25 over immutable segments: a large base, a few small ones with recent writes, and tombstones.

The whole state is one immutable snapshot behind one reference, so searches never wait and never see part of a write.
Scores are those of bm25s' method "lucene". Document frequencies count every stored document, also tombstones until the
next merge; the average length is that of the last merge.
"""

import json
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from data.errors import BundleError, InputError
from models.lexical_index.postings import Postings
from models.lexical_index.segments import Segments
from models.selection import k_best

FORMAT_VERSION = 1
MERGE_SHARE = 0.05
MERGE_FLOOR = 2048
ALWAYS_MERGED = 512  # an index this small is merged by every write: a few milliseconds, and its statistics stay exact


class LexicalIndex:
    """Documents addressed by row, a dense non-negative integer, and found by the words they share with a query.

    Any number of threads may search while others write: a search sees the state before or after a write, never a part
    of it, and neither waits. Writers are serialised.
    """

    def __init__(self, segments: Segments) -> None:
        self._segments = segments
        self._write_lock = threading.Lock()
        self._merge_lock = threading.Lock()
        self._merger: threading.Thread | None = None
        self._merge_error: Exception | None = None
        self._touched: list[NDArray[np.int64]] | None = None  # rows written since the running merge took its snapshot

    @classmethod
    def build(cls, documents: Iterable[Sequence[str]], rows: NDArray[np.int64] | None = None) -> Self:
        """Return an index of segmented `documents` under `rows` (n,), by default 0..n-1.

        Raises InputError for rows that are negative, repeated or not as many as the documents.
        """
        held = documents if rows is None else list(documents)
        if rows is not None and isinstance(held, list):
            rows = _checked_rows(rows, len(held))
            if len(np.unique(rows)) < len(rows):
                raise InputError("a row is given twice; rows must be distinct")
        return cls(Segments.of(Postings.of(held, rows, None)))

    def __len__(self) -> int:
        """Return the number of live documents."""
        return self._segments.live

    def search(
        self, query: Sequence[str], k: int, allowed: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the at most k rows (m,) int64 with a score above 0 and their scores (m,) float32, best first.

        A word that stands twice in the segmented `query` counts twice. `allowed[row]` says whether a row may be
        returned; rows beyond its end may not, its excess is ignored.

        Raises InputError for k < 1 or a mask that is not one-dimensional bool.
        """
        if k < 1:
            raise InputError(f"k is {k}, must be at least 1")
        if allowed is not None and (allowed.ndim != 1 or allowed.dtype != np.bool_):
            raise InputError(f"allowed is {allowed.dtype} of shape {allowed.shape}, must be a bool mask over rows")
        rows, scores = self._segments.search(Counter(query), k, allowed)
        best = k_best(scores, k)
        return rows[best], scores[best]

    def scores(self, query: Sequence[str], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the scores (m,) float32, >= 0, of `rows` (m,) for the segmented `query`; 0 for absent rows."""
        return self._segments.scores(Counter(query), _checked_rows(rows, None))

    def add(self, rows: NDArray[np.int64], documents: Iterable[Sequence[str]]) -> None:
        """Store segmented `documents` under `rows` (n,); a row that exists is replaced.

        Of a row named twice in one call the last document counts. Searches that start after the return see all of it.

        Raises InputError for rows that are negative or not as many as the documents.
        """
        held = list(documents)
        rows = _checked_rows(rows, len(held))
        if len(rows) == 0:
            return
        last = len(rows) - 1 - np.unique(rows[::-1], return_index=True)[1]
        self._write(rows[last], [held[place] for place in last.tolist()])

    def remove(self, rows: NDArray[np.int64]) -> None:
        """Forget `rows` (n,); rows that are not there are ignored."""
        rows = np.unique(_checked_rows(rows, None))
        if len(rows):
            self._write(rows, None)

    def merge(self) -> None:
        """Build one new base from all live documents now, in this thread; searches and writes go on meanwhile."""
        with self._merge_lock:
            with self._write_lock:
                started = self._segments
                self._touched = []
            try:
                base = started.merged()
                with self._write_lock:
                    self._segments = self._segments.rebased(base, self._touched, since=started)
            finally:
                self._touched = None

    def wait(self) -> None:
        """Return when no background merge is running.

        Raises the error of a merge that failed.
        """
        while (merger := self._merger) is not None and merger.is_alive():
            merger.join()
        self._raise_merge_error()

    def save(self, directory: Path) -> None:
        """Write the present state into `directory`, which is created; files there of the same names are overwritten."""
        segments = self._segments
        directory.mkdir(parents=True, exist_ok=True)
        header = {"format_version": FORMAT_VERSION, "average_lengths": segments.save(directory)}
        (directory / "index.json").write_text(json.dumps(header), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path, *, memory_map: bool = True) -> Self:
        """Read what `save` wrote; with `memory_map` processes on one machine share the pages of all but the words.

        Raises BundleError if a file is missing, damaged or of another format version.
        """
        try:
            header = json.loads((directory / "index.json").read_text(encoding="utf-8"))
            if header["format_version"] != FORMAT_VERSION:
                raise BundleError(
                    f"lexical index in {directory} has format {header['format_version']}, this version reads "
                    f"{FORMAT_VERSION}; run `gongxu build`"
                )
            return cls(Segments.load(directory, header["average_lengths"], memory_map=memory_map))
        except (OSError, ValueError, KeyError) as error:
            raise BundleError(f"lexical index in {directory} cannot be read ({error}); run `gongxu build`") from error

    def _write(self, rows: NDArray[np.int64], documents: list[Sequence[str]] | None) -> None:
        """Swap in the state without `rows`, or with `documents` in their place; start a merge where one is due."""
        self._raise_merge_error()
        with self._write_lock:
            written = self._segments.written(rows, documents)
            if self._touched is not None:
                self._touched.append(rows)
            elif written.stored <= ALWAYS_MERGED:
                written = Segments.of(written.merged())
            self._segments = written
            if self._merge_due() and (self._merger is None or not self._merger.is_alive()):
                self._merger = threading.Thread(target=self._merge_while_due, name="lexical-merge", daemon=True)
                self._merger.start()

    def _merge_due(self) -> bool:
        """Return whether recent documents and tombstones have passed their share of the base."""
        segments = self._segments
        return segments.excess > max(MERGE_FLOOR, int(MERGE_SHARE * segments.stored))

    def _merge_while_due(self) -> None:
        """Merge until little is left over; an error is kept for the next writer, since a thread has no caller."""
        try:
            while self._merge_due():
                self.merge()
        except Exception as error:
            self._merge_error = error

    def _raise_merge_error(self) -> None:
        """Raise, once, what stopped the last background merge; the index itself still holds every document."""
        error, self._merge_error = self._merge_error, None
        if error is not None:
            raise error


def _checked_rows(rows: NDArray[np.int64], count: int | None) -> NDArray[np.int64]:
    """Return `rows` as int64 (n,).

    Raises InputError for another shape, a negative row, or another number than `count`.
    """
    rows = np.asarray(rows)
    if rows.ndim != 1 or (len(rows) and not np.issubdtype(rows.dtype, np.integer)):
        raise InputError(f"rows are {rows.dtype} of shape {rows.shape}, must be a list of integers")
    if count is not None and len(rows) != count:
        raise InputError(f"{len(rows)} rows but {count} documents; give one row per document")
    if len(rows) and rows.min() < 0:
        raise InputError(f"row {rows.min()} is negative; rows count from 0")
    return rows.astype(np.int64, copy=False)
