"""What was acknowledged survives kill -9, again and again, under load, on both databases; nothing is lost or doubled.

`KILLS=100 pytest tests/e2e/test_serve_durability.py` takes the full measure.
"""

import os
import random
import signal
import threading
import time
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from data.kinds.record import KindRecord
from data.records import Demand, EventKind
from data.store.store import Store
from data.store.work.assignments import Proposal
from data.work.assignment_state import AssignmentState as S
from gongxu_client import Client, Retries, new_event
from tests.contracts.conftest import new_postgresql, postgresql, postgresql_server  # noqa: F401  fixtures
from tests.e2e.servers import copy_of, free_port, start, wait_until, wait_until_up

KILLS = int(os.environ.get("KILLS", "2"))
# The server is killed as often on each database; most of it costs starting it again.
SHARE = (
    {"sqlite": KILLS - KILLS // 2, "postgresql": KILLS // 2}
    if KILLS <= 10
    else dict.fromkeys(("sqlite", "postgresql"), KILLS)
)
PATIENT = Retries(attempts=2000, pause=0.05)
BROKERS = {"B1": "B2", "B2": "B3", "B3": ""}  # and their deputies


class Load:
    """Clients that write without pause, and remember what they sent and what was acknowledged."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.sent: set[str] = set()
        self.acknowledged: set[str] = set()
        self.versions: dict[str, int] = {}  # of each demand, the latest that was acknowledged
        self.answers: dict[str, S] = {}  # of each demand that was dispatched, what its broker said
        self.failures: list[str] = []
        self._written = 0
        self._over = threading.Event()
        work = [self._report, self._report, self._write, self._ask, self._dispatch]
        self._threads = [threading.Thread(target=self._run, args=(job, number)) for number, job in enumerate(work)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(120)
        assert not any(thread.is_alive() for thread in self._threads)

    def _run(self, job, number) -> None:
        try:
            with Client(self.url, timeout=10.0, retries=PATIENT) as client:
                while not self._over.is_set():
                    job(client, number)
        except Exception as error:
            self.failures.append(repr(error))

    def _report(self, client: Client, number: int) -> None:
        events = [new_event("click", f"D{number}", f"A{place}") for place in range(3)]
        self.sent |= {event.event_id for event in events}
        client.post_events(events)
        self.acknowledged |= {event.event_id for event in events}

    def _write(self, client: Client, _number: int) -> None:
        """Write new demands, and then new versions of them, in turn."""
        self._written += 1
        name = f"K{self._written % 50}"
        version = self.versions.get(name, 0) + 1
        client.put_demand(name, {"demand_id": name, "title": f"第{version}版"})
        self.versions[name] = version

    def _ask(self, client: Client, _number: int) -> None:
        client.recommend_achievements({"demand_id": "D000001", "top_k": 5})
        time.sleep(0.05)

    def _dispatch(self, client: Client, _number: int) -> None:
        """Have a new demand dispatched and its broker accept or, every other time, decline, which hands it on."""
        name = f"Z{len(self.answers)}"
        said = S.DECLINED if len(self.answers) % 2 else S.ACCEPTED
        client.put_demand(name, {"demand_id": name, "title": f"第{name}条"})
        client.dispatch_demands({"operator": "甲", "demand_ids": [name]})
        (one,) = client.list_assignments(demand_id=name).assignments
        reason = "手上任务已满" if said is S.DECLINED else ""
        step = {"state": said.value, "operator": "甲", "token": f"answer-{name}", "value": reason}
        client.step_assignment(str(one.number), step)
        self.answers[name] = said
        time.sleep(0.1)


def add_late(store: Store, name: str) -> None:
    """Write a demand whose broker let the due time pass, as if no server had run since."""
    store.upsert_demands([Demand(demand_id=name, title=f"第{name}条")])
    long_ago = datetime.now(UTC) - timedelta(days=30)
    assert len(store.assignments.propose([Proposal(name, "B1")], {"B1": 10_000}, "甲", long_ago)) == 1


def states(store: Store, names) -> dict[str, list[S]]:
    """Return the states of all assignments of demands, by demand, the first one first."""
    found: dict[str, list[S]] = {name: [] for name in names}
    for one in sorted(store.assignments.listed(limit=1_000_000), key=lambda one: one.number):
        if one.demand_id in found:
            found[one.demand_id].append(one.state)
    return found


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_nothing_acknowledged_is_lost_or_doubled_by_kill_9(platform, tmp_path, request, database):
    home = copy_of(platform, tmp_path / "home")
    url, chosen = f"sqlite:///{home / 'store.db'}", {}
    if database == "postgresql":
        url = request.getfixturevalue("new_postgresql")()
        with Store.open(f"sqlite:///{home / 'store.db'}") as source, Store.open(url) as store:
            store.upsert_demands(source.demands())
        chosen = {"database_url": url}
    store = Store.open(url)
    store.kinds.upsert(
        KindRecord(kind="broker", id=name, title=name, attributes={"open_limit": 10_000, "deputy": deputy})
        for name, deputy in BROKERS.items()
    )
    late = ["E0"]
    add_late(store, "E0")
    port = free_port()
    load = Load(f"http://127.0.0.1:{port}")
    process = start(home, port, **chosen)
    try:
        wait_until_up(port, process)
        load.start()
        randomness = random.Random(7)
        for _ in range(SHARE[database]):
            before = len(load.acknowledged)
            wait_until(lambda seen=before: len(load.acknowledged) > seen + 20 or load.failures)
            time.sleep(randomness.random() * 0.3)
            process.send_signal(signal.SIGKILL)
            process.wait(10)
            late.append(f"E{len(late)}")
            add_late(store, late[-1])
            process = start(home, port, **chosen)
        wait_until_up(port, process)
        load.stop()
        expected = {name: [S.TIMED_OUT, S.PROPOSED] for name in late}
        expected |= {name: [said, *[S.PROPOSED] * (said is S.DECLINED)] for name, said in load.answers.items()}
        wait_until(lambda: states(store, expected) == expected or load.failures)
        shown = httpx2.post(f"{load.url}/v1/recommendations/achievements", json={"demand_id": "D000001", "top_k": 3})
    finally:
        load.stop()
        process.terminate()
        process.wait(60)
    assert load.failures == []
    assert states(store, expected) == expected  # handed on, and once
    assert {name: store.assignments.listed(demand_id=name)[0].broker_id for name in late} == dict.fromkeys(late, "B2")
    with store:
        clicks = [event.event_id for event in store.events([EventKind.CLICK])]
        mine = [event_id for event_id in clicks if event_id in load.sent]
        impressions = [event.event_id for event in store.events([EventKind.IMPRESSION])]
        demands = {demand.demand_id: demand.title for demand in store.demands()}
    assert load.acknowledged <= set(mine)
    assert len(mine) == len(set(mine))
    assert len(impressions) == len(set(impressions))
    assert sum(name.startswith(shown.json()["request_id"]) for name in impressions) == len(shown.json()["items"])
    versions = {name: f"第{version}版" for name, version in load.versions.items()}
    assert {name: demands.get(name) for name in versions} == versions
    print(
        f"{database}: {SHARE[database]} kills, {len(mine)} events, {len(versions)} demands and {len(expected)} assignments kept"
    )
