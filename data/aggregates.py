"""Counts kept up to date with the events they count, in the same transaction: by day, by demand, by achievement."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from data.dashboard_tables import achievement_progress, daily_counts, demand_progress
from data.records import CHINA_STANDARD_TIME, MAX_ID, EventKind
from data.tables import demands, division, events

ALL, FIELD, REGION, INDUSTRY, VERSION = "all", "field", "region", "industry", "version"
DIMENSIONS = (ALL, FIELD, REGION, INDUSTRY, VERSION)
"""Sides from which events are counted."""
RESPONSES = frozenset({EventKind.CONTACT, EventKind.MEETING, EventKind.NEGOTIATION, EventKind.DEAL})
"""What counts as an answer to a recommendation: somebody got in touch, or more."""

# Any number that no other program using the same PostgreSQL server is likely to take.
_LOCK = 7_355_608_114
_CHUNK = 1_000
_Insert = Callable[[sa.Table], Any]


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
    return moment.replace(tzinfo=UTC).astimezone(CHINA_STANDARD_TIME).date()


def traits_of(connection: sa.Connection, ids: Iterable[str] | None = None) -> dict[str, Traits]:
    """Return the traits of the demands with the given ids (None: of all), deleted ones too."""
    query = sa.select(demands.c.id, demands.c.field, demands.c.region, demands.c.record)
    queries = [query] if ids is None else [query.where(demands.c.id.in_(part)) for part in _chunks(ids)]
    found = {}
    for wanted in queries:
        for row in connection.execute(wanted, execution_options={"yield_per": _CHUNK}):
            industries = orjson.loads(row.record).get("industries") or [""]
            found[row.id] = Traits(row.field[:MAX_ID], (row.region or "")[:2], division(industries[0]))
    return found


@dataclass
class _Progress:
    """First and last moments of one record, and how often it was shown and answered."""

    first_shown: datetime | None = None
    last_shown: datetime | None = None
    first_response: datetime | None = None
    first_deal: datetime | None = None
    impressions: int = 0
    responses: int = 0

    def add(self, kind: str, moment: datetime) -> None:
        if kind == EventKind.IMPRESSION:
            self.impressions += 1
            self.first_shown = moment if self.first_shown is None else min(self.first_shown, moment)
            self.last_shown = moment if self.last_shown is None else max(self.last_shown, moment)
        if kind in RESPONSES:
            self.responses += 1
            self.first_response = moment if self.first_response is None else min(self.first_response, moment)
        if kind == EventKind.DEAL:
            self.first_deal = moment if self.first_deal is None else min(self.first_deal, moment)


@dataclass
class Tally:
    """Counts of some events, ready to be added to the tables."""

    days: Counter[tuple[str, date, str, str]] = field(default_factory=Counter)
    demands: dict[str, _Progress] = field(default_factory=dict)
    achievements: dict[str, _Progress] = field(default_factory=dict)

    def add(self, event: CountedEvent, traits: Traits) -> None:
        """Count one event under its demand's traits; an undated one has no day to be counted under."""
        if event.occurred_at is None:
            return
        day = china_day(event.occurred_at)
        for dimension, value in ((ALL, ""), *_sides(traits), (VERSION, event.version[:MAX_ID])):
            self.days[dimension, day, value, event.kind] += 1
        self.demands.setdefault(event.demand_id, _Progress()).add(event.kind, event.occurred_at)
        self.achievements.setdefault(event.achievement_id, _Progress()).add(event.kind, event.occurred_at)


def count_events(connection: sa.Connection, added: list[CountedEvent]) -> None:
    """Count events that were just written in the transaction of `connection`."""
    if not added:
        return
    if connection.dialect.name == "postgresql":
        # No demand may change sides while its events are being counted; writers of events do not wait for each other.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(_LOCK)))
    traits = traits_of(connection, {event.demand_id for event in added})
    tally = Tally()
    for event in added:
        tally.add(event, traits.get(event.demand_id, Traits()))
    _add(connection, tally)


@contextmanager
def sides_followed(connection: sa.Connection, ids: Sequence[str]) -> Iterator[None]:
    """Count the events of the demands with these ids under the traits that they have when the block ends."""
    _lock_sides(connection)
    before = traits_of(connection, ids)
    yield
    _move(connection, before, traits_of(connection, ids))


def _lock_sides(connection: sa.Connection) -> None:
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
    """Count everything anew from the events, inside the transaction of `connection`."""
    _lock_sides(connection)
    for table in (daily_counts, demand_progress, achievement_progress):
        connection.execute(sa.delete(table))
    _add(connection, tally_all(connection))


def tally_all(connection: sa.Connection) -> Tally:
    """Return the counts of all events, read one by one."""
    traits, nothing, tally = traits_of(connection), Traits(), Tally()
    columns = (events.c.demand_id, events.c.achievement_id, events.c.kind, events.c.occurred_at, events.c.event)
    rows = connection.execute(sa.select(*columns), execution_options={"yield_per": _CHUNK})
    for demand_id, achievement_id, kind, occurred_at, text in rows:
        version = orjson.loads(text).get("bundle_version", "")
        event = CountedEvent(demand_id, achievement_id, kind, occurred_at, version)
        tally.add(event, traits.get(demand_id, nothing))
    return tally


def _sides(traits: Traits) -> tuple[tuple[str, str], ...]:
    return (FIELD, traits.field), (REGION, traits.region), (INDUSTRY, traits.industry)


def _add(connection: sa.Connection, tally: Tally) -> None:
    """Add the counts to the tables, in one order, or two writers could wait for each other forever."""
    insert: _Insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    days = [
        {"dimension": dimension, "day": day, "value": value.replace("\0", ""), "kind": kind, "number": number}
        for (dimension, day, value, kind), number in sorted(tally.days.items())
        if number
    ]
    _upsert(connection, insert, daily_counts, days, sums=("number",))
    for table, name, progress, firsts in (
        (demand_progress, "demand_id", tally.demands, ("first_shown", "first_response", "first_deal")),
        (achievement_progress, "achievement_id", tally.achievements, ("first_shown", "first_deal")),
    ):
        rows = [
            {name: record_id} | {column.name: getattr(one, column.name) for column in table.c if column.name != name}
            for record_id, one in sorted(progress.items())
        ]
        lasts = ("last_shown",) if table is achievement_progress else ()
        _upsert(connection, insert, table, rows, sums=("impressions", "responses"), firsts=firsts, lasts=lasts)


def _upsert(
    connection: sa.Connection,
    insert: _Insert,
    table: sa.Table,
    rows: list[dict[str, Any]],
    *,
    sums: tuple[str, ...],
    firsts: tuple[str, ...] = (),
    lasts: tuple[str, ...] = (),
) -> None:
    """Insert rows, or add to those that are there: sums grow, firsts take the earlier, lasts the later moment."""
    if not rows:
        return
    statement = insert(table)
    new = statement.excluded
    changes: dict[str, Any] = {name: table.c[name] + new[name] for name in sums}
    for names, operator in ((firsts, "<"), (lasts, ">")):
        for name in names:
            old = table.c[name]
            better = old.is_(None) | new[name].op(operator)(old)
            changes[name] = sa.case((better & new[name].is_not(None), new[name]), else_=old)
    keys = [column for column in table.c if column.primary_key]
    statement = statement.on_conflict_do_update(index_elements=keys, set_=changes)
    for part in _chunks(rows):
        connection.execute(statement, part)


def _chunks(items: Iterable[Any]) -> Iterator[list[Any]]:
    found = list(items)
    for start in range(0, len(found), _CHUNK):
        yield found[start : start + _CHUNK]
