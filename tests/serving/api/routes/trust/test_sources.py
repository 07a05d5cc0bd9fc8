"""Five sources in any order with any replay come to one state."""

import random
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from data.federation.merge import SourceRecord
from data.kinds.registry import load_kinds
from data.settings import Settings
from data.store.store import Store
from data.store.trust.sources import Rejected, Source
from serving.api.routes.trust.sources import SentRecord, _published, read_batch
from tests.serving.conftest import quick, running
from tests.some import some

KINDS = load_kinds(Path("none"))
NOW = datetime(2026, 5, 1, tzinfo=UTC)
SOURCES = [
    Source("anhui", "安徽", priority=20),
    Source("henan", "河南", priority=10, cap=6),
    Source("hubei", "湖北", priority=20, visibility="摘要公开"),
    Source("jiangxi", "江西", priority=30),
    Source("shanxi", "山西", priority=40, cap=3),
]


def feeds(seed):
    """Return what five sources sent over time: overlaps by title and holder, edits that rename, deletes, faults."""
    chance = random.Random(seed)
    sent = []
    for source in SOURCES:
        for place in range(10):
            version = 0
            for _ in range(chance.randint(1, 4)):
                version += chance.randint(1, 3)
                deleted = chance.random() < 0.2
                number = place if chance.random() < 0.7 else chance.randint(0, 9)
                kind = "achievement" if place % 2 else "service"
                record = {
                    "title": f"污泥干化技术{number}号",
                    "content": f"{source.name}{version}" * chance.randint(0, 1),
                }
                record |= {"holder": "某大学"} if kind == "achievement" else {"provider": "某大学"}
                if chance.random() < 0.15:
                    record |= {"visibility": "授权"}
                if chance.random() < 0.1:
                    record = {"titel": "错"}
                one = SentRecord(key=f"k{place}", kind=kind, version=version, deleted=deleted, record=record)
                sent.append((source.id, one))
    return sent


def state(store):
    digest = store.digest()
    services = [record.model_dump_json() for record in store.kinds.all("service")]
    origins = {
        record.achievement_id: store.sources.origins("achievement", record.achievement_id)
        for record in store.achievements()
    }
    rejects = {source.id: store.sources.rejects(source.id) for source in SOURCES}
    return digest, services, origins, rejects, store.sources.counts()


def pooled(path, sent, chance):
    with Store.open(f"sqlite:///{path}") as store:
        for source in SOURCES:
            store.sources.put(source)
        waiting = list(sent)
        while waiting:
            size = chance.randint(1, 25)
            batch, waiting = waiting[:size], waiting[size:]
            for source in {source for source, _ in batch}:
                found, rejected = read_batch(source, [one for name, one in batch if name == source], KINDS)
                store.sources.take(source, 0, found, rejected, NOW, None)
            if chance.random() < 0.7:
                store.sources.publish(partial(_published, kinds=KINDS))
        store.sources.publish(partial(_published, kinds=KINDS))
        return state(store)


@pytest.mark.parametrize("seed", [1])
def test_any_order_and_any_replay_give_one_state(tmp_path, seed):
    sent = feeds(seed)
    chance = random.Random(seed)
    first = pooled(tmp_path / "0.db", sent, chance)
    assert len(first[1]) > 3
    assert any(len(origins) > 1 for origins in some(first[2].values()))
    assert any(first[3].values())
    for number in (1, 2):
        replayed = sent + chance.choices(sent, k=40)
        chance.shuffle(replayed)
        assert pooled(tmp_path / f"{number}.db", replayed, chance) == first


def record(source, key, version=1, **document):
    return SourceRecord(
        source, key, "service", version, {"title": "污泥含水率检测", "provider": "某检测中心"} | document
    )


@pytest.fixture
def store(tmp_path):
    with Store.open(f"sqlite:///{tmp_path}/store.db") as opened:
        for source in SOURCES:
            opened.sources.put(source)
        yield opened


def take(store, *sent, rejected=()):
    for one in sent:
        store.sources.take(one.source, 1, [one], rejected, NOW, NOW)
    store.sources.publish(partial(_published, kinds=KINDS))
    return list(store.kinds.all("service"))


def test_duplicates_are_one_record_of_the_first_source_filled_from_the_others_with_all_origins(store):
    (one,) = take(store, record("anhui", "a1", content="乙"), record("henan", "h1", region="410100"))
    assert (one.source, one.content, one.region) == ("henan", "乙", "410100")
    assert one.extra["来源"] == "anhui:a1；henan:h1"
    assert [origin.source for origin in store.sources.origins("service", one.id)] == ["anhui", "henan"]
    (left,) = take(store, replace(record("henan", "h1", 2), document=None))
    assert (left.id, left.source, left.extra["来源"]) == (one.id, "anhui", "anhui:a1")
    assert take(store, replace(record("anhui", "a1", 2), document=None)) == []


