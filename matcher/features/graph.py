"""The knowledge graph seen from one demand or one achievement: its channel, its signals, its paths."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data.records import Achievement, Demand
from knowledge_graph.graph import KnowledgeGraph
from knowledge_graph.reading.paths import Path
from knowledge_graph.reading.signals import SIGNAL_NAMES

Rows = NDArray[np.int64]


class GraphQuery:
    """Reads the graph for one record.

    The graph knows the records of the bundle under their rows; a record written since is in the shelf alone until the
    next build: its signals are missing values.
    """

    def __init__(self, graph: KnowledgeGraph, record: Achievement | Demand, row: int | None) -> None:
        """Look from `record`, which stands in the graph's `row` as it is given, or nowhere (None)."""
        self.graph = graph
        self.record = record
        self._demand, self._achievement_row = None, None
        if isinstance(record, Demand):
            self._demand = graph.describe(record) if row is None else graph.demand(row)
        elif row is not None and row < len(graph.achievement_ids):
            self._achievement_row = row

    def retrieve(self, depth: int, allowed: NDArray[np.bool_]) -> Rows:
        """Return at most `depth` achievement rows that the demand reaches over terms and their neighbours, best first."""
        if self._demand is None:
            return np.zeros(0, dtype=np.int64)
        return self.graph.retrieve(self._demand, depth, allowed[: len(self.graph.achievement_ids)])[0]

    def signals(self, rows: Rows) -> NDArray[np.float32]:
        """Return (n, len(SIGNAL_NAMES)) for the record with rows of the other side; NaN where the graph knows nothing."""
        found = np.full((len(rows), len(SIGNAL_NAMES)), np.nan, dtype=np.float32)
        if self._demand is not None:
            known = rows < len(self.graph.achievement_ids)
            found[known] = self.graph.signals(self._demand, rows[known])
        elif self._achievement_row is not None:
            known = rows < len(self.graph.demand_ids)
            found[known] = self.graph.reverse_signals(self._achievement_row, rows[known])
        return found

    def paths(self, rows: Sequence[int]) -> list[list[Path]]:
        """Return the strongest paths between the record and each row of the other side; none where one is unknown."""
        if self._demand is not None:
            size = len(self.graph.achievement_ids)
            known = [row for row in rows if row < size]
            name, title = self.record.record_id, self.record.title
            found = iter(self.graph.paths_to(self._demand, known, demand_id=name, demand_title=title))
            return [next(found) if row < size else [] for row in rows]
        return [self._paths_from(row) for row in rows]

    def _paths_from(self, row: int) -> list[Path]:
        if self._achievement_row is None or row >= len(self.graph.demand_ids):
            return []
        return self.graph.paths(
            self.graph.demand(row),
            self._achievement_row,
            demand_id=self.graph.demand_ids[row],
            demand_title=self.graph.demand_titles[row],
        )
