"""Quality of predicted levels and orders, each weighted by how often a demand was drawn (for the bootstrap).

Every function takes `weights` of shape (b, n): b resamples of n rows, the weight of a row being the number of times its
demand was drawn. A single evaluation is b = 1 with ones. Results have shape (b,).
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MIN_JUDGEMENTS = 5


def level_score(levels: Ints, predicted: Ints, weights: Floats) -> Floats:
    """Return 1 / (1 + MAE) of the level, in (0, 1]; the measure of the published task (CCF BDCI 2019, 359)."""
    error = np.abs(levels - predicted).astype(np.float64)
    return np.asarray(1.0 / (1.0 + weights @ error / weights.sum(axis=1)), dtype=np.float64)


def quadratic_weighted_kappa(levels: Ints, predicted: Ints, weights: Floats) -> Floats:
    """Return Cohen's kappa with quadratic weights, in [-1, 1] (Cohen 1968); 0 where everything has one level."""
    low, high = min(levels.min(), predicted.min()), max(levels.max(), predicted.max())
    k = int(high - low + 1)
    cells = (levels - low) * k + (predicted - low)
    membership = np.zeros((len(levels), k * k))
    membership[np.arange(len(levels)), cells] = 1.0
    observed = (weights @ membership).reshape(-1, k, k)
    expected = observed.sum(axis=2)[:, :, None] * observed.sum(axis=1)[:, None, :]
    cost = (np.arange(k)[:, None] - np.arange(k)[None, :]) ** 2.0
    disagreement = (observed * cost).sum(axis=(1, 2)) * observed.sum(axis=(1, 2))
    by_chance = (expected * cost).sum(axis=(1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(by_chance > 0, 1.0 - disagreement / by_chance, 0.0)


def auc(positive: NDArray[np.bool_], ranking: Floats, weights: Floats) -> Floats:
    """Return the area under the ROC curve, ties counted half; NaN for a resample without both classes."""
    _, tie = np.unique(ranking, return_inverse=True)
    order = np.argsort(tie, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(tie[order]) > 0])
    ordered = weights[:, order]
    ups = np.add.reduceat(ordered * positive[order], starts, axis=1)
    downs = np.add.reduceat(ordered * ~positive[order], starts, axis=1)
    below = np.cumsum(downs, axis=1) - downs / 2.0
    total = ups.sum(axis=1) * downs.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, (ups * below).sum(axis=1) / total, np.nan)


def ndcg_by_demand(levels: Ints, ranking: Floats, demands: Ints, k: int = 10) -> tuple[Ints, Floats]:
    """Return (demand numbers, NDCG@k) of the demands with at least 5 judgements of 2 or more levels.

    Gain 2^(level - 1) - 1, discount 1 / log2(rank + 1) (Järvelin & Kekäläinen 2002). Rows of equal `ranking` share the
    mean gain of their tie, so that the order of the rows cannot matter (McSherry & Najork 2008).
    """
    numbers: list[int] = []
    values: list[float] = []
    order = np.argsort(demands, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(demands[order])) + 1)
    for rows in groups:
        gains = np.asarray(2.0 ** (levels[rows] - 1) - 1.0, dtype=np.float64)
        if len(rows) < MIN_JUDGEMENTS or len(np.unique(levels[rows])) < 2:
            continue
        numbers.append(int(demands[rows[0]]))
        values.append(_dcg(_tied_gains(gains, ranking[rows]), k) / _dcg(np.sort(gains)[::-1], k))
    return np.array(numbers, dtype=np.int64), np.array(values, dtype=np.float64)


def _tied_gains(gains: Floats, ranking: Floats) -> Floats:
    """Return gains best first, the members of a tie all having the tie's mean gain."""
    _, tie = np.unique(-ranking, return_inverse=True)
    mean = np.bincount(tie, weights=gains) / np.bincount(tie)
    return np.asarray(mean[np.sort(tie)], dtype=np.float64)


def _dcg(gains: Floats, k: int) -> float:
    top = gains[:k]
    return float(top @ (1.0 / np.log2(np.arange(2, len(top) + 2))))


def recall_at(relevant: list[set[int]], retrieved: list[NDArray[np.int64]], k: int) -> Floats:
    """Return (n,) share of each query's relevant items (at least one) among its first k retrieved ones."""
    pairs = zip(relevant, retrieved, strict=True)
    return np.array([len(wanted & set(rows[:k].tolist())) / len(wanted) for wanted, rows in pairs], dtype=np.float64)
