"""Counts kept beside the events equal a plain recount, whatever was written in whatever order, on both databases."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.records import Demand, EventKind, OutcomeEvent
from data.store.aggregates import ALL, FIELD, china_day, recount
from data.store.dashboard_tables import achievement_progress, daily_counts, demand_progress
from data.store.database import begin_write
from data.store.store import Store

START = datetime(2026, 3, 1, tzinfo=UTC)
TABLES = (daily_counts, demand_progress, achievement_progress)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    return request.getfixturevalue("new_postgresql")()


@pytest.fixture
def store(url):
    with Store.open(url) as opened:
        yield opened


def state(store):
    """All rows of the tables that count something."""
    found = []
    with store.engine.connect() as connection:
        for table in TABLES:
            query = sa.select(table)
            if table is daily_counts:
                query = query.where(table.c.number != 0)
            found.append(sorted((tuple(row) for row in connection.execute(query)), key=repr))
    return found


def assert_exact(store):
    kept = state(store)
    with begin_write(store.engine) as connection:
        recount(connection)
    assert kept == state(store)


def demand(number, field, industry, region, version=0):
    return Demand(
        demand_id=f"D{number}",
        title=f"需求{number} {version}",
        field=field,
        industries=(industry,) if industry else (),
        region=region,
    )


def event(number, who, what, kind, hours, version="v1"):
    level = 2 if kind is EventKind.JUDGEMENT else None
    moment = None if kind is EventKind.JUDGEMENT and hours % 2 else START + timedelta(hours=hours)
    return OutcomeEvent(
        event_id=f"E{number}",
        demand_id=f"D{who}",
        achievement_id=f"A{what}",
        kind=kind,
        occurred_at=moment,
        bundle_version=version,
        level=level,
    )


DEMANDS = st.builds(
    demand,
    st.integers(0, 4),
    st.sampled_from(["环保", "新材料", ""]),
    st.sampled_from(["C2614", "N77", ""]),
    st.sampled_from(["410100", "110000", None]),
    st.integers(0, 3),
)
EVENTS = st.builds(
    event,
    st.integers(0, 40),
    st.integers(0, 5),
    st.integers(0, 4),
    st.sampled_from(list(EventKind)),
    st.integers(0, 90),
    st.sampled_from(["v1", "v2", ""]),
)
STEPS = st.lists(
    st.one_of(
        st.lists(DEMANDS, min_size=1, max_size=4).map(lambda sent: ("demands", sent)),
        st.lists(EVENTS, min_size=1, max_size=8).map(lambda sent: ("events", sent)),
        st.integers(0, 4).map(lambda number: ("delete", number)),
    ),
    max_size=10,
)


def apply(store, steps):
    for what, sent in steps:
        if what == "demands":
            store.upsert_demands(sent)
        elif what == "events":
            store.append_events(sent)
        elif f"D{sent}" in {found.demand_id for found in store.demands()}:
            store.delete_demand(f"D{sent}")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_counts_equal_a_recount_after_any_writes(store, steps):
    apply(store, steps)
    assert_exact(store)


def test_known_answer(store):
    store.upsert_demands([demand(1, "环保", "C2614", "410100")])
    store.append_events(
        [
            event(1, 1, 1, EventKind.IMPRESSION, 0),
            event(2, 1, 1, EventKind.CONTACT, 30),
            event(3, 1, 2, EventKind.IMPRESSION, 17),  # 01:00 of the next day in China
        ]
    )
    with store.engine.connect() as connection:
        table = daily_counts
        query = sa.select(table.c.day, table.c.kind, table.c.number).where(table.c.dimension == FIELD)
        counted = {(row.day.isoformat(), row.kind): row.number for row in connection.execute(query)}
        progress = connection.execute(sa.select(demand_progress)).one()
    assert counted == {
        ("2026-03-01", "impression"): 1,
        ("2026-03-02", "impression"): 1,
        ("2026-03-02", "contact"): 1,
    }
    assert (progress.impressions, progress.responses) == (2, 1)
    assert progress.first_response - progress.first_shown == timedelta(hours=30)


def test_events_of_a_demand_that_changes_its_field_move_with_it(store):
    store.append_events([event(1, 1, 1, EventKind.CLICK, 0)])
    for field in ("环保", "新材料"):
        store.upsert_demands([demand(1, field, "", None)])
    with store.engine.connect() as connection:
        rows = connection.execute(sa.select(daily_counts).where(daily_counts.c.number != 0)).all()
    assert {row.value for row in rows if row.dimension == FIELD} == {"新材料"}
    assert [row.number for row in rows if row.dimension == ALL] == [1]


def test_writers_of_events_and_demands_at_once_lose_no_count(url):
    """Two threads append while a third moves the demands from field to field."""
    with Store.open(url) as first:
        first.upsert_demands([demand(number, "环保", "", None) for number in range(3)])

    def append(base):
        with Store.open(url) as store:
            for batch in range(6):
                numbers = range(base + batch * 5, base + batch * 5 + 5)
                store.append_events([event(n, n % 3, n % 2, EventKind.CLICK, n % 40) for n in numbers])

    def move():
        with Store.open(url) as store:
            for version in range(6):
                field = "新材料" if version % 2 else "装备"
                store.upsert_demands([demand(number, field, "", None, version) for number in range(3)])

    threads = [threading.Thread(target=append, args=(1000,)), threading.Thread(target=append, args=(2000,))]
    threads.append(threading.Thread(target=move))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Store.open(url) as store:
        assert store.counts().events == 60
        assert_exact(store)


def test_a_day_begins_at_midnight_in_china():
    assert china_day(datetime(2026, 3, 1, 15, 59, 59)).isoformat() == "2026-03-01"
    assert china_day(datetime(2026, 3, 1, 16)).isoformat() == "2026-03-02"
