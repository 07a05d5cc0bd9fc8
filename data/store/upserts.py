"""Writing records inside of a transaction: revisions in the order of commits, only what differs."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeVar

import sqlalchemy as sa

from data.store.aggregates import sides_followed
from data.store.postgresql.many_rows import insert_into, insert_rows
from data.store.tables import demands, revisions

BATCH = 1_000
"""Rows in one transaction."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class UpsertCounts:
    """Outcomes of records that were written."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0

    def __add__(self, other: "UpsertCounts") -> "UpsertCounts":
        return UpsertCounts(
            self.inserted + other.inserted, self.updated + other.updated, self.unchanged + other.unchanged
        )


def batches(items: Iterable[_T], key: Callable[[_T], str]) -> Iterator[list[_T]]:
    """Cut `items` into lists of at most BATCH; one list never holds a key twice, so that a later item wins."""
    batch: list[_T] = []
    keys: set[str] = set()
    for item in items:
        if len(batch) == BATCH or key(item) in keys:
            yield batch
            batch, keys = [], set()
        batch.append(item)
        keys.add(key(item))
    if batch:
        yield batch


def next_revision(connection: sa.Connection, count: int) -> int:
    """Take `count` revisions and return the first free one after them; makes other writers wait for our commit."""
    update = sa.update(revisions).values(value=revisions.c.value + count).returning(revisions.c.value)
    return int(connection.execute(update).scalar_one()) + 1


def with_digest(columns: dict[str, Any], text: str, name: str) -> dict[str, Any]:
    """Return a row: typed columns, the JSON `text` in column `name`, and its digest."""
    return columns | {name: text, "digest": sha256(text.encode()).hexdigest()}


def upsert_rows(connection: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> UpsertCounts:
    """Write those of `rows` (distinct primary keys) that differ from what the table holds."""
    first_free = next_revision(connection, 0)
    keys = [column for column in table.c if column.primary_key]
    names: list[str] = [column.name for column in keys]

    def key_of(row: Mapping[str, Any] | sa.RowMapping) -> tuple[Any, ...]:
        return tuple(row[name] for name in names)

    wanted = (
        sa.tuple_(*keys).in_(list(map(key_of, rows))) if len(keys) > 1 else keys[0].in_([key_of(r)[0] for r in rows])
    )
    query = sa.select(*keys, table.c.digest, table.c.deleted).where(wanted)
    found = connection.execute(query).mappings()
    known = {key_of(row): None if row["deleted"] else row["digest"] for row in found}
    changed = [row for row in rows if known.get(key_of(row)) != row["digest"]]
    for i, row in enumerate(changed):
        row.update(revision=first_free + i, deleted=False)
    if changed:
        next_revision(connection, len(changed))
        insert = insert_into(table, connection.dialect.name)
        updates = {column.name: insert.excluded[column.name] for column in table.c if not column.primary_key}
        followed = sides_followed(connection, [row["id"] for row in changed]) if table is demands else nullcontext()
        with followed:
            insert_rows(connection, insert.on_conflict_do_update(index_elements=keys, set_=updates), table, changed)
    updated = sum(known.get(key_of(row)) is not None for row in changed)
    return UpsertCounts(len(changed) - updated, updated, len(rows) - len(changed))
