"""The hot routes: what they answer, and that they answer what the engine says."""

import pytest

from data.clocks import china_today
from data.records import Demand
from data.store.store import Store
from matcher.collection.filters import Filters
from matcher.engine import Engine
from tests.some import some

URL = "/v1/recommendations/achievements"


@pytest.fixture(scope="module")
def demand(platform):
    with Store.open(platform.settings.store_url) as store:
        return next(store.demands())


@pytest.fixture(scope="module")
def achievement(platform):
    with Store.open(platform.settings.store_url) as store:
        return next(store.achievements())


def test_answer_is_the_engines(reader, model, demand):
    expected = Engine(model).recommend_achievements(demand, top=5)
    answer = reader.post(URL, json={"demand_id": demand.demand_id, "top_k": 5})
    assert answer.status_code == 200
    body = answer.json()
    assert body["request_id"] == answer.headers["X-Request-ID"]
    assert [item["id"] for item in body["items"]] == [match.id for match in expected.items]
    assert {key: body[key] for key in ("answered", "message", "degraded", "bundle_version", "subject_id")} == {
        key: getattr(expected, key) for key in ("answered", "message", "degraded", "bundle_version", "subject_id")
    }


def test_other_direction(reader, model, achievement):
    expected = Engine(model).recommend_demands(achievement, top=3, filters=Filters().on(china_today()))
    answer = reader.post(
        "/v1/recommendations/demands", json={"achievement_id": achievement.achievement_id, "top_k": 3}
    ).json()
    assert [item["id"] for item in answer["items"]] == [match.id for match in expected.items]


def test_inline_demand_is_answered_like_the_stored_one(reader, demand):
    inline = demand.model_dump(mode="json")
    by_id = reader.post(URL, json={"demand_id": demand.demand_id}).json()
    sent_along = reader.post(URL, json={"demand": inline}).json()
    assert sent_along["items"] == by_id["items"]


def test_inline_demand_needs_no_id(reader, demand):
    body = {"demand": {"title": demand.title, "content": demand.content}}
    answer = reader.post(URL, json=body)
    assert answer.status_code == 200
    assert answer.json()["subject_id"] is None


def test_text_is_answered_like_the_demand_it_states(reader, model, demand):
    text = f"{demand.title}。{demand.content}"
    expected = Engine(model).recommend_achievements(Demand.of_text(text))
    found = reader.post(URL, json={"text": text}).json()
    assert [item["id"] for item in found["items"]] == [match.id for match in expected.items]


def test_filters_and_exclusions_hold(reader, platform, demand):
    everything = {"top_k": 200, "filters": {"statuses": []}, "demand_id": demand.demand_id}
    free = reader.post(URL, json=everything).json()["items"]
    region, excluded = free[0]["region"], free[1]["id"]
    province = f"{region[:2]}0000"
    body = everything | {"filters": {"statuses": [], "regions": [province], "exclude": [excluded]}}
    found = reader.post(URL, json=body).json()["items"]
    assert found
    assert all(item["region"].startswith(region[:2]) and item["id"] != excluded for item in found)


def test_reasons_come_when_asked_for(reader, demand):
    def reasons(explain):
        body = {"demand_id": demand.demand_id, "explain": explain}
        return [item["reasons"] for item in reader.post(URL, json=body).json()["items"]]

    assert not any(reasons("none"))
    full, brief = reasons("full"), reasons("brief")
    assert any(full)
    assert [[r["text"] for r in some if r["kind"] != "caution"] for some in full] == [
        [r["text"] for r in some] for some in brief
    ]
    assert not any(reason["evidence"] for some in brief for reason in some)


