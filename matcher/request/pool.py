"""The candidates of one query as a list is made of them, wherever they are: here, or on several shards."""

from collections.abc import Sequence
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from knowledge_graph.reading.paths import Path
from matcher.collection.rows import PairIndices
from matcher.explanations.reasons import Explained, explain
from matcher.features.graph import graph_paths
from matcher.features.table import FeatureTable
from matcher.model import MatchingModel
from matcher.ranking.diversify import Diversity
from matcher.ranking.scorer import Scorer, Scores
from matcher.recommendation import Match, Reason
from matcher.request.matches import digests_of, matches_of
from matcher.request.pipeline import (
    Query,
    Retrieved,
    Scored,
    checked,
    preselected,
    relative_familiarity,
    score,
    select,
    untaught_order,
)
from matcher.request.stages import mark_stage
from matcher.requirements.report import RequirementReport
from matcher.requirements.wording import with_requirement_reports


class Pool(Protocol):
    """Candidates of a query, best fused rank first."""

    query: Query

    def __len__(self) -> int:
        """Return how many they are."""

    @property
    def lacks(self) -> tuple[str, ...]:
        """What was asked for candidates and did not answer in time: "shard 2"."""

    @property
    def proposed(self) -> dict[str, int]:
        """How many of the candidates each channel proposed."""

    def familiarity(self) -> float | None:
        """Return what `relative_familiarity` does."""

    def preselected(self) -> Self:
        """Return the candidates that are worth all features."""

    def order(self) -> NDArray[np.float64]:
        """Return (n,) numbers to order candidates by where no ranker was taught."""

    def scores(self) -> Scores:
        """Return the scores of the candidates by the query's scorer, required figures checked."""

    def select(self, order: NDArray[np.intp], diversity: Diversity) -> PairIndices:
        """Return the query's `top` of candidates in `order`, see `matcher.request.pipeline.select`."""

    def matches(self, chosen: PairIndices, numbers: Scores | NDArray[np.float64], *, explained: bool) -> list[Match]:
        """Return the chosen candidates as matches, best first, by `scores` or `order`; with reasons where `explained`."""


class LocalPool:
    """Candidates that this process holds."""

    lacks: tuple[str, ...] = ()

    def __init__(self, retrieved: Retrieved) -> None:
        self.query = retrieved.query
        self._retrieved = retrieved
        self._scored: Scored | None = None

    def __len__(self) -> int:
        return len(self._retrieved)

    @property
    def proposed(self) -> dict[str, int]:
        """See `Pool`."""
        return self._retrieved.candidates.proposed()

    def familiarity(self) -> float | None:
        """See `Pool`."""
        return relative_familiarity(self._retrieved)

    def preselected(self) -> "LocalPool":
        """See `Pool`."""
        return LocalPool(preselected(self._retrieved))

    def order(self) -> NDArray[np.float64]:
        """See `Pool`."""
        return untaught_order(self._retrieved)

    def scores(self) -> Scores:
        """See `Pool`."""
        scorer = self.query.scorer
        if scorer is None:
            return Scores.none()
        self._scored = checked(score(self._retrieved, scorer))
        return self._scored.scores

    def select(self, order: NDArray[np.intp], diversity: Diversity) -> PairIndices:
        """See `Pool`."""
        return select(self._retrieved, order, diversity)

    def matches(self, chosen: PairIndices, numbers: Scores | NDArray[np.float64], *, explained: bool) -> list[Match]:
        """See `Pool`."""
        reasons, digests = evidence_of(self._retrieved, self._scored, chosen, explained=explained)
        reports = requirement_reports(self._retrieved, chosen) if explained else []
        mark_stage("reasons")
        return with_requirement_reports(matches_of(self._retrieved, chosen, numbers, reasons, digests), reports)


def evidence_of(
    retrieved: Retrieved, scored: Scored | None, chosen: PairIndices, *, explained: bool
) -> tuple[list[list[Reason]], list[str]]:
    """Return reasons, where `explained`, and digests of the features of the chosen; none of what was not scored."""
    scorer = retrieved.query.scorer
    if scored is None or scorer is None:
        return [], []
    reasons = reasons_of(retrieved.query.state.model, scorer, scored, chosen) if explained else []
    return reasons, digests_of(scored.table.select(scorer.ranker.feature_names_)[chosen])


def requirement_reports(retrieved: Retrieved, chosen: PairIndices) -> list[RequirementReport]:
    """Return the requirement reports of the chosen candidates, in their order; none without figures."""
    figures = retrieved.query.figures
    return figures.reports(retrieved.candidates.rows[chosen]) if figures is not None else []


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
