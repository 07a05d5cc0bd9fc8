"""Outcomes of pairs, row by row: graded, weighted, and with the moments at which it became known."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from matcher.collection.encoded import EncodedRecords
from matcher.collection.pairs import PairBatch
from matcher.collection.rows import ViewRows

NOT_SHOWN = 0  # position of a row that no list showed
NO_REASON = -1
SILENT_WEIGHT = 0.5  # at most, of what was shown and left alone
LEAST_COUNT = 0.01


def seen(position: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (n,) in (0, 1] how likely a place in a list is looked at, 1 for the first and where none is known.

    The discount of NDCG (Järvelin & Kekäläinen, TOIS 2002).
    """
    return np.asarray(1.0 / np.log2(1.0 + np.maximum(position, 1)), dtype=np.float64)


@dataclass(frozen=True)
class OutcomeLog:
    """When and where n rows were shown, and when each of their grades became known.

    `judged` (n,) whether an expert said so; `request` (n,) number of the list that showed the row, -1 where none did;
    `position` (n,) its place in it from 1, or `NOT_SHOWN`; `shown_at` (n,) seconds since 1970, NaN where undated;
    `reason` (n,) index into the decline reasons or `NO_REASON`; and u changes in order of time: from `change_at` (u,) on
    (-inf: from the beginning) the row `change_row` had the grade `change_grade`.
    """

    judged: NDArray[np.bool_]
    request: NDArray[np.int64]
    position: NDArray[np.int64]
    shown_at: NDArray[np.float64]
    reason: NDArray[np.int8]
    change_row: NDArray[np.int64]
    change_at: NDArray[np.float64]
    change_grade: NDArray[np.int64]

    def take(self, rows: NDArray[np.intp]) -> "OutcomeLog":
        """Return the log of the given rows, each at most once, in that order."""
        new = np.full(len(self.request), -1, dtype=np.int64)
        new[rows] = np.arange(len(rows))
        kept = new[self.change_row] >= 0
        return OutcomeLog(
            self.judged[rows],
            self.request[rows],
            self.position[rows],
            self.shown_at[rows],
            self.reason[rows],
            new[self.change_row[kept]],
            self.change_at[kept],
            self.change_grade[kept],
        )

    def grades_before(self, moment: float) -> NDArray[np.int64]:
        """Return (n,) grades as they were known before `moment` (seconds since 1970); -1: nothing was known yet."""
        grades = np.full(len(self.request), -1, dtype=np.int64)
        known = int(np.searchsorted(self.change_at, moment, side="left"))
        grades[self.change_row[:known]] = self.change_grade[:known]  # of several changes of a row the last one stays
        return grades


