"""Figures of served lists against numbers worked out by hand."""

import math

import numpy as np
import pytest

from eval.served.lists import ServedList
from eval.served.metrics import METRICS, ShownItem, calibration_samples, list_figures, served_figures

NAN = float("nan")


def served(*texts: int, probability: float = NAN, answered: bool = True) -> ServedList:
    return ServedList(texts, (probability,) * len(texts), answered)


def test_items_without_a_level_are_skipped_and_counted():
    levels = {1: 4.0, 2: 1.0, 3: 3.0, 4: 2.0}
    found = list_figures(served(99, 2, 98, 1, 97), levels, 3.0)
    gain = {4: 7.0, 3: 3.0, 2: 1.0, 1: 0.0}
    best = gain[4] + gain[3] / math.log2(3) + gain[2] / 2
    assert found["ndcg10"] == pytest.approx((gain[1] + gain[4] / math.log2(3)) / best)
    assert found["p10"] == pytest.approx(0.1)
    assert found["p3"] == pytest.approx(1 / 3)
    assert found["hit3"] == 1.0
    assert found["risk"] == 0.0
    assert found["judged10"] == pytest.approx(0.2)
    assert found["recall10"] == pytest.approx(0.5)


def test_recall_looks_at_the_list_as_it_stands():
    levels = dict.fromkeys(range(4), 4.0)
    long = served(*range(100, 109), 0, *range(200, 230), 1)
    found = list_figures(long, levels, 3.0)
    assert found["recall10"] == pytest.approx(0.25)
    assert found["recall50"] == pytest.approx(0.5)


def test_an_empty_list_is_worth_nothing_and_risks_nothing():
    found = list_figures(served(answered=False), {1: 4.0}, 3.0)
    assert (found["ndcg10"], found["p10"], found["hit3"], found["answered"]) == (0.0, 0.0, 0.0, 0.0)
    assert math.isnan(found["risk"])


def test_nothing_good_allows_no_recall_and_nothing_above_the_lowest_no_ndcg():
    found = list_figures(served(1, 2), {1: 1.0, 2: 1.0}, 3.0)
    assert math.isnan(found["recall10"])
    assert math.isnan(found["ndcg10"])
    assert found["risk"] == 1.0


def test_the_best_order_beats_the_worst_and_intervals_hold_the_value():
    levels = [{text: 1.0 + text % 4 for text in range(number, number + 12)} for number in range(30)]
    best = [served(*sorted(known, key=known.__getitem__, reverse=True)) for known in levels]
    worst = [served(*sorted(known, key=known.__getitem__)) for known in levels]
    high, low = served_figures(best, levels, 3.0), served_figures(worst, levels, 3.0)
    assert set(high.samples) == set(METRICS)
    assert high.estimates()["ndcg10"].value == pytest.approx(1.0)
    lift = high.less(low)["ndcg10"]
    assert lift.difference.low > 0.3
    assert high.less(high)["p10"].difference.high == 0.0
    for name in ("p3", "ndcg10"):
        one = low.estimates()[name]
        assert one.low <= one.value <= one.high


def test_the_calibration_error_is_that_of_what_is_shown():
    """Half of the shown items are good: a probability of 0.5 is honest, one of 0.9 errs by 0.4; others count for nothing."""
    levels = [{0: 4.0, 1: 1.0}] * 40
    for said, error in ((0.5, 0.0), (0.9, 0.4)):
        lists = [ServedList((0, 1, 7), (said, said, 0.01)) for _ in levels]
        assert served_figures(lists, levels, 3.0).estimates()["ece"].value == pytest.approx(error)
    assert math.isnan(served_figures([served(0, 1)] * 40, levels, 3.0).estimates()["ece"].value)
    below = [ServedList((*range(10, 20), 0), (np.nan,) * 10 + (0.9,)) for _ in levels]
    assert math.isnan(served_figures(below, levels, 3.0).estimates()["ece"].value)


def test_what_is_known_to_be_good_in_part_counts_by_its_share_and_weight():
    draws = np.array([[1.0, 1.0], [1.0, 0.0]])
    items = [ShownItem(0, 0.5, 0.0), ShownItem(0, 0.5, 0.5, 3.0), ShownItem(1, 0.5, 1.0), ShownItem(1, NAN, 1.0)]
    first = abs((0.5 - 0.0) + 3 * (0.5 - 0.5) + (0.5 - 1.0)) / 5
    np.testing.assert_allclose(calibration_samples(items, draws), [first, 0.5 / 4])
    assert np.isnan(calibration_samples([ShownItem(0, NAN, 1.0)], draws)).all()
