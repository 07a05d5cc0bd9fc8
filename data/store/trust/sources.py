"""Sources in the store: their newest versions, and the one record that is published of each identity."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import sqlalchemy as sa

from data.errors import NotFoundError
from data.federation.home import DemandShown
from data.federation.merge import SourceRecord, SourceRules, identity, merged, record_id
from data.kinds.declaration import Visibility
from data.kinds.record import KindRecord
from data.records import Achievement, Demand, EventKind
from data.store.database import reading, writing
from data.store.kind_records import kind_row
from data.store.tables import (
    achievement_columns,
    achievements,
    canonical_json,
    demand_columns,
    demands,
    events,
    records,
)
from data.store.trust.tables import source_changes, source_records, source_rejects, sources
from data.store.upserts import next_revision, upsert_rows, with_digest

AnyRecord = Achievement | Demand | KindRecord
PUBLISHED_AT_ONCE = 500
MAX_LISTED = 500
_FLOWS = [kind.value for kind in (EventKind.CONTACT, EventKind.MEETING, EventKind.NEGOTIATION, EventKind.DEAL)]


@dataclass(frozen=True)
class Source:
    """A source as its operator set it, and how far it has come."""

    id: str
    name: str
    region: str | None = None
    visibility: Visibility = "公开"
    cap: int | None = None
    priority: int = 100
    cursor: int = 0
    received_at: datetime | None = None
    changed_at: datetime | None = None


@dataclass(frozen=True)
class Rejected:
    """A version that could not be read."""

    key: str
    version: int
    reason: str


@dataclass(frozen=True)
class SourceCounts:
    """What there is of a source: live keys, those within its cap, deleted ones, open rejects."""

    live: int
    published: int
    deleted: int
    rejected: int


@dataclass(frozen=True)
class Published:
    """What an identity comes to."""

    kind: str
    record_id: str
    document: dict[str, Any]


class Sources:
    """The sources of one store; every method raises StoreError when the database fails."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def put(self, source: Source) -> None:
        """Write what the operator set; all that the source sent is published again by it."""
        values = {name: getattr(source, name) for name in ("name", "region", "visibility", "cap", "priority")}
        with writing(self._engine, "sources") as connection:
            mine = sources.c.id == source.id
            if not connection.execute(sa.update(sources).where(mine).values(values)).rowcount:
                connection.execute(sa.insert(sources).values(values | {"id": source.id, "cursor": 0}))
            _apply_cap(connection, source.id, source.cap)
            rows = connection.execute(
                sa.select(source_records.c.identity, source_records.c.kind)
                .where(source_records.c.source == source.id)
                .distinct()
            )
            _mark(connection, {row.identity: row.kind for row in rows})

    def all(self) -> list[Source]:
        """Return all sources by id."""
        with reading(self._engine) as connection:
            return [_source(row) for row in connection.execute(sa.select(sources).order_by(sources.c.id)).mappings()]

    def get(self, source_id: str) -> Source:
        """Return one source.

        Raises:
            NotFoundError: there is none with this id.

        """
        with reading(self._engine) as connection:
            row = connection.execute(sa.select(sources).where(sources.c.id == source_id)).mappings().first()
        if row is None:
            raise NotFoundError(f"no source {source_id!r}", chinese=f"没有来源“{source_id}”；请先登记")
        return _source(row)

    def take(
        self,
        source_id: str,
        cursor: int,
        sent: Sequence[SourceRecord],
        rejected: Sequence[Rejected],
        now: datetime,
        changed_at: datetime | None,
    ) -> int:
        """Take a batch in and return how many keys it changed; what is older than what is known changes nothing.

        `sent` can be read, `rejected` could not. Publish afterwards: what is to be published is on disk with the batch.
        """
        with writing(self._engine, "source_records") as connection:
            row = connection.execute(sa.select(sources).where(sources.c.id == source_id)).mappings().one()
            changed = 0
            touched: dict[str, str] = {}
            known = _known(connection, source_id, [one.key for one in sent])
            for one in sorted(sent, key=lambda one: one.order):
                before = known.get(one.key)
                if before is not None and before[0].order >= one.order:
                    continue
                if before is not None:
                    touched[before[1]] = before[0].kind
                own = identity(one)
                touched[own] = one.kind
                _write(connection, one, own, new=before is None)
                known[one.key] = one, own
                changed += 1
            for fault in rejected:
                _reject(connection, source_id, fault)
            if changed:
                touched |= _apply_cap(connection, source_id, row["cap"])
            _mark(connection, touched)
            seen = [moment for moment in (row["changed_at"], changed_at and _plain(changed_at)) if moment is not None]
            connection.execute(
                sa.update(sources)
                .where(sources.c.id == source_id)
                .values(cursor=max(cursor, row["cursor"]), received_at=_plain(now), changed_at=max(seen, default=None))
            )
        return changed

    def publish(self, read: Callable[[Published], AnyRecord]) -> int:
        """Publish what changed until nothing is left, and return how many identities that were.

        `read` makes the record of a kind. Each 500 are one transaction: interrupted, it goes on at the next call.
        """
        number = 0
        while changed := self._publish_some(read):
            number += changed
        return number

    def _publish_some(self, read: Callable[[Published], AnyRecord]) -> int:
        with writing(self._engine, "source_changes") as connection:
            rows = connection.execute(sa.select(sources)).all()
            rules = {row.id: SourceRules(row.id, row.visibility, row.priority) for row in rows}
            changes = connection.execute(sa.select(source_changes).limit(PUBLISHED_AT_ONCE)).all()
            written: dict[sa.Table, list[dict[str, Any]]] = {}
            for change in changes:
                members = _members(connection, change.identity)
                document = merged([one for one, within in members if within], rules)
                own = record_id(change.kind, change.identity)
                if document is None:
                    _delete(connection, change.kind, own)
                    continue
                table, row = _row(read(Published(change.kind, own, document)))
                written.setdefault(table, []).append(row)
            for table, found in written.items():
                upsert_rows(connection, table, found)
            done = [change.identity for change in changes]
            connection.execute(sa.delete(source_changes).where(source_changes.c.identity.in_(done)))
        return len(changes)

    def origins(self, kind: str, wanted: str) -> list[SourceRecord]:
        """Return what sources sent of a published record, by source and key; those beyond a cap too."""
        prefix = wanted.removeprefix(f"{kind}-")
        if not prefix.isalnum() or len(prefix) < 20:
            return []
        c = source_records.c
        with reading(self._engine) as connection:
            query = sa.select(c.identity).where(c.identity.like(f"{prefix}%")).limit(1)
            full = connection.execute(query).scalar()
            members = _members(connection, full) if full else []
        return sorted((one for one, _ in members), key=lambda one: (one.source, one.key))

    def counts(self) -> dict[str, SourceCounts]:
        """Return what there is of each source."""
        c = source_records.c
        live = sa.case((c.document.is_not(None), 1), else_=0)
        within = sa.case((c.document.is_not(None) & c.within, 1), else_=0)
        query = sa.select(c.source, sa.func.sum(live), sa.func.sum(within), sa.func.count()).group_by(c.source)
        with reading(self._engine) as connection:
            rejected = {
                source: int(number)
                for source, number in connection.execute(
                    sa.select(source_rejects.c.source, sa.func.count()).where(_open()).group_by(source_rejects.c.source)
                )
            }
            rows = connection.execute(query).all()
            names = connection.execute(sa.select(sources.c.id)).scalars().all()
        found = {
            source: SourceCounts(int(alive), int(shown), int(number) - int(alive), rejected.get(source, 0))
            for source, alive, shown, number in rows
        }
        return {name: found.get(name, SourceCounts(0, 0, 0, rejected.get(name, 0))) for name in names}

    def rejects(self, source_id: str) -> list[Rejected]:
        """Return the versions that could not be read and were not replaced by newer ones, by key; at most 500."""
        r = source_rejects.c
        query = sa.select(r.key, r.version, r.reason).where(r.source == source_id, _open()).order_by(r.key, r.version)
        with reading(self._engine) as connection:
            return [Rejected(*row) for row in connection.execute(query.limit(MAX_LISTED))]

    def flows(self) -> list[tuple[str, str, str, int]]:
        """Return outcomes of pairs whose places are known: province of the supply, of the demand, kind, how many pairs."""
        a, d, e = achievements.c, demands.c, events.c
        supply, asked = sa.func.substr(a.region, 1, 2), sa.func.substr(d.region, 1, 2)
        pair = e.demand_id + "\x1f" + e.achievement_id
        query = (
            sa.select(supply, asked, e.kind, sa.func.count(sa.distinct(pair)))
            .join_from(events, achievements, a.id == e.achievement_id)
            .join(demands, d.id == e.demand_id)
            .where(e.kind.in_(_FLOWS), a.region.is_not(None), d.region.is_not(None))
            .group_by(supply, asked, e.kind)
            .order_by(supply, asked, e.kind)
        )
        with reading(self._engine) as connection:
            return [(row[0], row[1], row[2], int(row[3])) for row in connection.execute(query)]

    def shown_by_province(self) -> list[tuple[str, str, DemandShown]]:
        """Return for each demand with a region its province, contact and deal, and how it was shown and came to that.

        A contact counts any later step too. Only pairs that were shown count, and achievements with a region.
        """
        a, d, e = achievements.c, demands.c, events.c

        def had(*kinds: EventKind) -> sa.ColumnElement[int]:
            return sa.func.max(sa.case((e.kind.in_([kind.value for kind in kinds]), 1), else_=0))

        pairs = (
            sa.select(
                e.demand_id,
                e.achievement_id,
                had(EventKind.IMPRESSION).label("shown"),
                had(*(EventKind(kind) for kind in _FLOWS)).label("contact"),
                had(EventKind.DEAL).label("deal"),
            )
            .group_by(e.demand_id, e.achievement_id)
            .subquery()
        )
        p = pairs.c
        province = sa.func.substr(d.region, 1, 2)  # once: PostgreSQL groups by the expression that it selects
        home = sa.case((sa.func.substr(a.region, 1, 2) == province, 1), else_=0)
        query = (
            sa.select(
                province,
                sa.func.count(),
                sa.func.sum(home),
                *(sa.func.sum(part) for step in (p.contact, p.deal) for part in (step, step * home)),
            )
            .join_from(pairs, achievements, a.id == p.achievement_id)
            .join(demands, d.id == p.demand_id)
            .where(p.shown == 1, a.region.is_not(None), d.region.is_not(None))
            .group_by(p.demand_id, province)
        )
        with reading(self._engine) as connection:
            rows = [(row[0], *map(int, row[1:])) for row in connection.execute(query)]
        return [
            (place, step, DemandShown(shown, within, *counts[at : at + 2]))
            for place, shown, within, *counts in rows
            for at, step in ((0, EventKind.CONTACT.value), (2, EventKind.DEAL.value))
        ]


