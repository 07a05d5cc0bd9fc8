"""What an achievement's holder adds: all it has to offer, and how its outcomes went with demands like this one."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from typing import Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from data.records import OutcomeEvent
from knowledge_graph import kernels
from knowledge_graph.records.table import GraphRow, RecordTable

PORTFOLIO_TERMS = 64
NEIGHBOURS = 50
"""Demands most like the one at hand whose outcomes count."""
PRIOR = 0.5
"""Similarity mass of an imagined outcome of grade 0: a single good outcome is no record yet."""
UNDATED = -(2**31)


@dataclass(frozen=True)
class Portfolios:
    """The heaviest terms of all achievements of each organisation that has two or more; rows of length 1."""

    starts: NDArray[np.int64]
    lengths: NDArray[np.int32]
    terms: NDArray[np.int32]
    weights: NDArray[np.float32]

    def __post_init__(self) -> None:
        for column in fields(self):  # read-only, as mapped files are: one kind of array, one compiled kernel
            getattr(self, column.name).flags.writeable = False

    def row(self, organisation: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return terms and weights of one organisation's portfolio; empty if it has fewer than two achievements."""
        place = slice(int(self.starts[organisation]), int(self.starts[organisation] + self.lengths[organisation]))
        return self.terms[place], self.weights[place]

    def signal(self, mass: NDArray[np.float32], organisation: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return (n,) float32: the walk's mass on the holders' terms; NaN where unknown or of one achievement."""
        result = np.full(len(organisation), np.nan, dtype=np.float32)
        known = (organisation >= 0) & (organisation < len(self.starts))
        unique, inverse = np.unique(organisation[known], return_inverse=True)
        values = kernels.dots(mass, self.starts, self.lengths, self.terms, self.weights, unique.astype(np.int64))
        result[known] = np.where(self.lengths[unique] > 0, values, np.nan)[inverse]
        return result


def build_portfolios(table: RecordTable, mentions: sp.csr_array, organisations: int) -> Portfolios:
    """Return the portfolios of all organisations numbered below `organisations`."""
    rows = np.flatnonzero(table.organisation >= 0)
    owners = table.organisation[rows]
    owned = np.bincount(owners, minlength=organisations)
    many = owned[owners] >= 2
    rows, owners = rows[many], owners[many]
    shape = (organisations, table.starts.shape[0])
    member = sp.csr_array((np.ones(len(rows), dtype=np.float32), (owners, rows)), shape=shape)
    total = sp.csr_array(member @ mentions)
    total.sum_duplicates()
    lengths = np.diff(total.indptr)
    place = np.repeat(np.arange(organisations), lengths)
    order = np.lexsort((total.indices, -total.data, place))
    rank = np.arange(len(place)) - np.repeat(total.indptr[:-1], lengths)
    chosen = order[rank < PORTFOLIO_TERMS]
    kept = np.minimum(lengths, PORTFOLIO_TERMS).astype(np.int32)
    weights = total.data[chosen].astype(np.float32)
    norms = np.sqrt(np.bincount(place[chosen], weights=weights.astype(np.float64) ** 2, minlength=organisations))
    weights /= norms[place[chosen]].astype(np.float32).clip(min=1e-12)
    ends = np.cumsum(kept, dtype=np.int64)
    return Portfolios(ends - kept, kept, total.indices[chosen].astype(np.int32), weights)


@dataclass(frozen=True)
class Outcomes:
    """Outcomes of pairs, sorted by demand: rows of both sides, value in [0, 1] (grade / 4), day since 1970.

    `starts` int64 (demands + 1,) bounds each demand's outcomes.
    """

    starts: NDArray[np.int64]
    achievement: NDArray[np.int32]
    value: NDArray[np.float32]
    day: NDArray[np.int32]

    @classmethod
    def empty(cls, demands: int) -> Self:
        """Return no outcomes at all."""
        nothing = np.zeros(0, dtype=np.int32)
        return cls(np.zeros(demands + 1, dtype=np.int64), nothing, np.zeros(0, dtype=np.float32), nothing)

    def date(self, place: int) -> str:
        """Return the ISO day of one outcome, "" if it is undated."""
        day = int(self.day[place])
        return "" if day == UNDATED else (date(1970, 1, 1) + timedelta(days=day)).isoformat()

    def record(
        self,
        similar: NDArray[np.int64],
        similarity: NDArray[np.float32],
        holders: NDArray[np.int32],
        organisation: NDArray[np.int32],
        before: int | None,
    ) -> NDArray[np.float32]:
        """Return (n,) float32 for the holders of candidates: mean value of their outcomes with the `similar` demands.

        The mean is weighted by similarity and shrunk towards 0 by `PRIOR`; NaN for unknown holders and for holders
        without any such outcome. `holders` (achievements,) numbers the holder of each achievement, `organisation` (n,)
        the candidates'. Only outcomes before day `before` count; undated ones always do.
        """
        counts = self.starts[similar + 1] - self.starts[similar]
        place = np.repeat(self.starts[similar] - (np.cumsum(counts) - counts), counts) + np.arange(int(counts.sum()))
        weight = np.repeat(similarity, counts)
        if before is not None:
            early = self.day[place] < before
            place, weight = place[early], weight[early]
        result = np.full(len(organisation), np.nan, dtype=np.float32)
        owner = holders[self.achievement[place]]
        named = owner >= 0
        if not named.any():
            return result
        place, weight, owner = place[named], weight[named], owner[named]
        size = int(max(owner.max(initial=0), organisation.max(initial=0))) + 1
        total = np.bincount(owner, weights=weight, minlength=size)
        good = np.bincount(owner, weights=weight * self.value[place], minlength=size)
        known = organisation >= 0
        seen = known & (total[np.where(known, organisation, 0)] > 0)
        numbers = organisation[seen]
        result[seen] = (good[numbers] / (total[numbers] + PRIOR)).astype(np.float32)
        return result


def collect_outcomes(
    events: Iterable[OutcomeEvent], demand_rows: dict[str, int], achievement_rows: dict[str, int], demands: int
) -> Outcomes:
    """Return the outcomes of known pairs: of each pair the best grade, dated by the day it was reached.

    Impressions tell about the list, not about the holder: they are left out, as are pairs with an unknown side.
    """
    best: dict[tuple[int, int], tuple[int, int]] = {}
    for event in events:
        pair = (demand_rows.get(event.demand_id, -1), achievement_rows.get(event.achievement_id, -1))
        if min(pair) < 0 or event.kind.value == "impression":
            continue
        day = UNDATED if event.occurred_at is None else day_number(event.occurred_at)
        grade, since = best.get(pair, (-1, 0))
        if event.grade > grade or (event.grade == grade and day < since):
            best[pair] = (event.grade, day)
    pairs = sorted(best)
    rows = np.array([pair[0] for pair in pairs], dtype=np.int64)
    arrays = (
        np.searchsorted(rows, np.arange(demands + 1)).astype(np.int64),
        np.array([pair[1] for pair in pairs], dtype=np.int32),
        np.array([best[pair][0] / 4.0 for pair in pairs], dtype=np.float32),
        np.array([best[pair][1] for pair in pairs], dtype=np.int32),
    )
    return Outcomes(*arrays)


def day_number(moment: datetime | date) -> int:
    """Return the day since 1970-01-01, in UTC."""
    if isinstance(moment, datetime):
        moment = moment.astimezone(UTC).date()
    return moment.toordinal() - date(1970, 1, 1).toordinal()


def similar_demands(
    demand: GraphRow,
    starts: NDArray[np.int64],
    records: NDArray[np.int32],
    values: NDArray[np.float32],
    size: int,
    excluded: int | None,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return (rows, cosines) of the `NEIGHBOURS` demands most like this one; `excluded` is left out."""
    scores = kernels.accumulate(demand.terms, demand.weights, starts, records, values, size)
    if excluded is not None:
        scores[excluded] = 0.0
    keep = min(NEIGHBOURS, size)
    best = np.argpartition(-scores, keep - 1)[:keep] if keep else np.zeros(0, dtype=np.int64)
    best = best[scores[best] > 0]
    return best.astype(np.int64), scores[best]
