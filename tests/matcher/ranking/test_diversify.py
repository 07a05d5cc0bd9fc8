"""Selection and fusion, on their own."""

import numpy as np
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from matcher.ranking.channels import RRF_CONSTANT, fuse
from matcher.ranking.diversify import diversify

PLACES = st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 15)), min_size=1, max_size=40)
QUICK = limits(max_examples=100, deadline=None)


@given(PLACES, st.integers(1, 20))
@QUICK
def test_no_owner_beyond_its_share_while_others_wait_and_no_matter_twice(rows, top):
    owners, text_ids = np.array(rows).T
    chosen = diversify(np.arange(len(rows), dtype=np.intp), owners, text_ids, top)
    distinct = len(set(text_ids.tolist()))
    assert len(chosen) == min(top, distinct)  # never shorter than it could be
    assert len(set(text_ids[chosen].tolist())) == len(chosen)
    limit = max(2, int(np.ceil(0.3 * top)))
    over = [owner for owner in range(4) if (owners[chosen] == owner).sum() > limit]
    if over:  # then nobody else was left
        firsts = [int(np.flatnonzero(text_ids == matter)[0]) for matter in set(text_ids.tolist())]
        left = set(firsts) - set(chosen.tolist())
        assert all(owners[place] >= 0 and (owners[chosen] == owners[place]).sum() >= limit for place in left)


def test_the_best_come_first_and_those_held_back_fill_up():
    owners = np.array([7, 7, 7, 7, 8])
    chosen = diversify(np.array([3, 2, 1, 0, 4], dtype=np.intp), owners, np.arange(5), top=4)
    assert chosen.tolist() == [3, 2, 4, 1]


def test_unnamed_owners_are_not_limited():
    chosen = diversify(np.arange(6, dtype=np.intp), np.full(6, -1), np.arange(6), top=6)
    assert chosen.tolist() == [0, 1, 2, 3, 4, 5]


def test_reciprocal_rank_fusion_by_hand():
    found = fuse({"dense": np.array([5, 3]), "lexical": np.array([3, 9, 5])})
    k = RRF_CONSTANT
    expected = {3: 1 / (k + 2) + 1 / (k + 1), 5: 1 / (k + 1) + 1 / (k + 3), 9: 1 / (k + 2)}
    assert found.rows.tolist() == sorted(expected, key=lambda row: -expected[row])
    np.testing.assert_allclose(found.fused, [expected[row] for row in found.rows.tolist()])
    assert found.channels["dense"].tolist() == [2, 1, 0]
    assert found.proposed_by(0) == ["dense", "lexical"]
    assert found.proposed_by(2) == ["lexical"]


def test_equal_scores_are_ordered_by_row_and_nothing_gives_nothing():
    assert fuse({"a": np.array([8]), "b": np.array([2])}).rows.tolist() == [2, 8]
    assert len(fuse({}).rows) == 0
    assert len(fuse({"a": np.zeros(0, dtype=np.int64)}).rows) == 0
