"""What missed figures cost a match: the more and the clearer they are missed the more, never beyond a bound."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from matcher.ranking.scorer import Scores

MOST_GRADES = 0.8  # of the expected grade, 0-4, that misses take away at most
MOST_SHARE = 0.6  # of a probability that misses take away at most


def penalised(scores: Scores, severity: NDArray[np.float64]) -> Scores:
    """Return the scores of n pairs lowered by their misses, (n,) `severity`.

    The worse the misses the lower, but by no more than `MOST_GRADES` and `MOST_SHARE`; without a miss nothing changes.
    """
    lost = 1.0 - np.exp(-severity)
    kept = 1.0 - MOST_SHARE * lost
    return replace(
        scores,
        expected=scores.expected - MOST_GRADES * lost,
        probability=scores.probability * kept,
        deal=None if scores.deal is None else scores.deal * kept,
    )
