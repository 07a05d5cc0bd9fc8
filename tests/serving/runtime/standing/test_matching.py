"""Standing requests through a running server: registered, matched with what is there and what comes, ended, sent."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from data.kinds.registry import load_kinds
from data.locks import held
from data.store.store import Store
from serving.runtime.kinds import KindHolder
from serving.runtime.live import BundleHolder
from serving.runtime.standing.matching import LOCK, StandingMatcher
from tests.serving.conftest import copy_of, running, wait_for
from tests.serving.runtime.standing.receivers import receiving
from tests.some import some

NEED = "水泥窑协同处置工业固废的预处理设备，氯离子含量低于百万分之二"
NOTHING = "春季插花艺术入门课程"


def achievement(name, text, **changes):
    return {"achievement_id": name, "title": text, "content": f"{text}。已在两条生产线上应用。"} | changes


@pytest.fixture(scope="module")
def settings(platform, tmp_path_factory):
    made = copy_of(platform, tmp_path_factory.mktemp("standing") / "home")
    return made.model_copy(update={"webhook_hosts": "127.0.0.1"})


def feed(client, cursor=0, **query):
    return client.get("/v1/matches/new", params={"cursor": cursor} | query).json()


def settled(client, name):
    wait_for(lambda: client.get(f"/v1/standing/{name}").json()["settled"])


def test_requests_are_matched_with_what_is_there_and_what_comes_once_and_sent(settings):
    with running(settings) as client, receiving() as receiver:
        assert client.put("/v1/webhooks/none", json={"url": "http://10.0.0.1/"}).status_code == 422
        made = client.put("/v1/webhooks/platform", json={"url": receiver.url}).json()
        assert made["secret"].startswith("whsec_")
        assert client.put("/v1/webhooks/platform", json={"url": receiver.url}).json()["secret"] is None
        assert "secret" not in str(client.get("/v1/webhooks").json()["webhooks"][0]["url"])
        client.post("/v1/webhooks/platform:test")
        wait_for(lambda: receiver.taken)

        before = achievement("N1", NEED)
        assert client.put("/v1/achievements/N1", json=before).status_code == 200
        client.put("/v1/demands/X0", json={"demand_id": "X0", "title": "旧家具回收上门服务"})
        asked = {"for": {"text": NEED}, "endpoint": "platform"}
        bad = [
            {"for": {}},
            {"for": {"text": "。"}},
            asked | {"kinds": ["broker"]},
            asked | {"kinds": ["nothing"]},
            asked | {"conditions": {"trl": 4}},
            asked | {"least": 0.5},
            asked | {"filters": {"hide_hard_misses": True}},
            asked | {"valid_until": "2020-01-01"},
            asked | {"quiet_hours": {"begin": "09:00", "end": "09:00"}},
            {"for": {"demand_id": "X0"}, "kinds": ["demand"]},
        ]
        for body in some(bad):
            assert client.put("/v1/standing/W1", json=body).status_code == 422, body
        assert client.put("/v1/standing/W1", json={"for": {"demand_id": "nothing"}}).status_code == 404
        assert client.put("/v1/standing/W1", json=asked | {"endpoint": "other"}).status_code == 404
        first = client.put("/v1/standing/W1", json=asked).json()
        assert (first["state"], first["kinds"]) == ("有效", ["achievement"])
        settled(client, "W1")
        there = feed(client)
        assert [one["record_id"] for one in there["matches"]] == ["N1"]

        # A new one is found; an edit, a second registration and a restart bring no second notice of the same pair.
        client.put("/v1/achievements/N2", json=achievement("N2", NEED))
        client.put("/v1/achievements/N3", json=achievement("N3", NOTHING))
        assert wait_for(lambda: feed(client, there["next_cursor"])["matches"])[0]["record_id"] == "N2"
        client.put("/v1/achievements/N2", json=achievement("N2", f"{NEED}！"))
        client.put("/v1/standing/W1", json=asked | {"digest": "daily"})
        settled(client, "W1")
        # From the other side: what an institute offers watches for demands, a stored record's text is read again.
        client.put("/v1/standing/W2", json={"for": {"achievement_id": "N3"}, "least": 2})
        settled(client, "W2")
        client.put("/v1/achievements/N3", json=achievement("N3", NEED))
        client.put("/v1/demands/X1", json={"demand_id": "X1", "title": NEED, "content": NEED})
        wait_for(lambda: len(feed(client)["matches"]) >= 4)
        assert [one["record_id"] for one in feed(client, request_id="W2")["matches"]] == ["X1"]
        pairs = [(one["request_id"], one["record_id"]) for one in feed(client)["matches"]]
        assert sorted(pairs) == [("W1", "N1"), ("W1", "N2"), ("W1", "N3"), ("W2", "X1")]
        wait_for(lambda: len(receiver.taken) >= 3)
        sent = [orjson.loads(body) for _, body in receiver.taken if b"standing.matched" in body]
        carried = [one["record_id"] for message in sent for one in message["data"]["notices"]]
        assert carried[:2] == ["N1", "N2"]  # N3 waits for the digest's morning

        # Seen to, unsubscribed, hidden.
        number = feed(client)["matches"][0]["number"]
        assert client.post(f"/v1/matches/new/{number}:handle", json={"operator": "张三"}).json()["handled_by"] == "张三"
        assert client.post("/v1/matches/new/999999:handle", json={"operator": "张三"}).status_code == 404
        assert client.delete("/v1/standing/W1").json()["state"] == "已退订"
        client.put("/v1/achievements/N4", json=achievement("N4", NEED))
        client.delete("/v1/achievements/N1")
        client.delete("/v1/achievements/N3")  # W2 speaks for it
        wait_for(lambda: client.get("/v1/standing/W2").json()["state"] == "主体已失效")
        found = feed(client)["matches"]
        assert "N4" not in [one["record_id"] for one in found]
        assert "N1" not in [one["record_id"] for one in found]  # deleted: nothing is said of it any more
        states = {one["id"]: one["state"] for one in client.get("/v1/standing").json()["requests"]}
        assert states == {"W1": "已退订", "W2": "主体已失效"}

    with Store.open(settings.store_url) as store:
        holder = BundleHolder(settings.bundles, threads=1)
        holder.refresh(store)
        kinds = KindHolder(load_kinds(), settings.bundles)
        matcher, now = StandingMatcher(settings.home, kinds), datetime.now(UTC)
        numbers = [one.number for one in store.notices.page(limit=500)]
        assert matcher.refresh(holder.model(), store, now) == 0  # a restart finds nothing again
        assert [one.number for one in store.notices.page(limit=500)] == numbers
        assert held(settings.home / LOCK)  # one process at a time
        matcher.close()
        assert not held(settings.home / LOCK)
        # Validity and a demand's deadline end requests on a frozen clock.
        demand = store.demand("X1")
        store.upsert_demands([demand.model_copy(update={"deadline": (now + timedelta(days=10)).date()})])
    with running(settings) as client:
        client.put("/v1/standing/W3", json={"for": {"demand_id": "X1"}})
        until = (now + timedelta(days=3)).date().isoformat()
        client.put("/v1/standing/W4", json={"for": {"text": NOTHING}, "valid_until": until})
        settled(client, "W3")
        settled(client, "W4")
    with Store.open(settings.store_url) as store:
        assert matcher.refresh(holder.model(), store, now) == 0

        def states(days):
            matcher.refresh(holder.model(), store, now + timedelta(days=days))
            return [store.standing.get(name).state.value for name in ("W3", "W4")]

        assert states(2) == ["有效", "有效"]
        assert states(5) == ["有效", "已到期"]
        assert states(12) == ["主体已失效", "已到期"]
