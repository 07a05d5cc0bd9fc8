"""Requests to see more of a record, their decisions, and which records are restricted at all."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import orjson
import sqlalchemy as sa

from data.errors import InputError, NotFoundError
from data.kinds.disclosure import PUBLIC, Access, visibility_of
from data.records import STORED, Demand
from data.store.clarifications import clarified, read_clarifications
from data.store.database import reading, writing
from data.store.tables import achievements, demands, records
from data.store.trust.tables import disclosures

MAX_LISTED = 500
NEAR_IDS = 40
_OWN = {"achievement": achievements, "demand": demands}
# Canonical JSON leaves defaults out: only records that state their visibility hold the word.
_MARKED = '%"visibility":%'


class DisclosureState(StrEnum):
    """Where a request is; an expired grant is no longer one, whatever its row says."""

    ASKED = "asked"
    GRANTED = "granted"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"


_NEXT = {
    DisclosureState.ASKED: (DisclosureState.GRANTED, DisclosureState.DENIED, DisclosureState.WITHDRAWN),
    DisclosureState.GRANTED: (DisclosureState.WITHDRAWN,),
    DisclosureState.DENIED: (DisclosureState.GRANTED,),
    DisclosureState.WITHDRAWN: (DisclosureState.GRANTED,),
}


@dataclass(frozen=True)
class Disclosure:
    """A viewer's request for one record; moments in UTC."""

    kind: str
    record_id: str
    viewer: str
    access: Access
    purpose: str
    asked_at: datetime
    number: int = 0
    state: DisclosureState = DisclosureState.ASKED
    decided_at: datetime | None = None
    decided_by: str = ""
    reason: str = ""
    expires_at: datetime | None = None

    def in_force(self, now: datetime) -> bool:
        """Tell whether the viewer may see what was asked for at a moment."""
        return self.state is DisclosureState.GRANTED and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True)
class RecordState:
    """A record that changed: its JSON if it is or was restricted, None if it is open to all."""

    kind: str
    record_id: str
    document: dict[str, Any] | None


