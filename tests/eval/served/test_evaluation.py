"""The served evaluation on a world whose right matches are known, with the engine and the training that serve."""

from dataclasses import replace

import numpy as np
import pytest

from data.files.judged import JudgedPairs
from data.settings import Settings
from eval.offline.parts import PARTS
from eval.served.evaluation import evaluate_served
from eval.served.exposed import Shown, shown_items
from eval.served.lists import SYSTEMS
from eval.served.metrics import METRICS
from eval.served.task import served_task
from eval.studies.ablation import served_ablation
from matcher.engine import Engine
from matcher.history.graded_pairs import GradedPairs, Showings
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
    """The result, and of each fold the scorer."""
    task = served_task(pairs, pairs)
    model = MatchingModel.build(task.achievements, task.demands, load_encoder("default"))
    fit, fitted = fold_fitter(Settings(threads=1), task, model, PARAMETERS), []

    def watched(model, task, fold):
        fitted.append(fit(model, task, fold))
        return fitted[-1]

    return evaluate_served(task, model, watched), fitted


@pytest.fixture(scope="module")
def fitted(pairs):
    """The task's model and, by name, a scorer fitted without each part, on the first fold."""
    task = served_task(pairs, pairs)
    model = MatchingModel.build(task.achievements, task.demands, load_encoder("default"))
    without = {
        name: fold_fitter(Settings(threads=1), task, model, PARAMETERS, PARTS[name])(model, task, 0)
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
    for fold, scorer in some(enumerate(fitted)):
        here, learned = asked_and_learned(result.task, fold, scorer)
        assert here
        assert learned
        assert not here & learned


def asked_and_learned(task, fold, scorer):
    """Return the titles of the demands that a fold is asked for, and of those whose outcomes its scorer knows."""
    title = {demand.demand_id: demand.title for demand in task.demands}
    return {one.demand.title for one in task.of_fold(fold)}, {title[demand_id] for demand_id, _ in scorer.history.ids}


def test_a_store_s_log_is_learned_but_for_the_demands_that_are_asked(fitted, pairs):
    task, model, _ = fitted
    d, a = (rows[:400] for rows in (pairs.demand_rows, pairs.achievement_rows))
    log = GradedPairs(d, a, pairs.levels[:400] - 1, np.ones(400), showings=Showings.counted(d, a))
    scorer = fold_fitter(Settings(threads=1), task, model, PARAMETERS, log=log)(model, task, 1)
    here, learned = asked_and_learned(task, 1, scorer)
    assert learned
    assert not here & learned
    assert len(learned | here) == len({pairs.demands[row].title for row in d.tolist()} | here)


def test_with_a_log_the_calibration_is_that_of_all_items(asked):
    result = asked[0]
    everything = frozenset(result.task.text_of.values())
    good, bad = (
        {one.demand.demand_id: Shown(items, 0.0) for one in result.task.asked} for items in (everything, frozenset())
    )
    ece = {}
    for name, shown in (("shown", good), ("never", bad)):
        rows = [
            item
            for number, (one, served) in enumerate(zip(result.task.asked, result.lists["gongxu"], strict=True))
            for item in shown_items(number, served, {}, shown[one.demand.demand_id], asked[1][0], result.task.good)
        ]
        ece[name] = result.figures["gongxu"].with_ece_of(rows, len(result.task.asked)).estimates()["ece"].value
    told = [p for served in result.lists["gongxu"] for p in served.probability[:10]]
    assert ece["shown"] == pytest.approx(0.0)
    assert ece["never"] == pytest.approx(np.mean(told))


def test_features_that_are_left_out_are_known_to_nobody(fitted):
    task, model, without = fitted
    engine = Engine(replace(model, scorer=without["history"]))
    query = engine.query(task.asked[0].demand, "achievements", top=10)
    table = features(engine.model, query.scorer, preselected(retrieve(query)).pairs)
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
