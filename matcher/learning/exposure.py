"""How likely a pair is good that no list ever showed.

A log tells of pairs that the platform's own search believed in; it knows more than texts do, so of the pairs it never showed
to a demand fewer are good than the ranker thinks by those it did. How much fewer is learned from lists of demands that the
asked scorer knows nothing of: which of their candidates had been shown after all. Where more are good than the search ever
shows, its silence says less: of n good pairs a search that showed m cannot have shown more than m.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matcher.history.graded_pairs import Showings
from matcher.ranking.scorer import Scorer
from matcher.ranking.unseen import Exposure
from models.ranking.calibration import IsotonicCalibration

LISTED = 30  # candidates of a list that are looked at
COUNTED = 80  # best candidates among which good ones are counted: as many as the ranker scores for a list
LEAST_DEMANDS = 20  # with showings; with fewer nothing is learned
ASKED = 300  # demands that are asked at most


@dataclass(frozen=True)
class AskedList:
    """A demand, at row `d`, and its candidates best first: rows `a` (k,), each good with `probability` (k,) if shown.

    Of the best `COUNTED` candidates so many are expected to be `good`.
    """

    d: int
    a: NDArray[np.int64]
    probability: NDArray[np.float64]
    good: float


AskDemands = Callable[[Scorer, NDArray[np.int64]], Iterable[AskedList]]
"""Asks a scorer for the lists of the demands at some rows; one that cannot be asked has none."""


def fit_exposure(lists: Iterable[AskedList], showings: Showings, judged: NDArray[np.int64]) -> Exposure | None:
    """Return what pairs that were never shown are worth by what they would be if they had been; None by too few lists.

    A candidate that was shown counts with its probability, another with the part of it that `Showings.unseen_mass` leaves open.
    What experts judged, (j, 2) rows of demand and achievement, was shown to them and says nothing of the search.
    """
    told = {tuple(pair) for pair in judged.tolist()}
    order = np.argsort(showings.d, kind="stable")
    d, a = showings.d[order], showings.a[order]
    probability, good, weight, missed = [], [], [], []
    for one in lists:
        of = slice(*np.searchsorted(d, [one.d, one.d + 1]))
        if of.start == of.stop:
            continue
        missed.append(1.0 - min(1.0, (of.stop - of.start) / max(one.good, 1e-9)))
        left = float(showings.unseen_mass(np.array([one.d]))[0])
        shown = np.isin(one.a, a[of])
        kept = shown | ~np.array([(one.d, place) in told for place in one.a.tolist()], dtype=np.bool_)
        probability.append(one.probability[kept])
        good.append(np.where(shown, 1.0, left)[kept] * one.probability[kept])
        weight.append(np.full(int(kept.sum()), 1.0 - left))
    if len(missed) < LEAST_DEMANDS:
        return None
    weights = np.concatenate(weight)
    telling = weights > 0
    if not telling.any():
        return None
    comes = IsotonicCalibration().fit(
        np.concatenate(probability)[telling], np.concatenate(good)[telling], weights[telling]
    )
    return Exposure(comes, float(np.mean(missed)))
