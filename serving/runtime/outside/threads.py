"""Threads that wait for models, so that nobody else waits for one."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

_T = TypeVar("_T")
_ENDPOINTS = 2  # chat and rerank: what else is called is called by the engine's threads
_SPARE = 4  # for calls that are refused at once because the others wait


class ModelThreads:
    """As many threads as calls may wait at once, and some for those that are refused."""

    def __init__(self, concurrency: int) -> None:
        self._threads = ThreadPoolExecutor(_ENDPOINTS * concurrency + _SPARE, thread_name_prefix="model-wait")

    async def run(self, work: Callable[[], _T]) -> _T:
        """Return what `work` returns, called in one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, copy_context().run, work)

    def close(self) -> None:
        """Take no more work; calls that still wait end by themselves, in time."""
        self._threads.shutdown(wait=False, cancel_futures=True)
