"""Events written inside of a transaction: those whose id is known are reported, not written again."""

from functools import cache
from typing import Any

import sqlalchemy as sa

from data.records import OutcomeEvent
from data.store.aggregates import CountedEvent, count_events
from data.store.postgresql.many_rows import among, insert_into, insert_rows, listed
from data.store.reading.results import EventResult
from data.store.tables import canonical_json, event_columns, events
from data.store.upserts import with_digest


def event_row(event: OutcomeEvent) -> dict[str, Any]:
    """Return an event's columns, and the version of the bundle that it names, by which it is counted."""
    columns = event_columns(event) | {"bundle_version": event.bundle_version}
    return with_digest(columns, canonical_json(event), "event")


def append(connection: sa.Connection, batch: list[dict[str, Any]]) -> tuple[list[EventResult], list[dict[str, Any]]]:
    """Append events with distinct ids, as `event_row` gives them.

    Returns:
        The outcome of each, in their order, and the rows that were written.

    """
    # In one order, or two writers of the same events could wait for each other forever.
    rows = sorted(batch, key=lambda row: row["event_id"])
    added, stored = _inserted(connection, rows)
    new = [row for row in rows if row["event_id"] in added]
    count_events(connection, [CountedEvent.of_row(row, row["bundle_version"]) for row in new])
    results: list[EventResult] = [
        "added" if (name := row["event_id"]) in added else "known" if stored[name] == row["digest"] else "conflicting"
        for row in batch
    ]
    return results, new


def _inserted(connection: sa.Connection, rows: list[dict[str, Any]]) -> tuple[set[str], dict[str, str]]:
    """Insert those rows whose id is unknown; return their ids, and the digests of the known ones."""
    ids = [row["event_id"] for row in rows]
    if connection.dialect.name == "postgresql":  # another writer may insert the same at the same time
        added = set(insert_rows(connection, _insert_new(connection.dialect.name), events, rows).scalars())
        left = [event_id for event_id in ids if event_id not in added]
        return added, _digests(connection, left) if left else {}
    stored = _digests(connection, ids)
    new = [row for row in rows if row["event_id"] not in stored]
    if new:
        insert_rows(connection, insert_into(events, connection.dialect.name), events, new)
    return {row["event_id"] for row in new}, stored


def _digests(connection: sa.Connection, ids: list[str]) -> dict[str, str]:
    """Return the digests of those events that exist."""
    query = sa.select(events.c.event_id, events.c.digest).where(among(events.c.event_id, connection.dialect.name))
    return {row.event_id: row.digest for row in connection.execute(query, {"event_id": listed(ids)})}


@cache
def _insert_new(dialect: str) -> sa.Executable:
    unless_known = insert_into(events, dialect).on_conflict_do_nothing(index_elements=[events.c.event_id])
    statement: sa.Executable = unless_known.returning(events.c.event_id)
    return statement
