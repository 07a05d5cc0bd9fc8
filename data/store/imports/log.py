"""Imports in the store: rows of a file laid over what is known, the report of each import, and how it is undone."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa

from data.errors import InputError, NotFoundError
from data.kinds.record import KindRecord
from data.records import STORED, Achievement, Demand, OutcomeEvent, Record, RecordKind
from data.store.database import begin_write, translated_errors
from data.store.imports.appending import append, event_row
from data.store.imports.tables import import_changes, imports
from data.store.imports.undo import EVENTS, Undone, take_back
from data.store.kind_records import kind_row, known_rows
from data.store.postgresql.many_rows import among, insert_rows, listed, upsert_into
from data.store.reading.results import EventCounts
from data.store.tables import achievement_columns, achievements, canonical_json, demand_columns, demands, records
from data.store.upserts import EVENT_BATCH, UpsertCounts, batches, next_revision, upsert_rows, with_digest

MERGED_INTO = "merged_into"
"""Key in a record's `extra` that names the record which stands for it now."""
STATUS_BEFORE_MERGE = "status_before_merge"
KEPT_IMPORTS = 20
"""Latest imports whose former records are kept, so that they can be undone."""

_RANGES = (("price_min", "price_max"), ("budget_min", "budget_max"))


class ImportedRecord(NamedTuple):
    """A record as a file gives it; the fields and unknown columns that the file speaks of (None: all)."""

    record: Record
    given: frozenset[str] | None = None
    given_extra: frozenset[str] = frozenset()


class GivenRow(NamedTuple):
    """The row that `record_row` makes of a record, and what `ImportedRecord` says of it."""

    row: dict[str, Any]
    given: frozenset[str] | None = None
    given_extra: frozenset[str] = frozenset()


class ImportedKindRecord(NamedTuple):
    """A record of a declared kind as a file gives it; the fields (own ones too) and unknown columns it speaks of."""

    record: KindRecord
    given: frozenset[str]
    given_extra: frozenset[str] = frozenset()


