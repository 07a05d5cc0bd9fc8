"""Dispatch through the API: proposals under capacities, answers, escalation, handing over, and what it all came to."""

from datetime import UTC, datetime, timedelta

from data.store.store import Store
from serving.runtime.dispatching import escalate
from tests.some import some

BROKERS = {
    "B1": {"title": "张三", "region": "410105", "open_limit": 2, "deputy": "B2"},
    "B2": {"title": "李四", "region": "410300", "open_limit": 3},
    "B3": {"title": "王五", "region": "110108", "open_limit": 2, "absences": ["2020-01-01/2099-12-31"]},
}


def step(client, number, state, token, **values):
    sent = {"state": state, "operator": "张三", "token": token} | values
    return client.post(f"/v1/assignments/{number}/steps", json=sent)


def test_demands_are_dispatched_answered_escalated_and_handed_over(client, site):
    assert client.post("/v1/dispatch", json={"operator": "运营"}).status_code == 422  # no brokers
    for name, values in some(BROKERS.items()):
        assert client.put(f"/v1/records/broker/{name}", json=values).status_code == 200
    asked = {"operator": "运营"}
    planned = client.post("/v1/dispatch", json=asked | {"dry_run": True}).json()
    assert (planned["assignments"], len(planned["planned"])) == ([], 5)  # all places, and B3 is away
    made = client.post("/v1/dispatch", json=asked).json()
    pairs = [(one["demand_id"], one["broker_id"]) for one in made["assignments"]]
    assert pairs == [(one["demand_id"], one["broker_id"]) for one in planned["planned"]]
    assert sorted(broker for _, broker in pairs) == ["B1", "B1", "B2", "B2", "B2"]
    assert client.post("/v1/dispatch", json=asked | {"demand_ids": [pairs[0][0]]}).json()["left"] == [pairs[0][0]]
    assert client.post("/v1/dispatch", json=asked | {"demand_ids": ["nothing"]}).status_code == 404

    first, second = (one["number"] for one in made["assignments"] if one["broker_id"] == "B1")
    body = step(client, first, "已接单", "t1", seen="已派单").json()
    assert (body["state"], body["next"]) == ("已接单", ["已联系", "已走访", "已办结"])
    assert step(client, first, "已联系", "t2", seen="已派单").status_code == 409
    assert step(client, first, "已办结", "t3").status_code == 422  # without what it came to
    assert step(client, first, "已办结", "t4", value="成交").json()["outcome"] == "成交"
    demand = client.get(f"/v1/assignments/{second}").json()["assignment"]["demand_id"]
    assert step(client, second, "已拒单", "t5", value="路途太远").status_code == 200

    client.app.state.services.dispatcher.stop()  # it would propose today what is proposed in forty days here
    later = datetime.now(UTC) + timedelta(days=40)
    with Store.open(site.store_url) as store:
        moved = escalate(store, later)  # B2 lets all pass and has no deputy: only what B1 declined goes on
        assert [(one.demand_id, one.broker_id) for one in moved] == [(demand, "B2")]
        late = [one for one in store.assignments.listed(broker_id="B2") if one.proposed_at < later]
        assert [one.state.value for one in late] == ["超时未应答"] * 3
        assert escalate(store, later) == []
    found = client.get("/v1/assignments/summary").json()
    assert set(found["unplaced"]) == {pair[0] for pair in pairs if pair[1] == "B2"}
    assert found["median_hours"]["已接单"] >= 0
    assert client.get("/v1/assignments", params={"demand_id": demand, "state": "已拒单"}).json()["assignments"]

    client.put("/v1/records/broker/B2", json=BROKERS["B2"] | {"open_limit": 2})
    assert len(client.post("/v1/dispatch", json=asked).json()["assignments"]) == 3
    held = client.get("/v1/assignments", params={"broker_id": "B1", "state": "已派单"}).json()["assignments"]
    again = {"broker_id": "B1", "operator": "运营"}
    assert client.post("/v1/assignments/handover", json=again | {"to": "B1"}).status_code == 422
    assert client.post("/v1/assignments/handover", json=again).status_code == 422  # B2 has no place left
    client.put("/v1/records/broker/B2", json=BROKERS["B2"] | {"open_limit": 20})
    handed = client.post("/v1/assignments/handover", json=again).json()["assignments"]
    assert {(one["demand_id"], one["broker_id"]) for one in handed} == {(one["demand_id"], "B2") for one in some(held)}
