"""Intervals by bootstrap over demands: the judgements of one demand belong together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.metrics.levels import auc, level_score, ndcg_by_demand, quadratic_weighted_kappa
from eval.metrics.lists import list_quality

RESAMPLES = 1000
METRICS = ("score", "mae", "qwk", "auc2", "auc3", "ndcg10", "mrr", "map", "precision5", "recall10")


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95% interval; NaN where the rows do not allow the figure."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Judged:
    """Judged rows with what a system predicted for them; all arrays have shape (n,)."""

    demands: NDArray[np.int64]
    levels: NDArray[np.int64]
    predicted: NDArray[np.int64]
    ranking: NDArray[np.float64]


def resample_weights(n_demands: int, resamples: int, seed: int) -> NDArray[np.float64]:
    """Return (1 + resamples, n_demands) draw counts; row 0 is ones (the sample itself)."""
    draws = np.random.default_rng(seed).multinomial(n_demands, np.full(n_demands, 1.0 / n_demands), size=resamples)
    return np.vstack([np.ones((1, n_demands)), draws]).astype(np.float64)


def estimate_all(judged: Judged, resamples: int = RESAMPLES, seed: int = 0) -> dict[str, Estimate]:
    """Return every metric of `METRICS` with its 95% percentile interval by bootstrap over demands."""
    values = metric_samples(judged, resamples, seed)
    return {name: summarise(samples) for name, samples in values.items()}


def metric_samples(judged: Judged, resamples: int = RESAMPLES, seed: int = 0) -> dict[str, NDArray[np.float64]]:
    """Return for each metric (1 + resamples,) values; the first is the figure on the rows as they are.

    The draws depend only on the number of demands and the seed, so that two systems judged on the same rows can be
    compared draw by draw (paired bootstrap).
    """
    _, demand = np.unique(judged.demands, return_inverse=True)
    by_demand = resample_weights(int(demand.max()) + 1, resamples, seed)
    weights = by_demand[:, demand]
    number = demand.astype(np.int64)
    score = level_score(judged.levels, judged.predicted, weights)
    samples = {
        "score": score,
        "mae": 1.0 / score - 1.0,
        "qwk": quadratic_weighted_kappa(judged.levels, judged.predicted, weights),
        "auc2": auc(judged.levels >= 2, judged.ranking, weights),
        "auc3": auc(judged.levels >= 3, judged.ranking, weights),
    }
    ranked, ndcg = ndcg_by_demand(judged.levels, judged.ranking, number)
    samples["ndcg10"] = _mean_of_demands(by_demand, ranked, ndcg)
    lists = list_quality(judged.levels, judged.ranking, number)
    return samples | {name: _mean_of_demands(by_demand, lists.demands, part) for name, part in lists.values.items()}


def _mean_of_demands(
    by_demand: NDArray[np.float64], demands: NDArray[np.int64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (b,) means of the values of some demands, each weighted by how often it was drawn; NaN if none was."""
    drawn = by_demand[:, demands]
    total = drawn.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(total > 0, drawn @ values / total, np.nan), dtype=np.float64)


def summarise(samples: NDArray[np.float64]) -> Estimate:
    """Return the first sample as value and the 2.5% and 97.5% points of the others as interval."""
    drawn = samples[1:][~np.isnan(samples[1:])]
    if np.isnan(samples[0]) or not len(drawn):
        return Estimate(float("nan"), float("nan"), float("nan"))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Estimate(float(samples[0]), float(low), float(high))


@dataclass(frozen=True)
class Lift:
    """A paired difference of two systems on the same rows: its 95% interval, and how likely chance alone gives as much.

    `p_value` is two-sided, from the same bootstrap draws (Efron & Tibshirani 1993, ch. 16); 1 / resamples at least.
    """

    difference: Estimate
    p_value: float


def lift_of(samples: NDArray[np.float64]) -> Lift:
    """Return the lift that (1 + b,) paired differences show; the first is the difference itself."""
    drawn = samples[1:][~np.isnan(samples[1:])]
    if np.isnan(samples[0]) or not len(drawn):
        return Lift(summarise(samples), float("nan"))
    tail = min((drawn <= 0).mean(), (drawn >= 0).mean())
    return Lift(summarise(samples), float(min(1.0, max(2.0 * tail, 1.0 / len(drawn)))))


def mean_samples(values: NDArray[np.float64], draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (b,) means of (m,) values, each weighted as often as drawn; NaN values count for nothing."""
    known = ~np.isnan(values)
    total = draws[:, known].sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(total > 0, draws[:, known] @ values[known] / total, np.nan), dtype=np.float64)
