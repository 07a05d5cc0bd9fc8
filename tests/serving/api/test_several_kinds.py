"""One question over several kinds: what was just written is found, conditions hold, nothing pretends a probability."""

import pytest

from tests.serving.conftest import wait_for

SERVICES = {
    "S1": {"title": "污泥含水率检测", "service_class": "检验检测认证", "qualifications": ["CMA"], "lead_time_days": 5},
    "S2": {"title": "专利代理与无效宣告", "service_class": "知识产权", "lead_time_days": 30},
    "S3": {
        "title": "污泥重金属检测",
        "service_class": "检验检测认证",
        "lead_time_days": 20,
        "valid_until": "2020-01-01",
    },
    "S4": {"title": "污水处理工艺咨询", "service_class": "科技咨询", "lead_time_days": 15},
}
QUESTION = {"for": {"text": "需要检测污泥含水率，出具CMA报告"}, "kinds": {"service": 3, "equipment": 2}}


def ask(client, **changes):
    return client.post("/v1/recommendations", json=QUESTION | changes)


def ids(client, **changes):
    return [item["id"] for item in ask(client, **changes).json()["kinds"][0]["items"]]


@pytest.fixture
def stocked(client):
    for record_id, values in SERVICES.items():
        client.put(f"/v1/records/service/{record_id}", json=values)
    wait_for(lambda: len(ids(client)) == 3)
    return client


def test_the_fitting_record_is_first_with_its_reason_and_no_probability(stocked):
    services, equipment = ask(stocked).json()["kinds"]
    first = services["items"][0]
    assert first["id"] == "S1"
    assert first["probability"] is None
    assert "含水率" in first["reasons"][0]
    assert "不给概率" in services["message"]
    assert (equipment["items"], equipment["message"]) == ([], "没有符合条件的记录")


def test_validity_is_by_the_day_asked_for(stocked):
    assert "S3" not in ids(stocked)
    assert "S3" in ids(stocked, as_of="2019-12-31", kinds={"service": 4})


def test_conditions_hold_for_every_record(stocked):
    assert set(ids(stocked, conditions={"lead_time_days": 15})) == {"S1", "S4"}
    assert ids(stocked, conditions={"service_class": "知识产权"}) == ["S2"]
    assert ids(stocked, conditions={"qualifications": ["CMA", "CNAS"]}) == ["S1"]
    answer = ask(stocked, conditions={"capacity": 3})
    assert answer.status_code == 422
    assert "lead_time_days" in answer.json()["detail"]


def test_a_change_and_a_deletion_are_seen(stocked):
    stocked.put("/v1/records/service/S2", json={"title": "污泥含水率检测与报告", "service_class": "检验检测认证"})
    wait_for(lambda: "S2" in ids(stocked)[:2])
    stocked.delete("/v1/records/service/S1")
    wait_for(lambda: "S1" not in ids(stocked))


@pytest.mark.parametrize(
    "changes",
    [
        {"kinds": {"spaceship": 3}},
        {"kinds": {"broker": 3}},
        {"kinds": {"service": 0}},
        {"kinds": {}},
        {"for": {}},
        {"for": {"text": "！？"}},
    ],
)
def test_what_cannot_be_answered_is_refused(stocked, changes):
    assert ask(stocked, **changes).status_code == 422


def test_a_bundle_keeps_its_limits_and_says_which_one_binds(stocked):
    stocked.put(
        "/v1/records/service/S1", json=SERVICES["S1"] | {"price_min": 2, "provider": "甲", "lead_time_days": 40}
    )
    stocked.put("/v1/records/service/S4", json=SERVICES["S4"] | {"price_min": 3, "provider": "乙"})
    asked = {
        "demand": {"text": "需要检测污泥含水率，出具CMA报告"},
        "roles": {"testing": {}, "technology": {"top": 5}, "finance": {"needed": False}},
        "limits": {"days": 30},
    }

    def bundles(**changes):
        return stocked.post("/v1/bundles", json=asked | changes)

    wait_for(lambda: bundles(limits={}).json()["bundles"][0]["days"] == 40)
    answer = bundles().json()
    best = answer["bundles"][0]
    assert [part["role"] for part in best["parts"]] == ["testing", "technology"]
    assert {part["id"] for part in best["parts"]} & {"S2", "S4"}
    assert (best["binding"], best["relaxation"]["amount"]) == ("days", 10)
    assert best["relaxation"]["text"] == "工期多 10 天，检验检测就可由“污泥含水率检测”承担"
    assert answer["candidates"]["finance"] == 0
    none = bundles(roles={"testing": {"conditions": {"qualifications": ["CMA"]}}, "equipment": {}}).json()
    assert (none["bundles"], none["impossible_roles"]) == ([], ["equipment"])
    assert none["message"] == "无法组合：没有候选可承担“仪器设备”"
    late = bundles(roles={"testing": {"conditions": {"qualifications": ["CMA"]}}}).json()
    assert (late["impossible_roles"], late["relaxation"]["text"]) == (["testing"], "工期多 10 天，就有可行的组合")
    strict = bundles(limits={"strict": True}).json()
    assert all(not part["note"] for bundle in strict["bundles"] for part in bundle["parts"])
    assert bundles(roles={"other": {}}).status_code == 422
    assert bundles(roles={"team": {"kind": "broker"}}).status_code == 422
    assert bundles(roles={"technology": {"conditions": {"trl": 5}}}).status_code == 422
    assert bundles(limits={"regions": ["火星"]}).status_code == 422
