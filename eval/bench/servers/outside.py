"""A server whose chat model never answers, flooded: what that does to requests with a model and to those without one."""

import asyncio
import socket
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager

import orjson
import uvloop

from data.settings import Settings
from eval.bench.report import BenchRow
from eval.bench.servers.load import LoadResult, open_loop, prepared
from eval.bench.servers.serve import Plan, asked_demands, question, served
from matcher.bundle import current_bundle

STRUCTURE = "/v1/demands:structure"
BUDGET = 2.0  # seconds of a call (GONGXU_MODEL_TIMEOUT)
TEXTS = 5_000


def bench_outside(settings: Settings, plan: Plan) -> Iterator[list[BenchRow]]:
    """Yield what a silent model costs: p99 of recommendations without and during a flood of requests that ask it, and theirs.

    The server, on a copy of the home, has a chat endpoint that takes every request and never answers. The breaker rests it
    after a few failures; before and between those the full budget is waited for.

    Raises:
        BundleError: nothing was built yet.
        InputError: the store is not SQLite, or holds API keys or no demands.

    """
    current_bundle(settings.bundles)
    ids, _ = asked_demands(settings)
    asked = [question(demand_id, "none") for demand_id in ids]
    needs = [prepared(STRUCTURE, orjson.dumps({"text": _need(number)})) for number in range(TEXTS)]
    with (
        _silent() as port,
        served(
            settings, plan.workers, 0, chat=f"http://127.0.0.1:{port}/v1#silent", model_timeout=str(BUDGET)
        ) as server,
    ):
        uvloop.run(open_loop(server.port, asked, plan.rate, 3.0))  # warm
        calm = uvloop.run(open_loop(server.port, asked, plan.rate, plan.seconds))
        yield _rows(f"no model asked, {plan.rate:g}/s", calm)

        async def both() -> tuple[LoadResult, LoadResult]:
            flood = open_loop(server.port, needs, plan.rate, plan.seconds, seed=1)
            return await _together(open_loop(server.port, asked, plan.rate, plan.seconds, seed=2), flood)

        plain, structured = uvloop.run(both())
        before = calm.quantile(0.99)
        yield _rows(f"no model asked, {plan.rate:g}/s, beside the flood", plain, before)
        yield [
            *_rows(f"a silent model asked, {plan.rate:g}/s", structured),
            BenchRow(
                "a silent model asked",
                "slowest",
                structured.quantile(1.0),
                "ms",
                structured.quantile(1.0) / 1e3 / BUDGET,
                "budget",
            ),
        ]


def _rows(stage: str, load: LoadResult, before: float | None = None) -> list[BenchRow]:
    p99 = load.quantile(0.99)
    return [
        BenchRow(stage, "p50", load.quantile(0.5), "ms"),
        BenchRow(
            stage,
            "p99",
            p99,
            "ms",
            None if before is None else p99 / before,
            "" if before is None else "without the flood",
        ),
        BenchRow(stage, "refused", len(load.refused), ""),
        BenchRow(stage, "failed", load.failures, ""),
    ]


async def _together(
    first: Coroutine[None, None, LoadResult], second: Coroutine[None, None, LoadResult]
) -> tuple[LoadResult, LoadResult]:
    found = await asyncio.gather(first, second)
    return found[0], found[1]


def _need(number: int) -> str:
    return f"需要低温污泥干化设备，含水率降到40%以下，处理量每天{number + 1}吨，预算80万元以内"


@contextmanager
def _silent() -> Iterator[int]:
    """Yield the port of a server that takes requests and answers none."""
    kept: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:

        def accept() -> None:
            while True:
                try:
                    kept.append(listener.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for connection in kept:
                connection.close()
