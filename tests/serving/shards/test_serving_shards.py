"""A server that asks shards: the answers of one that holds the bundle, the store followed, two versions held."""

from datetime import UTC, datetime
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from data.records import Achievement
from data.store.store import Store
from data.taxonomy.industry_chain import Chain, ChainNode
from matcher.bundle import current_bundle, set_current
from matcher.shards.asking import AskingEngine
from matcher.shards.part import SIDES, Cutter, load_part, part_of, shard_of
from serving.runtime import live
from serving.runtime.shards.absent import Absent
from serving.runtime.shards.loading import open_engine
from serving.runtime.shards.places import asking_name, part_folder
from serving.shards.actor import ShardActor
from serving.shards.exporter import export
from tests.serving.conftest import copy_of, running, wait_for
from tests.some import some

SHARDS = 2
ASKED = {"text": "低温污泥干化设备，处理量每天50吨，含水率降到40%以下", "top_k": 5, "explain": "full"}
NEW = Achievement(achievement_id="A-shards", title="石墨烯散热膜卷对卷制备", content="石墨烯散热膜，导热系数1500W/mK")


class InThisProcess:
    """The actors of all shards as plain objects, of which one may be silent."""

    count, patience = SHARDS, 1.0

    def __init__(self, actors, version):
        self.actors, self.version, self.silent = actors, version, set()

    @property
    def lacks(self):
        return tuple(f"shard {shard}" for shard in sorted(self.silent))

    def begin(self):
        return Conversation(self)


class Conversation:
    def __init__(self, shards):
        self._shards = shards
        self.lacks = shards.lacks

    def ask(self, question, of):
        known = {shard: given for shard, given in of.items() if shard not in self._shards.silent}
        actors, version = self._shards.actors, self._shards.version
        return {shard: actors[shard].ask(version, question, *given) for shard, given in known.items()}


@pytest.fixture(scope="module")
def cut(platform, tmp_path_factory):
    """Settings of a copy of the platform whose bundle is cut, and the actors of its shards."""
    settings = copy_of(platform, tmp_path_factory.mktemp("shards") / "home").model_copy(update={"serve_shards": True})
    cutter = Cutter(current_bundle(settings.bundles), SHARDS)
    version = cutter.manifest.version
    for shard in range(SHARDS):
        folder = part_folder(settings.home, SHARDS, shard)
        set_current(folder, cutter.write(folder, shard).name)
    set_current(settings.asking, cutter.write(settings.asking, None, asking_name(version, SHARDS)).name)
    return settings, [ShardActor(settings, SHARDS, shard, "127.0.0.1") for shard in range(SHARDS)], version


@pytest.fixture(scope="module")
def served(cut):
    """A client to a server that asks the shards, and these."""
    settings, actors, version = cut
    shards = InThisProcess(actors, version)

    def opened(directory, threads, manifest):
        if (part := part_of(directory)).shard is not None:
            return open_engine(directory, threads, manifest)
        return AskingEngine(load_part(directory, threads, manifest), part, shards)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(live, "open_engine", opened)
        with running(settings) as client:
            yield client, shards


def metric(client, name, label="shard"):
    families = {family.name: family for family in text_string_to_metric_families(client.get("/metrics").text)}
    return {sample.labels[label]: sample.value for sample in families[name].samples}


def answer(client, asked=ASKED):
    found = client.post("/v1/recommendations/achievements", json=asked)
    assert found.status_code == 200, found.text
    return found.json()


def test_it_answers_as_a_server_does_that_holds_the_bundle(served, reader):
    client, _ = served
    ours, theirs = answer(client), answer(reader)
    for given in (ours, theirs):
        for name in ("request_id", "items"):
            given[name] = [item["id"] for item in given[name]] if name == "items" else ""
    assert ours == theirs
    assert ours["items"]
    ready = client.get("/readyz").json()
    expected = reader.get("/readyz").json()
    assert [ready[name] for name in ("status", *SIDES)] == [expected[name] for name in ("status", *SIDES)]


