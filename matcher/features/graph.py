"""The knowledge graph's part in a request: its channel, its signals of pairs, its paths between them."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from knowledge_graph.graph import KnowledgeGraph
from knowledge_graph.reading.paths import Path
from knowledge_graph.reading.signals import SIGNAL_NAMES
from knowledge_graph.records.table import GraphRow
from matcher.collection.collection import Collection
from matcher.collection.encoded import EncodedRecords
from matcher.collection.pairs import PairBatch
from matcher.collection.rows import CollectionRows, GraphRows

MAX_PATHS = 3


def reached_achievements(
    graph: KnowledgeGraph, demand: GraphRow, collection: Collection, depth: int, allowed: NDArray[np.bool_]
) -> tuple[CollectionRows, NDArray[np.float32]]:
    """Return at most `depth` achievements that a demand reaches over terms and their neighbours, and scores, best first."""
    written = collection.extra.graph if collection.extra is not None else None
    rows, scores = graph.retrieve(demand, depth, allowed, written)
    return collection.rows_of_graph(GraphRows(rows)), scores


def graph_signals(graph: KnowledgeGraph | None, pairs: PairBatch) -> NDArray[np.float32]:
    """Return (n, len(SIGNAL_NAMES)) of n pairs; NaN where the graph knows nothing, everywhere without one."""
    asking, offering = pairs.demands.graph, pairs.achievements.graph
    if graph is None or asking is None or offering is None:
        return np.full((len(pairs), len(SIGNAL_NAMES)), np.nan, dtype=np.float32)
    if (demand := pairs.one_demand) is not None:
        return graph.signals(asking.row(demand), pairs.a, table=offering)
    if (achievement := pairs.one_achievement) is not None:
        return graph.reverse_signals(achievement, pairs.d, table=offering, asking=asking)
    found = np.empty((len(pairs), len(SIGNAL_NAMES)), dtype=np.float32)
    order = np.argsort(pairs.d, kind="stable")
    bounds = [0, *(np.flatnonzero(np.diff(pairs.d[order])) + 1).tolist(), len(order)]
    for start, end in pairwise(bounds):
        some = order[start:end]
        if len(some):
            found[some] = graph.signals(asking.row(int(pairs.d[some[0]])), pairs.a[some], table=offering)
    return found


def graph_paths(graph: KnowledgeGraph | None, pairs: PairBatch, limit: int = MAX_PATHS) -> list[list[Path]]:
    """Return the `limit` strongest paths between the two records of each pair; none where the graph knows nothing."""
    asking, offering = pairs.demands.graph, pairs.achievements.graph
    if graph is None or asking is None or offering is None:
        return [[] for _ in range(len(pairs))]
    if (demand := pairs.one_demand) is not None:
        name, title = _named(pairs.demands, demand)
        offers = [(offering.row(row), *_named(pairs.achievements, row)) for row in pairs.a.tolist()]
        return graph.paths_to(asking.row(demand), offers, limit, demand_id=name, demand_title=title)
    return [
        paths for number in range(len(pairs)) for paths in graph_paths(graph, pairs.take(np.array([number])), limit)
    ]


def _named(records: EncodedRecords, row: int) -> tuple[str, str]:
    card = records.cards.card(row, ("id", "title"))
    return card["id"], card["title"]