def test_unknown_id_names_near_ones(reader, demand):
    answer = reader.post(URL, json={"demand_id": demand.demand_id + "9"})
    problem = answer.json()
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == "urn:gongxu:problem:not-found"
    assert demand.demand_id in problem["nearest_ids"]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "body"),
        ({"demand_id": "D1", "text": "x"}, "body"),
        ({"text": "   "}, "body.text"),
        ({"text": "污泥", "top_k": 0}, "body.top_k"),
        ({"text": "污泥", "top_k": 10**30}, "body.top_k"),
        ({"text": "污泥", "filters": {"regions": ["河南"]}}, "body.filters.regions.0"),
        ({"text": "污泥", "filters": {"budget": -1}}, "body.filters.budget"),
        ({"text": "污泥", "nonsense": 1}, "body.nonsense"),
        ({"demand": {"title": ""}}, "body.demand.title"),
        ({"text": "长" * 50_001}, "body.text"),
    ],
)
def test_invalid_request_names_the_value(reader, body, where):
    answer = reader.post(URL, json=body)
    problem = answer.json()
    assert answer.status_code == 422
    assert problem["type"] == "urn:gongxu:problem:invalid-request"
    assert where in [fault["where"] for fault in problem["errors"]]
    assert {"title", "title_en", "detail", "instance", "request_id"} <= problem.keys()


def test_text_that_says_nothing_is_refused(reader):
    answer = reader.post(URL, json={"text": "详见附件"})
    assert answer.status_code == 422
    assert "没有可供匹配的内容" in answer.json()["detail"]


@pytest.mark.parametrize("raw", [b"{", b'{"text": "\xff"}', b'{"text": NaN}', b'{"text": "\\ud800"}', b"", b"[]"])
def test_body_that_is_no_request(reader, raw):
    answer = reader.post(URL, content=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


def test_unknown_path_and_method_are_problems(reader):
    for answer, status in ((reader.get("/v1/nothing"), 404), (reader.get(URL), 405)):
        assert answer.status_code == status
        assert answer.json()["status"] == status


def test_openapi_has_examples_that_work_and_problems_only(reader):
    document = reader.get("/openapi.json").json()
    assert "HTTPValidationError" not in document["components"]["schemas"]
    operation = document["paths"][URL]["post"]
    examples = operation["requestBody"]["content"]["application/json"]["examples"]
    for name, example in some(examples.items()):
        expected = 404 if name == "by id" else 200  # the example's id is not one of the tiny platform's
        body = example["value"]
        if "demand_id" in body:
            body = body | {"demand_id": "no such demand"}
        assert reader.post(URL, json=body).status_code == expected, name
    for status, response in some(operation["responses"].items()):
        kind = "application/json" if status == "200" else "application/problem+json"
        assert kind in response["content"], status


def test_documentation_page_loads_nothing_from_elsewhere(reader):
    page = reader.get("/docs")
    assert page.status_code == 200
    assert "https://" not in page.text.split("</head>")[0]
    assert "script-src 'self'" in page.headers["content-security-policy"]


def test_security_headers_everywhere(reader):
    for path in ("/healthz", "/v1/nothing", "/openapi.json"):
        headers = reader.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert len(headers["X-Request-ID"]) == 32


def test_same_filters_as_the_engines(reader, model, demand):
    filters = Filters(trl_at_least=6)
    expected = Engine(model).recommend_achievements(demand, filters=filters)
    found = reader.post(URL, json={"demand_id": demand.demand_id, "filters": {"trl_at_least": 6}}).json()
    assert [item["id"] for item in found["items"]] == [match.id for match in expected.items]


def test_diversity_limits_how_often_an_owner_stands_in_the_list(reader, model, demand):
    def owners(diversity):
        body = {"demand_id": demand.demand_id, "top_k": 10, "diversity": diversity, "filters": {"statuses": []}}
        items = reader.post(URL, json=body).json()["items"]
        expected = Engine(model).recommend_achievements(demand, filters=Filters.none(), diversity=diversity).items
        assert [item["id"] for item in items] == [match.id for match in expected]
        return [item["owner"] for item in items if item["owner"]]

    free, balanced, high = owners("none"), owners("balanced"), owners("high")
    assert len(set(free)) <= len(set(balanced)) <= len(set(high))
    assert reader.post(URL, json={"text": "污泥", "diversity": "some"}).status_code == 422


def test_answer_says_that_nothing_is_lacking(reader, demand):
    answer = reader.post(URL, json={"demand_id": demand.demand_id}).json()
    assert (answer["degraded"], answer["lacks"]) == (False, [])
    assert not {"features_digest", "proposed"} & {*answer, *(name for item in answer["items"] for name in item)}
