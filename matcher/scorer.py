"""From features to grades and probabilities: history, ranker and calibration, fitted together without looking ahead."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from matcher.features import NEARNESS_COLUMNS, FeatureTable, label_free_table, with_history
from matcher.history import HISTORY, History
from matcher.textspace import TextSpace
from matcher.view import View
from models.calibration import IsotonicCalibration
from models.ranker import OrdinalRanker, RankerParameters

INNER_FOLDS = 5
GOOD_GRADE = 2  # a fairly strong match, a contact


@dataclass(frozen=True)
class GradedPairs:
    """Outcomes of the pairs (demands[d], achievements[a]); all arrays (n,): rows, grade 0-4, weight > 0."""

    d: NDArray[np.int64]
    a: NDArray[np.int64]
    grade: NDArray[np.int64]
    weight: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.d)

    def take(self, rows: NDArray[np.intp]) -> "GradedPairs":
        """Return the given pairs, in that order."""
        return GradedPairs(self.d[rows], self.a[rows], self.grade[rows], self.weight[rows])


@dataclass(frozen=True)
class Scores:
    """What the scorer says of n pairs, all (n,): expected grade, most likely (median) grade, calibrated probability."""

    expected: NDArray[np.float64]
    median: NDArray[np.int64]
    probability: NDArray[np.float64]


class Scorer:
    """Orders pairs by expected grade and says how likely each is a good match (grade >= `GOOD_GRADE`)."""

    def __init__(self, history: History, ranker: OrdinalRanker, calibration: IsotonicCalibration | None) -> None:
        self.history = history
        self.ranker = ranker
        self.calibration = calibration

    def table(
        self,
        space: TextSpace,
        demands: View,
        achievements: View,
        d: NDArray[np.int64],
        a: NDArray[np.int64],
        graph_signals: NDArray[np.float32] | None = None,
    ) -> FeatureTable:
        """Return all features of the pairs (demands[d], achievements[a]) as of now."""
        table = label_free_table(space, demands, achievements, d, a, graph_signals)
        return with_history(table, self.history, demands, achievements, d, a)

    def score(self, table: FeatureTable) -> Scores:
        """Return the scores of the table's rows; the probability is NaN where no calibration was fitted."""
        exceeds = self.ranker.predict(table.select(self.ranker.feature_names_))
        expected = self.ranker.expected_grade(exceeds)
        probability = self.calibration.predict(expected) if self.calibration else np.full(len(expected), np.nan)
        return Scores(expected, self.ranker.median_grade(exceeds), probability)

    def save(self, directory: Path) -> None:
        """Write history, ranker and calibration into `directory`, which is created."""
        directory.mkdir(parents=True)
        self.history.save(directory / "history")
        self.ranker.save(directory)
        if self.calibration:
            self.calibration.save(directory / "calibration.json")

    @classmethod
    def load(cls, directory: Path, threads: int = 1) -> Self:
        """Read what `save` wrote."""
        path = directory / "calibration.json"
        calibration = IsotonicCalibration.load(path) if path.is_file() else None
        return cls(History.load(directory / "history"), OrdinalRanker.load(directory, threads), calibration)


def fit_scorer(
    demands: View,
    achievements: View,
    pairs: GradedPairs,
    table: FeatureTable,
    *,
    parameters: RankerParameters | None = None,
    threads: int = 1,
    calibrate: bool = True,
    seed: int = 0,
    progress: Callable[[str], None] = lambda _: None,
) -> Scorer:
    """Fit history, ranker and (unless told otherwise) calibration on graded pairs.

    A pair's history features come from outcomes of other folds only. Half of the demands are put whole into one fold,
    as if they were new; in a second copy of the table it is the other half, so that the ranker learns to serve demands
    with and without a past.

    Args:
        demands: view that `pairs.d` counts in.
        achievements: view that `pairs.a` counts in.
        pairs: n graded pairs.
        table: their label-free features, from `label_free_table`.
        parameters: of the ranker.
        threads: for LightGBM.
        calibrate: whether to fit the probability, which costs 5 more rankers.
        seed: of the folds and the ranker.
        progress: called with the name of each step.

    Raises:
        InputError: all pairs have the same grade.

    """
    nearness = table.select(NEARNESS_COLUMNS)
    group = demands.cards.identity_groups()[pairs.d]
    matter = achievements.cards.identity_groups()[pairs.a]

    progress("history")
    grade = pairs.grade.astype(np.float64)
    history = History.fit(demands, achievements, pairs.d, pairs.a, grade, nearness, seed)
    copies = []
    for fold in _masked_folds(group, matter, seed):
        known = np.full((len(pairs), len(HISTORY)), np.nan, dtype=np.float32)
        for k in range(INNER_FOLDS):
            asked = np.flatnonzero(fold == k)
            if 0 < len(asked) < len(pairs):
                rest = history.without(asked)
                known[asked] = rest.features(demands, achievements, pairs.d[asked], pairs.a[asked], nearness[asked])
        copies.append(np.hstack([table.values, known]))
    features = np.vstack(copies)
    names = (*table.names, *HISTORY)
    grades, weights = np.tile(pairs.grade, 2), np.tile(pairs.weight, 2)
    progress("ranker")
    ranker = OrdinalRanker(parameters, threads).fit(features, names, grades, weights)
    calibration = None
    if calibrate:
        progress("calibration")
        expected = _out_of_fold(features, names, grades, weights, np.tile(group, 2), parameters, threads)
        calibration = IsotonicCalibration().fit(expected, grades >= GOOD_GRADE)
    return Scorer(history, ranker, calibration)


def _masked_folds(group: NDArray[np.int64], matter: NDArray[np.int64], seed: int) -> list[NDArray[np.int64]]:
    """Return two (n,) fold numbers: in the first half of the demands stay whole, in the second the other half.

    `group` and `matter` (n,) number the demands and achievements by their texts. Rows of one pair stay together even
    where their demand does not: a label must not reach its row through a double.
    """
    random = np.random.default_rng(seed)
    groups, demand = np.unique(group, return_inverse=True)
    order = random.permutation(len(groups))
    whole = np.zeros(len(groups), dtype=np.bool_)
    whole[order[: len(groups) // 2]] = True
    fold_of_demand = np.empty(len(groups), dtype=np.int64)
    fold_of_demand[order] = np.arange(len(groups)) % INNER_FOLDS
    _, pair = np.unique(np.stack([group, matter], axis=1), axis=0, return_inverse=True)
    fold_of_pair = random.permutation(pair.max() + 1) % INNER_FOLDS
    by_demand, by_pair = fold_of_demand[demand], fold_of_pair[pair.ravel()]
    return [np.where(whole[demand], by_demand, by_pair), np.where(whole[demand], by_pair, by_demand)]


def _out_of_fold(
    features: NDArray[np.float32],
    names: tuple[str, ...],
    grades: NDArray[np.int64],
    weights: NDArray[np.float64],
    group: NDArray[np.int64],
    parameters: RankerParameters | None,
    threads: int,
) -> NDArray[np.float64]:
    """Return (n,) expected grades, each from a ranker that saw no row of its demand."""
    groups, demand = np.unique(group, return_inverse=True)
    fold = np.arange(len(groups))[demand] % INNER_FOLDS
    expected = np.zeros(len(grades))
    for k in range(INNER_FOLDS):
        asked, rest = fold == k, fold != k
        if asked.any() and len(np.unique(grades[rest])) > 1:
            ranker = OrdinalRanker(parameters, threads).fit(features[rest], names, grades[rest], weights[rest])
            expected[asked] = ranker.expected_grade(ranker.predict(features[asked]))
    return expected
