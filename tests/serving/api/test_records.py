"""Records written, deleted and uploaded through the API: on disk when acknowledged, found within a second."""

import time
from urllib.parse import quote

import orjson
import pytest

from data.errors import NotFoundError
from data.records import Demand
from data.store.store import Store
from tests.serving.conftest import wait_for

NEW = {"achievement_id": "A/新 1", "title": "石墨烯海水淡化膜组件", "content": "石墨烯膜，脱盐率99.8%，海水淡化"}
PATH = f"/v1/achievements/{quote(NEW['achievement_id'], safe='')}"


def found(client, record_id):
    body = {"text": "石墨烯膜海水淡化，脱盐率高", "top_k": 20}
    items = client.post("/v1/recommendations/achievements", json=body).json()["items"]
    return record_id in [item["id"] for item in items]


def test_put_is_on_disk_found_within_a_second_and_idempotent(client, site):
    answer = client.put(PATH, json=NEW)
    started = time.monotonic()
    assert answer.json() == {"id": NEW["achievement_id"], "result": "inserted"}
    with Store.open(site.store_url) as store:
        assert store.achievement(NEW["achievement_id"]).content == NEW["content"]
    wait_for(lambda: found(client, NEW["achievement_id"]))
    assert time.monotonic() - started < 1.0
    assert client.put(PATH, json=NEW).json()["result"] == "unchanged"
    assert client.put(PATH, json=NEW | {"trl": 6}).json()["result"] == "updated"


def test_deleted_record_is_gone(client, site):
    client.put(PATH, json=NEW)
    wait_for(lambda: found(client, NEW["achievement_id"]))
    assert client.delete(PATH).json()["result"] == "deleted"
    wait_for(lambda: not found(client, NEW["achievement_id"]))
    with Store.open(site.store_url) as store:
        with pytest.raises(NotFoundError):
            store.achievement(NEW["achievement_id"])
        assert store.api_keys.trail()[0].action == "achievement.delete"
    assert client.delete(PATH).status_code == 404


def test_demand_put_can_be_asked_for_at_once(client):
    demand = {"demand_id": "D新", "title": "海水淡化膜", "content": "需要脱盐率高的石墨烯膜"}
    assert client.put("/v1/demands/D新", json=demand).status_code == 200
    assert client.post("/v1/recommendations/achievements", json={"demand_id": "D新"}).status_code == 200


def test_id_of_path_and_record_must_agree(client):
    answer = client.put("/v1/achievements/other", json=NEW)
    assert answer.status_code == 422
    assert "other" in answer.json()["detail"]


@pytest.mark.parametrize("record_id", ["", "%00", "x" * 129])
def test_impossible_ids(client, record_id):
    assert client.delete(f"/v1/achievements/{record_id}").status_code == 422


def test_upload_answers_for_every_line(client, site):
    lines = [
        orjson.dumps({"demand_id": "B1", "title": "第一"}),
        b"",
        b"{broken",
        orjson.dumps({"demand_id": "B2", "title": "", "budget_min": -1}),
        orjson.dumps({"demand_id": "B3", "title": "第三"}),
    ]
    answer = client.post(
        "/v1/demands:bulk", content=b"\n".join(lines), headers={"Content-Type": "application/x-ndjson"}
    )
    body = answer.json()
    assert (body["inserted"], body["rejected"]) == (2, 2)
    assert [(line["line"], line["id"], line["result"]) for line in body["lines"]] == [
        (1, "B1", "stored"),
        (3, None, "rejected"),
        (4, None, "rejected"),
        (5, "B3", "stored"),
    ]
    assert "budget_min" in body["lines"][2]["reason"]
    with Store.open(site.store_url) as store:
        assert store.demand("B3") == Demand(demand_id="B3", title="第三")


def test_upload_needs_its_media_type(client):
    answer = client.post("/v1/demands:bulk", content=b"{}", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415


def test_body_limits(client, site):
    headers = {"Content-Type": "application/json"}
    too_large = b" " * (site.serve_max_body + 1)
    declared = client.post("/v1/events", content=too_large, headers=headers)
    streamed = client.post("/v1/events", content=iter([too_large[:1000], too_large]), headers=headers)
    for answer in (declared, streamed):
        assert answer.status_code == 413
        assert answer.json()["type"] == "urn:gongxu:problem:body-too-large"
