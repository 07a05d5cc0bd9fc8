"""The feature table: one definition for training and serving, columns by name."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numba
import numpy as np
from numpy.typing import NDArray

from data.columns.arrays import FloatArray, readonly_view
from data.columns.features import Feature, names_of
from data.errors import BundleError
from knowledge_graph.reading.signals import SIGNALS
from matcher.collection.pairs import PairBatch
from matcher.features.attributes import DECLARED, attribute_features
from matcher.history.features import HISTORY, HISTORY_FEATURES
from matcher.history.outcome_history import History
from matcher.texts.similarities import SIMILARITIES, SIMILARITY_FEATURES, achievement_against, demand_against
from matcher.texts.space import TextSpace

Rows = NDArray[np.int64]


def _derived(suffix: str, label: str) -> tuple[Feature, ...]:
    """Return features made of each similarity."""
    return tuple(replace(one, name=one.name + suffix, label=f"{one.label}，{label}") for one in SIMILARITY_FEATURES)


TEXT_FEATURES = (
    *SIMILARITY_FEATURES,
    *_derived("_for_demand", "按该需求的参照分布标准化"),
    *_derived("_for_achievement", "按该成果的参照分布标准化"),
    *_derived("_typical_demand", "该需求的参照均值"),
    *_derived("_typical_achievement", "该成果的参照均值"),
)
# Every feature in the order of the table: training, reasons, documents and the model card read this.
LABEL_FREE_FEATURES: tuple[Feature, ...] = (*TEXT_FEATURES, *DECLARED, *SIGNALS)
FEATURE = {one.name: one for one in (*LABEL_FREE_FEATURES, *HISTORY_FEATURES)}
MONOTONE = tuple(one.name for one in FEATURE.values() if one.monotone)

LABEL_FREE = names_of(LABEL_FREE_FEATURES)
FEATURES = tuple(FEATURE)


@dataclass(frozen=True)
class FeatureTable:
    """`values` (n, f) float32 with one named column per feature; NaN is missing."""

    values: NDArray[np.float32]
    names: tuple[str, ...]

    def select(self, names: Sequence[str]) -> NDArray[np.float32]:
        """Return the columns with the given names, in that order.

        Raises:
            BundleError: a column is not in the table.

        """
        if tuple(names) == self.names:
            return self.values
        return self.values[:, _columns(self.names, tuple(names))]

    def blanked(self, names: Collection[str]) -> "FeatureTable":
        """Return the table as if the columns with these names were not known."""
        values = self.values.copy()
        values[:, [column for column, name in enumerate(self.names) if name in names]] = np.nan
        return FeatureTable(values, self.names)


@lru_cache(maxsize=64)
def _columns(defined: tuple[str, ...], wanted: tuple[str, ...]) -> list[int]:
    column = {name: i for i, name in enumerate(defined)}
    missing = [name for name in wanted if name not in column]
    if missing:
        raise BundleError(
            f"ranker expects {len(wanted)} features, feature table defines {len(defined)}: "
            f"missing {', '.join(missing[:5])}; train again with `gongxu train`"
        )
    return [column[name] for name in wanted]


# What the kernel model compares pairs by.
NEARNESS_COLUMNS = tuple(f"{name}_for_{side}" for side in ("demand", "achievement") for name in SIMILARITIES)


def label_free_table(space: TextSpace, pairs: PairBatch, signals: NDArray[np.float32]) -> FeatureTable:
    """Return the features of n pairs that need no outcome: the columns `LABEL_FREE`.

    `signals` (n, len(SIGNAL_NAMES)) are the knowledge graph's, see `graph_signals`.
    """
    values = np.empty((len(pairs), len(LABEL_FREE)), dtype=np.float32)
    by_demand, by_achievement = readonly_view(pairs.demands.typical), readonly_view(pairs.achievements.typical)
    _beside_typical(pair_similarities(space, pairs), by_demand, pairs.d, by_achievement, pairs.a, values)
    values[:, len(TEXT_FEATURES) : -len(SIGNALS)] = attribute_features(pairs)
    values[:, -len(SIGNALS) :] = signals
    return FeatureTable(values, LABEL_FREE)


@numba.njit(nogil=True, cache=True)
def _beside_typical(
    similarities: FloatArray, by_demand: FloatArray, d: Rows, by_achievement: FloatArray, a: Rows, values: FloatArray
) -> None:
    """Write (n, s) similarities and what follows from them to the first columns of `values`, in the order of `TEXT_FEATURES`.

    `by_demand` and `by_achievement` (all, 2, s) are means and deviations over the reference records of each record.
    """
    s = similarities.shape[1]
    for i in range(len(d)):
        wanted, offered = by_demand[d[i]], by_achievement[a[i]]
        for j in range(s):
            value = similarities[i, j]
            values[i, j] = value
            values[i, s + j] = (value - wanted[0, j]) / wanted[1, j]
            values[i, 2 * s + j] = (value - offered[0, j]) / offered[1, j]
            values[i, 3 * s + j] = wanted[0, j]
            values[i, 4 * s + j] = offered[0, j]


def pair_similarities(space: TextSpace, pairs: PairBatch) -> NDArray[np.float32]:
    """Return (n, s) similarities of pairs; the side with fewer records leads, each against all its partners at once."""
    demands, achievements, d, a = pairs.demands.texts, pairs.achievements.texts, pairs.d, pairs.a
    if (demand := pairs.one_demand) is not None:
        return demand_against(space, demands, demand, achievements, a)
    if (achievement := pairs.one_achievement) is not None:
        return achievement_against(space, achievements, achievement, demands, d)
    values = np.zeros((len(d), len(SIMILARITIES)), dtype=np.float32)
    demands_lead = len(np.unique(d)) <= len(np.unique(a))
    leads, partners = (d, a) if demands_lead else (a, d)
    order = np.argsort(leads, kind="stable")
    for some in np.split(order, np.flatnonzero(np.diff(leads[order])) + 1):
        if len(some):
            lead, rows = int(leads[some[0]]), partners[some]
            values[some] = (
                demand_against(space, demands, lead, achievements, rows)
                if demands_lead
                else achievement_against(space, achievements, lead, demands, rows)
            )
    return values


def with_history(table: FeatureTable, history: History, pairs: PairBatch) -> FeatureTable:
    """Return the label-free table with the columns `HISTORY` added: what `history` knew of the pairs' neighbourhood."""
    known = history.features(pairs, table.select(NEARNESS_COLUMNS))
    return FeatureTable(np.hstack([table.values, known]), (*table.names, *HISTORY))