def test_a_silent_shard_is_named_and_its_answer_not_kept(served):
    client, shards = served
    asked = ASKED | {"text": "污泥干化后的余热怎样回收"}
    shards.silent = {1}
    partial = answer(client, asked)
    shards.silent = {0, 1}
    refused = client.post("/v1/recommendations/achievements", json=asked | {"top_k": 6})
    wait_for(lambda: metric(client, "gongxu_shard_silent") == {"0": 1.0, "1": 1.0})
    assert client.get("/readyz").json()["lacks"] == ["shard 0", "shard 1"]
    shards.silent = set()
    assert partial["lacks"] == ["shard 1"]
    assert partial["degraded"]
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:gongxu:problem:shards-silent")
    assert answer(client, asked)["lacks"] == []
    wait_for(lambda: metric(client, "gongxu_shard_silent") == {"0": 0.0, "1": 0.0})


READ = (
    "/v1/demands/{demand}/gaps",
    "/v1/demands/{demand}/completeness",
    "/v1/demands/{demand}/clarifications",
    "/v1/demands/{demand}/similar",
    "/v1/achievements/{achievement}/advice",
    "/v1/achievements/{achievement}/cards",
    "/v1/matches/{demand}/{achievement}",
    "/v1/matches/{demand}/{achievement}/requirements",
    "/v1/graph/paths?demand_id={demand}&achievement_id={achievement}",
    "/v1/graph/gaps",
    "/v1/graph/terms/污泥",
)


@pytest.fixture(scope="module")
def records(served):
    client, _ = served
    with Store.open(client.app.state.services.settings.store_url) as store:
        return {
            "demand": next(iter(store.demands())).demand_id,
            "achievement": next(iter(store.achievements())).achievement_id,
        }


def without_ids(given):
    return {name: value for name, value in given.items() if name != "request_id"}


@pytest.mark.parametrize("path", READ)
def test_what_reads_records_answers_as_a_server_does_that_holds_the_bundle(served, reader, records, path):
    ours, theirs = (client.get(path.format(**records)) for client in (served[0], reader))
    assert theirs.status_code == 200, theirs.text
    assert ours.status_code == 200, ours.text
    assert without_ids(ours.json()) == without_ids(theirs.json())


def paths_of(routes, prefix=""):
    """Return the paths of pages and answers that take no parameter."""
    found = set()
    for route in routes:
        path = prefix + getattr(route, "path", "")
        if getattr(route, "routes", None):
            found |= paths_of(route.routes, path)
        elif "GET" in (getattr(route, "methods", None) or ()) and "{" not in path:
            found.add(path)
    return found


def test_every_page_is_there_as_on_a_server_that_holds_the_bundle(served, reader):
    paths = sorted(paths_of(served[0].app.routes))
    assert len([path for path in paths if path.startswith("/dashboard")]) > 20
    expected = {path: reader.get(path).status_code for path in paths}
    assert {path: served[0].get(path).status_code for path in paths} == expected


def test_what_counts_over_all_records_is_refused_by_name(served):
    client, _ = served
    with Store.open(client.app.state.services.settings.store_url) as store:
        store.chains.put(Chain("c", "环保", (ChainNode("n", "污泥低温干化"),)), datetime.now(UTC))
    refused = client.get("/v1/chains/c")
    assert (refused.status_code, refused.json()["type"]) == (501, "urn:gongxu:problem:not-on-shards")


def test_other_kinds_are_found_beside(served):
    client, _ = served
    client.put("/v1/records/service/S-shards", json={"title": "污泥含水率检测", "service_class": "检验检测认证"})
    asked = {"for": {"text": "需要检测污泥含水率"}, "kinds": {"service": 3, "achievement": 3}}

    def found():
        answered = client.post("/v1/recommendations", json=asked)
        assert answered.status_code == 200, answered.text
        return {one["kind"]: [item["id"] for item in one["items"]] for one in answered.json()["kinds"]}

    wait_for(lambda: found()["service"] == ["S-shards"])
    assert len(found()["achievement"]) == 3


