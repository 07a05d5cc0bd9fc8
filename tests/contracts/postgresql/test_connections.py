"""Connections to a real PostgreSQL: how many, how long, through PgBouncer, over a fail-over and under a migration."""

import threading
from contextlib import closing
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from data.errors import StoreError
from data.records import Demand, EventKind, OutcomeEvent
from data.settings import Settings
from data.store import database
from data.store.database import open_engine, reading
from data.store.postgresql.limits import long_statements
from data.store.store import Store
from tests.e2e.servers import wait_until
from tests.some import some


def asked(url, sql):
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=sa.NullPool)
    with engine.connect() as connection:
        return connection.execute(sa.text(sql)).scalar()


def shown(engine, name):
    with reading(engine) as connection:
        return connection.execute(sa.text(f"SHOW {name}")).scalar()


def test_a_pool_that_is_exhausted_refuses_and_serves_again(new_postgresql):
    url = new_postgresql()
    with Store.open(url, server=Settings(database_url=url, database_pool=2, database_pool_wait=0.1)) as store:
        held = [store.engine.connect() for _ in range(2)]
        with pytest.raises(StoreError, match=r"all database connections .* GONGXU_DATABASE_POOL"):
            store.counts()
        held.pop().close()
        assert store.counts().events == 0
        held.pop().close()


def test_statements_of_requests_are_short_and_those_of_imports_long(new_postgresql):
    url = new_postgresql()
    chosen = Settings(database_url=url, database_statement_timeout=0.2, database_idle_timeout=0.2)
    with Store.open(url, server=chosen) as store:
        with pytest.raises(StoreError, match="statement timeout"), reading(store.engine) as connection:
            connection.execute(sa.text("SELECT pg_sleep(60)"))
        with long_statements(), reading(store.engine) as connection:
            assert connection.execute(sa.text("SELECT 1 FROM pg_sleep(0.5)")).scalar() == 1
        with store._reading() as connection:  # whole logs and exports
            assert connection.execute(sa.text("SHOW statement_timeout")).scalar() == "1h"
        assert shown(store.engine, "statement_timeout") == "200ms"  # the pool's connection forgot about it
        with store.engine.connect() as connection:
            pid = connection.execute(sa.text("SELECT pg_backend_pid()")).scalar()
            wait_until(lambda: asked(url, f"SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}") == 0, 30)
            with pytest.raises(sa.exc.DBAPIError, match="idle-in-transaction timeout"):
                connection.execute(sa.text("SELECT 1"))
        assert store.counts().events == 0
    with closing(Store.open(url)) as store:  # a command, for whose end nobody waits
        assert (shown(store.engine, "statement_timeout"), shown(store.engine, "lock_timeout")) == ("1h", "1min")


@pytest.mark.parametrize("pgbouncer", [False, True])
def test_statements_are_prepared_but_for_pgbouncer(new_postgresql, pgbouncer):
    url = new_postgresql()
    with Store.open(url, server=Settings(database_url=url, database_pgbouncer=pgbouncer)) as store:
        for number in range(12):
            store.upsert_demands([Demand(demand_id="D1", title=f"第{number}版")])
        with reading(store.engine) as connection:
            prepared = connection.execute(sa.text("SELECT count(*) FROM pg_prepared_statements")).scalar()
            assert connection.execute(sa.text("SHOW statement_timeout")).scalar() == "10s"
            connection.rollback()
            # Outside of our transactions a connection of PgBouncer is as it was.
            raw = connection.connection.cursor().execute("SHOW statement_timeout").fetchone()[0]
        assert (prepared == 0, raw == "0") == (pgbouncer, pgbouncer)
        assert store.demand("D1").title == "第11版"


class Writers:
    """Threads that append events without pause, and remember what was acknowledged."""

    def __init__(self, store, number=3):
        self.acknowledged: set[str] = set()
        self.refused: list[str] = []
        self._store, self._over = store, threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(place,)) for place in range(number)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join(60)

    def _run(self, place):
        number = 0
        while not self._over.is_set():
            number += 1
            moment = datetime(2026, 1, 1, tzinfo=UTC)
            one = OutcomeEvent(
                event_id=f"{place}-{number}",
                demand_id="D1",
                achievement_id="A1",
                kind=EventKind.CLICK,
                occurred_at=moment,
            )
            try:
                self._store.append_events([one])
                self.acknowledged.add(one.event_id)
            except StoreError as error:
                self.refused.append(str(error))
                self._over.wait(0.05)


def counted(store):
    with reading(store.engine) as connection:
        days = "SELECT coalesce(sum(number), 0) FROM daily_counts WHERE dimension = 'all'"
        return int(connection.execute(sa.text(days)).scalar_one())


def test_a_database_that_stops_and_starts_loses_nothing_acknowledged(new_postgresql, postgresql):
    url = new_postgresql()
    with Store.open(url, server=Settings(database_url=url)) as store:
        with Writers(store) as writers:
            wait_until(lambda: len(writers.acknowledged) > 50, 60)
            postgresql.stop()  # a crash
            wait_until(lambda: writers.refused, 60)
            before = len(writers.acknowledged)
            postgresql.start()
            wait_until(lambda: len(writers.acknowledged) > before + 50, 60)  # the pool recovers by itself
        stored = {one.event_id for one in store.events()}
        assert writers.acknowledged <= stored
        assert counted(store) == len(stored)


def test_a_migration_under_load_loses_no_write_and_leaves_no_old_writer(new_postgresql, monkeypatch):
    url = new_postgresql(bare=True)
    with monkeypatch.context() as earlier:
        earlier.setattr(database, "SCHEMA", "0023")
        old = Store.open(url)
    with Writers(old) as writers:
        wait_until(lambda: len(writers.acknowledged) > 50, 60)
        with Store.open(url) as store:
            wait_until(lambda: any("restart it" in one for one in writers.refused), 60)
            acknowledged = set(writers.acknowledged)
            stored = {one.event_id for one in store.events()}
            assert acknowledged <= stored
            assert counted(store) == len(stored)
            # Those under way were ended, all later ones refused.
            assert all("restart it" in one for one in some(writers.refused)[-3:])
            kind = "SELECT relkind::text FROM pg_class WHERE relname = 'events'"
            assert asked(url, kind) == "p"
    old.close()
    assert writers.acknowledged == acknowledged
    engine = open_engine(url)  # nobody needs to migrate again
    engine.dispose()


def test_a_lock_holds_on_all_machines_and_ends_with_its_holder(new_postgresql):
    url = new_postgresql()
    with Store.open(url) as here, Store.open(url) as there:
        held = here.locks.take("import")
        assert there.locks.take("import") is None
        assert here.locks.take("import") is None
        other = there.locks.take("standing")
        held.release()
        again = there.locks.take("import")
        assert again.alive
        idle = "FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
        assert asked(url, f"SELECT count(pg_terminate_backend(pid)) {idle}") == 2
        assert not again.alive
        taken = here.locks.take("import")
        assert taken is not None
        for one in (other, again, taken):
            one.release()
