"""What the store's records of declared kinds must do, on SQLite and on a real PostgreSQL."""

from datetime import date

import pytest

from data.errors import NotFoundError
from data.kinds.outcome import KindOutcome, PairOutcome
from data.kinds.record import KindRecord, read_record
from data.kinds.registry import load_kinds
from data.records import Achievement
from data.store.store import Store
from data.store.upserts import UpsertCounts

KINDS = load_kinds()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path):
    url = (
        f"sqlite:///{tmp_path / 'store.db'}"
        if request.param == "sqlite"
        else request.getfixturevalue("new_postgresql")()
    )
    with Store.open(url) as opened:
        yield opened


def service(record_id: str, **values) -> KindRecord:
    given = {"id": record_id, "title": "污泥含水率检测", "service_class": "检验检测认证", "lead_time_days": 5}
    return read_record(KINDS["service"], given | values)


def test_records_come_back_as_they_were(store):
    written = [service("S2", qualifications=("CMA", "CNAS"), price_min=0.5), service("S1", valid_until="2027-01-31")]
    assert store.kinds.upsert(written) == UpsertCounts(inserted=2)
    assert list(store.kinds.all("service")) == [written[1], written[0]]
    assert store.kinds.get("service", "S2") == written[0]
    assert store.kinds.counts() == {"service": 2}


def test_an_equal_record_changes_nothing_and_a_changed_one_is_counted(store):
    store.kinds.upsert([service("S1")])
    mark = store.watermark()
    assert store.kinds.upsert([service("S1")]) == UpsertCounts(unchanged=1)
    assert store.watermark() == mark
    assert store.kinds.upsert([service("S1", lead_time_days=7), service("S2")]) == UpsertCounts(1, 1)


def test_ids_of_one_kind_say_nothing_of_another(store):
    equipment = read_record(KINDS["equipment"], {"id": "X", "title": "扫描电镜"})
    store.kinds.upsert([service("X"), equipment])
    store.kinds.delete("service", "X")
    assert store.kinds.get("equipment", "X") == equipment
    with pytest.raises(NotFoundError, match="no service with id 'X'"):
        store.kinds.get("service", "X")


def test_changes_are_told_in_order_beside_those_of_other_tables(store):
    store.kinds.upsert([service("S1"), service("S2")])
    store.upsert_achievements([Achievement(achievement_id="A1", title="低温干化")])
    mark = store.watermark()
    store.kinds.delete("service", "S1")
    store.kinds.upsert([service("S3")])
    changes = store.kinds.changes_since(mark)
    assert [(change.record_id, change.record is None) for change in changes] == [("S1", True), ("S3", False)]
    assert [change.record_id for change in store.changes_since(0)] == ["A1"]
    assert changes[-1].revision == store.watermark()


def test_a_deleted_record_can_be_written_again(store):
    store.kinds.upsert([service("S1")])
    store.kinds.delete("service", "S1")
    with pytest.raises(NotFoundError):
        store.kinds.delete("service", "S1")
    assert store.kinds.upsert([service("S1")]) == UpsertCounts(inserted=1)
    assert store.kinds.page("service") == [service("S1")]


def test_pages_follow_each_other_without_gap(store):
    store.kinds.upsert([service(f"S{n:02}") for n in range(25)])
    seen, after = [], ""
    while page := store.kinds.page("service", after, limit=10):
        seen += [record.id for record in page]
        after = page[-1].id
    assert seen == [f"S{n:02}" for n in range(25)]


def happened(event_id: str, demand_id: str, kind: str, day: int = 1) -> KindOutcome:
    moment = f"2026-01-{day:02d}T09:30:00+08:00"
    return KindOutcome(event_id=event_id, demand_id=demand_id, record_id="S1", kind=kind, occurred_at=moment)


def test_outcomes_are_kept_once_and_come_to_one_per_pair(store):
    sent = [
        happened("E1", "D1", "impression", 2),
        happened("E2", "D1", "contact", 3),
        happened("E3", "D2", "click"),
        happened("E4", "D3", "meeting"),
        happened("E5", "D3", "decline", 5),
        happened("E6", "D4", "decline"),
        happened("E7", "D4", "deal", 9),
    ]
    assert store.kind_outcomes.append("service", sent) == {"added": 7, "known": 0, "conflicting": 0}
    again = [sent[0], happened("E2", "D1", "deal", 3), happened("E8", "D9", "click")]
    assert store.kind_outcomes.append("service", again) == {"added": 1, "known": 1, "conflicting": 1}
    assert store.kind_outcomes.append("expert", [happened("E1", "D1", "impression", 2)])["conflicting"] == 1
    found = store.kind_outcomes.pairs("service")
    assert found[0] == PairOutcome(demand_id="D1", record_id="S1", day=date(2026, 1, 2), good=True)
    assert [(one.demand_id, one.good) for one in found[1:]] == [
        ("D2", False), ("D3", False), ("D4", True), ("D9", False)
    ]  # fmt: skip
    assert store.kind_outcomes.pairs("expert") == []
