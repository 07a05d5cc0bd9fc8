"""Everything an evaluation found, as plain numbers under stable names: what the JSON file holds and the report shows."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.learning import ReportSlices
from eval.metrics.bootstrap import METRICS, Estimate, Lift, lift_of, metric_samples, summarise
from eval.metrics.calibration_curve import reliability_curve, risk_coverage
from eval.metrics.exposure import gini, holder_exposure, list_diversity, novelty, top_rows
from eval.metrics.lists import GOOD_LEVEL
from eval.offline.cross_validation import Part, Parts
from eval.offline.slices import slice_figures, slice_sizes
from eval.offline.systems import Corpus
from models.ranking.calibration import IsotonicCalibration

MAIN = "ranker"
Findings = dict[str, Any]


def findings(
    corpus: Corpus, parts: Parts, title: str, limits: ReportSlices, progress: Callable[[str], None] = lambda _: None
) -> Findings:
    """Return what the predictions of `parts` show; numbers that the rows do not allow are null.

    splits: every metric of every system; lifts: the ranker less each other system, paired, with p values; slices: the
    ranker on parts of the rows; calibration: reliability and risk-coverage of the ranker's probabilities; lists: exposure
    of holders, diversity and novelty of each system's first ten.
    """
    pairs = corpus.pairs
    found: Findings = {
        "title": title,
        "rows": len(pairs),
        "demands": len(np.unique(pairs.demand_rows)),
        "achievements": len(np.unique(pairs.achievement_rows)),
        "levels": {str(level): int((pairs.levels == level).sum()) for level in range(1, 5)},
        "splits": {},
        "lifts": {},
        "slices": {},
        "calibration": {},
        "lists": {},
    }
    for name, part in parts.items():
        progress(f"{name}: report")
        samples = {system: metric_samples(part.judged(pairs, system)) for system in part.predicted}
        found["splits"][name] = {
            system: {metric: numbers(summarise(values)) for metric, values in drawn.items()}
            for system, drawn in samples.items()
        }
        found["lists"][name] = {system: _lists(corpus, part, system) for system in part.predicted}
        if MAIN not in part.predicted:
            continue
        ours = samples[MAIN]
        found["lifts"][name] = {
            system: {metric: _lift(lift_of(ours[metric] - drawn[metric])) for metric in METRICS}
            for system, drawn in samples.items()
            if system != MAIN
        }
        sizes = slice_sizes(pairs, part, limits)
        found["slices"][name] = {
            way: {
                one: {"rows": sizes[way][one]} | {metric: numbers(value) for metric, value in figures.items()}
                for one, figures in by_name.items()
            }
            for way, by_name in slice_figures(pairs, part, limits, MAIN).items()
        }
        curves = _calibration(corpus, part)
        if curves:
            found["calibration"][name] = curves
    return found


def numbers(estimate: Estimate) -> dict[str, float | None]:
    """Return an estimate as plain numbers; NaN becomes null."""
    return {key: plain(value) for key, value in asdict(estimate).items()}


def plain(value: float) -> float | None:
    """Return a number rounded for a file, null for NaN."""
    return None if np.isnan(value) else round(float(value), 6)


def _lift(lift: Lift) -> dict[str, float | None]:
    return numbers(lift.difference) | {"p_value": plain(lift.p_value)}


def _calibration(corpus: Corpus, part: Part) -> Findings:
    """Return reliability and risk-coverage of the ranker: its own probabilities, and after the calibration users see.

    The calibration of a fold's rows is learned from the predictions of the other folds; with a single fold there is none.
    """
    predicted = part.predicted[MAIN]
    if predicted.probability is None:
        return {}
    demands = corpus.pairs.demand_rows[part.rows]
    good = corpus.pairs.levels[part.rows] >= GOOD_LEVEL
    kinds = {"raw": predicted.probability}
    if len(np.unique(part.fold)) > 1:
        kinds["calibrated"] = _cross_fitted(predicted.ranking, good, part.fold)
    found: Findings = {}
    for kind, probability in kinds.items():
        curve, risk = reliability_curve(probability, good), risk_coverage(probability, good, demands)
        step = np.unique(np.linspace(0, len(risk.coverage) - 1, 50).astype(int))
        found[kind] = {
            "ece": plain(curve.error),
            "brier": plain(float(((probability - good) ** 2).mean())),
            "predicted": [plain(value) for value in curve.predicted],
            "observed": [plain(value) for value in curve.observed],
            "rows": curve.rows.tolist(),
            "aurc": plain(risk.area),
            "coverage": [plain(value) for value in risk.coverage[step]],
            "risk": [plain(value) for value in risk.risk[step]],
        }
    return found


def _cross_fitted(
    ranking: NDArray[np.float64], good: NDArray[np.bool_], fold: NDArray[np.int64]
) -> NDArray[np.float64]:
    probability = np.zeros(len(ranking))
    for number in np.unique(fold):
        here, rest = fold == number, fold != number
        probability[here] = IsotonicCalibration().fit(ranking[rest], good[rest]).predict(ranking[here])
    return probability


def _lists(corpus: Corpus, part: Part, system: str) -> dict[str, float | None]:
    """Return Gini coefficient of the holders' exposure, diversity and novelty of the first ten of each demand.

    A demand's list holds its judged achievements. Novelty counts against how often an achievement was judged at all.
    """
    pairs = corpus.pairs
    a = pairs.achievement_rows[part.rows]
    top, rank = top_rows(part.predicted[system].ranking, pairs.demand_rows[part.rows])
    owners = corpus.achievements.cards.owners
    named = int(owners.max(initial=-1)) + 1
    judged = np.bincount(pairs.achievement_rows, minlength=len(pairs.achievements)) + 1.0
    vectors = np.asarray(corpus.achievements.texts.full.vectors[a[top]])
    return {
        "holder_gini": plain(gini(holder_exposure(owners[a[top]], rank, named))) if named else None,
        "diversity": plain(list_diversity(vectors, pairs.demand_rows[part.rows][top])),
        "novelty": plain(novelty((judged / judged.sum())[a[top]])),
    }
