"""Home preference: how much oftener pairs of one province come to an outcome than their share of what was shown would give.

Within each demand: of N achievements shown H were of its own province, and n of those shown had the outcome. Without any
preference n · H / N of these would be of the province. Summed over the demands that had both kinds in their lists, this is E,
and h the number that were: neither busy demands nor well supplied provinces count as preference. It is

    (h + K) / (E + K),    with the 95% interval of a Gamma distribution of shape h + K and rate E + K:

1 as long as nothing is known, as by K expected outcomes that show none. The interval is that of a Poisson count, which is
rather too wide than too narrow for shares.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from scipy.special import gammaincinv

K = 10.0
"""Expected outcomes without a preference that the figure starts from."""


@dataclass(frozen=True)
class DemandShown:
    """What of one demand was shown, and how often it came to the outcome, in all and within its province."""

    shown: int
    shown_home: int
    outcomes: int
    outcomes_home: int


@dataclass(frozen=True)
class HomePreference:
    """Over `demands` with a choice: `home` outcomes within the province, `expected` ones without a preference, the figure."""

    demands: int
    outcomes: int
    home: int
    expected: float
    preference: float
    low: float
    high: float


def home_preference(lists: Iterable[DemandShown]) -> HomePreference:
    """Return the preference over demands; those whose list was all of one kind say nothing."""
    chosen = [one for one in lists if 0 < one.shown_home < one.shown]
    home = sum(one.outcomes_home for one in chosen)
    expected = sum(one.outcomes * one.shown_home / one.shown for one in chosen)
    shape, rate = home + K, expected + K
    low, high = (float(gammaincinv(shape, p)) / rate for p in (0.025, 0.975))
    return HomePreference(len(chosen), sum(one.outcomes for one in chosen), home, expected, shape / rate, low, high)