@dataclass(frozen=True)
class Showings:
    """Which pairs lists showed, each once, however often: (k,) rows `d`, `a` of the demand and the achievement, and `times`."""

    d: NDArray[np.int64]
    a: NDArray[np.int64]
    times: NDArray[np.int64]

    @classmethod
    def counted(cls, d: NDArray[np.int64], a: NDArray[np.int64]) -> Self:
        """Return the showings of pairs (n,) of which every row is one."""
        unique, times = np.unique(np.stack([d, a], axis=1).reshape(-1, 2), axis=0, return_counts=True)
        return cls(unique[:, 0].copy(), unique[:, 1].copy(), times.astype(np.int64))

    def unseen_mass(self, d: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (n,) how much of what a search would show each demand it has not shown yet, in [0, 1].

        The share of showings that are a pair's only one (Good, Biometrika 1953); 1 of a demand that was shown nothing.
        """
        size = 1 + max(int(self.d.max(initial=-1)), int(d.max(initial=-1)))
        total = np.bincount(self.d, weights=self.times, minlength=size)
        once = np.bincount(self.d, weights=self.times == 1, minlength=size)
        return np.asarray(np.where(total > 0, once / np.maximum(total, 1), 1.0)[d], dtype=np.float64)

    def of(self, d: NDArray[np.int64]) -> "Showings":
        """Return those of the given demands."""
        kept = np.isin(self.d, d)
        return Showings(self.d[kept], self.a[kept], self.times[kept])


@dataclass(frozen=True)
class GradedPairs:
    """Outcomes of the pairs (demands[d], achievements[a]); arrays (n,): rows, grade 0-4, weight > 0.

    `log` tells when and where they were shown; None for judgements that no list led to. `certain` (n, 4) in [0, 1] tells
    how sure it is that a row will not yet exceed the grades 0 to 3; it is 1 where it has. None: all is final. `showings`
    are all that the log has of these demands, also those that no row was kept for; None without a log.
    """

    d: NDArray[np.int64]
    a: NDArray[np.int64]
    grade: NDArray[np.int64]
    weight: NDArray[np.float64]
    log: OutcomeLog | None = None
    certain: NDArray[np.float64] | None = None
    showings: Showings | None = None

    def __len__(self) -> int:
        return len(self.d)

    def take(self, rows: NDArray[np.intp]) -> "GradedPairs":
        """Return the given pairs, each at most once, in that order."""
        log = self.log.take(rows) if self.log else None
        certain = None if self.certain is None else self.certain[rows]
        d = self.d[rows]
        showings = None if self.showings is None else self.showings.of(d)
        return GradedPairs(d, self.a[rows], self.grade[rows], self.weight[rows], log, certain, showings)

    def batch(self, demands: EncodedRecords, achievements: EncodedRecords) -> PairBatch:
        """Return the pairs with their records, which are at `d` and `a` of the two views."""
        return PairBatch(demands, achievements, ViewRows(self.d), ViewRows(self.a))

    @property
    def judged(self) -> NDArray[np.bool_]:
        """(n,) whether an expert graded the row; else a log did."""
        return self.log.judged if self.log else np.ones(len(self), dtype=np.bool_)

    def known_as_of(self, moment: float = np.inf) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """Return (k,) rows and grades of the outcomes known before `moment`: one of each pair that lists showed.

        The row of a pair shown more than once is the first of those with its best grade; each judgement counts.
        """
        grade = self.grade if self.log is None else self.log.grades_before(moment)
        logged = np.flatnonzero((grade >= 0) & ~self.judged)
        best = logged[np.lexsort((logged, -grade[logged]))]
        pair = np.stack([self.d[best], self.a[best]], axis=1)
        first = np.unique(pair, axis=0, return_index=True)[1]
        rows = np.sort(np.concatenate([np.flatnonzero((grade >= 0) & self.judged), best[first]]))
        return rows, grade[rows]

    def silent(self, rows: NDArray[np.intp], grade: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return (k,) which of the rows, of the given grades, were shown and left alone: neither taken up nor declined."""
        if self.log is None:
            return np.zeros(len(rows), dtype=np.bool_)
        return np.asarray((grade == 0) & ~self.judged[rows] & (self.log.reason[rows] == NO_REASON), dtype=np.bool_)

    def counts(self, rows: NDArray[np.intp], grade: NDArray[np.int64], moment: float = np.inf) -> NDArray[np.float64]:
        """Return (k,) in (0, 1] how much rows count as outcomes of the given grades, as known at `moment`.

        As in training: a decline weighs little, what was left alone the less the younger it is and the further down it
        was. A row that was taken up since had its full weight of then.
        """
        weight = np.where(self.grade[rows] == grade, self.weight[rows], 1.0)
        quiet = self.silent(rows, grade)
        if quiet.any():
            weight = np.where(quiet, np.minimum(weight, SILENT_WEIGHT), weight)
            weight[quiet] *= self._ripeness(moment)[rows[quiet]] * seen(self.position[rows[quiet]])
        return np.clip(weight, LEAST_COUNT, 1.0)

    def _ripeness(self, moment: float) -> NDArray[np.float64]:
        """Return (n,) how sure it was at `moment` that nobody would take a row up: `certain`, by the age of then."""
        if self.certain is None:
            return np.ones(len(self))
        if not np.isfinite(moment):
            return self.certain[:, 0]
        known = self.silent(np.arange(len(self)), self.grade) & np.isfinite(self.shown_at)
        if not known.any():
            return np.ones(len(self))
        end = float(self.log.change_at.max()) if self.log is not None else moment
        age, ripe = end - self.shown_at[known], self.certain[known, 0]
        order = np.argsort(age, kind="stable")
        then = np.nan_to_num(moment - self.shown_at, nan=np.inf)
        return np.asarray(np.interp(then, age[order], ripe[order]), dtype=np.float64)

    def unseen_mass(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return (k,) the `Showings.unseen_mass` of the rows' demands; 1 without a log."""
        return np.ones(len(rows)) if self.showings is None else self.showings.unseen_mass(self.d[rows])

    def weight_for_threshold(self, grade: int) -> NDArray[np.float64]:
        """Return (n,) weights of the rows for the question whether they exceed `grade`."""
        return self.weight if self.certain is None else self.weight * self.certain[:, min(grade, 3)]

    @property
    def position(self) -> NDArray[np.int64]:
        """(n,) places in the lists that showed the rows, `NOT_SHOWN` where none did."""
        return self.log.position if self.log else np.zeros(len(self), dtype=np.int64)

    @property
    def shown_at(self) -> NDArray[np.float64]:
        """(n,) seconds since 1970 at which the rows were shown, NaN where undated."""
        return self.log.shown_at if self.log else np.full(len(self), np.nan)
