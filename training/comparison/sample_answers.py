"""What a version answers to a sample of demands: how long it takes, how often nothing is good enough, which pairs."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from time import thread_time

import numpy as np
from numpy.typing import NDArray

from data.errors import InputError
from data.records import Demand
from matcher.engine import Engine
from training.comparison.pairs import Records, pair_tables
from training.comparison.reference import Histogram, Rates, Reference

SAMPLE = 100
TOP = 10


@dataclass(frozen=True)
class Answers:
    """Answers to `asked` demands: CPU milliseconds of each (asked,), those not answered well enough, all pairs shown."""

    asked: int
    milliseconds: NDArray[np.float64]
    unanswered: list[str]
    demand_ids: list[str]
    achievement_ids: list[str]
    probability: NDArray[np.float64]

    @property
    def latency(self) -> float:
        """Median CPU milliseconds of one request; NaN without any."""
        return float(np.median(self.milliseconds)) if self.asked else float("nan")

    @property
    def unanswered_share(self) -> float:
        """Share of demands that nothing was good enough for."""
        return len(self.unanswered) / max(self.asked, 1)


def sample_demands(demands: Sequence[Demand], size: int = SAMPLE) -> list[Demand]:
    """Return up to `size` demands, the same ones whenever they are asked for: those with the lowest digests."""
    return sorted(demands, key=lambda demand: sha256(demand.demand_id.encode()).digest())[:size]


def ask(engine: Engine, demands: Sequence[Demand]) -> Answers:
    """Ask for the best achievements for each demand; one that says nothing is left out."""
    milliseconds, unanswered, pairs = [], [], []
    for demand in demands:
        started = thread_time()
        try:
            answer = engine.recommend_achievements(demand, top=TOP)
        except InputError:
            continue
        milliseconds.append((thread_time() - started) * 1000)
        if not answer.answered:
            unanswered.append(demand.demand_id)
        pairs += [(demand.demand_id, match.id, match.probability) for match in answer.items]
    probability = np.array([np.nan if p is None else p for _, _, p in pairs], dtype=np.float64)
    return Answers(
        len(milliseconds),
        np.array(milliseconds),
        unanswered,
        [demand_id for demand_id, _, _ in pairs],
        [achievement_id for _, achievement_id, _ in pairs],
        probability,
    )


def answer_features(engine: Engine, answers: Answers, records: Records) -> dict[str, NDArray[np.float32]]:
    """Return the label-free features of the pairs shown, each (n,) under its name; nothing without pairs.

    Raises:
        NotFoundError: neither the bundle nor `records` has an id.

    """
    columns: dict[str, NDArray[np.float32]] = {}
    n = len(answers.demand_ids)
    for part in pair_tables(engine.model, answers.demand_ids, answers.achievement_ids, records):
        for column, name in enumerate(part.table.names):
            columns.setdefault(name, np.full(n, np.nan, dtype=np.float32))[part.places] = part.table.values[:, column]
    return columns


def reference_of(engine: Engine, answers: Answers, records: Records, rates: Rates | None) -> Reference:
    """Return the reference distribution for drift monitoring."""
    features = answer_features(engine, answers, records)
    return Reference(
        asked=answers.asked,
        unanswered=answers.unanswered_share,
        features={name: Histogram.of(values) for name, values in features.items()},
        probability=Histogram.of(answers.probability),
        rates=rates,
    )
