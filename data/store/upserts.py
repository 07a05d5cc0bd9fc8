"""Writing records inside of a transaction: revisions in the order of commits, only what differs."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any, TypeVar

import sqlalchemy as sa

from data.store.aggregates import sides_followed
from data.store.postgresql.many_rows import among, insert_rows, listed, upsert_into
from data.store.tables import demands, revisions

BATCH = 1_000
"""Rows in one transaction."""
EVENT_BATCH = 5_000
"""Events in one transaction of an import: they are short, and the same pages of indexes are written, and synced, once."""

_T = TypeVar("_T")
_TAKE_REVISIONS = (
    sa.update(revisions).values(value=revisions.c.value + sa.bindparam("count")).returning(revisions.c.value)
)


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


def batches(items: Iterable[_T], key: Callable[[_T], str], most: int = BATCH) -> Iterator[list[_T]]:
    """Cut `items` into lists of at most `most`; one list never holds a key twice, so that a later item wins."""
    batch: list[_T] = []
    keys: set[str] = set()
    for item in items:
        if len(batch) == most or key(item) in keys:
            yield batch
            batch, keys = [], set()
        batch.append(item)
        keys.add(key(item))
    if batch:
        yield batch


def next_revision(connection: sa.Connection, count: int) -> int:
    """Take `count` revisions and return the first free one after them; makes other writers wait for our commit."""
    return int(connection.execute(_TAKE_REVISIONS, {"count": count}).scalar_one()) + 1


def with_digest(columns: dict[str, Any], text: str, name: str) -> dict[str, Any]:
    """Return a row: typed columns, the JSON `text` in column `name`, and its digest."""
    return columns | {name: text, "digest": sha256(text.encode()).hexdigest()}


def upsert_rows(connection: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> UpsertCounts:
    """Write those of `rows` (distinct primary keys) that differ from what the table holds."""
    first_free = next_revision(connection, 0)
    names: list[str] = [column.name for column in table.c if column.primary_key]

    def key_of(row: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(row[name] for name in names)

    # Of keys of several columns more may be found than are asked for.
    given = {name: listed({row[name] for row in rows}) for name in names}
    found = connection.execute(_stored(table, connection.dialect.name), given)
    known = {tuple(key): None if deleted else digest for *key, digest, deleted in found}
    changed = [row for row in rows if known.get(key_of(row)) != row["digest"]]
    for i, row in enumerate(changed):
        row.update(revision=first_free + i, deleted=False)
    if changed:
        next_revision(connection, len(changed))
        followed = sides_followed(connection, [row["id"] for row in changed]) if table is demands else nullcontext()
        with followed:
            insert_rows(connection, upsert_into(table, connection.dialect.name), table, changed)
    updated = sum(known.get(key_of(row)) is not None for row in changed)
    return UpsertCounts(len(changed) - updated, updated, len(rows) - len(changed))


@cache
def _stored(table: sa.Table, dialect: str) -> sa.Select[Any]:
    """Return the question what digests a table's rows with some keys have."""
    keys = [column for column in table.c if column.primary_key]
    return sa.select(*keys, table.c.digest, table.c.deleted).where(*(among(key, dialect) for key in keys))
