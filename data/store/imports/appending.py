"""Events written inside of a transaction: those whose id is known are reported, not written again."""

from functools import cache
from typing import Any

import sqlalchemy as sa

from data.records import OutcomeEvent
from data.store.aggregates import CountedEvent, count_events
from data.store.postgresql.many_rows import insert_into, insert_rows
from data.store.reading.results import EventResult
from data.store.tables import canonical_json, event_columns, events
from data.store.upserts import with_digest


def append(connection: sa.Connection, batch: list[OutcomeEvent]) -> tuple[list[EventResult], list[dict[str, Any]]]:
    """Append events with distinct ids; return the outcome of each, in their order, and the rows that were written."""
    rows = [with_digest(event_columns(event), canonical_json(event), "event") for event in batch]
    digests = [row["digest"] for row in rows]
    # In one order, or two writers of the same events could wait for each other forever.
    rows.sort(key=lambda row: row["event_id"])
    added = set(insert_rows(connection, _insert_new(connection.dialect.name), events, rows).scalars())
    versions = {event.event_id: event.bundle_version for event in batch}
    new = [row for row in rows if row["event_id"] in added]
    count_events(connection, [CountedEvent.of_row(row, versions[row["event_id"]]) for row in new])
    left = [event_id for event_id in versions if event_id not in added]
    query = sa.select(events.c.event_id, events.c.digest).where(events.c.event_id.in_(left))
    stored = {row.event_id: row.digest for row in connection.execute(query)} if left else {}
    results: list[EventResult] = [
        "added" if event.event_id in added else "known" if stored[event.event_id] == digest else "conflicting"
        for event, digest in zip(batch, digests, strict=True)
    ]
    return results, new


@cache
def _insert_new(dialect: str) -> sa.Executable:
    unless_known = insert_into(events, dialect).on_conflict_do_nothing(index_elements=[events.c.event_id])
    statement: sa.Executable = unless_known.returning(events.c.event_id)
    return statement