def test_a_bundle_of_parts_is_put_together(served):
    asked = {"demand": {"text": ASKED["text"]}, "roles": {"technology": {}}, "limits": {"budget": 2000}}
    found = served[0].post("/v1/bundles", json=asked)
    assert found.status_code == 200, found.text
    assert found.json()["bundles"]


def test_a_standing_request_is_matched_with_what_all_shards_hold_and_what_is_written(served):
    client, shards = served
    for shard in some(range(SHARDS)):  # one that each of them holds
        name = next(f"W{number}" for number in range(99) if shard_of(f"W{number}", SHARDS) == shard)
        text = {"title": "甘蔗尾叶青贮打捆", "content": f"甘蔗尾叶青贮打捆第{shard}套"}
        assert client.put(f"/v1/achievements/{name}", json={"achievement_id": name} | text).status_code == 200
    shards.silent = {1}
    assert client.put("/v1/standing/S1", json={"for": {"text": "甘蔗尾叶青贮打捆"}}).status_code == 200

    def noticed():
        return {one["record_id"] for one in client.get("/v1/matches/new").json()["matches"]}

    assert noticed() == set()
    assert not client.get("/v1/standing/S1").json()["settled"]
    shards.silent = set()
    wait_for(lambda: len(noticed()) == SHARDS)
    client.put("/v1/demands/W-new", json={"demand_id": "W-new", "title": "甘蔗尾叶青贮"})
    client.put("/v1/achievements/W-new", json={"achievement_id": "W-new", "title": "甘蔗尾叶青贮打捆机"})
    wait_for(lambda: "W-new" in noticed())


def test_a_written_record_is_found_through_its_shard(served):
    client, shards = served
    written = client.put(
        f"/v1/achievements/{NEW.achievement_id}", json=NEW.model_dump(mode="json", exclude_defaults=True)
    )
    assert written.status_code in (200, 201), written.text
    asked = {"text": NEW.title, "top_k": 3}
    wait_for(lambda: NEW.achievement_id in [item["id"] for item in answer(client, asked)["items"]])
    held = [NEW.achievement_id in actor.ask(shards.version, "ids", "achievements") for actor in shards.actors]
    assert sorted(held) == [False, True]


def test_actors_say_how_they_are_for_prometheus(served):
    _, shards = served
    statuses = {(shard, 0): actor.status() for shard, actor in enumerate(shards.actors)} | {(1, 1): None}
    port = export(lambda: statuses, "127.0.0.1", 0)
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as response:
        told = response.read().decode()
    found = {
        (sample.name, sample.labels["shard"], sample.labels["replica"]): sample.value
        for family in text_string_to_metric_families(told)
        for sample in family.samples
    }
    ups = {replica: found["gongxu_shard_up", *replica] for replica in (("0", "0"), ("1", "0"), ("1", "1"))}
    assert ups == {("0", "0"): 1, ("1", "0"): 1, ("1", "1"): 0}
    assert ("gongxu_shard_revision", "1", "1") not in found
    assert found["gongxu_shard_revision", "0", "0"] >= 1
    assert found["gongxu_shard_memory_bytes", "0", "0"] > 10**8
    assert 0 <= found["gongxu_shard_behind_seconds", "0", "0"] < 60
    assert f'gongxu_shard_holds{{replica="0",shard="0",version="{shards.version}"}} 1.0' in told
    records = sum(status["records"]["demands"] for status in statuses.values() if status)
    assert records == served[0].get("/readyz").json()["demands"]


def test_a_shard_holds_the_version_before_beside_the_current_one(cut, platform):
    settings, actors, version = cut
    folder, other = part_folder(settings.home, SHARDS, 0), platform.built.name
    assert isinstance(actors[0].ask(other, "size", "demands"), Absent)
    set_current(folder, Cutter(settings.bundles / other, SHARDS).write(folder, 0).name)
    wait_for(lambda: actors[0].status()["versions"] == [other, version])
    assert actors[0].ask(other, "size", "demands") == actors[0].ask(version, "size", "demands") > 0
