"""The feature table: one definition for training and serving, columns by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from data.errors import BundleError
from knowledge_graph.reading.signals import SIGNAL_NAMES
from matcher.collection.encoded import EncodedRecords
from matcher.features.attributes import ATTRIBUTES, attribute_features
from matcher.history.outcome_history import HISTORY, History
from matcher.texts.similarities import SIMILARITIES, TextSide, achievement_against, demand_against
from matcher.texts.space import TextSpace

PRINCIPAL = 16

TEXT_COLUMNS = (
    *SIMILARITIES,
    *(f"{name}_for_demand" for name in SIMILARITIES),
    *(f"{name}_for_achievement" for name in SIMILARITIES),
    *(f"{name}_typical_demand" for name in SIMILARITIES),
    *(f"{name}_typical_achievement" for name in SIMILARITIES),
)
LATENT_COLUMNS = tuple(f"{side}_topic_{i}" for side in ("demand", "achievement", "both") for i in range(PRINCIPAL))
LABEL_FREE = (*TEXT_COLUMNS, *LATENT_COLUMNS, *ATTRIBUTES, *SIGNAL_NAMES)
FEATURES = (*LABEL_FREE, *HISTORY)


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


def label_free_table(
    space: TextSpace,
    demands: EncodedRecords,
    achievements: EncodedRecords,
    d: NDArray[np.int64],
    a: NDArray[np.int64],
    graph_signals: NDArray[np.float32] | None = None,
) -> FeatureTable:
    """Return the features of the pairs (demands[d], achievements[a]) that need no outcome: the columns `LABEL_FREE`.

    `graph_signals` (n, len(SIGNAL_NAMES)) are the knowledge graph's; without a graph they are missing values.
    """
    if graph_signals is None:
        graph_signals = np.full((len(d), len(SIGNAL_NAMES)), np.nan, dtype=np.float32)
    values = pair_similarities(space, demands.texts, achievements.texts, d, a)
    by_demand, by_achievement = demands.typical[d], achievements.typical[a]
    wanted = demands.texts.full.topics[d, :PRINCIPAL]
    offered = achievements.texts.full.topics[a, :PRINCIPAL]
    parts = [
        values,
        (values - by_demand[:, 0]) / by_demand[:, 1],
        (values - by_achievement[:, 0]) / by_achievement[:, 1],
        by_demand[:, 0],
        by_achievement[:, 0],
        *(wanted, offered, wanted * offered),
        attribute_features(demands.cards, achievements.cards, d, a),
        graph_signals,
    ]
    return FeatureTable(np.hstack(parts).astype(np.float32, copy=False), LABEL_FREE)


def pair_similarities(
    space: TextSpace, demands: TextSide, achievements: TextSide, d: NDArray[np.int64], a: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return (n, s) similarities of pairs; the side with fewer records leads, each against all its partners at once."""
    if len(d) and (d == d[0]).all():
        return demand_against(space, demands, int(d[0]), achievements, a)
    if len(a) and (a == a[0]).all():
        return achievement_against(space, achievements, int(a[0]), demands, d)
    values = np.zeros((len(d), len(SIMILARITIES)), dtype=np.float32)
    demands_lead = len(np.unique(d)) <= len(np.unique(a))
    leads, partners = (d, a) if demands_lead else (a, d)
    order = np.argsort(leads, kind="stable")
    for pairs in np.split(order, np.flatnonzero(np.diff(leads[order])) + 1):
        if len(pairs):
            lead, rows = int(leads[pairs[0]]), partners[pairs]
            values[pairs] = (
                demand_against(space, demands, lead, achievements, rows)
                if demands_lead
                else achievement_against(space, achievements, lead, demands, rows)
            )
    return values


def with_history(
    table: FeatureTable,
    history: History,
    demands: EncodedRecords,
    achievements: EncodedRecords,
    d: NDArray[np.int64],
    a: NDArray[np.int64],
    likeness: NDArray[np.float32] | None = None,
) -> FeatureTable:
    """Return the label-free table with the columns `HISTORY` added: what `history` knew of the pairs' neighbourhood.

    `likeness` as for `History.features`.
    """
    known = history.features(demands, achievements, d, a, table.select(NEARNESS_COLUMNS), likeness)
    return FeatureTable(np.hstack([table.values, known]), (*table.names, *HISTORY))
