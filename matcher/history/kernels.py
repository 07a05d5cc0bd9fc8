"""Compiled loops over known outcomes. They release the interpreter lock; their code is cached on disk."""

import numba
import numpy as np
from numpy.typing import NDArray

from models.ranking.radial import fast_exp

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]

_BINS = 2048
_NEVER = np.float32(-1e30)


@numba.njit(nogil=True, cache=True)
def nearest_demands(similarity: Floats, starts: Rows, most: int) -> Rows:
    """Return the demands most similar by `similarity` (g,), enough to hold `most` outcomes if there are so many.

    The outcomes of demand i are from `starts[i]` to `starts[i + 1]`. A demand below -1 is left out. Similarities are
    resolved to a thousandth: one pass over the demands is enough, and no order is needed.
    """
    held = np.zeros(_BINS, dtype=np.int64)
    place = np.full(len(similarity), -1, dtype=np.int64)
    for demand in range(len(similarity)):
        size = starts[demand + 1] - starts[demand]
        if size > 0 and similarity[demand] >= -1.001:
            place[demand] = _bin(similarity[demand])
            held[place[demand]] += size
    lowest, total = _BINS, 0
    while lowest > 0 and total < most:
        lowest -= 1
        total += held[lowest]
    return np.flatnonzero(place >= lowest)


@numba.njit(nogil=True, cache=True, fastmath=True)
def nearest_likeness(leading: Floats, asking: Floats, known: Floats, most: int, found: Floats) -> None:
    """Write the inner products of `asking` (r,) with the `most` likeliest of `known` (g, r), and some more, to `found` (g,).

    Likely are those whose product over the leading axes alone, `leading` (g,), is largest; of all others -inf is written.
    """
    held = np.zeros(_BINS, dtype=np.int64)
    for i in range(len(leading)):
        held[_bin(leading[i])] += 1
    lowest, total = _BINS, 0
    while lowest > 0 and total < most:
        lowest -= 1
        total += held[lowest]
    for i in range(len(leading)):
        if _bin(leading[i]) < lowest:
            found[i] = -np.inf
            continue
        row, product = known[i], np.float32(0)
        for k in range(len(asking)):
            product += row[k] * asking[k]
        found[i] = product


@numba.njit(nogil=True, cache=True)
def _bin(similarity: np.float32) -> int:
    near = min(max(similarity, np.float32(-1)), np.float32(1))
    return int((near + np.float32(1)) * np.float32(0.5 * (_BINS - 1)))


@numba.njit(nogil=True, cache=True)
def outcomes_of(demands: Rows, starts: Rows) -> Rows:
    """Return the outcomes of the given demands, demand after demand."""
    total = 0
    for demand in demands:
        total += starts[demand + 1] - starts[demand]
    found = np.empty(total, dtype=np.int64)
    at = 0
    for demand in demands:
        for outcome in range(starts[demand], starts[demand + 1]):
            found[at] = outcome
            at += 1
    return found


@numba.njit(nogil=True, cache=True)
def _best_three(nearness: Floats, grades: Floats, found: Floats) -> None:
    """Write grade of the nearest outcome, how near it is, and the mean grade of the three nearest to `found` (3,).

    Each of the three weighs exp(12 · nearness).
    """
    near0 = near1 = near2 = _NEVER
    at0 = at1 = at2 = 0
    for j in range(len(nearness)):
        near = nearness[j]
        if near > near2:
            if near > near1:
                near2, at2 = near1, at1
                if near > near0:
                    near1, at1 = near0, at0
                    near0, at0 = near, j
                else:
                    near1, at1 = near, j
            else:
                near2, at2 = near, j
    if near0 <= _NEVER:
        found[:] = np.nan
        return
    weight1 = np.exp(np.float32(12) * (near1 - near0))
    weight2 = np.exp(np.float32(12) * (near2 - near0))
    found[0], found[1] = grades[at0], near0
    found[2] = (grades[at0] + weight1 * grades[at1] + weight2 * grades[at2]) / (np.float32(1) + weight1 + weight2)


@numba.njit(nogil=True, cache=True, fastmath={"contract", "reassoc", "arcp"})
def _weighted(
    cosine: Floats, sharpness: np.float32, grades: Floats, counts: Floats, other: Floats, graded: Floats, weight: Floats
) -> tuple[np.float32, np.float32, np.float32, np.float32]:
    """Return the sums over t outcomes of w·grade, w, w·graded and w·other.

    w = counts · exp(sharpness · (cosine - 1)), `counts` (t,) how much each outcome counts.
    """
    for j in range(len(cosine)):
        weight[j] = counts[j] * fast_exp(sharpness * min(cosine[j] - np.float32(1), np.float32(0)))
    alone = alone_mass = weighed = mass = np.float32(0)
    for j in range(len(cosine)):
        alone += weight[j] * grades[j]
        alone_mass += weight[j]
        weighed += weight[j] * graded[j]
        mass += weight[j] * other[j]
    return alone, alone_mass, weighed, mass


