"""Whom the lists show, how alike their items are, and how much of them everybody has seen."""

import numpy as np
from numpy.typing import NDArray

from eval.metrics.levels import Floats, Ints

DEPTH = 10


def top_rows(ranking: Floats, demands: Ints, depth: int = DEPTH) -> tuple[NDArray[np.intp], Ints]:
    """Return the rows among the first `depth` of their demand, demand by demand, and their ranks from 1."""
    order = np.lexsort((-ranking, demands))
    starts = np.flatnonzero(np.r_[True, np.diff(demands[order]) > 0])
    rank = np.arange(len(order)) - np.repeat(starts, np.diff(np.r_[starts, len(order)])) + 1
    kept = rank <= depth
    return order[kept], rank[kept].astype(np.int64)


def gini(amounts: Floats) -> float:
    """Return the Gini coefficient of (m,) non-negative amounts: 0 all alike, towards 1 one has everything; NaN for none."""
    if not len(amounts) or amounts.sum() <= 0:
        return float("nan")
    sorted_ = np.sort(amounts)
    n = len(sorted_)
    return float((2 * np.arange(1, n + 1) - n - 1) @ sorted_ / (n * sorted_.sum()))


def holder_exposure(holders: Ints, rank: Ints, n_holders: int) -> Floats:
    """Return (n_holders,) attention that the lists give to each holder: Σ 1 / log2(rank + 1) over its shown items.

    `holders` (k,) are the numbers of the shown items' holders, -1 for an unnamed one, who counts for nobody.
    """
    named = holders >= 0
    attention = 1.0 / np.log2(rank[named] + 1.0)
    return np.asarray(np.bincount(holders[named], weights=attention, minlength=n_holders), dtype=np.float64)


def list_diversity(vectors: NDArray[np.float32], demands: Ints) -> float:
    """Return the mean over lists of the mean cosine distance between two items of the list, in [0, 2] (Ziegler 2005).

    `vectors` (k, d), of length 1, are those of the shown items, `demands` (k,) their lists. NaN without a list of two.
    """
    values = []
    for demand in np.unique(demands):
        items = vectors[demands == demand]
        n = len(items)
        if n > 1:
            values.append(1.0 - (float((items.sum(axis=0) ** 2).sum()) - n) / (n * (n - 1)))
    return float(np.mean(values)) if values else float("nan")


def novelty(popularity: Floats) -> float:
    """Return the mean of -log2 of the shown items' popularity, in bits (Vargas & Castells 2011).

    `popularity` (k,) are the shares of earlier attention that went to each shown item, in (0, 1]; what nobody has seen
    should be given the share of less than one view. NaN for none.
    """
    return float(-np.log2(popularity).mean()) if len(popularity) else float("nan")
