"""Graph questions over HTTP, and everything exported at once."""

import orjson
import pytest

from data.store.store import Store
from knowledge_graph.queries.supply import balances


@pytest.fixture(scope="module")
def graph(model):
    return model.graph


def test_term_with_its_neighbours(reader, graph):
    number = max(range(len(graph.vocabulary.terms)), key=lambda place: len(graph.vocabulary.terms[place]))
    term = graph.vocabulary.terms[number]
    answer = reader.get(f"/v1/graph/terms/{term}").json()
    assert answer["term"] == term
    assert answer["achievements"] + answer["demands"] > 0


def test_unknown_term(reader):
    assert reader.get("/v1/graph/terms/没有这个术语").status_code == 404


def test_paths_between_stored_records(reader, platform, graph):
    with Store.open(platform.settings.store_url) as store:
        demand = next(store.demands())
    body = {"demand_id": demand.demand_id, "top_k": 1, "filters": {"statuses": []}}
    (best,) = reader.post("/v1/recommendations/achievements", json=body).json()["items"]
    asked = {"demand_id": demand.demand_id, "achievement_id": best["id"]}
    answer = reader.get("/v1/graph/paths", params=asked).json()
    row = graph.achievement_ids.index(best["id"])
    assert len(answer["paths"]) == len(graph.paths(graph.describe(demand), row))
    assert reader.get("/v1/graph/paths", params=asked | {"achievement_id": "unheard-of"}).status_code == 404
    assert reader.get("/v1/graph/paths", params=asked | {"demand_id": "unheard-of"}).status_code == 404


def test_gaps_are_the_graphs(reader, graph):
    expected = [row.name for row in balances(graph) if row.score > 0][:20]
    assert [gap["name"] for gap in reader.get("/v1/graph/gaps").json()["gaps"]] == expected
    surplus = reader.get("/v1/graph/gaps", params={"surplus": True}).json()["gaps"]
    assert all(gap["score"] < 0 for gap in surplus)


@pytest.mark.parametrize(("side", "other"), [("achievements", "demands"), ("demands", "achievements")])
def test_export_holds_every_subject_once_and_its_summary(client, side, other):
    answer = client.get(f"/v1/recommendations/{side}/export", params={"top_k": 2})
    assert answer.headers["content-type"] == "application/x-ndjson"
    *lines, last = [orjson.loads(line) for line in answer.content.splitlines()]
    expected = client.get("/readyz").json()[other]
    assert last == {"summary": {"subjects": expected, "answered": expected}}
    subjects = [line["subject_id"] for line in lines]
    assert len(set(subjects)) == len(subjects) == expected
    key = f"{other.removesuffix('s')}_id"
    alone = client.post(f"/v1/recommendations/{side}", json={key: subjects[0], "top_k": 2}).json()
    assert lines[0]["items"] == alone["items"]
