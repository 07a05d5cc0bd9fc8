"""What every store must do, on SQLite and on a real PostgreSQL."""

import multiprocessing
import re
import threading
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from data.errors import NotFoundError, StoreError
from data.records import Achievement, AchievementStatus, Demand, EventKind, OutcomeEvent
from data.store.reading.results import EventCounts, StoreCounts
from data.store.store import Store
from data.store.tables import SCHEMA, metadata
from data.store.upserts import UpsertCounts

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    return request.getfixturevalue("new_postgresql")()


@pytest.fixture
def store(url):
    with Store.open(url) as opened:
        yield opened


def achievement(number, **fields):
    return Achievement(achievement_id=f"A{number:05d}", title=f"成果{number}", **fields)


def demand(number, **fields):
    return Demand(demand_id=f"D{number:05d}", title=f"需求{number}", **fields)


def event(number, kind=EventKind.CLICK, moment=NOON, **fields):
    return OutcomeEvent(
        event_id=f"E{number}", demand_id="D1", achievement_id="A1", kind=kind, occurred_at=moment, **fields
    )


FULL = Achievement(
    achievement_id="成果/1 é",
    title="低温污泥干化\0设备",
    content="含水率降到40%以下\n第二行 😀",
    keywords=("污泥", "干化；带分号"),
    field="环保\0",
    industries=("N77",),
    region="410100",
    published_at=date(2024, 2, 29),
    updated_at=date(2024, 3, 1),
    extra={"乙": "2", "甲": "1"},
    ipc=("C02F11/12",),
    holder="某大学",
    holder_type="高校",
    experts=("张伟", "李娜"),
    stage="中期",
    trl=6,
    form="新装备",
    transfer_modes=("许可", "作价投资"),
    price_min=0.1,
    price_max=1e6,
    indicators="处理量≥50吨/天",
    ip="发明专利2项",
    status=AchievementStatus.NEGOTIATING,
)


def test_a_new_store_is_empty(store):
    assert store.counts() == StoreCounts(0, 0, 0)
    assert store.watermark() == 0
    assert list(store.achievements()) == list(store.demands()) == list(store.events()) == []
    assert list(store.changes_since(0)) == []


def test_records_come_back_as_they_went_in(store):
    wanted = demand(1, budget_min=0, budget_max=12.5, deadline=date(2025, 1, 1), kpis="降本10%", extra={"来源": "表"})
    store.upsert_achievements([FULL])
    store.upsert_demands([wanted])
    assert store.achievement(FULL.achievement_id) == FULL
    assert store.demand("D00001") == wanted
    assert list(store.achievements()) == [FULL]
    assert list(store.demands()) == [wanted]


def test_upsert_counts_inserted_updated_unchanged(store):
    assert store.upsert_achievements(achievement(i) for i in range(2_500)) == UpsertCounts(2_500, 0, 0)
    again = [achievement(i, field="材料" if i < 7 else "") for i in range(2_501)]
    assert store.upsert_achievements(again) == UpsertCounts(1, 7, 2_493)
    assert store.upsert_achievements(again) == UpsertCounts(0, 0, 2_501)
    assert store.counts() == StoreCounts(2_501, 0, 0)


def test_order_of_unknown_columns_is_no_change(store):
    store.upsert_achievements([achievement(1, extra={"a": "1", "b": "2"})])
    assert store.upsert_achievements([achievement(1, extra={"b": "2", "a": "1"})]).unchanged == 1


def test_the_last_of_two_records_with_one_id_wins(store):
    counts = store.upsert_demands([demand(1), demand(1, field="环保")])
    assert counts == UpsertCounts(1, 1, 0)
    assert store.demand("D00001").field == "环保"


def test_records_are_ordered_by_code_point(store):
    ids = ["b", "B", "a-1", "a1", "é", "中", "10", "9", "Z z"]
    store.upsert_achievements(Achievement(achievement_id=i, title="题") for i in ids)
    assert [record.achievement_id for record in store.achievements()] == sorted(ids)


def test_revisions_count_up_over_both_kinds(store):
    store.upsert_achievements([achievement(1), achievement(2)])
    store.upsert_demands([demand(1)])
    assert store.watermark() == 3
    store.upsert_achievements([achievement(1), achievement(2, trl=5)])
    assert store.watermark() == 4
    changes = list(store.changes_since(0))
    assert [(c.kind, c.record_id, c.revision) for c in changes] == [
        ("achievements", "A00001", 1),
        ("demands", "D00001", 3),
        ("achievements", "A00002", 4),
    ]
    assert changes[2].record == achievement(2, trl=5)
    assert [c.record_id for c in store.changes_since(3)] == ["A00002"]
    assert list(store.changes_since(4)) == []


def test_changes_of_many_batches_are_in_order(store):
    store.upsert_achievements(achievement(i) for i in range(1_500))
    store.upsert_demands(demand(i) for i in range(1_500))
    assert [change.revision for change in store.changes_since(100)] == list(range(101, 3_001))


def test_a_deleted_record_leaves_a_trace(store):
    store.upsert_demands([demand(1), demand(2)])
    store.delete_demand("D00001")
    assert store.counts().demands == 1
    assert [d.demand_id for d in store.demands()] == ["D00002"]
    with pytest.raises(NotFoundError):
        store.demand("D00001")
    with pytest.raises(NotFoundError):
        store.delete_demand("D00001")
    (change,) = store.changes_since(2)
    assert (change.kind, change.record_id, change.record, change.revision) == ("demands", "D00001", None, 3)
    assert store.watermark() == 3
    assert store.upsert_demands([demand(1)]) == UpsertCounts(1, 0, 0)
    assert store.demand("D00001") == demand(1)


