"""The server keeps its promises about writes on SQLite and on a real PostgreSQL."""

import pytest

from data.records import EventKind
from data.store.store import Store
from serving.access.credentials import add_key
from serving.access.roles import Role
from tests.serving.conftest import quick, running, wait_for

URL = "/v1/recommendations/achievements"
NEW = {"achievement_id": "A新", "title": "石墨烯海水淡化膜组件", "content": "石墨烯膜，脱盐率99.8%，海水淡化"}
CLICK = {
    "event_id": "click-1",
    "demand_id": "D1",
    "achievement_id": "A1",
    "kind": "click",
    "occurred_at": "2026-01-01T09:30:00+08:00",
}


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request, platform, tmp_path):
    """Return settings with the platform's bundle and a store of the test's own, filled with the same records."""
    url = f"sqlite:///{tmp_path / 's.db'}" if request.param == "sqlite" else request.getfixturevalue("new_postgresql")()
    with Store.open(platform.settings.store_url) as source, Store.open(url) as store:
        store.upsert_achievements(source.achievements())
        store.upsert_demands(source.demands())
    return quick(platform.settings, database_url=url)


def found(client, record_id, headers):
    body = {"text": "石墨烯膜海水淡化，脱盐率高", "top_k": 20}
    return record_id in [item["id"] for item in client.post(URL, json=body, headers=headers).json()["items"]]


def test_writes_are_stored_found_and_replayed(settings):
    with Store.open(settings.store_url) as store:
        key = add_key(store, "backend", Role.BACKEND)
    headers = {"Authorization": f"Bearer {key}"}
    with running(settings) as client:
        assert client.post(URL, json={"text": "污泥"}).status_code == 401
        assert client.put("/v1/achievements/A新", json=NEW, headers=headers).json()["result"] == "inserted"
        wait_for(lambda: found(client, "A新", headers))
        assert client.post("/v1/events", json=CLICK, headers=headers).json()["added"] == 1
        assert client.post("/v1/events", json=CLICK, headers=headers).json()["known"] == 1
        answer = client.post(URL, json={"demand_id": "D000001", "top_k": 2}, headers=headers).json()
    with running(settings) as client:
        assert found(client, "A新", headers)
        assert client.delete("/v1/achievements/A新", headers=headers).status_code == 200
        wait_for(lambda: not found(client, "A新", headers))
    with Store.open(settings.store_url) as store:
        kinds = [event.kind for event in store.events()]
        assert kinds.count(EventKind.CLICK) == 1
        shown = [event for event in store.events([EventKind.IMPRESSION]) if event.request_id == answer["request_id"]]
        assert len(shown) == 2


def test_control_characters_never_reach_the_database(settings):
    with running(settings) as client:
        for path in ("/v1/demands/%00/similar", "/v1/matches/a%01/b", "/v1/graph/paths?demand_id=%00&achievement_id=a"):
            assert client.get(path).status_code == 422, path
        record = NEW | {"content": "含\0空字符", "holder": "某\0大学"}
        assert client.put("/v1/achievements/A新", json=record).status_code == 200
        wait_for(lambda: found(client, "A新", {}))
