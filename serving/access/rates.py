"""Token buckets: how often one key or address may ask."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from time import monotonic

MAX_BUCKETS = 10_000
BURST_SECONDS = 2.0


@dataclass(frozen=True)
class Allowance:
    """What a name may still ask after a request."""

    allowed: bool
    limit: int  # requests at once
    remaining: int
    wait: float  # seconds until the next request is allowed, 0 if it is now
    reset: float  # seconds until `limit` requests are allowed again

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the RateLimit headers (draft-ietf-httpapi-ratelimit-headers)."""
        values = {"limit": self.limit, "remaining": self.remaining, "reset": ceil(self.reset)}
        return [(f"ratelimit-{name}".encode(), str(value).encode()) for name, value in values.items()]


class RateLimit:
    """Allows `rate` requests a second for each name, and bursts of twice that; remembers the latest 10,000 names."""

    def __init__(self, rate: float, clock: Callable[[], float] = monotonic) -> None:
        self._rate = rate
        self._burst = max(1.0, rate * BURST_SECONDS)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, name: str) -> float:
        """Take one request for `name` and return 0, or return the seconds after which the next one will be allowed."""
        return self.take(name).wait

    def take(self, name: str, cost: float = 1.0) -> Allowance:
        """Take one request for `name`, if it is allowed; one that is paid for already costs 0 and always is."""
        now = self._clock()
        tokens, at = self._buckets.pop(name, (self._burst, now))
        tokens = min(self._burst, tokens + (now - at) * self._rate)
        allowed = tokens >= cost
        left = tokens - cost if allowed else tokens
        self._buckets[name] = (left, now)
        if len(self._buckets) > MAX_BUCKETS:
            self._buckets.popitem(last=False)
        wait = 0.0 if allowed else (cost - tokens) / self._rate
        return Allowance(allowed, int(self._burst), int(left), wait, (self._burst - left) / self._rate)
