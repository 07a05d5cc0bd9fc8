"""History as training sees it: of what was known then, never of what came later or of the row itself."""

from dataclasses import replace

import numpy as np
import pytest

from matcher.features.table import NEARNESS_COLUMNS, FeatureTable
from matcher.history.features import HISTORY
from matcher.history.graded_pairs import NO_REASON, GradedPairs, OutcomeLog
from matcher.learning.out_of_fold import TIME_BLOCKS, past_features, time_blocks
from tests.some import some

N = 150
DAY = 86_400.0


def dated(known, grades, order):
    """Return the pairs `order` of the world shown one a day; their grade comes to be known two days after."""
    n = len(order)
    shown_at = np.arange(n) * DAY
    changes = sorted(
        [(shown_at[row], row, 0) for row in range(n)]
        + [(shown_at[row] + 2 * DAY, row, int(grades[row])) for row in range(n)]
    )
    at, row, grade = (np.array(column) for column in zip(*changes, strict=True))
    log = OutcomeLog(
        judged=np.zeros(n, dtype=np.bool_),
        request=np.arange(n),
        position=np.ones(n, dtype=np.int64),
        shown_at=shown_at,
        reason=np.full(n, NO_REASON, dtype=np.int8),
        change_row=row.astype(np.int64),
        change_at=at.astype(np.float64),
        change_grade=grade.astype(np.int64),
    )
    return GradedPairs(known.d[order], known.a[order], grades.astype(np.int64), np.ones(n), log)


def features(known, pairs, order):
    table = FeatureTable(known.table.values[order], known.table.names)
    return past_features(known.demands, known.achievements, pairs, table.select(NEARNESS_COLUMNS))


@pytest.fixture(scope="module")
def order(known):
    return np.random.default_rng(0).permutation(len(known.d))[:N]


@pytest.fixture(scope="module")
def grades(known, order):
    return known.world.grades(known.d[order], known.a[order]) + (np.arange(N) % 3 == 0)


@pytest.fixture(scope="module")
def learned(known, order, grades):
    return features(known, dated(known, grades, order), order)


@pytest.fixture(scope="module")
def tables(learned):
    return learned[1]


def test_shuffle_the_future_and_the_features_stay_the_same(known, order, grades, tables):
    """What was shown and came about from day 100 on is drawn again; rows up to then see nothing of it."""
    cut = 100
    random = np.random.default_rng(1)
    future = random.permutation(np.arange(cut, N))
    other_order, other_grades = order.copy(), grades.copy()
    other_order[cut:], other_grades[cut:] = order[future], random.permutation(grades[cut:])
    found = features(known, dated(known, other_grades, other_order), other_order)[1]
    for before, after in zip(tables, found, strict=True):
        np.testing.assert_allclose(after[:cut], before[:cut], atol=1e-5)  # sums of floats in another order
    late = slice(N - 25, N)
    assert np.abs(np.nan_to_num(found[0][late]) - np.nan_to_num(tables[0][late])).max() > 0.01


def test_a_row_s_own_outcome_is_not_among_its_features(known, order, grades, tables):
    row = N - 5
    turned = grades.copy()
    turned[row] = 4 - turned[row]
    found = features(known, dated(known, turned, order), order)[1]
    for before, after in some(zip(tables, found, strict=True)):
        np.testing.assert_allclose(after[row], before[row], atol=1e-5)


def test_outcomes_that_became_known_later_than_the_block_began_do_not_count(known, order, grades):
    """The same grades, but known only years after: history then holds grade 0 for everything."""
    pairs = dated(known, grades, order)
    never = replace(pairs.log, change_at=np.where(pairs.log.change_grade > 0, 1e12, pairs.log.change_at))
    place = np.argsort(never.change_at, kind="stable")
    late = replace(
        never,
        change_at=never.change_at[place],
        change_row=never.change_row[place],
        change_grade=never.change_grade[place],
    )
    _, tables = features(known, replace(pairs, log=late), order)
    column = HISTORY.index("others_mean")
    assert np.nanmax(tables[0][:, column]) == pytest.approx(0, abs=1e-6)


def test_the_first_rows_know_nothing_and_each_demand_is_new_in_one_table(known, tables):
    first = N // TIME_BLOCKS
    for table in some(tables):
        assert np.isnan(table[:first]).all()
        assert np.isfinite(table[first:, HISTORY.index("kernel_grade")]).all()
    own = np.stack([table[first:, HISTORY.index("known_pairs")] for table in tables])
    assert (np.nan_to_num(own) == 0).any(axis=0).all()
    assert (own.max(axis=0) > 0).mean() > 0.5


def test_serving_knows_all_that_is_known_by_now(learned, grades):
    history = learned[0]
    assert len(history.grades) == N
    assert sorted(history.grades.tolist()) == sorted(grades.tolist())


def test_blocks_are_about_equal_and_keep_moments_together():
    shown_at = np.r_[np.repeat(np.arange(50.0), 4), np.nan, np.nan]
    parts = time_blocks(shown_at)
    assert len(parts) == TIME_BLOCKS
    assert np.array_equal(np.sort(np.concatenate([rows for rows, _ in parts])), np.arange(200))
    for rows, begin in parts:
        assert shown_at[rows].min() == begin
        assert 20 <= len(rows) <= 50
    assert time_blocks(np.array([np.nan])) == []
    assert len(time_blocks(np.zeros(9))) == 1


def test_of_a_pair_shown_twice_history_holds_the_best_once():
    log = OutcomeLog(
        judged=np.array([False, False, True]),
        request=np.array([0, 1, -1]),
        position=np.array([1, 1, 0]),
        shown_at=np.array([0.0, 10.0, np.nan]),
        reason=np.full(3, NO_REASON, dtype=np.int8),
        change_row=np.array([2, 0, 0, 1]),
        change_at=np.array([-np.inf, 0.0, 5.0, 10.0]),
        change_grade=np.array([1, 0, 2, 0]),
    )
    same = np.zeros(3, dtype=np.int64)
    pairs = GradedPairs(same, same, np.array([2, 0, 1]), np.ones(3), log)
    assert [part.tolist() for part in pairs.known_as_of(20.0)] == [[0, 2], [2, 1]]
    assert [part.tolist() for part in pairs.known_as_of(5.0)] == [[0, 2], [0, 1]]
    assert [part.tolist() for part in pairs.known_as_of(0.0)] == [[2], [1]]
    kept = pairs.take(np.array([2, 0]))
    assert [part.tolist() for part in kept.known_as_of(5.0)] == [[0, 1], [1, 0]]
