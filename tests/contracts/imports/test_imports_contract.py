"""Imports keep what a file does not speak of, report and can be undone, on every database."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from data.errors import InputError, NotFoundError
from data.kinds.record import read_record
from data.kinds.registry import load_kinds
from data.records import Achievement, Demand, OutcomeEvent
from data.store.aggregates import recount
from data.store.dashboard_tables import achievement_progress, daily_counts, demand_progress
from data.store.database import begin_write
from data.store.imports.log import ImportedKindRecord, ImportedRecord
from data.store.store import Store
from data.store.tables import events

NOW = datetime(2026, 5, 1, 9, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path):
    url = f"sqlite:///{tmp_path / 'store.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("new_postgresql")()
    with Store.open(url) as opened:
        yield opened


def row(given=None, given_extra=(), **values):
    record = Achievement(**({"title": "题"} | values))
    return ImportedRecord(record, None if given is None else frozenset(given), frozenset(given_extra))


def test_fields_that_a_file_lacks_stay_and_those_that_changed_are_counted(store):
    number = store.imports.start("张三", NOW)
    known = {"achievement_id": "A1", "content": "含水率", "holder": "某校", "extra": {"电话": "1", "备注": "x"}}
    store.imports.write(number, "achievements", [row(**known)])
    changed = row(["achievement_id", "title", "status"], ["备注"], achievement_id="A1", status="下架")
    written = store.imports.write(number, "achievements", [changed, row(achievement_id="A2")])
    assert (written.inserted, written.updated, written.unchanged) == (1, 1, 0)
    assert dict(written.fields) == {"status": 1, "extra": 1}
    record = store.achievement("A1")
    assert (record.status, record.content, record.holder, record.extra) == ("下架", "含水率", "某校", {"电话": "1"})
    again = store.imports.write(number, "achievements", [changed])
    assert (again.inserted, again.updated, again.unchanged) == (0, 0, 1)
    store.imports.write(number, "achievements", [changed], replace=True)
    assert store.achievement("A1").content == ""


def test_one_end_of_a_range_may_pass_the_other(store):
    store.imports.write(None, "achievements", [row(achievement_id="A1", price_min=10, price_max=20)])
    given = ["achievement_id", "title", "price_min"]
    store.imports.write(None, "achievements", [row(given, achievement_id="A1", price_min=50)])
    record = store.achievement("A1")
    assert (record.price_min, record.price_max) == (50, None)


def test_a_merged_record_stays_withdrawn(store):
    known = Achievement(achievement_id="A1", title="题", status="撤回", extra={"merged_into": "A2"})
    store.upsert_achievements([known])
    store.imports.write(None, "achievements", [row(["achievement_id", "title", "status"], achievement_id="A1")])
    record = store.achievement("A1")
    assert record.status == "撤回"
    assert record.extra == {"merged_into": "A2", "status_before_merge": "发布"}


def test_an_import_is_undone_but_for_what_changed_since(store):
    store.upsert_achievements(
        [Achievement(achievement_id="A1", title="旧"), Achievement(achievement_id="A2", title="旧")]
    )
    number = store.imports.start("张三", NOW)
    rows = [row(achievement_id=f"A{i}", title="新") for i in range(1, 5)]
    store.imports.write(number, "achievements", rows[:2])
    store.imports.write(number, "achievements", rows[2:])
    store.imports.write(number, "achievements", [row(achievement_id="A1", title="更新")])
    store.imports.write(number, "demands", [ImportedRecord(Demand(demand_id="D1", title="题"))])
    store.imports.finish(number, [{"path": "成果.csv", "inserted": 2}], NOW)
    store.upsert_achievements([Achievement(achievement_id="A4", title="人工修改")])
    undone = store.imports.undo(number, NOW)
    assert (undone.restored, undone.removed, undone.kept) == (2, 2, 1)
    assert {record.achievement_id: record.title for record in store.achievements()} == {
        "A1": "旧",
        "A2": "旧",
        "A4": "人工修改",
    }
    assert store.counts().demands == 0
    changes = [(change.record_id, change.record is None) for change in store.changes_since(0)]
    assert {("A3", True), ("D1", True)} <= set(changes)
    revisions = [change.revision for change in store.changes_since(0)]
    assert revisions == sorted(set(revisions))
    (entry,) = store.imports.latest()
    assert (entry.actor, entry.undone_at, entry.report) == ("张三", NOW, [{"path": "成果.csv", "inserted": 2}])
    with pytest.raises(InputError, match="was undone"):
        store.imports.undo(number, NOW)
    with pytest.raises(NotFoundError):
        store.imports.undo(99, NOW)


def test_ids_that_name_no_record_are_told(store):
    store.upsert_demands([Demand(demand_id="D1", title="题")])
    assert store.imports.unknown_ids(["D1", "D2"], ["A1"]) == ({"D2"}, {"A1"})


def event(number, kind="click", **values):
    names = {"demand_id": f"D{number % 3}", "achievement_id": f"A{number % 5}", "occurred_at": NOW}
    return OutcomeEvent(event_id=f"E{number}", kind=kind, **(names | values))


def counted(store):
    """Return what the dashboard's tables count, without the rows that count nothing."""
    with store._engine.connect() as connection:
        days = sa.select(daily_counts).where(daily_counts.c.number != 0)
        return [
            {tuple(row) for row in connection.execute(query)}
            for query in (days, sa.select(demand_progress), sa.select(achievement_progress))
        ]