def test_unknown_ids_name_the_nearest(store):
    with pytest.raises(NotFoundError, match="gongxu import"):
        store.achievement("A00001")
    store.upsert_achievements(achievement(i) for i in range(20))
    with pytest.raises(NotFoundError, match=r"no achievement with id 'A0001'; nearest ids: A00010, A00011, A00012"):
        store.achievement("A0001")
    with pytest.raises(NotFoundError, match="no achievement with id 'X'"):
        store.delete_achievement("X")
    assert store.watermark() == 20


def test_events_are_idempotent_by_id(store):
    sent = [event(i) for i in range(1_200)]
    assert store.append_events(sent) == EventCounts(1_200, 0, 0)
    assert store.append_events(sent) == EventCounts(0, 1_200, 0)
    other = event(5, kind=EventKind.DEAL, amount=30.0)
    assert store.append_events([other, event(9_999)]) == EventCounts(1, 0, 1)
    assert {e.event_id: e for e in store.events()}["E5"] == event(5)
    assert store.append_events([event(70_000), event(70_000), event(70_000, position=3)]) == EventCounts(1, 1, 1)
    assert store.counts().events == 1_202


def test_events_are_ordered_by_moment_undated_first(store):
    judged = OutcomeEvent(event_id="J", demand_id="D", achievement_id="A", kind="judgement", level=3)
    store.append_events(
        [event(3, moment=NOON + timedelta(seconds=1)), event(2), event(1, kind=EventKind.DEAL, amount=2.5), judged]
    )
    assert [e.event_id for e in store.events()] == ["J", "E1", "E2", "E3"]
    assert [e.event_id for e in store.events({EventKind.CLICK})] == ["E2", "E3"]
    assert list(store.events([])) == []
    assert next(iter(store.events([EventKind.DEAL]))) == event(1, kind=EventKind.DEAL, amount=2.5)


def test_moments_keep_microseconds_and_become_utc(store):
    moment = datetime.fromisoformat("2024-05-01T20:00:00.123456+08:00")
    store.append_events([event(1, moment=moment)])
    (found,) = store.events()
    assert found.occurred_at == moment
    assert found.occurred_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize("statement", ["UPDATE events SET kind = 'deal'", "DELETE FROM events"])
def test_the_database_refuses_to_change_events(store, url, statement):
    store.append_events([event(1)])
    engine = sa.create_engine(url)
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()
    assert list(store.events()) == [event(1)]


def test_a_failing_source_keeps_the_batches_before_it(store):
    def source():
        yield from (achievement(i) for i in range(1_500))
        raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError, match="interrupted"):
        store.upsert_achievements(source())
    assert store.counts().achievements == store.watermark() == 1_000


def test_reopening_finds_everything(store, url):
    store.upsert_achievements([FULL])
    store.close()
    with Store.open(url) as again:
        assert again.achievement(FULL.achievement_id) == FULL
        assert again.watermark() == 1


def test_a_reader_sees_one_state_and_holds_up_no_writer(store):
    store.upsert_achievements(achievement(i) for i in range(1_500))
    reader = store.achievements()
    first = next(reader)
    store.upsert_achievements(achievement(i, field="新") for i in range(1_600))
    rest = list(reader)
    assert {record.field for record in [first, *rest]} == {""}
    assert len(rest) == 1_499


def _write(url, letter):
    with Store.open(url) as opened:
        for start in range(0, 300, 50):
            numbers = range(start, start + 50)
            opened.upsert_achievements(Achievement(achievement_id=f"{letter}{i}", title="题") for i in numbers)
            opened.append_events(event(f"{letter}{i}") for i in numbers)
            opened.append_events(event(f"both{i}") for i in numbers)


def test_two_processes_create_and_write_one_store(request, url):
    if url.startswith("postgresql"):
        url = request.getfixturevalue("new_postgresql")(bare=True)
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write, args=(url, letter)) for letter in "XY"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
    assert [writer.exitcode for writer in writers] == [0, 0]
    with Store.open(url) as opened:
        assert opened.counts() == StoreCounts(600, 0, 900)
        assert opened.watermark() == 600
        assert [change.revision for change in opened.changes_since(0)] == list(range(1, 601))


def test_threads_share_a_store(store):
    errors = []

    def work(letter):
        try:
            for i in range(20):
                store.upsert_demands([Demand(demand_id=f"{letter}{i}", title="题")])
                assert store.demand(f"{letter}{i}").title == "题"
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(letter,)) for letter in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert store.counts().demands == store.watermark() == 80


def test_a_store_of_a_newer_gongxu_is_refused(store, url):
    store.close()
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StoreError, match=f"schema 9999, this gongxu knows up to {SCHEMA}; update gongxu"):
        Store.open(url)


def test_migrations_and_tables_agree(store, url):
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        sqlite = connection.dialect.name == "sqlite"
        # Some indexes are for SQLite alone, partitions for PostgreSQL.
        own = re.compile(r"_listed$|^events_\d\d")
        options = {"include_object": lambda _item, name, *_: sqlite or not own.search(str(name))}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
    engine.dispose()
