"""Circuit breaker: an endpoint that keeps failing is left alone for a while, then tried once."""

from collections.abc import Callable
from threading import Lock
from time import monotonic

FAILURES = 5  # in a row, after which calls are refused
PAUSE = 30.0  # s until one call may try again


class Breaker:
    """Counts failures in a row; safe to use from many threads."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._failures = 0
        self._next = 0.0

    @property
    def is_open(self) -> bool:
        """Whether calls are refused now."""
        return self._failures >= FAILURES and self._clock() < self._next

    def allows(self) -> bool:
        """Tell whether a call may be made; after the pause one may, the others wait for its outcome."""
        with self._lock:
            if self._failures < FAILURES:
                return True
            now = self._clock()
            if now < self._next:
                return False
            self._next = now + PAUSE
            return True

    def succeeded(self) -> None:
        """Note that a call was answered."""
        with self._lock:
            self._failures = 0

    def failed(self) -> None:
        """Note that a call failed."""
        with self._lock:
            self._failures += 1
            if self._failures >= FAILURES:
                self._next = self._clock() + PAUSE
