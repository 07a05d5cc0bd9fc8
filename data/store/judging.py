"""Judgements on their way to becoming events: for a while each can be taken back."""

from datetime import datetime

from data.store.store import Store
from data.work.match_state import UNDO

__all__ = ["UNDO", "submit", "submit_moves"]


def submit(store: Store, before: datetime, reviewer: str = "") -> int:
    """Turn judgements given before a moment into events; return how many. Safe to repeat after a crash."""
    pending = store.reviews.pending(before, reviewer)
    if pending:
        store.append_events(event for _, event in pending)
        store.reviews.mark({number: event.event_id for number, event in pending})
    return len(pending)


def submit_moves(store: Store, before: datetime) -> int:
    """Turn moves made before a moment into events; return how many. Safe to repeat after a crash."""
    pending = store.matches.pending(before)
    if pending:
        store.append_events(event for _, event in pending)
        store.matches.mark({number: event.event_id for number, event in pending})
    return len(pending)
