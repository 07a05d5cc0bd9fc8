"""For every demand the achievements the platform could show, with their true fit; and the stream of true pairs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.simulator.plan import SimulationPlan
from data.simulator.relevance import RELATED, TRUTH_FLOOR, Fit, Float, fit_of, technology_affinity
from data.simulator.world import Int, World

SHORTLIST = 200
UNRELATED = 200
"""Achievements of other technologies that may be shown, at least."""
MISTAKEN = (0.3, 0.15, 0.4)
"""How far the platform's search errs about a whole technology for plain, technical and vague demands."""
SPREAD = 50
"""Places of a shortlist given to arbitrary candidates."""
BLOCK_PAIRS = 2_000_000


@dataclass(frozen=True, slots=True)
class Shortlists:
    """`achievement` (demands, k) int32, ordered by nothing; `match` is what the platform's own search thinks.

    `fit` holds the true parts of the fit, each (demands, k).
    """

    achievement: Int
    match: Float
    fit: Fit


@dataclass(frozen=True, slots=True)
class TruePairs:
    """Pairs of at least TRUTH_FLOOR relevance: rows of demands, of achievements, and their relevance; each (k,)."""

    demand: NDArray[np.int64]
    achievement: NDArray[np.int64]
    relevance: Float


def _candidates(rng: np.random.Generator, related: NDArray[np.int64], total: int, size: int) -> NDArray[np.int64]:
    """Return all related achievements and enough unrelated ones, ascending."""
    if total <= size + UNRELATED:
        return np.arange(total)
    wanted = max(UNRELATED, size - len(related))
    others = rng.choice(total, min(total, wanted + len(related)), replace=False)
    return np.union1d(related, np.setdiff1d(others, related, assume_unique=True)[:wanted])


def shortlists(
    world: World, plan: SimulationPlan, emit: Callable[[TruePairs], None], advance: Callable[[int], None]
) -> Shortlists:
    """Compute every demand's shortlist; hand true pairs to `emit` block by block and demands done to `advance`.

    A shortlist has min(`SHORTLIST`, achievements) rows. Peak memory is a few arrays of (demands, shortlist) float32.
    """
    rng = np.random.default_rng([plan.seed, 2])
    affinity = technology_affinity(world.lexicon)
    count, total = len(world.demands), len(world.achievements)
    size = min(SHORTLIST, total)
    names = Fit.__slots__
    achievement = np.zeros((count, size), dtype=np.int32)
    match = np.zeros((count, size), dtype=np.float32)
    parts = {name: np.zeros((count, size), dtype=np.float16 if name != "relevance" else np.float32) for name in names}
    of_technology = _rows_by(world.achievements.technology, len(affinity))
    for technology, demand_rows in enumerate(_rows_by(world.demands.technology, len(affinity))):
        if not len(demand_rows):
            continue
        near = np.flatnonzero(affinity[technology] >= RELATED)
        related = np.sort(np.concatenate([of_technology[other] for other in near]))
        pool = _candidates(rng, related, total, size)
        for rows in _blocks(demand_rows, len(pool)):
            fit = fit_of(affinity, world.demands.at(rows, 0), world.achievements.at(pool, 1))
            believed = _match(rng, world, rows, pool, fit)
            key = believed.copy()
            key[rng.random(key.shape) < SPREAD / key.shape[1]] += 10.0
            kept = np.argpartition(-key, size - 1, axis=1)[:, :size]
            kept.sort(axis=1)
            achievement[rows] = pool[kept]
            match[rows] = np.take_along_axis(believed, kept, axis=1)
            for name in names:
                parts[name][rows] = np.take_along_axis(getattr(fit, name), kept, axis=1)
            row, column = np.nonzero(fit.relevance >= TRUTH_FLOOR)
            emit(TruePairs(rows[row], pool[column], fit.relevance[row, column]))
            advance(len(rows))
    return Shortlists(achievement, match, Fit(**parts))


def _match(rng: np.random.Generator, world: World, rows: NDArray[np.int64], pool: NDArray[np.int64], fit: Fit) -> Float:
    """Return what the platform's search believes of pairs (rows, pool).

    It sees the topic through noise, errs about whole technologies where words mislead it (see `MISTAKEN`), and knows
    little of what a vague demand is about.
    """
    wording = world.demands.wording[rows]
    clear = np.where(wording == 2, 0.35, 1.0).astype(np.float32)[:, None]
    kinds, column = np.unique(world.achievements.technology[pool], return_inverse=True)
    mistaken = rng.standard_normal((len(rows), len(kinds)), dtype=np.float32)
    mistaken *= np.array(MISTAKEN, dtype=np.float32)[wording][:, None]
    noise = rng.standard_normal(fit.topic.shape, dtype=np.float32)
    seen = clear * (fit.topic + np.float32(0.2) * fit.indicators) + np.float32(0.15) * noise + mistaken[:, column]
    believed: Float = seen.astype(np.float32)
    return believed


def _rows_by(key: Int, groups: int) -> list[NDArray[np.int64]]:
    """Return for every value of `key` below `groups` the rows that have it, ascending."""
    order = np.argsort(key, kind="stable")
    return np.split(order, np.searchsorted(key[order], np.arange(1, groups)))


def _blocks(rows: NDArray[np.int64], width: int) -> Iterator[NDArray[np.int64]]:
    step = max(1, BLOCK_PAIRS // width)
    for start in range(0, len(rows), step):
        yield rows[start : start + step]
