"""How long outcomes take, estimated from a log that ends before all of them have come."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ENOUGH = 20  # observed delays below which none is estimated
DAY = 86_400.0


@dataclass(frozen=True)
class DelayDistribution:
    """A step function: `share` (k,) of all delays are at most `delay` (k,) seconds, both ascending."""

    delay: NDArray[np.float64]
    share: NDArray[np.float64]

    def arrived(self, age: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the share in [0, 1] of outcomes that have come by each age in seconds."""
        place = np.searchsorted(self.delay, age, side="right")
        return np.asarray(np.concatenate([[0.0], self.share])[place], dtype=np.float64)


def delay_distribution(delay: NDArray[np.float64], window: NDArray[np.float64]) -> DelayDistribution | None:
    """Return the distribution of delays of which only those within their row's window could be seen.

    Long delays of recent rows are missing from any log: the plain distribution of observed delays is too short. Read
    backwards in time the truncation is ordinary late entry, and the product-limit estimator applies (Lagakos, Barraj &
    De Gruttola, Biometrika 1988). It is relative to delays that the longest window could show.

    Args:
        delay: (m,) observed delays in seconds.
        window: (m,) seconds between each row's start and the end of the log, at least `delay`.

    Returns:
        None if there are fewer than `ENOUGH` delays.

    """
    if len(delay) < ENOUGH:
        return None
    steps, came = np.unique(delay, return_counts=True)
    # at risk at x, backwards: delays up to x whose window reaches beyond x
    at_risk = np.searchsorted(np.sort(delay), steps, side="right") - np.searchsorted(
        np.sort(window), steps, side="left"
    )
    survives = 1.0 - came / np.maximum(at_risk, came)
    share = np.append(np.cumprod(survives[::-1])[::-1][1:], 1.0)
    return DelayDistribution(steps, share)
