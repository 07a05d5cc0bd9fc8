"""A model is the same to the byte however its records are partitioned, and whichever process or node reads them."""

import os
from hashlib import sha256
from pathlib import Path

import pytest

from data.cluster import ray_workers
from data.cluster.ray_workers import open_workers
from data.cluster.workers import Workers
from data.errors import ClusterError
from matcher.model import MatchingModel
from models.encoder.base import CONTEXTUAL_DIRECTORY, load_encoder
from models.encoder.vector_cache import CachedEncoder
from tests.data.cluster.failing import fails_once, loses_its_node, never_has_room

STORE_BYTES = 80 * 2**20
QUIET = {"include_dashboard": False, "no_monitor": True, "include_log_monitor": False}


def digests(model: MatchingModel, folder: Path) -> dict[str, str]:
    """Return the digest of each file that a model's records are saved to."""
    folder.mkdir()
    model.save_records(folder)
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def whole(known, tmp_path_factory) -> dict[str, str]:
    """The files of the model that was built in one partition a side."""
    return digests(known.model, tmp_path_factory.mktemp("whole") / "bundle")


def test_many_partitions_give_the_same_bytes(known, whole, encoder, tmp_path):
    """The last partition of achievements, 36 in sevens, is of one record."""
    built = MatchingModel.build(known.world.achievements, known.world.demands, encoder, workers=Workers(size=7))
    assert digests(built, tmp_path / "bundle") == whole


@pytest.fixture(scope="module")
def cluster():
    """A Ray of one node with one processor, on 127.0.0.1."""
    before = dict(os.environ)
    ray_workers._set_environment(own=True)
    from ray.cluster_utils import Cluster

    cluster = Cluster()
    cluster.add_node(wait=False, num_cpus=1, object_store_memory=STORE_BYTES, **QUIET)
    yield cluster
    cluster.shutdown()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def reported() -> list[tuple[int, int]]:
    return []


@pytest.fixture(scope="module")
def workers(cluster, reported):
    with open_workers(cluster.address, lambda *progress: reported.append(progress), size=12) as workers:
        yield workers


@pytest.mark.slow
def test_a_lost_worker_and_a_full_disk_are_tried_again(workers, reported, tmp_path):
    del reported[:]
    assert list(workers.map(fails_once, range(4), tmp_path)) == [0, 1, 4, 9]
    assert reported == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.slow
def test_what_goes_on_failing_is_one_clear_line(workers, monkeypatch):
    with pytest.raises(ClusterError, match=r"^partition 1 of 2 of never_has_room failed .*No space left[^\n]*$"):
        list(workers.map(never_has_room, range(2), None))
    monkeypatch.setattr(ray_workers, "code_digest", lambda: "of another version")
    with pytest.raises(ClusterError, match=r"^node 127\.0\.0\.1 runs another gongxu[^\n]*$"):
        list(workers.map(never_has_room, range(2), None))


@pytest.mark.slow
def test_a_lost_node_costs_no_result(cluster, workers, tmp_path):
    import ray

    safe = ray.get_runtime_context().get_node_id()
    lost = cluster.add_node(wait=False, num_cpus=1, object_store_memory=STORE_BYTES, **QUIET)
    cluster.wait_for_nodes(timeout=500)
    assert list(workers.map(loses_its_node, range(6), (tmp_path / "lost", safe))) == [0, -1, -2, -3, -4, -5]
    cluster.remove_node(lost, allow_graceful=False)


@pytest.mark.slow
def test_a_cluster_gives_the_same_bytes(workers, known, whole, encoder, tmp_path):
    built = MatchingModel.build(known.world.achievements, known.world.demands, encoder, workers=workers)
    assert digests(built, tmp_path / "bundle") == whole


@pytest.mark.slow
def test_a_cluster_reads_texts_in_context_once(workers, known, tmp_path):
    encoder = load_encoder(str(CONTEXTUAL_DIRECTORY))
    texts = [record.title for record in known.world.demands]
    cached = CachedEncoder(encoder, tmp_path, workers=workers)
    assert (cached.encode(texts, "query") == encoder.encode(texts, "query")).all()
    assert cached.encoded_ == len(set(texts))
    assert (cached.encode(texts, "query") == encoder.encode(texts, "query")).all()
    assert cached.encoded_ == len(set(texts))
