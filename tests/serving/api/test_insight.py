"""Similar records, one pair explained, many subjects at once, bundles listed and changed."""

import json

import pytest

from data.locks import exclusive
from data.store.store import Store
from matcher.bundle import CURRENT, PREVIOUS, pointed
from matcher.served import JOURNAL, LOCK
from serving.access.credentials import add_key
from serving.access.roles import Role
from tests.serving.conftest import wait_for
from tests.some import some


@pytest.fixture(scope="module")
def records(platform):
    with Store.open(platform.settings.store_url) as store:
        return list(store.demands()), list(store.achievements())


def test_similar_records_are_the_nearest_others(reader, model, records):
    offer = records[1][0]
    items = reader.get(f"/v1/achievements/{offer.achievement_id}/similar", params={"top_k": 5}).json()["items"]
    similarity = [item["similarity"] for item in items]
    assert len(items) == 5
    assert similarity == sorted(similarity, reverse=True)
    assert offer.achievement_id not in [item["id"] for item in items]
    vectors = model.record_encoder.achievements(records[1]).texts.full.vectors
    assert similarity[0] == pytest.approx(sorted(vectors @ vectors[0])[-2], abs=1e-3)


def test_cards_quote_the_record_and_the_demands_within_reach(reader, records):
    for offer in some(records[1][:8]):
        answer = reader.get(f"/v1/achievements/{offer.achievement_id}/cards").json()
        assert [card["name"] for card in answer["cards"]] == ["maturity", "market", "risk"]
        found = {one["name"]: one for card in answer["cards"] for one in card["indicators"]}
        assert offer.trl in (None, found["declared"]["value"])
        body = {"achievement_id": offer.achievement_id, "top_k": 50}
        listed = reader.post("/v1/recommendations/demands", json=body).json()
        least = listed["verdict"]["threshold"]
        assert (found["demands"]["value"] or 0) == sum(item["probability"] >= least for item in listed["items"])
        assert all(one["evidence"] or one["status"] == "unknown" for one in found.values())
    assert reader.get("/v1/achievements/unheard-of/cards").status_code == 404


def test_similar_demands(reader, records):
    demand_id = records[0][0].demand_id
    assert len(reader.get(f"/v1/demands/{demand_id}/similar").json()["items"]) == 10
    assert reader.get("/v1/demands/unheard-of/similar").status_code == 404
    assert reader.get(f"/v1/demands/{demand_id}/similar?top_k=0").status_code == 422


def test_pair_has_the_probability_of_the_list(reader, records):
    demand_id = records[0][0].demand_id
    body = {"demand_id": demand_id, "explain": "full"}
    (best, *_) = reader.post("/v1/recommendations/achievements", json=body).json()["items"]
    pair = reader.get(f"/v1/matches/{demand_id}/{best['id']}").json()
    assert pair["demand_id"] == demand_id
    assert pair["match"]["probability"] == best["probability"]
    assert [reason["text"] for reason in pair["match"]["reasons"]] == [reason["text"] for reason in best["reasons"]]


def test_unknown_pair(reader, records):
    assert reader.get(f"/v1/matches/unheard-of/{records[1][0].achievement_id}").status_code == 404


def test_batch_answers_each_like_a_single_request(reader, records):
    ids = [demand.demand_id for demand in records[0][:3]]
    requests = [{"demand_id": demand_id, "top_k": 3} for demand_id in [*ids, "no such demand"]]
    body = reader.post("/v1/recommendations/achievements:batch", json={"requests": requests}).json()
    *answers, failed = body["results"]
    for demand_id, result in some(zip(ids, answers, strict=True)):
        alone = reader.post("/v1/recommendations/achievements", json={"demand_id": demand_id, "top_k": 3}).json()
        assert result["answer"]["items"] == alone["items"]
        assert result["answer"]["request_id"].startswith(body["request_id"])
    assert failed["answer"] is None
    assert failed["problem"]["status"] == 404


