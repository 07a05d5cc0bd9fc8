"""A modest sample of expert judgements: a noisy reading of the truth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.simulator.plan import SimulationPlan
from data.simulator.relevance import Float
from data.simulator.shortlist import Shortlists
from data.simulator.world import Int, World

CANDIDATES = 16
EXPERTS = 20
LEVEL_BOUNDS = (0.2, 0.4, 0.62)
NOISE = 0.09
TWICE = 0.02
"""Share of pairs judged a second time by another expert."""


@dataclass(frozen=True, slots=True)
class Judgements:
    """One row a judgement: rows of the pair, level 1-4, and the true relevance."""

    demand: Int
    achievement: Int
    level: NDArray[np.int8]
    relevance: Float


def judge(world: World, lists: Shortlists, plan: SimulationPlan) -> Judgements:
    """Return judgements of about `CANDIDATES` candidates each for one demand in ten (at least five demands).

    Half of the candidates are those the platform's search believes in, half are drawn from the rest of the shortlist.
    """
    rng = np.random.default_rng([plan.seed, 5])
    count = min(len(world.demands), max(5, len(world.demands) // 10))
    demand = np.sort(rng.choice(len(world.demands), count, replace=False))
    size = lists.match.shape[1]
    each = min(CANDIDATES, size)
    key = np.where(rng.random((count, size)) < each / (2 * size), 10.0, 0.0) + rng.random((count, size))
    best = np.argsort(-lists.match[demand], axis=1, kind="stable")[:, : each // 2]
    np.put_along_axis(key, best, 100.0, axis=1)
    column = np.argsort(-key, axis=1, kind="stable")[:, :each]
    row = np.repeat(np.arange(count), each)
    flat = column.ravel()
    again = np.flatnonzero(rng.random(len(row)) < TWICE)
    chosen = np.sort(np.concatenate([np.arange(len(row)), again]))
    row, flat = row[chosen], flat[chosen]
    relevance = lists.fit.relevance[demand[row], flat]
    strictness = rng.normal(0.0, 0.04, EXPERTS)[rng.integers(0, EXPERTS, len(row))]
    read = relevance + strictness + NOISE * rng.standard_normal(len(row))
    return Judgements(
        demand=demand[row].astype(np.int32),
        achievement=lists.achievement[demand[row], flat],
        level=(1 + np.digitize(read, LEVEL_BOUNDS)).astype(np.int8),
        relevance=relevance,
    )
