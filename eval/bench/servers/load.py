"""An HTTP load generator that costs little: prepared requests over kept connections, sent when they are due."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np

MAX_CONNECTIONS = 400
TIMEOUT = 60.0
REFUSED_PAUSE = 0.05  # seconds


@dataclass
class LoadResult:
    """Outcomes of the requests of one phase; `seconds` are of those answered with 200, from when they were due."""

    duration: float = 0.0
    seconds: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)  # answered with 429 or 503
    statuses: Counter[int] = field(default_factory=Counter)  # 0: no answer

    @property
    def failures(self) -> int:
        """Requests that were neither answered nor refused as an overloaded server should."""
        return sum(number for status, number in self.statuses.items() if status not in (200, 429, 503))

    @property
    def rate(self) -> float:
        """Requests answered with 200 a second."""
        return len(self.seconds) / self.duration if self.duration else 0.0

    def quantile(self, q: float) -> float:
        """Return the q-quantile of the answered requests' milliseconds, NaN if there are none."""
        return 1e3 * float(np.quantile(self.seconds, q)) if self.seconds else float("nan")


def prepared(path: str, body: bytes, key: str = "", host: str = "127.0.0.1") -> bytes:
    """Return the bytes of a POST request with a JSON body."""
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return (head + (f"Authorization: Bearer {key}\r\n" if key else "") + "\r\n").encode() + body


class _Connection(asyncio.Protocol):
    """A kept connection that carries one request at a time; reads of an answer what has to be known of it."""

    def __init__(self) -> None:
        self.usable = False
        self.begun = False  # the answer
        self._received = b""
        self._length = 0  # of head and body, 0 until the head is there
        self._status = 0
        self._answer: asyncio.Future[int] | None = None
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.usable = True
        self._transport = cast(asyncio.WriteTransport, transport)

    def ask(self, request: bytes) -> "asyncio.Future[int]":
        """Send a request and return what will be the status of the answer; ConnectionError where none comes."""
        self.begun, self._received, self._length = False, b"", 0
        self._answer = asyncio.get_running_loop().create_future()
        if self._transport is None or not self.usable:
            self._answer.set_exception(ConnectionResetError())
        else:
            self._transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self.begun = True
        self._received += data
        if not self._length:
            head, end, _ = self._received.partition(b"\r\n\r\n")
            if not end:
                return
            head = head.lower() + b"\r\n"
            self._status = int(head[9:12])
            self._length = len(head) + 2 + int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
            self.usable = b"connection: close" not in head
        if len(self._received) >= self._length and self._answer is not None and not self._answer.done():
            self._answer.set_result(self._status)

    def connection_lost(self, error: Exception | None) -> None:
        self.usable = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionResetError())

    def close(self) -> None:
        self.usable = False
        if self._transport is not None:
            self._transport.close()


class _Pool:
    """Connections to one server, opened as they are needed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: list[_Connection] = []
        self._places = asyncio.Semaphore(MAX_CONNECTIONS)

    async def ask(self, request: bytes) -> int:
        """Send a request and return the status of the answer, 0 if there was none."""
        async with self._places:
            try:
                async with asyncio.timeout(TIMEOUT):
                    return await self._ask(request)
            except (OSError, TimeoutError, ValueError):
                return 0

    async def _ask(self, request: bytes) -> int:
        """Send over a kept connection, and over a new one if the server has closed that meanwhile, as clients do."""
        while self._free:
            kept = self._free.pop()
            try:
                return await self._over(kept, request)
            except OSError:
                if kept.begun:
                    raise
        loop = asyncio.get_running_loop()
        _, opened = await loop.create_connection(_Connection, "127.0.0.1", self._port)
        return await self._over(opened, request)

    async def _over(self, connection: _Connection, request: bytes) -> int:
        try:
            status = await connection.ask(request)
        except BaseException:
            connection.close()
            raise
        if connection.usable:
            self._free.append(connection)
        else:
            connection.close()
        return status

    def close(self) -> None:
        for connection in self._free:
            connection.close()


async def open_loop(port: int, requests: Sequence[bytes], rate: float, duration: float, seed: int = 0) -> LoadResult:
    """Send `rate` requests a second for `duration` seconds at random moments, whether or not earlier ones are answered.

    A request's time counts from the moment it was due, so that a server that stalls does not hide those that wait.
    """
    result, pool = LoadResult(), _Pool(port)
    random = np.random.default_rng(seed)
    due = np.cumsum(random.exponential(1.0 / rate, int(rate * duration)))
    order = random.permutation(len(due)) % len(requests)
    started = time.perf_counter()

    async def one(moment: float, request: bytes) -> None:
        status = await pool.ask(request)
        _note(result, status, time.perf_counter() - moment)

    tasks: set[asyncio.Task[None]] = set()
    for offset, place in zip(due.tolist(), order.tolist(), strict=True):
        moment = started + offset
        if (wait := moment - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        task = asyncio.create_task(one(moment, requests[place]))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    if tasks:
        await asyncio.wait(tasks)
    result.duration = time.perf_counter() - started
    pool.close()
    return result


async def closed_loop(port: int, requests: Sequence[bytes], clients: int, duration: float) -> LoadResult:
    """Have `clients` send one request after the other for `duration` seconds, without pause unless they are refused.

    One that is refused waits a little, as clients do that heed Retry-After: asking on at once would measure refusals.
    """
    result, pool = LoadResult(), _Pool(port)
    started = time.perf_counter()

    async def client(first: int) -> None:
        place = first * len(requests) // clients
        while (begun := time.perf_counter()) < started + duration:
            status = await pool.ask(requests[place % len(requests)])
            _note(result, status, time.perf_counter() - begun)
            place += 1
            if status in (429, 503):
                await asyncio.sleep(REFUSED_PAUSE)

    await asyncio.gather(*(client(number) for number in range(clients)))
    result.duration = time.perf_counter() - started
    pool.close()
    return result


def _note(result: LoadResult, status: int, seconds: float) -> None:
    result.statuses[status] += 1
    if status == 200:
        result.seconds.append(seconds)
    elif status in (429, 503):
        result.refused.append(seconds)
