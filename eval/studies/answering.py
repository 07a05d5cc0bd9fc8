"""When to answer at all: risk against coverage of the answer threshold, on judgements that the ranker did not see."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from data.splits import folds
from eval.metrics.bootstrap import RESAMPLES, Estimate, resample_weights, summarise
from eval.offline.systems import Corpus
from matcher.features.table import FeatureTable, with_history
from matcher.history.graded_pairs import GradedPairs
from matcher.learning.answer_threshold import COLUMNS, Confidences, calibrate_threshold, confidences_of
from matcher.learning.fit import fit_scorer
from matcher.ranking.scorer import GOOD_GRADE
from models.ranking.ordinal import RankerParameters

COVERAGES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


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
        batch = corpus.batch(test)
        probability[test] = scorer.score(with_history(asked, scorer.history, batch), batch).probability
    return confidences_of(group, probability, pairs.levels - 1 >= GOOD_GRADE)


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
    both = Confidences(*(np.concatenate([getattr(part, name) for part in shifted]) for name in COLUMNS))
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
