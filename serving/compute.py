"""Engine threads behind a door: what could not be answered in time is refused at once instead of waiting in line."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter, time_ns
from typing import TypeVar

from serving import stages
from serving.metrics import SHED
from serving.problems import OVERLOADED, ApiError

_T = TypeVar("_T")
_MEMORY = 0.05  # weight of the latest call in the running mean of service times


class EngineThreads:
    """Runs engine calls in few threads; refuses a call whose expected wait exceeds `max_wait` seconds."""

    def __init__(self, threads: int, max_wait: float) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="engine")
        self._threads = threads
        self._max_wait = max_wait
        self._mean = 0.0
        self.waiting = 0

    async def run(self, work: Callable[[], _T]) -> _T:
        """Run `work` in an engine thread and return its result.

        Raises:
            ApiError: too many calls are waiting already (503 with Retry-After).

        """
        expected = self._mean * max(0, self.waiting - self._threads + 1) / self._threads
        if expected > self._max_wait:
            SHED.inc()
            raise ApiError(OVERLOADED, f"{self.waiting} requests are waiting; try again in a second")
        self.waiting += 1
        called = perf_counter()
        try:
            result, started, ended = await asyncio.get_running_loop().run_in_executor(self._executor, _timed, work)
        finally:
            self.waiting -= 1
        now = time_ns()
        stages.record("wait", started - called, now - int(1e9 * (ended - started)))
        stages.record("engine", ended - started, now)
        self._mean += _MEMORY * (ended - started - self._mean) if self._mean else ended - started
        return result

    def close(self) -> None:
        """Finish what is running."""
        self._executor.shutdown(wait=True, cancel_futures=True)


def _timed(work: Callable[[], _T]) -> tuple[_T, float, float]:
    started = perf_counter()
    result = work()
    return result, started, perf_counter()
