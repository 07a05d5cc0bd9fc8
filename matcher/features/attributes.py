"""Features that are read one by one from a pair's records; NaN where either side is silent.

Each is declared once, in `DECLARED`; a new feature goes here unless it is computed together with others. One that reads a
new column of records also has to be named in `matcher.collection.columns`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from data.columns.arrays import csr_parts
from data.columns.features import Feature, names_of
from knowledge_graph.taxonomy.industries import load_industries
from knowledge_graph.taxonomy.regions import load_regions
from matcher.collection.pairs import PairBatch

FloatArray = NDArray[np.float32]
Ints = NDArray[np.integer]


@dataclass(frozen=True, kw_only=True)
class Attribute(Feature):
    """A feature that is read by itself, and how its reason words it; it is its own group unless another is named.

    `read` returns its values (n,) of n pairs. `columns` of either record are quoted, as `as_text` renders them; `asked`
    and `offered` are formats around the demand's and the achievement's text, an empty `asked` leaves the demand out.
    Without `columns` the reason states the value.
    """

    group: str = ""
    read: Callable[[PairBatch], NDArray[Any]]
    columns: tuple[str, ...] = ()
    as_text: Callable[[dict[str, Any]], str] = str
    asked: str = "{}"
    offered: str = "{}"

    def __post_init__(self) -> None:
        object.__setattr__(self, "group", self.group or self.name)


def attribute_features(pairs: PairBatch) -> FloatArray:
    """Return the features named in `ATTRIBUTES`, in their order (n, a), of n pairs."""
    found = np.empty((len(pairs), len(DECLARED)), dtype=np.float32)
    for column, attribute in enumerate(DECLARED):
        found[:, column] = attribute.read(pairs)
    return found


def _same_field(pairs: PairBatch) -> NDArray[Any]:
    """Return 1 where both name one field, 0 where they name two."""
    wanted, offered = pairs.demands.cards.fields[pairs.d], pairs.achievements.cards.fields[pairs.a]
    return np.where((wanted != "") & (offered != ""), wanted == offered, np.nan)


def _industries(pairs: PairBatch) -> NDArray[Any]:
    """Return the digits (0-4) on which the closest GB/T 4754 codes agree."""
    found = np.empty(len(pairs), dtype=np.float32)
    wanted = csr_parts(pairs.demands.cards.industry_prefixes)
    _industry_depth(*wanted, *csr_parts(pairs.achievements.cards.industry_prefixes), pairs.d, pairs.a, found)
    return found


def _regions(pairs: PairBatch) -> NDArray[Any]:
    """Return 0 for another province, 1 for the same province, 2 for the same city."""
    found = np.empty(len(pairs), dtype=np.float32)
    _region_level(pairs.demands.cards.region, pairs.achievements.cards.region, pairs.d, pairs.a, found)
    return found


def _readiness(pairs: PairBatch) -> NDArray[Any]:
    """Return the levels reached above those asked."""
    return pairs.achievements.cards.trl[pairs.a] - pairs.demands.cards.trl[pairs.d]


def _prices(pairs: PairBatch) -> NDArray[Any]:
    """Return log10 of the lowest price to the highest budget."""
    found = np.empty(len(pairs), dtype=np.float32)
    wanted, offered = pairs.demands.cards, pairs.achievements.cards
    money = wanted.money_min, wanted.money_max, offered.money_min, offered.money_max
    _price_to_budget(*money, pairs.d, pairs.a, found)
    return found


def _modes(pairs: PairBatch) -> NDArray[Any]:
    """Return the share of the firm's modes of cooperation that the holder offers."""
    found = np.empty(len(pairs), dtype=np.float32)
    _mode_overlap(pairs.demands.cards.mode_flags, pairs.achievements.cards.mode_flags, pairs.d, pairs.a, found)
    return found


def _year(pairs: PairBatch) -> NDArray[Any]:
    """Return when the achievement was last changed or else published.

    An absolute date, because how old it is would depend on when one asks, and in training and in serving one asks at
    different times.
    """
    return 1970.0 + pairs.achievements.cards.published[pairs.a] / 365.25


def _money(card: dict[str, Any]) -> str:
    low, high = card["money_min"], card["money_max"]
    if low is not None and high is not None and low != high:
        return f"{low:g}–{high:g} 万元"
    known = low if low is not None else high
    return "未说明" if known is None else f"{known:g} 万元"


def _industry(code: str) -> str:
    name = load_industries().name(code)
    return f"{name}（{code}）" if name else code


def _region(code: str) -> str:
    name = load_regions().full_name(int(code))
    return f"{name}（{code}）" if name else code


DECLARED = (
    Attribute(
        name="same_field",
        label="技术领域",
        read=_same_field,
        columns=("field",),
        as_text=lambda card: str(card["field"]),
    ),
    Attribute(
        name="industry_depth",
        label="所属行业",
        read=_industries,
        columns=("industries",),
        as_text=lambda card: "、".join(map(_industry, card["industries"])),
    ),
    Attribute(
        name="region_level",
        label="所在地区",
        read=_regions,
        columns=("region",),
        as_text=lambda card: _region(card["region"]),
    ),
    Attribute(
        name="trl_margin",
        label="技术成熟度",
        read=_readiness,
        columns=("trl",),
        as_text=lambda card: f"{card['trl']} 级",
        asked="要求 {}",
    ),
    Attribute(
        name="price_to_budget",
        label="报价与预算",
        read=_prices,
        columns=("money_min", "money_max"),
        as_text=_money,
    ),
    Attribute(
        name="mode_overlap",
        label="合作方式",
        read=_modes,
        columns=("modes",),
        as_text=lambda card: "、".join(card["modes"]),
    ),
    Attribute(
        name="achievement_year",
        label="成果发布时间",
        read=_year,
        columns=("published",),
        as_text=lambda card: str(card["published"]),
        asked="",
    ),
)
ATTRIBUTES = names_of(DECLARED)
ATTRIBUTE = {attribute.name: attribute for attribute in DECLARED}


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