def test_batch_of_the_other_direction_and_its_limits(reader, records):
    url = "/v1/recommendations/demands:batch"
    one = {"achievement_id": records[1][0].achievement_id}
    assert len(reader.post(url, json={"requests": [one] * 2}).json()["results"]) == 2
    assert reader.post(url, json={"requests": [one] * 101}).status_code == 422
    assert reader.post(url, json={"requests": []}).status_code == 422


def as_admin(client, site):
    """Let the client send an administrator's key from now on."""
    with Store.open(site.store_url) as store:
        client.headers["Authorization"] = f"Bearer {add_key(store, 'admin', Role.ADMIN)}"
    wait_for(lambda: client.get("/v1/models", headers={"Authorization": "Bearer no"}).status_code == 401)


def journal(site):
    path = site.home / JOURNAL
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []


def test_models_are_listed_and_changed(client, site, platform):
    as_admin(client, site)
    listed = client.get("/v1/models").json()["models"]
    assert [model["version"] for model in listed if model["serving"]] == [platform.trained.name]
    assert {platform.built.name, platform.trained.name} == {model["version"] for model in listed}
    answer = client.post("/v1/models/reload", json={"version": platform.built.name})
    assert answer.json() == {"bundle_version": platform.built.name}
    assert client.get("/readyz").json()["bundle_version"] == platform.built.name
    assert (site.bundles / CURRENT).read_text().strip() == platform.built.name
    with Store.open(site.store_url) as store:
        assert store.api_keys.trail()[0].action == "models.reload"
    (entry,) = journal(site)
    assert (entry["action"], entry["candidate"], entry["champion"]) == (
        "reload",
        platform.built.name,
        platform.trained.name,
    )
    assert pointed(site.bundles, PREVIOUS) == platform.trained.name
    # back again, and the way back does not lead to what was left
    assert client.post("/v1/models/reload", json={"version": platform.trained.name}).status_code == 200
    assert pointed(site.bundles, PREVIOUS) == ""


def test_reload_refuses_a_damaged_or_unknown_bundle(client, site, platform):
    as_admin(client, site)
    assert client.post("/v1/models/reload", json={"version": "../../etc"}).status_code == 404
    (site.bundles / platform.built.name / "viewer" / "text" / "extra").write_text("x")
    answer = client.post("/v1/models/reload", json={"version": platform.built.name})
    assert answer.status_code == 422
    assert str(site.home) not in answer.text
    assert client.get("/readyz").json()["bundle_version"] == platform.trained.name
    # refused means: nothing has changed, now or at the next start
    assert pointed(site.bundles, CURRENT) == platform.trained.name
    assert client.get("/readyz").json()["rejected_bundle"] is None
    assert journal(site) == []
    assert client.post("/v1/models/reload", json={}).json() == {"bundle_version": platform.trained.name}


def test_reload_is_no_way_around_the_gate(client, site, platform):
    as_admin(client, site)
    folder = site.home / "candidates" / platform.built.name
    folder.mkdir(parents=True)
    for decision in ("", "refused"):
        (folder / "candidate.json").write_text(json.dumps({"decision": decision}))
        answer = client.post("/v1/models/reload", json={"version": platform.built.name})
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:gongxu:problem:not-promoted")
    assert (pointed(site.bundles, CURRENT), journal(site)) == (platform.trained.name, [])
    with exclusive(site.home / LOCK, "promotion"):
        answer = client.post("/v1/models/reload", json={})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:gongxu:problem:busy")


def test_metrics_count_what_happened(client):
    def value(name):
        lines = client.get("/metrics").text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    asked = 'gongxu_requests_total{method="POST",route="/v1/recommendations/achievements",status="200"}'
    before = value(asked)
    client.post("/v1/recommendations/achievements", json={"text": "污泥干化设备"})
    assert value(asked) == before + 1
    assert value("gongxu_stage_seconds_count") > 0
    assert value("gongxu_bundle_created_timestamp_seconds") > 1.7e9
    written = value("gongxu_impressions_total")
    client.post("/v1/recommendations/achievements", json={"demand_id": "D000001", "top_k": 2})
    wait_for(lambda: value("gongxu_impressions_total") == written + 2)
