"""Shards that are asked over a real Ray: a killed one, a late one, a second replica, another version."""

import os
import signal

import pytest
from prometheus_client import REGISTRY

from data.cluster import ray_workers
from data.errors import ClusterError
from serving.runtime.shards.client import RayShards
from serving.runtime.shards.lines import CLOSED, open_line
from serving.runtime.shards.places import NAMESPACE, Cluster, actor_name, kept_token
from tests.serving.conftest import wait_for
from tests.serving.runtime.shards.light import HELD, LightShard

PATIENCE = 20.0
STORE_BYTES = 80 * 2**20
EVERY = {0: ("a",), 1: ("b",)}


@pytest.fixture(scope="module")
def ray():
    before = dict(os.environ)
    yield (connected := ray_workers.connect("local", namespace=NAMESPACE, num_cpus=1, object_store_memory=STORE_BYTES))
    connected.shutdown()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def home(ray, tmp_path_factory):
    """Two shards, of which the second has one of its two replicas alone."""
    home, kind = tmp_path_factory.mktemp("shards"), ray.remote(LightShard)
    started = [
        kind.options(
            name=actor_name(2, shard, replica),
            namespace=NAMESPACE,
            lifetime="detached",
            max_restarts=-1,
            max_concurrency=4,
            num_cpus=0,
        ).remote(shard, kept_token(home))
        for shard, replica in ((0, 0), (0, 1), (1, 0))
    ]
    ray.get([actor.status.remote() for actor in started])
    Cluster(ray.get_runtime_context().gcs_address, "", 2).save(home, 2)
    return home


@pytest.fixture
def shards(home) -> RayShards:
    return RayShards(home, 2, HELD, PATIENCE)


def kill(ray, shard, replica):
    actor = ray.get_actor(actor_name(2, shard, replica), namespace=NAMESPACE)
    os.kill(ray.get(actor.status.remote())["pid"], signal.SIGKILL)


def test_all_shards_answer_and_none_is_lacking(shards):
    conversation = shards.begin()
    assert conversation.ask("ids", EVERY) == {0: [0, "a"], 1: [1, "b"]}
    assert conversation.lacks == shards.lacks == ()


def test_another_version_than_is_held_is_no_answer(home):
    conversation = RayShards(home, 2, "20261130-130000", PATIENCE).begin()
    assert conversation.ask("ids", EVERY) == {}
    assert conversation.lacks == ("shard 0", "shard 1")


def test_a_shard_that_fails_is_no_silence_and_its_line_goes_on(shards):
    conversation = shards.begin()
    with pytest.raises(ClusterError, match=r"shard 1 failed over 'size': ValueError: no size"):
        conversation.ask("size", {1: ()})
    assert conversation.ask("ids", EVERY) == {0: [0, "a"], 1: [1, "b"]}


def test_who_does_not_know_the_token_is_not_answered(ray, shards):
    shards.begin()
    with pytest.raises(CLOSED):
        open_line(shards._address((1, 0)), "guessed")


def counted(name, **labels):
    return REGISTRY.get_sample_value(name, labels) or 0


def test_a_late_shard_is_left_out_and_asked_no_more_in_the_same_request(shards):
    assert shards.begin().ask("ids", EVERY)
    shards.patience = 0.5
    conversation = shards.begin()
    assert conversation.ask("near", {1: ()}) == {}
    assert conversation.lacks == ("shard 1",)
    before = counted("gongxu_shard_unanswered_total", shard="1", question="ids")
    assert 1 not in conversation.ask("ids", EVERY)
    assert counted("gongxu_shard_unanswered_total", shard="1", question="ids") == before + 1
    assert counted("gongxu_shard_unanswered_total", shard="1", question="near") == 1
    assert counted("gongxu_shard_seconds_count", question="ids") > 0
    assert counted("gongxu_shard_seconds_count", question="near") == 0


def test_the_other_replica_is_asked_where_one_is_killed(ray, shards):
    shards.begin()
    kill(ray, 0, 0)
    conversation = shards.begin()
    assert conversation.ask("ids", EVERY) == {0: [0, "a"], 1: [1, "b"]}
    assert conversation.lacks == ()
    assert wait_for(lambda: len(shards.replicas_of(0)) == 2, 60)


def test_a_killed_shard_is_lacking_until_it_is_back_by_itself(ray, shards):
    shards.begin()
    kill(ray, 1, 0)
    conversation = shards.begin()
    answers = conversation.ask("ids", EVERY)
    assert answers[0] == [0, "a"]
    assert conversation.lacks == (() if 1 in answers else ("shard 1",))  # it may be back already
    assert wait_for(lambda: shards.begin().ask("ids", EVERY) == {0: [0, "a"], 1: [1, "b"]}, 60)
    assert wait_for(lambda: shards.lacks == (), 60)
