"""Records that are out of all answers because their provider was suspended, or they themselves are stale."""

from collections.abc import Mapping
from threading import Lock

from data.store.store import Store
from matcher.collection.filters import Filters


class WithheldRecords:
    """The ids of withheld records by kind, compared with the store when something was written."""

    def __init__(self) -> None:
        self._ids: Mapping[str, frozenset[str]] = {}
        self._revision = -1
        self._lock = Lock()

    @property
    def ids(self) -> Mapping[str, frozenset[str]]:
        """Ids by kind, as last read."""
        return self._ids

    def refresh(self, store: Store) -> bool:
        """Read them again if something was written since; return whether they are others now."""
        if store.watermark() == self._revision:
            return False
        with self._lock:
            mark = store.watermark()
            found = store.quality.withheld()
            changed = found != self._ids
            self._ids, self._revision = found, mark
            return changed

    def offered(self, kind: str) -> Filters:
        """Return the filters that let everything through but withheld records of a kind."""
        return self.left_out(Filters(), kind)

    def left_out(self, filters: Filters, kind: str) -> Filters:
        """Return the filters of a request, which let no withheld record of a kind through."""
        ids = self._ids.get(kind)
        return filters.model_copy(update={"exclude": (*filters.exclude, *sorted(ids))}) if ids else filters
