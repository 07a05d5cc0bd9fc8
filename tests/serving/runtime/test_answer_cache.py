"""The same question is answered from memory, and never with what is no longer true."""

import pytest

from data.store.store import Store
from matcher.bundle import set_current
from matcher.recommendation import Recommendation
from serving.runtime.answer_cache import AnswerCache, Answered
from tests.serving.conftest import wait_for

URL = "/v1/recommendations/achievements"
NEW = {"achievement_id": "A新", "title": "石墨烯海水淡化膜组件", "content": "石墨烯膜，脱盐率99.8%，海水淡化"}
ASKED = {"text": "石墨烯膜海水淡化，脱盐率高", "top_k": 20, "filters": {"statuses": []}}


def hits(client):
    lines = client.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith('gongxu_answer_cache_total{result="hit"}'))


def without_id(answer):
    return {name: value for name, value in answer.json().items() if name != "request_id"}


def test_the_same_question_is_answered_once_and_counted(client):
    before = hits(client)
    first, second = client.post(URL, json=ASKED), client.post(URL, json=ASKED)
    assert hits(client) == before + 1
    assert without_id(first) == without_id(second)
    assert first.json()["request_id"] == first.headers["X-Request-ID"] != second.json()["request_id"]
    for other in ({"top_k": 5}, {"explain": "full"}, {"personalised": False}, {"diversity": "none"}):
        client.post(URL, json=ASKED | other)
    assert hits(client) == before + 1


def test_a_record_written_here_or_elsewhere_is_not_missed(client, site):
    def revision():
        return client.get("/readyz").json()["revision"]

    wait_for(lambda: client.post(URL, json=ASKED).status_code == 200)
    asked = {"demand_id": "D000001", "top_k": 3}
    client.post(URL, json=asked)
    demand = {"demand_id": "D000001", "title": "海水淡化膜", "content": "需要脱盐率高的石墨烯膜组件"}
    assert client.put("/v1/demands/D000001", json=demand).status_code == 200
    changed = client.post(URL, json=asked).json()  # at once
    expected = client.post(URL, json={"demand": demand, "top_k": 3}).json()
    assert [item["id"] for item in changed["items"]] == [item["id"] for item in expected["items"]]
    seen = revision()
    before = hits(client)
    with Store.open(site.store_url) as store:
        store.delete_achievement(next(store.achievements()).achievement_id)
    wait_for(lambda: revision() > seen)
    client.post(URL, json=ASKED)
    assert hits(client) == before


def test_another_bundle_answers_anew(client, site, platform):
    assert client.post(URL, json=ASKED).json()["bundle_version"] == platform.trained.name
    set_current(site.bundles, platform.built.name)
    wait_for(lambda: client.get("/readyz").json()["bundle_version"] == platform.built.name)
    assert client.post(URL, json=ASKED).json()["bundle_version"] == platform.built.name


def test_impressions_of_an_answer_given_before(client, site):
    all_asked = ({"demand_id": f"D{n:06}", "top_k": 3, "filters": {"statuses": []}} for n in range(1, 31))
    asked = next(one for one in all_asked if client.post(URL, json=one).json()["items"])
    answers = [client.post(URL, json=asked).json() for _ in range(2)]

    def noted():
        with Store.open(site.store_url) as store:
            return [event for event in store.events() if event.request_id == answers[1]["request_id"]]

    shown = wait_for(noted)
    assert [event.achievement_id for event in sorted(shown, key=lambda event: event.position)] == [
        item["id"] for item in answers[1]["items"]
    ]


@pytest.mark.parametrize("limit", [0, 50_000])
def test_memory_is_bounded(limit):
    cache = AnswerCache(limit)
    said = Recommendation(subject_id=None, items=[], answered=False, message="", degraded=False, bundle_version="v")
    for number in range(100):
        cache.put((number,), Answered(said, b"{" + b"x" * 3_000 + b"}"))
    assert len(cache) == limit // 5_002
    assert cache.get((99,)) is not None or limit == 0
    assert cache.get((0,)) is None
    cache.forget()
    assert len(cache) == 0
