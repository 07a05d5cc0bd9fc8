"""The whole server under load, on the same machine: a copy of a home's store, its bundles, and a generator beside it."""

import asyncio
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import orjson
import uvloop

from data.errors import InputError
from data.settings import Settings
from data.store.store import Store
from eval.bench.report import BenchRow, latency
from eval.bench.servers.load import LoadResult, closed_loop, open_loop, prepared
from matcher.bundle import current_bundle, set_current
from matcher.engine import Engine
from matcher.model import MatchingModel

PATH = "/v1/recommendations/achievements"
START_LIMIT = 600.0
LOG = "server.log"
DEMANDS = 2_000
IN_PROCESS = 60
OVERLOAD = 5


@dataclass(frozen=True)
class Plan:
    """How long and how hard: `rate` requests a second where a rate is named, each phase `seconds`, swaps, soak minutes."""

    workers: int = 2
    rate: float = 20.0
    seconds: float = 20.0
    clients: int = 8
    swaps: int = 20
    soak_minutes: float = 0.0


@dataclass(frozen=True)
class Served:
    """A server that is ready."""

    port: int
    process: subprocess.Popen[bytes]
    home: Path
    seconds_to_ready: float


def bench_serve(settings: Settings, plan: Plan) -> Iterator[list[BenchRow]]:
    """Yield, phase by phase, what a server costs and bears on the home that `settings` names, answering its stored demands.

    Nothing is recorded in the home: the server works on a copy of its store. No answer is given from the cache but
    where that is said. Times are those of the clock and count from the moment a request was due.

    Raises:
        BundleError: nothing was built yet.
        InputError: the store is not SQLite, or holds API keys or no demands.

    """
    current_bundle(settings.bundles)
    ids, bare = asked_demands(settings)
    questions = [question(demand_id, "none") for demand_id in ids]
    yield [BenchRow("in process", "request p50, CPU", bare, "ms")]
    with served(settings, plan.workers, cache=0) as server:
        yield _resources(server, plan.workers, "at start")
        uvloop.run(closed_loop(server.port, questions, plan.clients, 3.0))  # warm
        for explain in ("none", "brief"):
            asked = [question(demand_id, explain) for demand_id in ids]
            calm = open_loop(server.port, asked, plan.rate, plan.seconds)
            yield _phase(server, f"{plan.rate:g}/s, explain {explain}", calm, bare)[0]
        busy = closed_loop(server.port, questions, plan.clients, plan.seconds)
        rows, full = _phase(server, f"{plan.clients} clients without pause", busy, bare)
        yield rows
        most = max(full.rate, 1.0)
        often = open_loop(server.port, questions, 0.8 * most, plan.seconds)
        rows, steady = _phase(server, f"sustained {0.8 * most:.0f}/s", often, bare)
        yield rows
        flood = uvloop.run(open_loop(server.port, questions, OVERLOAD * most, plan.seconds))
        yield _overload(flood, OVERLOAD * most, steady)
        again = open_loop(server.port, questions, plan.rate, plan.seconds / 2)
        yield _phase(server, "after the overload", again, bare)[0]
        if plan.swaps:
            yield _swaps(server, settings, questions, plan)
        if plan.soak_minutes:
            yield _soak(server, questions, plan)
        yield _resources(server, plan.workers, "after all", started=False)
    with served(settings, plan.workers, cache=settings.serve_cache) as server:
        few = questions[:20]
        uvloop.run(closed_loop(server.port, few, plan.clients, 3.0))
        known = closed_loop(server.port, few, plan.clients, plan.seconds / 2)
        yield _phase(server, "20 questions over and over, from the cache", known, bare)[0]


