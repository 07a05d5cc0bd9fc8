"""Intervals by bootstrap over demands."""

from dataclasses import replace

import numpy as np
import pytest

from eval.metrics.bootstrap import (
    METRICS,
    Judged,
    estimate_all,
    lift_of,
    metric_samples,
    resample_weights,
    summarise,
)
from eval.metrics.levels import auc, level_score
from tests.some import some


def judged(n_demands=12, each=8, seed=0, noise=0.8):
    random = np.random.default_rng(seed)
    levels = random.integers(1, 5, n_demands * each)
    ranking = levels + noise * random.standard_normal(len(levels))
    return Judged(np.repeat(np.arange(n_demands), each), levels, np.clip(np.rint(ranking), 1, 4).astype(int), ranking)


def test_the_first_sample_is_the_figure_itself():
    rows = judged()
    found = estimate_all(rows, resamples=50)
    ones = np.ones((1, len(rows.levels)))
    assert set(found) == set(METRICS)
    assert found["score"].value == level_score(rows.levels, rows.predicted, ones)[0]
    assert found["auc3"].value == auc(rows.levels >= 3, rows.ranking, ones)[0]


def test_every_interval_holds_its_figure_and_lies_within_the_possible():
    for estimate in some(estimate_all(judged(), resamples=300).values()):
        assert 0 < estimate.low <= estimate.value <= estimate.high <= 1


def test_whole_demands_are_drawn():
    weights = resample_weights(5, 200, seed=1)
    assert weights.shape == (201, 5)
    assert (weights[0] == 1).all()
    assert (weights.sum(axis=1) == 5).all()
    assert len(np.unique(weights[1:], axis=0)) > 50


def test_judgements_of_one_demand_stand_or_fall_together():
    """The same judgements spread over many demands give a much narrower interval than bound to a few."""
    random = np.random.default_rng(3)
    right = np.repeat(random.random(6) < 0.5, 40)  # whole demands are right or wrong
    levels = np.full(len(right), 2)
    predicted = np.where(right, 2, 4)
    widths = []
    for demands in (np.repeat(np.arange(6), 40), np.arange(240)):
        found = summarise(metric_samples(Judged(demands, levels, predicted, np.zeros(240)), 300)["score"])
        widths.append(found.high - found.low)
    assert widths[0] > 3 * widths[1]


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    random = np.random.default_rng(5)
    truth, covered = 1 / (1 + 0.5), 0
    for trial in range(60):
        wrong = (random.random((40, 5)) < 0.5).ravel()
        levels = np.ones(200, dtype=np.int64)
        rows = Judged(np.repeat(np.arange(40), 5), levels, levels + wrong, np.zeros(200))
        found = summarise(metric_samples(rows, 200, seed=trial)["score"])
        covered += found.low <= truth <= found.high
    assert covered >= 51  # 95% of 60 is 57; fewer than 51 would happen once in ten thousand times


def test_two_systems_are_compared_draw_by_draw():
    rows = judged()
    first, second = metric_samples(rows, 20), metric_samples(rows, 20)
    np.testing.assert_array_equal(first["auc2"], second["auc2"])
    assert not np.array_equal(metric_samples(rows, 20, seed=1)["auc2"][1:], first["auc2"][1:])


def test_a_figure_the_rows_do_not_allow_is_nan_without_a_warning():
    rows = Judged(np.arange(6), np.ones(6, dtype=np.int64), np.ones(6, dtype=np.int64), np.zeros(6))
    found = estimate_all(rows, resamples=20)
    assert found["score"].value == 1.0
    for name in ("auc2", "auc3", "ndcg10"):
        assert np.isnan([found[name].value, found[name].low, found[name].high]).all()


def test_demand_numbers_need_not_be_dense():
    rows = judged()
    sparse = Judged(rows.demands * 1000 + 17, rows.levels, rows.predicted, rows.ranking)
    assert estimate_all(sparse, 30) == estimate_all(rows, 30)


def lifts(ours, theirs, resamples):
    """Return the lift of each metric, on the same draws of demands."""
    mine, other = metric_samples(ours, resamples, seed=0), metric_samples(theirs, resamples, seed=0)
    return {name: lift_of(mine[name] - other[name]) for name in METRICS}


def test_a_paired_lift_is_narrower_than_two_intervals_and_says_how_sure_it_is():
    good, same = judged(40, seed=1, noise=0.8), judged(40, seed=1, noise=0.8)
    worse = replace(good, ranking=good.ranking + 0.8 * np.random.default_rng(0).standard_normal(len(good.levels)))
    lift = lifts(good, worse, 300)
    alone = estimate_all(good, 300)["auc3"]
    assert lift["auc3"].difference.low > 0
    assert lift["auc3"].p_value <= 0.01
    assert lift["auc3"].difference.high - lift["auc3"].difference.low < 2 * (alone.high - alone.low)
    nothing = lifts(good, same, 100)
    assert all(one.difference.value == 0 and one.p_value == 1 for one in nothing.values())


def test_mean_absolute_error_is_the_score_turned_round():
    found = estimate_all(judged(), resamples=20)
    assert found["score"].value == pytest.approx(1 / (1 + found["mae"].value))
