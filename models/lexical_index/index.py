"""BM25 over immutable segments: a large base, a few small ones with recent writes, and tombstones.

The whole state is one immutable snapshot behind one reference, see `LiveState`.
Scores are those of bm25s' method "lucene". Document frequencies count every stored document, also tombstones until the
next merge; the average length is that of the last merge.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from data.errors import BundleError, InputError
from models.index_state.live_state import LiveState
from models.index_state.rows import check_search, checked_rows, last_of_each
from models.index_state.selection import k_best
from models.lexical_index.domain_terms import DomainTerms
from models.lexical_index.postings import Postings, joined
from models.lexical_index.segments import Segments

FORMAT_VERSION = 2
ALWAYS_MERGED = 512  # an index this small is merged by every write: a few milliseconds, and its statistics stay exact


class LexicalIndex:
    """Documents addressed by row, a dense non-negative integer, and found by the words they share with a query.

    Any number of threads may search while others write: a search sees the state before or after a write, never a part
    of it, and neither waits. Writers are serialised. `terms` are added to the words of documents and queries alike; see
    `DomainTerms`.
    """

    def __init__(self, segments: Segments, terms: DomainTerms) -> None:
        self.terms = terms
        self._state = LiveState(segments, _merged, "lexical-merge")

    @classmethod
    def build(
        cls,
        documents: Iterable[Sequence[str]],
        rows: NDArray[np.int64] | None = None,
        terms: Iterable[str] = (),
    ) -> Self:
        """Return an index of segmented `documents` under `rows` (n,), by default 0..n-1, which knows domain `terms`.

        Raises InputError for rows that are negative, repeated or not as many as the documents.
        """
        held = documents if rows is None else list(documents)
        if rows is not None and isinstance(held, list):
            rows = checked_rows(rows, len(held), "documents")
            if len(np.unique(rows)) < len(rows):
                raise InputError("a row is given twice; rows must be distinct")
        domain = DomainTerms(terms)
        return cls(Segments.of(Postings.of(map(domain.added_to, held), rows, None)), domain)

    def __len__(self) -> int:
        """Return the number of live documents."""
        return self._state.now.live

    def search(
        self, query: Sequence[str], k: int, allowed: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the at most k rows (m,) int64 with a score above 0 and their scores (m,) float32, best first.

        A word that occurs twice in the segmented `query` counts twice. `allowed[row]` says whether a row may be
        returned; rows beyond its end may not, its excess is ignored.

        Raises InputError for k < 1 or a mask that is not one-dimensional bool.
        """
        check_search(k, allowed)
        rows, scores = self._state.now.search(Counter(self.terms.added_to(query)), k, allowed)
        best = k_best(scores, k)
        return rows[best], scores[best]

    def scores(self, query: Sequence[str], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the scores (m,) float32, >= 0, of `rows` (m,) for the segmented `query`; 0 for absent rows."""
        return self._state.now.scores(Counter(self.terms.added_to(query)), checked_rows(rows))

    def add(self, rows: NDArray[np.int64], documents: Iterable[Sequence[str]]) -> None:
        """Store segmented `documents` under `rows` (n,); a row that exists is replaced.

        Of a row named twice in one call the last document counts. Searches that start after the return see all of it.

        Raises InputError for rows that are negative or not as many as the documents.
        """
        held = list(documents)
        rows = checked_rows(rows, len(held), "documents")
        if len(rows):
            last = last_of_each(rows)
            self._write(rows[last], [self.terms.added_to(held[place]) for place in last.tolist()])

    def remove(self, rows: NDArray[np.int64]) -> None:
        """Forget `rows` (n,); rows that are not there are ignored."""
        rows = np.unique(checked_rows(rows))
        if len(rows):
            self._write(rows, None)

    def shard(self, rows: NDArray[np.int64]) -> "LexicalIndex":
        """Return an index of the documents under `rows` (m,), ascending, as rows 0..m-1, which scores them as this one does.

        Raises InputError if it was written to since it was built.
        """
        segments = self._state.now
        if len(segments.parts) > 1 or segments.alive[0] is not None or not segments.parts[0].rows_are_positions:
            raise InputError("only a lexical index as it was built can be cut into shards")
        return LexicalIndex(Segments.of(segments.parts[0].shard(rows)), self.terms)

    def renewed(self, kept: NDArray[np.int64], documents: Iterable[Sequence[str]]) -> "LexicalIndex":
        """Return the index that `build` makes of n documents, of which this one holds those under rows `kept` (n,).

        -1 marks a row that it does not hold; `documents` are these, segmented, in their order.

        Raises InputError if it was written to since it was built, or the documents are not as many as the rows without one.
        """
        segments = self._state.now
        if len(segments.parts) > 1 or segments.alive[0] is not None or not segments.parts[0].rows_are_positions:
            raise InputError("only a lexical index as it was built can be renewed")
        base, held, places = segments.parts[0], kept >= 0, np.arange(len(kept), dtype=np.int64)
        mask = np.zeros(len(base), dtype=np.bool_)
        mask[kept[held]] = True
        rows = np.zeros(len(base), dtype=np.int64)
        rows[kept[held]] = places[held]
        read = Postings.of(map(self.terms.added_to, documents), None, None)
        if len(read) != np.count_nonzero(~held):
            raise InputError(f"{len(read)} documents are given for {np.count_nonzero(~held)} rows that are not kept")
        parts = [(replace(base, rows=rows), mask), (replace(read, rows=places[~held]), None)]
        return LexicalIndex(Segments.of(joined(parts, None)), self.terms)

    def merge(self) -> None:
        """Build one new base from all live documents now, in this thread; searches and writes go on meanwhile."""
        self._state.merge()

    def wait(self) -> None:
        """Return when no background merge is running.

        Raises the error of a merge that failed.
        """
        self._state.wait()

    def save(self, directory: Path) -> None:
        """Write the present state into `directory`, which is created; files there of the same names are overwritten."""
        segments = self._state.now
        directory.mkdir(parents=True, exist_ok=True)
        header = {
            "format_version": FORMAT_VERSION,
            "average_lengths": segments.save(directory),
            "domain_terms": len(self.terms),
        }
        if len(self.terms):
            self.terms.save(directory)
        (directory / "index.json").write_text(json.dumps(header), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path, *, memory_map: bool = True) -> Self:
        """Read what `save` wrote; with `memory_map` processes on one machine share the pages.

        Raises BundleError if a file is missing, damaged or of another format version.
        """
        try:
            header = json.loads((directory / "index.json").read_text(encoding="utf-8"))
            if header["format_version"] != FORMAT_VERSION:
                raise BundleError(
                    f"lexical index in {directory} has format {header['format_version']}, this version reads "
                    f"{FORMAT_VERSION}; run `gongxu build`"
                )
            terms = DomainTerms.load(directory) if header["domain_terms"] else DomainTerms()
            return cls(Segments.load(directory, header["average_lengths"], memory_map=memory_map), terms)
        except (OSError, ValueError, KeyError) as error:
            raise BundleError(f"lexical index in {directory} cannot be read ({error}); run `gongxu build`") from error

    def _write(self, rows: NDArray[np.int64], documents: list[Sequence[str]] | None) -> None:
        """Swap in the state without `rows`, or with `documents` in their place."""
        self._state.write(rows, lambda segments: segments.written(rows, documents), _settled)


def _settled(segments: Segments) -> Segments:
    """Return a small index merged."""
    return _merged(segments) if segments.stored <= ALWAYS_MERGED else segments


def _merged(segments: Segments) -> Segments:
    """Return the living documents as one new base."""
    return Segments.of(segments.merged())