def _row(record: AnyRecord) -> tuple[sa.Table, dict[str, Any]]:
    if isinstance(record, Achievement):
        return achievements, with_digest(achievement_columns(record), canonical_json(record), "record")
    if isinstance(record, Demand):
        return demands, with_digest(demand_columns(record), canonical_json(record), "record")
    return records, kind_row(record)


def _delete(connection: sa.Connection, kind: str, own: str) -> None:
    table = {"achievement": achievements, "demand": demands}.get(kind, records)
    alive = (table.c.id == own) & ~table.c.deleted
    if table is records:
        alive &= records.c.kind == kind
    if connection.execute(sa.select(table.c.id).where(alive)).first() is not None:
        revision = next_revision(connection, 1) - 1
        connection.execute(sa.update(table).where(alive).values(deleted=True, revision=revision))


def _known(connection: sa.Connection, source_id: str, keys: list[str]) -> dict[str, tuple[SourceRecord, str]]:
    c = source_records.c
    rows = connection.execute(sa.select(source_records).where(c.source == source_id, c.key.in_(keys))).mappings()
    return {row["key"]: (_record(row), row["identity"]) for row in rows}


def _members(connection: sa.Connection, of_identity: str) -> list[tuple[SourceRecord, bool]]:
    rows = connection.execute(sa.select(source_records).where(source_records.c.identity == of_identity)).mappings()
    return [(_record(row), row["within"]) for row in rows]


