"""Pair kernel ridge: the closed form against fitting again, what it learns, what it keeps."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from data.errors import InputError
from models.ranking.pair_kernel import PairInputs, PairKernelRidge, _Landmarks

DEMANDS, PAIRS = 8, 40


def unit(random, n, k):
    rows = random.standard_normal((n, k)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def inputs(seed=0):
    """Features come as x and -x in neighbouring rows: any set of such couples has mean 0 and deviation 1.

    So a model fitted again without some couples standardises as the first one did, as the closed form takes for granted.
    """
    random = np.random.default_rng(seed)
    half = random.choice([-1.0, 1.0], size=(PAIRS // 2, 3)).astype(np.float32)
    features = np.stack([half, -half], axis=1).reshape(PAIRS, 3)
    of = random.integers(0, DEMANDS, PAIRS)
    return PairInputs(unit(random, DEMANDS, 5), of, np.arange(DEMANDS), unit(random, PAIRS, 6), features)


def take(pairs, rows):
    return replace(pairs, of=pairs.of[rows], achievements=pairs.achievements[rows], features=pairs.features[rows])


TARGETS = np.random.default_rng(9).random((PAIRS, 2))


@given(st.sets(st.integers(0, PAIRS // 2 - 1), min_size=1, max_size=PAIRS // 2 - 1))
@limits(max_examples=30, deadline=None)
def test_leaving_rows_out_equals_fitting_without_them(couples):
    pairs = inputs()
    left = np.array(sorted([2 * c for c in couples] + [2 * c + 1 for c in couples]))
    kept = np.setdiff1d(np.arange(PAIRS), left)
    closed = PairKernelRidge().fit(pairs, TARGETS).without(left)
    again = PairKernelRidge().fit(take(pairs, kept), TARGETS[kept])
    np.testing.assert_allclose(closed.predict(pairs), again.predict(pairs), atol=2e-4)


def test_the_label_of_a_row_left_out_cannot_reach_its_prediction():
    pairs, left = inputs(), np.array([3, 11, 12])
    changed = TARGETS.copy()
    changed[left] = 50.0
    before = PairKernelRidge().fit(pairs, TARGETS).without(left).predict(take(pairs, left))
    after = PairKernelRidge().fit(pairs, changed).without(left).predict(take(pairs, left))
    np.testing.assert_allclose(after, before, atol=1e-3)  # single precision; the labels changed by 50


def test_leaving_nothing_out_changes_nothing():
    model = PairKernelRidge().fit(inputs(), TARGETS)
    np.testing.assert_array_equal(model.without(np.zeros(0, dtype=np.intp)).predict(inputs()), model.predict(inputs()))


def test_landmarks_give_the_radial_kernel_exactly_where_they_are_all_points_and_less_of_it_where_not():
    points = unit(np.random.default_rng(3), 30, 4)
    exact = np.exp(2.0 * (points @ points.T - 1.0))
    for chosen in (points, points[:12], np.repeat(points[:6], 2, axis=0)):
        landmarks = _Landmarks.fit(chosen, 2.0)
        described = landmarks.describe(points)
        rest = exact - described @ described.T
        assert np.linalg.eigvalsh(rest.astype(np.float64)).min() > -1e-3
        np.testing.assert_allclose(rest[: len(chosen) // 2, : len(chosen) // 2], 0.0, atol=2e-3)
        assert np.abs(rest).max() < 2e-3 or len(chosen) < len(points)


def test_predictions_stay_near_the_labels_of_near_pairs():
    """Two clusters of demands like two clusters of achievements, crosswise: a checkerboard no single side can tell."""
    random = np.random.default_rng(2)
    corner = np.eye(4, dtype=np.float32)
    demands = np.array([0, 1] * 10)
    of = np.repeat(np.arange(20), 6)
    achievement = random.integers(0, 2, 120)
    pairs = PairInputs(corner[demands], of, np.arange(20), corner[achievement], np.zeros((120, 1), dtype=np.float32))
    liked = (demands[of] == achievement).astype(np.float64)[:, None]
    model = PairKernelRidge().fit(pairs, liked)
    fresh = PairInputs(
        corner[[0, 0, 1, 1]], np.arange(4), np.full(4, -1), corner[[0, 1, 0, 1]], np.zeros((4, 1), dtype=np.float32)
    )
    found = model.predict(fresh)[:, 0]
    assert found[[0, 3]].min() > 0.75
    assert found[[1, 2]].max() < 0.25


def test_an_unknown_demand_is_not_taken_for_another_unknown_one():
    unknown = PairKernelRidge().fit(replace(inputs(), identity=np.full(DEMANDS, -1)), TARGETS)
    known = PairKernelRidge().fit(inputs(), TARGETS)
    difference = np.abs(unknown.predict(replace(inputs(), identity=np.full(DEMANDS, -1))) - known.predict(inputs()))
    assert difference.max() > 0.01
    stranger = replace(inputs(), identity=np.full(DEMANDS, -1))
    np.testing.assert_array_equal(known.sums_.of_demands(stranger.identity), 0.0)


def test_one_demand_at_a_time_predicts_the_same_as_all_at_once():
    pairs = inputs()
    model = PairKernelRidge().fit(pairs, TARGETS)
    together = model.predict(pairs)
    for demand in range(DEMANDS):
        rows = np.flatnonzero(pairs.of == demand)
        single = PairInputs(
            pairs.demands[demand : demand + 1],
            np.zeros(len(rows), dtype=np.int64),
            np.array([demand]),
            pairs.achievements[rows],
            pairs.features[rows],
        )
        np.testing.assert_allclose(model.predict(single), together[rows], atol=1e-5)


def test_a_saved_model_predicts_the_same_and_says_what_it_cannot(tmp_path):
    model = PairKernelRidge().fit(inputs(), TARGETS)
    model.save(tmp_path / "kernel.npz")
    loaded = PairKernelRidge.load(tmp_path / "kernel.npz")
    assert loaded.parameters == model.parameters
    np.testing.assert_array_equal(loaded.predict(inputs(4)), model.predict(inputs(4)))
    with pytest.raises(InputError, match="cannot leave rows out; fit it again"):
        loaded.without(np.array([0]))
