"""What every route keeps to, asked of a server that has a store and no bundle."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from data.settings import Settings
from data.store.store import Store
from serving.access.credentials import add_key
from serving.access.roles import Role
from tests.serving.conftest import quick, running, wait_for
from tests.some import some

EVENT = {
    "event_id": "h7",
    "demand_id": "D1",
    "achievement_id": "A1",
    "kind": "click",
    "occurred_at": "2026-05-01T09:00:00+08:00",
}
PROBLEM = "urn:gongxu:problem:"


@pytest.fixture
def bare(tmp_path):
    return quick(Settings(home=tmp_path / "home"))


@pytest.fixture
def server(bare):
    with running(bare) as client:
        yield client


def stored(settings):
    with Store.open(settings.store_url) as store:
        return {event.event_id: event for event in store.events()}


def bodies(server):
    """Yield method and path of every operation that takes JSON, with an id in the path where one belongs."""
    document = server.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if "application/json" in operation.get("requestBody", {}).get("content", {}):
                yield method, path.replace("{achievement_id}", "A1").replace("{demand_id}", "D1")


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        ("0001-01-01T00:00:00Z", "0001-01-01"),
        ("9999-12-31T23:59:59+14:00", "9999-12-31"),
        ("9999-12-31", "9999-12-3"),
        ("1970-01-01T00:00:00Z", "1970-01-01"),
        ("2926-05-01T09:00:00", "2926-05-01"),
        pytest.param((datetime.now(UTC) + timedelta(days=2)).isoformat(), str(datetime.now(UTC).year), id="ahead"),
        ("昨天", "昨天"),
    ],
)
def test_an_impossible_moment_is_named_and_takes_no_good_event_along(server, bare, moment, shown):
    bad = EVENT | {"event_id": "h8", "occurred_at": moment}
    answer = server.post("/v1/events", json=bad)
    assert (answer.status_code, answer.json()["errors"][0]["where"]) == (422, "body.occurred_at")
    assert shown in answer.json()["detail"]
    answer = server.post("/v1/events", json=[bad, EVENT])
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (422, PROBLEM + "invalid-request")
    assert [fault["where"] for fault in problem["errors"]] == ["list.0.occurred_at"]
    assert shown in problem["detail"]
    assert (problem["added"], problem["rejected"]) == (1, 1)
    assert [result["result"] for result in problem["results"]] == ["rejected", "added"]
    assert set(stored(bare)) == {"h7"}


def test_every_event_has_its_result_and_conflicts_are_named(server, bare):
    assert server.post("/v1/events", json=[EVENT]).status_code == 200
    sent = [
        EVENT,
        EVENT | {"kind": "deal"},
        EVENT | {"event_id": "new"},
        EVENT | {"event_id": "bad", "kind": "explosion"},
        5,
        EVENT | {"event_id": "worse", "demand_id": "", "position": 0},
        EVENT | {"event_id": "odd", "level": 3},
    ]
    answer = server.post("/v1/events", json=sent)
    problem = answer.json()
    assert answer.status_code == 422
    assert [(result["index"], result["event_id"], result["result"]) for result in problem["results"]] == [
        (0, "h7", "known"),
        (1, "h7", "conflicting"),
        (2, "new", "added"),
        (3, "bad", "rejected"),
        (4, None, "rejected"),
        (5, "worse", "rejected"),
        (6, "odd", "rejected"),
    ]
    where = [fault["where"] for fault in problem["errors"]]
    assert where == ["list.3.kind", "list.4", "list.5.demand_id", "list.5.position", "list.6"]
    assert not any(
        "OutcomeEvent" in text or "Input should" in text for text in (problem["detail"], str(problem["errors"]))
    )
    assert set(stored(bare)) == {"h7", "new"}
    again = server.post("/v1/events", json=[EVENT | {"kind": "deal"}]).json()
    assert (again["conflicting"], again["results"][0]["event_id"]) == (1, "h7")


def test_what_is_no_json_is_refused_alike_everywhere(server, bare):
    examined = 0
    with Store.open(bare.store_url) as store:
        server.headers["Authorization"] = f"Bearer {add_key(store, 'admin', Role.ADMIN)}"
    wait_for(lambda: server.get("/v1/demands", headers={"Authorization": "Bearer no"}).status_code == 401)
    for method, path in some(bodies(server)):
        json_type = {"Content-Type": "application/json"}
        for body in (b"{", b"[1,", b'{"a": ' + b"9" * 5000 + b"}", b"9" * 5000, b"[" * 100_000, b"\xff\xfe{"):
            answer = server.request(method, path, content=body, headers=json_type)
            assert (answer.status_code, answer.json()["type"]) == (400, PROBLEM + "malformed-request"), (
                path,
                body[:20],
            )
        for given in ({"Content-Type": "text/plain"}, {"Content-Type": "application/x-www-form-urlencoded"}):
            answer = server.request(method, path, content=b'{"text": "a"}', headers=given)
            assert (answer.status_code, answer.json()["type"]) == (415, PROBLEM + "unsupported-media-type"), path
        examined += 1
    assert examined >= 8


def test_numbers_beyond_all_bounds_in_a_path_or_query(server):
    huge = "9" * 5000
    for path in (f"/v1/demands?limit={huge}", f"/v1/achievements/A/similar?top_k={huge}", f"/v1/achievements/{huge}"):
        answer = server.get(path)
        assert answer.status_code in (400, 422)
        assert len(answer.content) < 2_000


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "/v1/achievements/A1", {"GET", "PUT", "DELETE"}),
        ("POST", "/v1/demands/D1", {"GET", "PUT", "DELETE"}),
        ("DELETE", "/v1/events", {"POST"}),
        ("GET", "/v1/recommendations/achievements", {"POST"}),
        ("POST", "/healthz", {"GET"}),
    ],
)
def test_another_method_is_told_which_are_there(server, method, path, allowed):
    answer = server.request(method, path)
    assert (answer.status_code, answer.json()["type"]) == (405, PROBLEM + "method-not-allowed")
    assert allowed <= set(answer.headers["Allow"].split(", "))
    assert method not in answer.headers["Allow"].split(", ")


def test_details_are_chinese_and_show_no_internals(server):
    wrong = [
        server.put("/v1/demands/D1", json={"demand_id": "D2", "title": "题"}),
        server.put("/v1/demands/D1", json={"demand_id": "D1", "title": "", "budget_max": -1, "colour": 1}),
        server.put("/v1/demands/D1", json={"demand_id": "D1", "title": "题", "budget_min": 5, "budget_max": 1}),
        server.put("/v1/demands/D1", json=[1]),
        server.get("/v1/demands/D1"),
        server.get("/v1/demands?limit=0&cursor=xx"),
        server.get("/v1/demands?cursor=xx"),
        server.get("/v1/nothing"),
        server.post("/v1/recommendations/achievements", json={"text": "a", "demand_id": "b"}),
        server.post("/v1/recommendations/achievements", json={"text": "a", "top_k": 500}),
        server.post("/v1/recommendations/achievements", json={"text": "需要污泥干化设备"}),
        server.post("/v1/events", json=[]),
    ]
    for answer in wrong:
        detail = answer.json()["detail"]
        assert answer.status_code >= 400
        assert any("\u4e00" <= character <= "\u9fff" for character in detail), detail
        for internal in ("Input should", "Value error", "pydantic", "OutcomeEvent", "function-", "Field required"):
            assert internal not in answer.text


def test_records_are_read_back_one_by_one_and_page_by_page(server):
    ids = ["A/1", "a b", "甲", *(f"A{n:03}" for n in range(7))]
    for name in ids:
        sent = {"achievement_id": name, "title": f"题{name}", "price_min": 5, "published_at": "2026-05-01"}
        assert server.put(f"/v1/achievements/{quote(name, safe='')}", json=sent).status_code == 200
        read = server.get(f"/v1/achievements/{quote(name, safe='')}").json()
        assert sent.items() <= read.items()
    found, cursor = [], ""
    for _ in range(5):
        page = server.get("/v1/achievements", params={"limit": 3, "cursor": cursor}).json()
        found += [item["achievement_id"] for item in page["items"]]
        if (cursor := page["next_cursor"]) == "":
            break
    assert found == sorted(ids)
    assert server.get("/v1/demands").json() == {"items": [], "next_cursor": ""}
    server.delete("/v1/achievements/A000")
    assert server.get("/v1/achievements/A000").status_code == 404
    assert "A000" not in server.get("/v1/achievements?limit=500").text


def test_events_are_read_back_by_record_in_order(server):
    moments = ["2026-05-01T09:00:00+08:00", "2026-04-01T09:00:00+08:00", "2026-05-01T09:00:00+08:00"]
    events = [EVENT | {"event_id": f"e{n}", "occurred_at": moment} for n, moment in enumerate(moments)]
    undated = {key: EVENT[key] for key in ("demand_id", "achievement_id")} | {"kind": "judgement", "level": 3}
    events += [undated | {"event_id": f"j{n}"} for n in range(2)] + [EVENT | {"event_id": "x", "demand_id": "D2"}]
    assert server.post("/v1/events", json=events).json()["added"] == 6
    found, cursor = [], ""
    for _ in range(6):
        page = server.get("/v1/demands/D1/events", params={"limit": 1, "cursor": cursor}).json()
        found += [item["event_id"] for item in page["items"]]
        if (cursor := page["next_cursor"]) == "":
            break
    assert found == ["j0", "j1", "e1", "e0", "e2"]
    of_offer = server.get("/v1/achievements/A1/events").json()["items"]
    assert [item["event_id"] for item in of_offer] == ["j0", "j1", "e1", "e0", "e2", "x"]
    assert server.get("/v1/demands/nobody/events").json() == {"items": [], "next_cursor": ""}


def test_an_unchanged_answer_is_not_sent_again(server):
    server.put("/v1/demands/D1", json={"demand_id": "D1", "title": "题"})
    first = server.get("/v1/demands/D1")
    tag = first.headers["ETag"]
    again = server.get("/v1/demands/D1", headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    server.put("/v1/demands/D1", json={"demand_id": "D1", "title": "另一题"})
    assert server.get("/v1/demands/D1", headers={"If-None-Match": tag}).status_code == 200


def test_long_answers_are_compressed_for_who_can_read_that(server):
    with server.stream("GET", "/openapi.json", headers={"Accept-Encoding": "gzip"}) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["Content-Encoding"] == "gzip"
    plain = server.get("/openapi.json", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(raw) == plain.content
    assert len(raw) < len(plain.content) / 4
    assert "Content-Encoding" not in server.get("/dashboard/login", headers={"Accept-Encoding": "gzip"}).headers


def test_every_answer_says_how_much_may_still_be_asked(bare):
    def said(answer):
        return [int(answer.headers[f"RateLimit-{name}"]) for name in ("Limit", "Remaining", "Reset")]

    with running(bare) as server:
        limit, remaining, reset = said(server.get("/v1/demands"))
        assert (limit, 0 < remaining < limit, reset) == (1000, True, 1)
    with running(bare.model_copy(update={"serve_rate_limit": 0.01})) as server:
        assert said(server.get("/v1/demands")) == [1, 0, 100]
        refused = server.get("/v1/demands")
        assert (refused.status_code, said(refused)[:2]) == (429, [1, 0])
        assert int(refused.headers["Retry-After"]) >= 1


def test_operations_have_clean_ids(server):
    document = server.get("/openapi.json").json()
    ids = [operation["operationId"] for operations in document["paths"].values() for operation in operations.values()]
    assert len(set(ids)) == len(ids) > 25
    assert all(name.islower() and name.isidentifier() and "v1" not in name for name in ids)


@pytest.mark.parametrize("name", ["-", "—", "/", "无", "N/A", "null", "暂无", "　"])
def test_what_stands_for_no_id_is_none(server, bare, name):
    for kind in ("demand", "achievement"):
        answer = server.put(f"/v1/{kind}s/{quote(name, safe='')}", json={f"{kind}_id": name, "title": "题"})
        assert answer.status_code == 422
        line = json.dumps({f"{kind}_id": name, "title": "题"}).encode()
        answer = server.post(f"/v1/{kind}s:bulk", content=line, headers={"Content-Type": "application/x-ndjson"})
        assert (answer.json()["inserted"], answer.json()["rejected"]) == (0, 1)
        assert server.post("/v1/events", json=EVENT | {f"{kind}_id": name}).status_code == 422
    assert server.post("/v1/events", json=EVENT | {"event_id": name}).status_code == 422
    assert stored(bare) == {}


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_null_days_are_refused(server, day):
    answer = server.put("/v1/demands/D1", json={"demand_id": "D1", "title": "题", "deadline": day})
    assert (answer.status_code, day in answer.json()["detail"]) == (422, True)
    answer = server.put("/v1/achievements/A1", json={"achievement_id": "A1", "title": "题", "published_at": day})
    assert (answer.status_code, day in answer.json()["detail"]) == (422, True)