def _write(connection: sa.Connection, one: SourceRecord, own: str, *, new: bool) -> None:
    document = None if one.document is None else orjson.dumps(one.document, option=orjson.OPT_SORT_KEYS).decode()
    values = {"kind": one.kind, "version": one.version, "identity": own, "document": document, "within": True}
    if new:
        connection.execute(sa.insert(source_records).values(values | {"source": one.source, "key": one.key}))
        return
    c = source_records.c
    connection.execute(sa.update(source_records).where(c.source == one.source, c.key == one.key).values(values))


def _reject(connection: sa.Connection, source_id: str, fault: Rejected) -> None:
    r = source_rejects.c
    same = (r.source == source_id) & (r.key == fault.key) & (r.version == fault.version)
    if connection.execute(sa.select(r.key).where(same)).first() is None:
        connection.execute(sa.insert(source_rejects).values({"source": source_id, **vars(fault)}))


def _apply_cap(connection: sa.Connection, source_id: str, cap: int | None) -> dict[str, str]:
    """Have the first `cap` live keys of a source within its cap; return the identities that this concerns."""
    c = source_records.c
    mine = (c.source == source_id) & c.document.is_not(None)
    first = sa.select(c.key).where(mine).order_by(c.key).limit(1).offset(cap) if cap is not None else None
    beyond = connection.execute(first).scalar() if first is not None else None
    inside = sa.true() if beyond is None else c.key < beyond
    outside = sa.false() if beyond is None else c.key >= beyond
    wrong = mine & ((inside & ~c.within) | (outside & c.within))
    rows = connection.execute(sa.select(c.identity, c.kind).where(wrong)).all()
    if rows:
        connection.execute(sa.update(source_records).where(wrong).values(within=~c.within))
    return {row.identity: row.kind for row in rows}


def _mark(connection: sa.Connection, touched: Mapping[str, str]) -> None:
    wanted = list(touched)
    c = source_changes.c
    known = set(connection.execute(sa.select(c.identity).where(c.identity.in_(wanted))).scalars())
    rows = [{"identity": one, "kind": touched[one]} for one in wanted if one not in known]
    if rows:
        connection.execute(sa.insert(source_changes), rows)


def _open() -> sa.ColumnElement[bool]:
    c, r = source_records.c, source_rejects.c
    newer = sa.select(c.key).where(c.source == r.source, c.key == r.key, c.version >= r.version)
    later = source_rejects.alias()
    again = sa.select(later.c.key).where(later.c.source == r.source, later.c.key == r.key, later.c.version > r.version)
    return ~newer.exists() & ~again.exists()


def _record(row: Any) -> SourceRecord:
    document = None if row["document"] is None else orjson.loads(row["document"])
    return SourceRecord(row["source"], row["key"], row["kind"], row["version"], document)


def _source(row: Any) -> Source:
    values: dict[str, Any] = {
        name: value.replace(tzinfo=UTC) if isinstance(value, datetime) else value for name, value in row.items()
    }
    return Source(**values)


def _plain(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
