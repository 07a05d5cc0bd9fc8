"""The store as a server holds it: opened when first needed, and again after a failure; nobody waits for it for long."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from time import monotonic
from typing import Any, TypeVar

from data.errors import StoreError
from data.settings import Settings
from data.store.postgresql.limits import long_statements
from data.store.store import Store
from serving.telemetry.stages import timed

RETRY_AFTER = 1.0  # seconds between two attempts to open a store that failed
STORE_THREADS = 8
_T = TypeVar("_T")


class StoreAccess:
    """Gives the store to whoever needs it; safe to use from many threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = Lock()
        self._store: Store | None = None
        self._failed_at = -RETRY_AFTER
        self._failure = ""

    def store(self) -> Store:
        """Return the open store.

        Raises:
            StoreError: it cannot be opened; the next attempt is made a second later.

        """
        if self._store is not None:
            return self._store
        with self._lock:
            if self._store is None:
                self._open()
            if self._store is None:
                raise StoreError(self._failure)
            return self._store

    def _open(self) -> None:
        if monotonic() - self._failed_at < RETRY_AFTER:
            return
        try:
            self._store = Store.open(self._settings.store_url, self._settings.serve_lock_timeout, server=self._settings)
        except StoreError as error:
            self._failed_at, self._failure = monotonic(), str(error)

    def close(self) -> None:
        """Give the database connections back."""
        with self._lock:
            if self._store is not None:
                self._store.close()
                self._store = None


def with_long_statements(work: Callable[[Store], _T]) -> Callable[[Store], _T]:
    """Return work whose statements may take long: nobody waits for it, or whoever does is patient."""

    def patiently(store: Store) -> _T:
        with long_statements():
            return work(store)

    return patiently


class StoreThreads:
    """Runs calls to the store in a few threads and gives up on one that takes longer than `patience` seconds.

    A call that was given up goes on in its thread until the database lets go of it. As long as all threads are held
    up like that, further calls are refused at once: they could only wait in vain.
    """

    def __init__(self, access: StoreAccess, patience: float) -> None:
        self._access = access
        self._patience = patience
        self._executor = ThreadPoolExecutor(STORE_THREADS, thread_name_prefix="store")
        self._held_up: set[Future[Any]] = set()

    async def run(self, work: Callable[[Store], _T], *, patient: bool = False) -> _T:
        """Run `work` with the store and return its result; if `patient`, however long it takes.

        Raises:
            StoreError: the store cannot be used, or does not answer in time.

        """
        self._held_up = {call for call in self._held_up if not call.done()}
        if len(self._held_up) >= STORE_THREADS:
            raise StoreError(f"{len(self._held_up)} earlier calls still wait for the database")
        with timed("store"):
            return await self._run(with_long_statements(work) if patient else work, None if patient else self._patience)

    async def _run(self, work: Callable[[Store], _T], patience: float | None) -> _T:
        call = self._executor.submit(lambda: work(self._access.store()))
        limit = asyncio.timeout(patience)
        try:
            async with limit:
                return await asyncio.wrap_future(call)
        except TimeoutError:
            if not limit.expired():  # the work's own error
                raise
            if not call.cancelled():  # it goes on, and nobody waits for it
                self._held_up.add(call)
            raise StoreError(f"the database did not answer within {patience:g} s") from None

    def close(self) -> None:
        """Finish what is running, unless the database holds it up."""
        held_up = any(not call.done() for call in self._held_up)
        self._executor.shutdown(wait=not held_up, cancel_futures=True)
