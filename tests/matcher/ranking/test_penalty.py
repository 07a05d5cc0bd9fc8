"""Missed figures lower a match: the more the worse, within a bound, and nothing where nothing is missed."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from matcher.ranking.penalty import MOST_GRADES, MOST_SHARE, penalised
from matcher.ranking.scorer import Scores

SEVERITIES = st.lists(st.floats(0, 40), min_size=1, max_size=12)


def scores(n, expected=2.0):
    return Scores(np.full(n, expected), np.full(n, 2, dtype=np.int64), np.full(n, 0.5), np.full(n, 0.1))


@given(severities=SEVERITIES)
def test_worse_misses_never_score_higher_and_losses_are_bounded(severities):
    severity = np.sort(np.array(severities))
    found = penalised(scores(len(severity)), severity)
    for column, start, most in (
        (found.expected, 2.0, MOST_GRADES),
        (found.probability, 0.5, 0.5 * MOST_SHARE),
        (found.deal, 0.1, 0.1 * MOST_SHARE),
    ):
        assert (np.diff(column) <= 1e-12).all()
        assert (column <= start).all()
        assert (column >= start - most - 1e-9).all()


def test_a_hard_miss_falls_visibly_behind_a_match_without_one():
    found = penalised(scores(3), np.array([0.0, 1.0, 2.0]))
    assert found.expected[0] == 2.0
    assert found.probability[0] == 0.5
    assert found.expected[0] - found.expected[1] > 0.4
    assert found.expected[1] > found.expected[2]
    assert found.probability[0] - found.probability[1] > 0.1
