"""From notices to messages: what a webhook carries of a match, at most what anybody may see of the record."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

import orjson

from data.errors import NotFoundError
from data.kinds.disclosure import HIDDEN, visibility_of
from data.kinds.registry import Kinds
from data.standing.types import Notice, RequestState
from data.store.standing.webhooks import WebhookMessage
from data.store.store import Store
from serving.runtime.standing.subjects import record_of

MOST_UNSENT = 5_000
MOST_IN_MESSAGE = 100
MATCHED, TEST = "standing.matched", "webhook.test"


def compose(store: Store, kinds: Kinds, now: datetime) -> int:
    """Write the messages of all notices that are due, one for each request and hundred notices; return how many."""
    notices = store.notices.unsent(now, MOST_UNSENT)
    if not notices:
        return 0
    requests = store.standing.named(one.request_id for one in notices)
    endpoints = {one.name for one in store.webhooks.endpoints()}
    by_request: dict[str, list[Notice]] = {}
    dropped = []
    for one in notices:
        request = requests.get(one.request_id)
        wanted = request is not None and request.state is not RequestState.UNSUBSCRIBED
        if request is not None and wanted and request.endpoint in endpoints:
            by_request.setdefault(one.request_id, []).append(one)
        else:
            dropped.append(one.number)
    number, withheld = 0, store.quality.withheld()
    for request_id, mine in by_request.items():
        offered = [one for one in mine if one.record_id not in withheld.get(one.kind, ())]
        titles = [(one, title_of(store, kinds, one.kind, one.record_id)) for one in offered]
        shown = [(one, title) for one, title in titles if title is not None]
        dropped += sorted({one.number for one in mine} - {one.number for one, _ in shown})
        for start in range(0, len(shown), MOST_IN_MESSAGE):
            part = shown[start : start + MOST_IN_MESSAGE]
            message = _message(requests[request_id].endpoint, request_id, part, now)
            number += store.webhooks.write(message, [one.number for one, _ in part])
    if dropped:
        store.notices.let_go(dropped)
    return number


def title_of(store: Store, kinds: Kinds, kind: str, record_id: str) -> str | None:
    """Return the title of a record; None if there is none any more, or nobody may see it."""
    try:
        record = record_of(store, kinds, kind, record_id)
    except NotFoundError:
        return None
    return None if visibility_of(record.visibility) == HIDDEN else record.title


def test_message(endpoint: str, now: datetime) -> WebhookMessage:
    """Return a message that says nothing, to try an endpoint."""
    body = {"type": TEST, "timestamp": now.astimezone(UTC).isoformat(), "data": {}}
    return WebhookMessage(_new_id(), endpoint, orjson.dumps(body).decode(), now)


def _message(endpoint: str, request_id: str, notices: Sequence[tuple[Notice, str]], now: datetime) -> WebhookMessage:
    items = [
        {
            "number": one.number,
            "kind": one.kind,
            "record_id": one.record_id,
            "title": title,
            "score": one.score,
            "found_at": one.found_at.isoformat(),
        }
        for one, title in notices
    ]
    data = {"request_id": request_id, "notices": items}
    body = {"type": MATCHED, "timestamp": now.astimezone(UTC).isoformat(), "data": data}
    return WebhookMessage(_new_id(), endpoint, orjson.dumps(body).decode(), now)


def _new_id() -> str:
    return f"msg_{secrets.token_urlsafe(20)}"
