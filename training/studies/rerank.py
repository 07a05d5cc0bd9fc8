"""Whether a reranker helps, and with which weight: fitted and measured on held-out demands' judged pairs."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from data.records import EventKind
from data.settings import Settings
from data.store.store import Store
from eval.metrics.bootstrap import Estimate, mean_samples, resample_weights, summarise
from eval.metrics.levels import ndcg_by_demand
from matcher.engine import Engine
from matcher.loading import stored_achievements, stored_demands
from matcher.reranking.weight import GradedScores, RerankWeight, fitted_weight, rerank_text
from matcher.rescoring import require_scorer
from models.rerank.base import Reranker
from training.outcomes.holdout import demand_marks
from training.versions.candidates import without_held_out

LEAST_DEMANDS = 10
RESAMPLES = 2_000


@dataclass(frozen=True)
class RerankStudy:
    """NDCG@10 without and with the reranker over `demands` held-out demands; each has a weight fitted on the others."""

    demands: int
    pairs: int
    without: float
    gain: Estimate
    weight: float
    centre: float

    def weight_file(self, reranker: str, version: str, now: datetime) -> RerankWeight | None:
        """Return what serving needs, None unless the gain is sure (95%)."""
        if not self.gain.low > 0 or self.weight <= 0:
            return None
        return RerankWeight(
            reranker=reranker,
            centre=self.centre,
            weight=self.weight,
            gain=self.gain.value,
            low=self.gain.low,
            high=self.gain.high,
            demands=self.demands,
            bundle_version=version,
            fitted_at=now,
        )


def held_out_scores(
    settings: Settings, engine: Engine, store: Store, reranker: Reranker, seconds: float, step: Callable[[str], None]
) -> GradedScores:
    """Return the scores of all judged pairs of held-out demands; `seconds` is the reranker's time for each demand.

    The ranker's are those of a history that knows no outcome of these demands, as versions are compared: what is served
    would know the answers, and leave a reranker nothing to gain.

    Raises:
        InputError: the bundle has no ranker or is no trained version, or fewer than 10 such demands have judgements.
        ModelUnavailableError: the reranker fails.

    """
    scorer = without_held_out(settings, engine.model.version, require_scorer(engine))
    unknowing = Engine(replace(engine.model, scorer=scorer))
    share = settings.held_out_share
    levels: dict[str, dict[str, int]] = defaultdict(dict)
    for event in store.events({EventKind.JUDGEMENT}):
        if event.level is not None:
            levels[event.demand_id][event.achievement_id] = event.level
    cards = engine.model.demands.base.cards
    ids = [
        demand_id
        for demand_id in sorted(levels)
        if demand_id in cards.rows and len(set(levels[demand_id].values())) > 1
    ]
    marks = demand_marks(cards, np.array([cards.rows[demand_id] for demand_id in ids], dtype=np.int64))
    ids = [demand_id for demand_id, mark in zip(ids, marks.tolist(), strict=True) if mark < share]
    if len(ids) < LEAST_DEMANDS:
        raise InputError(
            f"{len(ids)} held-out demands have judgements of several levels; {LEAST_DEMANDS} are needed, judge more pairs "
            "or raise GONGXU_HELD_OUT_SHARE and train again"
        )
    step("scores")
    columns: list[tuple[int, int, float, float]] = []
    for number, demand in enumerate(stored_demands(store, ids)):
        offers = stored_achievements(store, sorted(levels[demand.demand_id]))
        if not offers or not rerank_text(demand):
            continue
        scores = reranker.scores(rerank_text(demand), [rerank_text(offer) for offer in offers], seconds)
        for offer, score in zip(offers, scores.tolist(), strict=True):
            level = levels[demand.demand_id][offer.achievement_id]
            columns.append((number, level, unknowing.match(demand, offer).score, score))
    demands, grades, ranker, reranked = (np.array(column) for column in zip(*columns, strict=True))
    return GradedScores(demands.astype(np.int64), grades.astype(np.int64), ranker.astype(float), reranked.astype(float))


def study(pairs: GradedScores, seed: int = 0) -> RerankStudy:
    """Return what the reranker gains: of each half of the demands, by the weight fitted on the other half."""
    random = np.random.default_rng(seed)
    numbers = random.permutation(np.unique(pairs.demands))
    half = np.isin(pairs.demands, numbers[: len(numbers) // 2])
    without: list[NDArray[np.float64]] = []
    gains: list[NDArray[np.float64]] = []
    for test in (half, ~half):
        weight, own = fitted_weight(pairs.take(~test)), pairs.take(test)
        _, plain = ndcg_by_demand(own.levels, own.ranker, own.demands)
        _, added = ndcg_by_demand(own.levels, own.ranker + weight * own.reranker, own.demands)
        without.append(plain)
        gains.append(added - plain)
    differences = np.concatenate(gains)
    if not len(differences):
        raise InputError("no held-out demand has five judgements of several levels; judge more pairs")
    samples = mean_samples(differences, resample_weights(len(differences), RESAMPLES, seed))
    return RerankStudy(
        demands=len(differences),
        pairs=len(pairs.demands),
        without=float(np.concatenate(without).mean()),
        gain=summarise(samples),
        weight=fitted_weight(pairs),
        centre=float(pairs.reranker.mean()),
    )