def test_an_imports_events_go_with_it_and_leave_no_trace_in_the_counts(store):
    store.upsert_demands([Demand(demand_id="D1", title="题", field="节能", industries=["C35"])])
    store.append_events([event(i, "contact") for i in range(6)])
    before = counted(store)
    number = store.imports.start("张三", NOW)
    later = datetime(2026, 5, 3, tzinfo=UTC)
    new = [event(i, "deal" if i % 2 else "impression", occurred_at=later) for i in range(6, 1_500)]
    told = store.imports.append(number, [event(1, "contact"), *new, event(2, "deal")])
    assert (told.added, told.known, told.conflicting) == (len(new), 1, 1)
    assert counted(store) != before
    undone = store.imports.undo(number, NOW)
    assert (undone.events, undone.removed, undone.kept) == (len(new), 0, 0)
    assert {one.event_id for one in store.events()} == {f"E{i}" for i in range(6)}
    assert counted(store) == before
    with begin_write(store._engine) as connection:
        recount(connection)
    assert counted(store) == before
    assert store.imports.append(number + 1, new[:3]).added == 3, "they may come again"


def test_no_event_goes_but_with_its_import(store):
    number = store.imports.start("张三", NOW)
    store.imports.append(number, [event(1)])
    store.append_events([event(2)])
    for change in (
        sa.delete(events),
        sa.delete(events).where(events.c.event_id == "E2"),
        sa.update(events).values(kind="deal"),
    ):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), begin_write(store._engine) as connection:
            connection.execute(change)
    assert store.counts().events == 2


def test_records_of_a_kind_keep_what_a_file_lacks_and_are_undone(store):
    service = load_kinds()["service"]

    def one(**values):
        given = frozenset(values)
        return ImportedKindRecord(read_record(service, {"title": "检测", **values}), given | {"title"})

    first = store.imports.start("张三", NOW)
    known = one(id="S1", provider="中心", qualifications=("CMA",), lead_time_days=5)
    written = store.imports.write_kind(first, "service", [known, one(id="S2")])
    assert (written.inserted, written.updated, written.unchanged) == (2, 0, 0)
    second = store.imports.start("李四", NOW)
    written = store.imports.write_kind(second, "service", [one(id="S1", lead_time_days=9), one(id="S3"), one(id="S2")])
    assert (written.inserted, written.updated, written.unchanged) == (1, 1, 1)
    assert dict(written.fields) == {"lead_time_days": 1}
    record = store.kinds.get("service", "S1")
    assert (record.provider, record.attributes) == ("中心", {"qualifications": ("CMA",), "lead_time_days": 9})
    store.imports.write_kind(None, "service", [one(id="S3", provider="人工修改")])
    undone = store.imports.undo(second, NOW)
    assert (undone.restored, undone.removed, undone.kept) == (1, 0, 1)
    assert store.kinds.get("service", "S1").attributes["lead_time_days"] == 5
    undone = store.imports.undo(first, NOW)
    assert (undone.restored, undone.removed) == (0, 2)
    assert [record.id for record in store.kinds.all("service")] == ["S3"]
