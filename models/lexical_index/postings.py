"""An immutable set of documents as posting lists: for each word the documents that hold it, and how strongly."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from data.columns.arrays import load_mmap
from data.columns.strings import StringIndex

K1 = 1.5  # saturation of a word's frequency, and
B = 0.75  # weight of a document's length: the customary values, and bm25s' defaults

_ARRAYS = ("rows", "lengths", "starts", "documents", "frequencies", "impacts")
_ELSEWHERE = "elsewhere.npy"


@dataclass(frozen=True)
class Elsewhere:
    """What other shards hold of the same collection: so many `documents`, (words,) `frequencies` of them with each word.

    They count where a word's rarity is judged, so that a shard's scores are those of the whole collection.
    """

    documents: int
    frequencies: NDArray[np.int64]


@dataclass(frozen=True)
class Postings:
    """Documents at positions 0..n-1, ascending by row; word w's postings are places starts[w]:starts[w + 1].

    `impacts` are frequency / (frequency + K1 (1 - B + B length / average_length)), BM25 without the word's inverse
    document frequency, which changes with every document and is multiplied in by the query.
    """

    words: Mapping[str, int]  # by ascending number
    rows: NDArray[np.int64]  # (n,)
    lengths: NDArray[np.int32]  # (n,) words
    average_length: float
    starts: NDArray[np.int64]  # (words + 1,)
    documents: NDArray[np.int32]  # (postings,) positions, ascending within a word
    frequencies: NDArray[np.uint16]  # (postings,)
    impacts: NDArray[np.float32]  # (postings,)
    elsewhere: Elsewhere | None = None

    def __post_init__(self) -> None:
        for name in _ARRAYS:  # read-only, as mapped files are: one compiled kernel
            getattr(self, name).flags.writeable = False

    def __len__(self) -> int:
        """Return the number of documents."""
        return len(self.rows)

    @property
    def rows_are_positions(self) -> bool:
        """Whether the rows are 0..n-1."""
        return len(self.rows) == 0 or bool(self.rows[-1] == len(self.rows) - 1)

    @classmethod
    def of(
        cls, documents: Iterable[Sequence[str]], rows: NDArray[np.int64] | None, average_length: float | None
    ) -> Self:
        """Return the postings of segmented `documents` under `rows` (n,), distinct; by default 0..n-1.

        `average_length` is the length a document is compared to, by default the mean over `documents`.
        """
        words: defaultdict[str, int] = defaultdict()
        words.default_factory = words.__len__
        tokens: list[int] = []
        ends = [0]
        for document in documents:
            tokens.extend(map(words.__getitem__, document))
            ends.append(len(tokens))
        bounds = np.array(ends, dtype=np.int64)
        lengths = bounds[1:] - bounds[:-1]
        count = len(lengths)
        row_of = np.arange(count, dtype=np.int64) if rows is None else rows
        order = np.argsort(row_of, kind="stable")
        position = np.empty(count, dtype=np.int32)
        position[order] = np.arange(count, dtype=np.int32)
        matrix = csc_array(
            (np.ones(len(tokens), dtype=np.int32), (np.repeat(position, lengths), np.array(tokens, dtype=np.int32))),
            shape=(count, len(words)),
        )
        return cls.from_counts(dict(words), row_of[order], lengths[order], matrix, average_length)

    @classmethod
    def from_counts(
        cls,
        words: dict[str, int],
        rows: NDArray[np.int64],
        lengths: NDArray[np.int64],
        matrix: "csc_array[np.int32]",
        average_length: float | None,
        elsewhere: Elsewhere | None = None,
    ) -> Self:
        """Return the postings of a count `matrix` (documents, words) whose documents are `rows` (n,), ascending."""
        matrix.sum_duplicates()
        if average_length is None:
            average_length = float(lengths.mean()) if len(lengths) else 0.0
        shares = lengths / average_length if average_length > 0 else np.zeros(len(lengths))
        penalty = (K1 * (1 - B + B * shares)).astype(np.float32)
        counts = matrix.data.astype(np.float32)
        documents = matrix.indices.astype(np.int32, copy=False)
        starts = matrix.indptr.astype(np.int64)
        impacts = counts / (counts + penalty[documents])
        return cls(
            words=words,
            rows=rows,
            lengths=lengths.astype(np.int32),
            average_length=average_length,
            starts=starts,
            documents=documents,
            frequencies=np.minimum(matrix.data, np.iinfo(np.uint16).max).astype(np.uint16),
            impacts=impacts,
            elsewhere=elsewhere,
        )

    def shard(self, positions: NDArray[np.int64]) -> "Postings":
        """Return the documents at `positions` (m,), ascending, as rows 0..m-1; the others count as held elsewhere.

        Words keep their numbers, and impacts and average length are those of all documents: so scores stay what they were.
        """
        new_position = np.full(len(self), -1, dtype=np.int32)
        new_position[positions] = np.arange(len(positions), dtype=np.int32)
        moved = new_position[self.documents]
        held = moved >= 0
        starts = np.concatenate([[0], np.cumsum(held, dtype=np.int64)])[self.starts]
        others = np.diff(self.starts) - np.diff(starts)
        return Postings(
            words=self.words,
            rows=np.arange(len(positions), dtype=np.int64),
            lengths=self.lengths[positions],
            average_length=self.average_length,
            starts=starts,
            documents=moved[held],
            frequencies=self.frequencies[held],
            impacts=self.impacts[held],
            elsewhere=Elsewhere(len(self) - len(positions), others),
        )

    def save(self, directory: Path) -> None:
        """Write one file for each array and the words as a trie into `directory`, which is created."""
        directory.mkdir(parents=True, exist_ok=True)
        for name in _ARRAYS:
            np.save(directory / f"{name}.npy", getattr(self, name))
        StringIndex.of(self.words).save(directory / "words")
        if self.elsewhere is not None:
            np.save(directory / _ELSEWHERE, np.array([self.elsewhere.documents, *self.elsewhere.frequencies]))

    @classmethod
    def load(cls, directory: Path, average_length: float, *, memory_map: bool) -> Self:
        """Read what `save` wrote."""
        arrays = {
            name: load_mmap(directory / f"{name}.npy")
            if memory_map
            else np.load(directory / f"{name}.npy", allow_pickle=False)
            for name in _ARRAYS
        }
        elsewhere = None
        if (directory / _ELSEWHERE).is_file():
            counts = load_mmap(directory / _ELSEWHERE)
            elsewhere = Elsewhere(int(counts[0]), counts[1:])
        words = StringIndex.load(directory / "words")
        return cls(words=words, average_length=average_length, elsewhere=elsewhere, **arrays)


def joined(parts: Sequence[tuple[Postings, NDArray[np.bool_] | None]], average_length: float | None) -> Postings:
    """Return one set of postings with the documents of all `parts` whose mark (n,) is true; no mark means all.

    `average_length` is as in `Postings.of`; words that no document holds any more are dropped. A shard keeps the words
    that documents elsewhere hold, and the average length of the whole collection.
    """
    words: defaultdict[str, int] = defaultdict()
    words.default_factory = words.__len__
    kept = [np.ones(len(part), dtype=np.bool_) if mask is None else mask for part, mask in parts]
    rows = np.concatenate([part.rows[mask] for (part, _), mask in zip(parts, kept, strict=True)])
    lengths = np.concatenate([part.lengths[mask] for (part, _), mask in zip(parts, kept, strict=True)])
    order = np.argsort(rows, kind="stable")
    new_position = np.empty(len(rows), dtype=np.int32)
    new_position[order] = np.arange(len(rows), dtype=np.int32)
    documents, columns, counts = [], [], []
    before = 0
    for (part, _), mask in zip(parts, kept, strict=True):
        held = mask[part.documents]
        column = np.repeat(np.arange(len(part.words), dtype=np.int32), np.diff(part.starts))[held]
        used = np.zeros(len(part.words), dtype=np.bool_)
        used[column] = True
        number = np.array([words[word] if use else 0 for word, use in zip(part.words, used.tolist(), strict=True)])
        place = before + np.cumsum(mask) - 1
        documents.append(new_position[place[part.documents[held]]])
        columns.append(number.astype(np.int32)[column] if len(number) else column)
        counts.append(part.frequencies[held].astype(np.int32))
        before += int(np.count_nonzero(mask))
    elsewhere = _elsewhere(parts[0][0], words)
    if elsewhere is not None:
        average_length = parts[0][0].average_length
    matrix = csc_array(
        (np.concatenate(counts), (np.concatenate(documents), np.concatenate(columns))), shape=(len(rows), len(words))
    )
    sizes = lengths[order].astype(np.int64)
    return Postings.from_counts(dict(words), rows[order], sizes, matrix, average_length, elsewhere)


def _elsewhere(base: Postings, words: "defaultdict[str, int]") -> Elsewhere | None:
    """Return what is held elsewhere by the numbers of `words`, which get those that only documents elsewhere hold."""
    if base.elsewhere is None:
        return None
    counts = base.elsewhere.frequencies.tolist()
    known = {words[word]: count for word, count in zip(base.words, counts, strict=True) if count}
    frequencies = np.zeros(len(words), dtype=np.int64)
    frequencies[list(known)] = list(known.values())
    return Elsewhere(base.elsewhere.documents, frequencies)
