"""How many candidates have to be scored: figures against the simulator's truth, on the suite's platform."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from data.errors import InputError
from data.store.store import Store
from eval.studies.first_stage import EVERYTHING, study_scored
from eval.studies.simulated_truth import SimulatedTruth
from matcher.engine import Engine
from matcher.model import MatchingModel
from matcher.ranking.first_stage import COLUMNS, FirstStage
from tests.some import some


@pytest.fixture(scope="module")
def trained(platform) -> MatchingModel:
    """The suite's model with a first stage that knows nothing but the texts' nearness."""
    model = MatchingModel.load(platform.trained)
    weights = np.zeros(2 * len(COLUMNS))
    weights[COLUMNS.index("vectors_f")] = 1.0
    stage = FirstStage(weights, np.zeros(len(COLUMNS)))
    scorer = replace(model.scorer, threshold=None, deal_calibration=None, first_stages={"achievements": stage})
    return replace(model, scorer=scorer)


def test_relevance_is_that_of_the_file(platform):
    truth = SimulatedTruth(platform.simulated)
    with (platform.simulated / "truth" / "relevance.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[::7]
    for row in some(rows):
        demand, achievement = int(row["demand_id"][1:]) - 1, int(row["achievement_id"][1:]) - 1
        (found,) = truth.relevance(demand, np.array([achievement]))
        assert found == pytest.approx(float(row["relevance"]), abs=6e-4)
        assert int(truth.grades(demand)[achievement]) == int(row["grade"])


def test_ways_are_held_against_the_truth(platform, trained):
    truth = SimulatedTruth(platform.simulated)
    ids = trained.demands.base.cards.ids
    chosen = [ids[row] for row in range(0, len(ids), 3)][:8]
    with Store.open(platform.settings.store_url) as store:
        found = study_scored(trained, store, platform.simulated, [10, 20], sample=8)
        demands = [store.demand(one) for one in chosen]
    assert list(found) == ["fused", "everything", "stage 10", "stage 20", "fused 10", "fused 20"]
    assert found["everything"].scored == EVERYTHING
    assert found["fused"].lift.value == 0
    lists = [Engine(trained).recommend_achievements(demand).items for demand in demands]  # 80 records: all are scored
    means = [
        np.mean(truth.relevance(int(one.demand_id[1:]) - 1, np.array([int(item.id[1:]) - 1 for item in items])))
        if items
        else 0.0
        for one, items in zip(demands, lists, strict=True)
    ]
    assert found["everything"].relevance.value == pytest.approx(np.mean(means))
    for one in found.values():
        assert one.relevance.low <= one.relevance.value <= one.relevance.high


def test_what_cannot_be_studied_is_refused(platform, trained, tmp_path):
    with Store.open(platform.settings.store_url) as store:
        with pytest.raises(InputError, match="no first stage"):
            study_scored(MatchingModel.load(platform.trained), store, platform.simulated, [10], 8)
        smaller = tmp_path / "sim"
        (smaller / "truth").mkdir(parents=True)
        world = json.loads((platform.simulated / "truth" / "world.json").read_text(encoding="utf-8"))
        world["plan"] |= {"achievements": 20, "demands": 5}
        (smaller / "truth" / "world.json").write_text(json.dumps(world), encoding="utf-8")
        with pytest.raises(InputError, match="give the folder it came from"):
            study_scored(trained, store, smaller, [10], 8)
