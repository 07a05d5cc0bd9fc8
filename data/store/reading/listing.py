"""Records and events page by page, each page found by an index however far it lies."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from data.records import STORED, Achievement, Demand, OutcomeEvent, RecordKind
from data.store.clarifications import clarified, read_clarifications
from data.store.database import translated_errors
from data.store.tables import achievements, demands, events

_T = TypeVar("_T")
_SIDES: dict[RecordKind, tuple[sa.Table, sa.Column[Any]]] = {
    "achievements": (achievements, events.c.achievement_id),
    "demands": (demands, events.c.demand_id),
}


@dataclass(frozen=True)
class Page(Generic[_T]):
    """Some items in their order; `more` tells whether others follow the last one."""

    items: list[_T]
    more: bool


class Listing:
    """Reads pages; every method raises StoreError when the database fails."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def records(self, kind: RecordKind, limit: int, after: str = "") -> Page[Achievement | Demand]:
        """Return up to `limit` records whose ids follow `after`, ordered by id; demands with what was answered."""
        table = _SIDES[kind][0]
        query = sa.select(table.c.id, table.c.record).where(~table.c.deleted, table.c.id > after)
        with translated_errors(self._engine.url), self._engine.connect() as connection:
            rows = connection.execute(query.order_by(table.c.id).limit(limit + 1)).all()
            if kind == "achievements":
                found: list[Achievement | Demand] = [
                    Achievement.model_validate_json(row.record, context=STORED) for row in rows[:limit]
                ]
                return Page(found, len(rows) > limit)
            wanted = [Demand.model_validate_json(row.record, context=STORED) for row in rows[:limit]]
            answers = {demand.demand_id: read_clarifications(connection, demand.demand_id) for demand in wanted}
        return Page(
            [clarified(demand, answers[demand.demand_id].get(demand.demand_id, [])) for demand in wanted],
            len(rows) > limit,
        )

    def events_of(
        self, kind: RecordKind, record_id: str, limit: int, after: tuple[datetime | None, str] | None = None
    ) -> Page[OutcomeEvent]:
        """Return up to `limit` events of a record, undated ones first, then by moment and id, that follow `after`."""
        side = _SIDES[kind][1]
        query = sa.select(events.c.event).where(side == record_id)
        if after is not None:
            moment, event_id = after
            later = events.c.event_id > event_id
            if moment is None:
                query = query.where(events.c.occurred_at.is_not(None) | (events.c.occurred_at.is_(None) & later))
            else:
                plain = moment.replace(tzinfo=None)  # UTC, as the column holds it
                query = query.where((events.c.occurred_at > plain) | ((events.c.occurred_at == plain) & later))
        ordered = query.order_by(events.c.occurred_at.asc().nulls_first(), events.c.event_id).limit(limit + 1)
        with translated_errors(self._engine.url), self._engine.connect() as connection:
            rows = connection.execute(ordered).scalars().all()
        return Page(
            [OutcomeEvent.model_validate_json(text, context=STORED) for text in rows[:limit]], len(rows) > limit
        )
