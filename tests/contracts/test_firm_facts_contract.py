"""What the store's stated facts of firms must do, on SQLite and on a real PostgreSQL."""

from datetime import UTC, datetime

import pytest

from data.errors import NotFoundError
from data.firms.facts import Figure, FirmFacts
from data.kinds.record import KindRecord
from data.store.store import Store

NOW = datetime(2024, 6, 1, 8, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path):
    url = (
        f"sqlite:///{tmp_path / 'store.db'}"
        if request.param == "sqlite"
        else request.getfixturevalue("new_postgresql")()
    )
    with Store.open(url) as opened:
        yield opened


def staff(number):
    return FirmFacts(staff=Figure(value=number, source="社保"))


def test_the_last_statement_counts_and_the_earlier_ones_stay(store):
    assert store.firms.put("F1", staff(20), "张三", NOW) == "inserted"
    assert store.firms.put("F1", staff(20), "李四", NOW) == "unchanged"
    assert store.firms.put("F1", staff(21), "李四", NOW) == "updated"
    found = store.firms.get("F1")
    assert (found.facts.staff.value, found.title) == (21, "F1")
    assert (found.stated.written_by, found.stated.written_at) == ("李四", NOW)
    assert [one.facts.staff.value for one in store.firms.history("F1")] == [21, 20]


def test_one_fact_is_stated_beside_the_others(store):
    store.firms.put("F1", staff(20), "张三", NOW)
    store.firms.change("F1", lambda facts: facts.model_copy(update={"region": "330110"}), "李四", NOW)
    facts = store.firms.get("F1").facts
    assert (facts.staff.value, facts.region) == (20, "330110")


def test_a_record_and_statements_make_one_firm(store):
    store.kinds.upsert([KindRecord(kind="firm", id=f"F{n}", title=f"企业{n}", attributes={"staff": n}) for n in (1, 3)])
    store.firms.put("F2", staff(2), "张三", NOW)
    store.firms.put("F3", staff(30), "张三", NOW)
    firms = store.firms.page()
    assert [(one.firm_id, one.title, one.facts.staff.value) for one in firms] == [
        ("F1", "企业1", 1),
        ("F2", "F2", 2),
        ("F3", "企业3", 30),
    ]
    assert [one.firm_id for one in store.firms.page("F1", 1)] == ["F2"]


def test_what_is_withdrawn_is_stated_no_more(store):
    store.firms.put("F1", staff(20), "张三", NOW)
    store.firms.withdraw("F1", "张三", NOW)
    with pytest.raises(NotFoundError, match="no firm with id 'F1'"):
        store.firms.get("F1")
    with pytest.raises(NotFoundError, match="no facts were stated"):
        store.firms.withdraw("F1", "张三", NOW)
    assert store.firms.page() == []
    assert store.firms.put("F1", staff(5), "张三", NOW) == "inserted"
