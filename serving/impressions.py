"""What was shown, noted off the request path: a bounded queue, written in batches; what does not fit is counted as lost."""

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock

from data.records import EventKind, OutcomeEvent
from data.store import Store
from matcher.recommendation import Recommendation
from serving.metrics import IMPRESSIONS, IMPRESSIONS_LOST

BATCH = 1000


class ImpressionLog:
    """Takes impressions at once and writes them when `flush` is called from a background thread."""

    def __init__(self, store: Callable[[], Store], limit: int) -> None:
        self._store = store
        self._limit = limit
        self._waiting: deque[OutcomeEvent] = deque()
        self._flushing = Lock()

    def __len__(self) -> int:
        """Return how many impressions wait to be written."""
        return len(self._waiting)

    def note(self, recommendation: Recommendation, request_id: str, *, side: str) -> None:
        """Note that the items of an answer were shown to a stored subject; `side` is that of the items."""
        subject = recommendation.subject_id
        if subject is None:
            return
        now = datetime.now(UTC)
        for match in recommendation.items:
            if len(self._waiting) >= self._limit:
                IMPRESSIONS_LOST.inc()
                continue
            pair = (subject, match.id) if side == "achievements" else (match.id, subject)
            self._waiting.append(
                OutcomeEvent(
                    event_id=f"{request_id}-{match.rank}",
                    demand_id=pair[0],
                    achievement_id=pair[1],
                    kind=EventKind.IMPRESSION,
                    occurred_at=now,
                    request_id=request_id,
                    position=match.rank,
                    bundle_version=recommendation.bundle_version,
                )
            )

    def flush(self) -> None:
        """Write all that waits. What cannot be written goes on waiting.

        Raises:
            StoreError: the store cannot be used.

        """
        with self._flushing:
            while self._waiting:
                batch = [self._waiting[place] for place in range(min(BATCH, len(self._waiting)))]
                self._store().append_events(batch)
                for _ in batch:
                    self._waiting.popleft()
                IMPRESSIONS.inc(len(batch))
