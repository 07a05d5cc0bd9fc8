"""Pairs of demands and achievements, both in encoded form: what features are computed of, scored and explained."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from data.columns.arrays import FloatArray
from matcher.collection.encoded import EncodedRecords
from matcher.collection.rows import PairIndices, ViewRows, repeated


@dataclass(frozen=True)
class KnownDemand:
    """A demand as a history knows it: its `vector` (1, r) there, its `number`, -1 unless it has outcomes of its own.

    `similarity` (1, g) is that to each demand with outcomes.
    """

    vector: FloatArray
    number: int
    similarity: FloatArray


@dataclass(frozen=True)
class PairBatch:
    """n pairs (demands[d], achievements[a]); `d` and `a` (n,) are rows of the two views.

    `known` is the one demand of all pairs as the history knows it; None where the pairs have several demands, or nobody
    looked yet.
    """

    demands: EncodedRecords
    achievements: EncodedRecords
    d: ViewRows
    a: ViewRows
    known: KnownDemand | None = None

    @classmethod
    def of_demand(
        cls,
        demands: EncodedRecords,
        demand: int,
        achievements: EncodedRecords,
        a: ViewRows,
        known: KnownDemand | None = None,
    ) -> "PairBatch":
        """Return the pairs of one demand with achievements."""
        return cls(demands, achievements, repeated(demand, len(a)), a, known)

    @classmethod
    def of_achievement(
        cls, achievements: EncodedRecords, achievement: int, demands: EncodedRecords, d: ViewRows
    ) -> "PairBatch":
        """Return the pairs of one achievement with demands."""
        return cls(demands, achievements, d, repeated(achievement, len(d)))

    @classmethod
    def product(cls, demands: EncodedRecords, achievements: EncodedRecords) -> "PairBatch":
        """Return every demand with every achievement, demand by demand."""
        k, n = len(demands), len(achievements)
        d, a = np.repeat(np.arange(k, dtype=np.int64), n), np.tile(np.arange(n, dtype=np.int64), k)
        return cls(demands, achievements, ViewRows(d), ViewRows(a))

    def __len__(self) -> int:
        return len(self.d)

    def take(self, pairs: PairIndices | NDArray[np.bool_]) -> "PairBatch":
        """Return the given pairs, in that order, of the same views."""
        return replace(self, d=ViewRows(self.d[pairs]), a=ViewRows(self.a[pairs]))

    @property
    def one_demand(self) -> int | None:
        """The row of the demand that all pairs have in common, or None."""
        return int(self.d[0]) if len(self.d) and bool((self.d == self.d[0]).all()) else None

    @property
    def one_achievement(self) -> int | None:
        """The row of the achievement that all pairs have in common, or None."""
        return int(self.a[0]) if len(self.a) and bool((self.a == self.a[0]).all()) else None
