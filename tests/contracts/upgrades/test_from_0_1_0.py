"""Stores that 0.1.0 wrote, as its own code left them, open with everything in them and take records of kinds.

The two dumps were made by running release 0.1.0 (before migration 0007) on each database.
"""

import sqlite3
from datetime import date
from pathlib import Path

import psycopg
import pytest

from data.errors import NotFoundError
from data.kinds.record import read_record
from data.kinds.registry import load_kinds
from data.records import EventKind
from data.store.store import Store

HERE = Path(__file__).parent


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    dump = (HERE / f"{request.param}_0_1_0.sql").read_text(encoding="utf-8")
    if request.param == "sqlite":
        connection = sqlite3.connect(tmp_path / "store.db")
        connection.executescript(dump)
        connection.close()
        return f"sqlite:///{tmp_path / 'store.db'}"
    found = request.getfixturevalue("new_postgresql")(bare=True)
    with psycopg.connect(found, autocommit=True) as connection:
        connection.execute(dump)
    return found


def test_a_store_of_0_1_0_opens_with_all_that_it_held(url):
    with Store.open(url) as store:
        assert [one.achievement_id for one in store.achievements()] == ["A1", "A2"]
        assert store.achievement("A1").title == "低温污泥干化设备"
        assert (store.achievement("A1").price_max, store.achievement("A1").industries) == (
            80,
            ("35",),
        )  # in its one spelling
        assert store.demand("D2").budget_max == 60  # clarified
        with pytest.raises(NotFoundError):
            store.achievement("A3")
        assert sorted((one.event_id, one.kind) for one in store.events()) == [
            ("E1", EventKind.IMPRESSION), ("E2", EventKind.DEAL), ("E3", EventKind.JUDGEMENT)
        ]  # fmt: skip
        assert store.watermark() == 7
        assert {change.record_id for change in store.changes_since(0)} == {"A1", "A2", "A3", "D1", "D2"}
        assert store.operators.find("张三").role == "manager"
        assert store.api_keys.all()[0].name == "后台"
        assert store.reviews.all("D1", "A2")[0].level == 3
        assert store.kinds.counts() == {}


def test_it_takes_records_of_kinds_and_opens_again(url):
    record = read_record(load_kinds()["service"], {"id": "A1", "title": "污泥检测", "valid_until": "2027-01-31"})
    with Store.open(url) as store:
        store.kinds.upsert([record])
        assert [change.revision for change in store.kinds.changes_since(7)] == [8]
    with Store.open(url) as store:
        assert store.kinds.get("service", "A1") == record
        assert record.valid_until == date(2027, 1, 31)
        assert store.achievement("A1").holder == "某大学"
        store.kinds.delete("service", "A1")
        assert store.counts().achievements == 2