@numba.njit(nogil=True, cache=True, fastmath={"contract", "reassoc", "nnan"})
def _nearest_of_kinds(cosine: Floats, grades: Floats) -> tuple[np.float32, np.float32, np.float32]:
    """Return the largest cosine of the outcomes (t,) of grade 0, of 1, of 2 and more; `_NEVER` where there are none."""
    near0 = near1 = near2 = _NEVER
    for j in range(len(cosine)):
        near0 = max(near0, cosine[j] if grades[j] < np.float32(1) else _NEVER)
        near1 = max(near1, cosine[j] if np.float32(1) <= grades[j] < np.float32(2) else _NEVER)
        near2 = max(near2, cosine[j] if grades[j] >= np.float32(2) else _NEVER)
    return near0, near1, near2


@numba.njit(nogil=True, cache=True)
def own_outcomes(
    cosine: Floats,
    grades: Floats,
    counts: Floats,
    prior: float,
    sharpness: float,
    prior_pairs: float,
    prior_mass: float,
    table: Floats,
) -> None:
    """Write what a demand's own outcomes (t,) say of n achievements, `cosine` (n, t) away, to `table` (n, 10).

    `counts` (t,) in (0, 1] tell how much each of them counts in means.

    Columns: log(1 + t), mean grade, mean with similar achievements weighing more less that mean, their mass, nearness
    of the most similar of grade 0, of 1, of 2 and more, and the three of `_best_three`.
    """
    t = len(grades)
    mean = ((counts * grades).sum() + prior_pairs * prior) / (counts.sum() + prior_pairs)
    weight = np.empty(t, dtype=np.float32)
    for row in range(len(cosine)):
        weighed, mass, _, _ = _weighted(cosine[row], np.float32(sharpness), grades, counts, grades, grades, weight)
        for kind, near in enumerate(_nearest_of_kinds(cosine[row], grades)):
            table[row, 4 + kind] = near if near > _NEVER else np.nan
        table[row, 0] = np.log1p(float(t))
        table[row, 1] = mean
        table[row, 2] = (weighed + prior_mass * mean) / (mass + prior_mass) - mean
        table[row, 3] = mass
        _best_three(cosine[row], grades, table[row, 7:])


@numba.njit(nogil=True, cache=True)
def others_outcomes(
    cosine: Floats,
    grades: Floats,
    counts: Floats,
    silent: NDArray[np.bool_],
    nearness: Floats,
    prior: float,
    sharpness: float,
    prior_pairs: float,
    prior_mass: float,
    table: Floats,
) -> None:
    """Write what t outcomes of other demands, `nearness` (t,) away, say of n achievements to `table` (n, 8).

    `counts` (t,) in (0, 1] tell how much each counts in means; `silent` (t,) which were shown and left alone, and are
    nobody's nearest outcome.

    Columns: mean grade with similar demands weighing more, the same with similar achievements weighing more too, their
    mass, the difference of the two means, mean with similar achievements alone, and the three of `_best_three` by the
    product of both similarities.
    """
    t = len(grades)
    by_demand = np.exp(np.float32(sharpness) * (nearness - np.float32(1)))
    counted = by_demand * counts
    mean = ((counted * grades).sum() + prior_pairs * prior) / (counted.sum() + prior_pairs)
    graded = by_demand * grades
    near = np.maximum(np.minimum(nearness, np.float32(1)), np.float32(0))
    both, weight = np.empty(t, dtype=np.float32), np.empty(t, dtype=np.float32)
    for row in range(len(cosine)):
        alone, alone_mass, weighed, mass = _weighted(
            cosine[row], np.float32(sharpness), grades, counts, by_demand, graded, weight
        )
        for j in range(t):
            both[j] = _NEVER if silent[j] else cosine[row, j] * near[j]
        table[row, 0] = mean
        table[row, 1] = (weighed + prior_mass * mean) / (mass + prior_mass)
        table[row, 2] = mass
        table[row, 3] = table[row, 1] - mean
        table[row, 4] = (alone + prior) / (alone_mass + 1.0)
        _best_three(both, grades, table[row, 5:])
