"""Cut points against brute force; calibration monotone, bounded and honest."""

from itertools import combinations_with_replacement

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from data.errors import InputError
from models.ranking.calibration import IsotonicCalibration, LevelCutpoints

ROWS = st.lists(st.tuples(st.integers(-3, 4), st.integers(1, 4)), min_size=1, max_size=12)
QUICK = limits(max_examples=100, deadline=None)


def least_error(scores, levels):
    """Try every way to cut the sorted score values into ascending levels."""
    values, known = np.unique(scores), np.unique(levels)
    best = np.inf
    for choice in combinations_with_replacement(known, len(values)):
        predicted = np.array(choice)[np.searchsorted(values, scores)]
        best = min(best, np.abs(predicted - levels).sum())
    return best


@given(ROWS)
@QUICK
def test_no_ascending_levels_err_less(rows):
    scores, levels = np.array(rows, dtype=np.int64).T
    model = LevelCutpoints().fit(scores.astype(float), levels)
    assert np.abs(model.predict(scores.astype(float)) - levels).sum() == least_error(scores, levels)


@given(ROWS)
@QUICK
def test_levels_never_fall_with_the_score(rows):
    scores, levels = np.array(rows, dtype=np.int64).T
    model = LevelCutpoints().fit(scores.astype(float), levels)
    predicted = model.predict(np.linspace(-5, 6, 100))
    assert (np.diff(predicted) >= 0).all()
    assert set(predicted) <= set(levels)
    assert (model.cutpoints_[1:] >= model.cutpoints_[:-1]).all()


def test_neighbouring_floats_are_still_told_apart():
    for low in (1.0, 1 + 2**-52, 1e-320, -1.0):
        scores = np.array([low, np.nextafter(low, np.inf)])
        model = LevelCutpoints().fit(scores, np.array([1, 4]))
        assert model.predict(scores).tolist() == [1, 4]


def test_a_level_never_seen_is_never_predicted():
    model = LevelCutpoints().fit(np.arange(6.0), np.array([1, 1, 1, 4, 4, 4]))
    assert model.predict(np.array([-9.0, 2.4, 2.6, 99.0])).tolist() == [1, 1, 4, 4]


def test_cut_points_are_read_as_they_were_written(tmp_path):
    never_lowest = LevelCutpoints().fit(np.arange(4.0), np.array([2, 2, 1, 1]))  # the higher score has the lower level
    never_lowest.save(tmp_path / "cutpoints.json")
    scores = np.linspace(-50, 50, 200)
    np.testing.assert_array_equal(
        LevelCutpoints.load(tmp_path / "cutpoints.json").predict(scores), never_lowest.predict(scores)
    )


def test_cut_points_need_a_row():
    with pytest.raises(InputError, match="0 judgements"):
        LevelCutpoints().fit(np.zeros(0), np.zeros(0, dtype=np.int64))


@given(st.lists(st.tuples(st.floats(-5, 5), st.booleans()), max_size=40))
@QUICK
def test_probabilities_rise_with_the_score_and_stay_off_certainty(rows):
    scores = np.array([row[0] for row in rows])
    relevant = np.array([row[1] for row in rows], dtype=np.bool_)
    found = IsotonicCalibration().fit(scores, relevant).predict(np.linspace(-9, 9, 200))
    assert (np.diff(found) >= -1e-12).all()
    assert found.min() > 0
    assert found.max() < 1


def test_probabilities_mean_what_they_say():
    random = np.random.default_rng(0)
    scores = random.random(4000)
    model = IsotonicCalibration().fit(scores, random.random(4000) < scores**2)
    for at in (0.2, 0.5, 0.8):
        assert model.predict(np.array([at]))[0] == pytest.approx(at**2, abs=0.07)
    assert model.base_rate_ == pytest.approx(1 / 3, abs=0.03)


def test_a_saved_calibration_says_the_same(tmp_path):
    random = np.random.default_rng(1)
    scores = random.standard_normal(50)
    model = IsotonicCalibration().fit(scores, scores > 0.2)
    model.save(tmp_path / "calibration.json")
    loaded = IsotonicCalibration.load(tmp_path / "calibration.json")
    grid = np.linspace(-4, 4, 333)
    np.testing.assert_array_equal(loaded.predict(grid), model.predict(grid))
    assert loaded.base_rate_ == model.base_rate_
