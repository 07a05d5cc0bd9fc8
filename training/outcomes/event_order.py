"""Events in the order in which they make sense: clocks differ, and a wrong one may not lead the others astray."""

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime

from data.clocks import SKEW
from data.records import EventKind, OutcomeEvent


def until(events: Iterable[OutcomeEvent], now: datetime | None) -> Iterator[OutcomeEvent]:
    """Yield the events without those that lie in the future of `now` by more than clocks differ; None: all."""
    for event in events:
        if now is None or event.occurred_at is None or event.occurred_at <= now + SKEW:
            yield event


def impressions_first(events: Iterable[OutcomeEvent]) -> Iterator[OutcomeEvent]:
    """Yield events in order of time, but an impression before what its own request and pair led to.

    A click may be stamped shortly before the impression that it follows, by another machine's clock: then the impression
    takes the click's moment. Shortly is up to `SKEW`; only that much of the events is held at a time.
    """
    held: deque[OutcomeEvent] = deque()
    waiting: dict[tuple[str, str, str], list[OutcomeEvent]] = {}  # impressions among the held ones
    early: set[int] = set()  # ids of impression objects that were yielded before their turn

    def release() -> Iterator[OutcomeEvent]:
        event = held.popleft()
        key = _key(event)
        if event.kind is EventKind.IMPRESSION:
            if id(event) in early:
                early.remove(id(event))
                return
            if event.request_id:
                _forget(waiting, key)
        elif event.request_id and key in waiting:
            shown = waiting[key][0]
            _forget(waiting, key)
            early.add(id(shown))
            yield shown.model_copy(update={"occurred_at": event.occurred_at})
        yield event

    for event in events:
        while held and _apart(held[0], event):
            yield from release()
        held.append(event)
        if event.kind is EventKind.IMPRESSION and event.request_id:
            waiting.setdefault(_key(event), []).append(event)
    while held:
        yield from release()


def _key(event: OutcomeEvent) -> tuple[str, str, str]:
    return event.request_id, event.demand_id, event.achievement_id


def _forget(waiting: dict[tuple[str, str, str], list[OutcomeEvent]], key: tuple[str, str, str]) -> None:
    first = waiting[key]
    del first[0]
    if not first:
        del waiting[key]


def _apart(earlier: OutcomeEvent, later: OutcomeEvent) -> bool:
    """Tell whether two events lie further apart than clocks differ; an undated one comes before all."""
    if earlier.occurred_at is None or later.occurred_at is None:
        return (earlier.occurred_at is None) != (later.occurred_at is None)
    return later.occurred_at - earlier.occurred_at > SKEW
