"""Distils the ranker into a linear pre-selection model, from its scores of some stored records' candidates."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from data.columns.arrays import FloatArray
from data.errors import InputError, NotFoundError
from data.records import Achievement, Demand
from matcher.collection.collection import Side
from matcher.engine import Engine
from matcher.ranking.first_stage import SCORED, FirstStage, prefilter_features
from matcher.ranking.scorer import Scorer
from matcher.request.pipeline import retrieve, score

ASKING = {
    "achievements": 300,
    "demands": 100,
}  # records of the other side; an achievement's request costs several times more
MIN_POOLS = 20  # pools of more candidates than are scored, below which there is little to learn from, and to gain

CandidatePool = tuple[FloatArray, NDArray[np.float64]]


class RecordReader(Protocol):
    """Reads records by id, as a store does."""

    def demand(self, record_id: str) -> Demand:
        """Return a demand; raise NotFoundError if there is none of that id."""

    def achievement(self, record_id: str) -> Achievement:
        """Return an achievement; raise NotFoundError if there is none of that id."""


def fit_first_stages(
    engine: Engine,
    scorer: Scorer,
    store: RecordReader,
    scored: int = SCORED,
    sides: Sequence[Side] = ("achievements", "demands"),
) -> dict[str, FirstStage]:
    """Return the first stages for candidates of the given sides; none for a store so small that all are scored anyway.

    Stored records, evenly spread, are asked for, and those with more than `scored` candidates learned from. No outcome is
    looked at but through the scorer.
    """
    stages: dict[str, FirstStage] = {}
    for side in sides:
        if engine.size(side) > scored:
            found = (_pool(engine, scorer, record, side) for record in _asking(engine, store, side))
            pools = [pool for pool in found if pool is not None and len(pool[1]) > scored]
            if len(pools) >= MIN_POOLS:
                stages[side] = FirstStage.fit(pools)
    return stages


def _asking(engine: Engine, store: RecordReader, side: Side) -> Iterator[Demand | Achievement]:
    """Yield records that look for candidates of a side, evenly spread over the bundle's."""
    model, most = engine.model, ASKING[side]
    ids = (model.demands if side == "achievements" else model.achievements).base.cards.ids
    read = store.demand if side == "achievements" else store.achievement
    for record_id in ids[:: max(1, len(ids) // most)][:most]:
        try:
            yield read(record_id)
        except NotFoundError:  # deleted since the build
            continue


def _pool(engine: Engine, scorer: Scorer, record: Demand | Achievement, side: Side) -> CandidatePool | None:
    """Return columns (n, f) and expected grades (n,) of a record's candidates; None if it says nothing or has none."""
    try:
        query = engine.query(record, side)
    except InputError:
        return None
    retrieved = retrieve(replace(query, scorer=scorer))
    if not len(retrieved):
        return None
    columns = prefilter_features(retrieved.pairs, retrieved.candidates, retrieved.history.feedback, side)
    return columns, score(retrieved, scorer).scores.expected
