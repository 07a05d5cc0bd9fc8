"""Metrics against scikit-learn and against sums done by hand."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score, ndcg_score, roc_auc_score

from eval.metrics.levels import auc, level_score, ndcg_by_demand, quadratic_weighted_kappa, recall_at

LEVELS = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(0, 5), st.integers(1, 4)), min_size=2)
QUICK = limits(max_examples=60, deadline=None)


def columns(rows):
    levels, predicted, ranking, weight = (np.array(column) for column in zip(*rows, strict=True))
    return levels, predicted, ranking.astype(float), weight.astype(float)


def test_score_by_hand():
    levels, predicted = np.array([1, 2, 3, 4]), np.array([1, 3, 1, 4])
    assert level_score(levels, predicted, np.ones((1, 4)))[0] == pytest.approx(1 / (1 + 3 / 4))
    drawn = np.array([[0.0, 2.0, 1.0, 0.0]])  # the second demand drawn twice, the first and last not at all
    assert level_score(levels, predicted, drawn)[0] == pytest.approx(1 / (1 + 4 / 3))


@given(LEVELS)
@QUICK
def test_kappa_agrees_with_scikit_learn(rows):
    levels, predicted, _, weight = columns(rows)
    assume(len(np.unique(np.r_[levels, predicted])) > 1)
    expected = cohen_kappa_score(levels, predicted, weights="quadratic", sample_weight=weight, labels=[1, 2, 3, 4])
    found = quadratic_weighted_kappa(levels, predicted, weight[None, :])[0]
    assert found == pytest.approx(expected, abs=1e-9)


def test_kappa_of_a_single_level_is_zero_not_nan():
    same = np.full(5, 2)
    assert quadratic_weighted_kappa(same, same, np.ones((2, 5))).tolist() == [0.0, 0.0]


@given(LEVELS)
@QUICK
def test_auc_agrees_with_scikit_learn_ties_and_weights_included(rows):
    levels, _, ranking, weight = columns(rows)
    positive = levels >= 3
    assume(positive.any() and not positive.all())
    expected = roc_auc_score(positive, ranking, sample_weight=weight)
    assert auc(positive, ranking, weight[None, :])[0] == pytest.approx(expected, abs=1e-9)


def test_auc_of_one_class_is_nan_for_that_resample_only():
    positive, ranking = np.array([True, False, True]), np.array([0.3, 0.1, 0.2])
    values = auc(positive, ranking, np.array([[1.0, 1, 1], [1, 0, 1]]))
    assert values[0] == 1.0
    assert np.isnan(values[1])


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 3)), min_size=5, max_size=30), st.integers(1, 12))
@QUICK
def test_ndcg_agrees_with_scikit_learn_ties_averaged(rows, k):
    levels, ranking = np.array(rows).T
    assume(len(np.unique(levels)) > 1)
    gains = 2.0 ** (levels - 1) - 1
    numbers, found = ndcg_by_demand(levels, ranking.astype(float), np.zeros(len(levels), dtype=np.int64), k)
    assert numbers.tolist() == [0]
    assert found[0] == pytest.approx(ndcg_score([gains], [ranking], k=k), abs=1e-9)


def test_ndcg_by_hand():
    levels, ranking = np.array([1, 3, 2, 1, 1]), np.array([0.9, 0.8, 0.1, 0.2, 0.3])
    # gains 0, 3, 1, 0, 0 in the order 0, 1, 4, 3, 2
    expected = (3 / np.log2(3) + 1 / np.log2(6)) / (3 / np.log2(2) + 1 / np.log2(3))
    assert ndcg_by_demand(levels, ranking, np.zeros(5, dtype=np.int64))[1][0] == pytest.approx(expected)


@given(st.permutations(range(12)))
@QUICK
def test_ndcg_does_not_depend_on_the_order_of_rows(order):
    levels = np.array([1, 2, 3, 4, 1, 1, 2, 1, 1, 3, 2, 1])
    ranking = np.array([1.0, 1, 0, 0, 2, 2, 2, 0, 1, 1, 0, 0])
    demands = np.array([7] * 6 + [9] * 6)
    numbers, values = ndcg_by_demand(levels[list(order)], ranking[list(order)], demands[list(order)])
    assert numbers.tolist() == [7, 9]
    np.testing.assert_allclose(values, ndcg_by_demand(levels, ranking, demands)[1])


def test_ndcg_leaves_out_demands_that_cannot_be_ordered():
    levels = np.array([1, 2, 3, 4, 2, 2, 2, 2, 2, 1, 2, 1, 1, 1])
    demands = np.array([0] * 4 + [1] * 5 + [2] * 5)  # too few judgements; one level only; enough
    numbers, values = ndcg_by_demand(levels, np.arange(14.0), demands)
    assert numbers.tolist() == [2]
    assert 0 < values[0] < 1


def test_recall_counts_the_first_k_only():
    found = recall_at([{1, 2}, {5}], [np.array([2, 9, 1]), np.array([5, 1, 2])], k=2)
    assert found.tolist() == [0.5, 1.0]
