"""A store on PostgreSQL is saved and restored; what was there is set aside, and comes back if restoring fails."""

import os
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from data.errors import InputError, NotFoundError, StoreError
from data.records import Demand, EventKind, OutcomeEvent
from data.settings import Settings
from data.store.database import reading
from data.store.postgresql import dumps
from data.store.store import Store
from deploy.postgresql import binaries
from serving.runtime.backup import back_up, restore
from tests.contracts.postgresql.test_connections import asked
from tests.e2e.servers import wait_until

EVENT = OutcomeEvent(
    event_id="E1",
    demand_id="D1",
    achievement_id="A1",
    kind=EventKind.DEAL,
    occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
)


@pytest.fixture
def site(new_postgresql, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{binaries()}:{os.environ['PATH']}")
    found = Settings(home=tmp_path / "home", database_url=new_postgresql())
    with Store.open(found.store_url) as store:
        store.upsert_demands([Demand(demand_id="D1", title="污泥干化")])
        store.append_events([EVENT])
    return found


def alone(site):
    """Wait until PostgreSQL has noticed that the connections of this process are closed."""
    others = "datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    wait_until(lambda: asked(site.store_url, f"SELECT count(*) FROM pg_stat_activity WHERE {others}") == 0, 30)


def test_round_trip_sets_aside_what_was_there(site, tmp_path):
    with Store.open(site.store_url) as store:
        saved = back_up(site, tmp_path / "gongxu.tar")
        assert (saved.counts.demands, saved.counts.events) == (1, 1)
        store.upsert_demands([Demand(demand_id="after", title="备份之后")])
        with pytest.raises(InputError, match="in use by"):
            restore(site, saved.archive, replace=True)
    alone(site)
    with pytest.raises(InputError, match="--replace"):
        restore(site, saved.archive)
    assert restore(site, saved.archive, replace=True).counts == saved.counts
    with Store.open(site.store_url) as store:
        assert list(store.events()) == [EVENT]
        with pytest.raises(NotFoundError):
            store.demand("after")
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), store.engine.begin() as connection:
            connection.execute(sa.text("DELETE FROM events"))
        with reading(store.engine) as connection:
            aside = connection.execute(
                sa.text("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'before%'")
            ).scalar()
            assert connection.execute(sa.text(f"SELECT count(*) FROM {aside}.demands")).scalar() == 2


def test_what_cannot_be_restored_leaves_all_as_it_was(site, tmp_path, monkeypatch):
    alone(site)
    (tmp_path / "bad.dump").write_bytes(b"PGDMP and no more")
    with pytest.raises(StoreError, match="pg_restore failed"):
        dumps.restore(site.store_url, tmp_path / "bad.dump")
    with Store.open(site.store_url) as store:
        assert list(store.events()) == [EVENT]
    archive = back_up(site, tmp_path / "gongxu.tar").archive
    with pytest.raises(InputError, match="holds a store of PostgreSQL, this installation uses SQLite"):
        restore(Settings(home=tmp_path / "other"), archive)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match="pg_dump is not installed"):
        back_up(site, tmp_path / "second.tar")
