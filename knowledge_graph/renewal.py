"""Which records a table already has, and the graph's tables over the records as they are now."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from data.records import Achievement, Demand, Record
from knowledge_graph.build import BuiltParts
from knowledge_graph.records.describe import Describer, classes_of, experts_of
from knowledge_graph.records.table import RecordTable

_Record = TypeVar("_Record", bound=Record)


@dataclass(frozen=True)
class Kept:
    """Where n records are in a table of `size` rows: `rows` (n,), -1 for one that is to be read."""

    rows: NDArray[np.int64]
    size: int

    @cached_property
    def places(self) -> NDArray[np.int64]:
        """(n,) rows of the records once those that are read lie behind the table, in their order."""
        read = self.rows < 0
        return np.where(read, self.size - 1 + np.cumsum(read), self.rows)

    def to_read(self, records: Sequence[_Record]) -> list[_Record]:
        """Return the records that are to be read, in their order."""
        return [records[place] for place in np.flatnonzero(self.rows < 0).tolist()]


def renewed_parts(
    parts: BuiltParts, achievements: Sequence[Achievement], demands: Sequence[Demand], offers: Kept, asks: Kept
) -> BuiltParts:
    """Return the parts over these records; who holds or asks for the first time gets a number."""
    describer = replace(parts.describer, organisations=dict(parts.describer.organisations))
    return replace(
        parts,
        describer=describer,
        achievements=_table(describer, parts.achievements, achievements, offers),
        demands=_table(describer, parts.demands, demands, asks),
        achievement_ids=[record.record_id for record in achievements],
        demand_ids=[record.record_id for record in demands],
        achievement_titles=[record.title for record in achievements],
        demand_titles=[record.title for record in demands],
        achievement_ipc=[classes_of(record) for record in achievements],
        achievement_experts=[experts_of(record) for record in achievements],
    )


def _table(describer: Describer, known: RecordTable, records: Sequence[Record], kept: Kept) -> RecordTable:
    read = RecordTable.of([describer.describe(record, register=True) for record in kept.to_read(records)])
    return RecordTable.concat([known, read]).take(kept.places)
