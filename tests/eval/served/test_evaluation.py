"""The served evaluation on a world whose right matches are known, with the engine and the training that serve."""

from dataclasses import replace

import numpy as np
import pytest

from data.files.judged import JudgedPairs
from data.settings import Settings
from eval.offline.parts import PARTS
from eval.served.evaluation import evaluate_served
from eval.served.lists import SYSTEMS
from eval.served.metrics import METRICS
from eval.served.task import served_task
from eval.studies.ablation import served_ablation
from matcher.engine import Engine
from matcher.model import MatchingModel
from matcher.request.pipeline import features, preselected, retrieve
from models.encoder.base import load_encoder
from models.ranking.ordinal import RankerParameters
from tests.matcher.worlds import make_world
from tests.some import some
from training.studies.fold import fold_fitter

PARAMETERS = RankerParameters(trees=25, learning_rate=0.1, min_data_in_leaf=10, feature_fraction=0.5)


@pytest.fixture(scope="module")
def pairs() -> JudgedPairs:
    world = make_world(30, 36)
    d, a = world.pairs()
    rows = np.flatnonzero(np.random.default_rng(0).random(len(d)) < 0.6)
    return JudgedPairs(
        tuple(world.demands), tuple(world.achievements), d[rows], a[rows], 1 + world.grades(d[rows], a[rows])
    )


@pytest.fixture(scope="module")
def asked(pairs):
    """The result, and of each fold the rows that its scorer was fitted on."""
    task = served_task(pairs, pairs)
    model = MatchingModel.build(task.achievements, task.demands, load_encoder("default"))
    fit, fitted = fold_fitter(Settings(threads=1), task, model, PARAMETERS), []

    def watched(model, task, rows):
        fitted.append(rows)
        return fit(model, task, rows)

    return evaluate_served(task, model, watched), fitted


@pytest.fixture(scope="module")
def fitted(pairs):
    """The task's model and, by name, a scorer fitted without each part, on the first fold."""
    task = served_task(pairs, pairs)
    model = MatchingModel.build(task.achievements, task.demands, load_encoder("default"))
    without = {
        name: fold_fitter(Settings(threads=1), task, model, PARAMETERS, PARTS[name])(model, task, task.train[0])
        for name in ("history", "look-up", "history-channel", "preselection", "trees")
    }
    return task, model, without


def test_the_engine_finds_the_known_answer_and_chance_does_not(asked):
    figures = asked[0].as_json()["served"]
    assert tuple(figures) == SYSTEMS
    for by_metric in figures.values():
        assert tuple(by_metric) == METRICS
        assert all(set(one) == {"value", "low", "high"} for one in by_metric.values())
    assert figures["gongxu"]["ndcg10"]["value"] > 0.95
    assert figures["gongxu"]["recall10"]["value"] > 0.95
    assert figures["random"]["hit3"]["value"] < 0.8
    assert asked[0].lifts()["random"]["ndcg10"].difference.low > 0
    assert figures["random"]["ece"]["value"] is None
    assert figures["gongxu"]["ece"]["value"] is not None


def test_every_good_item_ends_somewhere_most_of_them_before_the_user(asked):
    result = asked[0]
    good = [sum(level >= result.task.good for level in one.levels.values()) for one in result.task.asked]
    assert sum(result.losses.values()) == sum(good)
    recall = result.figures["gongxu"].samples["recall10"][0]
    assert result.losses["served"] / sum(good) == pytest.approx(recall, abs=0.1)
    assert result.losses["channel"] == 0  # fewer records than any channel proposes


def test_no_model_learned_an_outcome_of_a_demand_that_it_was_asked(asked, pairs):
    result, fitted = asked
    for fold, rows in some(enumerate(fitted)):
        learned = {pairs.demands[d].title for d in pairs.demand_rows[rows].tolist()}
        here = {one.demand.title for one in result.task.of_fold(fold)}
        assert here
        assert not here & learned


def test_features_that_are_left_out_are_known_to_nobody(fitted):
    task, model, without = fitted
    engine = Engine(replace(model, scorer=without["history"]))
    query = engine.query(task.asked[0].demand, "achievements", top=10)
    table = features(engine.state, query.scorer, preselected(retrieve(query)).pairs)
    names = PARTS["history"].blank
    assert np.isnan(table.select(names)).all()
    assert np.isfinite(table.select(("kernel_grade", "vectors_f"))).all()
    used = [booster.feature_importance() for booster in without["history"].ranker.boosters_]
    column = [without["history"].ranker.feature_names_.index(name) for name in names]
    assert np.sum(used, axis=0)[column].sum() == 0


def test_steps_that_are_left_out_do_not_happen(fitted):
    task, model, without = fitted
    learned = task.learned
    row = int(task.train[0][0])
    known = learned.demands[learned.demand_rows[row]]
    query = {
        name: Engine(replace(model, scorer=one)).query(known, "achievements", top=10) for name, one in without.items()
    }
    found = {name: retrieve(one) for name, one in query.items()}
    assert np.isnan(query["look-up"].scorer.history.judgements(found["look-up"].pairs)).all()
    assert np.isfinite(query["trees"].scorer.history.judgements(found["trees"].pairs)).any()
    assert "history" in found["look-up"].candidates.channels
    assert "history" not in found["history-channel"].candidates.channels
    assert len(preselected(found["preselection"])) == len(found["preselection"])
    assert without["trees"].ranker.parameters.trees == 50


def test_a_part_is_measured_on_the_same_demands(asked, pairs):
    """Left out against itself nothing changes, draw by draw."""
    figures = asked[0].figures["gongxu"]
    ablation = served_ablation(figures, figures)
    assert set(ablation) == set(METRICS)
    assert ablation["ndcg10"].complete.value > 0.95
    assert (ablation["ndcg10"].lift.low, ablation["ndcg10"].lift.high) == (0, 0)