def asked_demands(settings: Settings) -> tuple[list[str], float]:
    """Return ids of demands, evenly spread, and the median CPU milliseconds of one request in this process."""
    if settings.database_url:
        raise InputError("the server is measured on a copy of an SQLite store; unset GONGXU_DATABASE_URL")
    with Store.open(settings.store_url) as store:
        if store.api_keys.all():
            raise InputError("the store holds API keys, which the load generator does not have; use another home")
        step = max(1, store.counts().demands // DEMANDS)
        demands = [demand for place, demand in enumerate(store.demands()) if place % step == 0][:DEMANDS]
    if not demands:
        raise InputError("the store holds no demands; import some with `gongxu import`")
    engine = Engine(MatchingModel.load(current_bundle(settings.bundles), threads=1))
    calls = [partial(engine.recommend_achievements, demand) for demand in demands[:IN_PROCESS]]
    return [demand.demand_id for demand in demands], latency(calls).p50


def question(demand_id: str, explain: str) -> bytes:
    """Return the request for a stored demand's list."""
    return prepared(PATH, orjson.dumps({"demand_id": demand_id, "top_k": 10, "explain": explain}))


def _phase(
    server: Served, stage: str, load: Coroutine[None, None, LoadResult], bare: float
) -> tuple[list[BenchRow], LoadResult]:
    """Run a phase; return its rows and its result."""
    before = cpu_seconds(server.process.pid)
    result = uvloop.run(load)
    cost = 1e3 * (cpu_seconds(server.process.pid) - before) / max(1, sum(result.statuses.values()))
    return [
        *_answers(stage, result, bare),
        BenchRow(stage, "CPU of the server, each", cost, "ms", cost / bare, "in process"),
    ], result


def _answers(stage: str, load: LoadResult, bare: float) -> list[BenchRow]:
    """Return the rows of a phase in which all requests should be answered."""
    p50, p99 = load.quantile(0.5), load.quantile(0.99)
    return [
        BenchRow(stage, "p50", p50, "ms", p50 / bare, "in process"),
        BenchRow(stage, "p99", p99, "ms", p99 / bare, "in process"),
        BenchRow(stage, "answered", load.rate, "1/s"),
        BenchRow(stage, "refused", len(load.refused), ""),
        BenchRow(stage, "failed", load.failures, ""),
    ]


def _overload(load: LoadResult, rate: float, steady: LoadResult) -> list[BenchRow]:
    stage = f"overload {rate:.0f}/s"
    p99, before = load.quantile(0.99), steady.quantile(0.99)
    refusal = LoadResult(seconds=load.refused).quantile(0.99)
    return [
        BenchRow(stage, "p99 of what is accepted", p99, "ms", p99 / before, "sustained p99"),
        BenchRow(stage, "answered", load.rate, "1/s"),
        BenchRow(stage, "refused (429, 503)", len(load.refused) / max(1, sum(load.statuses.values())), "of all"),
        BenchRow(stage, "p99 of a refusal", refusal, "ms"),
        BenchRow(stage, "failed", load.failures, ""),
    ]


def _swaps(server: Served, settings: Settings, questions: list[bytes], plan: Plan) -> list[BenchRow]:
    """Load the bundle again and again under load."""
    version = current_bundle(settings.bundles).name

    async def swap_all() -> tuple[LoadResult, float]:
        seconds = plan.swaps * 3.0
        load = asyncio.create_task(open_loop(server.port, questions, plan.rate, seconds))
        longest = 0.0
        for _ in range(plan.swaps):
            before = await asyncio.to_thread(_loaded_at, server.port)
            begun = time.perf_counter()
            set_current(server.home / "bundles", version)
            while await asyncio.to_thread(_loaded_at, server.port) == before and time.perf_counter() < begun + 60:
                await asyncio.sleep(0.05)
            longest = max(longest, time.perf_counter() - begun)
        return await load, longest

    load, longest = uvloop.run(swap_all())
    stage = f"{plan.swaps} swaps at {plan.rate:g}/s"
    return [
        BenchRow(stage, "p50", load.quantile(0.5), "ms"),
        BenchRow(stage, "p99", load.quantile(0.99), "ms"),
        BenchRow(stage, "slowest", load.quantile(1.0), "ms"),
        BenchRow(stage, "longest swap", longest, "s"),
        BenchRow(stage, "refused", len(load.refused), ""),
        BenchRow(stage, "failed", load.failures, ""),
    ]


def _soak(server: Served, questions: list[bytes], plan: Plan) -> list[BenchRow]:
    """Send the plan's rate for minutes and look whether memory stays."""
    sizes = []
    failed = 0
    for part in range(10):
        load = uvloop.run(open_loop(server.port, questions, plan.rate, plan.soak_minutes * 6, seed=part))
        failed += load.failures
        sizes.append(memory(server.process.pid)[1])
    stage = f"soak {plan.soak_minutes:g} min at {plan.rate:g}/s"
    return [
        BenchRow(stage, "own memory after a tenth", sizes[0], "MiB"),
        BenchRow(stage, "own memory at the end", sizes[-1], "MiB", sizes[-1] / sizes[0], "a tenth"),
        BenchRow(stage, "failed", failed, ""),
    ]


def _resources(server: Served, workers: int, when: str, *, started: bool = True) -> list[BenchRow]:
    together, own = memory(server.process.pid)
    stage = f"{workers} workers, {when}"
    rows = [
        BenchRow(stage, "memory together, shared pages once", together, "MiB"),
        BenchRow(stage, "of which not shared with files", own, "MiB"),
    ]
    return [BenchRow(stage, "start to ready", server.seconds_to_ready, "s"), *rows] if started else rows


def memory(pid: int) -> tuple[float, float]:
    """Return MiB that a process and its descendants hold: all with shared pages counted once, and anonymous ones."""
    together = own = 0
    for process in family(pid):
        rollup = Path(f"/proc/{process}/smaps_rollup")
        for line in rollup.read_text(encoding="ascii").splitlines()[1:] if rollup.exists() else []:
            name, _, value = line.partition(":")
            together += int(value.split()[0]) if name == "Pss" else 0
            own += int(value.split()[0]) if name == "Pss_Anon" else 0
    return together / 1024, own / 1024


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process and its descendants have used so far."""
    ticks = 0
    for process in family(pid):
        fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def family(pid: int) -> Iterator[int]:
    """Yield a process and its descendants."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text(encoding="ascii").split():
            yield from family(int(child))


@contextmanager
def served(settings: Settings, workers: int, cache: int, **more: str) -> Iterator[Served]:
    """Yield a server on a copy of the store, ready; it ends with the block. `more` are further settings by their names."""
    with copied(settings) as home, started(home, workers, cache, **more) as server:
        yield server


@contextmanager
def copied(settings: Settings) -> Iterator[Path]:
    """Yield a home with a copy of the store and the current bundle."""
    with tempfile.TemporaryDirectory(prefix="gongxu-bench-", dir=settings.home) as folder:
        home = Path(folder)
        with (
            closing(sqlite3.connect(settings.home / "store.db")) as source,
            closing(sqlite3.connect(home / "store.db")) as target,
        ):
            source.backup(target)
        version = current_bundle(settings.bundles).name
        shutil.copytree(settings.bundles / version, home / "bundles" / version, copy_function=os.link)
        set_current(home / "bundles", version)
        yield home


@contextmanager
def started(home: Path, workers: int, cache: int, *flags: str, **more: str) -> Iterator[Served]:
    """Yield a server on a home, ready; it ends with the block. `more` are further settings by their names."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    own = {"SERVE_CACHE": str(cache), "SERVE_RATE_LIMIT": "1000000"}
    own |= {name.upper(): value for name, value in more.items()}
    arguments = ("serve", "--port", str(port), "--workers", str(workers), "--log-level", "WARNING", *flags)
    begun = time.perf_counter()
    with running(home, arguments, own) as process:
        while not _loaded_at(port):
            require_alive(home, process, begun)
            time.sleep(0.05)
        yield Served(port, process, home, time.perf_counter() - begun)


@contextmanager
def running(home: Path, arguments: Sequence[str], own: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a gongxu command that runs on a home, on one thread, with settings of its `own`; it ends with the block."""
    given = {"HOME": str(home), "THREADS": "1", **own}
    environment = os.environ | {f"GONGXU_{name}": value for name, value in given.items()} | {"OMP_NUM_THREADS": "1"}
    with (home / LOG).open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "gongxu", *arguments], stdout=log, stderr=log, env=environment
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()


def require_alive(home: Path, process: subprocess.Popen[bytes], begun: float) -> None:
    """Refuse to wait any longer for what ended, or began too long ago.

    Raises:
        InputError: it did; the end of its log is named.

    """
    if process.poll() is not None or time.perf_counter() > begun + START_LIMIT:
        last = (home / LOG).read_text(encoding="utf-8", errors="replace")[-500:]
        raise InputError(f"the server did not become ready: {last}")


def _loaded_at(port: int) -> str:
    """Return when the bundle that is served was loaded; empty as long as none is."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=30) as answer:
            return str(orjson.loads(answer.read())["loaded_at"])
    except (urllib.error.URLError, OSError, ValueError):
        return ""
