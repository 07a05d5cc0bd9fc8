"""Evaluations are shown from five on; a suspended provider's records leave all answers at once and come back."""

from datetime import UTC, datetime, timedelta

import pytest

from data.quality.ladder import Step
from data.store.store import Store
from tests.serving.conftest import copy_of, running, wait_for
from tests.some import some

NEED = "污泥低温干化，含水率降到40%以下"
PROVIDER = "沉睡研究院"


@pytest.fixture(scope="module")
def server(platform, tmp_path_factory):
    site = copy_of(platform, tmp_path_factory.mktemp("quality") / "home")
    with running(site) as client:
        client.store_url = site.store_url
        yield client


def evaluation(number, evaluator, score=4, provider="华光检测有限公司", **more):
    at = (datetime.now(UTC) - timedelta(days=10 * number + 1)).isoformat()
    scores = dict.fromkeys(("result", "response", "skill", "conduct"), score)
    return {"token": f"t{number}-{evaluator}", "provider": provider, "evaluator": evaluator, "at": at} | scores | more


def test_evaluations_count_once_and_are_shown_from_five_on(server):
    given = [evaluation(number, f"企业{number}") for number in range(4)]
    assert server.post("/v1/evaluations", json=given).json() == {"added": 4, "known": 0}
    assert server.post("/v1/evaluations", json=given[:1]).json() == {"added": 0, "known": 1}
    before = server.get("/v1/providers/华光检测有限公司").json()
    assert (before["state"], before["counted"], before["ratings"]) == ("正常", 4, [])
    server.post("/v1/evaluations", json=[evaluation(4, "企业4"), evaluation(5, "华光检测", score=5)])
    after = server.get("/v1/providers/华光检测有限公司").json()
    assert (after["counted"], after["left_out"]) == (5, {"self": 1})
    assert [one["label"] for one in after["ratings"]] == ["成效", "响应", "专业", "诚信"]
    assert all(one["low"] < one["mean"] == 4.0 < one["high"] for one in some(after["ratings"]))
    late = evaluation(9, "企业9", at=(datetime.now(UTC) + timedelta(days=1)).isoformat())
    refused = [evaluation(9, "企业9", result=6), late]
    assert [server.post("/v1/evaluations", json=[one]).status_code for one in some(refused)] == [422, 422]


def answers(client):
    """Return the ids that answers of several routes hold."""
    asked = {"text": NEED, "top_k": 200, "diversity": "none"}
    list_of_one = client.post("/v1/recommendations/achievements", json=asked).json()["items"]
    kinds = {"for": {"text": NEED}, "kinds": {"service": 50, "achievement": 50}}
    several = client.post("/v1/recommendations", json=kinds).json()["kinds"]
    similar = client.get("/v1/achievements/A-like/similar?top_k=50").json()["items"]
    answer = {"question_id": "limit:budget", "answer": "100万元"}
    asked = client.post("/v1/demands/D-own/clarifications", json=answer).json()["items"]
    return [{one["id"] for one in items} for items in (list_of_one, *(one["items"] for one in several), similar, asked)]


def test_a_suspended_provider_s_records_leave_answers_at_once_and_come_back(server):
    own = {"title": "污泥低温干化", "content": NEED, "holder": PROVIDER, "updated_at": "2020-01-01"}
    server.put("/v1/demands/D-own", json={"demand_id": "D-own", "title": "污泥低温干化", "content": NEED})
    server.put("/v1/achievements/A-own", json=own | {"achievement_id": "A-own"})
    server.put("/v1/achievements/A-like", json=own | {"achievement_id": "A-like", "holder": "另一研究院"})
    service = {"title": "污泥低温干化检测", "provider": PROVIDER, "service_class": "检验检测认证"}
    server.put("/v1/records/service/S-own", json=service | {"published_at": "2020-01-01", "valid_until": "2099-01-01"})
    wait_for(lambda: all({"A-own", "S-own"} & found for found in answers(server)))
    now = datetime.now(UTC)
    with Store.open(server.store_url) as store:
        for state, days in (("提醒", 62), ("观察", 31)):
            step = Step("provider", "", PROVIDER, state, "P1", now - timedelta(days=days), "platform", "请确认")
            store.quality.append([step])
    looked = server.post("/v1/providers:review", json={"dry_run": True}).json()["steps"]
    assert all({"A-own", "S-own"} & found for found in answers(server))
    taken = server.post("/v1/providers:review", json={}).json()["steps"]
    assert len(taken) == len(looked)
    (mine,) = [one for one in taken if one["name"] == PROVIDER]
    assert (mine["state"], mine["rule"], mine["rule_text"][:4]) == ("暂停", "P1", "连续 1")
    assert not any({"A-own", "S-own"} & found for found in answers(server))
    assert server.get("/v1/achievements/A-own").status_code == 200
    assert server.get("/v1/providers?state=暂停").json()["steps"][0]["name"] == PROVIDER
    act = {"name": PROVIDER, "reason": "设备检修"}
    assert server.post("/v1/providers:act", json=act | {"action": "confirm"}).json()["state"] == "暂停"
    assert server.post("/v1/providers:act", json=act | {"action": "appeal"}).json()["action"] == "appeal"
    assert server.post("/v1/providers:act", json=act | {"action": "appeal"}).status_code == 422
    assert server.post("/v1/providers:act", json=act | {"action": "uphold"}).json()["state"] == "正常"
    assert all({"A-own", "S-own"} & found for found in answers(server))
    history = server.get(f"/v1/providers/{PROVIDER}").json()["history"]
    assert [one["state"] for one in history][-3:] == ["暂停", "暂停", "正常"]
