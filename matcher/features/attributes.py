"""Features from what records state besides their text; NaN where either side is silent."""

import numba
import numpy as np
from numpy.typing import NDArray

from data.columns.arrays import csr_parts
from matcher.collection.pairs import PairBatch

FloatArray = NDArray[np.float32]
Ints = NDArray[np.integer]

ATTRIBUTES = (
    "same_field",
    "industry_depth",
    "region_level",
    "trl_margin",
    "price_to_budget",
    "mode_overlap",
    "achievement_year",
)


def attribute_features(pairs: PairBatch) -> FloatArray:
    """Return the features named in `ATTRIBUTES`, in their order (n, 7), of n pairs.

    same_field 0/1; industry_depth: digits (0-4) on which the closest GB/T 4754 codes agree; region_level: 0 other
    province, 1 same province, 2 same city; trl_margin: levels reached above those asked; price_to_budget: log10 of
    lowest price to highest budget; mode_overlap: share of the firm's modes that the holder offers; achievement_year:
    when it was last changed or else published, an absolute date, because how old it is would depend on when one asks,
    and in training and in serving one asks at different times.
    """
    demands, achievements, d, a = pairs.demands.cards, pairs.achievements.cards, pairs.d, pairs.a
    found = np.empty((len(pairs), len(ATTRIBUTES)), dtype=np.float32)
    field_d, field_a = demands.fields[d], achievements.fields[a]
    found[:, 0] = np.where((field_d != "") & (field_a != ""), field_d == field_a, np.nan)
    _industry_depth(
        *csr_parts(demands.industry_prefixes), *csr_parts(achievements.industry_prefixes), d, a, found[:, 1]
    )
    _region_level(demands.region, achievements.region, d, a, found[:, 2])
    found[:, 3] = achievements.trl[a] - demands.trl[d]
    money = demands.money_min, demands.money_max, achievements.money_min, achievements.money_max
    _price_to_budget(*money, d, a, found[:, 4])
    _mode_overlap(demands.mode_flags, achievements.mode_flags, d, a, found[:, 5])
    found[:, 6] = 1970.0 + achievements.published[a] / 365.25
    return found


@numba.njit(nogil=True, cache=True)
def _industry_depth(
    indptr_d: Ints,
    indices_d: Ints,
    data_d: FloatArray,
    indptr_a: Ints,
    indices_a: Ints,
    data_a: FloatArray,
    d: Ints,
    a: Ints,
    found: FloatArray,
) -> None:
    """Write (n,) digits shared by the closest codes: `C2614` and `C2651` agree on 2 (letters do not count).

    It is the largest value that rows d and a of the two CSR matrices of prefixes, columns ascending, share.
    """
    for i in range(len(d)):
        p, end_p = indptr_d[d[i]], indptr_d[d[i] + 1]
        q, end_q = indptr_a[a[i]], indptr_a[a[i] + 1]
        found[i] = np.nan if p == end_p or q == end_q else 0.0
        while p < end_p and q < end_q:
            if indices_d[p] == indices_a[q]:
                found[i] = max(found[i], min(data_d[p], data_a[q]))
            if indices_d[p] <= indices_a[q]:
                p += 1
            else:
                q += 1


@numba.njit(nogil=True, cache=True)
def _region_level(region_d: Ints, region_a: Ints, d: Ints, a: Ints, found: FloatArray) -> None:
    for i in range(len(d)):
        wanted, offered = region_d[d[i]], region_a[a[i]]
        if wanted <= 0 or offered <= 0:
            found[i] = np.nan
        elif wanted // 100 == offered // 100:
            found[i] = 2.0
        else:
            found[i] = 1.0 if wanted // 10_000 == offered // 10_000 else 0.0


@numba.njit(nogil=True, cache=True)
def _price_to_budget(
    min_d: NDArray[np.float64],
    max_d: NDArray[np.float64],
    min_a: NDArray[np.float64],
    max_a: NDArray[np.float64],
    d: Ints,
    a: Ints,
    found: FloatArray,
) -> None:
    for i in range(len(d)):
        price = max_a[a[i]] if np.isnan(min_a[a[i]]) else min_a[a[i]]
        budget = min_d[d[i]] if np.isnan(max_d[d[i]]) else max_d[d[i]]
        known = not (np.isnan(price) or np.isnan(budget))
        found[i] = np.log10(max(price, 0.01) / max(budget, 0.01)) if known else np.nan


@numba.njit(nogil=True, cache=True)
def _mode_overlap(wanted: NDArray[np.bool_], offered: NDArray[np.bool_], d: Ints, a: Ints, found: FloatArray) -> None:
    for i in range(len(d)):
        asked = given = both = 0
        for mode in range(wanted.shape[1]):
            asked += wanted[d[i], mode]
            given += offered[a[i], mode]
            both += wanted[d[i], mode] and offered[a[i], mode]
        found[i] = both / asked if asked and given else np.nan
