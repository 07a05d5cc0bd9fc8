"""Calibrates the least probability at which a list is worth showing, when a ranker is trained."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from matcher.ranking.verdict import CONFIDENCE, SHOWN, TARGET_RISK, AnswerThreshold

LEAST_JUDGED = 10  # candidates of a demand; with fewer a good one on top says little
LEAST_DEMANDS = 20  # with fewer demands no risk can be promised
EVEN = 0.5  # what is settled for where too few demands are known to be that sure
COLUMNS = ("probability", "good", "possible")


@dataclass(frozen=True)
class Confidences:
    """Of n demands the best judged candidate's probability (n,), whether one of the first `SHOWN` is good, whether any is."""

    probability: NDArray[np.float64]
    good: NDArray[np.bool_]
    possible: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.good)

    def take(self, rows: NDArray[np.intp]) -> "Confidences":
        """Return the given demands."""
        return Confidences(self.probability[rows], self.good[rows], self.possible[rows])


def confidences_of(demand: NDArray[np.int64], probability: NDArray[np.float64], good: NDArray[np.bool_]) -> Confidences:
    """Return the confidences of the demands with at least `LEAST_JUDGED` rows; all arguments (n,), a row a judged pair."""
    best, hit, any_good = [], [], []
    order = np.argsort(demand, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(demand[order])) + 1):
        if len(rows) >= LEAST_JUDGED:
            top = rows[np.argsort(-probability[rows], kind="stable")[:SHOWN]]
            best.append(probability[top[0]])
            hit.append(good[top].any())
            any_good.append(good[rows].any())
    return Confidences(np.array(best), np.array(hit, dtype=np.bool_), np.array(any_good, dtype=np.bool_))


def same_coverage(held: Confidences, fitted: AnswerThreshold) -> AnswerThreshold | None:
    """Return the threshold that answers the share of demands that a `fitted` one does, with the risk that this has.

    None without demands.
    """
    if not len(held):
        return None
    order = np.sort(held.probability)[::-1]
    least = float(order[max(0, round(fitted.coverage * len(order)) - 1)])
    answered = held.probability >= least
    risk = float(np.mean(~held.good[answered]))
    return AnswerThreshold(
        probability=least,
        target=min(max(fitted.target, round(risk, 2)), 0.99),
        risk=risk,
        coverage=float(answered.mean()),
        demands=len(held),
        confidence=EVEN,
    )


def calibrate_threshold(held: Confidences, target: float, confidence: float = CONFIDENCE, views: int = 1) -> float:
    """Return the least threshold whose risk stays below `target` with the given confidence on the given demands.

    Each demand occurs `views` times; the bound takes that many for one. The bound is Clopper and Pearson's for
    the demands above the threshold (selection with guaranteed risk, Geifman & El-Yaniv 2017, without the correction for
    the number of thresholds tried).

    Raises:
        InputError: no threshold keeps the risk that low, or there are no demands.

    """
    from scipy.special import betaincinv  # half a second, which no other command shall pay

    order = np.argsort(-held.probability, kind="stable")
    wrong = np.cumsum(~held.good[order])
    answered = np.arange(1, len(order) + 1)
    right = np.maximum((answered - wrong) / views, 1e-9)
    bound = np.where(wrong == answered, 1.0, betaincinv(wrong / views + 1, right, confidence))
    # demands of equal confidence are answered together or not at all
    last = np.r_[np.diff(held.probability[order]) < 0, True] if len(order) else np.zeros(0, dtype=np.bool_)
    kept = np.flatnonzero((bound <= target) & last)
    if not len(kept):
        least = float(bound.min()) if len(bound) else 1.0
        raise InputError(f"no threshold keeps the risk below {target:g}; the least that can be promised is {least:.3f}")
    return float(held.probability[order[kept[-1]]])


def fit_threshold(held: Confidences, target: float = TARGET_RISK, views: int = 1) -> AnswerThreshold | None:
    """Return the threshold that keeps the risk below `target`, or None if none can be expected to.

    With the confidence `CONFIDENCE`; where no threshold can promise that, with `EVEN`: as likely as not. Each demand occurs
    `views` times in `held`.
    """
    if len(held) < LEAST_DEMANDS * views:
        return None
    for confidence in (CONFIDENCE, EVEN):
        try:
            least = calibrate_threshold(held, target, confidence, views)
        except InputError:
            continue
        answered = held.probability >= least
        return AnswerThreshold(
            probability=least,
            target=target,
            risk=float(np.mean(~held.good[answered])),
            coverage=float(answered.mean()),
            demands=len(held) // views,
            confidence=confidence,
        )
    return None
