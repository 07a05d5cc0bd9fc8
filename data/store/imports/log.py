"""Imports in the store: rows of a file laid over what is known, the report of each import, and how it is undone."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from data.errors import InputError, NotFoundError
from data.records import STORED, Achievement, Demand, Record, RecordKind
from data.store.database import begin_write, translated_errors
from data.store.imports.tables import import_changes, imports
from data.store.tables import achievement_columns, achievements, canonical_json, demand_columns, demands
from data.store.upserts import next_revision, upsert_rows, with_digest

MERGED_INTO = "merged_into"
"""Key in a record's `extra` that names the record which stands for it now."""
STATUS_BEFORE_MERGE = "status_before_merge"
KEPT_IMPORTS = 20
"""Latest imports whose former records are kept, so that they can be undone."""

_BATCH = 1_000
_RANGES = (("price_min", "price_max"), ("budget_min", "budget_max"))


class ImportedRecord(NamedTuple):
    """A record as a file gives it; the fields and unknown columns that the file speaks of (None: all)."""

    record: Record
    given: frozenset[str] | None = None
    given_extra: frozenset[str] = frozenset()


@dataclass
class Written:
    """What became of imported records; `fields` counts in how many updated records each field changed."""

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


@dataclass(frozen=True)
class Undone:
    """What became of an import's records: `kept` changed since and stay as they are."""

    restored: int
    removed: int
    kept: int


class Imports:
    """The imports of one store; every method raises StoreError when the database fails."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._insert: Any = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert

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
            raise NotFoundError(f"no import {number}")
        return _entry(row)

    def write(
        self, number: int | None, kind: RecordKind, rows: Sequence[ImportedRecord], *, replace: bool = False
    ) -> Written:
        """Lay a batch of records with distinct ids over what is known, in one transaction.

        Fields that a file does not speak of stay as they are; with `replace` they are emptied. What the records were is
        kept under the import's `number`.
        """
        table = achievements if kind == "achievements" else demands
        written = Written()
        with translated_errors(self._engine.url), begin_write(self._engine) as connection:
            next_revision(connection, 0)  # other writers wait from here on, so that nothing changes under the merging
            known = _known(connection, table, [row.record.record_id for row in rows])
            new = [_laid_over(known.get(row.record.record_id), row, replace, written) for row in rows]
            changed = [row for row in new if row is not None]
            counts = upsert_rows(connection, table, changed) if changed else None
            if number is not None and changed:
                self._keep_former(connection, number, kind, changed, known)
        if counts:
            written.inserted += counts.inserted
            written.updated += counts.updated
        written.unchanged += len(rows) - len(changed) + (counts.unchanged if counts else 0)
        return written

    def unknown_ids(self, demand_ids: Iterable[str], achievement_ids: Iterable[str]) -> tuple[set[str], set[str]]:
        """Return those of the ids that name no record."""
        with translated_errors(self._engine.url), self._engine.connect() as connection:
            return (
                _unknown(connection, demands, set(demand_ids)),
                _unknown(connection, achievements, set(achievement_ids)),
            )

    def undo(self, number: int, now: datetime) -> Undone:
        """Take an import back: new records are deleted, changed ones get back what they were; events stay.

        Raises:
            NotFoundError: there is no such import.
            InputError: it was undone before, or is too old.

        """
        entry = self.get(number)
        if entry.undone_at is not None:
            raise InputError(f"import {number} was undone at {entry.undone_at:%Y-%m-%d %H:%M}")
        if number <= self._last() - KEPT_IMPORTS:
            raise InputError(f"import {number} is too old; the latest {KEPT_IMPORTS} can be undone")
        total = Undone(0, 0, 0)
        for kind in ("achievements", "demands"):
            after = ""
            while batch := self._changes(number, kind, after):
                total = self._undo_batch(kind, batch, total)
                after = batch[-1].record_id
        with translated_errors(self._engine.url), begin_write(self._engine) as connection:
            connection.execute(sa.update(imports).where(imports.c.number == number).values(undone_at=_plain(now)))
            connection.execute(sa.delete(import_changes).where(import_changes.c.import_number == number))
        return total

    def _last(self) -> int:
        with translated_errors(self._engine.url), self._engine.connect() as connection:
            return int(connection.execute(sa.select(sa.func.max(imports.c.number))).scalar() or 0)

    def _changes(self, number: int, kind: str, after: str) -> list[Any]:
        query = sa.select(import_changes).where(
            import_changes.c.import_number == number, import_changes.c.kind == kind, import_changes.c.record_id > after
        )
        with translated_errors(self._engine.url), self._engine.connect() as connection:
            return list(connection.execute(query.order_by(import_changes.c.record_id).limit(_BATCH)))

    def _undo_batch(self, kind: str, batch: list[Any], total: Undone) -> Undone:
        table = achievements if kind == "achievements" else demands
        with translated_errors(self._engine.url), begin_write(self._engine) as connection:
            next_revision(connection, 0)
            ids = [change.record_id for change in batch]
            query = sa.select(table.c.id, table.c.digest).where(table.c.id.in_(ids), ~table.c.deleted)
            current = {row.id: row.digest for row in connection.execute(query)}
            ours = [change for change in batch if current.get(change.record_id) == change.digest]
            back = [_row(kind, _parsed(kind, change.before)) for change in ours if change.before is not None]
            gone = [change.record_id for change in ours if change.before is None]
            if back:
                upsert_rows(connection, table, back)
            first = next_revision(connection, len(gone)) - len(gone) if gone else 0
            for place, record_id in enumerate(gone):
                this = sa.update(table).where(table.c.id == record_id)
                connection.execute(this.values(deleted=True, revision=first + place))
        return Undone(total.restored + len(back), total.removed + len(gone), total.kept + len(batch) - len(ours))

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
        insert = self._insert(import_changes)
        key = [import_changes.c.import_number, import_changes.c.kind, import_changes.c.record_id]
        later = {"digest": insert.excluded["digest"]}  # a record's state before its first change stays
        connection.execute(insert.on_conflict_do_update(index_elements=key, set_=later), values)


def _known(connection: sa.Connection, table: sa.Table, ids: list[str]) -> dict[str, Any]:
    query = sa.select(table.c.id, table.c.digest, table.c.record).where(table.c.id.in_(ids), ~table.c.deleted)
    return {row.id: row for row in connection.execute(query)}


def _unknown(connection: sa.Connection, table: sa.Table, ids: set[str]) -> set[str]:
    known = connection.execute(sa.select(table.c.id).where(table.c.id.in_(ids), ~table.c.deleted)).scalars()
    return ids - set(known)


def _laid_over(known: Any, row: ImportedRecord, replace: bool, written: Written) -> dict[str, Any] | None:
    """Return the row to write, None if nothing changes; count the fields that change."""
    kind = "achievements" if isinstance(row.record, Achievement) else "demands"
    fresh = _row(kind, row.record)
    if known is None:
        return fresh
    if known.digest == fresh["digest"]:
        return None
    old = orjson.loads(known.record)
    new = orjson.loads(fresh["record"])
    merged = new if replace else merge(old, new, row.given, row.given_extra)
    if merged is not new:
        fresh = _row(kind, _parsed_values(kind, merged))
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


def _parsed(kind: str, text: str) -> Record:
    return _parsed_values(kind, orjson.loads(text))


def _row(kind: str, record: Record) -> dict[str, Any]:
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
