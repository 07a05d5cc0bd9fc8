"""Outcome events are stored once; impressions are noted without anybody waiting for them."""

from datetime import UTC, datetime, timedelta

import pytest

from data.errors import StoreError
from data.records import EventKind
from data.store.store import Store
from matcher.recommendation import Match, Recommendation
from serving.runtime.impressions import ImpressionLog
from tests.serving.conftest import running, wait_for

URL = "/v1/recommendations/achievements"
CLICK = {
    "event_id": "click-1",
    "demand_id": "D1",
    "achievement_id": "A1",
    "kind": "click",
    "occurred_at": "2026-01-01T09:30:00+08:00",
}


def test_event_is_stored_once(client, site):
    def counts(sent):
        answer = client.post("/v1/events", json=sent).json()
        return [answer[name] for name in ("added", "known", "conflicting", "rejected")]

    assert counts(CLICK) == [1, 0, 0, 0]
    assert counts(CLICK) == [0, 1, 0, 0]
    assert counts([CLICK | {"kind": "deal"}]) == [0, 0, 1, 0]
    with Store.open(site.store_url) as store:
        mine = [event for event in store.events() if event.event_id == "click-1"]
    assert [event.kind for event in mine] == [EventKind.CLICK]


def test_a_list_of_no_use_stores_nothing(client, site):
    assert client.post("/v1/events", json=[]).status_code == 422
    assert client.post("/v1/events", json=[CLICK] * 1001).status_code == 422
    with Store.open(site.store_url) as store:
        assert "click-1" not in [event.event_id for event in store.events()]


def impressions(site, request_id):
    with Store.open(site.store_url) as store:
        events = [event for event in store.events([EventKind.IMPRESSION]) if event.request_id == request_id]
    return sorted(events, key=lambda event: event.position)


def test_shown_items_become_impressions(client, site):
    answer = client.post(URL, json={"demand_id": "D000001", "top_k": 4}).json()
    noted = wait_for(lambda: impressions(site, answer["request_id"]))
    assert [event.achievement_id for event in noted] == [item["id"] for item in answer["items"]]
    assert [event.position for event in noted] == [1, 2, 3, 4]
    assert {event.bundle_version for event in noted} == {answer["bundle_version"]}
    with Store.open(site.store_url) as store:
        engine = client.app.state.services.live().engine
        expected = engine.recommend_achievements(store.demand("D000001"), top=4)
    assert [event.features_digest for event in noted] == [match.features_digest for match in expected.items]
    assert len({event.features_digest for event in noted}) == 4


def test_impressions_are_written_before_the_server_ends(site):
    with running(site) as client:
        answer = client.post(URL, json={"demand_id": "D000001", "top_k": 3}).json()
    assert len(impressions(site, answer["request_id"])) == 3


def test_who_declines_personalisation_leaves_no_trace(site):
    with running(site) as client:
        body = {"demand_id": "D000001", "personalised": False}
        answer = client.post(URL, json=body).json()
        with Store.open(site.store_url) as store:
            demand = store.demand("D000001")
        engine = client.app.state.services.live().engine
        expected = engine.recommend_achievements(demand, personalised=False)
        assert [item["id"] for item in answer["items"]] == [match.id for match in expected.items]
        assert [item["score"] for item in answer["items"]] == [match.score for match in expected.items]
    assert impressions(site, answer["request_id"]) == []


def shown(count):
    items = [
        Match(
            rank=n + 1,
            id=f"A{n}",
            title="",
            owner="",
            region=None,
            status="发布",
            probability=None,
            grade=None,
            score=0.0,
            channels=[],
        )
        for n in range(count)
    ]
    return Recommendation(subject_id="D1", items=items, answered=True, message="", degraded=False, bundle_version="v")


def test_full_queue_loses_and_counts(tmp_path):
    from serving.telemetry.metrics import IMPRESSIONS_LOST

    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as store:
        log = ImpressionLog(lambda: store, limit=5)
        before = IMPRESSIONS_LOST._value.get()
        log.note(shown(8), "r", side="achievements")
        assert (len(log), IMPRESSIONS_LOST._value.get() - before) == (5, 3)
        log.flush()
        assert len(log) == 0
        assert store.counts().events == 5


def test_impressions_wait_for_a_store_that_is_away(tmp_path):
    available = []

    def store():
        if not available:
            raise StoreError("away")
        return available[0]

    log = ImpressionLog(store, limit=100)
    log.note(shown(3), "r", side="demands")
    with pytest.raises(StoreError):
        log.flush()
    assert len(log) == 3
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as opened:
        available.append(opened)
        log.flush()
        (first, *_) = opened.events()
        assert (first.demand_id, first.achievement_id) == ("A0", "D1")
        assert abs(first.occurred_at - datetime.now(UTC)) < timedelta(minutes=1)
