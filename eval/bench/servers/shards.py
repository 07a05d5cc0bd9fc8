"""One server over the whole bundle and one that asks shards, asked in turn: what shards add to a request, and hold."""

import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import orjson
import uvloop

from data.settings import Settings
from data.store.store import Store
from eval.bench.report import BenchRow
from eval.bench.servers.load import LoadResult, closed_loop, prepared
from eval.bench.servers.serve import (
    PATH,
    Plan,
    Served,
    asked_demands,
    copied,
    cpu_seconds,
    family,
    memory,
    require_alive,
    running,
    served,
    started,
)
from matcher.bundle import CURRENT, current_bundle, pointed

SHARDS = 3
ROUNDS = 20
SAME = 100  # requests whose lists are compared
ACTOR = b"ShardActor"


def bench_shards(settings: Settings, plan: Plan) -> Iterator[list[BenchRow]]:
    """Yield what requests cost from one process and from `SHARDS` shards on this machine, and whether lists are equal.

    Both servers, one worker each on copies of the home, are asked in turn by one client for `plan.seconds` a kind of
    request. Memory is the proportional share (PSS) of each shard's process.

    Raises:
        BundleError: nothing was built yet.
        InputError: the store is not SQLite, or holds API keys or no demands; or the shards did not start.

    """
    current_bundle(settings.bundles)
    ids, _ = asked_demands(settings)
    asked = {
        "stored demand": [_body(demand_id=one) for one in ids],
        "stored demand, reasons": [_body(demand_id=one, explain="full") for one in ids],
        "free text": [_body(text=text) for text in _texts(settings)],
    }
    with served(settings, 1, 0) as whole, _sharded(settings) as (cut, shards):
        yield [
            BenchRow(f"{SHARDS} shards", "start to ready", cut.seconds_to_ready, "s"),
            BenchRow("one process", "memory", memory(whole.process.pid)[0], "MiB"),
        ]
        for name, bodies in asked.items():
            questions = [prepared(PATH, body) for body in bodies]
            for server in (whole, cut):
                _ask(server, questions, min(5.0, plan.seconds / 2))  # warm
            before = [cpu_seconds(pid) for pid in (whole.process.pid, cut.process.pid, *shards)]
            share = plan.seconds / 2 / ROUNDS
            found = [[_ask(server, questions, share) for server in (whole, cut)] for _ in range(ROUNDS)]
            used = [cpu_seconds(pid) for pid in (whole.process.pid, cut.process.pid, *shards)]
            yield _rows(name, found, [after - start for after, start in zip(used, before, strict=True)])
        equal = [_list(whole, body) == _list(cut, body) for bodies in asked.values() for body in bodies[:SAME]]
        yield [
            BenchRow("lists", "asked", len(equal), ""),
            BenchRow("lists", "equal in ids, order and scores", sum(equal), ""),
            *(BenchRow(f"shard {at}", "memory", memory(pid)[0], "MiB") for at, pid in enumerate(shards)),
        ]


def _rows(name: str, found: list[list[LoadResult]], used: list[float]) -> list[BenchRow]:
    """Return the rows of a kind of request; `used` are CPU seconds of the whole server, of that which asks, of its shards."""
    one, cut = ([round_[at] for round_ in found] for at in (0, 1))
    rows, number = [], [sum(len(part.seconds) for part in parts) for parts in (one, cut)]
    medians = []
    for system, parts in (("one process", one), (f"{SHARDS} shards", cut)):
        seconds = [second for part in parts for second in part.seconds]
        median, high = (1e3 * float(np.quantile(seconds, q)) for q in (0.5, 0.99))
        medians.append(median)
        ratio = median / medians[0] if len(medians) > 1 else None
        rows += [BenchRow(f"{system}, {name}", "p50", median, "ms", ratio, "one process")]
        rows += [BenchRow(f"{system}, {name}", "p99", high, "ms")]
        rows += [BenchRow(f"{system}, {name}", "failed", sum(part.failures for part in parts), "")]
    stage = f"{SHARDS} shards, {name}"
    return [
        *rows,
        BenchRow(f"one process, {name}", "CPU, each", 1e3 * used[0] / max(1, number[0]), "ms"),
        BenchRow(stage, "CPU of who asks, each", 1e3 * used[1] / max(1, number[1]), "ms"),
        BenchRow(stage, "CPU of all shards, each", 1e3 * sum(used[2:]) / max(1, number[1]), "ms"),
    ]


def _ask(server: Served, questions: list[bytes], seconds: float) -> LoadResult:
    return uvloop.run(closed_loop(server.port, questions, 1, seconds))


def _list(server: Served, body: bytes) -> object:
    """Return the items of a list as a server answers them."""
    asked = urllib.request.Request(f"http://127.0.0.1:{server.port}{PATH}", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310 - our own server
        return orjson.loads(answer.read())["items"]


def _body(explain: str = "none", **subject: str) -> bytes:
    return orjson.dumps({"top_k": 10, "explain": explain} | subject)


def _texts(settings: Settings) -> Sequence[str]:
    """Return texts of demands as a user would enter them."""
    with Store.open(settings.store_url) as store:
        step = max(1, store.counts().demands // 500)
        return [f"{one.title}。{one.content}"[:300] for place, one in enumerate(store.demands()) if place % step == 0]


@contextmanager
def _sharded(settings: Settings) -> Iterator[tuple[Served, list[int]]]:
    """Yield a server that asks shards on this machine, and the processes of these."""
    begun = time.perf_counter()
    with copied(settings) as home, running(home, ("shards", "--shards", str(SHARDS)), {}) as keeper:
        while not pointed(home / "shards" / "asking", CURRENT):
            require_alive(home, keeper, begun)
            time.sleep(0.1)
        with started(home, 1, 0, "--shards") as server:
            yield server, [pid for pid in family(keeper.pid) if ACTOR in Path(f"/proc/{pid}/cmdline").read_bytes()]
