"""A person's data in records: found by name, exported with the words around it, erased where it is asked for."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson
import sqlalchemy as sa

from data.errors import InputError
from data.kinds.record import KindRecord
from data.records import STORED, Achievement, Demand
from data.store.database import reading, writing
from data.store.kind_records import kind_row
from data.store.tables import achievement_columns, achievements, demand_columns, demands, records
from data.store.upserts import next_revision

ERASED = "（已删除）"
AROUND = 12
_OWN = {"achievement": achievements, "demand": demands}


@dataclass(frozen=True)
class PersonRecord:
    """A record that names a person."""

    kind: str
    record_id: str
    fields: tuple[str, ...]
    quotes: tuple[str, ...]
    deleted: bool


def find_person(engine: sa.Engine, name: str) -> list[PersonRecord]:
    """Return the records that hold a name, deleted ones too, by kind and id."""
    found = []
    for kind, record_id, document, deleted in _holding(engine, name):
        named = [(field, text) for field, text in _strings(document) if name in text]
        fields = tuple(dict.fromkeys(field for field, _ in named))
        quotes = tuple(_around(text, name) for _, text in named)
        found.append(PersonRecord(kind, record_id, fields, quotes, deleted))
    return sorted(found, key=lambda one: (one.kind, one.record_id))


def erase_person(engine: sa.Engine, name: str, wanted: Collection[tuple[str, str]]) -> int:
    """Take a name out of some records and return how many held it; the change is visible to `changes_since`.

    A label that is nothing but the name becomes empty, or says that it was erased where it is required.

    Raises:
        InputError: a record does not hold the name.

    """
    holding = {(kind, record_id): (document, deleted) for kind, record_id, document, deleted in _holding(engine, name)}
    missing = sorted(set(wanted) - holding.keys())
    if missing:
        kind, record_id = missing[0]
        raise InputError(
            f"{kind} {record_id!r} does not hold the name", f"{kind} “{record_id}”中没有该姓名；请先导出核对"
        )
    with writing(engine) as connection:
        for kind, record_id in sorted(set(wanted)):
            document, _ = holding[kind, record_id]
            _rewrite(connection, kind, record_id, _without(document, name))
    return len(set(wanted))


def _rewrite(connection: sa.Connection, kind: str, record_id: str, document: dict[str, Any]) -> None:
    """Write a record's JSON and columns where it is, deleted or not."""
    table = _OWN.get(kind, records)
    if kind == "achievement":
        values = achievement_columns(Achievement.model_validate(document, context=STORED))
    elif kind == "demand":
        values = demand_columns(Demand.model_validate(document, context=STORED))
    else:
        values = {key: value for key, value in kind_row(KindRecord.model_validate(document)).items() if key != "kind"}
    text = orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()
    values |= {"record": text, "digest": sha256(text.encode()).hexdigest()}
    mine = table.c.id == record_id
    if table is records:
        mine &= records.c.kind == kind
    revision = next_revision(connection, 1) - 1
    connection.execute(sa.update(table).where(mine).values(values | {"revision": revision}))


def _holding(engine: sa.Engine, name: str) -> Iterator[tuple[str, str, dict[str, Any], bool]]:
    with reading(engine) as connection:
        for kind, table in _OWN.items():
            query = sa.select(table.c.id, table.c.record, table.c.deleted).where(table.c.record.contains(name))
            for row in connection.execute(query).all():
                yield kind, row.id, orjson.loads(row.record), row.deleted
        c = records.c
        of_kinds = sa.select(c.kind, c.id, c.record, c.deleted).where(c.record.contains(name))
        for kind, record_id, text, deleted in connection.execute(of_kinds).all():
            yield kind, record_id, orjson.loads(text), deleted


def _strings(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in document.items():
        field = f"{prefix}{key}"
        if isinstance(value, str):
            yield field, value
        elif isinstance(value, Mapping):
            yield from _strings(value, f"{field}.")
        elif isinstance(value, list):
            yield from ((field, part) for part in value if isinstance(part, str))


def _around(text: str, name: str) -> str:
    place = text.index(name)
    return text[max(0, place - AROUND) : place + len(name) + AROUND]


def _without(node: Any, name: str) -> Any:
    if isinstance(node, str):
        return node.replace(name, ERASED)
    if isinstance(node, list):
        return [_without(part, name) for part in node if part != name]
    if isinstance(node, dict):
        return {
            key: value if key in ("id", "achievement_id", "demand_id") else _without(value, name)
            for key, value in node.items()
        }
    return node
