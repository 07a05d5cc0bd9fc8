"""A server that asks shards: the answers of one that holds the bundle, the store followed, two versions held."""

import pytest

from data.records import Achievement
from data.store.store import Store
from matcher.bundle import current_bundle, set_current
from matcher.shards.asking import AskingEngine
from matcher.shards.part import SIDES, Cutter, load_part, part_of
from serving.runtime import live
from serving.runtime.shards.absent import Absent
from serving.runtime.shards.loading import open_engine
from serving.runtime.shards.places import asking_name, part_folder
from serving.shards.actor import ShardActor
from tests.serving.conftest import copy_of, running, wait_for

SHARDS = 2
ASKED = {"text": "低温污泥干化设备，处理量每天50吨，含水率降到40%以下", "top_k": 5, "explain": "full"}
NEW = Achievement(achievement_id="A-shards", title="石墨烯散热膜卷对卷制备", content="石墨烯散热膜，导热系数1500W/mK")


class InThisProcess:
    """The actors of all shards as plain objects, of which one may be silent."""

    count, patience, lacks = SHARDS, 1.0, ()

    def __init__(self, actors, version):
        self.actors, self.version, self.silent = actors, version, set()

    def begin(self):
        return Conversation(self)


class Conversation:
    def __init__(self, shards):
        self._shards = shards
        self.lacks = tuple(f"shard {shard}" for shard in sorted(shards.silent))

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
    shards.silent = set()
    assert partial["lacks"] == ["shard 1"]
    assert partial["degraded"]
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:gongxu:problem:shards-silent")
    assert answer(client, asked)["lacks"] == []


def test_what_needs_all_records_is_refused_by_name(served):
    client, _ = served
    with Store.open(client.app.state.services.settings.store_url) as store:
        demand = next(iter(store.demands())).demand_id
    refused = client.get(f"/v1/demands/{demand}/gaps")
    assert (refused.status_code, refused.json()["type"]) == (501, "urn:gongxu:problem:not-on-shards")


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


def test_a_shard_holds_the_version_before_beside_the_current_one(cut, platform):
    settings, actors, version = cut
    folder, other = part_folder(settings.home, SHARDS, 0), platform.built.name
    assert isinstance(actors[0].ask(other, "size", "demands"), Absent)
    set_current(folder, Cutter(settings.bundles / other, SHARDS).write(folder, 0).name)
    wait_for(lambda: actors[0].status()["versions"] == [other, version])
    assert actors[0].ask(other, "size", "demands") == actors[0].ask(version, "size", "demands") > 0
