"""Fits history, ranker, calibration and answer threshold together, without looking ahead."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from knowledge_graph.reading.signals import SIGNAL_NAMES
from matcher.collection.encoded import EncodedRecords
from matcher.features.table import MONOTONE, NEARNESS_COLUMNS, FeatureTable
from matcher.history.features import HISTORY
from matcher.history.graded_pairs import GradedPairs
from matcher.history.outcome_history import History
from matcher.learning.answer_threshold import COLUMNS, Confidences, confidences_of, fit_threshold, same_coverage
from matcher.learning.exposure import ASKED, AskDemands, fit_exposure
from matcher.learning.out_of_fold import FOLDS, new_in_first, past_features
from matcher.ranking.prior import text_prior
from matcher.ranking.scorer import DEAL_GRADE, GOOD_GRADE, MIN_CALIBRATION_ROWS, FirstDay, Scorer
from matcher.ranking.unseen import Exposure
from matcher.ranking.verdict import TARGET_RISK, AnswerThreshold
from models.ranking.calibration import IsotonicCalibration, LevelCutpoints
from models.ranking.ordinal import OrdinalRanker, RankerParameters

MIN_DEALS = 20
NO_GRAPH = 4  # one demand in so many is without graph signals where the ranker without history is trained
MANY_ROWS = 50_000  # rows from which two folds do for calibration


def fit_scorer(
    demands: EncodedRecords,
    achievements: EncodedRecords,
    pairs: GradedPairs,
    table: FeatureTable,
    *,
    parameters: RankerParameters | None = None,
    threads: int = 1,
    calibrate: bool = True,
    answer_risk: float = TARGET_RISK,
    seed: int = 0,
    choose: "Callable[[Examples, NDArray[np.int64]], RankerParameters] | None" = None,
    blank: Collection[str] = (),
    ask: AskDemands | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Scorer:
    """Fit history, ranker and (unless `calibrate` is false) calibration on graded pairs.

    A row's history features hold what was known before it was shown, of undated judgements what other folds say; see
    `matcher.learning.out_of_fold`. What the place in a list does to outcomes is learned apart and left out of the scores.

    Args:
        demands: view that `pairs.d` counts in.
        achievements: view that `pairs.a` counts in.
        pairs: n graded pairs.
        table: their label-free features, from `label_free_table`.
        parameters: of the ranker.
        threads: for LightGBM.
        calibrate: whether to fit the probabilities, which costs as much again as up to 5 more rankers.
        answer_risk: share of answers without a good match on top that the threshold of answering may lead to.
        seed: of the folds and the ranker.
        choose: returns the parameters to take instead, given the examples and (n,) numbers of their demands.
        blank: features that the ranker is to learn without.
        ask: asks a scorer for lists of demands, to learn what a probability is worth of a pair that no list showed; without
            it, or without a log, such pairs are taken to be as good as those shown.
        progress: called with the name of each step.

    Raises:
        InputError: all pairs have the same grade.

    """
    progress("history")
    history, examples = training_examples(demands, achievements, pairs, table, seed)
    examples = examples.blanked(blank)
    group = demands.cards.identity_groups()[pairs.d]
    if choose:
        progress("tune")
        parameters = choose(examples, group)
    progress("ranker")
    ranker = examples.fit(parameters, threads)
    if not calibrate:
        return Scorer(history, ranker)
    progress("calibration")
    held = examples.out_of_fold(group, parameters, threads)
    ranker.spread_ = held.spread
    calibration, deal_calibration = _calibrations(pairs, held.expected, held.sealed)
    probability = calibration.predict(held.expected)
    cutpoints = _cutpoints(pairs, held.expected)
    threshold = _answer_threshold(pairs, group, probability, new_in_first(group, seed), answer_risk)
    progress("without history")
    first_day = _first_day(silent_examples(demands, pairs, table).blanked(blank), group, parameters, threads, threshold)
    scorer = Scorer(history, ranker, calibration, deal_calibration, threshold, first_day, cutpoints=cutpoints)
    if ask is None or pairs.showings is None:
        return scorer
    progress("exposure")
    return scorer.with_exposure(_exposure(scorer, pairs, held, ask))


@dataclass(frozen=True)
class OutOfFold:
    """What rankers say that saw no row of the demand, of k copies of n pairs.

    `expected` (k n,) are numbers to order by: expected grades with what texts add to them (`text_prior`); `sealed` (k n,) are
    raw probabilities of a deal. `fold` (n,) are the pairs' folds and `first` is the ranker that knows nothing of fold 0.
    `spread` is the deviation of the expected grades alone.
    """

    expected: NDArray[np.float64]
    sealed: NDArray[np.float64]
    fold: NDArray[np.int64]
    first: OrdinalRanker | None
    spread: float


@dataclass(frozen=True)
class Examples:
    """What a ranker is trained on: n `pairs` with `features` (k n, f), k copies of the pairs one after the other.

    With history there are two: each half of the demands is treated as new in one of them.
    """

    pairs: GradedPairs
    features: NDArray[np.float32]
    names: tuple[str, ...]

    @property
    def copies(self) -> int:
        """How often each pair occurs among the features."""
        return len(self.features) // len(self.pairs)

    def blanked(self, names: Collection[str]) -> "Examples":
        """Return the examples as if the features with these names were not known."""
        if not names:
            return self
        return Examples(self.pairs, FeatureTable(self.features, self.names).blanked(names).values, self.names)

    def fit(
        self, parameters: RankerParameters | None, threads: int, rows: NDArray[np.intp] | None = None
    ) -> OrdinalRanker:
        """Return a ranker fitted on the given rows of `pairs`, all if none are named."""
        pairs, features = self.pairs, self.features
        if rows is not None:
            n = len(pairs)
            features = features[np.concatenate([rows + n * copy for copy in range(self.copies)])]
            pairs = pairs.take(rows)
        grades = np.arange(max(1, int(pairs.grade.max(initial=0))))
        weights = np.stack([pairs.weight_for_threshold(int(grade)) for grade in grades], axis=1)
        return OrdinalRanker(parameters, threads).fit(
            features,
            self.names,
            np.tile(pairs.grade, self.copies),
            np.tile(weights, (self.copies, 1)),
            positions=np.tile(pairs.position, self.copies),
            monotone=dict.fromkeys(MONOTONE, 1),
        )

    def out_of_fold(self, group: NDArray[np.int64], parameters: RankerParameters | None, threads: int) -> OutOfFold:
        """Return what rankers say that saw no row of the demand; `group` (n,) numbers the demands."""
        n = len(self.pairs)
        folds = FOLDS if n <= MANY_ROWS else 2
        groups, demand = np.unique(group, return_inverse=True)
        fold = np.arange(len(groups))[demand] % folds
        expected, sealed = np.zeros(self.copies * n), np.zeros(self.copies * n)
        first = None
        for k in range(folds):
            asked, rest = np.flatnonzero(np.tile(fold, self.copies) == k), np.flatnonzero(fold != k)
            if len(asked) and len(np.unique(self.pairs.grade[rest])) > 1:
                ranker = self.fit(parameters, threads, rest)
                exceeds = ranker.predict(self.features[asked])
                expected[asked] = ranker.expected_grade(exceeds)
                sealed[asked] = ranker.above(exceeds, DEAL_GRADE - 1)
                first = ranker if k == 0 else first
        spread = float(expected.std())
        if first is not None:
            first.spread_ = spread
        return OutOfFold(expected + text_prior(self.features, self.names, spread), sealed, fold, first, spread)


def training_examples(
    demands: EncodedRecords, achievements: EncodedRecords, pairs: GradedPairs, table: FeatureTable, seed: int = 0
) -> tuple[History, Examples]:
    """Return the history to serve with and the examples to fit a ranker on; arguments as for `fit_scorer`."""
    history, tables = past_features(demands, achievements, pairs, table.select(NEARNESS_COLUMNS), seed)
    features = np.vstack([np.hstack([table.values, known]) for known in tables])
    return history, Examples(pairs, features, (*table.names, *HISTORY))


def silent_examples(demands: EncodedRecords, pairs: GradedPairs, table: FeatureTable) -> Examples:
    """Return the examples of a ranker that knows no history, and of one demand in `NO_GRAPH` no graph signal."""
    features = table.values.copy()
    signals = [column for column, name in enumerate(table.names) if name in SIGNAL_NAMES]
    without_graph = np.flatnonzero(demands.cards.identity_groups()[pairs.d] % NO_GRAPH == 0)
    features[np.ix_(without_graph, np.array(signals, dtype=np.intp))] = np.nan
    return Examples(pairs, features, table.names)


def _calibrations(
    pairs: GradedPairs, expected: NDArray[np.float64], sealed: NDArray[np.float64]
) -> tuple[IsotonicCalibration, IsotonicCalibration | None]:
    """Return the probability of a good match, and of a deal if at least `MIN_DEALS` are known.

    The arguments (k n,) are of k copies of the pairs.

    Experts say what a good match is where they judged enough; else contacts do. Deals are a matter of what was shown.
    """
    copies = len(expected) // len(pairs)
    judged, grade = np.tile(pairs.judged, copies), np.tile(pairs.grade, copies)
    rows = np.tile(_telling(pairs), copies)
    weight = np.tile(pairs.weight_for_threshold(GOOD_GRADE - 1), copies)
    good = IsotonicCalibration().fit(expected[rows], grade[rows] >= GOOD_GRADE, weight[rows])
    if (pairs.grade[~pairs.judged] >= DEAL_GRADE).sum() < MIN_DEALS:
        return good, None
    weight = np.tile(pairs.weight_for_threshold(DEAL_GRADE - 1), copies)
    deal = IsotonicCalibration().fit(sealed[~judged], grade[~judged] >= DEAL_GRADE, weight[~judged])
    return good, deal


def _first_day(
    examples: Examples,
    group: NDArray[np.int64],
    parameters: RankerParameters | None,
    threads: int,
    threshold: AnswerThreshold | None,
) -> FirstDay:
    """Return the ranker for scoring without history, calibrated on its own out-of-fold grades.

    Its threshold answers as many demands as that with history, with the risk that this has.
    """
    pairs = examples.pairs
    held = examples.out_of_fold(group, parameters, threads)
    expected, sealed = held.expected, held.sealed
    good, deal = _calibrations(pairs, expected, sealed)
    rows = np.flatnonzero(_telling(pairs))
    known = confidences_of(group[rows], good.predict(expected)[rows], pairs.grade[rows] >= GOOD_GRADE)
    least = None if threshold is None else same_coverage(known, threshold)
    ranker = examples.fit(parameters, threads)
    ranker.spread_ = held.spread
    return FirstDay(ranker, good, deal, least, _cutpoints(pairs, expected))


def _exposure(scorer: Scorer, pairs: GradedPairs, held: OutOfFold, ask: AskDemands) -> Exposure | None:
    """Return the exposure as `scorer` without its knowledge of the first fold's demands learns it by asking for them."""
    if held.first is None or pairs.showings is None:
        return None
    known, _ = pairs.known_as_of()
    history = scorer.history.without(np.flatnonzero(held.fold[known] == 0))
    demands = np.intersect1d(pairs.d[held.fold == 0], pairs.showings.d)
    asked = demands[:: max(1, len(demands) // ASKED)][:ASKED]
    lists = ask(Scorer(history, held.first, scorer.calibration), asked)
    return fit_exposure(lists, pairs.showings, np.stack([pairs.d, pairs.a], axis=1)[pairs.judged])


def _cutpoints(pairs: GradedPairs, expected: NDArray[np.float64]) -> LevelCutpoints:
    """Return the numbers to order by (k n,) from which on a pair has each grade, by the telling ones of n pairs."""
    rows = np.tile(_telling(pairs), len(expected) // len(pairs))
    return LevelCutpoints().fit(expected[rows], np.tile(pairs.grade, len(expected) // len(pairs))[rows])


def _telling(pairs: GradedPairs) -> NDArray[np.bool_]:
    """Return (n,) the rows that tell what a good match is: the judged ones where they are enough, else all."""
    enough = pairs.judged.sum() >= MIN_CALIBRATION_ROWS
    both = len(np.unique(pairs.grade[pairs.judged] >= GOOD_GRADE)) == 2
    return pairs.judged if enough and both else np.ones(len(pairs), dtype=np.bool_)


def _answer_threshold(
    pairs: GradedPairs,
    group: NDArray[np.int64],
    probability: NDArray[np.float64],
    new_in_first: NDArray[np.bool_],
    risk: float,
) -> AnswerThreshold | None:
    """Return the threshold of answering by out-of-fold probabilities (2n,) of demands, of which `group` (n,) has the numbers.

    Each demand is looked at twice, as a new one and as one with a past, for both are served. None where too few demands
    have enough telling pairs, or no threshold keeps the risk.
    """
    rows = np.flatnonzero(_telling(pairs))
    good = pairs.grade[rows] >= GOOD_GRADE
    first, second = np.split(probability, 2)
    as_new, with_past = np.where(new_in_first, first, second), np.where(new_in_first, second, first)
    views = [confidences_of(group[rows], part[rows], good) for part in (as_new, with_past)]
    both = Confidences(*(np.concatenate([getattr(view, name) for view in views]) for name in COLUMNS))
    return fit_threshold(both, risk, views=len(views))
