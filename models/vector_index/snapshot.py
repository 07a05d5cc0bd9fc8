"""One consistent state of a vector index. Immutable: a write returns the next state and leaves this one as it was."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.vector_index.exact import scan
from models.vector_index.interface import Segment

MERGE_SHARE = 0.02
MERGE_FLOOR = 1024


@dataclass(frozen=True)
class Snapshot:
    """Base segment with its rows (ascending), tombstones of the base, and the delta of later writes.

    The delta's buffers are shared between successive snapshots and longer than `delta_count`: a writer fills places
    beyond it, which no earlier snapshot reads.
    """

    base: Segment
    base_rows: NDArray[np.int64]
    rows_are_positions: bool
    base_alive: NDArray[np.bool_] | None  # (n,), None: no tombstones
    base_live: int
    delta_rows: NDArray[np.int64]
    delta_vectors: NDArray[np.float32]
    delta_count: int
    delta_alive: NDArray[np.bool_]  # (delta_count,)

    @classmethod
    def of(cls, base: Segment, rows: NDArray[np.int64]) -> Self:
        """Return the state that holds `base` under `rows` (n,), ascending, and nothing else."""
        count, dimension = base.vectors.shape
        return cls(
            base=base,
            base_rows=rows,
            rows_are_positions=count == 0 or bool(rows[0] == 0 and rows[-1] == count - 1),
            base_alive=None,
            base_live=count,
            delta_rows=np.empty(0, dtype=np.int64),
            delta_vectors=np.empty((0, dimension), dtype=np.float32),
            delta_count=0,
            delta_alive=np.empty(0, dtype=np.bool_),
        )

    @property
    def live(self) -> int:
        """Number of rows that a search can return."""
        return self.base_live + int(np.count_nonzero(self.delta_alive))

    def is_merge_due(self) -> bool:
        """Tell whether delta and tombstones have passed their share of the base."""
        return self.excess > max(MERGE_FLOOR, int(MERGE_SHARE * len(self.base_rows)))

    @property
    def excess(self) -> int:
        """Number of delta entries and tombstones: what a merge would clear away."""
        return self.delta_count + len(self.base_rows) - self.base_live

    def search(
        self, queries: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return rows (q, k) and inner products (q, k), best first; see `VectorIndex.search`."""
        positions, scores = self.base.search(queries, k, self._base_mask(allowed))
        if self.rows_are_positions:
            rows = positions
        elif len(self.base_rows):
            rows = np.where(positions >= 0, self.base_rows[positions], -1)
        if self.delta_count == 0:
            return rows, scores
        return self._with_delta(queries, k, allowed, rows, scores)

    def _base_mask(self, allowed: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
        """Return which base positions are alive and allowed (n,), None for all."""
        if allowed is None:
            return self.base_alive
        count = len(self.base_rows)
        if self.rows_are_positions:
            mask = allowed[:count]
            if len(mask) < count:
                mask = np.concatenate((mask, np.zeros(count - len(mask), dtype=np.bool_)))
        else:
            mask = _lookup(allowed, self.base_rows)
        return mask if self.base_alive is None else mask & self.base_alive

    def _with_delta(
        self,
        queries: NDArray[np.float32],
        k: int,
        allowed: NDArray[np.bool_] | None,
        rows: NDArray[np.int64],
        scores: NDArray[np.float32],
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the k best of the base's answer `rows`, `scores` (q, k) and of the delta."""
        delta_rows = self.delta_rows[: self.delta_count]
        mask = self.delta_alive if allowed is None else self.delta_alive & _lookup(allowed, delta_rows)
        positions, delta_scores = scan(
            self.delta_vectors[: self.delta_count], queries, k, None if mask.all() else np.flatnonzero(mask)
        )
        all_rows = np.concatenate((rows, np.where(positions >= 0, delta_rows[positions], -1)), axis=1)
        all_scores = np.concatenate((scores, delta_scores), axis=1)
        order = np.argsort(-all_scores, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(all_rows, order, axis=1), np.take_along_axis(all_scores, order, axis=1)

    def written(self, rows: NDArray[np.int64], vectors: NDArray[np.float32] | None) -> "Snapshot":
        """Return the state in which `rows` (m,), distinct, hold `vectors` (m, d), or are gone where that is None."""
        base_alive, base_live = self.base_alive, self.base_live
        held = self._base_positions(rows)
        if len(held):
            base_alive = np.ones(len(self.base_rows), dtype=np.bool_) if base_alive is None else base_alive.copy()
            base_alive[held] = False
            base_live = int(np.count_nonzero(base_alive))
        delta_alive = self.delta_alive & ~np.isin(self.delta_rows[: self.delta_count], rows)
        state = replace(self, base_alive=base_alive, base_live=base_live, delta_alive=delta_alive)
        return state if vectors is None else state._appended(rows, vectors)

    def _base_positions(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the base positions of those of `rows` that the base knows."""
        count = len(self.base_rows)
        if self.rows_are_positions:
            return rows[rows < count]
        found = np.minimum(np.searchsorted(self.base_rows, rows), count - 1)
        held: NDArray[np.int64] = found[self.base_rows[found] == rows]
        return held

    def _appended(self, rows: NDArray[np.int64], vectors: NDArray[np.float32]) -> "Snapshot":
        """Return the state with `vectors` (m, d) under `rows` (m,) at the end of the delta."""
        start, end = self.delta_count, self.delta_count + len(rows)
        delta_rows, delta_vectors = self.delta_rows, self.delta_vectors
        if end > len(delta_rows):
            capacity = max(256, 2 * end)
            delta_rows = np.empty(capacity, dtype=np.int64)
            delta_vectors = np.empty((capacity, vectors.shape[1]), dtype=np.float32)
            delta_rows[:start] = self.delta_rows[:start]
            delta_vectors[:start] = self.delta_vectors[:start]
        delta_rows[start:end] = rows
        delta_vectors[start:end] = vectors
        return replace(
            self,
            delta_rows=delta_rows,
            delta_vectors=delta_vectors,
            delta_count=end,
            delta_alive=np.concatenate((self.delta_alive, np.ones(len(rows), dtype=np.bool_))),
        )

    def live_rows(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return all live rows (n,), ascending, and their vectors (n, d)."""
        alive = np.flatnonzero(self.delta_alive)
        kept = slice(None) if self.base_alive is None else np.flatnonzero(self.base_alive)
        if len(alive) == 0 and self.base_alive is None:
            return self.base_rows, self.base.vectors
        rows = np.concatenate((self.base_rows[kept], self.delta_rows[alive]))
        vectors = np.concatenate((self.base.vectors[kept], self.delta_vectors[alive]))
        order = np.argsort(rows, kind="stable")
        return rows[order], vectors[order]

    def carried_over(self, rebuilt: "Snapshot", touched: list[NDArray[np.int64]], since: "Snapshot") -> "Snapshot":
        """Return this state over the base of `rebuilt`, which was made from the earlier state `since`.

        `touched` are the rows written between the two: what `rebuilt` holds of them is outdated.
        """
        if not touched:
            return rebuilt
        fresh = rebuilt.written(np.unique(np.concatenate(touched)), None)
        later = since.delta_count + np.flatnonzero(self.delta_alive[since.delta_count :])
        return fresh._appended(self.delta_rows[later], self.delta_vectors[later])

    def save(self, directory: Path) -> None:
        """Write the state into `directory`."""
        np.save(directory / "vectors.npy", self.base.vectors)
        np.save(directory / "rows.npy", self.base_rows)
        alive = np.ones(len(self.base_rows), dtype=np.bool_) if self.base_alive is None else self.base_alive
        np.save(directory / "alive.npy", alive)
        kept = np.flatnonzero(self.delta_alive)
        np.save(directory / "delta_rows.npy", self.delta_rows[kept])
        np.save(directory / "delta_vectors.npy", self.delta_vectors[kept])
        self.base.save(directory)

    @classmethod
    def load(cls, directory: Path, segment: type[Segment], *, memory_map: bool) -> "Snapshot":
        """Read what `save` wrote, the base being of class `segment`."""
        vectors = np.load(directory / "vectors.npy", mmap_mode="r" if memory_map else None, allow_pickle=False)
        rows, alive, delta_rows, delta_vectors = (
            np.load(directory / f"{name}.npy", allow_pickle=False)
            for name in ("rows", "alive", "delta_rows", "delta_vectors")
        )
        state = cls.of(segment.load(directory, vectors, memory_map=memory_map), rows)
        if not alive.all():
            state = replace(state, base_alive=alive, base_live=int(np.count_nonzero(alive)))
        return state._appended(delta_rows, delta_vectors) if len(delta_rows) else state


def _lookup(allowed: NDArray[np.bool_], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return `allowed[row]` for each of `rows` (n,), False beyond the mask's end."""
    if len(rows) == 0 or len(allowed) == 0:
        return np.zeros(len(rows), dtype=np.bool_)
    inside = rows < len(allowed)
    return inside & allowed[np.where(inside, rows, 0)]
