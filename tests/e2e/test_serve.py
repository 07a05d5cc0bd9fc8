"""The server as a process of its own: its client, several workers, graceful end."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack

import httpx2
import psutil
import pytest

from data.store.store import Store
from gongxu_client import ApiError, AsyncClient, Client, new_event
from gongxu_client.models import AchievementsRequest
from serving.access.credentials import add_key
from serving.access.roles import Role
from tests.e2e.servers import copy_of, served, wait_until

ENDED = (0, -signal.SIGTERM)  # after an orderly end uvicorn lets the signal have its usual effect


@pytest.fixture
def home(platform, tmp_path):
    return copy_of(platform, tmp_path / "home")


def test_client_with_a_key_on_two_workers(home):
    with Store.open(f"sqlite:///{home / 'store.db'}") as store:
        key = add_key(store, "platform", Role.ADMIN)
        demand = next(store.demands())
    with served(home, "--workers", "2") as (url, process):
        with (
            Client(url, "gx_" + "0" * 12 + "_" + "A" * 43) as stranger,
            pytest.raises(ApiError) as refused,
        ):
            stranger.match("D1", "A1")
        assert refused.value.type == "urn:gongxu:problem:unauthorised"
        with Client(url, key) as client:
            answer = client.recommend_achievements(AchievementsRequest(demand_id=demand.demand_id, top_k=3))
            assert len(answer.items) == 3
            best = answer.items[0]
            pair = client.match(demand.demand_id, best.id)
            assert pair.match.probability == best.probability
            many = client.batch_achievements(
                {"requests": [{"demand_id": wanted, "top_k": 3} for wanted in (demand.demand_id, "no-such-demand")]}
            )
            assert [item.id for item in many.results[0].answer.items] == [item.id for item in answer.items]
            assert many.results[1].problem.status == 404
            assert best.id not in [item.id for item in client.similar_achievements(best.id, top_k=3).items]
            assert len(client.similar_demands(demand.demand_id, top_k=2).items) == 2
            pushed = [line["subject_id"] for line in client.export_achievements(top_k=1)]
            assert demand.demand_id in pushed
            assert len(pushed) == len(set(pushed))
            record = {"achievement_id": "新/1", "title": "石墨烯海水淡化膜组件", "content": "脱盐率99.8%，海水淡化"}
            assert client.put_achievement("新/1", record).result == "inserted"
            assert client.bulk_demands([{"demand_id": "U1", "title": "一"}, {"demand_id": "U2"}]).rejected == 1
            click = new_event("click", demand.demand_id, best.id, request_id=answer.request_id, position=1)
            assert client.post_events([click]).added == 1
            assert client.post_events([click]).known == 1
            # Either worker finds the record within a second.
            deadline = time.monotonic() + 1.0
            time.sleep(0.9)
            for _ in range(8):
                fresh = httpx2.post(
                    f"{url}/v1/recommendations/achievements",
                    json={"text": "石墨烯膜海水淡化", "top_k": 20},
                    headers={"Authorization": f"Bearer {key}"},
                ).json()
                assert "新/1" in [item["id"] for item in fresh["items"]]
            assert time.monotonic() > deadline - 1.0
            assert client.delete_achievement("新/1").result == "deleted"
        time.sleep(1.0)  # by then both workers know that the record is gone
        asyncio.run(ask_async(url, key, demand.demand_id))
        connections_are_dealt_out_in_turn(httpx2.URL(url).port, process)
        a_dead_worker_is_replaced(url, key, process)


def connections_are_dealt_out_in_turn(port, process):
    workers = psutil.Process(process.pid).children()

    def held():
        found = [[c for c in worker.net_connections("tcp") if c.laddr.port == port] for worker in workers]
        return [sum(c.status == psutil.CONN_ESTABLISHED for c in connections) for connections in found]

    wait_until(lambda: held() == [0, 0])
    with ExitStack() as kept:
        for _ in range(8):
            kept.enter_context(socket.create_connection(("127.0.0.1", port)))
        wait_until(lambda: held() == [4, 4], 20)


def a_dead_worker_is_replaced(url, key, process):
    def metrics():
        try:
            return httpx2.get(f"{url}/metrics", headers={"Authorization": f"Bearer {key}"}).text.splitlines()
        except httpx2.TransportError:  # the worker that had the connection was killed
            return []

    def loads(number):  # those of the dead worker count as well
        return f'gongxu_bundle_loads_total{{result="loaded"}} {number}.0' in metrics()

    assert loads(2)
    assert not any(line.startswith("gongxu_bundle_created_timestamp_seconds 0") for line in metrics())
    supervisor = psutil.Process(process.pid)
    before = supervisor.children()
    before[0].kill()
    wait_until(lambda: loads(3))
    after = supervisor.children()
    assert len(before) == len(after) == 2
    assert before[0] not in after
    assert before[1] in after
    process.terminate()
    assert process.wait(60) == 0
    assert not any(worker.is_running() for worker in after)


async def ask_async(url, key, demand_id):
    async with AsyncClient(url, key) as client:
        answers = await asyncio.gather(
            *(client.recommend_achievements({"demand_id": demand_id, "top_k": 2}) for _ in range(4))
        )
        assert len({tuple(item.id for item in answer.items) for answer in answers}) == 1
        pushed = [line["subject_id"] async for line in client.export_achievements(top_k=1)]
        assert demand_id in pushed
        assert len((await client.similar_demands(demand_id, top_k=2)).items) == 2
        with pytest.raises(ApiError) as unknown:
            await client.recommend_achievements({"demand_id": "no-such-demand"})
        assert unknown.value.status == 404


def test_graceful_end_finishes_what_is_in_flight(home):
    with Store.open(f"sqlite:///{home / 'store.db'}") as store:
        ids = [demand.demand_id for demand in store.demands()]
    answers: list[httpx2.Response] = []

    def ask(url):
        requests = [{"demand_id": demand_id, "explain": "full"} for demand_id in ids]
        answers.append(
            httpx2.post(f"{url}/v1/recommendations/achievements:batch", json={"requests": requests}, timeout=60)
        )

    with served(home) as (url, process):
        asker = threading.Thread(target=ask, args=(url,))
        asker.start()
        time.sleep(0.3)  # the batch is under way
        process.terminate()
        asker.join(60)
        assert process.wait(120) in ENDED
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
