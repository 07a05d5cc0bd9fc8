"""Threads beside the requests: one follows the store, one watches the pointer to the current bundle."""

from collections.abc import Callable
from threading import Event, Thread
from time import monotonic

import structlog

from data.errors import GongxuError

log = structlog.get_logger("gongxu.background")


class PeriodicTask:
    """Calls a function again and again in a thread of its own, every `interval` seconds or as soon as it is woken."""

    def __init__(self, name: str, work: Callable[[], object], interval: float) -> None:
        self._work = work
        self._interval = interval
        self._wake = Event()
        self._stop = False
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self.failure = ""
        self._ended = monotonic()

    @property
    def silence(self) -> float:
        """Seconds since the function last returned, well or not."""
        return monotonic() - self._ended

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Have the function called now."""
        self._wake.set()

    def stop(self, timeout: float = 10.0) -> None:
        """Finish the call that is running and end the thread."""
        self._stop = True
        self._wake.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stop:
            try:
                self._work()
                self.failure = ""
            except GongxuError as error:
                if str(error) != self.failure:
                    log.warning("background task failed", task=self._thread.name, reason=str(error))
                self.failure = str(error)
            except Exception:
                # A thread that dies would leave the server blind without anybody noticing.
                self.failure = "internal error"
                log.exception("background task failed", task=self._thread.name)
            self._ended = monotonic()
            self._wake.wait(self._interval)
            self._wake.clear()
