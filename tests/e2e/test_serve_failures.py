"""What a server does while something is broken, and that it recovers without a restart: one thing after the other."""

import os
import resource
import shutil
import signal
import sqlite3
import threading
import time
from contextlib import contextmanager

import httpx2
import psutil
import pytest
import sqlalchemy as sa

from data.records import EventKind
from data.store.store import Store
from gongxu_client import new_event
from matcher.bundle import read_manifest, set_current, write_manifest
from tests.contracts.conftest import new_postgresql, postgresql, postgresql_server  # noqa: F401  fixtures
from tests.e2e.servers import copy_of, served, wait_until

URL = "/v1/recommendations/achievements"
TEXT = {"text": "污泥低温干化设备，含水率降到40%以下"}
STORED = {"demand_id": "D000001"}
UNAVAILABLE = "urn:gongxu:problem:store-unavailable"


class Talk:
    """A client that shows answers as they are, without sending anything again."""

    def __init__(self, url: str, pid: int, home) -> None:
        self.http = httpx2.Client(base_url=url, timeout=30)
        self.pid = pid
        self.home = home
        self._written = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.close()

    def ask(self, body=None) -> httpx2.Response:
        return self.http.post(URL, json=body or TEXT)

    def write(self) -> httpx2.Response:
        self._written += 1
        name = f"W{self._written}"
        return self.http.put(f"/v1/demands/{name}", json={"demand_id": name, "title": "新需求"})

    def report(self) -> httpx2.Response:
        return self.http.post(
            "/v1/events", json=new_event("click", "D000001", "A000001").model_dump(mode="json", exclude_unset=True)
        )

    def ready(self) -> dict:
        return self.http.get("/readyz").json()


def refused(answer: httpx2.Response, kind: str = UNAVAILABLE) -> bool:
    """Tell whether an answer is a clear 503 that says when to come back, and nothing of files or hosts."""
    assert answer.status_code == 503, answer.text
    assert answer.json()["type"] == kind
    assert int(answer.headers["Retry-After"]) > 0
    assert "sqlite" not in answer.text
    return True


@pytest.fixture(scope="module")
def talk(platform, tmp_path_factory):
    home = copy_of(platform, tmp_path_factory.mktemp("failures") / "home")
    with (
        served(home, serve_lock_timeout=0.5, serve_cache=0) as (url, process),
        Talk(url, process.pid, home) as talk,
    ):
        yield talk
        assert process.poll() is None  # the same process all the way


def works(talk: Talk) -> bool:
    answers = [talk.write(), talk.report(), talk.ask(), talk.ask(STORED)]
    return [answer.status_code for answer in answers] == [200] * 4


@contextmanager
def locked(talk: Talk):
    connection = sqlite3.connect(talk.home / "store.db", isolation_level=None, timeout=30)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


def impressions(talk: Talk, request_id: str) -> int:
    with Store.open(f"sqlite:///{talk.home / 'store.db'}") as store:
        return sum(event.request_id == request_id for event in store.events([EventKind.IMPRESSION]))


def test_locked_database(talk):
    with locked(talk):
        assert refused(talk.write())
        assert refused(talk.report())
        assert talk.ask().status_code == 200
        shown = talk.ask(STORED)  # readers need no lock
        assert shown.status_code == 200
        time.sleep(1.5)  # the impressions cannot be written now
    wait_until(lambda: works(talk), 30)
    wait_until(lambda: impressions(talk, shown.json()["request_id"]) == len(shown.json()["items"]), 30)


def test_slow_database(talk):
    over = threading.Event()

    def hold():
        while not over.is_set():
            with locked(talk):
                time.sleep(0.2)
            time.sleep(0.1)

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        for _ in range(4):
            answers = [talk.write(), talk.report(), talk.ask()]
            assert answers[2].status_code == 200
            # Late or refused, but never anything else.
            assert all(answer.status_code == 200 or refused(answer) for answer in answers)
    finally:
        over.set()
        holder.join()
    wait_until(lambda: works(talk), 30)


