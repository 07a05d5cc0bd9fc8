"""What was shown, noted off the request path: a bounded queue, written in batches; what does not fit is counted as lost."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock

from data.records import EventKind, OutcomeEvent
from data.store.store import Store
from matcher.recommendation import Recommendation
from serving.telemetry.metrics import IMPRESSIONS, IMPRESSIONS_LOST

BATCH = 100  # answers written in one transaction


@dataclass(frozen=True)
class _Shown:
    """The items of one answer."""

    subject: str
    items: tuple[tuple[str, str], ...]  # id, digest of its features
    side: str
    request_id: str
    versions: tuple[str, ...]
    at: datetime

    def events(self) -> Iterator[OutcomeEvent]:
        """Yield an impression for each item; validated once, for the others differ in stored names only."""
        asked, shown = ("demand_id", "achievement_id")[:: 1 if self.side == "achievements" else -1]
        first = OutcomeEvent.model_validate(
            {
                "event_id": self.request_id,
                asked: self.subject,
                shown: self.items[0][0],
                "kind": EventKind.IMPRESSION,
                "occurred_at": self.at,
                "request_id": self.request_id,
            }
        )
        for rank, ((item, digest), version) in enumerate(zip(self.items, self.versions, strict=True), start=1):
            own = {"event_id": f"{self.request_id}-{rank}", shown: item, "position": rank, "features_digest": digest}
            yield first.model_copy(update=own | {"bundle_version": version})


class ImpressionLog:
    """Takes impressions at once and writes them when `flush` is called from a background thread."""

    def __init__(self, store: Callable[[], Store], limit: int) -> None:
        self._store = store
        self._limit = limit
        self._waiting: deque[_Shown] = deque()
        self._counting = Lock()
        self._flushing = Lock()
        self._number = 0

    def __len__(self) -> int:
        """Return how many impressions wait to be written."""
        return self._number

    def note(
        self, recommendation: Recommendation, request_id: str, *, side: str, versions: tuple[str, ...] | None = None
    ) -> None:
        """Note that the items of an answer were shown to a stored subject; `side` is that of the items.

        `versions` names the bundle that put each item there; without it all are the answer's. This is on the request's
        path and does next to nothing; the events are made when they are written.
        """
        subject, number = recommendation.subject_id, len(recommendation.items)
        if subject is None:
            return
        with self._counting:
            taken = max(0, min(number, self._limit - self._number))
            self._number += taken
        if taken < number:
            IMPRESSIONS_LOST.inc(number - taken)
        if taken:
            items = tuple((match.id, match.features_digest) for match in recommendation.items[:taken])
            versions = (versions or (recommendation.bundle_version,) * number)[:taken]
            shown = _Shown(subject, items, side, request_id, versions, datetime.now(UTC))
            self._waiting.append(shown)

    def flush(self) -> None:
        """Write all that waits. What cannot be written goes on waiting.

        Raises:
            StoreError: the store cannot be used.

        """
        with self._flushing:
            while self._waiting:
                batch = [self._waiting[place] for place in range(min(BATCH, len(self._waiting)))]
                events = [event for shown in batch for event in shown.events()]
                self._store().append_events(events)
                for _ in batch:
                    self._waiting.popleft()
                with self._counting:
                    self._number -= len(events)
                IMPRESSIONS.inc(len(events))
