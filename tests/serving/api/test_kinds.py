"""Records of declared kinds through the API: written, read, listed by cursor, deleted; what does not fit is named."""

import json
import re
from datetime import UTC, datetime

import pytest

from data.store.store import Store
from serving.access.credentials import make_key
from serving.access.roles import Role
from tests.serving.conftest import wait_for
from tests.some import some

SERVICE = {"title": "污泥含水率检测", "service_class": "检验检测认证", "qualifications": ["CMA"], "lead_time_days": 5}
INCUBATOR = """
name = "incubator"
label = "孵化空间"
role = "supply"
[[fields]]
name = "desks"
label = "工位数"
type = "integer"
"""


def test_kinds_are_listed_with_their_fields_and_counts(client):
    client.put("/v1/records/service/S1", json=SERVICE)
    kinds = {kind["name"]: kind for kind in client.get("/v1/kinds").json()["kinds"]}
    assert (kinds["service"]["records"], kinds["equipment"]["records"]) == (1, 0)
    assert {"name": "voucher", "label": "可用创新券", "type": "flag"}.items() <= kinds["service"]["fields"][-1].items()


def test_a_record_is_on_disk_when_acknowledged_and_idempotent(client, site):
    answers = [client.put("/v1/records/service/S/1 新", json=SERVICE).json()["result"] for _ in range(2)]
    assert answers == ["inserted", "unchanged"]
    assert client.put("/v1/records/service/S/1 新", json=SERVICE | {"voucher": "是"}).json()["result"] == "updated"
    with Store.open(site.store_url) as store:
        assert store.kinds.get("service", "S/1 新").attributes["voucher"] is True
    assert client.get("/v1/records/service/S/1 新").json()["attributes"]["lead_time_days"] == 5


def bulk(client, *lines, kind="service", **headers):
    body = "\n".join(line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines)
    headers = {"Content-Type": "application/x-ndjson"} | headers
    return client.post(f"/v1/records/{kind}:bulk", content=body.encode(), headers=headers)


def test_many_records_are_written_at_once_and_listed_by_cursor(client, site):
    lines = [SERVICE | {"id": f"S{n}"} for n in range(5)]
    first, again = bulk(client, *lines).json(), bulk(client, *lines).json()
    assert (first["inserted"], again["unchanged"], again["rejected"]) == (5, 5, 0)
    page = client.get("/v1/records/service", params={"limit": 3}).json()
    rest = client.get("/v1/records/service", params={"limit": 3, "cursor": page["next_cursor"]}).json()
    assert [record["id"] for record in [*page["records"], *rest["records"]]] == [f"S{n}" for n in range(5)]
    assert rest["next_cursor"] == ""
    with Store.open(site.store_url) as store:
        assert store.api_keys.trail()[0].action == "service.bulk"


def test_each_bad_line_of_many_has_its_reason_and_the_good_ones_are_stored(client):
    answer = bulk(
        client,
        SERVICE | {"id": "S1"},
        "",
        "{no json",
        "[1]",
        SERVICE | {"id": "S2", "kind": "expert"},
        SERVICE,
        SERVICE | {"id": "S3", "price": 3},
        SERVICE | {"id": "S4", "service_class": "检测"},
        SERVICE | {"id": "S5", "lead_time_days": "快"},
    ).json()
    reasons = {line["line"]: line["reason"] for line in answer["lines"] if line["result"] == "rejected"}
    assert (answer["inserted"], answer["rejected"], list(reasons)) == (1, 7, [3, 4, 5, 6, 7, 8, 9])
    for line, said in some(
        zip(range(3, 10), ("JSON", "JSON", "expert", "id", "price", "检验检测认证", "快"), strict=True)
    ):
        assert said in reasons[line]
        assert re.search("[\u4e00-\u9fff]", reasons[line])
    assert client.get("/v1/records/service/S1").status_code == 200
    assert bulk(client, SERVICE, kind="spaceship").status_code == 422
    assert bulk(client, SERVICE, **{"Content-Type": "text/csv"}).status_code == 415


def test_outcomes_are_stored_once_and_only_those_that_the_kind_declares(client):
    event = {"event_id": "E1", "demand_id": "D000001", "record_id": "S1", "kind": "contact"}
    event |= {"occurred_at": "2026-01-01T09:30:00+08:00"}
    first, again = (client.post("/v1/records/service:outcomes", json=[event]).json() for _ in range(2))
    assert (first, again["known"]) == ({"added": 1, "known": 0, "conflicting": 0}, 1)
    for changed, said in some([({"kind": "favourite"}, "favourite"), ({"occurred_at": "2026-01-01"}, "occurred_at")]):
        answer = client.post("/v1/records/service:outcomes", json=[event | changed])
        assert answer.status_code == 422
        assert said in answer.text


def test_a_deleted_record_is_gone_and_journalled(client, site):
    client.put("/v1/records/service/S1", json=SERVICE)
    assert client.delete("/v1/records/service/S1").json()["result"] == "deleted"
    assert client.get("/v1/records/service/S1").status_code == 404
    with Store.open(site.store_url) as store:
        assert store.api_keys.trail()[0].action == "service.delete"


def test_visibility_decides_what_other_keys_see(client, site):
    expert = {"title": "污泥干化", "person_name": "张三", "open_limit": 3}
    for record_id, visibility in (("E1", "公开"), ("E2", "摘要公开"), ("E3", "保密")):
        client.put(f"/v1/records/expert/{record_id}", json=expert | {"visibility": visibility})
    with Store.open(site.store_url) as store:
        secret, made = make_key("看的人", Role.OPERATOR, datetime.now(UTC))
        store.api_keys.add(made)
    client.headers["Authorization"] = f"Bearer {secret}"
    wait_for(lambda: client.get("/v1/records/expert").status_code == 200 and len(records(client)) == 2)
    assert records(client) == {"E1": {"person_name": "张三", "open_limit": 3}, "E2": {"open_limit": 3}}
    assert client.get("/v1/records/expert/E2").json()["attributes"] == {"open_limit": 3}
    assert client.get("/v1/records/expert/E3").status_code == 404


def records(client):
    return {one["id"]: one["attributes"] for one in client.get("/v1/records/expert").json()["records"]}


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("service/S1", {"title": "检测", "service_class": "检测"}, "检验检测认证"),
        ("service/S1", {"title": "检测", "price": 3}, "price"),
        ("service/S1", {"id": "S2", "title": "检测"}, "S2"),
        ("spaceship/S1", {"title": "检测"}, "spaceship"),
    ],
)
def test_what_does_not_fit_is_named(client, path, body, said):
    answer = client.put(f"/v1/records/{path}", json=body)
    assert answer.status_code == 422
    assert said in answer.text


def test_a_platform_declares_a_kind_of_its_own_by_one_file(site):
    from tests.serving.conftest import running

    (site.home / "kinds").mkdir()
    (site.home / "kinds" / "incubator.toml").write_text(INCUBATOR, encoding="utf-8")
    with running(site) as client:
        client.put("/v1/records/incubator/I1", json={"title": "创客空间", "desks": 120})
        assert client.get("/v1/records/incubator/I1").json()["attributes"] == {"desks": 120}
