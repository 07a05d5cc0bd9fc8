"""Engine threads behind a door: what could not be answered in time is refused at once instead of waiting in line."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter, time_ns
from typing import Any, Generic, TypeVar

from matcher.request.stages import stage_listener
from serving.problems import OVERLOADED, ApiError
from serving.telemetry import stages
from serving.telemetry.metrics import SHED

_T = TypeVar("_T")
_MEMORY = 0.05  # weight of the latest call in the running mean of service times


class EngineThreads:
    """Runs engine calls in few threads; refuses a call that would have to wait for more than `max_wait` seconds.

    However long calls take, two for each thread may wait.
    """

    def __init__(self, threads: int, max_wait: float) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="engine")
        self._threads = threads
        self._max_wait = max_wait
        self._mean = 0.0
        self.waiting = 0

    def admit(self) -> None:
        """Refuse early what would be refused anyway, before anything else is done for it.

        Raises:
            ApiError: too many calls are waiting already (503 with Retry-After).

        """
        expected = self._mean * max(0, self.waiting - self._threads + 1) / self._threads
        if expected > max(self._max_wait, 2 * self._mean):
            SHED.inc()
            raise ApiError(OVERLOADED, f"已有 {self.waiting} 个请求在等待；请稍后再试")

    async def run(self, work: Callable[[], _T], *, admitted: bool = False) -> _T:
        """Run `work` in an engine thread and return its result; unless `admitted` before, it may be refused.

        Raises:
            ApiError: too many calls are waiting already (503 with Retry-After).

        """
        if not admitted:
            self.admit()
        self.waiting += 1
        called = perf_counter()
        loop = asyncio.get_running_loop()
        try:
            call = await loop.run_in_executor(self._executor, _timed, work)
        finally:
            self.waiting -= 1
        loop.call_soon(_record, called, call)  # the answer need not wait for it
        spent = call.ended - call.started
        self._mean += _MEMORY * (spent - self._mean) if self._mean else spent
        return call.result

    def close(self) -> None:
        """Finish what is running."""
        self._executor.shutdown(wait=True, cancel_futures=True)


@dataclass
class _Timed(Generic[_T]):
    """What a call returned, and when it began, passed its stages and ended, by `perf_counter`."""

    result: _T
    started: float
    ended: float
    passed: list[tuple[str, float]]


def _timed(work: Callable[[], _T]) -> _Timed[_T]:
    passed: list[tuple[str, float]] = []
    started = perf_counter()
    with stage_listener(lambda stage: passed.append((stage, perf_counter()))):
        result = work()
    return _Timed(result, started, perf_counter(), passed)


def _record(called: float, call: _Timed[Any]) -> None:
    """Note how long a call waited, ran, and spent in each of its stages."""
    offset = time_ns() - int(1e9 * perf_counter())  # from the monotonic clock to the wall's
    begun = call.started
    stages.record("wait", begun - called, offset + int(1e9 * begun))
    stages.record("engine", call.ended - begun, offset + int(1e9 * call.ended))
    for stage, ended in call.passed:
        stages.record(stage, ended - begun, offset + int(1e9 * ended))
        begun = ended
