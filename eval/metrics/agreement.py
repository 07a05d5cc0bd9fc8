"""How far a model's levels agree with people's: Cohen's kappa, with intervals by bootstrap over demands."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.metrics.bootstrap import RESAMPLES, Estimate, resample_weights, summarise
from eval.metrics.levels import quadratic_weighted_kappa

LEAST = 2  # levels that both gave, of which a figure can be made
_STEPS = 2  # half levels are levels: means of several people are rounded to them


@dataclass(frozen=True)
class Agreement:
    """`number` levels that both gave; kappa of good or not, and kappa of the levels with quadratic weights.

    NaN where everybody gave one level, so that chance alone would agree.
    """

    number: int
    demands: int
    kappa: Estimate
    weighted: Estimate


def agreement(
    demands: Sequence[str],
    people: Sequence[float],
    model: Sequence[int],
    good: float,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Agreement:
    """Return the agreement on n pairs, by the ids of their demands; a level of at least `good` is a good match."""
    if len(people) < LEAST:
        unknown = Estimate(float("nan"), float("nan"), float("nan"))
        return Agreement(len(people), len(set(demands)), unknown, unknown)
    names, number = np.unique(np.asarray(demands), return_inverse=True)
    weights = resample_weights(len(names), resamples, seed)[:, number]
    given, proposed = np.asarray(people, dtype=np.float64), np.asarray(model, dtype=np.float64)
    return Agreement(
        number=len(given),
        demands=len(names),
        kappa=_kappa((given >= good).astype(np.int64), (proposed >= good).astype(np.int64), weights),
        weighted=_kappa(_steps(given), _steps(proposed), weights),
    )


def _steps(levels: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.rint(levels * _STEPS).astype(np.int64)


def _kappa(first: NDArray[np.int64], second: NDArray[np.int64], weights: NDArray[np.float64]) -> Estimate:
    """Return kappa with quadratic weights, which of two classes is Cohen's plain one."""
    if len(np.unique(np.concatenate([first, second]))) < LEAST:
        return Estimate(float("nan"), float("nan"), float("nan"))
    return summarise(quadratic_weighted_kappa(first, second, weights))
