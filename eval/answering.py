"""When to answer at all: risk against coverage of the answer threshold, on judgements that the ranker did not see."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from data.errors import InputError
from data.splits import folds
from eval.bootstrap import RESAMPLES, Estimate, resample_weights, summarise
from eval.systems import Corpus
from matcher.features import FeatureTable, with_history
from matcher.scorer import GOOD_GRADE, GradedPairs, fit_scorer
from models.ranker import RankerParameters

LEAST_JUDGED = 10  # candidates of a demand; with fewer a good one on top says little
SHOWN = 3  # results that everybody looks at
_COLUMNS = ("probability", "good", "possible")
COVERAGES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


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


@dataclass(frozen=True)
class Operating:
    """A threshold and what it does: share of demands answered, and share of those without a good match on top."""

    threshold: float
    coverage: Estimate
    risk: Estimate


def out_of_fold_confidences(
    corpus: Corpus, parameters: RankerParameters | None = None, progress: Callable[[str], None] = lambda _: None
) -> Confidences:
    """Return the confidence in every demand's list, by a ranker and a calibration that saw none of its judgements."""
    pairs = corpus.pairs
    group = pairs.demand_group()
    probability = np.zeros(len(pairs))
    for number, (train, test) in enumerate(folds("grouped", pairs.levels, group, pairs.pair_group()), start=1):
        progress(f"fold {number}")
        graded = GradedPairs(
            pairs.demand_rows[train], pairs.achievement_rows[train], pairs.levels[train] - 1, np.ones(len(train))
        )
        known = FeatureTable(corpus.table.values[train], corpus.table.names)
        scorer = fit_scorer(corpus.demands, corpus.achievements, graded, known, parameters=parameters)
        asked = FeatureTable(corpus.table.values[test], corpus.table.names)
        d, a = pairs.demand_rows[test], pairs.achievement_rows[test]
        table = with_history(asked, scorer.history, corpus.demands, corpus.achievements, d, a)
        probability[test] = scorer.score(table).probability
    return confidences_of(group, probability, pairs.levels - 1 >= GOOD_GRADE)


def confidences_of(demand: NDArray[np.int64], probability: NDArray[np.float64], good: NDArray[np.bool_]) -> Confidences:
    """Return the confidences of the demands with at least `LEAST_JUDGED` rows; all arguments (n,), a row a judged pair."""
    best, hit, any_good = [], [], []
    for number in np.unique(demand).tolist():
        rows = np.flatnonzero(demand == number)
        if len(rows) >= LEAST_JUDGED:
            top = rows[np.argsort(-probability[rows], kind="stable")[:SHOWN]]
            best.append(probability[top[0]])
            hit.append(good[top].any())
            any_good.append(good[rows].any())
    return Confidences(np.array(best), np.array(hit, dtype=np.bool_), np.array(any_good, dtype=np.bool_))


def calibrate_threshold(held: Confidences, target: float, confidence: float = 0.8) -> float:
    """Return the least threshold whose risk stays below `target` with the given confidence on the given demands.

    The bound is Clopper and Pearson's for the demands above the threshold (selection with guaranteed risk, Geifman &
    El-Yaniv 2017, without the correction for the number of thresholds tried).

    Raises:
        InputError: no threshold keeps the risk that low, or there are no demands.

    """
    order = np.argsort(-held.probability, kind="stable")
    wrong = np.cumsum(~held.good[order])
    answered = np.arange(1, len(order) + 1)
    bound = np.where(wrong == answered, 1.0, beta.ppf(confidence, wrong + 1, np.maximum(answered - wrong, 1e-9)))
    # demands of equal confidence are answered together or not at all
    last = np.r_[np.diff(held.probability[order]) < 0, True] if len(order) else np.zeros(0, dtype=np.bool_)
    kept = np.flatnonzero((bound <= target) & last)
    if not len(kept):
        least = float(bound.min()) if len(bound) else 1.0
        raise InputError(f"no threshold keeps the risk below {target:g}; the least that can be promised is {least:.3f}")
    return float(held.probability[order[kept[-1]]])


def cross_fitted(demands: Confidences, target: float, confidence: float, seed: int = 0) -> Operating:
    """Return coverage and risk where each half of the demands is answered by the threshold of the other half.

    The threshold reported is that of all demands together.

    Raises:
        InputError: no threshold keeps the risk that low.

    """
    first, second = halves(demands, seed)
    thresholds = [calibrate_threshold(part, target, confidence) for part in (second, first)]
    shifted = [
        Confidences(part.probability - threshold, part.good, part.possible)
        for part, threshold in zip((first, second), thresholds, strict=True)
    ]
    both = Confidences(*(np.concatenate([getattr(part, name) for part in shifted]) for name in _COLUMNS))
    point = operating_point(both, 0.0, seed)
    return Operating(calibrate_threshold(demands, target, confidence), point.coverage, point.risk)


def operating_point(demands: Confidences, threshold: float, seed: int = 0) -> Operating:
    """Return coverage and risk of a threshold, with 95% intervals by bootstrap over demands."""
    weights = resample_weights(len(demands), RESAMPLES, seed)
    answered = (demands.probability >= threshold).astype(np.float64)
    wrong = answered * ~demands.good
    shown = weights @ answered
    with np.errstate(invalid="ignore", divide="ignore"):
        risk = np.where(shown > 0, weights @ wrong / shown, np.nan)
    return Operating(threshold, summarise(shown / len(demands)), summarise(risk))


def risk_coverage(demands: Confidences) -> list[Operating]:
    """Return the curve at `COVERAGES`: the most confident share of the demands and the risk among them."""
    order = np.sort(demands.probability)[::-1]
    places = [max(0, round(share * len(order)) - 1) for share in COVERAGES]
    return [operating_point(demands, float(order[place])) for place in places]


def area_under_risk(demands: Confidences) -> tuple[float, float]:
    """Return the mean risk over all coverages (AURC), and that of an order by chance (the risk at full coverage)."""
    order = np.argsort(-demands.probability, kind="stable")
    wrong = (~demands.good[order]).astype(np.float64)
    return float(np.mean(np.cumsum(wrong) / np.arange(1, len(wrong) + 1))), float(wrong.mean())


def halves(demands: Confidences, seed: int = 0) -> tuple[Confidences, Confidences]:
    """Return two halves of the demands at random: to calibrate on, and to report on."""
    order = np.random.default_rng(seed).permutation(len(demands))
    middle = len(order) // 2
    return demands.take(order[:middle]), demands.take(order[middle:])
