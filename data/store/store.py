"""The store: records with revisions, append-only outcome events, on SQLite or PostgreSQL."""

import heapq
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Self, TypeVar

import sqlalchemy as sa

from data.errors import unknown_id
from data.records import STORED, Achievement, Demand, EventKind, OutcomeEvent, RecordKind
from data.settings import Settings
from data.store.chains.chains import Chains
from data.store.clarifications import Clarification, clarified, insert_clarification, read_clarifications
from data.store.database import LOCK_TIMEOUT, begin_write, open_engine, translated_errors
from data.store.eligibility.firm_facts import StatedFirms
from data.store.eligibility.policy_criteria import PolicyCriteria
from data.store.imports.appending import append, event_row
from data.store.imports.log import Imports
from data.store.keys import ApiKeys
from data.store.kind_records import KindOutcomes, KindRecords
from data.store.locks import StoreLocks
from data.store.operators import Operators
from data.store.postgresql.engine import single_statements
from data.store.reading.asked_texts import AskedTexts
from data.store.reading.listing import Listing
from data.store.reading.results import Change, EventCounts, EventResult, StoreCounts
from data.store.reviews import Reviews
from data.store.standing.notices import StandingNotices
from data.store.standing.requests import StandingRequests
from data.store.standing.webhooks import Webhooks
from data.store.tables import (
    ACHIEVEMENT_BY_ID,
    DEMAND_BY_ID,
    achievement_columns,
    achievements,
    canonical_json,
    demand_columns,
    demands,
    events,
    revisions,
)
from data.store.trust.disclosures import Disclosures
from data.store.trust.evidence import Evidence
from data.store.trust.quality import Quality
from data.store.trust.sources import Sources
from data.store.upserts import BATCH, UpsertCounts, batches, next_revision, upsert_rows, with_digest
from data.store.work.assignments import Assignments
from data.store.work.experiments import StoredExperiments
from data.store.work.matches import Matches
from data.store.work.model_levels import ModelLevels
from data.store.work.orders import Orders
from data.store.work.saved_views import SavedViews

if TYPE_CHECKING:
    from hashlib import _Hash

NEAR_IDS = 40  # on either side of an unknown id, to choose those from that look most like it
_WATERMARK = sa.select(revisions.c.value)  # made once: it is asked for several times a second

_R = TypeVar("_R", Achievement, Demand)


