"""Home preference: by hand, without a preference 1, with a known one found, one-sided lists say nothing."""

import random

import pytest
from scipy.stats import gamma

from data.federation.home import DemandShown, home_preference


def test_by_hand():
    """10 shown, 4 at home, 5 outcomes of which 4 at home: expected 2; another 8 shown, 2 at home, 4 outcomes, 1: expected 1."""
    found = home_preference([DemandShown(10, 4, 5, 4), DemandShown(8, 2, 4, 1)])
    assert (found.demands, found.outcomes, found.home, found.expected) == (2, 9, 5, 3)
    assert found.preference == pytest.approx(15 / 13)
    assert (found.low, found.high) == pytest.approx(tuple(gamma(15, scale=1 / 13).ppf([0.025, 0.975])))


def test_nothing_known_is_no_preference():
    found = home_preference([])
    assert (found.demands, found.preference) == (0, 1)
    assert found.low < 1 < found.high
    assert home_preference([DemandShown(10, 10, 9, 9), DemandShown(10, 0, 9, 0)]) == found


@pytest.mark.parametrize("times", [1.0, 2.0])
def test_a_known_preference_is_found_whatever_demands_and_provinces_are_like(times):
    draw = random.Random(3)
    lists, wanted, even = [], 0.0, 0.0
    for _ in range(600):
        shown, rate = draw.randint(5, 30), draw.choice((0.02, 0.3))  # some demands are answered much oftener
        home = draw.randint(1, shown - 1)
        at_home = sum(draw.random() < rate * times for _ in range(home))
        away = sum(draw.random() < rate for _ in range(shown - home))
        lists.append(DemandShown(shown, home, at_home + away, at_home))
        wanted += rate * times * home
        even += rate * (times * home + shown - home) * home / shown
    found = home_preference(lists)
    assert found.low < wanted / even < found.high
    assert found.low < 1 < found.high if times == 1 else found.low > 1.1
