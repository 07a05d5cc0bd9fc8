"""Folds: what may never straddle two of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from data.errors import InputError
from data.splits import SPLITS, folds, pair_groups, same_groups
from tests.some import some

QUICK = limits(max_examples=60, deadline=None)
NAMES = st.lists(st.tuples(st.sampled_from(["", "a", "b", "c", "d"]), st.sampled_from(["", "x", "y", "z"])), min_size=1)


@given(NAMES)
@QUICK
def test_records_sharing_a_value_share_a_group_and_only_through_a_chain(rows):
    """Against a plain flood fill."""
    columns = list(zip(*rows, strict=True))
    found = same_groups(columns)

    def linked(i, j):
        return any(column[i] and column[i] == column[j] for column in columns)

    for start in some(range(len(rows))):
        reached, frontier = {start}, [start]
        while frontier:
            i = frontier.pop()
            new = [j for j in range(len(rows)) if j not in reached and linked(i, j)]
            reached.update(new)
            frontier += new
        assert set(np.flatnonzero(found == found[start])) == reached


def test_sharing_is_transitive_and_empty_values_share_nothing():
    titles = ["污泥干化", "污泥干化", "另一题目", "", ""]
    contents = ["甲", "乙", "乙", "", ""]
    groups = same_groups([titles, contents])
    assert groups[0] == groups[1] == groups[2]
    assert len({groups[0], groups[3], groups[4]}) == 3


def test_a_title_equal_to_another_record_s_content_is_no_link():
    assert len(set(same_groups([["甲", "乙"], ["乙", "甲"]]))) == 2


def test_equal_pairs_need_both_sides_equal():
    groups = pair_groups(["d", "d", "d", "e"], ["a", "a", "b", "a"])
    assert groups.tolist() == [0, 0, 1, 2]


def rows(seed, n=150):
    random = np.random.default_rng(seed)
    demand = random.integers(0, 20, n)
    achievement = random.integers(0, 6, n)  # few, so that many pairs repeat
    return random.integers(1, 5, n), demand, pair_groups(list(map(str, demand)), list(map(str, achievement)))


@pytest.mark.parametrize("split", SPLITS)
@given(seed=st.integers(0, 1000))
@limits(max_examples=15, deadline=None)
def test_every_row_is_tested_once_and_never_trained_on_then(split, seed):
    levels, demand, pair = rows(seed)
    tested = []
    for train, test in folds(split, levels, demand, pair):
        assert not set(train) & set(test)
        assert len(train) + len(test) == len(levels)
        tested += test.tolist()
    assert sorted(tested) == list(range(len(levels)))


@given(seed=st.integers(0, 1000))
@limits(max_examples=25, deadline=None)
def test_no_group_straddles_two_folds(seed):
    levels, demand, pair = rows(seed)
    for split, group in (("dedup", pair), ("grouped", demand)):
        for train, test in some(folds(split, levels, demand, pair)):
            assert not set(group[train]) & set(group[test])


def test_the_random_split_is_the_leaky_one():
    levels, demand, pair = rows(0)
    assert any(set(pair[train]) & set(pair[test]) for train, test in folds("random", levels, demand, pair))


@pytest.mark.parametrize("split", SPLITS)
def test_folds_are_the_same_every_time(split):
    first, second = (folds(split, *rows(1)) for _ in range(2))
    assert [test.tolist() for _, test in first] == [test.tolist() for _, test in second]


@pytest.mark.parametrize("split", ["random", "dedup"])
def test_levels_are_spread_evenly(split):
    random = np.random.default_rng(0)
    levels = np.where(random.random(1000) < 0.2, 4, 1)
    pair = np.arange(1000) // 2
    for _, test in some(folds(split, levels, np.arange(1000), pair)):
        assert (levels[test] == 4).mean() == pytest.approx((levels == 4).mean(), abs=0.03)


def test_unknown_split_and_too_few_groups_are_named():
    levels, demand, pair = rows(0)
    with pytest.raises(InputError, match=r"unknown split 'time'; known: random, dedup, grouped"):
        folds("time", levels, demand, pair)
    with pytest.raises(InputError, match="needs at least 5 groups of judgements, there are 3"):
        folds("grouped", levels, demand % 3, pair)
