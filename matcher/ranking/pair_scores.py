"""The score by which a standing request matches a record: the prior of the pair, a function of the two texts alone.

It is the number that orders lists as long as nothing was learned (`matcher.ranking.prior`), in deviations over the reference
records of the request's own text. It depends neither on what else there is nor on outcomes, so that a pair is found
or not whoever came first, and found once.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.columns.arrays import FloatArray
from matcher.collection.collection import Collection, Side
from matcher.collection.encoded import EncodedRecords
from matcher.collection.pairs import PairBatch
from matcher.collection.rows import ViewRows
from matcher.features.table import FeatureTable, pair_similarities
from matcher.ranking.prior import FIRST_DAY, FURTHEST, first_day_order
from matcher.texts.similarities import CONTEXT, SIMILARITIES
from matcher.texts.space import TextSpace

VECTORS_FULL = SIMILARITIES.index("vectors_f")
CHEAP = ("vectors_f", "context_f")
SLACK = 0.02
"""Deviations by which the bound may differ from the score by rounding."""
_TOTAL = sum(FIRST_DAY.values())
_REST = FURTHEST * sum(share for name, share in FIRST_DAY.items() if name not in CHEAP) / _TOTAL


@dataclass(frozen=True)
class Asking:
    """How the two sides of a pair are arranged: the request's text is that of a demand, or that of something offered."""

    side: Side  # that the records looked for are on

    def pairs(self, requests: EncodedRecords, r: ViewRows, records: EncodedRecords, rows: ViewRows) -> PairBatch:
        """Return pairs of requests (n,) with records (n,)."""
        if self.side == "achievements":
            return PairBatch(requests, records, r, rows)
        return PairBatch(records, requests, rows, r)


def scores(space: TextSpace, asking: Asking, pairs: PairBatch) -> NDArray[np.float64]:
    """Return (n,) scores of pairs, in deviations over the reference records of each request; at most `FURTHEST`."""
    asks, rows = (pairs.demands, pairs.d) if asking.side == "achievements" else (pairs.achievements, pairs.a)
    typical = asks.typical[rows]
    values = (pair_similarities(space, pairs) - typical[:, 0]) / typical[:, 1]
    subject = "demand" if asking.side == "achievements" else "achievement"
    table = FeatureTable(values.astype(np.float32, copy=False), tuple(f"{one}_for_{subject}" for one in SIMILARITIES))
    return first_day_order(table, asking.side)


def score_of_pair(
    space: TextSpace, asking: Asking, requests: EncodedRecords, r: int, records: EncodedRecords, row: int
) -> float:
    """Return the score of one pair, to four digits: computed alone it is the same to the last bit from either end."""
    pairs = asking.pairs(requests, _one(r), records, _one(row))
    return round(float(scores(space, asking, pairs)[0]), 4)


def requests_within_reach(
    requests: EncodedRecords, least: NDArray[np.float64], records: EncodedRecords, row: int
) -> NDArray[np.int64]:
    """Return the requests, of n with `least` (n,), whose score with one record can reach what they ask for.

    Nothing that reaches it is left out: the similarities that are one product each are computed, the others taken as the
    most that they can add.
    """
    vector = np.asarray(records.texts.full.vectors[row])
    meaning = np.asarray(requests.texts.full.vectors) @ vector
    every = np.arange(len(requests), dtype=np.int64)
    context = requests.texts.context.similarities(records.texts.context.vectors(np.array([row]))[0], every)
    return np.flatnonzero(_bound(requests.typical, meaning, context) >= least - SLACK).astype(np.int64)


def records_within_reach(
    requests: EncodedRecords, row: int, least: float, records: EncodedRecords, rows: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return those of the records `rows` whose score with one request can reach `least`, as `requests_within_reach`."""
    if not len(rows):
        return rows
    meaning = np.asarray(records.texts.full.vectors)[rows] @ np.asarray(requests.texts.full.vectors[row])
    context = records.texts.context.similarities(requests.texts.context.vectors(np.array([row]))[0], rows)
    typical = np.broadcast_to(requests.typical[row], (len(rows), *requests.typical.shape[1:]))
    return rows[_bound(typical, meaning, context) >= least - SLACK]


def within_reach(
    space: TextSpace, asking: Asking, requests: EncodedRecords, row: int, least: float, collection: Collection
) -> list[tuple[float, str]]:
    """Return score and id of every record of a collection whose score with one request is at least `least`."""
    found: list[tuple[float, str]] = []
    start = 0
    for part in (collection.base, collection.extra):
        if part is None:
            continue
        rows = np.flatnonzero(collection.current[start : start + len(part)]).astype(np.int64)
        start += len(part)
        rows = records_within_reach(requests, row, least, part, rows)
        if not len(rows):
            continue
        asks = ViewRows(np.full(len(rows), row, dtype=np.int64))
        rough = scores(space, asking, asking.pairs(requests, asks, part, ViewRows(rows)))
        for place in rows[rough >= least - SLACK].tolist():
            score = score_of_pair(space, asking, requests, row, part, place)
            if score >= least and has_text(part, place):
                found.append((score, part.cards.ids[place]))
    return found


def has_text(view: EncodedRecords, row: int) -> bool:
    """Tell whether a record says anything to match by."""
    return bool(np.asarray(view.texts.full.vectors[row]).any())


def _bound(typical: FloatArray, meaning: FloatArray, context: FloatArray) -> NDArray[np.float64]:
    """Return (n,) the most that a score can be, by the similarities of full texts and of contexts (n,) alone."""
    total = np.full(len(meaning), _REST)
    for name, column, values in zip(CHEAP, (VECTORS_FULL, CONTEXT), (meaning, context), strict=True):
        deviations = (values - typical[:, 0, column]) / typical[:, 1, column]
        total += FIRST_DAY[name] / _TOTAL * np.nan_to_num(np.clip(deviations, -FURTHEST, FURTHEST))
    return total


def _one(row: int) -> ViewRows:
    return ViewRows(np.array([row], dtype=np.int64))
