"""What another policy would have earned, estimated from the log of the one that served (off-policy evaluation)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from eval.metrics.bootstrap import RESAMPLES, Estimate, resample_weights, summarise
from eval.metrics.levels import Floats, Ints

CONVERGED = 1e-6


@dataclass(frozen=True)
class OffPolicy:
    """The value of a target policy by three estimators, each with its 95% interval, and the effective sample size.

    `effective` = (Σ w)² / Σ w² of n logged rewards: far below n, the log says little about the target.
    """

    ips: Estimate
    snips: Estimate
    doubly_robust: Estimate
    effective: float


def off_policy(
    reward: Floats,
    weight: Floats,
    unit: Ints,
    predicted_logged: Floats,
    predicted_target: Floats,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> OffPolicy:
    """Return the mean reward per row under the target policy, intervals by bootstrap over units.

    ips: Σ w r / n (Horvitz & Thompson 1952), unbiased if the logged propensities are right and positive wherever the
    target acts. snips: Σ w r / Σ w (Swaminathan & Joachims 2015), steadier and nearly unbiased. doubly_robust:
    mean of q_target + w (r - q_logged) (Dudík, Langford & Li 2011), right if either the propensities or the model q is.

    Args:
        reward: (n,) logged rewards.
        weight: (n,) probability of the logged action under the target policy over that under the logging policy.
        unit: (n,) what is drawn together, for instance the number of the demand.
        predicted_logged: (n,) a model's reward of the logged action; the model must not have seen the row.
        predicted_target: (n,) the model's expected reward of the target policy in the row's situation.
        resamples: bootstrap draws.
        seed: of the draws.

    Raises:
        InputError: there are no rows, or a weight is negative or not finite.

    """
    if not len(reward):
        raise InputError("off-policy estimates need at least 1 logged reward, there are 0")
    if not (np.isfinite(weight).all() and (weight >= 0).all()):
        raise InputError("a policy weight is negative or not finite: the logging policy never takes a logged action")
    _, number = np.unique(unit, return_inverse=True)
    units = int(number.max()) + 1

    def total(values: Floats) -> Floats:
        return np.asarray(np.bincount(number, weights=values, minlength=units), dtype=np.float64)

    draws = resample_weights(units, resamples, seed)
    rows, weights = draws @ total(np.ones(len(reward))), draws @ total(weight)
    earned = draws @ total(weight * reward)
    corrected = draws @ total(predicted_target + weight * (reward - predicted_logged))
    with np.errstate(invalid="ignore", divide="ignore"):
        return OffPolicy(
            summarise(earned / rows),
            summarise(np.where(weights > 0, earned / weights, np.nan)),
            summarise(corrected / rows),
            float(weight.sum() ** 2 / (weight**2).sum()) if weight.any() else 0.0,
        )


def examination_curve(pair: Ints, position: Ints, clicked: NDArray[np.bool_], rounds: int = 200) -> Floats:
    """Return (p,) how likely each position from 1 is looked at, relative to the first one.

    Pairs that were shown at several positions tell position from relevance (intervention harvesting, Agarwal et al.
    2019). Clicks are taken as Poisson with mean examination × attraction of the pair; the maximum likelihood is found by
    proportional fitting. A position that was shown and never clicked counts as clicked half a time; one never shown gets 0.

    Args:
        pair: (n,) number of the shown pair.
        position: (n,) where it was shown, from 1.
        clicked: (n,) whether it was clicked.
        rounds: of fitting, at most.

    Raises:
        InputError: nothing was shown at position 1.

    """
    if not (position == 1).any():
        raise InputError("examination is relative to position 1, where the log shows nothing")
    place = position - 1
    count = np.maximum(np.bincount(place[clicked], minlength=int(place.max()) + 1), 0.5)
    _, number = np.unique(pair, return_inverse=True)
    clicks = np.bincount(number, weights=clicked.astype(np.float64))
    curve = np.ones(len(count))
    for _ in range(rounds):
        attraction = clicks / np.bincount(number, weights=curve[place])
        expected = np.bincount(place, weights=attraction[number], minlength=len(count))
        new = count / np.maximum(expected, 1e-9)
        new /= new[0]
        done = np.abs(new - curve).max() < CONVERGED
        curve = new
        if done:
            break
    return np.where(np.bincount(place, minlength=len(count)) > 0, curve, 0.0)


def reordered_weights(position: Ints, target: Ints, examination: Floats) -> Floats:
    """Return (n,) weights of shown items whose list another policy reorders: examination there over examination here.

    With these weights `off_policy` estimates clicks per shown item of the new order (position-based model, Joachims,
    Swaminathan & Schnabel 2017). `position` and `target` (n,) count from 1; `examination` (p,) as from `examination_curve`.

    Raises:
        InputError: an item was shown at a position that nobody looks at.

    """
    here = examination[position - 1]
    if (here <= 0).any():
        nobody = int(position[here <= 0][0])
        raise InputError(f"position {nobody} has examination 0: the log cannot tell what is worth showing higher up")
    return np.asarray(examination[target - 1] / here, dtype=np.float64)


def new_positions(request: Ints, ranking: Floats) -> Ints:
    """Return (n,) positions from 1 that the items of each request get when ordered by `ranking`, higher first."""
    order = np.lexsort((-ranking, request))
    starts = np.flatnonzero(np.r_[True, np.diff(request[order]) > 0])
    rank = np.arange(len(order)) - np.repeat(starts, np.diff(np.r_[starts, len(order)])) + 1
    positions = np.empty(len(order), dtype=np.int64)
    positions[order] = rank
    return positions