def test_full_disk(talk):
    before = resource.prlimit(talk.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(talk.pid, resource.RLIMIT_FSIZE, (0, before[1]))  # no file grows, the log's neither
    try:
        assert refused(talk.write())
        assert refused(talk.report())
        assert talk.ask().status_code == 200
        assert talk.ask(STORED).status_code == 200
    finally:
        resource.prlimit(talk.pid, resource.RLIMIT_FSIZE, before)
    wait_until(lambda: works(talk), 30)
    with Store.open(f"sqlite:///{talk.home / 'store.db'}") as store:
        assert store.counts().demands > 0


def test_broken_bundle_while_serving(talk, platform):
    bad = talk.home / "bundles" / "99990101-000000"
    shutil.copytree(platform.trained, bad)
    victim = next(path for path in bad.rglob("*.npy"))
    victim.write_bytes(b"x" * victim.stat().st_size)
    set_current(talk.home / "bundles", bad.name)
    wait_until(lambda: talk.ready()["rejected_bundle"] is not None, 60)
    report = talk.ready()
    assert report["status"] == "degraded"
    assert report["bundle_version"] == platform.trained.name
    assert (report["rejected_bundle"]["version"], victim.name in report["rejected_bundle"]["reason"]) == (
        bad.name,
        True,
    )
    metrics = talk.http.get("/metrics").text
    assert "gongxu_bundle_rejected 1.0" in metrics
    assert 'gongxu_bundle_loads_total{result="rejected"} 1.0' in metrics
    assert works(talk)
    set_current(talk.home / "bundles", platform.trained.name)
    wait_until(lambda: talk.ready()["status"] == "ready", 60)
    assert "gongxu_bundle_rejected 0.0" in talk.http.get("/metrics").text


def test_missing_graph(talk, platform):
    bare = talk.home / "bundles" / "99990102-000000"
    shutil.copytree(platform.trained, bare)
    shutil.rmtree(bare / "graph")
    manifest = read_manifest(bare)
    files = {name: entry for name, entry in manifest.files.items() if not name.startswith("graph/")}
    write_manifest(bare, manifest.model_copy(update={"files": files, "version": bare.name}))
    set_current(talk.home / "bundles", bare.name)
    wait_until(lambda: talk.ready()["bundle_version"] == bare.name, 60)
    assert (talk.ready()["status"], talk.ready()["graph"]) == ("degraded", False)
    answer = talk.ask()
    assert answer.status_code == 200
    assert (answer.json()["degraded"], answer.json()["lacks"]) == (True, ["graph"])
    assert refused(talk.http.get("/v1/graph/gaps"), "urn:gongxu:problem:no-graph")
    set_current(talk.home / "bundles", platform.trained.name)
    wait_until(lambda: talk.ready()["status"] == "ready", 60)
    assert talk.ask().json()["lacks"] == []
    assert talk.http.get("/v1/graph/gaps").status_code == 200


def test_broken_bundle_at_start(platform, tmp_path):
    home = copy_of(platform, tmp_path / "home")
    bundles, seal = home / "bundles", home / "bundles" / platform.trained.name / "manifest.sha256"
    for pointer in ("previous", "built", "challenger"):
        (bundles / pointer).unlink(missing_ok=True)
    sealed = seal.read_bytes()
    seal.write_bytes(b"0" * 64)
    with served(home, path="/healthz") as (url, process), Talk(url, process.pid, home) as talk:
        assert talk.http.get("/readyz").status_code == 503
        assert talk.ready()["rejected_bundle"]["version"] == platform.trained.name
        assert refused(talk.ask(), "urn:gongxu:problem:no-bundle")
        assert talk.write().status_code == 200  # what needs no bundle goes on
        (bundles / "previous").write_text(platform.built.name)
        set_current(bundles, platform.trained.name)  # still broken, but now there is an earlier one
        wait_until(lambda: talk.http.get("/readyz").status_code == 200)
        assert (talk.ready()["bundle_version"], talk.ready()["status"]) == (platform.built.name, "degraded")
        assert talk.ask().status_code == 200
        seal.write_bytes(sealed)
        set_current(bundles, platform.trained.name)
        wait_until(lambda: talk.ready()["status"] == "ready")


def test_postgresql_locked_hung_and_gone(platform, tmp_path, new_postgresql, postgresql):  # noqa: F811
    home = copy_of(platform, tmp_path / "home")
    url = new_postgresql()
    with Store.open(f"sqlite:///{home / 'store.db'}") as source, Store.open(url) as store:
        store.upsert_demands(source.demands())
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=sa.NullPool)
    with (
        served(home, database_url=url, serve_lock_timeout=0.5, serve_cache=0) as (address, process),
        Talk(address, process.pid, home) as talk,
    ):
        with engine.begin() as connection:
            connection.execute(sa.text("LOCK TABLE events, demands IN ACCESS EXCLUSIVE MODE"))
            for call in (talk.write, talk.report, lambda: talk.ask(STORED)):
                assert refused(call())
            assert talk.ask().status_code == 200
        wait_until(lambda: works(talk), 30)
        with engine.connect() as connection:
            postmaster = psutil.Process(connection.execute(sa.text("SELECT pg_backend_pid()")).scalar()).parent()
        with hung(postmaster):
            started = time.monotonic()
            for _ in range(10):
                assert refused(talk.ask(STORED))
            assert time.monotonic() - started < 20
            wait_until(lambda: talk.ready()["store"] == "unreachable", 30)
            answer = talk.ask()
            assert (answer.status_code, answer.json()["degraded"], answer.json()["lacks"]) == (200, True, ["store"])
        wait_until(lambda: works(talk), 60)
        wait_until(lambda: talk.ready()["store"] == "ok", 30)
        postgresql.stop()
        wait_until(lambda: talk.ask().json()["lacks"] == ["store"], 60)
        assert refused(talk.write())
        postgresql.start()
        wait_until(lambda: works(talk), 60)
        wait_until(lambda: talk.ask().json()["lacks"] == [], 30)


@contextmanager
def hung(postmaster: psutil.Process):
    """Stop all processes of a PostgreSQL: it neither answers nor fails."""
    stopped = [postmaster, *postmaster.children(recursive=True)]
    for process in stopped:
        os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in stopped:
            os.kill(process.pid, signal.SIGCONT)
