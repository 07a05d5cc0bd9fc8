"""What texts alone say of a pair, at the same rate for every demand.

It is the order of a list as long as nothing was learned, and part of every later one. Outcomes teach a ranker what tells good
pairs from bad ones among those that were judged. Of several hundred candidates that all look alike to it the nearer text is
the better bet, which judged pairs do not teach: they were chosen for being near. The weights are plain and fixed, not fitted
(docs/decisions/010-served-lists.md), but in proportion to how far apart the ranker's own numbers lie: experts' grades spread
over whole grades, clicks of a log over hundredths, which the same weight would drown.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data.errors import BundleError
from matcher.collection.collection import Side
from matcher.features.table import FeatureTable

# Grades that one deviation of a similarity adds, the deviation being that of the demand's own reference records, where a
# ranker's expected grades deviate by `SPREAD`: on the judged pairs, of demands that it did not see, of bdci2019.
WEIGHTS = {"vectors_f_for_demand": 0.1, "context_f_for_demand": 0.1}
SPREAD = 0.415
# Shares of the deviations of similarities in the order of a list as long as no outcome taught a ranker.
FIRST_DAY = {"vectors_f": 2.0, "context_f": 2.0, "grams_f": 1.0}
# What missed figures take off that order at most: one missed of two equal texts comes later, a far nearer text stays first.
MOST_DEVIATIONS = 2.0
FURTHEST = 8.0  # deviations beyond which nothing more is added


def text_prior(values: NDArray[np.float32], names: Sequence[str], spread: float = SPREAD) -> NDArray[np.float64]:
    """Return (n,) what the texts of pairs add to their expected grade; `values` (n, f) are their features, by `names`.

    `spread` is the deviation of the expected grades that it is added to. A similarity that is not known adds nothing.

    Raises:
        BundleError: a feature is missing.

    """
    missing = [name for name in WEIGHTS if name not in names]
    if missing:
        raise BundleError(f"the feature table lacks {missing[0]}, which the order needs; run `gongxu train`")
    total = np.zeros(len(values))
    for name, weight in WEIGHTS.items():
        deviations = np.clip(values[:, names.index(name)].astype(np.float64), -FURTHEST, FURTHEST)
        total += spread / SPREAD * weight * np.where(np.isnan(deviations), 0.0, deviations)
    return total


def first_day_order(table: FeatureTable, side: Side) -> NDArray[np.float64]:
    """Return (n,) numbers to order candidates on `side` by where nothing was learned: how alike the texts are.

    In deviations over reference records of the other side's record; weights as measured on whole lists
    (docs/decisions/010-served-lists.md).
    """
    subject = "demand" if side == "achievements" else "achievement"
    columns = table.select(tuple(f"{name}_for_{subject}" for name in FIRST_DAY))
    shares = np.array(list(FIRST_DAY.values())) / sum(FIRST_DAY.values())
    return np.nan_to_num(np.clip(columns.astype(np.float64), -FURTHEST, FURTHEST)) @ shares
