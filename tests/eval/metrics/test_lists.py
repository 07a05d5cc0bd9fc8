"""Metrics of lists, exposure and calibration: against scikit-learn, by hand, and where they must not move."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from eval.metrics.calibration_curve import reliability_curve, risk_coverage
from eval.metrics.exposure import gini, holder_exposure, list_diversity, novelty, top_rows
from eval.metrics.lists import list_quality

QUICK = limits(max_examples=60, deadline=None)


def test_one_list_by_hand():
    levels = np.array([1, 3, 2, 4, 1, 1])
    found = list_quality(levels, np.array([6.0, 5, 4, 3, 2, 1]), np.zeros(6, dtype=np.int64))
    assert found.demands.tolist() == [0]
    values = {name: value[0] for name, value in found.values.items()}
    assert values == pytest.approx({"mrr": 1 / 2, "map": (1 / 2 + 2 / 4) / 2, "precision5": 2 / 5, "recall10": 1.0})


@given(st.lists(st.integers(1, 4), min_size=5, max_size=40), st.randoms(use_true_random=False))
@QUICK
def test_map_agrees_with_scikit_learn(levels, random):
    levels = np.array(levels)
    assume(0 < (levels >= 3).sum() < len(levels))
    ranking = np.array(random.sample(range(len(levels)), len(levels)), dtype=float)
    found = list_quality(levels, ranking, np.full(len(levels), 3))
    assert found.values["map"][0] == pytest.approx(average_precision_score(levels >= 3, ranking))


@given(st.permutations(range(14)))
@QUICK
def test_lists_do_not_depend_on_the_order_of_rows_without_ties(order):
    levels = np.array([1, 3, 1, 4, 1, 2, 2, 3, 1, 1, 1, 4, 3, 1])
    ranking = np.arange(14) * 0.7 % 5.3
    demands = np.repeat([4, 2], 7)
    first = list_quality(levels, ranking, demands)
    again = list_quality(levels[list(order)], ranking[list(order)], demands[list(order)])
    assert again.demands.tolist() == [2, 4]
    for name, values in first.values.items():
        np.testing.assert_allclose(again.values[name], values)


def test_lists_that_cannot_be_judged_are_left_out():
    levels = np.array([3, 1, 1, 1] + [1] * 5 + [4] * 5 + [3, 1, 1, 1, 1])
    demands = np.repeat([0, 1, 2, 3], [4, 5, 5, 5])
    assert list_quality(levels, np.arange(19.0), demands).demands.tolist() == [3]


def test_probabilities_drawn_from_themselves_are_calibrated_and_squares_are_not():
    random = np.random.default_rng(0)
    probability = random.random(20_000)
    happened = random.random(20_000) < probability
    honest, bold = reliability_curve(probability, happened), reliability_curve(probability**3, happened)
    assert honest.error < 0.02
    assert bold.error > 0.15
    assert honest.rows.sum() == 20_000
    assert (np.diff(honest.predicted) > 0).all()


def test_equal_probabilities_share_a_bin():
    curve = reliability_curve(np.array([0.5] * 30 + [0.9]), np.array([True, False] * 15 + [True]))
    assert curve.rows.sum() == 31
    assert curve.predicted[0] == pytest.approx(0.5, abs=0.02)
    assert len(curve.rows) <= 2


def test_risk_falls_where_the_sure_are_right():
    probability = np.array([0.9, 0.1, 0.8, 0.2, 0.3, 0.1])
    good = np.array([True, False, True, False, False, True])
    curve = risk_coverage(probability, good, np.array([0, 0, 1, 1, 2, 2]))
    np.testing.assert_allclose(curve.coverage, [1 / 3, 2 / 3, 1])
    np.testing.assert_allclose(curve.risk, [0, 0, 1 / 3])
    assert curve.area == pytest.approx(1 / 9)


def test_gini_by_hand_and_at_its_ends():
    assert gini(np.array([1.0, 1, 1, 1])) == pytest.approx(0)
    assert gini(np.array([0.0, 0, 0, 1])) == pytest.approx(3 / 4)
    assert gini(np.array([1.0, 2, 3])) == pytest.approx(2 / 9)
    assert np.isnan(gini(np.zeros(3)))


@given(st.lists(st.floats(0, 100), min_size=2, max_size=20))
@QUICK
def test_gini_is_half_the_mean_difference(amounts):
    values = np.array(amounts)
    assume(values.sum() > 0.01)
    expected = np.abs(values[:, None] - values[None, :]).mean() / (2 * values.mean())
    assert gini(values) == pytest.approx(expected, abs=1e-9)


def test_top_rows_exposure_diversity_and_novelty_by_hand():
    demands = np.array([1, 0, 1, 0, 1])
    rows, rank = top_rows(np.array([0.1, 0.2, 0.9, 0.8, 0.5]), demands, depth=2)
    assert rows.tolist() == [3, 1, 2, 4]
    assert rank.tolist() == [1, 2, 1, 2]
    exposure = holder_exposure(np.array([0, 1, 0, -1]), rank, 3)
    np.testing.assert_allclose(exposure, [2.0, 1 / np.log2(3), 0.0])
    vectors = np.array([[1, 0], [0, 1], [1, 0], [1, 0]], dtype=np.float32)
    assert list_diversity(vectors, demands[rows]) == pytest.approx(0.5)
    assert novelty(np.array([0.5, 0.125])) == pytest.approx(2.0)