class Disclosures:
    """The requests and restricted records of one store; every method raises StoreError when the database fails."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def ask(self, wanted: Disclosure) -> Disclosure:
        """Store a request and return it with its number; the same viewer's open one for the record is returned instead."""
        c = disclosures.c
        same = (c.kind == wanted.kind) & (c.record_id == wanted.record_id) & (c.viewer == wanted.viewer)
        with writing(self._engine, "disclosures") as connection:
            open_one = same & (c.state == DisclosureState.ASKED.value) & (c.access == int(wanted.access))
            row = connection.execute(sa.select(disclosures).where(open_one)).mappings().first()
            if row is not None:
                return _read(row)
            values = {name: value for name, value in _row(wanted).items() if name != "number"}
            number = connection.execute(sa.insert(disclosures).values(values)).inserted_primary_key
            return replace(wanted, number=int(number[0]) if number else 0)

    def decide(
        self, number: int, state: DisclosureState, by: str, now: datetime, *, reason: str, expires_at: datetime | None
    ) -> Disclosure:
        """Grant, deny or withdraw a request and return it.

        Raises:
            NotFoundError: there is none with this number.
            InputError: it is not in a state from which that is possible, or the grant would end before it begins.

        """
        if expires_at is not None and expires_at <= now:
            raise InputError(f"expires_at {expires_at.isoformat()} is past", "授权的截止时间（expires_at）须在将来")
        with writing(self._engine, "disclosures") as connection:
            found = self._one(connection, number)
            if state not in _NEXT[found.state]:
                raise InputError(
                    f"request {number} is {found.state.value}; it cannot become {state.value}",
                    f"申请 {number} 现为 {found.state.value}，不能改为 {state.value}",
                )
            decided = replace(found, state=state, decided_at=now, decided_by=by, reason=reason, expires_at=expires_at)
            connection.execute(sa.update(disclosures).where(disclosures.c.number == number).values(_row(decided)))
            return decided

    def get(self, number: int) -> Disclosure:
        """Return one request.

        Raises:
            NotFoundError: there is none with this number.

        """
        with reading(self._engine) as connection:
            return self._one(connection, number)

    def listed(self, viewer: str | None = None, state: DisclosureState | None = None) -> list[Disclosure]:
        """Return the latest requests, newest first; of one viewer, in one state, or all."""
        query = sa.select(disclosures).order_by(disclosures.c.number.desc()).limit(MAX_LISTED)
        if viewer is not None:
            query = query.where(disclosures.c.viewer == viewer)
        if state is not None:
            query = query.where(disclosures.c.state == state.value)
        with reading(self._engine) as connection:
            return [_read(row) for row in connection.execute(query).mappings()]

    def forget(self, viewer: str) -> int:
        """Take a viewer's name and purposes out of their requests, which end thereby; return how many there were."""
        with writing(self._engine, "disclosures") as connection:
            c = disclosures.c
            numbers = list(connection.execute(sa.select(c.number).where(c.viewer == viewer)).scalars())
            for number in numbers:
                values = {"viewer": f"erased:{number}", "purpose": "", "state": DisclosureState.WITHDRAWN.value}
                connection.execute(sa.update(disclosures).where(c.number == number).values(values))
            return len(numbers)

    def grants(self, viewer: str, now: datetime) -> dict[tuple[str, str], Access]:
        """Return what a viewer may see beyond visibility at a moment, by kind and id."""
        c = disclosures.c
        query = sa.select(c.kind, c.record_id, sa.func.max(c.access)).where(
            c.viewer == viewer,
            c.state == DisclosureState.GRANTED.value,
            c.expires_at.is_(None) | (c.expires_at > now.astimezone(UTC).replace(tzinfo=None)),
        )
        with reading(self._engine) as connection:
            rows = connection.execute(query.group_by(c.kind, c.record_id))
            return {(kind, record_id): Access(access) for kind, record_id, access in rows}

    def restricted_since(self, revision: int) -> list[RecordState]:
        """Return the records that changed after `revision` and, of those that are restricted, deleted ones too, the JSON.

        A deleted record may still be in an index: what it hid stays hidden. For revision 0 open records are left out.
        """
        found = []
        with reading(self._engine) as connection:
            for kind, table in _OWN.items():
                found += list(_own_changes(connection, kind, table, revision))
            c = records.c
            query = sa.select(c.kind, c.id, c.record, c.visibility).where(c.revision > revision)
            if revision == 0:
                query = query.where(c.visibility != PUBLIC)
            for row in connection.execute(query):
                document = None if row.visibility == PUBLIC else orjson.loads(row.record)
                found.append(RecordState(row.kind, row.id, document))
        return found

    def documents(self, keys: Iterable[tuple[str, str]]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield kind and JSON of records that exist."""
        ids: dict[str, list[str]] = {}
        for kind, record_id in keys:
            ids.setdefault(kind, []).append(record_id)
        with reading(self._engine) as connection:
            for kind, wanted in ids.items():
                table = _OWN.get(kind, records)
                query = sa.select(table.c.record).where(table.c.id.in_(wanted[:MAX_LISTED]), ~table.c.deleted)
                if table is records:
                    query = query.where(records.c.kind == kind)
                for text in connection.execute(query).scalars().all():
                    yield kind, orjson.loads(text)

    def near_ids(self, kind: str, wanted: str) -> list[str]:
        """Return ids of a kind's records before and after `wanted` in their order, not `wanted` itself."""
        table = _OWN.get(kind, records)
        alive = sa.select(table.c.id).where(~table.c.deleted).limit(NEAR_IDS)
        if table is records:
            alive = alive.where(records.c.kind == kind)
        after = alive.where(table.c.id > wanted).order_by(table.c.id)
        before = alive.where(table.c.id < wanted).order_by(table.c.id.desc())
        with reading(self._engine) as connection:
            return sorted({*connection.execute(after).scalars(), *connection.execute(before).scalars()})

    @staticmethod
    def _one(connection: sa.Connection, number: int) -> Disclosure:
        row = connection.execute(sa.select(disclosures).where(disclosures.c.number == number)).mappings().first()
        if row is None:
            raise NotFoundError(f"no disclosure request {number}", chinese=f"没有编号为 {number} 的公开申请")
        return _read(row)


def _own_changes(connection: sa.Connection, kind: str, table: sa.Table, revision: int) -> Iterator[RecordState]:
    query = sa.select(table.c.id, table.c.record).where(table.c.revision > revision)
    if revision == 0:
        query = query.where(table.c.record.like(_MARKED))
    for row in connection.execute(query).all():
        document = orjson.loads(row.record)
        if visibility_of(document.get("visibility", "")) == PUBLIC:
            if revision:
                yield RecordState(kind, row.id, None)
            continue
        if kind == "demand":
            answers = read_clarifications(connection, row.id).get(row.id, [])
            demand = clarified(Demand.model_validate(document, context=STORED), answers)
            document = demand.model_dump(mode="json", exclude_defaults=True)
        yield RecordState(kind, row.id, document)


def _row(one: Disclosure) -> dict[str, Any]:
    return vars(one) | {
        "access": int(one.access),
        "state": one.state.value,
        "asked_at": _plain(one.asked_at),
        "decided_at": _plain(one.decided_at),
        "expires_at": _plain(one.expires_at),
    }


def _read(row: Any) -> Disclosure:
    values: dict[str, Any] = {
        name: value.replace(tzinfo=UTC) if isinstance(value, datetime) else value for name, value in row.items()
    }
    return Disclosure(**values | {"access": Access(row["access"]), "state": DisclosureState(row["state"])})


def _plain(moment: datetime | None) -> datetime | None:
    return moment and moment.astimezone(UTC).replace(tzinfo=None)
