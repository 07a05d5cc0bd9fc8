"""The store as a server holds it: opened when first needed, and again after a failure, without a restart."""

from threading import Lock
from time import monotonic

from data.errors import StoreError
from data.store import Store

RETRY_AFTER = 1.0  # seconds between two attempts to open a store that failed


class StoreAccess:
    """Gives the store to whoever needs it; safe to use from many threads."""

    def __init__(self, url: str, lock_timeout: float) -> None:
        self._url = url
        self._lock_timeout = lock_timeout
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
            self._store = Store.open(self._url, self._lock_timeout)
        except StoreError as error:
            self._failed_at, self._failure = monotonic(), str(error)

    def close(self) -> None:
        """Give the database connections back."""
        with self._lock:
            if self._store is not None:
                self._store.close()
                self._store = None
