"""Quality of the list that one demand gets, over its judged achievements."""

from dataclasses import dataclass

import numpy as np

from eval.metrics.levels import MIN_JUDGEMENTS, Floats, Ints

GOOD_LEVEL = 3


@dataclass(frozen=True)
class ListQuality:
    """Per demand with enough judgements and at least one good one: `demands` (m,) and the metrics (m,) by name."""

    demands: Ints
    values: dict[str, Floats]


def list_quality(levels: Ints, ranking: Floats, demands: Ints, seed: int = 0) -> ListQuality:
    """Return MRR, MAP, precision@5 and recall@10 of each demand's judged rows in the order of `ranking`.

    Good is level >= `GOOD_LEVEL`. mrr: 1 / rank of the first good row; map: mean over the good rows of the precision at
    their ranks (Manning, Raghavan & Schütze 2008, ch. 8); precision5: share of good rows among the first five;
    recall10: share of the good rows among the first ten. Demands with fewer than five judgements, or without a good or
    without another one, are left out. Equal numbers are ordered by a fixed lot, so that no order of the file can help.
    """
    lot = np.random.default_rng(seed).permutation(len(levels))
    order = np.lexsort((lot, -ranking, demands))
    good = levels[order] >= GOOD_LEVEL
    starts = np.flatnonzero(np.r_[True, np.diff(demands[order]) > 0])
    sizes = np.diff(np.r_[starts, len(order)])
    hits = np.add.reduceat(good, starts).astype(np.float64)
    rank = np.arange(len(order)) - np.repeat(starts, sizes) + 1
    running = np.cumsum(good, dtype=np.int64)
    found = running - np.repeat((running - good)[starts], sizes)  # good rows up to and including this one
    kept = (sizes >= MIN_JUDGEMENTS) & (hits > 0) & (hits < sizes)
    first = np.minimum.reduceat(np.where(good, rank, np.iinfo(np.int64).max), starts)
    values = {
        "mrr": 1.0 / first[kept],
        "map": np.add.reduceat(np.where(good, found / rank, 0.0), starts)[kept] / hits[kept],
        "precision5": np.add.reduceat(good & (rank <= 5), starts)[kept] / 5.0,
        "recall10": np.add.reduceat(good & (rank <= 10), starts)[kept] / hits[kept],
    }
    return ListQuality(demands[order][starts][kept], values)
