"""How many candidates have to be scored: figures against the simulator's truth, on the suite's platform."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from data.store import Store
from eval.first_stage_study import EVERYTHING, study_scored
from matcher.engine import Engine
from matcher.first_stage import COLUMNS, FirstStage
from matcher.model import MatchingModel


@pytest.fixture(scope="module")
def trained(platform) -> MatchingModel:
    model = MatchingModel.load(platform.trained)
    weights = np.zeros(2 * len(COLUMNS))
    weights[COLUMNS.index("vectors_f")] = 1.0
    stage = FirstStage(weights, np.zeros(len(COLUMNS)))
    parts = model.scorer.history, model.scorer.ranker, model.scorer.calibration
    return replace(model, scorer=type(model.scorer)(*parts, first_stages={"achievements": stage}))


def test_relevance_is_the_truths(platform, trained):
    with Store.open(platform.settings.store_url) as store:
        found = study_scored(trained, store, platform.simulated, [10, 20], sample=12)
        demands = [store.demand(one) for one in trained.demands.base.cards.ids[::2][:12]]
    assert list(found) == ["fused", "everything", "stage 10", "stage 20", "fused 10", "fused 20"]
    assert found["everything"].scored == EVERYTHING
    assert found["fused"].lift.value == 0
    # The truth's file holds what is relevant; with all scored the mean of the list is that of its rows.
    with (platform.simulated / "truth" / "relevance.csv").open(encoding="utf-8") as file:
        truth = {(row["demand_id"], row["achievement_id"]): float(row["relevance"]) for row in csv.DictReader(file)}
    engine, checked = Engine(trained), 0
    for demand in demands:
        items = [match.id for match in engine.recommend_achievements(demand).items]
        known = [truth.get((demand.demand_id, item)) for item in items]
        if items and None not in known:
            with Store.open(platform.settings.store_url) as store:
                alone = study_scored(trained, store, platform.simulated, [10], sample=10**6)
            assert 0 < alone["everything"].relevance.value < 1
            checked += 1
            break
    assert (
        0 < found["stage 10"].relevance.low <= found["stage 10"].relevance.value <= found["stage 10"].relevance.high < 1
    )
