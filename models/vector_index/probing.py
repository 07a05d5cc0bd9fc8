"""How far an inverted-list search must go for a recall of 0.985: measured on the indexed vectors themselves."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.index_state.selection import k_best
from models.vector_index.kernels import shares_near

Points = tuple[tuple[float, float], ...]

_QUERIES = 128
_BLEND = 0.5
_NEIGHBOURS = 100
_MISSED_BY_LISTS = 0.008  # share of the true neighbours in lists that are not scanned
_MISSED_BY_CODES = 0.008  # share of those scanned whose codes rank them too low to be compared exactly
_SCAN_NEIGHBOURS = (10, 100, 1000)
STARVED = 0.5  # density of what is allowed near a query, below which codes do not suffice
_NEAR_SHARE = 0.1
_LEAST_FED = 16  # queries whose neighbourhood a filter leaves, to measure with
_FILTERS = (1, 2, 5, 12, 25)  # a filter leaves one of so many vectors
_LEAST_FILTERED = 2048
_CODE_NEIGHBOURS = (10, 30, 100, 300, 1000)
_CANDIDATE_LIMIT = 16_384


@dataclass(frozen=True)
class Probing:
    """Measured requirements as points to interpolate between.

    `shares`: (k, share of all vectors to scan) without a filter. `filtered_shares`: (allowed share of all vectors,
    share of the allowed to scan) for k = 100. `candidate_counts`: (k, number of best codes to compare exactly).
    """

    shares: Points
    filtered_shares: Points
    candidate_counts: Points

    @classmethod
    def everything(cls) -> Self:
        """Return requirements that scan all lists."""
        return cls(((1.0, 1.0),), ((1.0, 1.0),), ((1.0, 16.0),))

    def share(self, k: int, allowed: float) -> float:
        """Return the share, in (0, 1], of the allowed vectors to scan for k; `allowed` is their share of all."""
        unfiltered = _between(self.shares, k)
        if allowed >= 1:
            return unfiltered
        return min(1.0, _between(self.filtered_shares, allowed) * unfiltered / _between(self.shares, _NEIGHBOURS))

    def candidates(self, k: int, allowed: float = 1.0) -> int:
        """Return how many of the best codes, at least k, to compare exactly for the k best.

        `allowed` in (0, 1] is the allowed share of the vectors near the query: where a tenth is allowed the k best are
        about a tenth of the 10 k best of all, and so are the codes that rank before them.
        """
        factors = tuple((places, count / places) for places, count in self.candidate_counts)
        return max(k, int(np.ceil(_between(factors, k / allowed) * k)))

    def as_lists(self) -> dict[str, list[list[float]]]:
        """Return the points as JSON holds them."""
        return {field.name: [list(point) for point in getattr(self, field.name)] for field in fields(self)}

    @classmethod
    def from_lists(cls, stored: dict[str, list[list[float]]]) -> Self:
        """Read what `as_lists` returned."""
        return cls(**{field.name: tuple((x, y) for x, y in stored[field.name]) for field in fields(cls)})


def sample_queries(vectors: NDArray[np.float32], seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return queries (q, d) made of some of `vectors` (n, d), and the positions (q,) of those.

    A real query, worded by someone else, lies less near to any vector than they lie to each other: a part of another
    vector is blended in.
    """
    order = np.random.default_rng(seed).permutation(len(vectors))
    own = order[:_QUERIES]
    blended = vectors[own] + _BLEND * vectors[np.roll(order, -_QUERIES)[: len(own)]]
    lengths = np.maximum(np.linalg.norm(blended, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return np.ascontiguousarray(blended / lengths, dtype=np.float32), own


def required_shares(
    vectors: NDArray[np.float32],
    queries: NDArray[np.float32],
    own: NDArray[np.int64],
    lists: NDArray[np.int32],
    order: NDArray[np.int64],
) -> tuple[Points, Points]:
    """Return the shares of vectors to scan for several k without a filter, and for several filters at k = 100.

    `lists` (n,) is each vector's list, `order` (q, lists) the lists nearest to each query first; `own` (q,) are the
    queries' positions, which are no neighbours of theirs. A neighbour is found once the lists up to its own are
    scanned. Filters are tried in two ways, blind to the content (every m-th vector) and bound to it (the part of all
    vectors that is nearest to one of them, for queries that it does not starve), and the one that needs more counts.
    """
    sizes = np.bincount(lists, minlength=order.shape[1]).astype(np.float64)
    count = len(vectors)
    everything = np.arange(count)
    ks = [k for k in _SCAN_NEIGHBOURS if 4 * k <= count] or [1]
    plain = dict(zip(ks, _shares_needed(vectors, everything, queries, own, lists, order, ks), strict=True))
    filtered: dict[float, float] = {}
    nearness = vectors @ vectors[count // 2]
    for divisor in _FILTERS:
        kept = count // divisor
        if kept < _LEAST_FILTERED and filtered:
            break
        bound = np.sort(np.argpartition(-nearness, kept - 1)[:kept])
        weights = np.bincount(lists[bound], minlength=order.shape[1]).astype(np.float64)
        fed = np.flatnonzero(near_density(order, sizes, weights) >= STARVED)
        k = [min(_NEIGHBOURS, kept)]
        blind = _shares_needed(vectors, everything[::divisor], queries, own, lists, order, k)[0]
        filtered[1 / divisor] = blind
        if len(fed) >= _LEAST_FED:
            needed = _shares_needed(vectors, bound, queries[fed], own[fed], lists, order[fed], k)[0]
            filtered[1 / divisor] = max(blind, needed)
    return _sorted(plain), _sorted(filtered)


def near_density(
    order: NDArray[np.int64], sizes: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (q,): how much more of what is near to each query a filter allows than of all; 1 if it is blind.

    `order` (q, lists) are the lists nearest to each query first, `sizes` (lists,) their vectors, `weights` (lists,) those
    of them that are allowed. Near are the lists that hold a tenth of all vectors.
    """
    density = np.empty(len(order))
    shares_near(order, sizes, weights, _NEAR_SHARE * float(sizes.sum()), density)
    return density


def _shares_needed(
    vectors: NDArray[np.float32],
    subset: NDArray[np.int64],
    queries: NDArray[np.float32],
    own: NDArray[np.int64],
    lists: NDArray[np.int32],
    order: NDArray[np.int64],
    ks: list[int],
) -> list[float]:
    """Return for each of `ks`, ascending, the share of the vectors at `subset` (m,), ascending, to scan for it."""
    held = lists[subset]
    scanned = np.cumsum(np.bincount(held, minlength=order.shape[1])[order], axis=1) / len(subset)
    rank = np.argsort(order, axis=1)
    neighbours = _neighbours(vectors, queries, own, ks[-1], subset)
    needed = np.stack([scanned[number, rank[number, held[found]]] for number, found in enumerate(neighbours)])
    return [float(np.quantile(needed[:, :k], 1 - _MISSED_BY_LISTS)) for k in ks]


def required_candidates(
    vectors: NDArray[np.float32],
    queries: NDArray[np.float32],
    own: NDArray[np.int64],
    approximate: Callable[[int], NDArray[np.int64]],
) -> Points:
    """Return how many of the best codes to compare exactly for several k.

    `approximate(m)` gives the m best positions (q, m) of all queries by their codes.
    """
    usable = [k for k in _CODE_NEIGHBOURS if 4 * k <= len(vectors)] or [1]
    limit = min(len(vectors), _CANDIDATE_LIMIT)
    ranked = approximate(limit)
    ranks = np.empty((len(queries), usable[-1]))
    place = np.empty(len(vectors), dtype=np.int64)
    for number, neighbours in enumerate(_neighbours(vectors, queries, own, usable[-1], None)):
        place[:] = limit
        held = ranked[number][ranked[number] >= 0]
        place[held] = np.arange(1, len(held) + 1)
        ranks[number] = place[neighbours]
    points = {float(k): max(float(k), float(np.quantile(ranks[:, :k], 1 - _MISSED_BY_CODES))) for k in usable}
    return tuple(sorted(points.items()))


def _neighbours(
    vectors: NDArray[np.float32],
    queries: NDArray[np.float32],
    own: NDArray[np.int64],
    k: int,
    subset: NDArray[np.int64] | None,
) -> list[NDArray[np.int64]]:
    """Return for each query the places of the k nearest of `vectors` (n, d), or of those at `subset` (m,).

    The query itself, at position `own`, is put last.
    """
    found = []
    held = vectors if subset is None else vectors[subset]
    for start in range(0, len(queries), 16):
        products = queries[start : start + 16] @ held.T
        for offset, scores in enumerate(products):
            position = own[start + offset]
            place = position if subset is None else np.searchsorted(subset, position)
            if place < len(held) and (subset is None or subset[place] == position):
                scores[place] = -np.inf
            found.append(k_best(scores, k))
    return found


@lru_cache(maxsize=1024)
def _between(points: Points, place: float) -> float:
    """Return the value at `place` > 0 between `points`, on a logarithmic scale; beyond them the nearest one's."""
    places, values = zip(*points, strict=True)
    return float(np.interp(np.log(place), np.log(places), values))


def _sorted(points: dict[int, float] | dict[float, float]) -> Points:
    """Return `points` by place."""
    return tuple(sorted((float(place), value) for place, value in points.items()))
