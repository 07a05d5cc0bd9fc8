"""How much the place in a list alone raises or lowers an outcome, apart from what was put there."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from data.learning import RankerParameters
from models.trees.boosting import train_binary

PLACES = 12  # 0: no list showed the row; 1 to 10: its position; 11: further down
MAX_ROWS = 40_000  # rows the offsets are estimated from; more change nothing
AVERAGED = 2_000  # rows that the effect of a place is averaged over
MIN_POSITIVES = 100  # below this many outcomes the offsets of the grade below are kept
TREES = 80


def place_of(positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (n,) places in 0 to `PLACES` - 1 for (n,) positions, of which 0 means that no list showed the row."""
    return np.minimum(positions, PLACES - 1)


def place_offsets(
    features: NDArray[np.float32],
    exceeds: NDArray[np.bool_],
    places: NDArray[np.int64],
    weights: NDArray[np.float64],
    parameters: RankerParameters,
    threads: int = 1,
) -> NDArray[np.float64]:
    """Return (`PLACES`,) log-odds that each place adds to the outcome, 0 for position 1.

    A preliminary model sees the place beside the features; its margin, averaged over the same rows for each place
    (partial dependence, Friedman 2001), is what the place alone brings: unlike the rate of outcomes per position it does not
    blame lower positions for the weaker matches there. Farther down never counts for more (the offsets of
    positions are made non-increasing); a place that no row has gets the nearest place's.

    Args:
        features: (n, f) of the rows.
        exceeds: (n,) whether the outcome came about.
        places: (n,) from `place_of`.
        weights: (n,) row weights.
        parameters: of the ranker; the preliminary model has fewer trees.
        threads: for LightGBM.

    """
    import lightgbm as lgb  # here: a server only reads what was trained

    rows = np.arange(len(places))
    random = np.random.default_rng(parameters.seed)
    if len(rows) > MAX_ROWS:
        rows = np.sort(random.choice(rows, MAX_ROWS, replace=False))
    table = np.hstack([features[rows], places[rows, None].astype(np.float32)])
    quick = replace(parameters, trees=TREES, learning_rate=0.1, feature_fraction=0.5)
    data = lgb.Dataset(
        table,
        label=exceeds[rows].astype(np.float32),
        weight=weights[rows],
        categorical_feature=[table.shape[1] - 1],
        params={"verbosity": -1, "max_bin": parameters.max_bin},
    )
    settings = {"cat_smooth": 1.0, "cat_l2": 1.0, "min_data_per_group": 20, "max_cat_to_onehot": 1}
    model = train_binary(data, len(rows), quick, threads, settings)
    shown = table[random.choice(len(rows), min(AVERAGED, len(rows)), replace=False)]
    present = np.unique(places[rows])
    margin = np.full(PLACES, np.nan)
    for place in present:
        shown[:, -1] = place
        margin[place] = float(np.mean(model.predict(shown, raw_score=True, num_threads=threads)))
    listed = present[present > 0]
    if not len(listed):
        return np.zeros(PLACES)
    margin[1:] = np.interp(np.arange(1, PLACES), listed, margin[listed])
    margin[1:] = np.minimum.accumulate(margin[1:])
    return np.asarray(np.nan_to_num(margin - margin[1], nan=0.0), dtype=np.float64)
