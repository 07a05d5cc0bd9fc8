"""Counts kept up to date with the events they count, in the same transaction: by day, by demand, by achievement."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa

from data.dates import CHINA_STANDARD_TIME
from data.records import MAX_ID, EventKind
from data.store.dashboard_tables import achievement_progress, daily_counts, demand_progress
from data.store.postgresql.many_rows import among, insert_into, insert_rows, listed
from data.store.tables import demands, division, events

ALL, FIELD, REGION, INDUSTRY, VERSION = "all", "field", "region", "industry", "version"
"""Sides from which events are counted."""
RESPONSES = frozenset({EventKind.CONTACT, EventKind.MEETING, EventKind.NEGOTIATION, EventKind.DEAL})
"""What counts as an answer to a recommendation: somebody got in touch, or more."""

_CHINA_IS_AHEAD = CHINA_STANDARD_TIME.utcoffset(None)
# Any number that no other program using the same PostgreSQL server is likely to take.
_LOCK = 7_355_608_114
_CHUNK = 1_000
_TRAITS = sa.select(demands.c.id, demands.c.field, demands.c.region, demands.c.record)


class Traits(NamedTuple):
    """What a demand's events are counted under; empty where the demand does not say or is unknown."""

    field: str = ""
    region: str = ""  # two digits: the province
    industry: str = ""  # GB/T 4754 division, such as 26; the section's letter where no more is said


class CountedEvent(NamedTuple):
    """What of an event is counted; `occurred_at` is UTC without offset, None for an undated judgement."""

    demand_id: str
    achievement_id: str
    kind: str
    occurred_at: datetime | None
    version: str

    @classmethod
    def of_row(cls, row: Mapping[str, Any], version: str) -> "CountedEvent":
        """Return what is counted of an event given by its columns."""
        return cls(row["demand_id"], row["achievement_id"], row["kind"], row["occurred_at"], version)


def china_day(moment: datetime) -> date:
    """Return the day that it is in China at a moment in UTC without offset."""
    return (moment + _CHINA_IS_AHEAD).date()


def traits_of(connection: sa.Connection, ids: Iterable[str] | None = None) -> dict[str, Traits]:
    """Return the traits of the demands with the given ids (None: of all), deleted ones too."""
    query = _TRAITS if ids is None else _traits_among(connection.dialect.name)
    parts: list[dict[str, str]] = [{}] if ids is None else [{"id": listed(part)} for part in _chunks(ids)]
    options = {"yield_per": _CHUNK} if ids is None else {}  # a cursor of the database's costs three calls more
    found = {}
    for values in parts:
        for name, sector, region, text in connection.execute(query, values, execution_options=options):
            industries = orjson.loads(text).get("industries") or [""]
            found[name] = Traits(sector[:MAX_ID], (region or "")[:2], division(industries[0]))
    return found


@cache
def _traits_among(dialect: str) -> sa.Select[Any]:
    return _TRAITS.where(among(demands.c.id, dialect))


@dataclass
class _Progress:
    """First and last moments of one record, and how often it was shown and answered."""

    first_shown: datetime | None = None
    last_shown: datetime | None = None
    first_response: datetime | None = None
    first_deal: datetime | None = None
    impressions: int = 0
    responses: int = 0

    def add(self, kind: str, moment: datetime, number: int = 1) -> None:
        if kind == EventKind.IMPRESSION:
            self.impressions += number
            self.first_shown = moment if self.first_shown is None else min(self.first_shown, moment)
            self.last_shown = moment if self.last_shown is None else max(self.last_shown, moment)
        if kind in RESPONSES:
            self.responses += number
            self.first_response = moment if self.first_response is None else min(self.first_response, moment)
        if kind == EventKind.DEAL:
            self.first_deal = moment if self.first_deal is None else min(self.first_deal, moment)


@dataclass
class Tally:
    """Counts of some events, ready to be added to the tables."""

    days: Counter[tuple[str, date, str, str]] = field(default_factory=Counter)
    demands: dict[str, _Progress] = field(default_factory=dict)
    achievements: dict[str, _Progress] = field(default_factory=dict)

    def add(self, happened: Iterable[CountedEvent], traits: Mapping[str, Traits]) -> None:
        """Count events under their demands' traits; an undated one has no day to be counted under."""
        alike: Counter[tuple[str, str, datetime, str]] = Counter()  # a list's impressions are alike
        for event in happened:
            if event.occurred_at is not None:
                alike[event.demand_id, event.kind, event.occurred_at, event.version] += 1
                self.achievements.setdefault(event.achievement_id, _Progress()).add(event.kind, event.occurred_at)
        nothing = Traits()
        for (demand_id, kind, moment, version), number in alike.items():
            day = china_day(moment)
            for dimension, value in ((ALL, ""), *_sides(traits.get(demand_id, nothing)), (VERSION, version[:MAX_ID])):
                self.days[dimension, day, value, kind] += number
            self.demands.setdefault(demand_id, _Progress()).add(kind, moment, number)


def count_events(connection: sa.Connection, added: list[CountedEvent]) -> None:
    """Count events that were just written in the transaction of `connection`."""
    if not added:
        return
    if connection.dialect.name == "postgresql":
        # No demand may change sides while its events are being counted; writers of events do not wait for each other.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(_LOCK)))
    tally = Tally()
    tally.add(added, traits_of(connection, {event.demand_id for event in added}))
    _add(connection, tally)


