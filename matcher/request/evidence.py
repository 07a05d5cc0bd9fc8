"""Why the chosen candidates of a query are in its list: reasons, digests of what was scored, figures compared."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from knowledge_graph.reading.paths import Path
from matcher.collection.rows import PairIndices
from matcher.explanations.reasons import Explained, explain
from matcher.features.graph import graph_paths
from matcher.features.table import FeatureTable
from matcher.model import MatchingModel
from matcher.ranking.scorer import Scorer
from matcher.recommendation import Match, Reason
from matcher.request.matches import digests_of, matches_of
from matcher.request.pipeline import Retrieved, Scored
from matcher.request.stages import mark_stage
from matcher.requirements.wording import with_requirement_reports


def listed(
    retrieved: Retrieved, chosen: PairIndices, given: Scored | NDArray[np.float64], *, explained: bool
) -> list[Match]:
    """Return the chosen candidates as matches, best first, with reasons and requirement reports where `explained`.

    `given` are their scores, or the (n,) numbers that order all candidates where no ranker was taught.
    """
    scorer, figures = retrieved.query.scorer, retrieved.query.figures
    reasons: list[list[Reason]] = []
    digests: list[str] = []
    if isinstance(given, Scored) and scorer is not None:
        digests = digests_of(given.table.select(scorer.ranker.feature_names_)[chosen])
        reasons = reasons_of(retrieved.query.state.model, scorer, given, chosen) if explained else []
    numbers = given.scores if isinstance(given, Scored) else given
    matches = matches_of(retrieved, chosen, numbers, reasons, digests)
    if explained and figures is not None:
        matches = with_requirement_reports(matches, figures.reports(retrieved.candidates.rows[chosen]))
    mark_stage("reasons")
    return matches


def reasons_of(model: MatchingModel, scorer: Scorer, scored: Scored, order: PairIndices) -> list[list[Reason]]:
    """Return the reasons of scored pairs, in `order`."""
    names = scorer.ranker.feature_names_
    pairs = scored.retrieved.pairs.take(order)
    table = FeatureTable(scored.table.values[order], scored.table.names)

    def paths(places: Sequence[int]) -> list[list[Path]]:
        return graph_paths(model.graph, pairs.take(PairIndices(np.array(places, dtype=np.intp))))

    asked = Explained(model.space, pairs, table, paths)
    titles = (model.demands.title, model.achievements.title)
    return explain(asked, scorer.history, titles, scorer.ranker.contributions(table.select(names)), names)
