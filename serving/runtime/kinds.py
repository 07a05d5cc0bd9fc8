"""The index of declared kinds beside the live model: rebuilt with a bundle, kept up with what is written."""

from pathlib import Path
from threading import Lock

from data.kinds.registry import Kinds
from data.store.store import Store
from matcher.engine import Engine
from matcher.kinds.index import KindIndex
from matcher.kinds.loading import kind_index


class KindHolder:
    """Holds the index of kinds for the engine that serves; one thread at a time changes it, everybody else reads."""

    def __init__(self, kinds: Kinds, bundles: Path) -> None:
        self.kinds = kinds
        self._bundles = bundles
        self._engine: Engine | None = None
        self._index: KindIndex | None = None
        self._revision = 0
        self._lock = Lock()

    def refresh(self, engine: Engine, store: Store) -> None:
        """Take in what was written since the last call, or all records if another bundle serves since."""
        with self._lock:
            mark = store.watermark()
            if self._index is None or engine is not self._engine:
                self._index = kind_index(self._bundles, engine, store, self.kinds)
            elif mark > self._revision:
                self._index = self._index.apply(store.kinds.changes_since(self._revision))
            self._engine, self._revision = engine, mark

    def index(self, engine: Engine, store: Store) -> KindIndex:
        """Return the index that fits an engine, made now if it is not there yet."""
        index = self._index
        if index is None or engine is not self._engine:
            self.refresh(engine, store)
            index = self._index
        if index is None:  # refresh leaves one or raises
            raise RuntimeError("the index of kinds was not made")
        return index
