"""The index of declared kinds beside the live model: rebuilt with a bundle, kept up with what is written."""

from pathlib import Path
from threading import Lock

from data.kinds.registry import Kinds
from data.store.store import Store
from matcher.engine import Engine
from matcher.kinds.index import KindIndex
from matcher.kinds.loading import kind_indexes

WAIT = 0.05  # seconds between two looks whether the index that somebody else makes is there


class KindHolder:
    """Holds the index of kinds for the engine that serves; one thread at a time changes it, everybody else reads."""

    def __init__(self, kinds: Kinds, bundles: Path) -> None:
        self.kinds = kinds
        self._bundles = bundles
        self._served: tuple[Engine, KindIndex] | None = None
        self._revision = 0
        self._lock = Lock()

    def refresh(self, engine: Engine, store: Store) -> None:
        """Take in what was written since the last call, or all records if another bundle serves since.

        Of another bundle its own index serves at once; what was written since it was built follows batch by batch.
        """
        with self._lock:
            self._refresh(engine, store)

    def _refresh(self, engine: Engine, store: Store) -> None:
        mark = store.watermark()
        if self._served is None or engine is not self._served[0]:
            for index in kind_indexes(self._bundles, engine, store, self.kinds):
                self._served = engine, index
        elif mark > self._revision:
            self._served = engine, self._served[1].apply(store.kinds.changes_since(self._revision))
        self._revision = mark

    def index(self, engine: Engine, store: Store) -> KindIndex:
        """Return the index that fits an engine, made now if nobody is making it; not later than its first part is there."""
        while True:
            served = self._served
            if served is not None and served[0] is engine:
                return served[1]
            if self._lock.acquire(timeout=WAIT):
                try:
                    if self._served is None or self._served[0] is not engine:
                        self._refresh(engine, store)
                finally:
                    self._lock.release()
