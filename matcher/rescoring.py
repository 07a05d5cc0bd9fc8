"""A demand's candidates with their scores, kept to be scored again as if the demand or an achievement said something else."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from data.records import Achievement, Demand
from matcher.collection.encoded import EncodedRecords
from matcher.collection.filters import Filters
from matcher.collection.pairs import PairBatch
from matcher.engine import Engine
from matcher.ranking.scorer import Scorer, Scores
from matcher.recommendation import Verdict
from matcher.request.pipeline import (
    Scored,
    checked,
    features,
    score,
)
from matcher.request.verdict import list_verdict


@dataclass(frozen=True)
class ScoredCandidates:
    """Candidates of one demand, best expected grade first: records `found` (n), `scores` (n,).

    `reached` (n,) tells which were proposed by text or history, not by the graph alone. The scores leave out the check of
    required figures, so that versions of the demand compare; the `verdict` on the whole list heeds it, as the engine's.
    """

    demand: Demand
    found: EncodedRecords
    scores: Scores
    reached: NDArray[np.bool_]
    verdict: Verdict

    def __len__(self) -> int:
        return len(self.found)

    def first(self, n: int) -> "ScoredCandidates":
        """Return the `n` best candidates."""
        rows = np.arange(min(n, len(self)), dtype=np.int64)
        return replace(
            self,
            found=self.found.take(rows),
            scores=self.scores.take(rows),
            reached=self.reached[rows],
        )

    def place(self, achievement_id: str) -> int | None:
        """Return where a candidate is, or None."""
        return self.found.cards.rows.get(achievement_id)


def require_scorer(engine: Engine) -> Scorer:
    """Return the engine's scorer.

    Raises:
        InputError: the bundle has no ranker.

    """
    if engine.model.scorer is None:
        raise InputError(
            "the bundle has no ranker, which this needs; run `gongxu train` first",
            "当前模型包没有排序模型，无法回答；请先运行 gongxu train",
        )
    return engine.model.scorer


def candidate_pool(engine: Engine, demand: Demand, filters: Filters | None = None) -> ScoredCandidates:
    """Return all candidates that the engine would rank for the demand, scored as it scores them.

    Raises:
        InputError: the demand has no text to match by, or the bundle has no ranker.

    """
    scorer = require_scorer(engine)
    pool = engine.pool(demand, "achievements", filters)
    familiar = pool.familiarity() if len(pool) else None
    retrieved = pool.preselected()
    scored = score(retrieved, scorer) if len(retrieved) else None
    scores = scored.scores if scored else Scores.none()
    verdict = list_verdict(retrieved.query, checked(scored).scores if scored else scores, familiar)
    order = np.argsort(-scores.expected, kind="stable")
    candidates = retrieved.candidates
    by_text = [rank[order] > 0 for name, rank in candidates.channels.items() if name != "graph"]
    return ScoredCandidates(
        demand,
        retrieved.found.take(retrieved.places[order]),
        scores.take(order),
        np.any(by_text, axis=0) if by_text else np.zeros(len(order), dtype=np.bool_),
        verdict,
    )


def best_demands(engine: Engine, achievement: Achievement, limit: int, filters: Filters | None = None) -> list[str]:
    """Return the ids of the demands that an achievement suits best, however little, best first; open ones by default.

    Raises:
        InputError: the achievement has no text to match by, or the bundle has no ranker.

    """
    scorer = require_scorer(engine)
    retrieved = engine.pool(achievement, "demands", filters).preselected()
    if not len(retrieved):
        return []
    scored: Scored = score(retrieved, scorer)
    ids = retrieved.found.cards.ids
    best = np.argsort(-scored.scores.expected, kind="stable")[:limit]
    return [ids[place] for place in retrieved.places[best].tolist()]


def rescored(engine: Engine, variants: Sequence[Demand], pool: ScoredCandidates) -> NDArray[np.float64]:
    """Return (k, n) expected grades of the pool's candidates for k versions of its demand.

    Raises:
        InputError: the bundle has no ranker.

    """
    if not variants or not len(pool):
        return np.zeros((len(variants), len(pool)))
    scores = pair_scores(engine, engine.model.record_encoder.demands(list(variants)), pool.found)
    return np.stack([one.expected for one in scores])


def pair_scores(engine: Engine, demands: EncodedRecords, achievements: EncodedRecords) -> list[Scores]:
    """Return for each demand the scores (n,) of the n achievements.

    Raises:
        InputError: the bundle has no ranker.

    """
    scorer = require_scorer(engine)
    pairs = PairBatch.product(demands, achievements)
    return scorer.score(features(engine.model, scorer, pairs), pairs).split(len(demands))
