"""The server as a process of its own: its client, kill -9 under load, swaps under load, graceful end, several workers."""

import asyncio
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import httpx
import pytest

from data.store import Store
from matcher.bundle import set_current
from serving.client import AsyncClient, Client, GongxuApiError, Retries, new_event
from serving.credentials import add_key
from serving.roles import Role

KILLS = 3
SWAPS = 5
ENDED = (0, -signal.SIGTERM)  # after an orderly end uvicorn lets the signal have its usual effect


@pytest.fixture
def home(platform, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    for path in platform.settings.home.glob("store.db*"):
        shutil.copy(path, home)
    shutil.copytree(platform.settings.bundles, home / "bundles")
    return home


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def start(home, port, *arguments):
    """Start a server and return its process, without waiting until it is ready."""
    environment = os.environ | {"GONGXU_HOME": str(home), "GONGXU_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "gongxu", "serve", "--port", str(port), *arguments]
    with (home / "server.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, env=environment)


def wait_until_ready(port, process, seconds=60.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert process.poll() is None, "the server ended"
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    pytest.fail(f"not ready within {seconds} s")


def wait_until(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.01)


@contextmanager
def served(home, *arguments):
    """Yield the URL and the process of a server that is ready."""
    port = free_port()
    process = start(home, port, *arguments)
    try:
        wait_until_ready(port, process)
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        process.wait(30)


def test_client_with_a_key_on_two_workers(home):
    with Store.open(f"sqlite:///{home / 'store.db'}") as store:
        key = add_key(store, "platform", Role.ADMIN)
        demand = next(store.demands())
    with served(home, "--workers", "2") as (url, _):
        with (
            Client(url, "gx_" + "0" * 12 + "_" + "A" * 43) as stranger,
            pytest.raises(GongxuApiError) as refused,
        ):
            stranger.match("D1", "A1")
        assert refused.value.type == "urn:gongxu:problem:unauthorised"
        with Client(url, key) as client:
            answer = client.recommend_achievements(subject={"demand_id": demand.demand_id}, top_k=3)
            assert len(answer["items"]) == 3
            best = answer["items"][0]
            pair = client.match(demand.demand_id, best["id"])
            assert pair["match"]["probability"] == best["probability"]
            record = {"achievement_id": "新/1", "title": "石墨烯海水淡化膜组件", "content": "脱盐率99.8%，海水淡化"}
            assert client.put_achievement(record)["result"] == "inserted"
            assert client.upload_demands([{"demand_id": "U1", "title": "一"}, {"demand_id": "U2"}])["rejected"] == 1
            click = new_event("click", demand.demand_id, best["id"], request_id=answer["request_id"], position=1)
            assert client.report(click)["added"] == 1
            assert client.report(click)["known"] == 1
            # Either worker finds the record within a second.
            deadline = time.monotonic() + 1.0
            time.sleep(0.9)
            for _ in range(8):
                fresh = httpx.post(
                    f"{url}/v1/recommendations/achievements",
                    json={"text": "石墨烯膜海水淡化", "top_k": 20},
                    headers={"Authorization": f"Bearer {key}"},
                ).json()
                assert "新/1" in [item["id"] for item in fresh["items"]]
            assert time.monotonic() > deadline - 1.0
            assert client.delete_achievement("新/1")["result"] == "deleted"
        asyncio.run(ask_async(url, key, demand.demand_id))


async def ask_async(url, key, demand_id):
    async with AsyncClient(url, key) as client:
        answers = await asyncio.gather(
            *(client.recommend_achievements(subject={"demand_id": demand_id}, top_k=2) for _ in range(4))
        )
        assert len({tuple(item["id"] for item in answer["items"]) for answer in answers}) == 1
        with pytest.raises(GongxuApiError) as unknown:
            await client.recommend_achievements(subject={"demand_id": "none"})
        assert unknown.value.status == 404


def test_what_was_acknowledged_survives_kill_9(home):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    events: set[str] = set()
    records: set[str] = set()
    over = threading.Event()

    def report(number):
        # The client sends an event again, under its id, until the server that comes back takes it.
        with Client(url, timeout=5.0, retries=Retries(attempts=100, pause=0.1)) as client:
            while not over.is_set():
                event = new_event("click", f"D{number}", "A1")
                client.report(event)
                events.add(event["event_id"])

    def write():
        count = 0
        with Client(url, timeout=5.0, retries=Retries(attempts=100, pause=0.1)) as client:
            while not over.is_set():
                count += 1
                client.put_demand({"demand_id": f"K{count}", "title": f"需求{count}"})
                records.add(f"K{count}")

    threads = [threading.Thread(target=report, args=(number,)) for number in range(3)] + [
        threading.Thread(target=write)
    ]
    process = start(home, port)
    wait_until_ready(port, process)
    for thread in threads:
        thread.start()
    try:
        process = kill_again_and_again(home, port, process, events)
    finally:
        over.set()
        for thread in threads:
            thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    process.terminate()
    assert process.wait(30) in ENDED
    with Store.open(f"sqlite:///{home / 'store.db'}") as store:
        stored = [event.event_id for event in store.events()]
        demands = {demand.demand_id for demand in store.demands()}
    assert len(stored) == len(set(stored))
    assert events <= set(stored)
    assert records <= demands


def kill_again_and_again(home, port, process, events):
    """Kill the server in the midst of its work, start it anew, several times; return the last process."""
    randomness = random.Random(7)
    for _ in range(KILLS):
        before = len(events)
        wait_until(lambda seen=before: len(events) > seen + 5)
        time.sleep(randomness.random() * 0.3)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        process = start(home, port)
        wait_until_ready(port, process)
    return process


def test_swaps_under_load_fail_no_request(home, platform):
    versions: set[str] = set()
    failures: list[str] = []
    over = threading.Event()

    def ask(url):
        with httpx.Client(base_url=url, timeout=30) as client:
            while not over.is_set():
                answer = client.post("/v1/recommendations/achievements", json={"text": "污泥低温干化设备"})
                if answer.status_code != 200:
                    failures.append(answer.text)
                    return
                versions.add(answer.json()["bundle_version"])

    with served(home) as (url, _):
        askers = [threading.Thread(target=ask, args=(url,)) for _ in range(2)]
        for asker in askers:
            asker.start()
        for number in range(SWAPS):
            wanted = (platform.built, platform.trained)[number % 2].name
            set_current(home / "bundles", wanted)
            wait_until(lambda wanted=wanted: httpx.get(f"{url}/readyz").json()["bundle_version"] == wanted)
        over.set()
        for asker in askers:
            asker.join(30)
    assert failures == []
    assert versions == {platform.built.name, platform.trained.name}


def test_graceful_end_finishes_what_is_in_flight(home):
    with Store.open(f"sqlite:///{home / 'store.db'}") as store:
        ids = [demand.demand_id for demand in store.demands()]
    answers: list[httpx.Response] = []

    def ask(url):
        requests = [{"demand_id": demand_id, "explain": "full"} for demand_id in ids]
        answers.append(
            httpx.post(f"{url}/v1/recommendations/achievements:batch", json={"requests": requests}, timeout=60)
        )

    with served(home) as (url, process):
        asker = threading.Thread(target=ask, args=(url,))
        asker.start()
        time.sleep(0.3)  # the batch is under way
        process.terminate()
        asker.join(60)
        assert process.wait(30) in ENDED
    assert answers[0].status_code == 200
    assert len(answers[0].json()["results"]) == len(ids)
    with Store.open(f"sqlite:///{home / 'store.db'}") as store:  # and what was shown has been noted
        request_id = answers[0].json()["request_id"]
        assert any(event.request_id.startswith(request_id) for event in store.events())


def test_wrong_settings_are_one_line(home):
    done = subprocess.run(
        [sys.executable, "-m", "gongxu", "serve"],
        env=os.environ | {"GONGXU_HOME": str(home), "GONGXU_SERVE_THREADS": "many"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "GONGXU_SERVE_THREADS" in done.stderr