def uncount_events(connection: sa.Connection, removed: list[CountedEvent]) -> None:
    """Take events out of the counts that were just deleted in the transaction of `connection`."""
    lock_sides(connection)
    gone = Tally()
    gone.add(removed, traits_of(connection, {event.demand_id for event in removed}))
    _add(connection, Tally(days=Counter({key: -number for key, number in gone.days.items()})))
    # First and last moments cannot be taken away: they are found again among the events that are left.
    for table, column, records in (
        (demand_progress, events.c.demand_id, gone.demands),
        (achievement_progress, events.c.achievement_id, gone.achievements),
    ):
        for part in _chunks(sorted(records)):
            connection.execute(sa.delete(table).where(table.c[column.name].in_(part)))
            query = sa.select(column, events.c.kind, events.c.occurred_at)
            left: dict[str, _Progress] = {}
            for record_id, kind, moment in connection.execute(
                query.where(column.in_(part), events.c.occurred_at.is_not(None))
            ):
                left.setdefault(record_id, _Progress()).add(kind, moment)
            _upsert(connection, table, _rows(column.name, left))


@contextmanager
def sides_followed(connection: sa.Connection, ids: Sequence[str]) -> Iterator[None]:
    """Count the events of the demands with these ids under the traits that they have when the block ends."""
    lock_sides(connection)
    before = traits_of(connection, ids)
    yield
    _move(connection, before, traits_of(connection, ids))


def lock_sides(connection: sa.Connection) -> None:
    """Keep writers of events out until the transaction ends: the demands in it may change sides."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


def _move(connection: sa.Connection, before: dict[str, Traits], after: dict[str, Traits]) -> None:
    """Move the counts of demands whose traits changed; a demand not in `before` was unknown."""
    moved = [demand_id for demand_id, traits in after.items() if before.get(demand_id, Traits()) != traits]
    days: Counter[tuple[str, date, str, str]] = Counter()
    columns = (events.c.demand_id, events.c.kind, events.c.occurred_at)
    for part in _chunks(moved):
        query = sa.select(*columns).where(events.c.demand_id.in_(part), events.c.occurred_at.is_not(None))
        for demand_id, kind, occurred_at in connection.execute(query):
            day = china_day(occurred_at)
            for old, new in zip(_sides(before.get(demand_id, Traits())), _sides(after[demand_id]), strict=True):
                if old != new:
                    days[old[0], day, old[1], kind] -= 1
                    days[new[0], day, new[1], kind] += 1
    _add(connection, Tally(days=days))


def recount(connection: sa.Connection) -> None:
    """Count everything again from the events, inside the transaction of `connection`."""
    lock_sides(connection)
    for table in (daily_counts, demand_progress, achievement_progress):
        connection.execute(sa.delete(table))
    _add(connection, tally_all(connection))


def tally_all(connection: sa.Connection) -> Tally:
    """Return the counts of all events, read one by one."""
    traits = traits_of(connection)
    columns = (events.c.demand_id, events.c.achievement_id, events.c.kind, events.c.occurred_at, events.c.event)
    rows = connection.execute(sa.select(*columns), execution_options={"yield_per": _CHUNK})
    tally = Tally()
    for part in rows.partitions():
        events_of_part = (
            CountedEvent(demand_id, achievement_id, kind, occurred_at, orjson.loads(text).get("bundle_version", ""))
            for demand_id, achievement_id, kind, occurred_at, text in part
        )
        tally.add(events_of_part, traits)
    return tally


def _sides(traits: Traits) -> tuple[tuple[str, str], ...]:
    return (FIELD, traits.field), (REGION, traits.region), (INDUSTRY, traits.industry)


def _add(connection: sa.Connection, tally: Tally) -> None:
    """Add the counts to the tables, in one order, or two writers could wait for each other forever."""
    numbers: Counter[tuple[str, date, str, str]] = Counter()
    for (dimension, day, value, kind), number in tally.days.items():
        numbers[dimension, day, value.replace("\0", ""), kind] += number
    days = [
        {"dimension": dimension, "day": day, "value": value, "kind": kind, "number": number}
        for (dimension, day, value, kind), number in sorted(numbers.items())
        if number
    ]
    _upsert(connection, daily_counts, days)
    _upsert(connection, demand_progress, _rows("demand_id", tally.demands))
    _upsert(connection, achievement_progress, _rows("achievement_id", tally.achievements))


def _rows(name: str, progress: dict[str, _Progress]) -> list[dict[str, Any]]:
    """Return a row for each record, its id under `name`; a table takes of it what it has a column for."""
    return [{name: record_id, **vars(one)} for record_id, one in sorted(progress.items())]


def _upsert(connection: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows, or add to those that are there."""
    statement = _addition(table, connection.dialect.name)
    for part in _chunks(rows):
        insert_rows(connection, statement, table, part)


@cache
def _addition(table: sa.Table, dialect: str) -> sa.Executable:
    """Return the statement that adds to a table's rows: numbers grow, firsts take the earlier, lasts the later moment."""
    statement = insert_into(table, dialect)
    keys = [column for column in table.c if column.primary_key]
    changes: dict[str, Any] = {}
    for old in table.c:
        new = statement.excluded[old.name]
        if old.name in ("number", "impressions", "responses"):
            changes[old.name] = old + new
        elif not old.primary_key:
            better = old.is_(None) | new.op("<" if old.name.startswith("first_") else ">")(old)
            changes[old.name] = sa.case((better & new.is_not(None), new), else_=old)
    added: sa.Executable = statement.on_conflict_do_update(index_elements=keys, set_=changes)
    return added


def _chunks(items: Iterable[Any]) -> Iterator[list[Any]]:
    found = list(items)
    for start in range(0, len(found), _CHUNK):
        yield found[start : start + _CHUNK]
