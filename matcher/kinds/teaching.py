"""Fits the rankers of kinds on outcomes: each demand's candidates are found as for a list, and known pairs looked up."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from data.kinds.outcome import PairOutcome
from data.records import Demand
from matcher.engine import Engine
from matcher.kinds.candidates import KindsQuery, kind_candidates
from matcher.kinds.index import KindIndex
from matcher.kinds.ranker import KindRanker, fit_ranker
from matcher.texts.space import record_text

MAX_DEMANDS = 2_000  # a few minutes
TOP = 50


def fit_rankers(
    engine: Engine, index: KindIndex, demands: Iterable[Demand], outcomes: Mapping[str, Sequence[PairOutcome]]
) -> dict[str, KindRanker]:
    """Return a ranker for each kind whose outcomes are enough; `outcomes` are those of pairs by kind."""
    stored = {demand.demand_id: demand for demand in demands}
    found = {name: _of_kind(engine, index, name, stored, pairs) for name, pairs in outcomes.items()}
    return {name: ranker for name, ranker in found.items() if ranker is not None}


def _of_kind(
    engine: Engine, index: KindIndex, name: str, stored: Mapping[str, Demand], pairs: Sequence[PairOutcome]
) -> KindRanker | None:
    by_demand: dict[str, dict[str, PairOutcome]] = {}
    for pair in pairs:
        if pair.demand_id in stored and record_text(stored[pair.demand_id]).full:
            by_demand.setdefault(pair.demand_id, {})[pair.record_id] = pair
    features, penalty, good, numbers = [], [], [], []
    for number, (demand_id, known) in enumerate(sorted(by_demand.items())[:MAX_DEMANDS]):
        query = KindsQuery({name: TOP}, min(pair.day for pair in known.values()))
        subject = engine.subject(stored[demand_id])
        candidates = kind_candidates(engine, index, subject, index.kinds[name], TOP, query)
        for place, record in enumerate(candidates.records if candidates else ()):
            if candidates is not None and record.id in known:
                features.append(candidates.features[place])
                penalty.append(candidates.penalty[place])
                good.append(known[record.id].good)
                numbers.append(number)
    if not good:
        return None
    return fit_ranker(np.array(features), np.array(penalty), np.array(good), np.array(numbers, dtype=np.int64))
