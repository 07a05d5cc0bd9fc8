"""Imports keep what a file does not speak of, report and can be undone, on every database."""

from datetime import UTC, datetime

import pytest

from data.errors import InputError, NotFoundError
from data.records import Achievement, Demand
from data.store.imports.log import ImportedRecord
from data.store.store import Store

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
