"""Intervals by bootstrap over demands: the judgements of one demand stand or fall together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.metrics import auc, level_score, ndcg_by_demand, quadratic_weighted_kappa

RESAMPLES = 1000
METRICS = ("score", "qwk", "auc2", "auc3", "ndcg10")


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
    ranked, ndcg = ndcg_by_demand(judged.levels, judged.ranking, demand.astype(np.int64))
    drawn = by_demand[:, ranked]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_ndcg = np.where(drawn.sum(axis=1) > 0, drawn @ ndcg / drawn.sum(axis=1), np.nan)
    return {
        "score": level_score(judged.levels, judged.predicted, weights),
        "qwk": quadratic_weighted_kappa(judged.levels, judged.predicted, weights),
        "auc2": auc(judged.levels >= 2, judged.ranking, weights),
        "auc3": auc(judged.levels >= 3, judged.ranking, weights),
        "ndcg10": mean_ndcg,
    }


def summarise(samples: NDArray[np.float64]) -> Estimate:
    """Return the first sample as value and the 2.5% and 97.5% points of the others as interval."""
    drawn = samples[1:][~np.isnan(samples[1:])]
    if np.isnan(samples[0]) or not len(drawn):
        return Estimate(float("nan"), float("nan"), float("nan"))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Estimate(float(samples[0]), float(low), float(high))
