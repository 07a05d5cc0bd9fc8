"""Overload is refused at once; what is accepted is answered."""

import asyncio
import time

import pytest

from serving.problems import OVERLOADED, ApiError
from serving.runtime.compute import EngineThreads


def slow():
    time.sleep(0.05)
    return "done"


def test_overload_is_shed_and_the_rest_answered_in_time():
    async def scenario():
        threads = EngineThreads(1, max_wait=0.2)
        await threads.run(slow)  # now the usual time is known

        async def one():
            started = time.monotonic()
            try:
                return await threads.run(slow), time.monotonic() - started
            except ApiError as error:
                return error.problem, time.monotonic() - started

        results = await asyncio.gather(*(one() for _ in range(50)))
        after = await threads.run(slow)
        threads.close()
        return results, after

    results, after = asyncio.run(scenario())
    done = [seconds for result, seconds in results if result == "done"]
    refused = [seconds for result, seconds in results if result is OVERLOADED]
    assert 3 <= len(done) <= 10
    assert len(done) + len(refused) == 50
    assert max(refused) < 0.05
    assert max(done) < 1.0
    assert after == "done"


def test_slow_calls_are_not_refused_when_hardly_anybody_waits():
    async def scenario():
        threads = EngineThreads(1, max_wait=0.001)
        await threads.run(slow)
        results = await asyncio.gather(*(threads.run(slow) for _ in range(3)))
        with pytest.raises(ApiError):
            await asyncio.gather(*(threads.run(slow) for _ in range(10)))
        threads.close()
        return results

    assert asyncio.run(scenario()) == ["done"] * 3


def test_errors_pass_through_and_free_their_place():
    async def scenario():
        threads = EngineThreads(1, max_wait=0.2)

        def fails():
            raise ValueError("of its own")

        with pytest.raises(ValueError, match="of its own"):
            await threads.run(fails)
        assert threads.waiting == 0
        threads.close()

    asyncio.run(scenario())
