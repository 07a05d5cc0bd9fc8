"""One consistent state of a lexical index. Immutable: a write returns the next state and leaves this one as it was."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.lexical_index.kernels import candidates, scores_at
from models.lexical_index.postings import Postings, joined

_ALL = np.empty(0, dtype=np.bool_)
MERGE_SHARE = 0.05
MERGE_FLOOR = 2048
_FOLD = 8  # a segment is folded into its elder if that is not this many times larger: few segments, little rewriting

# Of each word of a query that a part knows: where its postings start and end, and its weight.
Terms = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]


@dataclass(frozen=True)
class Segments:
    """Postings, the base first, then ever smaller and younger ones, with a mark (n,) for living documents each."""

    parts: tuple[Postings, ...]
    alive: tuple[NDArray[np.bool_] | None, ...]  # None: all

    @classmethod
    def of(cls, base: Postings) -> Self:
        """Return the state that holds `base` and nothing else."""
        return cls((base,), (None,))

    @property
    def stored(self) -> int:
        """Number of documents held, tombstones included."""
        return sum(len(part) for part in self.parts)

    @property
    def live(self) -> int:
        """Number of documents that a search can return."""
        return sum(
            len(part) if mask is None else int(np.count_nonzero(mask))
            for part, mask in zip(self.parts, self.alive, strict=True)
        )

    @property
    def excess(self) -> int:
        """Number of documents outside the base and of tombstones in it: what a merge would clear away."""
        base_alive = self.alive[0]
        dead = 0 if base_alive is None else len(base_alive) - int(np.count_nonzero(base_alive))
        return self.stored - len(self.parts[0]) + dead

    def is_merge_due(self) -> bool:
        """Tell whether recent documents and tombstones have passed their share of all."""
        return self.excess > max(MERGE_FLOOR, int(MERGE_SHARE * self.stored))

    def search(
        self, query: Mapping[str, int], k: int, allowed: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return rows (m,) and scores (m,) > 0 in no order, among them the k best of all living, allowed documents.

        `query` gives how often each word occurs in the query.
        """
        found = [
            _search_part(part, terms, k, _mask(part, mask, allowed))
            for part, mask, terms in zip(self.parts, self.alive, self._terms(query), strict=True)
        ]
        if len(found) == 1:
            return found[0]
        return np.concatenate([rows for rows, _ in found]), np.concatenate([scores for _, scores in found])

    def scores(self, query: Mapping[str, int], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the scores (m,) of `rows` (m,), 0 for rows that are not there."""
        result = np.zeros(len(rows), dtype=np.float32)
        for part, mask, terms in zip(self.parts, self.alive, self._terms(query), strict=True):
            positions = _positions(part.rows, rows)
            held = np.flatnonzero(positions >= 0 if mask is None else (positions >= 0) & mask[positions])
            held = held[np.argsort(positions[held], kind="stable")]
            if len(held):
                result[held] = scores_at(*terms, part.documents, part.impacts, positions[held])
        return result

    def _terms(self, query: Mapping[str, int]) -> list[Terms]:
        """Return the query's words as each part knows them; a weight is idf times count."""
        stored = self.stored
        found = []
        frequency = np.zeros(len(query), dtype=np.int64)
        for part in self.parts:
            numbers = np.array([part.words.get(word, -1) for word in query], dtype=np.int64)
            known = np.flatnonzero(numbers >= 0)
            numbers = numbers[known]
            starts, ends = part.starts[numbers], part.starts[numbers + 1]
            frequency[known] += ends - starts
            if part.elsewhere is not None:
                stored += part.elsewhere.documents
                frequency[known] += part.elsewhere.frequencies[numbers]
            found.append((known, starts, ends))
        repeats = np.fromiter(query.values(), dtype=np.float64, count=len(query))
        weights = (repeats * np.log1p((stored - frequency + 0.5) / (frequency + 0.5))).astype(np.float32)
        return [(starts, ends, weights[known]) for known, starts, ends in found]

    def written(self, rows: NDArray[np.int64], documents: Sequence[Sequence[str]] | None) -> "Segments":
        """Return the state in which `rows` (m,), distinct, hold `documents`, or are gone where that is None."""
        alive = []
        for part, mask in zip(self.parts, self.alive, strict=True):
            held = _positions(part.rows, rows)
            held = held[held >= 0]
            kept = mask
            if len(held):
                kept = np.ones(len(part), dtype=np.bool_) if mask is None else mask.copy()
                kept[held] = False
            alive.append(kept)
        state = Segments(self.parts, tuple(alive))
        if documents is None:
            return state
        average_length = self.parts[0].average_length or None
        return state._followed_by(Postings.of(documents, rows, average_length))

    def _followed_by(self, part: Postings) -> "Segments":
        """Return the state with `part` as youngest, folded with elders that are not much larger."""
        parts, alive = [*self.parts, part], [*self.alive, None]
        while len(parts) > 2 and len(parts[-2]) < _FOLD * len(parts[-1]):
            youngest = joined(list(zip(parts[-2:], alive[-2:], strict=True)), part.average_length)
            parts[-2:], alive[-2:] = [youngest], [None]
        return Segments(tuple(parts), tuple(alive))

    def merged(self) -> Postings:
        """Return all living documents as one set of postings, its average length computed again."""
        return joined(list(zip(self.parts, self.alive, strict=True)), None)

    def carried_over(self, rebuilt: "Segments", touched: list[NDArray[np.int64]], since: "Segments") -> "Segments":
        """Return this state over the base of `rebuilt`, which was merged from the earlier state `since`.

        `touched` are the rows written between the two: what `rebuilt` holds of them is outdated, and the younger parts of
        this state hold them as they are now.
        """
        if not touched:
            return rebuilt
        rows = np.unique(np.concatenate(touched))
        fresh = rebuilt.written(rows, None)
        later = [
            (part, np.isin(part.rows, rows) if mask is None else mask & np.isin(part.rows, rows))
            for part, mask in zip(self.parts[1:], self.alive[1:], strict=True)
        ]
        if not any(mask.any() for _, mask in later):
            return fresh
        return fresh._followed_by(joined(later, rebuilt.parts[0].average_length or None))

    def save(self, directory: Path) -> list[float]:
        """Write all parts into `directory`; return their average lengths."""
        for number, (part, mask) in enumerate(zip(self.parts, self.alive, strict=True)):
            folder = directory / f"part{number}"
            part.save(folder)
            np.save(folder / "alive.npy", np.ones(len(part), dtype=np.bool_) if mask is None else mask)
        return [part.average_length for part in self.parts]

    @classmethod
    def load(cls, directory: Path, average_lengths: Sequence[float], *, memory_map: bool) -> Self:
        """Read what `save` wrote."""
        parts, alive = [], []
        for number, average_length in enumerate(average_lengths):
            folder = directory / f"part{number}"
            parts.append(Postings.load(folder, average_length, memory_map=memory_map))
            mask = np.load(folder / "alive.npy", allow_pickle=False)
            alive.append(None if mask.all() else mask)
        return cls(tuple(parts), tuple(alive))


def _search_part(
    part: Postings, terms: Terms, k: int, mask: NDArray[np.bool_] | None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return rows (m,) and scores (m,) > 0 of documents of `part` where `mask` (n,) holds, the k best among them."""
    if k >= len(part):
        k = max(1, len(part))
    positions, scores = candidates(*terms, part.documents, part.impacts, k, _ALL if mask is None else mask, len(part))
    return positions if part.rows_are_positions else part.rows[positions], scores


def _mask(
    part: Postings, alive: NDArray[np.bool_] | None, allowed: NDArray[np.bool_] | None
) -> NDArray[np.bool_] | None:
    """Return which documents (n,) of `part` are alive and allowed, None for all."""
    if allowed is None:
        return alive
    inside = int(np.searchsorted(part.rows, len(allowed)))
    if inside == len(part) and part.rows_are_positions:
        mask = allowed[:inside]
    else:
        mask = np.zeros(len(part), dtype=np.bool_)
        mask[:inside] = allowed[part.rows[:inside]]
    return mask if alive is None else mask & alive


def _positions(held: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where each of `rows` (m,) is in `held` (n,), ascending; -1 where it does not."""
    if len(held) == 0:
        return np.full(len(rows), -1, dtype=np.int64)
    found = np.minimum(np.searchsorted(held, rows), len(held) - 1)
    return np.where(held[found] == rows, found, -1)
