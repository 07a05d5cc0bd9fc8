"""Moves of matches on their way to becoming outcome events."""

from datetime import datetime

from data.store.store import Store


def submit_moves(store: Store, before: datetime) -> int:
    """Turn moves made before a moment into events; return how many. Safe to repeat after a crash."""
    pending = store.matches.pending(before)
    if pending:
        store.append_events(event for _, event in pending)
        store.matches.mark({number: event.event_id for number, event in pending})
    return len(pending)
