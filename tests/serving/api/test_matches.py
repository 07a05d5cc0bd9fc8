"""The work on matches through the API: the same machine as on the dashboard, with conflicts and harmless repeats."""

import pytest

PAIR = {"demand_id": "D000001", "achievement_id": "A0000001"}


def act(client, **values):
    sent = PAIR | {"kind": "move", "value": "已联系", "operator": "张三", "token": "t1"} | values
    return client.post("/v1/matches/actions", json=sent)


def test_a_match_moves_and_tells_where_it_can_go(client):
    body = act(client).json()
    assert (body["state"], body["changed_by"]) == ("已联系", "张三")
    assert body["moves"] == ["会面", "洽谈", "成交", "不合适"]
    assert act(client).json() == body
    history = client.get("/v1/matches/history", params=PAIR).json()
    assert [action["value"] for action in history["actions"]] == ["已联系"]
    assert [
        match["demand_id"] for match in client.get("/v1/matches", params={"state": "已联系"}).json()["matches"]
    ] == ["D000001"]
    assert client.get("/v1/matches", params={"assignee": "李四"}).json()["matches"] == []


def test_what_another_did_first_is_a_conflict_and_undo_is_ones_own(client):
    act(client, value="洽谈")
    answer = act(client, value="已推送", operator="李四", token="t2", seen=0)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:gongxu:problem:conflict")
    assert client.post("/v1/matches/undo", json=PAIR | {"operator": "李四"}).status_code == 404
    assert client.post("/v1/matches/undo", json=PAIR | {"operator": "张三"}).json()["state"] == "新"


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"value": "完成"}, 422),
        ({"value": "不合适"}, 422),
        ({"demand_id": "nothing"}, 404),
        ({"kind": "dance"}, 422),
        ({"kind": "next_date", "value": "soon"}, 422),
    ],
)
def test_what_is_not_possible_is_refused(client, values, status):
    assert act(client, **values).status_code == status