@dataclass
class Written:
    """Outcomes of imported records; `fields` counts in how many updated records each field changed."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    fields: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class ImportEntry:
    """One import: who started it and when, and its report, a list with one entry for each table that was read."""

    number: int
    actor: str
    started_at: datetime
    finished_at: datetime | None
    undone_at: datetime | None
    report: list[dict[str, Any]]


class Imports:
    """The imports of one store; every method raises StoreError when the database fails."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def start(self, actor: str, now: datetime) -> int:
        """Note that an import begins and return its number; what older ones could undo is dropped."""
        with translated_errors(self._engine.url), begin_write(self._engine) as connection:
            new = sa.insert(imports).values(actor=actor[:100], started_at=_plain(now), report="")
            number = int(connection.execute(new.returning(imports.c.number)).scalar_one())
            connection.execute(sa.delete(import_changes).where(import_changes.c.import_number <= number - KEPT_IMPORTS))
            return number

    def finish(self, number: int, report: Sequence[dict[str, Any]], now: datetime) -> None:
        """Note that an import ended, and what it did."""
        values = {"report": orjson.dumps(list(report), default=str).decode(), "finished_at": _plain(now)}
        with translated_errors(self._engine.url), begin_write(self._engine) as connection:
            connection.execute(sa.update(imports).where(imports.c.number == number).values(values))

    def latest(self, limit: int = 20) -> list[ImportEntry]:
        """Return the latest imports, newest first."""
        query = sa.select(imports).order_by(imports.c.number.desc()).limit(limit)
        with translated_errors(self._engine.url), self._engine.connect() as connection:
            return [_entry(row) for row in connection.execute(query)]

    def get(self, number: int) -> ImportEntry:
        """Return one import.

        Raises:
            NotFoundError: there is none with this number.

        """
        with translated_errors(self._engine.url), self._engine.connect() as connection:
            row = connection.execute(sa.select(imports).where(imports.c.number == number)).one_or_none()
        if row is None:
            raise NotFoundError(
                f"no import {number}; `gongxu import --history` lists them", (), f"没有编号为 {number} 的导入"
            )
        return _entry(row)

    def write(
        self, number: int | None, kind: RecordKind, rows: Sequence[ImportedRecord], *, replace: bool = False
    ) -> Written:
        """Lay a batch of records with distinct ids over what is known, in one transaction.

        Fields that a file does not speak of stay as they are; with `replace` they are emptied. What the records were is
        kept under the import's `number`.
        """
        given = [GivenRow(record_row(row.record), row.given, row.given_extra) for row in rows]
        return self.write_rows(number, kind, given, replace=replace)

    def write_rows(
        self, number: int | None, kind: RecordKind, rows: Sequence[GivenRow], *, replace: bool = False
    ) -> Written:
        """Write a batch of records given by their rows, as `write` does."""
        table = achievements if kind == "achievements" else demands
        written = Written()
        with translated_errors(self._engine.url), begin_write(self._engine) as connection:
            next_revision(connection, 0)  # other writers wait from here on, so that nothing changes under the merging
            known = _known(connection, table, [row.row["id"] for row in rows])
            new = [_laid_over(kind, known.get(row.row["id"]), row, replace, written) for row in rows]
            changed = [row for row in new if row is not None]
            counts = upsert_rows(connection, table, changed) if changed else None
            if number is not None and changed:
                self._keep_former(connection, number, kind, changed, known)
        if counts:
            written.inserted += counts.inserted
            written.updated += counts.updated
        written.unchanged += len(rows) - len(changed) + (counts.unchanged if counts else 0)
        return written

    def append(self, number: int | None, sent: Iterable[OutcomeEvent]) -> EventCounts:
        """Append events as the store does; the new ones are kept under the import's `number`, so that they can go with it."""
        return self.append_rows(number, map(event_row, sent))

    def append_rows(self, number: int | None, sent: Iterable[dict[str, Any]]) -> EventCounts:
        """Append events given by what `event_row` makes of them, as `append` does."""
        total = EventCounts()
        for batch in batches(sent, lambda row: str(row["event_id"]), EVENT_BATCH):
            with translated_errors(self._engine.url), begin_write(self._engine) as connection:
                results, new = append(connection, batch)
                if number is not None and new:
                    rows = [{"id": row["event_id"], "digest": row["digest"]} for row in new]
                    self._keep_former(connection, number, EVENTS, rows, {})
            total += EventCounts.of(results)
        return total

    def write_kind(
        self, number: int | None, kind: str, rows: Sequence[ImportedKindRecord], *, replace: bool = False
    ) -> Written:
        """Lay a batch of records of a declared kind with distinct ids over what is known, as `write` does."""
        written = Written()
        with translated_errors(self._engine.url), begin_write(self._engine) as connection:
            next_revision(connection, 0)
            known = known_rows(connection, kind, [row.record.id for row in rows])
            changed = []
            for row in rows:
                found = known.get(row.record.id)
                fresh = kind_row(row.record if found is None or replace else laid_over(found.record, row))
                if found is not None and found.digest == fresh["digest"]:
                    continue
                if found is not None:
                    old, new = _fields_in(found.record), _fields_in(fresh["record"])
                    written.fields.update(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
                changed.append(fresh)
            counts = upsert_rows(connection, records, changed) if changed else UpsertCounts()
            if number is not None and changed:
                self._keep_former(connection, number, kind, changed, known)
        written.inserted, written.updated = counts.inserted, counts.updated
        written.unchanged = len(rows) - len(changed) + counts.unchanged
        return written

    def unknown_ids(self, demand_ids: Iterable[str], achievement_ids: Iterable[str]) -> tuple[set[str], set[str]]:
        """Return those of the ids that name no record."""
        with translated_errors(self._engine.url), self._engine.connect() as connection:
            return (
                _unknown(connection, demands, set(demand_ids)),
                _unknown(connection, achievements, set(achievement_ids)),
            )

    def undoable(self, entry: ImportEntry) -> Undone | None:
        """Return what undoing an import would do if nothing changed since; None where it was undone or is too old."""
        if entry.undone_at is not None or entry.number <= self._last() - KEPT_IMPORTS:
            return None
        is_event = import_changes.c.kind == EVENTS
        query = sa.select(is_event, sa.func.count(import_changes.c.before), sa.func.count())
        mine = query.where(import_changes.c.import_number == entry.number).group_by(is_event)
        total = Undone()
        with translated_errors(self._engine.url), self._engine.connect() as connection:
            for of_events, restored, both in connection.execute(mine):
                total += Undone(events=both) if of_events else Undone(restored, both - restored)
        return total

    def undo(self, number: int, now: datetime, show: Callable[[Undone], None] = lambda _: None) -> Undone:
        """Take an import back: new records and events are deleted, changed records get back what they were.

        `show` is called between batches with what is done so far; it may raise to break off.

        Raises:
            NotFoundError: there is no such import.
            InputError: it was undone before, or is too old.

        """
        self.require_undoable(number)
        total = take_back(self._engine, number, show)
        with translated_errors(self._engine.url), begin_write(self._engine) as connection:
            connection.execute(sa.update(imports).where(imports.c.number == number).values(undone_at=_plain(now)))
            connection.execute(sa.delete(import_changes).where(import_changes.c.import_number == number))
        return total

    def require_undoable(self, number: int) -> None:
        """Refuse to undo what cannot be undone.

        Raises:
            NotFoundError: there is no such import.
            InputError: it was undone before, or is too old.

        """
        entry = self.get(number)
        if entry.undone_at is not None:
            moment = f"{entry.undone_at:%Y-%m-%d %H:%M}"
            raise InputError(f"import {number} was undone at {moment} UTC", f"导入 {number} 已于 {moment}（UTC）撤销")
        if number <= self._last() - KEPT_IMPORTS:
            raise InputError(
                f"import {number} is too old; the latest {KEPT_IMPORTS} can be undone",
                f"导入 {number} 已过去太久；只有最近 {KEPT_IMPORTS} 次导入可以撤销",
            )

    def _last(self) -> int:
        with translated_errors(self._engine.url), self._engine.connect() as connection:
            return int(connection.execute(sa.select(sa.func.max(imports.c.number))).scalar() or 0)

    def _keep_former(
        self, connection: sa.Connection, number: int, kind: str, rows: list[dict[str, Any]], known: dict[str, Any]
    ) -> None:
        values = [
            {
                "import_number": number,
                "kind": kind,
                "record_id": row["id"],
                "before": known[row["id"]].record if row["id"] in known else None,
                "digest": row["digest"],
            }
            for row in rows
        ]
        # A record's state before its first change stays.
        later = upsert_into(import_changes, connection.dialect.name, ("digest",))
        insert_rows(connection, later, import_changes, values)


def _known(connection: sa.Connection, table: sa.Table, ids: list[str]) -> dict[str, Any]:
    columns = (table.c.id, table.c.digest, table.c.record)
    query = sa.select(*columns).where(among(table.c.id, connection.dialect.name), ~table.c.deleted)
    return {row.id: row for row in connection.execute(query, {"id": listed(ids)})}


def _unknown(connection: sa.Connection, table: sa.Table, ids: set[str]) -> set[str]:
    query = sa.select(table.c.id).where(among(table.c.id, connection.dialect.name), ~table.c.deleted)
    return ids - set(connection.execute(query, {"id": listed(ids)}).scalars())


def _laid_over(kind: str, known: Any, row: GivenRow, replace: bool, written: Written) -> dict[str, Any] | None:
    """Return the row to write, None if nothing changes; count the fields that change."""
    fresh = row.row
    if known is None:
        return fresh
    if known.digest == fresh["digest"]:
        return None
    old = orjson.loads(known.record)
    new = orjson.loads(fresh["record"])
    merged = new if replace else merge(old, new, row.given, row.given_extra)
    if merged is not new:
        fresh = record_row(_parsed_values(kind, merged))
        if known.digest == fresh["digest"]:
            return None
    written.fields.update(name for name in old.keys() | merged.keys() if old.get(name) != merged.get(name))
    return fresh


def merge(
    old: dict[str, Any], new: dict[str, Any], given: frozenset[str] | None, given_extra: frozenset[str]
) -> dict[str, Any]:
    """Return a record's values: the new ones where the file speaks of the field, the old ones elsewhere.

    A record that was merged into another one stays withdrawn; what its status would be is remembered.
    """
    if given is None:
        return new
    merged = {name: value for name, value in old.items() if name not in given and name != "extra"} | new
    extra = {name: value for name, value in old.get("extra", {}).items() if name not in given_extra}
    extra |= new.get("extra", {})
    merged.pop("extra", None)
    if MERGED_INTO in old.get("extra", {}):
        extra[MERGED_INTO] = old["extra"][MERGED_INTO]
        if "status" in given:
            extra[STATUS_BEFORE_MERGE] = new.get("status", "发布")
        merged["status"] = old.get("status", "撤回")
    if extra:
        merged["extra"] = extra
    for low, high in _RANGES:
        if low in merged and high in merged and merged[low] > merged[high]:
            # The file moved one end past the other, of which it does not speak.
            merged.pop(high if high not in given else low)
    return merged


def _parsed_values(kind: str, values: dict[str, Any]) -> Record:
    model = Achievement if kind == "achievements" else Demand
    return model.model_validate(values, context=STORED)


def _fields_in(text: str) -> dict[str, Any]:
    """Return the fields of a declared kind's record, its own ones beside the common ones."""
    values: dict[str, Any] = orjson.loads(text)
    attributes: dict[str, Any] = values.pop("attributes", {})
    return values | attributes


def laid_over(known: str, row: ImportedKindRecord) -> KindRecord:
    """Return a record of a declared kind whose fields are the new ones where the file speaks of them, else the old ones."""
    old, new = orjson.loads(known), row.record.model_dump(mode="json", exclude_defaults=True)
    parts = {}
    for name, given in (("attributes", row.given), ("extra", row.given_extra)):
        kept = {key: value for key, value in old.pop(name, {}).items() if key not in given}
        parts[name] = kept | new.pop(name, {})
    values = {name: value for name, value in old.items() if name not in row.given} | new
    return KindRecord.model_validate(values | parts)


def record_row(record: Record) -> dict[str, Any]:
    """Return the columns of an achievement or demand."""
    columns = achievement_columns(record) if isinstance(record, Achievement) else demand_columns(record)
    return with_digest(columns, canonical_json(record), "record")


def _entry(row: Any) -> ImportEntry:
    report = orjson.loads(row.report) if row.report else []
    return ImportEntry(
        row.number, row.actor, _aware(row.started_at), _optional(row.finished_at), _optional(row.undone_at), report
    )


def _optional(moment: datetime | None) -> datetime | None:
    return None if moment is None else _aware(moment)


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)


def _plain(moment: datetime) -> datetime:
    """Return a moment in UTC without offset: SQLite has no other."""
    return moment.astimezone(UTC).replace(tzinfo=None)
