"""Firms: facts with source and date written, read, completed by an imported record, and what eligibility makes of them."""

from datetime import UTC, datetime

import pytest

from data.store.store import Store
from matcher.eligibility.kept import document_of
from matcher.eligibility.policy import StatedPolicy
from tests.serving.conftest import running, wait_for

FACTS = {"name": "某公司", "staff": {"value": 34, "source": "社保", "as_of": "2024-05-31"}, "region": "330110"}
STAFF = {"field": "staff", "op": ">=", "value": 20, "unit": "人"}


@pytest.fixture(scope="module")
def client(platform, tmp_path_factory):
    from tests.serving.conftest import copy_of

    site = copy_of(platform, tmp_path_factory.mktemp("firms") / "home")
    criterion = {"number": 1, "kind": "hard", "test": STAFF, "quote": "职工20人以上"}
    policy = StatedPolicy.model_validate({"policy_id": "P1", "name": "奖补", "criteria": [criterion]})
    with Store.open(site.store_url) as store:
        store.policy_criteria.append([document_of(policy, "张三", datetime(2024, 6, 1, tzinfo=UTC))])
    with running(site) as client:
        yield client


def test_facts_come_back_with_source_and_date_and_what_is_unknown(client):
    assert client.put("/v1/firms/F/1", json=FACTS).json() == {"id": "F/1", "result": "inserted"}
    assert client.put("/v1/firms/F/1", json=FACTS).json()["result"] == "unchanged"
    firm = client.get("/v1/firms/F/1").json()
    assert firm["facts"]["staff"]["source"] == "社保"
    assert (firm["title"], firm["stated_by"]) == ("某公司", "local")
    unknown = {fact["field"] for fact in firm["unknown"]}
    assert "sales" in unknown
    assert "staff" not in unknown


def test_an_imported_record_completes_what_was_stated(client):
    client.put("/v1/records/firm/F2", json={"title": "另一公司", "staff": 10, "total_assets": 900})
    client.put("/v1/firms/F2", json={"staff": {"value": 25}})
    facts = client.get("/v1/firms/F2").json()["facts"]
    assert (facts["staff"]["value"], facts["total_assets"]["value"], facts["name"]) == (25, 900, "另一公司")
    assert [firm["id"] for firm in client.get("/v1/firms", params={"cursor": "F2", "limit": 1}).json()["firms"]] != [
        "F2"
    ]


def test_eligibility_takes_a_stored_firm(client):
    client.put("/v1/firms/F3", json={"staff": {"value": 25, "source": "社保"}})
    asked = {"as_of": "2024-06-30", "firm": "F3"}
    answer = client.post("/v1/eligibility", json=asked).json()
    assert (answer["firm"], answer["results"][0]["verdict"]) == ("F3", "eligible")
    assert answer["results"][0]["criteria"][0]["facts"] == ["职工25人（社保）"]
    assert client.post("/v1/eligibility", json=asked | {"firm": "F9"}).status_code == 404
    for wrong in ({"as_of": "2024-06-30"}, asked | {"facts": {}}):
        assert client.post("/v1/eligibility", json=wrong).status_code == 422


def test_a_deleted_firm_is_gone_with_its_record(client):
    client.put("/v1/records/firm/F4", json={"title": "公司"})
    client.put("/v1/firms/F4", json=FACTS)
    assert client.delete("/v1/firms/F4").json()["result"] == "deleted"
    assert client.get("/v1/firms/F4").status_code == 404
    assert client.get("/v1/records/firm/F4").status_code == 404
    assert client.delete("/v1/firms/F4").status_code == 404


@pytest.mark.parametrize("facts", [{"staff": {"value": 1, "low": 0}}, {"stuff": 3}, {"region": "x"}])
def test_impossible_facts_are_refused(client, facts):
    assert client.put("/v1/firms/F5", json=facts).status_code == 422
    assert client.get("/v1/firms/F5").status_code == 404


def test_a_diagnosis_has_vague_demands_and_shared_equipment_each_with_its_record(client):
    client.put("/v1/firms/F9", json={"name": "污泥公司", "business": {"values": ["污泥含水率检测与低温干化"]}})
    demand = {"demand_id": "DV", "title": "污泥太湿", "content": "希望解决污泥太湿的问题", "enterprise": "污泥公司"}
    exact = demand | {"demand_id": "DE", "content": "污泥含水率不高于40%，处理量不低于50吨/天"}
    for one in (
        demand,
        exact,
        demand | {"demand_id": "DX", "enterprise": "别家"},
        demand | {"demand_id": "DC", "status": "过期"},
    ):
        assert client.put(f"/v1/demands/{one['demand_id']}", json=one).status_code == 200
    for name, mode in (("Q1", "对外共享"), ("Q2", "不共享"), ("Q3", "")):
        client.put(f"/v1/records/equipment/{name}", json={"title": f"污泥含水率测定仪{name}", "sharing_mode": mode})
    path = "/v1/firms/F9/diagnosis?as_of=2024-06-30"
    wait_for(lambda: any(one["kind"] == "equipment" for one in client.get(path).json()["findings"]))
    answer = client.get(path).json()
    found = {(one["rule"], one["record_id"]): one for one in answer["findings"]}
    assert set(found) == {("vague demand", "DV"), ("shared equipment", "Q1")}
    assert "量化指标" in found["vague demand", "DV"]["text"]
    assert found["vague demand", "DV"]["evidence"] == demand["content"]
    assert "“含水率”" in found["shared equipment", "Q1"]["evidence"]
    assert all(one["rule_text"] and one["evidence"] for one in answer["findings"])
    assert {one["value"] is None for one in answer["points"] if one["missing"]} == {True}
    assert client.get("/v1/firms/unheard-of/diagnosis").status_code == 404
