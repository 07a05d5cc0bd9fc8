"""Figures that a demand requires, compared with those that records of a kind state in their technical data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from data.kinds.declaration import KindDeclaration
from data.kinds.record import KindRecord
from data.records import Demand
from matcher.engine import Engine
from matcher.kinds.answer import KindRequirement
from matcher.kinds.index import as_achievement
from matcher.request.subject import Subject
from matcher.requirements.collection import Quantities
from matcher.requirements.report import compare
from matcher.requirements.table import QuantityTable
from matcher.requirements.wording import checks


@dataclass(frozen=True)
class RequiredFigures:
    """The figures that a subject requires, read once for all kinds: row `row` of `table`."""

    quantities: Quantities
    table: QuantityTable
    row: int

    @classmethod
    def of(cls, engine: Engine, subject: Subject) -> Self | None:
        """Return what a demand requires in figures; None where it requires none."""
        quantities, demand = engine.model.quantities, subject.record
        if quantities is None or not isinstance(demand, Demand):
            return None
        table, row = quantities.locate(demand, subject.row)
        return cls(quantities, table, row) if table.requirements.sizes[row] else None

    def checks(self, records: Sequence[KindRecord], kind: KindDeclaration) -> list[tuple[KindRequirement, ...]]:
        """Return for each record the required figures against those that it states in its technical data."""
        stating = next((field.name for field in kind.fields if field.figures), "")
        if not stating or not records:
            return [()] * len(records)
        offered = self.quantities.read([as_achievement(record, kind) for record in records])
        places = np.arange(len(records), dtype=np.int64)
        reports = compare(self.table, np.full_like(places, self.row), offered, places)
        return [
            tuple(
                KindRequirement(field=stating, label=one.parameter or "指标", status=one.status, text=one.text)
                for one in checks(reports.report(int(place)), kind.label)
            )
            for place in places
        ]
