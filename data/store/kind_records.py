"""Records of declared kinds in the store: one table keyed by kind and id, with revisions as for every other record."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from itertools import islice
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from data.errors import NotFoundError, unknown_id
from data.kinds.outcome import KindOutcome, PairOutcome, is_good
from data.kinds.record import KindRecord
from data.records import EventKind
from data.store.database import begin_write, translated_errors
from data.store.tables import kind_events, records
from data.store.upserts import BATCH, UpsertCounts, next_revision, upsert_rows

_NEAR = 40


@dataclass(frozen=True)
class KindChange:
    """The latest state of a record that changed: `record` is None when it was deleted."""

    kind: str
    record_id: str
    record: KindRecord | None
    revision: int


class KindRecords:
    """The records of all declared kinds in one store; every method raises StoreError when the database fails."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def upsert(self, written: Iterable[KindRecord]) -> UpsertCounts:
        """Insert or update records, 1,000 in a transaction, and count what changed; of equal ids the last one counts."""
        total = UpsertCounts()
        remaining = iter(written)
        while batch := list(islice(remaining, BATCH)):
            rows = {(record.kind, record.id): kind_row(record) for record in batch}
            with translated_errors(self._engine.url), begin_write(self._engine) as connection:
                total += upsert_rows(connection, records, list(rows.values()))
        return total

    def delete(self, kind: str, record_id: str) -> None:
        """Delete a record; the change stays visible to `changes_since`.

        Raises:
            NotFoundError: there is none with this id; the error names the nearest ids.

        """
        with translated_errors(self._engine.url), begin_write(self._engine) as connection:
            revision = next_revision(connection, 1) - 1
            alive = (records.c.kind == kind) & (records.c.id == record_id) & ~records.c.deleted
            if not connection.execute(sa.update(records).where(alive).values(deleted=True, revision=revision)).rowcount:
                raise unknown_record(connection, kind, record_id)  # raising rolls the revision back

    def get(self, kind: str, record_id: str) -> KindRecord:
        """Return one record.

        Raises:
            NotFoundError: there is none with this id; the error names the nearest ids.

        """
        query = sa.select(records.c.record).where(records.c.kind == kind, records.c.id == record_id, ~records.c.deleted)
        with translated_errors(self._engine.url), self._engine.connect() as connection:
            text = connection.execute(query).scalar()
            if text is None:
                raise unknown_record(connection, kind, record_id)
        return KindRecord.model_validate_json(text)

    def some(self, kind: str, ids: Iterable[str]) -> dict[str, KindRecord]:
        """Return those records of a kind that exist, by id."""
        remaining, found = iter(ids), {}
        with translated_errors(self._engine.url), self._engine.connect() as connection:
            while batch := list(islice(remaining, BATCH)):
                rows = known_rows(connection, kind, batch)
                found.update({id_: KindRecord.model_validate_json(row.record) for id_, row in rows.items()})
        return found

    def titled(self, kind: str, title: str) -> KindRecord | None:
        """Return the first record of a kind, by id, with a title; None if there is none."""
        alive = (records.c.kind == kind) & (records.c.title == title) & ~records.c.deleted
        query = sa.select(records.c.record).where(alive).order_by(records.c.id).limit(1)
        with translated_errors(self._engine.url), self._engine.connect() as connection:
            text = connection.execute(query).scalar()
        return None if text is None else KindRecord.model_validate_json(text)

    def page(self, kind: str, after: str = "", limit: int = 100) -> list[KindRecord]:
        """Return up to `limit` records of a kind whose ids follow `after`, ordered by id (code points)."""
        query = (
            sa.select(records.c.record)
            .where(records.c.kind == kind, records.c.id > after, ~records.c.deleted)
            .order_by(records.c.id)
            .limit(limit)
        )
        with translated_errors(self._engine.url), self._engine.connect() as connection:
            return [KindRecord.model_validate_json(text) for text in connection.execute(query).scalars()]

    def all(self, kind: str) -> Iterator[KindRecord]:
        """Yield all records of a kind, ordered by id."""
        query = sa.select(records.c.record).where(records.c.kind == kind, ~records.c.deleted).order_by(records.c.id)
        with (
            translated_errors(self._engine.url),
            self._engine.connect() as connection,
            connection.execute(query, execution_options={"yield_per": BATCH}) as rows,
        ):
            for (text,) in rows:
                yield KindRecord.model_validate_json(text)

    def counts(self) -> dict[str, int]:
        """Return how many records of each kind the store holds; kinds without any are left out."""
        query = sa.select(records.c.kind, sa.func.count()).where(~records.c.deleted).group_by(records.c.kind)
        with translated_errors(self._engine.url), self._engine.connect() as connection:
            return {kind: int(n) for kind, n in connection.execute(query.order_by(records.c.kind))}

    def changes_since(self, revision: int) -> list[KindChange]:
        """Return the records changed after `revision`, each once in its latest state, by ascending revision."""
        columns = (records.c.kind, records.c.id, records.c.record, records.c.revision, records.c.deleted)
        query = sa.select(*columns).where(records.c.revision > revision).order_by(records.c.revision)
        with translated_errors(self._engine.url), self._engine.connect() as connection:
            return [
                KindChange(
                    row.kind, row.id, None if row.deleted else KindRecord.model_validate_json(row.record), row.revision
                )
                for row in connection.execute(query)
            ]


