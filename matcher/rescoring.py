"""A demand's candidates with their scores, kept to be scored again as if the demand or an achievement said something else."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from data.records import Achievement, Demand
from data.text.segment import content_words
from matcher.collection.collection import Collection
from matcher.collection.encoded import EncodedRecords
from matcher.collection.filters import Filters
from matcher.engine import Engine, Side
from matcher.features.graph import GraphQuery
from matcher.history.outcome_history import RelevanceFeedback
from matcher.ranking.channels import Candidates, find_candidates
from matcher.ranking.first_stage import preselect
from matcher.ranking.scorer import Scorer, Scores
from matcher.request.subject import require_text

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class ScoredCandidates:
    """Candidates of one demand, best expected grade first; `rows` (n,) of the shelf, `found` their views, `scores` (n,).

    `reached` (n,) tells which were proposed by text or history, not by the graph alone.
    """

    demand: Demand
    shelf: Collection
    rows: Rows
    found: EncodedRecords
    scores: Scores
    reached: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.rows)

    def first(self, n: int) -> "ScoredCandidates":
        """Return the `n` best candidates."""
        rows = np.arange(min(n, len(self)), dtype=np.int64)
        scores = Scores(self.scores.expected[rows], self.scores.median[rows], self.scores.probability[rows])
        return ScoredCandidates(
            self.demand, self.shelf, self.rows[rows], self.found.take(rows), scores, self.reached[rows]
        )

    def place(self, achievement_id: str) -> int | None:
        """Return where a candidate stands, or None."""
        return self.found.cards.rows.get(achievement_id)


def require_scorer(engine: Engine) -> Scorer:
    """Return the engine's scorer.

    Raises:
        InputError: the bundle has no ranker.

    """
    if engine.model.scorer is None:
        raise InputError("the bundle has no ranker, which this needs; run `gongxu train` first")
    return engine.model.scorer


def candidate_pool(engine: Engine, demand: Demand, filters: Filters | None = None) -> ScoredCandidates:
    """Return all candidates that the engine would rank for the demand, scored as it scores them.

    Raises:
        InputError: the demand has no text to match by, or the bundle has no ranker.

    """
    scorer = require_scorer(engine)
    text = require_text(demand)
    shelf = engine.shelf("achievements")
    lens = lens_of(engine, demand)
    view = engine.model.viewer.demands([demand])
    feedback = scorer.history.feedback(view)
    candidates = find_candidates(
        view,
        content_words(text.full),
        shelf,
        shelf.allowed(filters or Filters()),
        feedback,
        lens.retrieve if lens else None,
    )
    candidates = _worth_scoring(scorer, view, shelf, candidates, feedback, "achievements")
    rows = candidates.rows
    if not len(rows):
        nothing = np.zeros(0)
        return ScoredCandidates(
            demand,
            shelf,
            rows,
            shelf.take(rows),
            Scores(nothing, nothing.astype(np.int64), nothing),
            nothing.astype(np.bool_),
        )
    found = shelf.take(rows)
    scores = pair_scores(engine, view, [lens], found, rows)[0]
    order = np.argsort(-scores.expected, kind="stable")
    by_text = [rank[order] > 0 for name, rank in candidates.channels.items() if name != "graph"]
    return ScoredCandidates(
        demand,
        shelf,
        rows[order],
        found.take(order.astype(np.int64)),
        Scores(scores.expected[order], scores.median[order], scores.probability[order]),
        np.any(by_text, axis=0) if by_text else np.zeros(len(rows), dtype=np.bool_),
    )


def best_demands(engine: Engine, achievement: Achievement, limit: int, filters: Filters | None = None) -> list[str]:
    """Return the ids of the demands that an achievement suits best, however little, best first; open ones by default.

    Raises:
        InputError: the achievement has no text to match by, or the bundle has no ranker.

    """
    scorer = require_scorer(engine)
    text = require_text(achievement)
    shelf = engine.shelf("demands")
    view = engine.model.viewer.achievements([achievement])
    candidates = find_candidates(view, content_words(text.full), shelf, shelf.allowed(filters or Filters()))
    rows = _worth_scoring(scorer, view, shelf, candidates, None, "demands").rows
    found = shelf.take(rows)
    graph, stored = engine.model.graph, engine.model.achievements.base.cards.rows.get(achievement.achievement_id)
    signals = GraphQuery(graph, achievement, stored).signals(rows) if graph is not None else None
    d, a = np.arange(len(rows), dtype=np.int64), np.zeros(len(rows), dtype=np.int64)
    if not len(rows):
        return []
    expected = scorer.score(scorer.table(engine.model.space, found, view, d, a, signals)).expected
    ids = found.cards.ids
    return [ids[place] for place in np.argsort(-expected, kind="stable")[:limit].tolist()]


def _worth_scoring(
    scorer: Scorer,
    view: EncodedRecords,
    shelf: Collection,
    candidates: Candidates,
    feedback: RelevanceFeedback | None,
    side: Side,
) -> Candidates:
    """Return the candidates of the one record of a view that the engine would score for a usual list."""
    stage, is_demand = scorer.first_stages.get(side), side == "achievements"
    found = shelf.at(candidates.rows)
    return candidates.kept(preselect(stage, view, 0, *found, candidates, feedback, 0, subject_is_demand=is_demand))


def rescored(engine: Engine, variants: Sequence[Demand], pool: ScoredCandidates) -> NDArray[np.float64]:
    """Return (k, n) expected grades of the pool's candidates for k versions of its demand.

    Raises:
        InputError: the bundle has no ranker.

    """
    if not variants or not len(pool):
        return np.zeros((len(variants), len(pool)))
    view = engine.model.viewer.demands(list(variants))
    lenses = [lens_of(engine, variant) for variant in variants]
    return np.stack([one.expected for one in pair_scores(engine, view, lenses, pool.found, pool.rows)])


def lens_of(engine: Engine, demand: Demand) -> GraphQuery | None:
    """Return the graph as a demand sees it, or None without a graph."""
    graph = engine.model.graph
    return None if graph is None else GraphQuery(graph, demand, None)


def pair_scores(
    engine: Engine, demands: EncodedRecords, lenses: Sequence[GraphQuery | None], found: EncodedRecords, rows: Rows
) -> list[Scores]:
    """Return the scores (n,) of the achievements `found`, which stand at `rows`, for each demand of a view.

    Raises:
        InputError: the bundle has no ranker.

    """
    scorer = require_scorer(engine)
    k, n = len(demands), len(found)
    d, a = np.repeat(np.arange(k, dtype=np.int64), n), np.tile(np.arange(n, dtype=np.int64), k)
    seen = [lens.signals(rows) for lens in lenses if lens is not None]
    table = scorer.table(engine.model.space, demands, found, d, a, np.concatenate(seen) if len(seen) == k else None)
    scores = scorer.score(table)
    parts = zip(*(np.split(part, k) for part in (scores.expected, scores.median, scores.probability)), strict=True)
    return [Scores(*part) for part in parts]
