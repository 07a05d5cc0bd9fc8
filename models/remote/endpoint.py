"""One call to a model behind HTTP, within its limits: whatever goes wrong there ends here, in time, counted and named."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from random import uniform
from socket import gaierror
from threading import BoundedSemaphore
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import finalize

import orjson

from data.clocks import china_today
from data.errors import ModelUnavailableError
from models.remote.address import Address, is_allowed
from models.remote.breaker import Breaker
from models.remote.usage import Usage

if TYPE_CHECKING:
    import httpx2

_T = TypeVar("_T")
MAX_ANSWER = 16 * 2**20  # bytes
PAUSES = (0.1, 0.4)  # s before the second and the third try, more or less
_WORTH_RETRYING = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Limits:
    """What an endpoint may cost: seconds of a call with its retries, calls at once, calls a day of all processes."""

    seconds: float = 10.0
    concurrency: int = 4
    calls_a_day: int = 10_000
    hosts: Collection[str] = ()


@dataclass
class Health:
    """What became known of an endpoint since this process started."""

    outcomes: Counter[str] = field(default_factory=Counter)
    last_failure: str = ""
    failed_at: datetime | None = None


class Endpoint:
    """Sends JSON and reads JSON. Safe to use from many threads; none of them waits longer than the call's limit."""

    def __init__(
        self,
        name: str,
        address: Address,
        limits: Limits,
        usage: Usage,
        *,
        key: str = "",
        observe: Callable[[str, str, float], None] = lambda *_: None,
    ) -> None:
        """Call `observe` with name, outcome and seconds after each call, which `Health.outcomes` counts by the same words.

        Outcomes are ok, cached, late, failed, unreachable, broken, and, of calls that were not made: open, busy, spent,
        unrecorded, forbidden.
        """
        import httpx2

        self.name = name
        self.address = address
        self.limits = limits
        self.health = Health()
        self._usage = usage
        self.observe = observe
        self._breaker = Breaker()
        self._slots = BoundedSemaphore(limits.concurrency)
        self._threads = ThreadPoolExecutor(limits.concurrency, thread_name_prefix=f"model-{name}")
        headers = {"content-type": "application/json", "accept": "application/json"}
        if key:
            headers["authorization"] = f"Bearer {key}"
        # No proxy of the environment and no redirect: either would send texts to a host that nobody allowed.
        self._client = httpx2.Client(headers=headers, trust_env=False, follow_redirects=False)
        # Whoever forgets to close it (a bundle that is replaced) leaves no connection open.
        self._release = finalize(self, _release, self._threads, self._client)

    def close(self) -> None:
        """Let go of connections and threads; calls that still wait for an answer end by themselves."""
        self._release()

    @property
    def is_open(self) -> bool:
        """Whether the circuit breaker refuses calls now."""
        return self._breaker.is_open

    def calls_today(self) -> int:
        """Return how many calls all processes of the home made today."""
        return self._usage.taken(self.name, china_today())

    def post(
        self,
        path: str,
        body: Mapping[str, Any],
        read: Callable[[Any], _T],
        *,
        seconds: float | None = None,
        keep: bool = True,
    ) -> _T:
        """Return `read` of the JSON that answers `body`; of an equal body the answer that is kept.

        `read` raises ValueError, KeyError, TypeError or IndexError where the answer is not what was asked for; nothing
        of such an answer is kept. `seconds` is the time for everything, retries included. Unless `keep`, no answer is.

        Raises:
            ModelUnavailableError: there is no such answer in time; `outcome` says why.

        """
        started = monotonic()
        limit = self.limits.seconds if seconds is None else seconds
        try:
            content = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
            digest = sha256(f"{self.address.url}{path}\0".encode() + content).digest()
            kept = self._usage.get(digest) if keep else None
            found = orjson.loads(self._fetched(path, content, started + limit) if kept is None else kept)
            value = self._read(found, read)
            if kept is None:
                self._breaker.succeeded()
            if kept is None and keep:
                self._usage.put(digest, orjson.dumps(found))
        except ModelUnavailableError as error:
            self._note(error.outcome, monotonic() - started, str(error))
            raise
        self._note("ok" if kept is None else "cached", monotonic() - started)
        return value

    def _read(self, found: Any, read: Callable[[Any], _T]) -> _T:
        try:
            return read(found)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            self._breaker.failed()
            raise self._unavailable("broken", f"an answer of another form ({type(error).__name__})") from error

    def _fetched(self, path: str, content: bytes, deadline: float) -> bytes:
        """Return the bytes of an answer that is JSON; the thread that fetches them is left behind when time is up."""
        if not self._breaker.allows():
            raise self._unavailable("open", "too many failures in a row; it is tried again shortly")
        if not self._slots.acquire(blocking=False):
            raise self._unavailable("busy", f"{self.limits.concurrency} calls are being made already")
        try:
            future = self._threads.submit(self._in_slot, path, content, deadline)
        except RuntimeError as error:
            self._slots.release()
            raise self._unavailable("open", "the server is closing") from error
        try:
            return future.result(max(0.0, deadline - monotonic()))
        except TimeoutError:
            self._breaker.failed()
            raise self._unavailable("late", "no answer in time") from None
        except ModelUnavailableError as error:
            if error.outcome not in ("spent", "unrecorded", "forbidden"):
                self._breaker.failed()
            raise

    def _in_slot(self, path: str, content: bytes, deadline: float) -> bytes:
        """Give the slot back before anybody gets the answer, so that the next call finds it free."""
        try:
            return self._tries(path, content, deadline)
        finally:
            self._slots.release()

    def _tries(self, path: str, content: bytes, deadline: float) -> bytes:
        for pause in PAUSES:
            try:
                return self._once(path, content, deadline)
            except _TransientError as error:
                wait = pause * uniform(0.5, 1.5)  # noqa: S311 - spreads retries, guards nothing
                if monotonic() + wait >= deadline:
                    raise error.cause from error
            sleep(wait)
        try:
            return self._once(path, content, deadline)
        except _TransientError as error:
            raise error.cause from error

    def _once(self, path: str, content: bytes, deadline: float) -> bytes:
        import httpx2

        try:
            allowed = is_allowed(self.address.host, self.limits.hosts)
        except gaierror as error:
            raise _TransientError(self._unavailable("unreachable", "its name has no address")) from error
        if not allowed:
            raise self._unavailable("forbidden", "the host is neither listed nor private any more")
        if not self._usage.take(self.name, china_today(), self.limits.calls_a_day):
            raise self._unavailable("spent", f"today's {self.limits.calls_a_day} calls are used up")
        left = max(0.001, deadline - monotonic())
        received = bytearray()
        try:
            with self._client.stream("POST", self.address.url + path, content=content, timeout=left) as response:
                for part in response.iter_bytes():
                    received += part
                    if len(received) > MAX_ANSWER:
                        raise self._unavailable("broken", f"an answer of more than {MAX_ANSWER} bytes")
                    if monotonic() > deadline:
                        raise self._unavailable("late", "no answer in time")
                status = response.status_code
        except httpx2.TimeoutException as error:
            raise self._unavailable("late", "no answer in time") from error
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise _TransientError(self._unavailable("unreachable", type(error).__name__)) from error
        if status in _WORTH_RETRYING:
            raise _TransientError(self._unavailable("failed", f"status {status}"))
        if status != 200:
            raise self._unavailable("failed", f"status {status}", status)
        try:
            orjson.loads(received)
        except orjson.JSONDecodeError as error:
            raise self._unavailable("broken", "an answer that is not JSON") from error
        return bytes(received)

    def _unavailable(self, outcome: str, why: str, status: int = 0) -> ModelUnavailableError:
        message = f"the {self.name} model at {self.address.host} gave no usable answer: {why}"
        return ModelUnavailableError(message, outcome, f"外部模型（{self.name}）暂不可用", status)

    def _note(self, outcome: str, seconds: float, failure: str = "") -> None:
        self.health.outcomes[outcome] += 1
        if failure:
            self.health.last_failure, self.health.failed_at = failure, datetime.now(UTC)
        self.observe(self.name, outcome, seconds)


def _release(threads: ThreadPoolExecutor, client: "httpx2.Client") -> None:
    threads.shutdown(wait=False, cancel_futures=True)
    client.close()


class _TransientError(Exception):
    """A failure that another try may not meet; `cause` is what the caller gets if it does."""

    def __init__(self, cause: ModelUnavailableError) -> None:
        super().__init__(str(cause))
        self.cause = cause
