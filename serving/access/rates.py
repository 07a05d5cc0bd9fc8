"""Token buckets: how often one key or address may ask."""

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

MAX_BUCKETS = 10_000
BURST_SECONDS = 2.0


class RateLimit:
    """Allows `rate` requests a second for each name, and bursts of twice that; remembers the latest 10,000 names."""

    def __init__(self, rate: float, clock: Callable[[], float] = monotonic) -> None:
        self._rate = rate
        self._burst = max(1.0, rate * BURST_SECONDS)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, name: str) -> float:
        """Take one request for `name` and return 0, or return the seconds after which the next one will be allowed."""
        now = self._clock()
        tokens, at = self._buckets.pop(name, (self._burst, now))
        tokens = min(self._burst, tokens + (now - at) * self._rate)
        allowed = tokens >= 1.0
        self._buckets[name] = (tokens - 1.0 if allowed else tokens, now)
        if len(self._buckets) > MAX_BUCKETS:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1.0 - tokens) / self._rate
