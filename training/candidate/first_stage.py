"""Fits the first stages: what the served scorer says of the candidates of some stored records, learned by a line."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from data.columns.arrays import FloatArray
from data.errors import InputError, NotFoundError
from data.records import Achievement, Demand
from data.text.segment import content_words
from matcher.collection.filters import Filters
from matcher.engine import Engine, Side
from matcher.features.graph import GraphQuery
from matcher.ranking.channels import find_candidates
from matcher.ranking.first_stage import SCORED, FirstStage, prefilter_features
from matcher.ranking.scorer import Scorer
from matcher.request.subject import demand_history

ASKING = {
    "achievements": 300,
    "demands": 100,
}  # records of the other side; an achievement's request costs several times more
MIN_POOLS = 20  # pools of more candidates than are scored, below which there is little to learn from, and to gain

Pool = tuple[FloatArray, NDArray[np.float64]]


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


def _pool(engine: Engine, scorer: Scorer, record: Demand | Achievement, side: Side) -> Pool | None:
    """Return columns (n, f) and expected grades (n,) of a record's candidates; None if it says nothing or has none."""
    try:
        subject = engine.subject(record)
    except InputError:
        return None
    model, shelf, for_demand = engine.model, engine.shelf(side), side == "achievements"
    likeness, feedback = demand_history(scorer, subject) if for_demand else (None, None)
    lens = GraphQuery(model.graph, record, subject.row) if model.graph else None
    reach = lens.retrieve if lens and for_demand else None
    words, asking = content_words(subject.text.full), (subject.view, subject.place)
    candidates = find_candidates(
        subject.view, words, shelf, shelf.allowed(Filters()), feedback, reach, place=subject.place
    )
    if not len(candidates.rows):
        return None
    found, places = shelf.at(candidates.rows)
    columns = prefilter_features(*asking, found, places, candidates, feedback, subject_is_demand=for_demand)
    one = np.full(len(places), subject.place, dtype=np.int64)
    signals = lens.signals(candidates.rows) if lens else None
    if for_demand:
        table = scorer.table(model.space, subject.view, found, one, places, signals, likeness)
    else:
        table = scorer.table(model.space, found, subject.view, places, one, signals)
    return columns, scorer.score(table).expected