class Store:
    """Records and events in a database; safe to use from several threads and processes at once.

    Every method raises StoreError when the database fails. Iterators read one snapshot and hold a connection until closed.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._single = single_statements(engine)
        self.api_keys = ApiKeys(engine)
        self.operators = Operators(engine)
        self.reviews = Reviews(engine)
        self.imports = Imports(engine)
        self.kinds, self.matches, self.firms = KindRecords(engine), Matches(engine), StatedFirms(engine)
        self.kind_outcomes = KindOutcomes(engine)
        self.policy_criteria, self.listing = PolicyCriteria(engine), Listing(engine)
        self.asked_texts, self.assignments = AskedTexts(engine), Assignments(engine)
        self.saved_views, self.disclosures = SavedViews(engine), Disclosures(engine)
        self.evidence, self.quality = Evidence(engine), Quality(engine)
        self.sources, self.orders, self.chains = Sources(engine), Orders(engine), Chains(engine)
        self.standing, self.notices = StandingRequests(engine), StandingNotices(engine)
        self.webhooks, self.model_levels = Webhooks(engine), ModelLevels(engine)
        self.locks, self.experiments = StoreLocks(engine), StoredExperiments(engine)

    @classmethod
    def open(
        cls, url: str, lock_timeout: float = LOCK_TIMEOUT, *, create: bool = True, server: Settings | None = None
    ) -> Self:
        """Return the store at the SQLAlchemy URL `url`, created or migrated if need be; see `open_engine`.

        A write waits up to `lock_timeout` seconds for another one, then it fails. `server`: the settings of a server.

        Raises:
            StoreError: it cannot be reached, or a newer gongxu wrote it.

        """
        return cls(open_engine(url, lock_timeout, create=create, server=server))

    @property
    def engine(self) -> sa.Engine:
        """The database, for questions that read only."""
        return self._engine

    @property
    def shared(self) -> bool:
        """Whether servers of several machines may use it; a file is one machine's."""
        return self._engine.dialect.name == "postgresql"

    def close(self) -> None:
        """Give the database connections back."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def upsert_achievements(self, records: Iterable[Achievement]) -> UpsertCounts:
        """Insert or update achievements, 1,000 in a transaction, and count what changed."""
        return self._upsert(achievements, achievement_columns, records)

    def upsert_demands(self, records: Iterable[Demand]) -> UpsertCounts:
        """Insert or update demands, 1,000 in a transaction, and count what changed."""
        return self._upsert(demands, demand_columns, records)

    def delete_achievement(self, achievement_id: str) -> None:
        """Delete an achievement; the change stays visible to `changes_since`.

        Raises:
            NotFoundError: there is none with this id.

        """
        self._delete(achievements, "achievement", achievement_id)

    def delete_demand(self, demand_id: str) -> None:
        """Delete a demand; the change stays visible to `changes_since`.

        Raises:
            NotFoundError: there is none with this id.

        """
        self._delete(demands, "demand", demand_id)

    def clarify(self, answer: Clarification) -> Demand:
        """Keep an answer about a demand and return the demand as it now reads; the change is visible to `changes_since`.

        Raises:
            NotFoundError: there is no such demand.

        """
        with self._writing() as connection:
            revision = next_revision(connection, 1) - 1
            alive = (demands.c.id == answer.demand_id) & ~demands.c.deleted
            if not connection.execute(sa.update(demands).where(alive).values(revision=revision)).rowcount:
                # Raising rolls the revision back.
                raise unknown_id("demand", answer.demand_id, self._near_ids(connection, demands, answer.demand_id))
            insert_clarification(connection, answer)
        return self.demand(answer.demand_id)

    def clarifications(self, demand_id: str) -> list[Clarification]:
        """Return the answers given about a demand, in the order of time; maybe none."""
        with self._reading() as connection:
            return read_clarifications(connection, demand_id).get(demand_id, [])

    def append_events(self, sent: Iterable[OutcomeEvent]) -> EventCounts:
        """Append events, 1,000 in a transaction; those whose `event_id` is known are counted and otherwise ignored.

        When the method returns, the events are on disk.
        """
        total = EventCounts()
        for batch in batches(sent, lambda event: event.event_id):
            total += EventCounts.of(self._append(batch))
        return total

    def append_each(self, sent: Iterable[OutcomeEvent]) -> list[EventResult]:
        """Append events as `append_events` does and return the outcome of each, in their order."""
        return [result for batch in batches(sent, lambda event: event.event_id) for result in self._append(batch)]

    def achievement(self, achievement_id: str) -> Achievement:
        """Return one achievement.

        Raises:
            NotFoundError: there is none with this id; the error names the nearest ids.

        """
        return self._record(achievements, ACHIEVEMENT_BY_ID, Achievement, "achievement", achievement_id)

    def demand(self, demand_id: str) -> Demand:
        """Return one demand, with what was answered about it.

        Raises:
            NotFoundError: there is none with this id; the error names the nearest ids.

        """
        return self._record(demands, DEMAND_BY_ID, Demand, "demand", demand_id)

    def achievements(self) -> Iterator[Achievement]:
        """Yield all achievements, ordered by id (code points)."""
        return self._records(achievements, Achievement)

    def demands(self) -> Iterator[Demand]:
        """Yield all demands with what was answered about them, ordered by id (code points)."""
        return self._records(demands, Demand)

    def events(self, kinds: Collection[EventKind] | None = None) -> Iterator[OutcomeEvent]:
        """Yield the events of the given kinds (None: all), undated first, then by moment, then by id."""
        query = sa.select(events.c.event).order_by(events.c.occurred_at.asc().nulls_first(), events.c.event_id)
        if kinds is not None:
            query = query.where(events.c.kind.in_([kind.value for kind in kinds]))
        with self._reading() as connection, self._stream(connection, query) as rows:
            for (text,) in rows:
                yield OutcomeEvent.model_validate_json(text, context=STORED)

    def counts(self) -> StoreCounts:
        """Return how many records and events the store holds."""
        queries = [
            sa.select(sa.func.count()).select_from(achievements).where(~achievements.c.deleted),
            sa.select(sa.func.count()).select_from(demands).where(~demands.c.deleted),
            sa.select(sa.func.count()).select_from(events),
        ]
        with self._reading() as connection:
            return StoreCounts(*(connection.execute(query).scalar_one() for query in queries))

    def watermark(self) -> int:
        """Return the highest revision given so far, 0 for an empty store."""
        with translated_errors(self._engine.url), self._single.connect() as connection:
            return int(connection.execute(_WATERMARK).scalar_one())

    def digest(self) -> str:
        """Return the SHA-256 over ids and digests of all records and events: equal stores have the same."""
        total = sha256()
        with self._reading() as connection:
            for table in (achievements, demands):
                query = sa.select(table.c.id, table.c.digest).where(~table.c.deleted).order_by(table.c.id)
                _take_in(total, connection.execute(query, execution_options={"yield_per": BATCH}))
            query = sa.select(events.c.event_id, events.c.digest).order_by(events.c.event_id)
            _take_in(total, connection.execute(query, execution_options={"yield_per": BATCH}))
        return total.hexdigest()

    def changes_since(self, revision: int) -> Iterator[Change]:
        """Yield the records changed after `revision`, each once in its latest state, by ascending revision."""
        with self._reading() as connection:
            yield from heapq.merge(
                self._changes(connection, achievements, Achievement, "achievements", revision),
                self._changes(connection, demands, Demand, "demands", revision),
                key=lambda change: change.revision,
            )

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        """Open a snapshot: PostgreSQL needs to know that all its statements shall see the same one."""
        with translated_errors(self._engine.url):
            connection = self._engine.connect()
            if self._engine.dialect.name == "postgresql":
                connection = connection.execution_options(isolation_level="REPEATABLE READ", long=True)
            with connection:
                yield connection

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with translated_errors(self._engine.url), begin_write(self._engine) as connection:
            yield connection

    def _stream(self, connection: sa.Connection, query: sa.Select[Any]) -> sa.CursorResult[Any]:
        """Run `query` without holding its whole result in memory; the result is to be closed."""
        return connection.execute(query, execution_options={"yield_per": BATCH})

    def _upsert(self, table: sa.Table, columns: Callable[[_R], dict[str, Any]], records: Iterable[_R]) -> UpsertCounts:
        total = UpsertCounts()
        for batch in batches(records, lambda record: record.record_id):
            rows = [with_digest(columns(record), canonical_json(record), "record") for record in batch]
            with self._writing() as connection:
                total += upsert_rows(connection, table, rows)
        return total

    def _delete(self, table: sa.Table, kind: str, record_id: str) -> None:
        with self._writing() as connection:
            revision = next_revision(connection, 1) - 1
            alive = (table.c.id == record_id) & ~table.c.deleted
            done = connection.execute(sa.update(table).where(alive).values(deleted=True, revision=revision)).rowcount
            if not done:  # raising rolls the revision back
                raise unknown_id(kind, record_id, self._near_ids(connection, table, record_id))

    def _append(self, batch: list[OutcomeEvent]) -> list[EventResult]:
        with self._writing() as connection:
            results, _ = append(connection, [event_row(event) for event in batch])
        return results

    def _record(self, table: sa.Table, query: sa.Select[Any], model: type[_R], kind: str, record_id: str) -> _R:
        with translated_errors(self._engine.url), self._single.connect() as connection:
            rows = connection.execute(query, {"wanted": record_id}).all()
            if not rows:
                raise unknown_id(kind, record_id, self._near_ids(connection, table, record_id))
        answers = [
            Clarification.model_validate_json(stored, context=STORED) for _, stored in rows if stored is not None
        ]
        return _read(model, rows[0].record, {record_id: answers} if answers else {})

    def _near_ids(self, connection: sa.Connection, table: sa.Table, wanted: str) -> list[str]:
        """Return some ids before and after `wanted` in the ids' order: two looks into the index, however many there are."""
        alive = sa.select(table.c.id).where(~table.c.deleted).limit(NEAR_IDS)
        after = alive.where(table.c.id >= wanted).order_by(table.c.id)
        before = alive.where(table.c.id < wanted).order_by(table.c.id.desc())
        return sorted({*connection.execute(after).scalars(), *connection.execute(before).scalars()})

    def _records(self, table: sa.Table, model: type[_R]) -> Iterator[_R]:
        query = sa.select(table.c.record).where(~table.c.deleted).order_by(table.c.id)
        with self._reading() as connection:
            answers = read_clarifications(connection) if table is demands else {}
            with self._stream(connection, query) as rows:
                for (text,) in rows:
                    yield _read(model, text, answers)

    def _changes(
        self, connection: sa.Connection, table: sa.Table, model: type[_R], kind: RecordKind, revision: int
    ) -> Iterator[Change]:
        columns = (table.c.id, table.c.record, table.c.revision, table.c.deleted)
        query = sa.select(*columns).where(table.c.revision > revision).order_by(table.c.revision)
        answers = read_clarifications(connection) if table is demands else {}
        with self._stream(connection, query) as rows:
            for row in rows:
                record = None if row.deleted else _read(model, row.record, answers)
                yield Change(kind, row.id, record, row.revision)


def _read(model: type[_R], text: str, answers: dict[str, list[Clarification]]) -> _R:
    """Return a record from its JSON, a demand with what was answered about it."""
    record = model.model_validate_json(text, context=STORED)
    if isinstance(record, Demand) and record.demand_id in answers:
        return clarified(record, answers[record.demand_id])
    return record


def _take_in(total: "_Hash", rows: Iterable[Any]) -> None:
    for name, digest in rows:
        total.update(f"{name}\0{digest}\0".encode())
    total.update(b"\1")
