"""Analyses a fitted scorer on held-out demands: the worst pairs, SHAP values, and the learning curve."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from data.columns.features import Feature
from data.records import Achievement, Demand
from eval.metrics.bootstrap import Judged, estimate_all
from eval.online.analysis import CurvePoint, FeatureWeight, WorstPair
from eval.online.versions import Figure
from knowledge_graph.reading.signals import SIGNALS
from matcher.engine import Engine
from matcher.features.attributes import DECLARED
from matcher.features.table import FeatureTable, with_history
from matcher.history.features import HISTORY_FEATURES
from matcher.history.graded_pairs import GradedPairs
from matcher.learning.fit import Examples
from matcher.ranking.scorer import Scorer, Scores
from matcher.texts.similarities import SIMILARITY_FEATURES
from models.ranking.ordinal import RankerParameters
from training.comparison.pairs import HeldOut, PairTable, Records

WORST = 50
REASONS = 3
EXCERPT = 200  # characters of a text
SHAP_ROWS = 2_000
WEIGHTS = 25
SHARES = (0.125, 0.25, 0.5, 1.0)
RESAMPLES = 200
_STANDARDISED = {
    "_for_demand": "（相对该需求）",
    "_for_achievement": "（相对该成果）",
    "_typical_demand": "（该需求的平均）",
    "_typical_achievement": "（该成果的平均）",
}


def worst_pairs(engine: Engine, held: HeldOut, scores: Scores, records: Records) -> tuple[WorstPair, ...]:
    """Return the held-out pairs whose probability was farthest from the outcome, with the reasons that `engine` gives.

    The engine's scorer has to be the one that never saw their outcomes.
    """
    rows, good = held.good()
    probability = scores.probability[rows]
    missed = np.where(good[rows], 1.0 - probability, probability)
    order = [place for place in np.argsort(-missed, kind="stable").tolist() if not np.isnan(missed[place])]
    found = []
    for place in order[:WORST]:
        row = int(rows[place])
        demand = records.demands.get(held.demand_ids[row])
        achievement = records.achievements.get(held.achievement_ids[row])
        if demand is None or achievement is None:
            continue
        found.append(
            WorstPair(
                demand_id=demand.demand_id,
                demand=demand.title,
                achievement_id=achievement.achievement_id,
                achievement=achievement.title,
                grade=int(held.grade[row]),
                judged=bool(held.judged[row]),
                probability=round(float(probability[place]), 4),
                missed=round(float(missed[place]), 4),
                reasons=_reasons(engine, demand, achievement),
                demand_text=demand.content[:EXCERPT],
                achievement_text=achievement.content[:EXCERPT],
            )
        )
    return tuple(found)


def feature_weights(scorer: Scorer, part: PairTable) -> tuple[FeatureWeight, ...]:
    """Return the mean absolute SHAP value of the features that weigh most on held-out pairs, `SHAP_ROWS` of them at most."""
    table = with_history(part.table, scorer.history, part.pairs).select(scorer.ranker.feature_names_)
    values = table[:SHAP_ROWS]
    if not len(values):
        return ()
    mean = np.abs(scorer.ranker.contributions(np.ascontiguousarray(values))).mean(axis=0)
    names = scorer.ranker.feature_names_
    order = np.argsort(-mean, kind="stable")[:WEIGHTS].tolist()
    labels = {one.name: one.label for group in _DECLARATIONS for one in group}
    return tuple(
        FeatureWeight(feature=names[place], label=label_of(names[place], labels), weight=round(float(mean[place]), 6))
        for place in order
    )


def label_of(name: str, labels: Mapping[str, str]) -> str:
    """Return the Chinese label of a feature, also of the standardised forms of a similarity; its name if it has none."""
    for ending, said in _STANDARDISED.items():
        if name.endswith(ending) and name.removesuffix(ending) in labels:
            return labels[name.removesuffix(ending)] + said
    return labels.get(name, name)


def learning_curve(
    pairs: GradedPairs,
    table: FeatureTable,
    group: NDArray[np.int64],
    part: PairTable,
    held: HeldOut,
    parameters: RankerParameters,
    threads: int,
) -> tuple[CurvePoint, ...]:
    """Return NDCG@10 on held-out pairs of rankers that learned from a growing share of the demands.

    `pairs`, `table` and `group` (numbers of the demands) are the rows to learn from. History is left out: it grows with
    the outcomes by itself, and would have to be made for each share.
    """
    examples = Examples(pairs, table.values, table.names)
    demands = np.random.default_rng(parameters.seed).permutation(np.unique(group))
    features = part.table.select(table.names)
    found = []
    for share in SHARES:
        chosen = demands[: max(1, round(share * len(demands)))]
        rows = np.flatnonzero(np.isin(group, chosen)).astype(np.intp)
        if len(np.unique(pairs.grade[rows])) < 2:
            continue
        ranker = examples.fit(parameters, threads, rows)
        exceeds = ranker.predict(features)
        judged = Judged(
            held.demand_numbers, held.grade + 1, ranker.median_grade(exceeds) + 1, ranker.expected_grade(exceeds)
        )
        figure = Figure.of(estimate_all(judged, RESAMPLES)["ndcg10"])
        found.append(CurvePoint(demands=len(chosen), pairs=len(rows), **figure.model_dump()))
    return tuple(found)


_DECLARATIONS: tuple[tuple[Feature, ...], ...] = (
    tuple(SIMILARITY_FEATURES),
    tuple(DECLARED),
    tuple(SIGNALS),
    tuple(HISTORY_FEATURES),
)


def _reasons(engine: Engine, demand: Demand, achievement: Achievement) -> tuple[str, ...]:
    strongest = sorted(engine.match(demand, achievement).reasons, key=lambda reason: -abs(reason.weight))
    return tuple(f"{reason.text}（{reason.weight:+.2f}）" for reason in strongest[:REASONS])
