"""Features from what records state besides their text; NaN where either side is silent."""

import numba
import numpy as np
from numpy.typing import NDArray

from matcher.cards import Cards
from matcher.sparse import csr_parts

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


def attribute_features(
    demands: Cards, achievements: Cards, d: NDArray[np.int64], a: NDArray[np.int64]
) -> dict[str, FloatArray]:
    """Return the features named in `ATTRIBUTES`, each (n,), of the pairs (demands[d], achievements[a]).

    same_field 0/1; industry_depth: digits (0-4) on which the closest GB/T 4754 codes agree; region_level: 0 other
    province, 1 same province, 2 same city; trl_margin: levels reached above those asked; price_to_budget: log10 of
    lowest price to highest budget; mode_overlap: share of the firm's modes that the holder offers; achievement_year:
    when it was last changed or else published, an absolute date, because how old it is would depend on when one asks,
    and in training and in serving one asks at different times.
    """
    field_d, field_a = demands.fields[d], achievements.fields[a]
    region_d, region_a = demands.region[d], achievements.region[a]
    same_province = (region_d // 10_000 == region_a // 10_000).astype(np.float32)
    same_city = (region_d // 100 == region_a // 100).astype(np.float32)
    price, budget = achievements.money_min[a], demands.money_max[d]
    price = np.where(np.isnan(price), achievements.money_max[a], price)
    budget = np.where(np.isnan(budget), demands.money_min[d], budget)
    found = {
        "same_field": np.where((field_d != "") & (field_a != ""), field_d == field_a, np.nan),
        "industry_depth": _industry_depth(demands, achievements, d, a),
        "region_level": np.where((region_d > 0) & (region_a > 0), same_province + same_province * same_city, np.nan),
        "trl_margin": achievements.trl[a] - demands.trl[d],
        "price_to_budget": np.log10(np.maximum(price, 0.01) / np.maximum(budget, 0.01)),
        "mode_overlap": _mode_overlap(demands, achievements, d, a),
        "achievement_year": 1970.0 + achievements.published[a] / 365.25,
    }
    return {name: np.asarray(found[name], dtype=np.float32) for name in ATTRIBUTES}


def _industry_depth(
    demands: Cards, achievements: Cards, d: NDArray[np.int64], a: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return (n,) digits shared by the closest codes: `C2614` and `C2651` agree on 2 (letters do not count)."""
    return _deepest(*csr_parts(demands.industry_prefixes), *csr_parts(achievements.industry_prefixes), d, a)


@numba.njit(nogil=True, cache=True)
def _deepest(
    indptr_d: Ints,
    indices_d: Ints,
    data_d: FloatArray,
    indptr_a: Ints,
    indices_a: Ints,
    data_a: FloatArray,
    d: Ints,
    a: Ints,
) -> NDArray[np.float64]:
    """Return (n,) largest value that rows d and a of two CSR matrices with ascending columns share; NaN if one is empty."""
    deepest = np.zeros(len(d))
    for i in range(len(d)):
        p, end_p = indptr_d[d[i]], indptr_d[d[i] + 1]
        q, end_q = indptr_a[a[i]], indptr_a[a[i] + 1]
        if p == end_p or q == end_q:
            deepest[i] = np.nan
        while p < end_p and q < end_q:
            if indices_d[p] == indices_a[q]:
                deepest[i] = max(deepest[i], min(data_d[p], data_a[q]))
            if indices_d[p] <= indices_a[q]:
                p += 1
            else:
                q += 1
    return deepest


def _mode_overlap(
    demands: Cards, achievements: Cards, d: NDArray[np.int64], a: NDArray[np.int64]
) -> NDArray[np.float64]:
    wanted, offered = demands.mode_flags[d], achievements.mode_flags[a]
    asked, given = wanted.sum(axis=1), offered.sum(axis=1)
    share = (wanted & offered).sum(axis=1) / np.maximum(asked, 1)
    return np.where((asked > 0) & (given > 0), share, np.nan)
