"""Whether probabilities mean what they say, and what may be gained by keeping silent where they are low."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.metrics.levels import Floats

BINS = 10


@dataclass(frozen=True)
class ReliabilityCurve:
    """Bins of about equal numbers of rows, ascending: mean `predicted` probability, `observed` rate, `rows` in each."""

    predicted: Floats
    observed: Floats
    rows: NDArray[np.int64]

    @property
    def error(self) -> float:
        """Expected calibration error in [0, 1]: mean distance of predicted and observed, weighted by rows."""
        return float(np.average(np.abs(self.predicted - self.observed), weights=self.rows))


def reliability_curve(probability: Floats, happened: NDArray[np.bool_], bins: int = BINS) -> ReliabilityCurve:
    """Return the reliability curve of (n,) probabilities, n >= 1; rows of equal probability share a bin.

    Bins of equal numbers keep the error from being ruled by bins that hold a handful of rows (Nguyen & O'Connor 2015).
    """
    order = np.argsort(probability, kind="stable")
    starts = _bin_starts(probability[order], bins)
    rows = np.diff(np.r_[starts, len(order)])
    return ReliabilityCurve(
        np.add.reduceat(probability[order], starts) / rows,
        np.add.reduceat(happened[order].astype(np.float64), starts) / rows,
        rows,
    )


def weighted_calibration_error(
    probability: Floats, happened: NDArray[np.bool_] | Floats, weights: Floats, bins: int = BINS
) -> Floats:
    """Return (b,) expected calibration errors of n probabilities, row r of (b, n) `weights` telling what each counts.

    `happened` (n,) is whether, or how likely, each came true.

    The bins are those of `reliability_curve` on the rows as they are, so that b draws of a bootstrap share them.
    """
    order = np.argsort(probability, kind="stable")
    starts = _bin_starts(probability[order], bins)
    excess = (probability - happened)[order]
    drawn = weights[:, order]
    bias = np.abs(np.add.reduceat(drawn * excess, starts, axis=1)).sum(axis=1)
    total = drawn.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(total > 0, bias / total, np.nan), dtype=np.float64)


def _bin_starts(ascending: Floats, bins: int) -> NDArray[np.intp]:
    """Return where the bins begin; equal probabilities share one."""
    bounds = np.arange(1, bins) * len(ascending) // bins
    edges = np.searchsorted(ascending, ascending[bounds[bounds < len(ascending)]], side="left")
    return np.unique(np.r_[0, edges]).astype(np.intp)


@dataclass(frozen=True)
class RiskCoverage:
    """What answering only the surest demands would give, the surest first.

    `coverage` (m,) share of demands answered, ascending to 1; `risk` (m,) share of these whose first item is not good.
    """

    coverage: Floats
    risk: Floats

    @property
    def area(self) -> float:
        """Mean risk over all coverages (AURC, Geifman & El-Yaniv 2017); lower is better."""
        return float(self.risk.mean())


def risk_coverage(probability: Floats, good: NDArray[np.bool_], demands: NDArray[np.int64]) -> RiskCoverage:
    """Return the curve for (n,) rows: each demand answers with its most probable row and is as sure as that is."""
    order = np.lexsort((-probability, demands))
    first = order[np.r_[True, np.diff(demands[order]) > 0]]
    surest = first[np.argsort(-probability[first], kind="stable")]
    answered = np.arange(1, len(surest) + 1)
    return RiskCoverage(answered / len(surest), np.cumsum(~good[surest]) / answered)
