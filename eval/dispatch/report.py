"""Waits of the ways to dispatch, with intervals: weeks are drawn again, as the cases of one week wait for each other."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from eval.dispatch.replay import Replay
from eval.dispatch.simulation import DISPATCHERS, Outcome, fullest, simulate
from eval.metrics.bootstrap import Estimate, resample_weights, summarise

WEEK_HOURS = 7 * 24.0
QUANTILE = 0.95
RESAMPLES = 400


@dataclass(frozen=True)
class DispatchFigures:
    """What one way to dispatch came to: waits in hours, `fullest` as a share of places.

    `more_than_gongxu` is the paired difference of the 95% waits.
    """

    name: str
    p95_wait: Estimate
    mean_wait: Estimate
    more_than_gongxu: Estimate
    kilometres: float
    waited: float
    fullest: float

    def as_dict(self) -> dict[str, object]:
        """Return the figures as JSON has them."""
        return asdict(self)


def compare(
    replay: Replay, seed: int = 0, progress: Callable[[str, int, int], None] = lambda _name, _done, _total: None
) -> list[DispatchFigures]:
    """Return the figures of every way to dispatch on one replay, gongxu's first."""
    runs = {}
    for number, (name, dispatcher) in enumerate(DISPATCHERS.items()):
        progress(name, number, len(DISPATCHERS))
        runs[name] = simulate(replay, dispatcher)
    weeks = (np.array([case.arrival for case in replay.cases]) // WEEK_HOURS).astype(np.int64)
    _, week = np.unique(weeks, return_inverse=True)
    draws = resample_weights(int(week.max()) + 1, RESAMPLES, seed)[:, week]
    tails = {name: _weighted_quantiles(_waits(outcomes), draws) for name, outcomes in runs.items()}
    return [
        DispatchFigures(
            name,
            summarise(tails[name]),
            summarise(draws @ _waits(outcomes) / draws.sum(axis=1)),
            summarise(tails[name] - tails["gongxu"]),
            float(np.mean([one.km for one in outcomes])),
            float(np.mean([one.wait > 0 for one in outcomes])),
            fullest(replay, outcomes),
        )
        for name, outcomes in runs.items()
    ]


def _waits(outcomes: Sequence[Outcome]) -> NDArray[np.float64]:
    return np.array([one.wait for one in outcomes])


def _weighted_quantiles(waits: NDArray[np.float64], draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (b,) the `QUANTILE` of (n,) waits, each counted as often as drawn, (b, n)."""
    order = np.argsort(waits, kind="stable")
    reached = np.cumsum(draws[:, order], axis=1)
    places = (reached >= QUANTILE * reached[:, -1:]).argmax(axis=1)
    return np.asarray(waits[order][places], dtype=np.float64)