class KindOutcomes:
    """Outcomes of records of declared kinds; every method raises StoreError when the database fails."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def append(self, record_kind: str, sent: Iterable[KindOutcome]) -> dict[str, int]:
        """Append events and return how many were added, known already or conflict with one of the same id."""
        wanted = {one.event_id: _outcome_row(record_kind, one) for one in sent}
        insert: Any = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        unless_known = insert(kind_events).on_conflict_do_nothing(index_elements=[kind_events.c.event_id])
        found = {"added": 0, "known": 0, "conflicting": 0}
        if not wanted:
            return found
        # In one order, or two writers of the same events could wait for each other forever.
        rows = [wanted[event_id] for event_id in sorted(wanted)]
        with translated_errors(self._engine.url), begin_write(self._engine) as connection:
            added = set(connection.execute(unless_known.returning(kind_events.c.event_id), rows).scalars())
            left = [event_id for event_id in wanted if event_id not in added]
            query = sa.select(kind_events).where(kind_events.c.event_id.in_(left))
            stored = {row["event_id"]: dict(row) for row in connection.execute(query).mappings()} if left else {}
        found["added"] = len(added)
        for event_id in left:
            found["known" if stored[event_id] == wanted[event_id] else "conflicting"] += 1
        return found

    def pairs(self, record_kind: str) -> list[PairOutcome]:
        """Return the outcome of each pair of a kind, by demand and record."""
        c = kind_events.c
        query = sa.select(c.demand_id, c.record_id, c.kind, c.occurred_at).where(c.record_kind == record_kind)
        events: dict[tuple[str, str], set[EventKind]] = {}
        days: dict[tuple[str, str], date] = {}
        with translated_errors(self._engine.url), self._engine.connect() as connection:
            for row in connection.execute(query.order_by(c.occurred_at, c.event_id)):
                pair = (row.demand_id, row.record_id)
                events.setdefault(pair, set()).add(EventKind(row.kind))
                days.setdefault(pair, row.occurred_at.date())
        return [
            PairOutcome(demand_id=pair[0], record_id=pair[1], day=days[pair], good=is_good(events[pair]))
            for pair in sorted(events)
        ]


def _outcome_row(record_kind: str, one: KindOutcome) -> dict[str, Any]:
    return {
        "event_id": one.event_id,
        "record_kind": record_kind,
        "demand_id": one.demand_id,
        "record_id": one.record_id,
        "kind": one.kind.value,
        "occurred_at": one.moment,
    }


def unknown_record(connection: sa.Connection, kind: str, wanted: str) -> NotFoundError:
    """Return the error for an id that no record of a kind has, with the nearest ids."""
    near = sa.select(records.c.id).where(records.c.kind == kind, ~records.c.deleted).limit(_NEAR)
    after = near.where(records.c.id >= wanted).order_by(records.c.id)
    before = near.where(records.c.id < wanted).order_by(records.c.id.desc())
    return unknown_id(
        kind, wanted, sorted({*connection.execute(after).scalars(), *connection.execute(before).scalars()})
    )


def known_rows(connection: sa.Connection, kind: str, ids: list[str]) -> dict[str, Any]:
    """Return digest and JSON of those records of a kind that exist, by id."""
    columns = (records.c.id, records.c.digest, records.c.record)
    query = sa.select(*columns).where(records.c.kind == kind, records.c.id.in_(ids), ~records.c.deleted)
    return {row.id: row for row in connection.execute(query)}


def restore_rows(connection: sa.Connection, texts: list[str]) -> None:
    """Write records given by their JSON."""
    upsert_rows(connection, records, [kind_row(KindRecord.model_validate_json(text)) for text in texts])


def kind_row(record: KindRecord) -> dict[str, Any]:
    """Return the columns of a record."""
    text = orjson.dumps(record.model_dump(mode="json", exclude_defaults=True), option=orjson.OPT_SORT_KEYS).decode()
    return {
        "kind": record.kind,
        "id": record.id,
        "title": record.title.replace("\0", ""),
        "provider": record.provider.replace("\0", ""),
        "region": record.region,
        "field": record.field.replace("\0", ""),
        "status": record.status.value,
        "visibility": record.visibility,
        "published_at": record.published_at,
        "valid_until": record.valid_until,
        "digest": sha256(text.encode()).hexdigest(),
        "record": text,
    }