def test_each_source_s_visibility_holds_and_nothing_stricter_fills_an_open_record(store):
    (one,) = take(store, record("hubei", "b1", content="内情"))
    assert one.visibility == "摘要公开"
    (one,) = take(store, record("anhui", "a1"))
    assert (one.visibility, one.content) == ("公开", "")


def test_a_cap_keeps_the_first_keys_whatever_came_first(store):
    titles = [record("shanxi", f"k{place}", title=f"污泥检测服务{place}") for place in (4, 3, 2, 1)]
    assert {one.extra["来源"] for one in take(store, *titles)} == {"shanxi:k1", "shanxi:k2", "shanxi:k3"}
    counts = store.sources.counts()["shanxi"]
    assert (counts.live, counts.published) == (4, 3)
    store.sources.put(replace(SOURCES[4], cap=None))
    store.sources.publish(partial(_published, kinds=KINDS))
    assert len(list(store.kinds.all("service"))) == 4


def test_a_reject_is_open_until_a_newer_version_can_be_read(store):
    take(store, record("anhui", "a1"), rejected=[Rejected("a1", 2, "没有名称")])
    assert [one.version for one in store.sources.rejects("anhui")] == [2]
    assert take(store, record("anhui", "a1", 3, content="新"))[0].content == "新"
    assert store.sources.rejects("anhui") == []


def test_a_source_is_registered_sends_and_is_looked_after_by_routes(tmp_path):
    with running(quick(Settings(home=tmp_path / "home"))) as client:
        batch = {"cursor": 7, "records": []}
        assert client.post("/v1/sources/henan/batches", json=batch).status_code == 404
        client.put("/v1/sources/henan", json={"name": "河南", "region": "410000", "priority": 10})
        achievement = {"title": "污泥低温干化技术", "holder": "某大学", "region": "410100"}
        sent = {"kind": "achievement", "version": 1, "changed_at": "2026-05-01T09:00:00+08:00"}
        good, bad = sent | {"key": "k1", "record": achievement}, sent | {"key": "k2", "record": {"titel": "错"}}
        taken = client.post("/v1/sources/henan/batches", json=batch | {"records": [good, bad]}).json()
        assert (taken["cursor"], taken["changed"], [one["key"] for one in taken["rejected"]]) == (7, 1, ["k2"])
        again = client.post("/v1/sources/henan/batches", json={"cursor": 3, "records": [good, bad]}).json()
        assert (again["cursor"], again["changed"]) == (7, 0)
        (source,) = client.get("/v1/sources").json()["sources"]
        assert (source["cursor"], source["live"], source["published"], source["rejected"]) == (7, 1, 1, 1)
        assert source["lag_seconds"] > 0
        assert [one["key"] for one in client.get("/v1/sources/henan/rejects").json()["rejected"]] == ["k2"]
        (record,) = client.get("/v1/achievements").json()["items"]
        origins = client.get(f"/v1/origins/achievement/{record['achievement_id']}").json()["origins"]
        assert origins == [{"source": "henan", "key": "k1", "version": 1, "deleted": False}]
        client.put("/v1/demands/D1", json={"demand_id": "D1", "title": "污泥干化", "region": "340100"})
        event = {
            "demand_id": "D1",
            "achievement_id": record["achievement_id"],
            "occurred_at": "2026-05-02T09:00:00+08:00",
        }
        for number, kind in enumerate(some(("contact", "contact", "deal", "click"))):
            assert client.post("/v1/events", json=event | {"event_id": f"e{number}", "kind": kind}).status_code == 200
        flows = client.get("/v1/flows").json()["flows"]
        assert [(one["supply_name"], one["demand_name"], one["kind"], one["pairs"]) for one in flows] == [
            ("河南省", "安徽省", "contact", 1),
            ("河南省", "安徽省", "deal", 1),
        ]
        assert client.get("/v1/flows?home=true").json()["home"] == []  # nothing was shown
        near = {"achievement_id": "A1", "title": "带式干化", "region": "340200"}
        client.put("/v1/achievements/A1", json=near)
        shown = [event, event | {"achievement_id": "A1"}]
        events = [one | {"event_id": f"s{number}", "kind": "impression"} for number, one in enumerate(shown)]
        assert client.post("/v1/events", json=events).status_code == 200
        both, own = client.get("/v1/flows?home=true").json()["home"][::2]
        assert (both["demand"], own["demand_name"], own["kind"]) == ("", "安徽省", "contact")
        assert (own["demands"], own["pairs"], own["home_pairs"], own["expected"]) == (1, 1, 0, 0.5)
        assert own["preference"] == round(10 / 10.5, 3)
        gone = sent | {"key": "k1", "version": 2, "deleted": True, "record": None}
        client.post("/v1/sources/henan/batches", json={"cursor": 8, "records": [gone]})
        assert [one["achievement_id"] for one in client.get("/v1/achievements").json()["items"]] == ["A1"]
